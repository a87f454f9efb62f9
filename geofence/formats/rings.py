"""From positions as a file has them to shapes: checked, converted, and repaired where they can mean two areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon

from core.geo import LatLon
from core.members import below, json_kind
from geofence.formats.crs import Crs, to_wgs84
from geofence.formats.intake import MOST_RING_VERTICES, MOST_RINGS, Intake, refusal
from geofence.formats.repair import check_tangle, is_sound, repaired
from geofence.formats.report import Change
from geofence.frame import Array
from geofence.geometry import MOST_ZONE_VERTICES
from geofence.zones import CircleShape, PolygonShape, Role

LARGEST_RADIUS_M = 100_000.0
SMALLEST_RADIUS_M = 1.0
# Rings with fewer edges are tested as they are: even all across each other they take no time.
_FEW_EDGES = 200
# The shift of GCJ-02 bends an edge: by 6 cm over 1 km, by 1.5 m over 5 km (its shortest wave is 37 km long).
_LONGEST_SHIFTED_EDGE_DEG = 0.009
_NUMBERS = (float, int)
_TOO_FEW = "a ring needs at least 3 different positions"
_SWAPPED = "latitude and longitude look swapped: {order}"


@dataclass(frozen=True, slots=True)
class RawRing:
    """A ring as the file has it: `lonlat` (N, 2), longitude first, perhaps closed; `path` leads to it."""

    lonlat: Array
    path: str


def positions(value: object, path: str, intake: Intake, *, latitude_first: bool = False) -> Array | None:
    """A decoded JSON array of [lon, lat] or [lon, lat, height], height left out; None when one is noted as wrong."""
    if not isinstance(value, list):
        intake.problems.add(path, f"must be an array of positions, not {json_kind(value)}")
        return None
    if len(value) > MOST_RING_VERTICES + 1:
        raise refusal(path, f"the ring has {len(value)} positions; at most {MOST_RING_VERTICES} are read")
    for index, pair in enumerate(value):
        if not _is_position(pair):
            intake.problems.add(below(path, index), f"must be two or three numbers, not {_shown(pair)}")
            return None
    if any(len(pair) > 2 for pair in value):
        intake.note_once(path, Change.LEFT_OUT, "the heights of single positions; a zone has one band of altitudes")
    flat = [number for pair in value for number in pair[:2]]
    found = numbers(flat, path, intake)
    if found is None:
        return None
    return found[:, ::-1] if latitude_first else found


def polygon_shapes(
    rings: object, path: str, role: Role, intake: Intake, *, latitude_first: bool = False
) -> tuple[PolygonShape, ...]:
    """As `shapes`, of the rings of a decoded JSON polygon."""
    if not isinstance(rings, list) or not rings:
        intake.problems.add(path, "must be an array of rings")
        return ()
    read: list[RawRing] = []
    for index, ring in enumerate(rings):
        lonlat = positions(ring, below(path, index), intake, latitude_first=latitude_first)
        if lonlat is not None:
            read.append(RawRing(lonlat, below(path, index)))
    if len(read) < len(rings):
        return ()
    order = "latitude comes first" if latitude_first else "longitude comes first"
    return shapes(read, path, role, intake, order=order)


def numbers(flat: Sequence[float], path: str, intake: Intake) -> Array | None:
    """Numbers in pairs as (N, 2); None when one is too large for a float."""
    try:
        return np.array(flat, dtype=np.float64).reshape(-1, 2)
    except OverflowError:
        intake.problems.add(path, "has a number that is too large")
        return None


def position(value: object, path: str, intake: Intake, *, latitude_first: bool = False) -> LatLon | None:
    """One decoded JSON position as a place in WGS-84; None when it is noted as wrong."""
    if not _is_position(value):
        intake.problems.add(path, f"must be two or three numbers, not {_shown(value)}")
        return None
    assert isinstance(value, list)
    lonlat = numbers(value[1::-1] if latitude_first else value[:2], path, intake)
    order = "latitude comes first" if latitude_first else "longitude comes first"
    return None if lonlat is None else place(lonlat, path, intake, order=order)


def place(lonlat: Array, path: str, intake: Intake, *, order: str) -> LatLon | None:
    """One position, (1, 2), as a place in WGS-84."""
    checked = _in_range(lonlat, path, intake, order=order)
    if checked is None:
        return None
    lon, lat = to_wgs84(checked, intake.crs)[0].tolist()
    return LatLon(lat, lon)


def circle(center: LatLon | None, radius_m: float | None, path: str, intake: Intake) -> CircleShape | None:
    """A circle, when its centre was readable and its radius is one."""
    if radius_m is None or not SMALLEST_RADIUS_M <= radius_m <= LARGEST_RADIUS_M:
        told = "missing" if radius_m is None else f"{radius_m:g} m"
        intake.problems.add(path, f"the radius is {told}; it must be from 1 to {LARGEST_RADIUS_M:g} m")
        return None
    intake.spend_vertices(1, path)
    return CircleShape(center, radius_m) if center else None


def shapes(
    rings: Sequence[RawRing], path: str, role: Role, intake: Intake, *, order: str = "longitude comes first"
) -> tuple[PolygonShape, ...]:
    """The area of an outer ring and its holes, in parts when a repair cut it; () when something was noted as wrong.

    `order`: how positions are written in this format, for the hint when they look swapped.
    """
    if len(rings) > MOST_RINGS:
        raise refusal(path, f"the polygon has {len(rings)} rings; at most {MOST_RINGS} are read")
    _check_size([len(ring.lonlat) for ring in rings], path)
    settled = [_settled(ring, intake, order=order) for ring in rings]
    sound = [ring for ring in settled if ring is not None]
    if not rings or len(sound) < len(settled):
        return ()
    _check_size([len(ring) for ring in sound], path)
    outer, *holes = sound
    for ring, raw in zip(sound, rings, strict=True):
        if len(ring) > _FEW_EDGES:
            check_tangle(ring, raw.path, intake)
    polygon = Polygon(outer, holes)
    if intake.counter_clockwise and not polygon.exterior.is_ccw:
        intake.note_once(path, Change.REPAIRED, "the outer ring runs clockwise; read as what it encloses")
    if is_sound(polygon):
        return (PolygonShape(_open(outer), tuple(_open(hole) for hole in holes)),)
    return _repaired(outer, holes, path, role, intake)


def _check_size(lengths: Sequence[int], path: str) -> None:
    """Raises InvalidRequest for closed rings of so many positions that no zone may have them."""
    if sum(lengths) > MOST_ZONE_VERTICES + len(lengths):
        raise refusal(path, f"the polygon has more than {MOST_ZONE_VERTICES} vertices in all")


def _repaired(
    outer: Array, holes: Sequence[Array], path: str, role: Role, intake: Intake
) -> tuple[PolygonShape, ...]:
    larger = role is not Role.INCLUSION
    found = repaired(outer, holes, larger=larger, path=path, intake=intake)
    if not found.parts:
        intake.problems.add(path, "the ring encloses no area that every reading of it shares, or none at all")
        return ()
    why = shapely.is_valid_reason(Polygon(outer, holes)).partition("[")[0].lower()
    side = "all that its rings may cover" if larger else "the largest area that they surely cover"
    pieces = f", {len(found.parts)} parts" if len(found.parts) > 1 else ""
    told = f"rings with more than one reading ({why}): read as {side}{pieces}"
    intake.note(path, Change.REPAIRED, told, round(found.change_m2, 2))
    sizes = [int(shapely.get_num_coordinates(part)) for part in found.parts]
    _check_size([max(sizes)], path)
    intake.spend_vertices(sum(sizes), path)
    return tuple(_shape(part) for part in found.parts)


def _settled(raw: RawRing, intake: Intake, *, order: str) -> Array | None:
    """A closed ring in WGS-84 without repeated positions, (N ≥ 4, 2)."""
    intake.spend_vertices(len(raw.lonlat), raw.path)
    if len(raw.lonlat) > MOST_RING_VERTICES + 1:
        raise refusal(raw.path, f"the ring has {len(raw.lonlat)} positions; at most {MOST_RING_VERTICES} are read")
    lonlat = _in_range(raw.lonlat, raw.path, intake, order=order) if len(raw.lonlat) else None
    if lonlat is None:
        if not len(raw.lonlat):
            intake.problems.add(raw.path, _TOO_FEW)
        return None
    ring = lonlat[np.r_[True, (np.diff(lonlat, axis=0) != 0.0).any(axis=1)]]
    if len(ring) < len(lonlat):
        intake.note(raw.path, Change.REPAIRED, f"{len(lonlat) - len(ring)} repeated positions left out", 0.0)
    if len(ring) > 1 and (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    others = ring[(ring != ring[0]).any(axis=1)] if len(ring) else ring
    if not len(others) or not (others != others[0]).any():
        intake.problems.add(raw.path, _TOO_FEW)
        return None
    return _converted(np.concatenate((ring, ring[:1])), raw.path, intake)


def _in_range(lonlat: Array, path: str, intake: Intake, *, order: str) -> Array | None:
    if not np.isfinite(lonlat).all():
        at = int(np.argmin(np.isfinite(lonlat).all(axis=1)))
        intake.problems.add(_member(path, at, lonlat), "is not a finite number")
        return None
    lon, lat = lonlat.T
    swapped = (np.abs(lat) > 90.0) & (np.abs(lat) <= 180.0) & (np.abs(lon) <= 90.0)
    if swapped.any():
        intake.problems.add(_member(path, int(swapped.argmax()), lonlat), _SWAPPED.format(order=order))
        return None
    wrong = (np.abs(lat) > 90.0) | (np.abs(lon) > 180.0)
    if wrong.any():
        at = int(wrong.argmax())
        told = f"longitude {lon[at]:g}, latitude {lat[at]:g} is not on earth"
        intake.problems.add(_member(path, at, lonlat), told)
        return None
    if len(lon) > 1 and np.abs(np.diff(lon)).max() > 180.0:
        intake.problems.add(path, "crosses the antimeridian; split it there (RFC 7946, section 3.1.9)")
        return None
    return lonlat


def _member(path: str, index: int, lonlat: Array) -> str:
    """The path to one of several positions; that of a single one is its own."""
    return below(path, index) if len(lonlat) > 1 else path


def _converted(ring: Array, path: str, intake: Intake) -> Array:
    """The closed ring in WGS-84; long edges of a shifted system get vertices between, as its lines are bent."""
    if intake.crs in (Crs.WGS84, Crs.CGCS2000):
        return ring
    finer = shapely.get_coordinates(shapely.segmentize(shapely.linestrings(ring), _LONGEST_SHIFTED_EDGE_DEG))
    if len(finer) > MOST_RING_VERTICES + 1:
        raise refusal(path, f"edges so long that the conversion needs {len(finer)} vertices")
    intake.spend_vertices(len(finer) - len(ring), path)
    found = to_wgs84(finer, intake.crs)
    found[-1] = found[0]
    return found


def _shape(polygon: Polygon) -> PolygonShape:
    outer, *holes = (shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors))
    return PolygonShape(_open(outer), tuple(_open(hole) for hole in holes))


def _open(ring: Array) -> tuple[LatLon, ...]:
    return tuple(LatLon(lat, lon) for lon, lat in ring[:-1].tolist())


def _is_position(pair: object) -> bool:
    """Whether it is a list of two or three, the first two numbers: a boolean is none, though Python has it so."""
    return isinstance(pair, list) and 2 <= len(pair) <= 3 and type(pair[0]) in _NUMBERS and type(pair[1]) in _NUMBERS


def _shown(pair: object) -> str:
    return f"{len(pair)} values" if isinstance(pair, list) and not 2 <= len(pair) <= 3 else f"{pair!r:.60}"
