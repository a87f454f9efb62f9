"""The exact shortest way between two places: sought among ever longer ways until there is one.

A way up to a limit stays within the ellipse that has its ends as foci: only zones that meet it are looked at. Within
the limit the search is A* among the corners that can be seen (`geofence.kernel`); where it finds a way, that is a
shortest one, and where not, there is none up to the limit.
"""

from __future__ import annotations

import math

import numpy as np

from geofence.frame import Array
from geofence.maze import Maze
from geofence.obstacles import Indices
from geofence.tables import Mask, Quest, Tree

# Half a microsecond each. Far apart among 2 000 zones it takes some 50 000; to see that there is no way, a million.
MOST_LINES = 2_000_000
# Ways are looked at that are longer than the straight one by this share at most; when there is none, by so much more.
_LONGER, _AND_THEN = 0.03, 2.0
_ROUNDING_M = 1e-9
_FEW_LINES = 500  # looked at from the end at first; twice as many with each longer limit


class SearchTooLarge(Exception):
    """No way was found within `MOST_LINES` lines looked at; there may be one."""


class Search:
    """One search among what `counts` of a maze, between two places (2,) that are free and in one room."""

    def __init__(self, maze: Maze, counts: Mask, start: Array, end: Array) -> None:
        self._maze = maze
        self._counts = counts
        self._ends = start, end
        self._straight_m = float(np.hypot(*(end - start)))
        self._all_m = maze.farthest_m(start, end)
        self._shaping = np.zeros_like(counts)
        self._limit_m = -math.inf  # no way up to it
        self._few_lines = _FEW_LINES
        self._found: Array | None = None

    def way(self, longest_m: float = math.inf) -> Array | None:
        """The shortest way, (N ≥ 2, 2); None when there is none up to `longest_m`. Raises SearchTooLarge."""
        while self._found is None and self._limit_m < longest_m:
            limit_m = min(self._next_m(), longest_m)
            # An ellipse that holds everything is no limit: what is found then, or not, is final.
            limit_m = limit_m if limit_m < self._all_m else math.inf
            self._found = self._shortest(limit_m)
            self._limit_m = limit_m
        return self._found if self._found_m() <= longest_m + _ROUNDING_M else None

    def _found_m(self) -> float:
        return math.inf if self._found is None else float(np.hypot(*np.diff(self._found, axis=0).T).sum())

    def _next_m(self) -> float:
        """The next limit."""
        longer_m = max(_AND_THEN * (self._limit_m - self._straight_m), _LONGER * self._straight_m, 1.0)
        return self._straight_m + longer_m

    def is_over(self) -> bool:
        """Whether there is no way at all, however long."""
        return self._found is None and math.isinf(self._limit_m) and self._limit_m > 0.0

    def shaped_by(self) -> Indices:
        """The obstacles that made the answer what it is, by number: without the others it is the same."""
        return np.flatnonzero(self._shaping)

    def _shortest(self, limit_m: float) -> Array | None:
        """From the end first, a little: that a place is shut in shows soonest from there."""
        few = min(self._few_lines, MOST_LINES)
        self._few_lines *= 2
        back, lines = self._sought(self._ends[::-1], limit_m, few)
        if lines <= few:
            return None if back is None else back[::-1]
        way, lines = self._sought(self._ends, limit_m, MOST_LINES)
        if lines > MOST_LINES:
            raise SearchTooLarge
        return way

    def _sought(self, ends: tuple[Array, Array], limit_m: float, most_lines: int) -> tuple[Array | None, int]:
        """The way if there is one, and how many lines were looked at: more than `most_lines`, and it is not known."""
        from geofence.kernel import search  # noqa: PLC0415 — imports numba: only what searches shall wait for that

        corners, walls = self._maze.drawn(*ends, limit_m, self._counts)
        tree = _planted(corners.at, ends)
        start, end = len(tree.at) - 2, len(tree.at) - 1
        x, y = ends[1].tolist()
        # The end is a clump of its own, the first to be looked at.
        discs = np.concatenate(([[x, y, 0.0]], corners.discs))
        spans = np.concatenate(([[end, end + 1, len(self._counts) - 1]], corners.spans))
        quest = Quest(discs, spans, walls, self._counts, self._shaping, x, y, limit_m + _ROUNDING_M)
        lines = search(quest, tree, most_lines)
        is_found = math.isfinite(tree.length_m[end]) and lines <= most_lines
        return tree.at[_walk(tree.before, start, end), :2] if is_found else None, lines


def _planted(corners: Array, ends: tuple[Array, Array]) -> Tree:
    """The corners (C, 6), the start and the end; no way is known but that to the start."""
    number = len(corners)
    at = np.concatenate((corners, np.zeros((2, 6))))
    at[number:, :2] = ends
    length_m = np.full(number + 2, math.inf)
    length_m[number] = 0.0
    return Tree(at, length_m, np.full(number + 2, number), np.zeros(number + 2, dtype=np.bool_))


def _walk(before: Indices, start: int, end: int) -> list[int]:
    """The places of the way."""
    walk = [end]
    while walk[-1] != start:
        walk.append(int(before[walk[-1]]))
    return walk[::-1]
