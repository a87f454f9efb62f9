"""Visits again and again: schedules over a horizon with changes of battery, judged by how long points go unseen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from geofence.frame import Array
from missions.fleets.costs import counted_s, keeps_limits, moving_s, round_of
from missions.fleets.distances import NO_WAY_M, Distances
from missions.fleets.model import Craft, FleetPlan, Point, Round

# More laps in one flight than this are another flight.
MOST_LAPS = 50


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


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a schedule may cost to make: `ways` searched for, `visits` in all; repeatable.

    `left_s`: how much time is left, asked now and then; None: no matter.
    """

    ways: int = 300
    visits: int = 4_000
    left_s: Callable[[], float] | None = None

    def over(self) -> bool:
        return self.left_s is not None and self.left_s() <= 0.0


def recurrent(
    plan: FleetPlan,
    points: Sequence[Point],
    crafts: Sequence[Craft],
    distances: Distances,
    horizon_s: float,
    *,
    pace: Pace = Pace(),
    once: bool = False,
) -> Recurrence:
    """The best of three kinds of schedule: the rounds of `plan` over and over, once or as often as a battery lasts in
    one flight, or always to the point that is due most.

    The first two are best where all points matter alike; the third where some must be seen more often. `once`: in the
    third no flight sees a point twice, so that each can be flown as one watch.
    For every strategy there is a recurrent one that is nearly as good (arXiv 2509.11640).
    """
    tried = [cyclic(plan, points, crafts, distances, horizon_s, most_laps=laps, pace=pace) for laps in (1, MOST_LAPS)]
    known = _known(distances, pace)
    for nearness in _NEARNESS:
        if pace.over():
            break
        tried.append(
            greedy(points, crafts, distances, horizon_s, nearness=nearness, pace=pace, known=known, once=once)
        )
    seen = {visit.point for visits in tried for visit in visits}
    unseen = tuple(point for point in range(len(points)) if point not in seen)
    judged = [Recurrence(visits, idleness(visits, points, horizon_s, without=unseen), unseen) for visits in tried]
    return min(judged, key=lambda each: (each.idleness.worst_s, each.idleness.mean_s))


def _known(distances: Distances, pace: Pace) -> int:
    """Finds the ways home, nearest first, so far as `pace` lets; how many searches may have been made in all."""
    most = distances.searched + pace.ways
    pairs = [(home, node) for home in range(distances.first_point) for node in range(len(distances.places))]
    for pair in sorted(pairs, key=lambda each: float(distances.metres[each])):
        if distances.searched >= most or pace.over():
            break
        distances.settle([pair])
    return most


def cyclic(
    plan: FleetPlan,
    points: Sequence[Point],
    crafts: Sequence[Craft],
    distances: Distances,
    horizon_s: float,
    *,
    most_laps: int = 1,
    pace: Pace = Pace(),
) -> tuple[Visit, ...]:
    """Each craft flies its rounds over and over, with a change of battery after each.

    Where it has one round only, it goes around up to `most_laps` times before it lands, as the battery lasts.
    """
    visits: list[Visit] = []
    for craft, rounds in groupby(plan.rounds, key=lambda each: each.craft):
        own = list(rounds)
        if len(own) == 1:
            own = [_lapped(own[0], crafts, points, distances, most_laps)]
        now_s, flight, most = 0.0, 0, len(visits) + pace.visits // len(crafts)
        while now_s < horizon_s and len(visits) < most:
            each = own[flight % len(own)]
            visits += [
                Visit(point, craft, flight, now_s + at_s)
                for point, at_s in _seen_at(each.points, craft, points, crafts, distances)
            ]
            now_s += each.flight_s + crafts[craft].swap_s
            flight += 1
    return tuple(sorted((each for each in visits if each.at_s <= horizon_s), key=lambda each: each.at_s))


def _lapped(
    one: Round, crafts: Sequence[Craft], points: Sequence[Point], distances: Distances, most_laps: int
) -> Round:
    """The round with its points as many times over as the limits of its craft let."""
    if len(one.points) < 2:
        return one  # a place cannot be left for itself
    distances.settle([(distances.first_point + one.points[-1], distances.first_point + one.points[0])])
    best = one
    for laps in range(2, most_laps + 1):
        longer = round_of(one.craft, crafts, points, one.points * laps, distances)
        if not keeps_limits(longer, crafts[one.craft]):
            break
        best = longer
    return best


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
    points: Sequence[Point],
    crafts: Sequence[Craft],
    distances: Distances,
    horizon_s: float,
    *,
    nearness: float = 0.5,
    pace: Pace = Pace(),
    known: int | None = None,
    once: bool = False,
) -> tuple[Visit, ...]:
    """Whoever is free flies to the point that will be due most by then, and home when the battery asks for it.

    `known`: after so many searches in all only ways that are known by then are flown; None: as many as it takes.
    """
    watch = _Watch(points, crafts, distances, _Manner(nearness, known, once, pace))
    while watch.next_free_s() < horizon_s and len(watch.visits) < pace.visits:
        watch.step()
    return tuple(sorted((each for each in watch.visits if each.at_s <= horizon_s), key=lambda each: each.at_s))


@dataclass(frozen=True, slots=True)
class _Manner:
    """As the parameters of `greedy`."""

    nearness: float
    known: int | None
    once: bool
    pace: Pace


class _Watch:
    """The state of a greedy watch: where each craft is, when it is free, what it has left."""

    def __init__(
        self, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, manner: _Manner
    ) -> None:
        self._points, self._crafts, self._distances, self._manner = points, crafts, distances, manner
        self._weights: Array = np.array([point.weight for point in points])
        self._waits_s: Array = np.array([point.dwell_s for point in points])
        self._seen_s = np.zeros(len(points))
        self._at = list(distances.homes)
        self._free_s = [craft.fixed_s / 2.0 for craft in crafts]
        self._left_s = [craft.limit_s for craft in crafts]
        self._left_m = [craft.limit_m for craft in crafts]
        self._flight = [0] * len(crafts)
        self._flown: list[set[int]] = [set() for _ in crafts]
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
            target = self._guess(craft, known_only=self._tired())
            if target is None:
                return None
            here, home = self._at[craft], self._distances.homes[craft]
            if not self._distances.settle([(here, first + target), (first + target, home)]):
                return target

    def _tired(self) -> bool:
        """Whether no more ways are searched for."""
        known = self._manner.known
        return (known is not None and self._distances.searched >= known) or self._manner.pace.over()

    def _guess(self, craft: int, *, known_only: bool) -> int | None:
        own, here, home = self._crafts[craft], self._at[craft], self._distances.homes[craft]
        out_m = self._distances.metres[here, self._distances.first_point :]
        back_m = self._distances.metres[self._distances.first_point :, home]
        needed_s = counted_s(out_m, own) + counted_s(back_m, own) + self._waits_s * own.wait_factor
        fits = (needed_s <= self._left_s[craft]) & (out_m + back_m <= self._left_m[craft])
        fits &= (out_m < NO_WAY_M) & (back_m < NO_WAY_M)
        fits &= np.arange(len(self._points)) + self._distances.first_point != here
        if known_only:
            exact, first = self._distances.exact, self._distances.first_point
            fits &= exact[here, first:] & exact[first:, home]
        if self._manner.once and self._flown[craft]:
            fits[list(self._flown[craft])] = False
        if not fits.any():
            return None
        takes_s = moving_s(out_m, own) + self._waits_s
        due = self._weights * (self._free_s[craft] + takes_s - self._seen_s)
        return int(np.argmax(np.where(fits, due / (takes_s + 1.0) ** self._manner.nearness, -np.inf)))

    def _visit(self, craft: int, point: int) -> None:
        own, node = self._crafts[craft], self._distances.first_point + point
        metres = self._distances.metres[[self._at[craft]], [node]]
        self._free_s[craft] += float(moving_s(metres, own)[0]) + self._points[point].dwell_s
        self._left_s[craft] -= float(counted_s(metres, own)[0]) + self._points[point].dwell_s * own.wait_factor
        self._left_m[craft] -= float(metres[0])
        self._at[craft] = node
        self._seen_s[point] = self._free_s[craft]
        self._flown[craft].add(point)
        self.visits.append(Visit(point, craft, self._flight[craft], self._free_s[craft]))

    def _change_battery(self, craft: int) -> None:
        own, home = self._crafts[craft], self._distances.homes[craft]
        metres = self._distances.metres[[self._at[craft]], [home]]
        self._free_s[craft] += float(moving_s(metres, own)[0]) + own.fixed_s + own.swap_s
        self._left_s[craft], self._left_m[craft] = own.limit_s, own.limit_m
        self._at[craft] = home
        self._flown[craft].clear()
        self._flight[craft] += 1


def flights(
    visits: Sequence[Visit], points: Sequence[Point], crafts: Sequence[Craft], distances: Distances
) -> tuple[Round, ...]:
    """The visits as the rounds that make them, in the order of take-off, each home again at its end."""
    stops: dict[tuple[int, int], list[int]] = {}
    for visit in sorted(visits, key=lambda each: each.at_s):
        stops.setdefault((visit.craft, visit.flight), []).append(visit.point)
    free_s, found = [0.0] * len(crafts), []
    for craft, flight in sorted(stops):
        one = round_of(craft, crafts, points, tuple(stops[craft, flight]), distances)
        found.append(replace(one, begins_s=free_s[craft]))
        free_s[craft] = found[-1].ends_s + crafts[craft].swap_s
    return tuple(sorted(found, key=lambda each: (each.begins_s, each.craft)))
