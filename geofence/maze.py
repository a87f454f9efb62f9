"""One room with the zones in it: which of them block a straight line, found among thousands in microseconds."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.obstacles import Corners, Indices, Shapes, Zones, solid
from geofence.rooms import Room


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
        self._rims: dict[int, Corners] = {}

    def __len__(self) -> int:
        return len(self._tree)

    def blockers(self, starts: Array, ends: Array, among: NDArray[np.bool_] | None = None) -> tuple[Indices, Indices]:
        """Which straight line, from `starts` to `ends` (N, 2) each, enters which obstacle: pairs (M,), (M,).

        All of the places lie in the room. `among` (obstacles,) marks those that count.
        """
        line, obstacle = self._near(starts, ends)
        if among is not None:
            counts = among[obstacle]
            line, obstacle = line[counts], obstacle[counts]
        if not len(line):
            return line, obstacle
        lines = np.asarray(shapely.linestrings(np.stack((starts, ends), axis=1)))
        meets = shapely.intersects(self._solids(obstacle), lines[line])
        return line[meets], obstacle[meets]

    def holders(self, at: Array) -> Indices:
        """The obstacles that hold the place `at` (2,)."""
        near = np.asarray(self._tree.query(shapely.points(at)))
        return near[shapely.intersects_xy(self._solids(near), at[0], at[1])] if len(near) else near

    def rim(self, obstacle: int) -> Corners:
        """Where ways bend round an obstacle; only what lies in the room."""
        if obstacle not in self._rims:
            corners = self._corners(obstacle)
            inside = shapely.contains_xy(self.room.grown, corners.at[:, 0], corners.at[:, 1])
            self._rims[obstacle] = corners.only(np.asarray(inside))
        return self._rims[obstacle]

    def holding(self, at: Array, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the places (N, 2) lie in one of the obstacles that `among` marks."""
        held = np.zeros(len(at), dtype=np.bool_)
        place, obstacle = self._tree.query(shapely.points(at))
        counts = among[obstacle]
        place, obstacle = place[counts], obstacle[counts]
        if len(place):
            held[place[shapely.intersects_xy(self._solids(obstacle), at[place, 0], at[place, 1])]] = True
        return held

    def _corners(self, obstacle: int) -> Corners:
        zones = len(self._chosen)
        if obstacle < zones:
            return self._zones.corners(int(self._chosen[obstacle]))
        return self._walls[obstacle - zones].rim

    def _solids(self, which: Indices) -> Shapes:
        zones = len(self._chosen)
        solids: Shapes = np.empty(len(which), dtype=np.object_)
        is_zone = which < zones
        solids[is_zone] = self._zones.solids(self._chosen[which[is_zone]])
        solids[~is_zone] = self._wall_solids[which[~is_zone] - zones]
        return solids

    def _near(self, starts: Array, ends: Array) -> tuple[Indices, Indices]:
        """The obstacles whose box a line meets, piece by piece: the box of a long oblique line meets them all."""
        step = ends - starts
        pieces = np.maximum(1, np.ceil(np.hypot(*step.T) / self._piece_m)).astype(np.intp)
        line = np.repeat(np.arange(len(pieces)), pieces)
        part = step[line] / pieces[line, None]
        begin = starts[line] + (np.arange(len(line)) - (np.cumsum(pieces) - pieces)[line])[:, None] * part
        piece, obstacle = self._tree.query(shapely.linestrings(np.stack((begin, begin + part), axis=1)))
        count = len(self._tree)
        return np.divmod(np.unique(line[piece] * count + obstacle), count)


def _piece_m(boxes: Array) -> float:
    """How long the pieces of a line are: about as long as an obstacle is wide."""
    if not len(boxes):
        return math.inf
    return max(1.0, 2.0 * float(np.median((boxes[:, 2:] - boxes[:, :2]).max(axis=1))))
