"""What a way goes round, in metres: zones widened by their margin, and the corners where a shortest way can bend."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
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


def kept_m(margins_m: Array) -> Array:
    """The distances to plan with, so that `margins_m` hold in the plane and in ArduPilot's metric."""
    return margins_m * _METRIC_SHARE + _SLACK_M


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
        self._is_widened = np.zeros(len(shapes), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.shapes)

    def outlines(self, which: Indices) -> Shapes:
        """The widened zones, (M,)."""
        new = which[~self._is_widened[which]]
        if len(new):
            self._outlines[new], self._is_widened[new] = self._widened(new), True
        found: Shapes = self._outlines[which]
        return found

    def holding(self, at: Array, counts: NDArray[np.bool_]) -> Indices:
        """Those of the zones that `counts` (N,) marks that hold the place `at` (2,): their edge holds nothing."""
        near = np.flatnonzero(counts & meeting(self.boxes, np.concatenate((at, at))))
        outlines = self.outlines(near)
        place = shapely.points(at)
        within = shapely.intersects(outlines, place) & (shapely.distance(shapely.boundary(outlines), place) > TOUCH_M)
        return near[within]

    def _widened(self, which: Indices) -> Shapes:
        outlines = widened(self.shapes[which], self._kept_m[which])
        for place in np.flatnonzero(shapely.get_num_coordinates(outlines) > _MANY_VERTICES):
            outlines[place] = _widened_simply(self.shapes[which[place]], float(self._kept_m[which[place]]))
        return outlines


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


def meeting(boxes: Array, box: Array) -> NDArray[np.bool_]:
    """Which boxes (N, 4) as west, south, east, north meet a box (4,)."""
    return np.asarray((boxes[:, :2] <= box[2:]).all(axis=1) & (boxes[:, 2:] >= box[:2]).all(axis=1))


def cross(a: Array, b: Array) -> Array:
    """The cross product of vectors (2, …)."""
    product: Array = a[0] * b[1] - a[1] * b[0]
    return product
