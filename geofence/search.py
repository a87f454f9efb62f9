"""The exact shortest way through a maze, found without looking at most of it.

A* among those obstacles only that got in the way so far. The way that it finds is tested against all of them; what
blocks it joins, the ways that led through it are forgotten, and the search goes on. What is left out only makes ways
shorter: the first way that nothing blocks is a shortest one.
Source: planning guide, section 3.2 (there in rounds from the beginning; here what is still true is kept).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np

from geofence.frame import Array
from geofence.maze import Maze
from geofence.obstacles import Corners, Indices
from geofence.tangents import Mask, Places, Views

MOST_STEPS = 100_000
_END, _START = 0, 1
Step = tuple[float, float, int, int]  # length with the straight rest, length, from which place, to which


class SearchTooLarge(Exception):
    """No way was found within `MOST_STEPS` steps; there may be one."""


class Search:
    """One search. Places by number: 0 the end, 1 the start, then the corners of the obstacles that joined."""

    def __init__(self, maze: Maze, start: Array, end: Array) -> None:
        self._maze = maze
        self._joined = np.zeros(len(maze), dtype=np.bool_)
        self._rims: list[Corners] = []
        self._views: Views | None = None
        self._places = Places.alone(np.stack((end, start)))
        self._open = np.array([True, False])
        self._rest_m = np.hypot(*(self._places.at - self._places.at[:, :1]))  # straight to the end
        self._so_far_m = np.zeros(2)
        self._came = np.zeros((2, 2))
        self._side = np.zeros(2)
        self._parent = {_START: _START}  # in the order in which they were reached
        self._steps: list[Step] = []
        self._offered = 0
        self.rounds = 0

    def way(self) -> Array | None:
        """The shortest way, (N ≥ 2, 2); None when there is none. Raises SearchTooLarge."""
        self._offer(np.array([_START]), np.array([_END]))
        while self._find():
            self.rounds += 1
            way = self._places.at.T[self._walk()]
            _, blockers = self._maze.blockers(way[:-1], way[1:])
            if not len(blockers):
                return way
            self._join(np.unique(blockers))
        return None

    def joined(self) -> Indices:
        """The obstacles that shaped the way, by number."""
        return np.flatnonzero(self._joined)

    def _find(self) -> bool:
        """Goes on until the end is reached among the obstacles that joined; False when it cannot be."""
        while self._steps:
            _, so_far_m, last, place = heapq.heappop(self._steps)
            if not self._open[place]:
                continue
            self._reach(place, last, so_far_m)
            if place == _END:
                return True
            self._offer(np.array([place]), np.flatnonzero(self._open))
        return False

    def _walk(self) -> list[int]:
        walk = [_END]
        while walk[-1] != _START:
            walk.append(self._parent[walk[-1]])
        return walk[::-1]

    def _reach(self, place: int, last: int, so_far_m: float) -> None:
        step = self._places.at[:, place] - self._places.at[:, last]
        self._parent[place] = last
        self._open[place] = False
        self._so_far_m[place] = so_far_m
        self._came[:, place] = step / (math.hypot(*step) or 1.0)
        self._side[place] = self._places.side_of(step, place)

    def _offer(self, reached: Indices, places: Indices) -> None:
        """Notes every step from the places `reached` to one of `places` that can be of use."""
        start, end = self._places.steps(reached, places, self._came[:, reached], self._side[reached])
        starts, ends = self._places.at.T[start], self._places.at.T[end]
        if len(reached) == 1 and self._views is not None and len(start):
            seen = ~self._views.hidden(starts[0], ends - starts)
            start, end, starts, ends = start[seen], end[seen], starts[seen], ends[seen]
        free = self._free(starts, ends, self._joined)
        start, end = start[free], end[free]
        self._count(len(start))
        so_far_m = self._so_far_m[start] + np.hypot(*(ends[free] - starts[free]).T)
        total_m = so_far_m + self._rest_m[end]
        for step in zip(total_m.tolist(), so_far_m.tolist(), start.tolist(), end.tolist(), strict=True):
            heapq.heappush(self._steps, step)

    def _free(self, starts: Array, ends: Array, among: Mask) -> Mask:
        """Which straight lines (N,) none of the obstacles `among` blocks."""
        free = np.ones(len(starts), dtype=np.bool_)
        if len(starts) and among.any():
            free[self._maze.blockers(starts, ends, among)[0]] = False
        return free

    def _count(self, steps: int) -> None:
        self._offered += steps
        if self._offered > MOST_STEPS:
            raise SearchTooLarge

    def _join(self, obstacles: Indices) -> None:
        """Takes in obstacles: forgets what they block, and offers what is new to every place reached."""
        new = np.zeros_like(self._joined)
        new[obstacles] = True
        self._joined |= new
        forgotten = self._forget(new)
        known = len(self._places)
        self._add([self._maze.rim(obstacle) for obstacle in obstacles.tolist()], new)
        added = known + np.flatnonzero(self._open[known:])
        self._offer(np.array(list(self._parent)), np.concatenate((forgotten, added)))

    def _add(self, rims: Sequence[Corners], new: Mask) -> None:
        known = len(self._places)
        self._rims += [rim for rim in rims if len(rim.at)]
        self._views = Views(self._rims) if self._rims else None
        self._places = self._places.joined_by(rims)
        more = len(self._places) - known
        at = self._places.at
        self._rest_m = np.hypot(*(at - at[:, :1]))
        self._so_far_m = np.concatenate((self._so_far_m, np.zeros(more)))
        self._came = np.concatenate((self._came, np.zeros((2, more))), axis=1)
        self._side = np.concatenate((self._side, np.zeros(more)))
        self._open = np.concatenate((self._open, ~self._maze.holding(at.T[known:], self._joined)))
        self._open[:known] &= ~self._maze.holding(at.T[:known], new)

    def _forget(self, new: Mask) -> Indices:
        """Drops the steps that the obstacles `new` block, with all that followed from them: the places lost."""
        places = list(self._parent)
        way_there = self._places.at.T[places], self._places.at.T[[self._parent[place] for place in places]]
        lost = {place for place, free in zip(places, self._free(*way_there, new).tolist(), strict=True) if not free}
        for place in places:
            if self._parent[place] in lost:
                lost.add(place)
        for place in lost:
            del self._parent[place]
        gone = np.array(sorted(lost), dtype=np.intp)
        self._open[gone] = True
        self._steps = [step for step in self._steps if step[2] not in lost]
        if self._steps:
            start, end = np.array([step[2:] for step in self._steps]).T
            free = self._free(self._places.at.T[start], self._places.at.T[end], new).tolist()
            self._steps = [step for step, kept in zip(self._steps, free, strict=True) if kept]
            heapq.heapify(self._steps)
        return gone
