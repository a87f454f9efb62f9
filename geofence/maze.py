"""All obstacles of a space in one grid, each put in when a way first comes near; which of them count is told."""

from __future__ import annotations

import math

import numpy as np
import shapely

from geofence.edges import Rings, clumped
from geofence.frame import Array
from geofence.obstacles import Indices, Shapes, Zones, meeting
from geofence.rooms import Room
from geofence.tables import Corners, Mask, Walls

# Cells of about the size that one zone has to itself hold few edges and are few.
_CELLS_PER_ZONE = 16
_LEAST_CELLS, _MOST_CELLS = 256, 1 << 20


class Maze:
    """Obstacles by number: the zones in their order, then the outsides of the rooms."""

    def __init__(self, rooms: tuple[Room, ...], zones: Zones) -> None:
        self.rooms = rooms
        self.zones = zones
        areas: Shapes = np.array([room.area for room in rooms], dtype=np.object_)
        self._drawn = np.zeros(len(zones), dtype=np.bool_)
        self._used = 0  # entries of the grid
        self._bounds = np.asarray(shapely.total_bounds(areas)) if rooms else np.zeros(4)
        self._in_sight = meeting(zones.boxes, self._bounds)
        self._walls = _no_walls(self._bounds, len(zones))
        self._corners = Corners(np.empty((0, 6)), np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))
        self._add(areas, np.arange(len(rooms)) + len(zones), solid_within=False)

    def counting(self, zones: Indices) -> Mask:
        """Marks what counts when these zones do: the rooms always."""
        counts = np.ones(len(self.zones) + len(self.rooms), dtype=np.bool_)
        counts[: len(self.zones)] = False
        counts[zones] = True
        return counts

    def farthest_m(self, start: Array, end: Array) -> float:
        """No place of a room is farther than this from the two, taken together."""
        corners = self._bounds[[[0, 1], [0, 3], [2, 1], [2, 3]]]
        return float(sum(np.hypot(*(corners - at).T) for at in (start, end)).max())

    def clear(self, starts: Array, ends: Array, counts: Mask) -> Mask:
        """Which straight lines (N, 2) meet nothing that `counts`; all begin outside of obstacles."""
        if len(starts):
            box = np.concatenate((starts, ends))
            self._draw(counts, meeting(self.zones.boxes, np.concatenate((box.min(axis=0), box.max(axis=0)))))
        from geofence.kernel import clear  # noqa: PLC0415 — imports numba: only what searches shall wait for that

        return clear(np.concatenate((starts, ends), axis=1), self._walls, counts)

    def drawn(self, start: Array, end: Array, limit_m: float, counts: Mask) -> tuple[Corners, Walls]:
        """All that ways up to `limit_m` can come to, of what `counts`; and more."""
        self._draw(counts, self._within(start, end, limit_m))
        return self._corners, self._walls

    def _within(self, start: Array, end: Array, limit_m: float) -> Mask:
        """Which zones a way of that length can come to: they meet the ellipse with the ends as foci."""
        if math.isinf(limit_m):
            return np.ones(len(self.zones), dtype=np.bool_)
        return np.asarray(_gap_m(self.zones.boxes, start) + _gap_m(self.zones.boxes, end) <= limit_m)

    def _draw(self, counts: Mask, near: Mask) -> None:
        """Puts in those of the zones that count and are `near` (N,) and in sight of a room."""
        new = np.flatnonzero(counts[: len(self.zones)] & near & ~self._drawn & self._in_sight)
        if len(new):
            self._drawn[new] = True
            self._add(self.zones.outlines(new), new, solid_within=True)

    def _add(self, polygons: Shapes, owner: Indices, *, solid_within: bool) -> None:
        from geofence.kernel import enter  # noqa: PLC0415 — as above

        rings, polygon = Rings.of(polygons, solid_within=solid_within)
        owner = owner[polygon]
        known = self._walls
        edges = rings.edges()
        room = np.full((self._used + _most_entries(edges, known), 2), -1, dtype=np.int64)
        room[: self._used] = known.entries[: self._used]
        owners = np.concatenate((known.owner, owner[rings.ring].astype(np.int64)))
        self._walls = Walls(np.concatenate((known.edges, edges)), owners, known.origin, known.head, room)
        self._used = enter(self._walls, len(known.edges), self._used)
        at, ring = rings.corners()
        discs, spans, of_ring = clumped(at, ring)
        spans = np.column_stack((spans + len(self._corners.at), owner[of_ring])).astype(np.int64)
        before = self._corners
        self._corners = Corners(
            np.concatenate((before.at, at)),
            np.concatenate((before.discs, discs)),
            np.concatenate((before.spans, spans)),
        )


def _no_walls(bounds: Array, zones: int) -> Walls:
    """An empty grid over bounds (4,)."""
    wide_m, high_m = np.maximum(bounds[2:] - bounds[:2], 1.0).tolist()
    size_m = math.sqrt(wide_m * high_m / min(max(_CELLS_PER_ZONE * zones, _LEAST_CELLS), _MOST_CELLS))
    head = np.full((math.ceil(wide_m / size_m), math.ceil(high_m / size_m)), -1, dtype=np.int64)
    origin = (float(bounds[0]), float(bounds[1]), 1.0 / size_m)
    return Walls(np.empty((0, 4)), np.empty(0, dtype=np.int64), origin, head, np.empty((0, 2), dtype=np.int64))


def _most_entries(edges: Array, walls: Walls) -> int:
    """No more cells than these hold the edges (N, 4), with the borders that they are near to."""
    cells = np.abs(edges[:, 2:] - edges[:, :2]) * walls.origin[2] + 3.0
    return int(np.minimum(cells.prod(axis=1), 3.0 * cells.sum(axis=1)).sum())


def _gap_m(boxes: Array, at: Array) -> Array:
    """The distance of boxes (N, 4) from a place (2,)."""
    aside = np.maximum(np.maximum(boxes[:, :2] - at, at - boxes[:, 2:]), 0.0)
    return np.asarray(np.hypot(aside[:, 0], aside[:, 1]))
