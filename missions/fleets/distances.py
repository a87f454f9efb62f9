"""Lengths of the ways among places: straight at first, which is never too long; true for each pair once asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.search import SearchTooLarge
from missions.fleets.model import Craft, Point, Ways

# Stands for a way that does not exist, or that no search found: longer than any limit, yet finite for integers.
NO_WAY_M = 1e6
_LONGER_M = 0.01
# So many nearest neighbours of each place are worth a true length before any search.
NEIGHBOURS = 5


class Distances:
    """Between the homes of crafts, each place once, and the points. `metres` (N, N) is symmetric.

    `exact` (N, N) says which are true; `free` (N,) which places lie in the free space; `searched` counts the ways
    that had to be searched for, which is what takes time.
    """

    def __init__(self, crafts: Sequence[Craft], points: Sequence[Point], ways: Ways) -> None:
        homes = list(dict.fromkeys(craft.home for craft in crafts))
        self.homes = tuple(homes.index(craft.home) for craft in crafts)
        self.first_point = len(homes)
        self.places: Array = np.array([*homes, *(point.at for point in points)], dtype=np.float64)
        self._ways = ways
        places = self.places
        steps = places[:, None] - places[None, :]
        self.metres: Array = np.hypot(steps[..., 0], steps[..., 1])
        self.exact: NDArray[np.bool_] = np.eye(len(places), dtype=np.bool_)
        self._found: dict[tuple[int, int], Array] = {}
        self.searched = 0
        self._islands = _Islands(len(places))
        self._look()

    def nodes(self, craft: int, stops: Iterable[int]) -> list[int]:
        """The places of a round: home, points by number, home."""
        home = self.homes[craft]
        return [home, *(self.first_point + stop for stop in stops), home]

    def legs(self, craft: int, stops: Iterable[int]) -> list[tuple[int, int]]:
        """The pairs of places between which a round flies."""
        return list(pairwise(self.nodes(craft, stops)))

    def _look(self) -> None:
        """Where the straight line is free it is the way; a place that is not free has no way to anywhere."""
        one, other = np.triu_indices(len(self.places))
        clear = self._ways.clear(self.places[one], self.places[other])
        self.exact[one[clear], other[clear]] = self.exact[other[clear], one[clear]] = True
        for pair in zip(one[clear].tolist(), other[clear].tolist(), strict=True):
            self._islands.join(*pair)
        self.free = np.zeros(len(self.places), dtype=np.bool_)
        own = one == other
        self.free[one[own]] = clear[own]
        barred = ~self.free
        self.metres[barred, :] = self.metres[:, barred] = NO_WAY_M
        self.exact[barred, :] = self.exact[:, barred] = True
        np.fill_diagonal(self.metres, 0.0)

    def settle(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Puts in the true lengths of pairs of places; whether any is longer than thought."""
        longer = False
        for one, other in pairs:
            if self.exact[one, other]:
                continue
            apart = self._islands.apart(one, other)
            metres = NO_WAY_M if apart else self._length(min(one, other), max(one, other))
            longer |= metres > self.metres[one, other] + _LONGER_M
            self.metres[one, other] = self.metres[other, one] = metres
            self.exact[one, other] = self.exact[other, one] = True
        return longer

    def explore(self) -> None:
        """Settles what tours are mostly made of, and finds out what has no way to the homes at all."""
        self.settle(self._neighbours())
        for home in range(self.first_point):
            for place in self._islands.others(home):
                self.settle([(home, place)])
        apart = self._islands.all_apart() & ~self.exact
        self.metres[apart] = NO_WAY_M
        self.exact |= apart

    def _neighbours(self) -> list[tuple[int, int]]:
        """The pairs of each place and those nearest to it, nearest first: what tours are mostly made of."""
        near = np.argsort(self.metres, axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
        pairs = {(min(one, other), max(one, other)) for one, row in enumerate(near.tolist()) for other in row}
        return sorted(pairs, key=lambda pair: (self.metres[pair], pair))

    def way(self, one: int, other: int) -> Array:
        """The way from one place to another, (N ≥ 2, 2); straight where it is not known better."""
        found = self._found.get((min(one, other), max(one, other)))
        if found is None:
            return self.places[[one, other]]
        return found if one < other else found[::-1]

    def _length(self, one: int, other: int) -> float:
        self.searched += 1
        try:
            way = self._ways.way(self.places[one], self.places[other])
        except SearchTooLarge:
            return NO_WAY_M
        if way is None:
            self._islands.part(one, other)
            return NO_WAY_M
        self._found[one, other] = way
        self._islands.join(one, other)
        return float(np.hypot(*np.diff(way, axis=0).T).sum())


class _Islands:
    """Which places are joined by ways and which are known not to be: to learn that takes a search its longest."""

    def __init__(self, count: int) -> None:
        self._island = list(range(count))
        self._apart: set[frozenset[int]] = set()

    def join(self, one: int, other: int) -> None:
        kept, gone = self._island[one], self._island[other]
        if kept == gone:
            return
        self._island = [kept if island == gone else island for island in self._island]
        self._apart = {frozenset(kept if island == gone else island for island in pair) for pair in self._apart}

    def part(self, one: int, other: int) -> None:
        self._apart.add(frozenset((self._island[one], self._island[other])))

    def others(self, place: int) -> list[int]:
        """One place of each other island that is not known to be apart from that of `place`."""
        first = {island: index for index, island in reversed(list(enumerate(self._island)))}
        return [
            index for index in first.values() if index != first[self._island[place]] and not self.apart(place, index)
        ]

    def all_apart(self) -> NDArray[np.bool_]:
        """For every pair of places whether they are known to be apart."""
        island = np.array(self._island)
        apart = np.zeros((len(island), len(island)), dtype=np.bool_)
        for one, other in (sorted(pair) for pair in self._apart):
            pairs = (island == one)[:, None] & (island == other)[None, :]
            apart |= pairs | pairs.T
        return apart

    def apart(self, one: int, other: int) -> bool:
        return frozenset((self._island[one], self._island[other])) in self._apart


class OpenAir:
    """Nothing in the way: every straight line is free."""

    def way(self, start: Array, end: Array) -> Array | None:
        return np.stack((start, end))

    def clear(self, starts: Array, ends: Array) -> NDArray[np.bool_]:
        return np.ones(len(starts), dtype=np.bool_) & np.isfinite(ends).all(axis=1)
