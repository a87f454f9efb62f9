"""Visits again and again: schedules over a horizon with changes of battery, judged by how long points go unseen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from geofence.frame import Array
from missions.fleets.costs import counted_s, moving_s
from missions.fleets.distances import NO_WAY_M, Distances
from missions.fleets.model import Craft, FleetPlan, Point


@dataclass(frozen=True, slots=True)
class Visit:
    """A point is seen at `at_s` after the start; `craft` by number, in its flight number `flight`."""

    point: int
    craft: int
    flight: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Idleness:
    """Time since a point was last seen, times its weight, over a horizon that begins with all just seen.

    `worst_s` at any time at any point; `mean_s` over time and points; `worst_of_s` (N,) by point.
    """

    worst_s: float
    mean_s: float
    worst_of_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A schedule over a horizon: its visits in the order of time, and how good it is.

    `unseen`: points that no schedule visits; they are not counted in `idleness`, where they are 0.
    """

    visits: tuple[Visit, ...]
    idleness: Idleness
    unseen: tuple[int, ...] = ()


def idleness(
    visits: Sequence[Visit], points: Sequence[Point], horizon_s: float, *, without: Sequence[int] = ()
) -> Idleness:
    """How long points go unseen; those in `without` count as if they were always seen.

    Source: idleness as figure of merit, Machado et al. 2002 (MABS).
    """
    seen: list[list[float]] = [[0.0] for _ in points]
    for visit in sorted(visits, key=lambda each: each.at_s):
        if visit.at_s <= horizon_s:
            seen[visit.point].append(visit.at_s)
    gaps = [np.diff(np.array([*times, horizon_s])) * point.weight for times, point in zip(seen, points, strict=True)]
    worst = tuple(0.0 if index in without else float(each.max()) for index, each in enumerate(gaps))
    areas = [
        float((each**2).sum()) / (2.0 * point.weight)
        for index, (each, point) in enumerate(zip(gaps, points, strict=True))
        if index not in without
    ]
    return Idleness(max(worst), sum(areas) / max(1, len(areas)) / horizon_s, worst)


def recurrent(
    plan: FleetPlan, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, horizon_s: float
) -> Recurrence:
    """The better of two schedules: the rounds of `plan` over and over, or always to the point that is due most.

    The first is best where all points matter alike; the second where some must be seen more often.
    For every strategy there is a recurrent one that is nearly as good (arXiv 2509.11640).
    """
    tried = [
        cyclic(plan, points, crafts, distances, horizon_s),
        *(greedy(points, crafts, distances, horizon_s, nearness=each) for each in _NEARNESS),
    ]
    seen = {visit.point for visits in tried for visit in visits}
    unseen = tuple(point for point in range(len(points)) if point not in seen)
    judged = [Recurrence(visits, idleness(visits, points, horizon_s, without=unseen), unseen) for visits in tried]
    return min(judged, key=lambda each: (each.idleness.worst_s, each.idleness.mean_s))


def cyclic(
    plan: FleetPlan, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, horizon_s: float
) -> tuple[Visit, ...]:
    """Each craft flies its rounds over and over, with a change of battery after each."""
    visits = []
    for craft, rounds in groupby(plan.rounds, key=lambda each: each.craft):
        own = list(rounds)
        now_s, flight = 0.0, 0
        while now_s < horizon_s:
            each = own[flight % len(own)]
            visits += [
                Visit(point, craft, flight, now_s + at_s)
                for point, at_s in _seen_at(each.points, craft, points, crafts, distances)
            ]
            now_s += each.flight_s + crafts[craft].swap_s
            flight += 1
    return tuple(sorted((each for each in visits if each.at_s <= horizon_s), key=lambda each: each.at_s))


def _seen_at(
    stops: Sequence[int], craft: int, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances
) -> Iterator[tuple[int, float]]:
    """When a round has seen each of its points, seconds after take-off; half of `fixed_s` is the climb."""
    own = crafts[craft]
    legs_m = np.array([distances.metres[pair] for pair in distances.legs(craft, stops)])
    now_s = own.fixed_s / 2.0
    for stop, leg_s in zip(stops, moving_s(legs_m[:-1], own).tolist(), strict=True):
        now_s += leg_s + points[stop].dwell_s
        yield stop, now_s


# How much the time to a point counts against what is due there: tried in turn, since none is always best.
_NEARNESS = (0.25, 0.5, 1.0)


def greedy(
    points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, horizon_s: float, *, nearness: float = 0.5
) -> tuple[Visit, ...]:
    """Whoever is free flies to the point that will be due most by then, and home when the battery asks for it."""
    watch = _Watch(points, crafts, distances, nearness)
    while watch.next_free_s() < horizon_s:
        watch.step()
    return tuple(sorted((each for each in watch.visits if each.at_s <= horizon_s), key=lambda each: each.at_s))


class _Watch:
    """The state of a greedy watch: where each craft is, when it is free, what it has left."""

    def __init__(
        self, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, nearness: float
    ) -> None:
        self._points, self._crafts, self._distances, self._nearness = points, crafts, distances, nearness
        self._weights: Array = np.array([point.weight for point in points])
        self._waits_s: Array = np.array([point.dwell_s for point in points])
        self._seen_s = np.zeros(len(points))
        self._at = list(distances.homes)
        self._free_s = [craft.fixed_s / 2.0 for craft in crafts]
        self._left_s = [craft.limit_s for craft in crafts]
        self._left_m = [craft.limit_m for craft in crafts]
        self._flight = [0] * len(crafts)
        self.visits: list[Visit] = []

    def next_free_s(self) -> float:
        return min(self._free_s)

    def step(self) -> None:
        craft = int(np.argmin(self._free_s))
        target = self._target(craft)
        if target is not None:
            self._visit(craft, target)
        elif self._at[craft] != self._distances.homes[craft]:
            self._change_battery(craft)
        else:
            self._free_s[craft] = math.inf  # nothing is in reach of a full battery

    def _target(self, craft: int) -> int | None:
        """The point in reach with the most weighted idleness on arrival for the time that it takes, by true ways."""
        first = self._distances.first_point
        while True:
            target = self._guess(craft)
            if target is None:
                return None
            here, home = self._at[craft], self._distances.homes[craft]
            if not self._distances.settle([(here, first + target), (first + target, home)]):
                return target

    def _guess(self, craft: int) -> int | None:
        own, here, home = self._crafts[craft], self._at[craft], self._distances.homes[craft]
        out_m = self._distances.metres[here, self._distances.first_point :]
        back_m = self._distances.metres[self._distances.first_point :, home]
        needed_s = counted_s(out_m, own) + counted_s(back_m, own) + self._waits_s * own.wait_factor
        fits = (needed_s <= self._left_s[craft]) & (out_m + back_m <= self._left_m[craft])
        fits &= (out_m < NO_WAY_M) & (back_m < NO_WAY_M)
        fits &= np.arange(len(self._points)) + self._distances.first_point != here
        if not fits.any():
            return None
        takes_s = moving_s(out_m, own) + self._waits_s
        due = self._weights * (self._free_s[craft] + takes_s - self._seen_s)
        return int(np.argmax(np.where(fits, due / (takes_s + 1.0) ** self._nearness, -np.inf)))

    def _visit(self, craft: int, point: int) -> None:
        own, node = self._crafts[craft], self._distances.first_point + point
        metres = self._distances.metres[[self._at[craft]], [node]]
        self._free_s[craft] += float(moving_s(metres, own)[0]) + self._points[point].dwell_s
        self._left_s[craft] -= float(counted_s(metres, own)[0]) + self._points[point].dwell_s * own.wait_factor
        self._left_m[craft] -= float(metres[0])
        self._at[craft] = node
        self._seen_s[point] = self._free_s[craft]
        self.visits.append(Visit(point, craft, self._flight[craft], self._free_s[craft]))

    def _change_battery(self, craft: int) -> None:
        own, home = self._crafts[craft], self._distances.homes[craft]
        metres = self._distances.metres[[self._at[craft]], [home]]
        self._free_s[craft] += float(moving_s(metres, own)[0]) + own.fixed_s + own.swap_s
        self._left_s[craft], self._left_m[craft] = own.limit_s, own.limit_m
        self._at[craft] = home
        self._flight[craft] += 1
