"""The exact shortest way through a maze, found without looking at most of it.

A* among those obstacles only that got in the way so far. The way that it finds is tested against all of them; what
blocks it joins with its neighbours, the ways that led through them are forgotten, and the search goes on. What is
left out only makes ways shorter: the first way that nothing blocks is a shortest one. Places are taken up several at
a time, which costs a few steps too many and saves most of the overhead; a place that is reached by a shorter way
later is taken up again. Steps that are part of long ways only wait until no shorter way is left.
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
from geofence.tangents import Mask, Places

# Far apart among 2 000 zones it takes up to some 110 000, about a second.
MOST_STEPS = 500_000
_END, _START = 0, 1
_AT_A_TIME = 16
_MOST_PAIRS = 50_000  # of places, looked at in one go
_SHORTER_M = 1e-9
# Ways are looked at that are longer than the straight one by this share at most; when none is left, by so much more.
_LONGER, _AND_THEN, _MOST_TIMES = 0.02, 3.0, 3.0


class SearchTooLarge(Exception):
    """No way was found within `MOST_STEPS` steps looked at; there may be one."""


class Search:
    """One search. Places by number: 0 the end, 1 the start, then the corners of the obstacles that joined."""

    def __init__(self, maze: Maze, start: Array, end: Array) -> None:
        self._maze = maze
        self._joined = np.zeros(len(maze), dtype=np.bool_)
        self._places = Places.alone(np.stack((end, start)))
        self._discs = np.empty((0, 3))  # inside those that joined
        self._usable = np.array([True, False])
        self._rest_m, self._detour_m = self._straight_m(_END), self._straight_m(_END) + self._straight_m(_START)
        self._length_m = np.array([math.inf, 0.0])  # of the shortest way known to each place
        self._parent: Indices = np.array([_START, _START])
        self._reached = np.array([False, False])  # and its steps noted, up to the limit
        self._longest_m = math.inf
        self._limit_m = (1.0 + _LONGER) * float(self._rest_m[_START])
        self._is_limited = False
        self._waiting: list[tuple[float, float, int]] = [(float(self._rest_m[_START]), 0.0, _START)]
        self._looked_at = 0

    def way(self, longest_m: float = math.inf) -> Array | None:
        """The shortest way, (N ≥ 2, 2); None when there is none up to `longest_m`. Raises SearchTooLarge.

        Asked again for longer ways, it goes on from where it was.
        """
        self._longest_m = longest_m
        self._limit_m = min(self._limit_m, longest_m) if self._is_fresh() else self._limit_m
        while self._find():
            way = self._places.at.T[self._walk()]
            blockers = self._maze.blockers(way[:-1], way[1:])
            if not len(blockers):
                return way
            self._join(self._new_with_neighbours(blockers))
        return None

    def is_over(self) -> bool:
        """Whether there is no way at all, however long."""
        return not self._waiting and not self._is_limited

    def _is_fresh(self) -> bool:
        return not self._reached.any()

    def _new_with_neighbours(self, blockers: Indices) -> Indices:
        """What joins: the next way round the blockers would run into their neighbours."""
        assert not self._joined[blockers].any(), "a way was found through an obstacle that had joined"
        found = self._maze.neighbours(blockers)
        return found[~self._joined[found]]

    def joined(self) -> Indices:
        """The obstacles that shaped the way, by number."""
        return np.flatnonzero(self._joined)

    def _find(self) -> bool:
        """Goes on until the end is reached among the obstacles that joined; False when it cannot be."""
        while True:
            while self._waiting:
                places = self._next_places()
                if places == [_END]:
                    return True
                starts = np.array(places, dtype=np.intp)
                farther = self._length_m > self._length_m[starts].min(initial=math.inf)
                self._note(starts, self._usable & farther)
            if not self._is_limited or self._limit_m >= self._longest_m:
                return False
            self._raise_limit()

    def _raise_limit(self) -> None:
        """Notes the steps that waited for longer ways."""
        straight_m, before_m = float(self._rest_m[_START]), self._limit_m
        self._limit_m = max(straight_m + _AND_THEN * (before_m - straight_m), before_m + 1.0)
        if self._limit_m > min(self._longest_m, _MOST_TIMES * straight_m):
            self._limit_m = self._longest_m
        self._is_limited = False
        self._note(np.flatnonzero(self._reached), self._usable, over_m=before_m)

    def _next_places(self) -> list[int]:
        """The most promising places, marked as reached; the end only when it is the first, and then alone."""
        found: list[int] = []
        while self._waiting and len(found) < _AT_A_TIME:
            _, length_m, place = self._waiting[0]
            if place == _END and found:
                break
            heapq.heappop(self._waiting)
            if self._reached[place] or length_m != self._length_m[place]:
                continue
            self._reached[place] = True
            found.append(place)
            if place == _END:
                break
        return found

    def _walk(self) -> list[int]:
        walk = [_END]
        while walk[-1] != _START:
            walk.append(int(self._parent[walk[-1]]))
        return walk[::-1]

    def _note(self, starts: Indices, ends: Mask, over_m: float = -math.inf) -> None:
        """Notes the steps from `starts` to `ends` that are of use, many at a time.

        Those only that are part of ways up to the limit, and longer than `over_m`.
        """
        within = self._detour_m <= self._limit_m
        self._is_limited |= bool((ends & ~within).any())
        towards = np.flatnonzero(ends & within)
        if not len(starts) or not len(towards):
            return
        size = max(1, _MOST_PAIRS // len(towards))
        for first in range(0, len(starts), size):
            self._note_some(starts[first : first + size], towards, over_m)

    def _note_some(self, starts: Indices, ends: Indices, over_m: float) -> None:
        start, end, step_m = self._places.steps(starts, ends, self._parent[starts])
        length_m = self._length_m[start] + step_m
        total_m = length_m + self._rest_m[end]
        kept = length_m < self._length_m[end] - _SHORTER_M
        within = total_m <= self._limit_m
        self._is_limited |= bool((kept & ~within).any())
        kept &= within & (total_m > over_m)
        start, end, length_m = start[kept], end[kept], length_m[kept]
        self._count(len(start))
        kept = ~self._places.cross_discs(start, end, self._discs)
        start, end, length_m = start[kept], end[kept], length_m[kept]
        kept = self._free(start, end, self._joined)
        start, end, length_m = start[kept], end[kept], length_m[kept]
        order = np.argsort(length_m, kind="stable")
        best = order[np.unique(end[order], return_index=True)[1]]
        self._improve(start[best], end[best], length_m[best])

    def _improve(self, start: Indices, end: Indices, length_m: Array) -> None:
        """Takes these steps, to a different place each, as the last of the shortest ways known."""
        self._length_m[end] = length_m
        self._parent[end] = start
        self._reached[end] = False
        total_m = length_m + self._rest_m[end]
        for entry in zip(total_m.tolist(), length_m.tolist(), end.tolist(), strict=True):
            heapq.heappush(self._waiting, entry)

    def _free(self, start: Indices, end: Indices, among: Mask) -> Mask:
        """Which straight lines between places none of the obstacles `among` blocks."""
        at = self._places.at.T
        return self._maze.free(at[start], at[end], among)

    def _count(self, steps: int) -> None:
        self._looked_at += steps
        if self._looked_at > MOST_STEPS:
            raise SearchTooLarge

    def _join(self, obstacles: Indices) -> None:
        """Takes in obstacles: forgets what they block, and notes what is new from every place reached."""
        new = np.zeros_like(self._joined)
        new[obstacles] = True
        self._joined |= new
        self._discs = np.concatenate((self._discs, self._maze.discs(obstacles)))
        self._forget(new)
        open_before = np.isinf(self._length_m) & self._usable
        self._add(tuple(self._maze.rims(obstacles)), new)
        ends = np.concatenate((open_before, np.ones(len(self._places) - len(open_before), dtype=np.bool_)))
        self._note(np.flatnonzero(self._reached), ends & self._usable)

    def _forget(self, new: Mask) -> None:
        """Drops the ways that the obstacles `new` block, with all that followed from them."""
        known = np.flatnonzero(np.isfinite(self._length_m))
        known = known[known != _START]
        lost = np.zeros(len(self._places), dtype=np.bool_)
        lost[known[~self._free(self._parent[known], known, new)]] = True
        while (more := lost[self._parent[known]] & ~lost[known]).any():
            lost[known[more]] = True
        self._length_m[lost] = math.inf
        self._reached[lost] = False

    def _add(self, rims: Sequence[Corners], new: Mask) -> None:
        known = len(self._places)
        self._places = self._places.joined_by(rims)
        more = len(self._places) - known
        at = self._places.at.T
        self._rest_m, self._detour_m = self._straight_m(_END), self._straight_m(_END) + self._straight_m(_START)
        self._length_m = np.concatenate((self._length_m, np.full(more, math.inf)))
        self._parent = np.concatenate((self._parent, np.full(more, _START)))
        self._reached = np.concatenate((self._reached, np.zeros(more, dtype=np.bool_)))
        self._usable = np.concatenate((self._usable, ~self._maze.holding(at[known:], self._joined)))
        self._usable[:known] &= ~self._maze.holding(at[:known], new)

    def _straight_m(self, place: int) -> Array:
        """The straight distance of every place from one."""
        return np.asarray(np.hypot(*(self._places.at - self._places.at[:, place, None])))
