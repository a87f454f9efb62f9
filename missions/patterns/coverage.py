"""Coverage: a path from which all of an area is seen, without flying where that is not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.gaps import look_in, looks
from missions.patterns.order import Moves, Nodes, Ways, arranged
from missions.patterns.rows import rows
from missions.patterns.strip import Path, covered, polygons, strips, unseen
from missions.patterns.tighten import tightened

# What may stay unseen, as a share of the target: a corner between two rows costs more metres than it is worth.
SPARE = 4e-4
_CRUMB = 2e-6  # parts below this share of the target are not looked for
_LOOKS_ROUNDS = 4
# Reaches for a square reach: a row that ends a fifth of a swath from the edge saves 20 times what the corner costs.
_PRICE = 20.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search: `headings` compared, `insets` of the rows from the edge (in swaths) tried for each, plans
    that are `tightened`, with so many `tries`."""

    headings: int
    insets: tuple[float, ...]
    tightened: int
    tries: int


QUICK = Effort(headings=1, insets=(0.2,), tightened=0, tries=0)
THOROUGH = Effort(headings=6, insets=(0.15, 0.25), tightened=2, tries=300)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One connected part to fly in, what must be seen from there, and the reach: half a swath."""

    room: Polygon
    target: BaseGeometry
    reach_m: float
    ways: Ways
    home: Array | None

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
    """Pieces from which at least 99.95 % is seen of all of `area` that can be seen from where flying is allowed.

    Seen is what lies within half of `swath_m` of a leg. Working legs stay in the area and in the free region; ways
    between them may leave the area, then with the sensor off, never the free region. `heading_deg`: true bearing of
    the rows; None takes what gives the shortest path. `home` (2,): where the vehicle comes from and returns to.
    Parts of the area that no free way joins come as pieces of their own, each of them complete; () when flying is
    allowed nowhere in the area.
    """
    room = shapely.intersection(area, free.free_region(area.bounds))
    rest = shapely.intersection(area, shapely.buffer(room, swath_m / 2))
    least_m2 = SPARE * rest.area
    pieces: list[Piece] = []
    for part in sorted(polygons(room), key=shapely.area, reverse=True):
        target = shapely.intersection(rest, shapely.buffer(part, swath_m / 2))
        if target.area <= least_m2:
            continue
        shapely.prepare(part)
        path = _covering(_Task(part, target, swath_m / 2, free, home), heading_deg, effort)
        rest = shapely.difference(rest, shapely.union_all(strips(path.legs, swath_m / 2)))
        pieces += _pieces(path, part, alt_rel_m)
    return tuple(pieces)


def _covering(task: _Task, heading_deg: float | None, effort: Effort) -> Path:
    """The shortest complete path of those tried."""
    headings = _headings(task, effort.headings) if heading_deg is None else [heading_deg]
    found = [_complete(_swept(task, heading, inset), task) for heading in headings for inset in effort.insets]
    found.sort(key=lambda path: path.length_m)
    shorter = [_complete(_shortened(path, task, effort), task) for path in found[: effort.tightened]]
    return min((*found[:1], *shorter), key=lambda path: path.length_m)


def _shortened(path: Path, task: _Task, effort: Effort) -> Path:
    return tightened(path, task.target, task.room, task.reach_m, price=_PRICE, most_tries=effort.tries)


def _headings(task: _Task, count: int) -> list[float]:
    """The most promising bearings of rows: every ten degrees and along the longest edges, by rows and turns."""
    edges = np.diff(shapely.get_coordinates(task.room.exterior), axis=0)
    longest = edges[np.argsort(-np.hypot(*edges.T))[:6]]
    bearings = {round(float(deg), 1) for deg in np.degrees(np.arctan2(longest[:, 0], longest[:, 1])) % 180.0}
    costs = []
    for bearing in sorted(bearings | set(np.arange(0.0, 180.0, 10.0).tolist())):
        found = rows(task.room, 2 * task.reach_m, bearing, 0.2 * task.reach_m)
        metres = float(np.hypot(*(found[:, 1] - found[:, 0]).T).sum())
        costs.append((metres + 1.2 * task.reach_m * len(found), bearing))
    return [bearing for _, bearing in sorted(costs)[:count]]


def _swept(task: _Task, heading_deg: float, inset: float) -> Path:
    """All rows of one heading, in a good order, with the ways between them."""
    swath_m = 2 * task.reach_m
    ends = rows(task.room, swath_m, heading_deg, inset * swath_m)
    if not len(ends):
        middle = shapely.get_coordinates(task.room.representative_point())
        return Path(np.concatenate((middle, middle)), np.array([False]))
    moves = Moves(ends, task.ways, task.room, task.home)
    return _joined(moves, arranged(moves))


def _joined(moves: Moves, entries: Nodes) -> Path:
    """The stretches in order and the ways between them; where there is no way, the straight line."""
    xy, row = [moves.nodes[entries[0]]], []
    for entry, following in pairwise([*entries.tolist(), None]):
        xy.append(moves.nodes[entry ^ 1])
        row.append(True)
        if following is not None:
            bends = moves.bends(entry ^ 1, following)
            xy += [*bends, moves.nodes[following]]
            row += [False] * (len(bends) + 1)
    return Path(np.array(xy), np.array(row))


def _complete(path: Path, task: _Task) -> Path:
    """The path with detours to all places from which it must still look."""
    for _ in range(_LOOKS_ROUNDS):
        parts = unseen(task.target, path, task.reach_m, task.room)
        if shapely.area(parts).sum() <= 1.05 * task.spare_m2:
            break
        wanted = looks(parts, task.reach_m, task.room, _CRUMB * task.target.area)
        path = look_in(path, wanted, task.room, task.spare_m2)
    return path


def _pieces(path: Path, room: BaseGeometry, alt_rel_m: float) -> Iterator[Piece]:
    """The path cut where it leaves the room, as there the sensor is off."""
    distinct = np.append(True, np.hypot(*np.diff(path.xy, axis=0).T) > 0)
    xyz = np.column_stack((path.xy, np.full(len(path.xy), alt_rel_m)))[distinct]
    working = covered(room, np.stack((xyz[:-1, :2], xyz[1:, :2]), axis=1))
    cuts = [0, *(np.flatnonzero(np.diff(working)) + 1).tolist(), len(working)]
    if len(xyz) == 1:
        yield Piece(xyz)
    for begin, end in pairwise(cuts):
        if end > begin:
            yield Piece(xyz[begin : end + 1], bool(working[begin]))
