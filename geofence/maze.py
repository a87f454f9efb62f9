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
        self._blocking: Shapes = np.concatenate((np.full(len(chosen), None), solid(outlines)))
        self._is_ready = np.arange(len(self._blocking)) >= len(chosen)
        boxes = np.concatenate((zones.boxes[chosen], shapely.bounds(outlines).reshape(-1, 4)))
        self._tree = shapely.STRtree(np.asarray(shapely.box(*boxes.T)))
        wide_m = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        self._piece_m = 2.0 * float(np.median(wide_m)) if len(boxes) else math.inf
        self._is_usual = wide_m <= self._piece_m

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

    def neighbours(self, obstacles: Indices) -> Indices:
        """The obstacles and those of usual size that meet the boxes of such ones among them."""
        usual = obstacles[self._is_usual[obstacles]]
        near = np.unique(self._tree.query(self._tree.geometries[usual])[1]) if len(usual) else usual
        return np.union1d(obstacles, near[self._is_usual[near]])

    def _meet(self, starts: Array, ends: Array, among: Mask | None) -> tuple[Indices, Indices]:
        """Which line enters which obstacle, as pairs; a pair may come more than once."""
        line, drawn = self._cut(starts, ends)
        piece, obstacle = self._tree.query(drawn)
        if among is not None:
            counts = among[obstacle]
            piece, obstacle = piece[counts], obstacle[counts]
        if not len(piece):
            return piece, obstacle
        meets = shapely.intersects(self._solids(obstacle), drawn[piece])
        return line[piece[meets]], obstacle[meets]

    def _cut(self, starts: Array, ends: Array) -> tuple[Indices, Shapes]:
        """Lines cut to pieces as long as an obstacle is wide, and the line of each.

        The box of a long oblique line meets most obstacles; those of its pieces, few.
        """
        step = ends - starts
        pieces = np.maximum(1, np.ceil(np.hypot(step[:, 0], step[:, 1]) / self._piece_m)).astype(np.intp)
        line = np.repeat(np.arange(len(pieces)), pieces)
        number = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        part = (step / pieces[:, None])[line]
        drawn = np.empty((len(line), 2, 2))
        drawn[:, 0] = starts[line] + number[:, None] * part
        drawn[:, 1] = drawn[:, 0] + part
        return line, np.asarray(shapely.linestrings(drawn))

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
        if not self._is_ready[which].all():
            new = np.unique(which[~self._is_ready[which]])
            self._blocking[new] = self._zones.solids(self._chosen[new])
            self._is_ready[new] = True
        found: Shapes = self._blocking[which]
        return found
