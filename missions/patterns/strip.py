"""What a path sees: a strip half a swath to either side and ahead of every leg that is flown with the sensor on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

Shapes = NDArray[Any]

# Round ends are drawn inside the circle, so that a strip is never shown wider than it is.
_ARC_SEGMENTS = 5
_CRUMB_M2 = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Vertices (N, 2) in metres, and for each of the N − 1 legs whether it is a row, which nothing may bend."""

    xy: Array
    row: NDArray[np.bool_]

    @property
    def legs(self) -> Array:
        """(N − 1, 2, 2)."""
        return np.stack((self.xy[:-1], self.xy[1:]), axis=1)

    @property
    def length_m(self) -> float:
        return length_m(self.xy)


def length_m(xy: Array) -> float:
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def strips(legs: Array, reach_m: float) -> Shapes:
    """What is seen from each of the legs (n, 2, 2), also of those with no length: n polygons."""
    drawn: Shapes = np.asarray(shapely.buffer(shapely.linestrings(legs), reach_m, quad_segs=_ARC_SEGMENTS))
    points = np.ptp(legs, axis=1).max(axis=1) < 1e-9 if len(legs) else np.zeros(0, dtype=np.bool_)
    drawn[points] = shapely.buffer(shapely.points(legs[points, 0]), reach_m, quad_segs=_ARC_SEGMENTS)
    return drawn


def covered(room: BaseGeometry, legs: Array) -> NDArray[np.bool_]:
    """Which of the legs (n, 2, 2) lie in the room, its edge included."""
    return np.asarray(shapely.covers(room, shapely.linestrings(legs)))


def unseen(target: BaseGeometry, path: Path, reach_m: float, room: BaseGeometry) -> Shapes:
    """The parts of `target` that no leg within `room` sees: polygons."""
    legs = path.legs if len(path.xy) > 1 else np.stack((path.xy, path.xy), axis=1)
    legs = legs[covered(room, legs)]
    return polygons(shapely.difference(target, shapely.union_all(strips(legs, reach_m))))


def polygons(shapes: BaseGeometry | Shapes) -> Shapes:
    """The polygons in what an overlay gave, without lines, points and crumbs."""
    parts: Shapes = shapely.get_parts(shapely.get_parts(shapes))
    kept: Shapes = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return kept[shapely.area(kept) > _CRUMB_M2]
