"""Which of our own flights would meet: room and time of one against those of all others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPoint, Point
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array, LocalFrame
from missions.volumes import Intent, Volume

_Indices = NDArray[np.intp]

# Metres per degree of latitude are at least this (at the equator); a degree of longitude is in proportion.
_LEAST_M_PER_DEG = 110_574.0
# A straight line of a local plane leaves the box of its ends in degrees by less than this share of its length.
_BOW_SHARE = 1e-3
_WEST, _SOUTH, _LOW_M, _FROM_S, _EAST, _NORTH, _HIGH_M, _UNTIL_S = range(8)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The first place and time at which two flights may be too near to each other.

    `horizontal_m`, `vertical_m`: between the two paths, 0 where they cross; conflict-free flights keep one of
    `horizontal_needed_m`, `vertical_needed_m`, or are there at different times. `pairs`: how many volumes overlap.
    """

    other: Intent
    mine: Volume
    theirs: Volume
    from_at: datetime
    until_at: datetime
    horizontal_m: float
    vertical_m: float
    horizontal_needed_m: float
    vertical_needed_m: float
    pairs: int


class _Entry(NamedTuple):
    """An intent with the boxes of its volumes, (N, 8): west, south, low, from, east, north, high, until."""

    intent: Intent
    boxes: Array


class _Meetings(NamedTuple):
    """Pairs of volumes (M,) of one intent and others that share room, whenever they do."""

    mine: _Indices
    other: _Indices  # into `entries`
    theirs: _Indices  # into the volumes of that entry
    distance_m: Array
    entries: tuple[_Entry, ...]


class Schedule:
    """The intents of all flights, planned and airborne, by their id. A value: changes give a new one.

    Longitudes are compared as they are: a fleet on both sides of the antimeridian is not served.
    """

    def __init__(self, intents: Iterable[Intent] = ()) -> None:
        self._entries: dict[str, _Entry] = {each.id: _entry(each) for each in intents}
        self._keys = tuple(self._entries)
        self._boxes = _stacked([_around(entry.boxes) for entry in self._entries.values()])

    def of(self, intents: Iterable[Intent]) -> Schedule:
        """The schedule of just these; what is here already, the very same value, is not measured again."""
        known = self._entries
        entries = {
            each.id: known[each.id] if each.id in known and known[each.id].intent is each else _entry(each)
            for each in intents
        }
        return self._with(entries, _stacked([_around(entry.boxes) for entry in entries.values()]))

    @property
    def intents(self) -> Mapping[str, Intent]:
        return MappingProxyType({key: entry.intent for key, entry in self._entries.items()})

    def added(self, intent: Intent) -> Schedule:
        """With `intent`, which replaces the one of the same id."""
        rest = self.removed(intent.id)
        entry = _entry(intent)
        return rest._with(rest._entries | {intent.id: entry}, np.vstack((rest._boxes, _around(entry.boxes))))

    def removed(self, intent_id: str) -> Schedule:
        """Without the intent of that id; the same when there is none."""
        if intent_id not in self._entries:
            return self
        index = self._keys.index(intent_id)
        kept = {key: entry for key, entry in self._entries.items() if key != intent_id}
        return self._with(kept, np.delete(self._boxes, index, axis=0))

    def conflicts(self, intent: Intent) -> tuple[Overlap, ...]:
        """The first overlap with each other flight, earliest first; () when the air is free.

        Flights of the same id are the same flight.
        """
        found = self._meetings(intent, _entry(intent).boxes, 0.0)
        return tuple(sorted(_overlaps(intent, found), key=lambda overlap: (overlap.from_at, overlap.other.id)))

    def free_delay_s(self, intent: Intent, longest_s: float) -> float | None:
        """By how many whole seconds the flight must depart later at least; None when that is more than `longest_s`.

        Exact: two volumes that share room exclude one interval of delays, and this is the first value in none.
        """
        found = self._meetings(intent, _entry(intent).boxes, longest_s)
        mine, theirs = _times(found, intent)
        low_s, high_s = theirs[:, 0] - mine[:, 1], theirs[:, 1] - mine[:, 0]
        return _first_free(sorted(zip(low_s.tolist(), high_s.tolist(), strict=True)), longest_s)

    def _with(self, entries: dict[str, _Entry], boxes: Array) -> Schedule:
        made = Schedule()
        made._entries, made._keys, made._boxes = entries, tuple(entries), boxes
        return made

    def _meetings(self, intent: Intent, boxes: Array, longest_s: float) -> _Meetings:
        """Volumes that share room with one of `intent`, whose times may overlap with a delay of up to `longest_s`."""
        reach = boxes.copy()
        reach[:, _UNTIL_S] += longest_s
        around = _around(reach)
        near = np.flatnonzero(_meet(self._boxes, around))
        entries = tuple(self._entries[self._keys[index]] for index in near if self._keys[index] != intent.id)
        theirs, other, at = _candidates(entries, around)
        mine, candidate = _box_pairs(reach, theirs)
        distance_m, shared = _shared(intent, entries, mine, other[candidate], at[candidate])
        kept = np.flatnonzero(shared)
        return _Meetings(mine[kept], other[candidate][kept], at[candidate][kept], distance_m[kept], entries)


def _first_free(taken: list[tuple[float, float]], longest_s: float) -> float | None:
    """The least whole number ≥ 0 in none of the open intervals, sorted by their low ends."""
    delay_s = 0.0
    for low, high in taken:
        if low >= delay_s:
            break
        if high > delay_s:
            delay_s = float(math.ceil(high))
    return delay_s if delay_s <= longest_s else None


def volume_feature(volume: Volume, **properties: Any) -> dict[str, Any]:
    """A volume for a map: its outline as a GeoJSON feature with altitudes and times."""
    frame = LocalFrame(volume.places[0])
    shape = _shape(frame.to_xy(volume.places)).buffer(volume.radius_m, quad_segs=8)
    told = {
        "part": str(volume.part),
        "low_amsl_m": round(volume.low_amsl_m, 1),
        "high_amsl_m": round(volume.high_amsl_m, 1),
        "from_at": volume.earliest_at.isoformat(),
        "until_at": volume.latest_at.isoformat(),
    }
    return {"type": "Feature", "geometry": frame.geojson(shape), "properties": told | properties}


def _entry(intent: Intent) -> _Entry:
    return _Entry(intent, _stacked([_box(volume) for volume in intent.volumes]))


def _box(volume: Volume) -> Array:
    lat = [at.lat_deg for at in volume.places]
    lon = [at.lon_deg for at in volume.places]
    shrink = max(0.01, math.cos(math.radians(max(abs(min(lat)), abs(max(lat))) + 0.1)))
    across_m = _LEAST_M_PER_DEG * math.hypot(max(lat) - min(lat), (max(lon) - min(lon)) * shrink)
    aside_deg = (1.01 * volume.radius_m + 1.0 + _BOW_SHARE * across_m) / _LEAST_M_PER_DEG
    return np.array(
        (
            min(lon) - aside_deg / shrink, min(lat) - aside_deg, volume.low_amsl_m, volume.earliest_at.timestamp(),
            max(lon) + aside_deg / shrink, max(lat) + aside_deg, volume.high_amsl_m, volume.latest_at.timestamp(),
        )
    )  # fmt: skip


def _stacked(rows: list[Array]) -> Array:
    return np.array(rows, dtype=np.float64).reshape(-1, 8)


def _around(boxes: Array) -> Array:
    """One box round all; without any an empty one that meets none."""
    if not len(boxes):
        return np.repeat((np.inf, -np.inf), 4)
    around: Array = np.concatenate((boxes[:, :4].min(axis=0), boxes[:, 4:].max(axis=0)))
    return around


def _meet(boxes: Array, box: Array) -> NDArray[np.bool_]:
    """Which boxes (N, 8) meet the one (8,); times and altitudes that only touch don't."""
    return np.asarray(((boxes[:, :4] < box[4:]) & (boxes[:, 4:] > box[:4])).all(axis=1))


def _candidates(entries: tuple[_Entry, ...], around: Array) -> tuple[Array, _Indices, _Indices]:
    """The boxes (M, 8) of those volumes that meet `around`; whose they are, and their number there."""
    if not entries:
        none = np.empty(0, dtype=np.intp)
        return np.empty((0, 8)), none, none
    counts = [len(entry.boxes) for entry in entries]
    boxes = np.concatenate([entry.boxes for entry in entries])
    other = np.repeat(np.arange(len(entries)), counts)
    at = np.concatenate([np.arange(count) for count in counts])
    kept = _meet(boxes, around)
    return boxes[kept], other[kept], at[kept]


def _box_pairs(mine: Array, theirs: Array) -> tuple[_Indices, _Indices]:
    """Pairs of boxes that meet in all four dimensions."""
    if not len(theirs) or not len(mine):
        none = np.empty(0, dtype=np.intp)
        return none, none
    tree = shapely.STRtree(_flat(mine))
    other, own = tree.query(_flat(theirs))
    a, b = mine[own], theirs[other]
    rest = ((a[:, 2:4] < b[:, 6:8]) & (a[:, 6:8] > b[:, 2:4])).all(axis=1)
    return own[rest], other[rest]


def _flat(boxes: Array) -> NDArray[np.object_]:
    """The boxes on the ground, (N,)."""
    return np.asarray(shapely.box(*boxes[:, (_WEST, _SOUTH, _EAST, _NORTH)].T), dtype=np.object_)


def _shared(
    intent: Intent, entries: tuple[_Entry, ...], mine: _Indices, other: _Indices, theirs: _Indices
) -> tuple[Array, NDArray[np.bool_]]:
    """How far the paths of each pair of volumes are from each other, and whether that is nearer than their radii."""
    if not len(mine):
        return np.empty(0), np.empty(0, dtype=np.bool_)
    frame = LocalFrame(intent.volumes[0].places[0])
    own, own_of = np.unique(mine, return_inverse=True)
    pairs, theirs_of = np.unique(np.column_stack((other, theirs)), axis=0, return_inverse=True)
    a = [intent.volumes[index] for index in own.tolist()]
    b = [entries[who].intent.volumes[index] for who, index in pairs.tolist()]
    distance_m = shapely.distance(_shapes(frame, a)[own_of], _shapes(frame, b)[theirs_of.reshape(-1)])
    radii_m = _radii(a)[own_of] + _radii(b)[theirs_of.reshape(-1)]
    return distance_m, distance_m < radii_m


def _radii(volumes: list[Volume]) -> Array:
    return np.array([volume.radius_m for volume in volumes])


def _shapes(frame: LocalFrame, volumes: list[Volume]) -> NDArray[np.object_]:
    xy = frame.to_xy(at for volume in volumes for at in volume.places)
    ends = np.cumsum([0, *(len(volume.places) for volume in volumes)]).tolist()
    shapes: NDArray[np.object_] = np.array(
        [_shape(xy[first:last]) for first, last in pairwise(ends)], dtype=np.object_
    )
    return shapes


def _shape(xy: Array) -> BaseGeometry:
    """What places span: (1, 2) a point, (2, 2) a line, (3, 2) a triangle."""
    match len(xy):
        case 1:
            return Point(xy[0])
        case 2:
            return LineString(xy)
        case _:
            return MultiPoint(xy).convex_hull


def _times(found: _Meetings, intent: Intent) -> tuple[Array, Array]:
    """From and until, (M, 2) seconds each, of both volumes of each pair."""
    mine = [intent.volumes[index] for index in found.mine.tolist()]
    theirs = _theirs(found)
    return _span_s(mine), _span_s(theirs)


def _theirs(found: _Meetings) -> list[Volume]:
    pairs = zip(found.other.tolist(), found.theirs.tolist(), strict=True)
    return [found.entries[who].intent.volumes[index] for who, index in pairs]


def _span_s(volumes: list[Volume]) -> Array:
    spans = [(volume.earliest_at.timestamp(), volume.latest_at.timestamp()) for volume in volumes]
    return np.array(spans, dtype=np.float64).reshape(-1, 2)


def _overlaps(intent: Intent, found: _Meetings) -> Iterator[Overlap]:
    mine, theirs = _times(found, intent)
    from_s, until_s = np.maximum(mine[:, 0], theirs[:, 0]), np.minimum(mine[:, 1], theirs[:, 1])
    for who in np.unique(found.other).tolist():
        pairs = np.flatnonzero(found.other == who)
        first = int(pairs[np.argmin(from_s[pairs])])
        own = intent.volumes[int(found.mine[first])]
        other = found.entries[who].intent.volumes[int(found.theirs[first])]
        needed_m = own.height_m + other.height_m
        apart_m = max(own.low_amsl_m, other.low_amsl_m) - min(own.high_amsl_m, other.high_amsl_m) + needed_m
        yield Overlap(
            other=found.entries[who].intent,
            mine=own,
            theirs=other,
            from_at=datetime.fromtimestamp(float(from_s[first]), UTC),
            until_at=datetime.fromtimestamp(float(until_s[first]), UTC),
            horizontal_m=float(found.distance_m[first]),
            vertical_m=max(0.0, apart_m),
            horizontal_needed_m=own.radius_m + other.radius_m,
            vertical_needed_m=needed_m,
            pairs=len(pairs),
        )
