"""Patterns: how a drawn line or area becomes a path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.affinity import rotate
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from missions.patterns.inside import Inside, roomy

MOST_WAYPOINTS = 300
# How a waypoint counts when directions are compared: a turn costs about what 20 m of flight cost.
_TURN_M = 20.0
_MOST_HEADINGS = 8
_SAME_M = 0.05
_ROW_TOLERANCE = 0.02  # of a spacing: a field 400.3 m wide has ten rows of 40 m, not eleven
# Ways between rows keep this far inside the drawn edge; rows end further in, the spacing being 5 m at least.
_EDGE_M = 1.0


@dataclass(eq=False)
class TooManyWaypoints(Exception):
    """The pattern needs more waypoints than a plan may have; `at_least` of them."""

    at_least: int


@dataclass(frozen=True, slots=True)
class Row:
    """A piece of a sweep row in the turned plane: from (left, y) to (right, y), metres."""

    left: float
    right: float
    y: float


def route(line: Sequence[LatLon]) -> tuple[LatLon, ...]:
    """The line as drawn. Raises TooManyWaypoints."""
    if len(line) > MOST_WAYPOINTS:
        raise TooManyWaypoints(len(line))
    return tuple(line)


def survey(
    ring: Sequence[LatLon],
    holes: Sequence[Sequence[LatLon]],
    spacing_m: float,
    heading_deg: float | None,
    start: LatLon,
) -> tuple[LatLon, ...]:
    """Rows over an area with holes, `spacing_m` apart at most, the outer ones half that inside; no leg leaves it.

    `ring` and each hole: N ≥ 3 vertices, open. `heading_deg`: true bearing of the rows; None takes the direction
    with the shortest path. It begins at the corner nearest to `start`. An area too narrow for
    the half spacing is drawn in by less. Raises TooManyWaypoints.
    """
    frame = LocalFrame(start)
    area = frame.polygon(ring, holes)
    headings = [heading_deg] if heading_deg is not None else _headings(area)
    sweeps = sorted((_sweep(area, spacing_m, heading) for heading in headings), key=_effort_m)
    possible = [sweep for sweep in sweeps if _waypoints(sweep) <= MOST_WAYPOINTS]
    if not possible:
        raise TooManyWaypoints(min(_waypoints(sweep) for sweep in sweeps))
    path = _join(possible[0], Inside(roomy(area, _EDGE_M, spacing_m / 8)))
    return frame.to_places(path)


def _waypoints(sweep: list[list[Array]]) -> int:
    """The ends of all rows; bends on the ways between them come on top."""
    return sum(len(entries[0]) for entries in sweep)


def _effort_m(sweep: list[list[Array]]) -> float:
    """A measure to compare directions by: metres along and between rows, turns, and ways from chain to chain."""
    within = sum(float(np.hypot(*np.diff(entries[0], axis=0).T).sum()) for entries in sweep)
    starts = np.array([entries[0][0] for entries in sweep])
    return within + _TURN_M * _waypoints(sweep) + float(np.hypot(*np.ptp(starts, axis=0))) * (len(sweep) > 1)


def _headings(area: Polygon) -> list[float]:
    """Directions worth trying: along the hull's longest edges, bearings in degrees."""
    corners = shapely.get_coordinates(area.convex_hull)
    edges = np.diff(corners, axis=0)
    longest = edges[np.argsort(-np.hypot(*edges.T))]
    bearings = np.degrees(np.arctan2(longest[:, 0], longest[:, 1])) % 180.0
    return list({round(bearing): bearing for bearing in reversed(bearings.tolist())}.values())[
        : -_MOST_HEADINGS - 1 : -1
    ]


def _sweep(area: Polygon, spacing_m: float, heading_deg: float) -> list[list[Array]]:
    """The chains of rows of one direction, each as the ways to sweep it, in metres."""
    turn_deg = heading_deg - 90.0  # so that the rows run along x
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    back = np.array([[cos, -sin], [sin, cos]])  # for points as rows, from the turned plane
    chains = _chains(list(_rows(rotate(area, turn_deg, origin=(0.0, 0.0)), spacing_m)))
    return [[entry @ back for entry in _entries(chain)] for chain in chains]


def _inset(area: Polygon, by_m: float) -> BaseGeometry:
    """The area drawn in, by less where nothing would be left of it."""
    for share in (1.0, 2.0, 4.0, 8.0):
        smaller = area.buffer(-by_m / share, join_style="mitre", mitre_limit=2.0)
        if not smaller.is_empty:
            return smaller
    return area


def _rows(area: Polygon, spacing_m: float) -> Iterator[tuple[Row, ...]]:
    """Row by row from the lowest, the pieces of it from left to right; they end a quarter spacing inside the area.

    The gaps are even, and half a gap lies below the first row and above the last.
    """
    left, low, right, high = area.bounds
    count = max(1, math.ceil((high - low) / spacing_m - _ROW_TOLERANCE))
    if 2 * count > MOST_WAYPOINTS:
        raise TooManyWaypoints(2 * count)
    gap_m = (high - low) / count
    core = _inset(area, gap_m / 4)
    for index in range(count):
        y = low + (index + 0.5) * gap_m
        cut = shapely.intersection(core, LineString([(left - 1.0, y), (right + 1.0, y)]))
        spans = sorted(part.bounds for part in shapely.get_parts(cut) if not part.is_empty)
        yield tuple(Row(span[0], span[2], y) for span in spans)


def _chains(rows: list[tuple[Row, ...]]) -> list[list[Row]]:
    """Rows that continue one another: each meets exactly one in the next row and is the only one to meet it.

    These are the cells of a boustrophedon decomposition, each swept in one go.
    """
    done: list[list[Row]] = []
    open_chains: list[list[Row]] = []
    for row in rows:
        meets = [[piece for piece in row if _overlap(chain[-1], piece)] for chain in open_chains]
        wanted = [piece for pieces in meets for piece in pieces]
        going_on: list[list[Row]] = []
        for chain, pieces in zip(open_chains, meets, strict=True):
            if len(pieces) == 1 and wanted.count(pieces[0]) == 1:
                chain.append(pieces[0])
                going_on.append(chain)
            else:
                done.append(chain)
        taken = [chain[-1] for chain in going_on]
        open_chains = going_on + [[piece] for piece in row if piece not in taken]
    return done + open_chains


def _overlap(a: Row, b: Row) -> bool:
    return a.left <= b.right and b.left <= a.right


def _join(chains: list[list[Array]], inside: Inside) -> Array:
    """All chains, each given as the ways to sweep it, one after the other: next is the one that begins nearest.

    Parts of the area that no way inside joins are reached by the straight line, which `evaluate` judges.
    """
    path = np.zeros((1, 2))  # home, which is not part of the result
    left = dict(enumerate(chains))
    while left:
        key, entry = min(
            ((key, entry) for key, entries in left.items() for entry in entries),
            key=lambda choice: math.dist(choice[1][0], path[-1]),
        )
        del left[key]
        path = np.vstack((path, entry[:1])) if len(path) == 1 else _extend(path, entry[:1], inside)
        path = _extend(path, entry[1:], inside)
        if len(path) > MOST_WAYPOINTS + 1:
            raise TooManyWaypoints(len(path) - 1 + sum(len(entries[0]) for entries in left.values()))
    return path[1:]


def _entries(chain: list[Row]) -> Iterator[Array]:
    """The four ways to sweep a chain: from its first or last row, from the left or the right. Shape (2 · rows, 2)."""
    for rows in (chain, chain[::-1]):
        for leftwards in (False, True):
            yield np.array(
                [
                    (x, row.y)
                    for index, row in enumerate(rows)
                    for x in ((row.right, row.left) if leftwards == (index % 2 == 0) else (row.left, row.right))
                ]
            )


def _extend(path: Array, points: Array, inside: Inside) -> Array:
    """The path with the points after it, and the bends needed to stay inside on the way; none twice in a row."""
    for point in points:
        if math.dist(path[-1], point) < _SAME_M:
            continue
        way = inside.way(path[-1], point)
        path = np.vstack((path, point if way is None else way[1:]))
    return path
