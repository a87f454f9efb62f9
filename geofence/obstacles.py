"""What a way goes round, in metres: zones widened by their margin, and the corners where a shortest way can bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

Shapes = NDArray[np.object_]
Indices = NDArray[np.intp]

# A way may touch the edge of an obstacle: what blocks it is the obstacle drawn in by this much. It comes out of the
# slack below.
TOUCH_M = 1e-4
# ArduPilot's flat metric reads east-west up to 0.14 % short (planning guide, section 9.1); coordinates are stored to
# 1.1 cm. A margin kept with both is kept in that metric too.
_METRIC_SHARE = 1.002
_SLACK_M = 0.02
# Mitre joins alone keep the distance: round ones of GEOS cut it by up to 1 % (planning guide, section 3.3).
_MITRE_LIMIT = 2.0
_MANY_VERTICES = 200
_TOLERANCES_M = (0.25, 1.0, 4.0)
_STRAIGHT = 1e-7  # sine of a turn that is none


def kept_m(margins_m: Array) -> Array:
    """The distances to plan with, so that `margins_m` hold in the plane and in ArduPilot's metric."""
    return margins_m * _METRIC_SHARE + _SLACK_M


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Where ways bend round obstacles: places (N, 2), and the vertices `before` and `after` each along the edge."""

    at: Array
    before: Array
    after: Array

    def only(self, these: NDArray[np.bool_]) -> Corners:
        """Those that `these` (N,) marks."""
        return Corners(self.at[these], self.before[these], self.after[these])

    def turns(self) -> Array:
        """The sine of the turn at each: positive to the left, 0 where two places coincide."""
        there, on = (self.at - self.before).T, (self.after - self.at).T
        lengths = np.hypot(*there) * np.hypot(*on)
        return cross(there, on) / np.where(lengths > 0.0, lengths, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Obstacle:
    """`outline`: what a way may touch and not enter; `rim`: where it can bend round it."""

    outline: Polygon
    rim: Corners


class Zones:
    """Exclusions, each widened by its margin when it is first asked for: `shapes` (N,) polygons, `margins_m` (N,)."""

    def __init__(self, shapes: Shapes, margins_m: Array) -> None:
        self.shapes = shapes
        self._kept_m = kept_m(margins_m)
        # A mitre reaches beyond the margin, to all sides.
        beyond_m = (_MITRE_LIMIT * (self._kept_m + 2 * max(_TOLERANCES_M)))[:, None]
        bounds = shapely.bounds(shapes).reshape(-1, 4)
        self.boxes = np.concatenate((bounds[:, :2] - beyond_m, bounds[:, 2:] + beyond_m), axis=1)
        self._outlines: Shapes = np.full(len(shapes), None)
        self._solids: Shapes = np.full(len(shapes), None)
        self._widened = np.zeros(len(shapes), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.shapes)

    def outlines(self, which: Indices) -> Shapes:
        """The widened zones, (M,)."""
        self._widen(which)
        found: Shapes = self._outlines[which]
        return found

    def solids(self, which: Indices) -> Shapes:
        """What blocks a way that meets it, (M,), prepared."""
        self._widen(which)
        found: Shapes = self._solids[which]
        return found

    def corners(self, which: Indices) -> Corners:
        """Where ways bend round the widened zones."""
        return corners_round(self.outlines(which))

    def _widen(self, which: Indices) -> None:
        if self._widened[which].all():
            return
        new = np.unique(which[~self._widened[which]])
        outlines = widened(self.shapes[new], self._kept_m[new])
        for place in np.flatnonzero(shapely.get_num_coordinates(outlines) > _MANY_VERTICES):
            outlines[place] = _widened_simply(self.shapes[new[place]], float(self._kept_m[new[place]]))
        self._outlines[new] = outlines
        self._solids[new] = solid(outlines)
        self._widened[new] = True


def widened(shapes: Shapes, by_m: Array) -> Shapes:
    """The shapes grown by `by_m` (negative: drawn in), the distance kept exactly or exceeded."""
    grown = shapely.buffer(shapes, by_m, join_style="mitre", mitre_limit=_MITRE_LIMIT)
    return np.asarray(grown, dtype=np.object_)


def _widened_simply(shape: BaseGeometry, by_m: float) -> BaseGeometry:
    """The shape grown by at least `by_m`, with few vertices: by more than what the simplification takes away."""
    for tolerance_m in _TOLERANCES_M:
        grown = widened(np.array([shape]), np.array([by_m + tolerance_m]))[0]
        simple: BaseGeometry = shapely.simplify(grown, tolerance_m)
        if shapely.get_num_coordinates(simple) <= _MANY_VERTICES:
            break
    return simple


def drawn_in_simply(area: BaseGeometry, by_m: float) -> BaseGeometry:
    """The area drawn in by at least `by_m`; a long outline by up to 0.5 m more, and with fewer vertices."""
    inner: BaseGeometry = widened(np.array([area]), np.array([-by_m]))[0]
    if shapely.get_num_coordinates(inner) <= _MANY_VERTICES:
        return inner
    tolerance_m = _TOLERANCES_M[0]
    rough = widened(np.array([area]), np.array([-by_m - tolerance_m]))[0]
    simple: BaseGeometry = shapely.simplify(rough, tolerance_m)
    return simple


def solid(outlines: Shapes) -> Shapes:
    """What blocks: the outlines less `TOUCH_M`, prepared."""
    blocking = widened(outlines, np.full(len(outlines), -TOUCH_M))
    shapely.prepare(blocking)
    return blocking


def corners_round(outlines: Shapes) -> Corners:
    """The corners of obstacles, one after the other, holes included: ways within a hole bend at its rim."""
    polygons = shapely.get_parts(np.asarray(shapely.orient_polygons(outlines)))
    return corners_of(np.asarray(shapely.get_rings(polygons)), left=True)


def corners_of(rings: Shapes, *, left: bool) -> Corners:
    """The vertices of closed rings where they turn left, or right."""
    closed, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    last = np.append(first[1:], len(closed)) - 1  # repeats the first
    previous, following = np.arange(len(closed)) - 1, np.arange(len(closed)) + 1
    previous[first] = last - 1
    at = np.delete(np.arange(len(closed)), last)
    corners = Corners(closed[at], closed[previous[at]], closed[following[at]])
    bends = corners.turns()
    return corners.only(bends > _STRAIGHT if left else bends < -_STRAIGHT)


def discs_in(solids: Shapes) -> Array:
    """A disc inside each obstacle, (N, 3): x, y, radius; the radius is 0 where the centroid lies outside."""
    centers = shapely.centroid(solids)
    radii_m = np.where(shapely.contains(solids, centers), shapely.distance(shapely.boundary(solids), centers), 0.0)
    return np.column_stack((shapely.get_coordinates(centers), radii_m))


def cross(a: Array, b: Array) -> Array:
    """The cross product of vectors (2, …)."""
    product: Array = a[0] * b[1] - a[1] * b[0]
    return product
