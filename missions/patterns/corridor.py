"""Lanes along a line: both banks of a river, the strip above a pipeline, a road."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, check_count

# Shares of the swath. Wiggles of a line smaller than this are smoothed out of it.
_WIGGLE = 0.02
# What stays unseen where lanes end or meet may be this large (of a square swath) before another lane is laid there.
_CRUMB = 0.01
_ROUND_TOLERANCE = 0.02  # a strip 81 m wide has two lanes of 40 m, not three
_MOST_FILLS = 3
_LANE_ENDS_M = 0.5


def corridor(
    line: Array, alt_rel_m: float, *, width_m: float, spacing_m: float, banks: bool = False, home: Array | None = None
) -> tuple[Piece, ...]:
    """Lanes `spacing_m` apart at most over the strip of `width_m` around `line`, (N ≥ 2, 2) metres.

    They run there and back in turn and begin at the end nearest to `home` (2,). With `banks` only the two edges of
    the strip are flown. Where the line bends so sharply or comes back so near that lanes end, the strip between them
    gets lanes of its own. Raises InvalidRequest when that takes too many waypoints.
    """
    swath_m = width_m if banks else spacing_m
    centre = shapely.simplify(LineString(line), _WIGGLE * swath_m)
    offsets = [width_m / 2, -width_m / 2] if banks else _offsets(width_m, spacing_m)
    check_count(2.0 * len(offsets), "spacing_m")
    lanes = [_lane(centre, offset_m, _WIGGLE * swath_m) for offset_m in offsets]
    pieces = _there_and_back(lanes, np.zeros(2) if home is None else home)
    if not banks:
        strip = shapely.buffer(centre, width_m / 2, cap_style="flat", join_style="round")
        pieces += list(_fills(strip, pieces, spacing_m / 2))
    check_count(sum(len(each) for each in pieces), "width_m" if banks else "spacing_m")
    return tuple(Piece(at_height(each, alt_rel_m)) for each in pieces)


def _offsets(width_m: float, spacing_m: float) -> list[float]:
    """Distances from the line, left is positive: even gaps, half a gap to each edge."""
    count = max(1, math.ceil(width_m / spacing_m - _ROUND_TOLERANCE))
    return [width_m * ((index + 0.5) / count - 0.5) for index in range(count)][::-1]


def _lane(centre: LineString, offset_m: float, wiggle_m: float) -> list[Array]:
    """The lane in the direction of the line, in parts where it would come nearer to the line than `offset_m`."""
    if abs(offset_m) < _LANE_ENDS_M:
        return [shapely.get_coordinates(centre)]
    curve = shapely.simplify(shapely.offset_curve(centre, offset_m, join_style="round"), wiggle_m)
    parts = [part for part in shapely.get_parts(curve) if part.length > _LANE_ENDS_M]
    parts.sort(key=lambda part: centre.project(part.interpolate(0.5, normalized=True)))
    return [shapely.get_coordinates(part) for part in parts]


def _there_and_back(lanes: Sequence[list[Array]], home: Array) -> list[Array]:
    """All lanes, every second one the other way: of the four ways to begin the one nearest to `home`."""
    filled = [lane for lane in lanes if lane]
    if not filled:
        return []
    choices = [_alternating(order, first_back) for order in (filled, filled[::-1]) for first_back in (False, True)]
    return min(choices, key=lambda pieces: math.dist(pieces[0][0], home))


def _alternating(lanes: Sequence[list[Array]], first_back: bool) -> list[Array]:
    return [
        part[::-1] if back else part
        for index, lane in enumerate(lanes)
        for back in [first_back == (index % 2 == 0)]
        for part in (lane[::-1] if back else lane)
    ]


def _fills(strip: BaseGeometry, flown: Sequence[Array], reach_m: float) -> Iterator[Array]:
    """Lanes along the edge of what was seen so far, wherever a part of the strip behind that edge was not."""
    seen_m = reach_m * (1.0 + 4.0 * _WIGGLE)  # two smoothed lanes side by side leave slivers that count for nothing
    seen = shapely.union_all(shapely.buffer([LineString(each) for each in flown], seen_m))
    for _ in range(_MOST_FILLS):
        rest = shapely.get_parts(shapely.difference(strip, seen))
        large = rest[shapely.area(rest) > _CRUMB * (2 * reach_m) ** 2]
        edges = shapely.intersection(shapely.boundary(seen), shapely.buffer(large, reach_m * _WIGGLE))
        lanes = [lane for edge in edges for lane in _merged(edge, reach_m)]
        if not lanes:
            return
        yield from (shapely.get_coordinates(lane) for lane in lanes)
        seen = shapely.union(seen, shapely.union_all(shapely.buffer(lanes, reach_m)))


def _merged(edge: BaseGeometry, reach_m: float) -> list[LineString]:
    """The lines of an edge, joined and smoothed; points and crumbs are left out."""
    lines = [part for part in shapely.get_parts(edge) if isinstance(part, LineString)]
    if not lines:
        return []
    merged = shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))
    smooth = [shapely.simplify(part, reach_m * _WIGGLE) for part in merged]
    return [part for part in smooth if part.length > reach_m * _WIGGLE]
