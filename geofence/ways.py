"""Shortest ways between many places: lower bounds at once, exact lengths only of the pairs asked for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.freespace import FreeSpace


class Ways:
    """Ways among places (N, 2) of one free space. Each pair is searched once; a way back is the way there."""

    def __init__(self, space: FreeSpace, places: Array) -> None:
        self._space = space
        self.places = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        self._found: dict[tuple[int, int], tuple[float, Array | None]] = {}
        self._clear: dict[int, NDArray[np.bool_]] = {}

    def straight_m(self) -> Array:
        """The straight distances (N, N): no way is shorter."""
        apart = self.places[:, None, :] - self.places[None, :, :]
        return np.hypot(apart[..., 0], apart[..., 1])

    def length_m(self, one: int, other: int) -> float:
        """The exact length between two places by index; infinite when there is no way. Raises SearchTooLarge."""
        return self._search(one, other)[0]

    def way(self, one: int, other: int) -> Array | None:
        """The shortest way itself, (M ≥ 2, 2); None when there is none. Raises SearchTooLarge."""
        way = self._search(one, other)[1]
        return way if way is None or one <= other else way[::-1]

    def _search(self, one: int, other: int) -> tuple[float, Array | None]:
        pair = (min(one, other), max(one, other))
        if pair not in self._found:
            way = self._shortest(*pair)
            self._found[pair] = (math.inf if way is None else length_of(way), way)
        return self._found[pair]

    def _shortest(self, one: int, other: int) -> Array | None:
        """Straight where nothing is in between, which is asked for all ways from a place at once."""
        if one not in self._clear:
            self._clear[one] = self._space.clear(np.broadcast_to(self.places[one], self.places.shape), self.places)
        if self._clear[one][other]:
            return self.places[[one, other]]
        return self._space.way(self.places[one], self.places[other])


def length_of(way: Array) -> float:
    """The length of a path (N, 2), in its unit."""
    return float(np.hypot(*np.diff(way, axis=0).T).sum())
