"""Coverage: a path from which all of an area is seen, without flying where that is not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.gaps import look_in, looks
from missions.patterns.order import Moves, Nodes, Ways, arranged
from missions.patterns.rows import inset, rows
from missions.patterns.shaping import check_count
from missions.patterns.strip import Path, covered, polygons, strips, unseen
from missions.patterns.tighten import tightened

# What may stay unseen, as a share of the target: a corner between two rows costs more metres than it is worth.
SPARE = 4.7e-4
# How much of half a swath is not asked for beyond the edge of what is free: only a flight along the very edge would
# show it, all around every forbidden place.
RIM = 0.1
_CRUMB = 2e-6  # parts below this share of the target are not looked for
_EDGE_M = 0.01  # places on the very edge are not always found free again
_MORE_TRIES = 80  # for vertices beside one that was moved
_MOST_TO_REPEAT = 150  # vertices: a longer path is tightened once only
# Headings with more rows than this many times those of the best one, and so many, are not tried.
_MORE_ROWS, _FEW_ROWS = 4, 20
# Reaches for a square reach: found best of 10, 14, 20 and 40 on twelve areas.
_PRICE = 14.0
# Metres per metre of missing swath that detours to it take: least squares over 216 plans gave 3.2.
_METRES_FOR_MISSING = 3.2


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search, in steps that are counted, not in time: the more rows a sweep has, the fewer are compared.

    Rows in all sweeps that are tried, in those of them that are completed, in those that are then tightened.
    Each heading is tried with all of `insets`, how far the ends of rows are drawn in from the edge, in swaths, and
    of `spares`, the share of a swath that may stay over beside the outermost rows. `look_rounds`: how often what is
    still missing is looked for; once leaves up to 0.2 % of the area unseen.
    """

    insets: tuple[float, ...]
    spares: tuple[float, ...]
    rows_swept: int
    rows_completed: int
    rows_tightened: int
    look_rounds: int


QUICK = Effort(insets=(0.2,), spares=(0.0,), rows_swept=0, rows_completed=0, rows_tightened=0, look_rounds=1)
THOROUGH = Effort(
    insets=(0.15, 0.3), spares=(0.0, 0.4), rows_swept=400, rows_completed=100, rows_tightened=24, look_rounds=4
)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One connected part to fly in (`inner`: clear of its edge), what must be seen from there, and half a swath."""

    room: Polygon
    inner: BaseGeometry
    target: BaseGeometry
    reach_m: float
    ways: Ways
    home: Array | None
    look_rounds: int

    @property
    def spare_m2(self) -> float:
        return SPARE * float(self.target.area)


def coverage(
    area: Polygon,
    free: Ways,
    swath_m: float,
    *,
    alt_rel_m: float,
    heading_deg: float | None = None,
    home: Array | None = None,
    effort: Effort = THOROUGH,
) -> tuple[Piece, ...]:
    """Pieces from which at least 99.95 % is seen of all of `area` that can be seen from the free part of it,
    a `RIM` left out.

    Seen is what lies within half of `swath_m` of a working leg. Those stay in the area and where `free` allows; ways
    between them may leave the area, then with the sensor off, never what is free. `heading_deg`: true bearing of
    the rows; None takes what gives the shortest path. `home` (2,): where the vehicle comes from and returns to.
    Free parts of the area that nothing joins within it come as pieces of their own, each of them complete; () when
    flying is allowed nowhere in the area. Raises InvalidRequest for more rows than a plan can have.
    """
    room = free.part_of(area)
    deep_m = (1 - RIM) * swath_m / 2
    rest = shapely.intersection(area, shapely.buffer(room, deep_m))
    least_m2 = SPARE * rest.area
    pieces: list[Piece] = []
    for part in sorted(polygons(room), key=shapely.area, reverse=True):
        target = shapely.intersection(rest, shapely.buffer(part, deep_m))
        if target.area <= least_m2:
            continue
        shapely.prepare(part)
        task = _Task(part, inset(part, _EDGE_M), target, swath_m / 2, free, home, effort.look_rounds)
        path = _covering(task, heading_deg, effort)
        rest = shapely.difference(rest, shapely.union_all(strips(path.legs, swath_m / 2)))
        pieces += _pieces(path, part, free, alt_rel_m)
    return tuple(pieces)


def _covering(task: _Task, heading_deg: float | None, effort: Effort) -> Path:
    """The shortest complete path of those tried."""
    likely = _headings(task) if heading_deg is None else [heading_deg]
    count = max(1, len(rows(task.room, task.room, 2 * task.reach_m, likely[0])))
    check_count(2 * count, "spacing_m")
    cores = [inset(task.room, share * 2 * task.reach_m) for share in effort.insets]
    variants = list(product(likely, cores, effort.spares))[: 1 + effort.rows_swept // count]
    swept = [_swept(task, heading, core, spare) for heading, core, spare in variants]
    few = 1 + effort.rows_completed // count
    if few < len(swept):
        swept = sorted(swept, key=lambda path: _outlook_m(path, task))[:few]
    complete = sorted((_complete(path, task) for path in swept), key=_length_m)
    if not effort.rows_tightened:
        return complete[0]
    improved = [_tighter(_rearranged(path, task), task) for path in complete[: 1 + effort.rows_tightened // count]]
    best = min(improved, key=_length_m)
    return _tighter(best, task) if len(best.xy) <= _MOST_TO_REPEAT else best


def _tighter(path: Path, task: _Task) -> Path:
    tries = len(path.xy) + _MORE_TRIES
    tight = tightened(path, task.target, task.room, task.reach_m, price=_PRICE, most_tries=tries)
    return min(path, _complete(tight, task), key=_length_m)


def _length_m(path: Path) -> float:
    return path.length_m


def _outlook_m(path: Path, task: _Task) -> float:
    """About how long the path will be when it is complete."""
    missing_m2 = shapely.area(unseen(task.target, path, task.reach_m, task.room)).sum()
    return path.length_m + _METRES_FOR_MISSING * float(missing_m2) / (2 * task.reach_m)


def _headings(task: _Task) -> list[float]:
    """Bearings of rows, every 15 degrees and along the longest edges; first those with little to fly and to turn."""
    edges = np.diff(shapely.get_coordinates(task.room.exterior), axis=0)
    longest = edges[np.argsort(-np.hypot(*edges.T))[:4]]
    bearings = {round(float(deg), 1) for deg in np.degrees(np.arctan2(longest[:, 0], longest[:, 1])) % 180.0}
    costs = []
    for bearing in sorted(bearings | set(np.arange(0.0, 180.0, 15.0).tolist())):
        found = rows(task.room, task.room, 2 * task.reach_m, bearing)
        metres = float(np.hypot(*(found[:, 1] - found[:, 0]).T).sum())
        costs.append((metres + 1.2 * task.reach_m * len(found), bearing, len(found)))
    costs.sort()
    # Across a long strip there are thousands of short rows, which take minutes to order and are never the best.
    most = _MORE_ROWS * costs[0][2] + _FEW_ROWS
    return [bearing for _, bearing, count in costs if count <= most]


def _swept(task: _Task, heading_deg: float, core: BaseGeometry, spare: float) -> Path:
    """All rows of one heading, in a good order, with the ways between them."""
    ends = rows(task.room, core, 2 * task.reach_m, heading_deg, spare)
    if not len(ends):
        middle = shapely.get_coordinates(task.room.representative_point())
        return Path(np.concatenate((middle, middle)), np.array([False]))
    moves = Moves(ends, task.ways, task.room, task.home)
    return _joined(moves, arranged(moves), np.ones(len(ends), dtype=np.bool_))


def _rearranged(path: Path, task: _Task) -> Path:
    """The rows and the places looked from, in another order where that makes the path shorter."""
    rows_at = np.flatnonzero(path.row)
    alone = np.ones(len(path.xy), dtype=np.bool_)
    alone[rows_at] = alone[rows_at + 1] = False
    places_at = np.flatnonzero(alone)
    first, last = np.append(rows_at, places_at), np.append(rows_at + 1, places_at)
    order = np.argsort(first)
    moves = Moves(np.stack((path.xy[first[order]], path.xy[last[order]]), axis=1), task.ways, task.room, task.home)
    other = _joined(moves, arranged(moves, 2 * np.arange(len(order))), (first != last)[order])
    return min(path, _complete(other, task), key=_length_m)


def _joined(moves: Moves, entries: Nodes, row: NDArray[np.bool_]) -> Path:
    """The stretches in order and the ways between them; where there is no way, the straight line."""
    xy, rows_ = [moves.nodes[entries[0]]], []
    for entry, following in pairwise([*entries.tolist(), None]):
        if row[entry // 2]:
            xy.append(moves.nodes[entry ^ 1])
            rows_.append(True)
        if following is not None:
            bends = moves.bends(entry ^ 1, following)
            xy += [*bends, moves.nodes[following]]
            rows_ += [False] * (len(bends) + 1)
    return Path(np.array(xy), np.array(rows_))


def _complete(path: Path, task: _Task) -> Path:
    """The path with detours to all places from which it must still look."""
    for _ in range(task.look_rounds):
        parts = unseen(task.target, path, task.reach_m, task.room)
        if shapely.area(parts).sum() <= 1.03 * task.spare_m2:
            break
        wanted = looks(parts, task.reach_m, task.inner, _CRUMB * task.target.area)
        path = look_in(path, wanted, task.room, task.spare_m2)
    return path


def _pieces(path: Path, room: BaseGeometry, free: Ways, alt_rel_m: float) -> Iterator[Piece]:
    """The path cut where it leaves the room: there the sensor is off, and a free way is asked for once more."""
    xy = path.xy[np.append(True, np.hypot(*np.diff(path.xy, axis=0).T) > 0)]
    working = covered(room, np.stack((xy[:-1], xy[1:]), axis=1))
    cuts = [0, *(np.flatnonzero(np.diff(working)) + 1).tolist(), len(working)]
    for begin, end in pairwise(cuts) if len(working) else [(0, 0)]:
        on = len(working) == 0 or bool(working[begin])
        stretch = xy[begin : end + 1] if on else free.way(xy[begin], xy[end])
        if stretch is not None:
            yield Piece(np.column_stack((stretch, np.full(len(stretch), alt_rel_m))), on)
