"""One room with the zones in it: which of them block a straight line, found among thousands in microseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.obstacles import Corners, Indices, Shapes, Zones, discs_in, solid
from geofence.rooms import Room

Mask = NDArray[np.bool_]


class Maze:
    """Obstacles by number: the zones of `chosen` in their order, then the pockets and holes of the room."""

    def __init__(self, room: Room, zones: Zones, chosen: Indices) -> None:
        self.room = room
        self._zones = zones
        self._chosen = chosen
        self._walls = tuple(room.obstacles())
        outlines: Shapes = np.array([wall.outline for wall in self._walls], dtype=np.object_)
        self._wall_solids = solid(outlines) if len(outlines) else outlines
        boxes = np.concatenate((zones.boxes[chosen], shapely.bounds(outlines).reshape(-1, 4)))
        self._tree = shapely.STRtree(np.asarray(shapely.box(*boxes.T)))
        self._piece_m = _piece_m(boxes)

    def __len__(self) -> int:
        return len(self._tree)

    def blockers(self, starts: Array, ends: Array) -> Indices:
        """The obstacles that any of the straight lines from `starts` to `ends` (N, 2) enters; all lie in the room."""
        return np.unique(self._meet(starts, ends, None)[1])

    def free(self, starts: Array, ends: Array, among: Mask | None = None) -> Mask:
        """Which straight lines, from `starts` to `ends` (N, 2) each, enter no obstacle; all places lie in the room.

        `among` (obstacles,) marks those that count.
        """
        free = np.ones(len(starts), dtype=np.bool_)
        free[self._meet(starts, ends, among)[0]] = False
        return free

    def _meet(self, starts: Array, ends: Array, among: Mask | None) -> tuple[Indices, Indices]:
        """Which line enters which obstacle, as pairs; a pair may come more than once.

        Lines are cut to pieces as long as an obstacle is wide: the box of a long oblique line meets them all.
        """
        step = ends - starts
        pieces = np.maximum(1, np.ceil(np.hypot(*step.T) / self._piece_m)).astype(np.intp)
        line = np.repeat(np.arange(len(pieces)), pieces)
        part = (step / pieces[:, None])[line]
        begin = starts[line] + (np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces))[:, None] * part
        drawn = np.asarray(shapely.linestrings(np.stack((begin, begin + part), axis=1)))
        piece, obstacle = self._tree.query(drawn)
        if among is not None:
            counts = among[obstacle]
            piece, obstacle = piece[counts], obstacle[counts]
        meets = shapely.intersects(self._solids(obstacle), drawn[piece])
        return line[piece[meets]], obstacle[meets]

    def discs(self, obstacles: Indices) -> Array:
        """A disc inside each of the obstacles: x, y, radius, (N, 3)."""
        return discs_in(self._solids(obstacles))

    def holders(self, at: Array) -> Indices:
        """The obstacles that hold the place `at` (2,)."""
        near = np.asarray(self._tree.query(shapely.points(at)))
        return near[shapely.intersects_xy(self._solids(near), at[0], at[1])] if len(near) else near

    def rims(self, obstacles: Indices) -> Iterator[Corners]:
        """Where ways bend round obstacles; only what lies in the room."""
        zones = len(self._chosen)
        rims = [self._walls[wall].rim for wall in (obstacles[obstacles >= zones] - zones).tolist()]
        if (obstacles < zones).any():
            rims.append(self._zones.corners(self._chosen[obstacles[obstacles < zones]]))
        for rim in rims:
            yield rim.only(np.asarray(shapely.contains_xy(self.room.grown, rim.at)))

    def holding(self, at: Array, among: Mask) -> Mask:
        """Which of the places (N, 2) lie in one of the obstacles that `among` marks."""
        held = np.zeros(len(at), dtype=np.bool_)
        place, obstacle = self._tree.query(shapely.points(at))
        counts = among[obstacle]
        place, obstacle = place[counts], obstacle[counts]
        if len(place):
            held[place[shapely.intersects_xy(self._solids(obstacle), at[place, 0], at[place, 1])]] = True
        return held

    def _solids(self, which: Indices) -> Shapes:
        zones = len(self._chosen)
        solids: Shapes = np.empty(len(which), dtype=np.object_)
        is_zone = which < zones
        solids[is_zone] = self._zones.solids(self._chosen[which[is_zone]])
        solids[~is_zone] = self._wall_solids[which[~is_zone] - zones]
        return solids


def _piece_m(boxes: Array) -> float:
    """How long the pieces of a line are: about as long as an obstacle is wide."""
    if not len(boxes):
        return math.inf
    return max(1.0, 2.0 * float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1))))
