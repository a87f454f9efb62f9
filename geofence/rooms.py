"""Rooms: the connected parts of where flying is allowed, each as its hull less the pockets and holes in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.obstacles import TOUCH_M, Corners, Obstacle, corners_of, drawn_in_simply, kept_m
from geofence.zones import Combination

# A pocket is closed towards the outside by a corner so far beyond the hull, so that no way runs along its mouth.
_BEYOND_M = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """`area`: where a way may run, edge included; `grown` by what a way may touch, prepared."""

    area: Polygon
    grown: BaseGeometry

    def obstacles(self) -> Iterator[Obstacle]:
        """What keeps a way within the hull in the room: its pockets and holes.

        A way between two places of a convex hull never gains by leaving it, so that the hull needs no obstacle.
        """
        turned = shapely.orient_polygons(self.area)
        yield from _pockets(shapely.get_coordinates(turned.exterior)[:-1])
        for hole in turned.interiors:
            yield Obstacle(Polygon(hole), corners_of(np.array([hole]), left=False))


def rooms_of(
    inclusions: Sequence[tuple[BaseGeometry, float]], combination: Combination = Combination.INTERSECTION
) -> tuple[Room, ...]:
    """The rooms of inclusions, (area, margin in metres) each; () when there is none.

    An intersection draws each in by its own margin; a union is drawn in by the largest of them.
    """
    if not inclusions:
        return ()
    if combination is Combination.UNION:
        margin_m = max(margin_m for _, margin_m in inclusions)
        allowed = _drawn_in(shapely.union_all([area for area, _ in inclusions]), margin_m)
    else:
        allowed = shapely.intersection_all([_drawn_in(area, margin_m) for area, margin_m in inclusions])
    parts = [part for part in shapely.get_parts(allowed) if isinstance(part, Polygon) and not part.is_empty]
    return tuple(_room(part) for part in parts)


def _drawn_in(area: BaseGeometry, margin_m: float) -> BaseGeometry:
    return drawn_in_simply(area, float(kept_m(np.array(margin_m))))


def _room(area: Polygon) -> Room:
    grown = area.buffer(TOUCH_M, join_style="mitre")
    shapely.prepare(grown)
    return Room(area, grown)


def _pockets(ring: Array) -> Iterator[Obstacle]:
    """Between the hull and each chain of the ring, (N, 2) open and anticlockwise, that leaves it."""
    on_hull = np.flatnonzero(_of_hull(ring))
    for first, last in zip(on_hull.tolist(), [*on_hull[1:].tolist(), int(on_hull[0]) + len(ring)], strict=True):
        if last - first > 1:
            yield from _pocket(ring[np.arange(first, last + 1) % len(ring)])


def _pocket(chain: Array) -> Iterator[Obstacle]:
    """What lies between a chain (N ≥ 3, 2) and the straight line that joins its ends; nothing if it is straight."""
    corners = Corners(chain[1:-1], chain[:-2], chain[2:])
    bends = corners.turns() < 0.0
    if not bends.any():
        return
    mouth = chain[-1] - chain[0]
    outward = np.array([mouth[1], -mouth[0]]) * (_BEYOND_M / np.hypot(*mouth))
    outline = Polygon(np.concatenate((chain, [(chain[0] + chain[-1]) / 2 + outward])))
    yield Obstacle(outline, corners.only(bends))


def _of_hull(ring: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    corners = {tuple(corner) for corner in shapely.get_coordinates(shapely.convex_hull(Polygon(ring))).tolist()}
    return np.array([tuple(vertex) in corners for vertex in ring.tolist()])
