"""Many points, several craft, hard limits: who visits what, in which order, in how many rounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from missions.fleets.costs import counted_s, keeps_limits, round_of
from missions.fleets.distances import NO_WAY_M, Distances, OpenAir
from missions.fleets.model import Craft, Dropped, Effort, FleetPlan, Objective, Point, Round, Ways
from missions.fleets.solver import Found, Problem, Stop, Tours

MOST_POINTS = 200
MOST_CRAFTS = 20
_SETTLING_ROUNDS = 12
_HALVINGS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Patrol:
    """A fleet plan with the distances that it was made with, so that its ways can be drawn and flown."""

    plan: FleetPlan
    distances: Distances


def patrol(
    points: Sequence[Point],
    crafts: Sequence[Craft],
    ways: Ways | None = None,
    *,
    objective: Objective = Objective.TOTAL,
    effort: Effort = Effort(),  # noqa: B008  (immutable)
) -> Patrol:
    """Rounds that visit as many points as the limits allow, by weight, short in all or soon over.

    The limits of every craft are kept by every round; what they leave out is named. Lengths are those of free ways
    (`ways`; None: nothing is in the way). Raises ValueError for more than MOST_POINTS or MOST_CRAFTS, or without any.
    """
    if not (0 < len(points) <= MOST_POINTS and 0 < len(crafts) <= MOST_CRAFTS):
        raise ValueError(f"from 1 to {MOST_POINTS} points and from 1 to {MOST_CRAFTS} craft can be planned for")
    return _Planning(points, crafts, Distances(crafts, points, ways or OpenAir()), effort).patrol(objective)


class _Planning:
    """One task on its way to a plan."""

    def __init__(
        self, points: Sequence[Point], crafts: Sequence[Craft], distances: Distances, effort: Effort
    ) -> None:
        self._points, self._crafts, self._distances, self._effort = points, crafts, distances, effort
        self._optional = False
        self._limit_s = math.inf
        self._most_rounds = max((craft.rounds for craft in crafts), default=1)

    def patrol(self, objective: Objective) -> Patrol:
        self._distances.explore()
        self._optional = not (self._all_in_reach() and self._probe())
        if objective is Objective.PERIOD and not self._optional:
            self._most_rounds = self._fewest_rounds()
        share = 0.2 if objective is Objective.PERIOD else 0.75
        best = self._searched(share)
        if not (best.feasible or self._optional):
            self._optional = True
            best = self._searched(share / 2)
        if objective is Objective.PERIOD:
            best = self._sooner(best)
        rounds = tuple(self._timed(self._within_limits(best.tours)))
        visited = set(chain.from_iterable(each.points for each in rounds))
        dropped = tuple(self._dropped(point) for point in range(len(self._points)) if point not in visited)
        exact = all(
            bool(self._distances.exact[pair])
            for each in rounds
            for pair in self._distances.legs(each.craft, each.points)
        )
        return Patrol(FleetPlan(rounds, dropped, exact), self._distances)

    def _all_in_reach(self) -> bool:
        """Whether each point could be visited alone, by what is known so far: if not, some must be left out."""
        return all(self._nearest_round(point) is not None for point in range(len(self._points)))

    def _probe(self) -> bool:
        """Whether limits let all points in, as far as a short search can tell."""
        return self._solve(self._effort.seeds[0], 0.2 * self._effort.seconds, first=True).feasible

    def _fewest_rounds(self) -> int:
        """How few flights of each craft let all points in: each more costs a change of battery and a way there."""
        most = self._most_rounds
        for self._most_rounds in range(1, most):
            if self._probe():
                return self._most_rounds
        return most

    def _nearest_round(self, point: int) -> Round | None:
        rounds = (self._round(craft, (point,)) for craft in range(len(self._crafts)) if self._crafts[craft].rounds)
        return next((each for each in rounds if keeps_limits(each, self._crafts[each.craft])), None)

    def _searched(self, share: float) -> Found:
        """The best of several searches, each settled: every way that its rounds use is true."""
        seeds = self._effort.seeds
        each_s = share * self._effort.seconds / (len(seeds) + 1)
        # A first quick one finds out which ways matter, so that the others search with true lengths.
        quick = self._settled(self._solve(seeds[0], 0.2 * each_s), each_s)
        found = [quick, *(self._settled(self._solve(seed, each_s), each_s) for seed in seeds if not self._over())]
        best = min(found, key=_badness)
        if self._over():
            return best
        # What is left goes into the best one.
        return min(best, self._settled(self._solve(seeds[0], 0.8 * each_s, best.tours), each_s), key=_badness)

    def _over(self) -> bool:
        left_s = self._effort.left_s
        return left_s is not None and left_s() <= 0.0

    def _solve(self, seed: int, seconds: float, start: Tours | None = None, *, first: bool = False) -> Found:
        stop = Stop(max(0.05, seconds), self._effort.iterations, first)
        crafts = [replace(craft, rounds=min(craft.rounds, self._most_rounds)) for craft in self._crafts]
        problem = Problem(crafts, self._points, self._distances, optional=self._optional, limit_s=self._limit_s)
        return problem.solve(seed, stop, start)

    def _settled(self, found: Found, seconds: float) -> Found:
        """A search result whose ways are all true, after searching on where one was longer than thought."""
        for turn in range(_SETTLING_ROUNDS):
            longer = self._distances.settle(
                pair for craft, stops in found.tours for pair in self._distances.legs(craft, stops)
            )
            if not longer or self._over():
                break
            found = self._solve(turn, 0.15 * seconds, found.tours)
        self._distances.settle(pair for craft, stops in found.tours for pair in self._distances.legs(craft, stops))
        return self._judged(found)

    def _judged(self, found: Found) -> Found:
        """With its true length, and whether all its rounds keep the limits with true lengths."""
        rounds = [self._round(craft, stops) for craft, stops in found.tours]
        kept = all(
            keeps_limits(each, self._crafts[each.craft]) and each.counted_s <= self._limit_s for each in rounds
        )
        return replace(found, feasible=found.feasible and kept, metres=sum(each.length_m for each in rounds))

    def _sooner(self, best: Found) -> Found:
        """What is over soonest of all that is found while the longest round is made as short as halving makes it.

        Then the fewest metres that are over as soon. With several rounds for each craft it is the sum that counts.
        """
        if not best.tours:
            return best
        high_s = self._longest_s(best)
        low_s = sum(self._round(*tour).counted_s for tour in best.tours) / (
            2.0 * len(self._crafts) * self._most_rounds
        )
        each_s = 0.6 * self._effort.seconds / _HALVINGS
        served, last = _served(best), best
        for turn in range(_HALVINGS):
            if self._over() or high_s - low_s < 1.0:
                break
            self._limit_s = (low_s + high_s) / 2.0
            found = self._settled(self._solve(turn, each_s, last.tours, first=not self._optional), each_s)
            if found.feasible and _served(found) >= served:
                last, high_s = found, self._longest_s(found)
                best = min(best, found, key=self._lateness)
            else:
                low_s = self._limit_s
        self._limit_s = high_s
        return min(best, self._settled(self._solve(0, each_s, last.tours), each_s), key=self._lateness)

    def _lateness(self, found: Found) -> tuple[bool, int, float, float]:
        """As `_badness`, but by when the last craft has landed; then metres."""
        rounds = self._timed(self._round(*tour) for tour in found.tours)
        over_s = max((each.ends_s for each in rounds), default=0.0)
        return (not found.feasible, -_served(found), round(over_s), found.metres)

    def _longest_s(self, found: Found) -> float:
        return max(self._round(*tour).counted_s for tour in found.tours)

    def _within_limits(self, tours: Tours) -> Iterator[Round]:
        """The rounds as they are; from one that is over a limit points are taken out until it is not."""
        for craft, stops in tours:
            kept = stops
            while kept and not keeps_limits(self._round(craft, kept), self._crafts[craft]):
                shorter = [kept[:index] + kept[index + 1 :] for index in range(len(kept))]
                self._distances.settle(pair for each in shorter for pair in self._distances.legs(craft, each))
                kept = min(shorter, key=lambda each: self._round(craft, each).counted_s if each else 0.0)
            if kept:
                yield self._round(craft, kept)

    def _timed(self, rounds: Iterator[Round]) -> list[Round]:
        """The rounds given to crafts of one kind so that all are done soon: the longest first, to the first free.

        Source: longest processing time first (Graham 1969).
        """
        free_s = [0.0] * len(self._crafts)
        flown = [0] * len(self._crafts)
        timed = []
        for each in sorted(rounds, key=lambda one: -one.flight_s):
            own = self._crafts[each.craft]
            alike = [
                index
                for index, craft in enumerate(self._crafts)
                if replace(craft, id=own.id, rounds=own.rounds, swap_s=own.swap_s) == own
                and flown[index] < craft.rounds
            ]
            craft = min(alike, key=lambda index: (free_s[index], index))
            timed.append(replace(each, craft=craft, begins_s=free_s[craft]))
            free_s[craft] += each.flight_s + self._crafts[craft].swap_s
            flown[craft] += 1
        return sorted(timed, key=lambda one: (one.craft, one.begins_s))

    def _dropped(self, point: int) -> Dropped:
        node, homes = self._distances.first_point + point, range(self._distances.first_point)
        if not self._distances.free[node]:
            return Dropped(point, "it does not lie where flying is allowed, by the margin")
        self._distances.settle((home, node) for home in homes)
        if self._distances.metres[homes, node].min() >= NO_WAY_M:
            return Dropped(point, "no free way leads there from any dock")
        if self._nearest_round(point) is None:
            needed_s, limit_s = min(self._needed(craft, point) for craft in range(len(self._crafts)))
            return Dropped(point, f"it alone takes {needed_s:.0f} s, the limit is {max(0.0, limit_s):.0f} s")
        return Dropped(point, "the limits of the vehicles leave no time for it")

    def _needed(self, craft: int, point: int) -> tuple[float, float]:
        own = self._crafts[craft]
        limit_s = min(own.limit_s, float(counted_s(np.array(own.limit_m), own)))
        return self._round(craft, (point,)).counted_s, limit_s

    def _round(self, craft: int, stops: tuple[int, ...]) -> Round:
        return round_of(craft, self._crafts, self._points, stops, self._distances)


def _served(found: Found) -> int:
    return sum(len(stops) for _, stops in found.tours)


def _badness(found: Found) -> tuple[bool, int, float]:
    """Rounds that keep the limits before those that don't, then more points, then fewer metres."""
    return (not found.feasible, -_served(found), found.metres)
