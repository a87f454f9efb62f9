"""A craft drops out: its points go to the others, who keep what they are flying to, or are named as lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from missions.fleets.costs import counted_s
from missions.fleets.distances import NO_WAY_M, Distances, OpenAir
from missions.fleets.model import XY, Craft, Dropped, Point, Ways


@dataclass(frozen=True, slots=True)
class Flying:
    """A craft in the air: where it is, the points that it still flies to in order, and what it may still use.

    `left_s`, `left_m`: what is left of its limits, home included, counted as `Craft.limit_s` and `limit_m`.
    """

    craft: Craft
    at: XY
    points: tuple[int, ...]
    left_s: float
    left_m: float = math.inf


@dataclass(frozen=True, slots=True)
class Reassigned:
    """What each craft flies to now, in the order asked; the points that nobody can take over; and metres added."""

    points: tuple[tuple[int, ...], ...]
    dropped: tuple[Dropped, ...]
    added_m: float


def reassigned(
    orphans: Sequence[int], flying: Sequence[Flying], points: Sequence[Point], ways: Ways | None = None
) -> Reassigned:
    """The points `orphans` put between those that others still fly to, where they cost least.

    Nobody's order changes and nobody turns away from the point that it flies to now. Those that matter most come
    first, among equals the one that has the most to lose by waiting.
    Source: regret insertion (Potvin and Rousseau 1993).
    """
    task = _Task(flying, points, ways or OpenAir())
    waiting = list(dict.fromkeys(orphans))
    while waiting:
        best = max((task.regret(orphan), -index, orphan) for index, orphan in enumerate(waiting))
        regret, _, orphan = best
        if regret == _HOPELESS:
            break
        task.insert(orphan)
        waiting.remove(orphan)
    return Reassigned(task.result(), tuple(task.lost(orphan) for orphan in waiting), task.added_m)


_HOPELESS = (-math.inf, -math.inf)


@dataclass(frozen=True, slots=True)
class _Place:
    """Between which points of whose tour, and what it costs."""

    who: int
    index: int
    metres: float


class _Task:
    """Tours that grow. Each craft is its own place twice: where it is, and its home."""

    def __init__(self, flying: Sequence[Flying], points: Sequence[Point], ways: Ways) -> None:
        self._flying, self._points = flying, points
        homes = [_standing(each.craft, each.craft.home) for each in flying]
        starts = [_standing(each.craft, each.at) for each in flying]
        self._distances = Distances([*homes, *starts], points, ways)
        self._tours = [list(each.points) for each in flying]
        self.added_m = 0.0

    def result(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(tuple, self._tours))

    def regret(self, orphan: int) -> tuple[float, float]:
        """Weight, and how much dearer the next best craft is than the best; `_HOPELESS` when no craft can take it."""
        costs = sorted(place.metres for place in self._places(orphan))
        if not costs:
            return _HOPELESS
        return self._points[orphan].weight, (costs[1] if len(costs) > 1 else NO_WAY_M) - costs[0]

    def insert(self, orphan: int) -> None:
        best = min(self._places(orphan), key=lambda place: (place.metres, place.who))
        self._tours[best.who].insert(best.index, orphan)
        self.added_m += best.metres

    def lost(self, orphan: int) -> Dropped:
        if not self._distances.free[self._distances.first_point + orphan]:
            return Dropped(orphan, "it does not lie where flying is allowed, by the margin")
        return Dropped(orphan, "no vehicle in the air has enough left to visit it and return")

    def _places(self, orphan: int) -> list[_Place]:
        """The best place for a point with each craft that has enough left."""
        found = (self._place(who, orphan) for who in range(len(self._flying)))
        return [place for place in found if place]

    def _place(self, who: int, orphan: int) -> _Place | None:
        """The cheapest place by true lengths, after the point that the craft flies to now."""
        tour = self._tours[who]
        first = 1 if self._flying[who].points else 0
        tried = [[*tour[:index], orphan, *tour[index:]] for index in range(first, len(tour) + 1)]
        now_m = self._metres(who, tour)
        while True:
            costs = [self._metres(who, each) for each in tried]
            best = int(np.argmin(costs))
            if not self._distances.settle(self._legs(who, tried[best])):
                break
        fits = costs[best] < NO_WAY_M and self._fits(who, tried[best])
        return _Place(who, first + best, costs[best] - now_m) if fits else None

    def _fits(self, who: int, tour: list[int]) -> bool:
        each = self._flying[who]
        legs_m = np.array([self._distances.metres[pair] for pair in self._legs(who, tour)])
        waits_s = sum(self._points[stop].dwell_s for stop in tour) * each.craft.wait_factor
        needed_s = float(counted_s(legs_m, each.craft).sum()) + waits_s
        return needed_s <= each.left_s and float(legs_m.sum()) <= each.left_m

    def _metres(self, who: int, tour: list[int]) -> float:
        return float(sum(self._distances.metres[pair] for pair in self._legs(who, tour)))

    def _legs(self, who: int, tour: list[int]) -> list[tuple[int, int]]:
        start, home = self._distances.homes[len(self._flying) + who], self._distances.homes[who]
        nodes = [start, *(self._distances.first_point + stop for stop in tour), home]
        return list(pairwise(nodes))


def _standing(craft: Craft, at: XY) -> Craft:
    return Craft(craft.id, at, craft.speed_mps, craft.limit_s)
