"""Up and down the walls of a structure: rounds or columns at a distance from it, nose to the wall."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import shapely
from shapely.geometry import LinearRing, LineString, Point, Polygon

from geofence.frame import Array
from missions.model import Action, ActionKind
from missions.patterns.draft import Piece
from missions.patterns.perimeter import round_from
from missions.patterns.shaping import bearing_deg, cannot, check_count

Passes = Literal["horizontal", "vertical"]

# The line is this much further out than asked, so that it may be smoothed by as much without coming too near.
_SMOOTH_M = 0.2
_SPARE_M = 0.01
_ROUND_TOLERANCE = 0.02


def facade(
    ring: Array,
    *,
    height_from_m: float,
    height_to_m: float,
    standoff_m: float,
    spacing_m: float,
    passes: Passes = "horizontal",
    clockwise: bool = True,
    home: Array | None = None,
) -> tuple[Piece, ...]:
    """One piece around the structure `ring`, (N ≥ 3, 2) metres, never nearer to it than `standoff_m`.

    Horizontal: rounds from the lowest to the highest, `spacing_m` apart at most. Vertical: columns `spacing_m` apart
    at most, up and down in turn. Passes lie half a spacing inside the heights to see, so that a height from
    `height_from_m` to `height_to_m`, metres above home, is seen whole. At every vertex the nose turns to the wall.
    Raises InvalidRequest when the heights are the wrong way round or it takes too many waypoints.
    """
    if height_to_m < height_from_m:
        raise cannot("height_to_m", f"is {height_to_m:g}, below height_from_m, which is {height_from_m:g}")
    wall = Polygon(ring)
    start = Point(np.zeros(2) if home is None else home)
    lap = round_from(_stand_off(wall, standoff_m), start, clockwise)
    if passes == "horizontal":
        xyz = _rounds(lap, _levels(height_from_m, height_to_m, spacing_m))
    else:
        levels = _levels(height_from_m, height_to_m, spacing_m)
        xyz = _columns(lap, levels[0], levels[-1], spacing_m)
    return (Piece(xyz, actions=tuple(_noses(xyz, wall))),)


def pass_spacing_m(standoff_m: float, view_deg: float, overlap: float) -> float:
    """The distance between passes from which pictures of `view_deg` overlap by the share `overlap` on the wall."""
    return 2.0 * standoff_m * math.tan(math.radians(view_deg) / 2.0) * (1.0 - overlap)


def _stand_off(wall: Polygon, standoff_m: float) -> LinearRing:
    """The line around the wall; notches that are too narrow to fly into are passed by."""
    grown = wall.buffer(standoff_m + _SMOOTH_M + _SPARE_M, join_style="mitre", mitre_limit=2.0)
    smooth = shapely.simplify(Polygon(grown.exterior), _SMOOTH_M)
    assert isinstance(smooth, Polygon)
    return smooth.exterior


def _levels(low_m: float, high_m: float, spacing_m: float) -> Array:
    count = max(1, math.ceil((high_m - low_m) / spacing_m - _ROUND_TOLERANCE))
    return low_m + (np.arange(count) + 0.5) * (high_m - low_m) / count


def _rounds(lap: Array, levels: Array) -> Array:
    check_count(len(lap) * len(levels), "overlap")
    return np.vstack([np.column_stack((lap, np.full(len(lap), level))) for level in levels])


def _columns(lap: Array, low_m: float, high_m: float, spacing_m: float) -> Array:
    """Columns at even distances along the lap; from one to the next along the lap, at the height where it ended."""
    line = LineString(lap)
    count = max(3, math.ceil(line.length / spacing_m - _ROUND_TOLERANCE))
    check_count(2 * count + len(lap), "overlap")
    feet_m = np.arange(count) * line.length / count
    corners_m = np.append(0.0, np.cumsum(np.hypot(*np.diff(lap, axis=0).T)))
    found: list[tuple[float, float, float]] = []
    here_m, there_m = low_m, high_m
    for foot_m, next_m in pairwise(np.append(feet_m, np.inf).tolist()):
        x, y = shapely.get_coordinates(line.interpolate(foot_m))[0].tolist()
        found += [(x, y, here_m), (x, y, there_m)]
        between = lap[(corners_m > foot_m) & (corners_m < min(next_m, line.length))]
        if math.isfinite(next_m):
            found += [(x, y, there_m) for x, y in between.tolist()]
        here_m, there_m = there_m, here_m
    return np.array(found)


def _noses(xyz: Array, wall: Polygon) -> Iterator[tuple[int, tuple[Action, ...]]]:
    """At every vertex but the last the heading for the leg that begins there: square to the wall beside it."""
    for index, (here, there) in enumerate(pairwise(xyz[:, :2])):
        middle = Point((here + there) / 2)
        foot = shapely.get_coordinates(shapely.shortest_line(middle, wall))[1]
        heading = bearing_deg(foot - shapely.get_coordinates(middle)[0])
        yield index, (Action(ActionKind.HEADING, round(heading, 1)),)
