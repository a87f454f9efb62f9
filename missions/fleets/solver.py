"""The vehicle routing problem as PyVRP has it: whole numbers in, rounds per craft out. Only here it is imported."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from missions.fleets.costs import counted_s
from missions.fleets.distances import NO_WAY_M, Distances
from missions.fleets.model import Craft, Point

if TYPE_CHECKING:
    from pyvrp import ProblemData, Solution

# Tenths of a metre and of a second. Times are rounded up and limits down, so that what fits here fits in truth.
_UNITS = 10.0
# Fewer neighbours than PyVRP's 50 search twice as often in the same time and find the same tours.
_NEIGHBOURS = 20

# Who flies which points, in order: (craft, points) of each round.
Tours = tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """When a search ends: after `seconds`, or after `iterations` when given; `first`: as soon as the limits hold."""

    seconds: float
    iterations: int | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The best rounds of a search. `feasible`: limits hold and all points that must be are in; `metres` in all."""

    tours: Tours
    feasible: bool
    metres: float


class Problem:
    """Points to visit by crafts. `optional`: a point may be left out where limits do not let it in."""

    def __init__(
        self,
        crafts: Sequence[Craft],
        points: Sequence[Point],
        distances: Distances,
        *,
        optional: bool = False,
        limit_s: float = math.inf,
    ) -> None:
        self._crafts, self._points = crafts, points
        self._metres = np.minimum(distances.metres, NO_WAY_M)
        self._homes, self._first_point = distances.homes, distances.first_point
        self._limit_s = limit_s
        self._alike = _alike(crafts)
        self._data = self._problem(optional)

    def solve(self, seed: int, stop: Stop, start: Tours | None = None) -> Found:
        """The best that a search finds from `start`, or from scratch. Repeatable for iterations and a seed."""
        import pyvrp  # noqa: PLC0415  (slow to import, and only where fleets are planned)
        from pyvrp.search import NeighbourhoodParams  # noqa: PLC0415

        params = pyvrp.SolveParams(neighbourhood=NeighbourhoodParams(num_neighbours=_NEIGHBOURS))
        initial = self._solution(start) if start else None
        with warnings.catch_warnings():
            # Limits that nobody can keep drive the penalties to their bound; the answer says so by itself.
            warnings.simplefilter("ignore")
            result = pyvrp.solve(
                self._data, _criterion(stop), seed, collect_stats=False, params=params, initial_solution=initial
            )
        return self._found(result.best)

    def _found(self, best: Solution) -> Found:
        tours = []
        flown = dict.fromkeys(range(len(self._alike)), 0)
        for route in best.routes():
            alike = self._alike[route.vehicle_type()]
            # Rounds are handed out in turn; `timed` evens them out.
            craft = alike[flown[route.vehicle_type()] % len(alike)]
            flown[route.vehicle_type()] += 1
            stops = tuple(activity.idx for activity in route if activity.is_client())
            if stops:
                tours.append((craft, stops))
        return Found(tuple(tours), best.is_feasible(), best.distance() / _UNITS)

    def _solution(self, tours: Tours) -> Solution:
        import pyvrp  # noqa: PLC0415

        kind = {craft: index for index, alike in enumerate(self._alike) for craft in alike}
        return pyvrp.Solution(
            self._data, [pyvrp.Route(self._data, list(stops), kind[craft]) for craft, stops in tours]
        )

    def _problem(self, optional: bool) -> ProblemData:
        import pyvrp  # noqa: PLC0415

        model = pyvrp.Model()
        places = [model.add_location(0.0, 0.0) for _ in self._metres]
        depots = [model.add_depot(place) for place in places[: self._first_point]]
        least = min((point.weight for point in self._points), default=1.0)
        for point, place in zip(self._points, places[self._first_point :], strict=True):
            # Worth more than any detour for it can cost, so that only limits leave a point out.
            prize = round(self._dearest * point.weight / least) if optional else 0
            model.add_client(place, prize=prize, required=not optional)
        for alike in self._alike:
            first = self._crafts[alike[0]]
            model.add_vehicle_type(
                num_available=sum(self._crafts[each].rounds for each in alike),
                start_depot=depots[self._homes[alike[0]]],
                end_depot=depots[self._homes[alike[0]]],
                max_distance=_whole(first.limit_m),
                shift_duration=_whole(min(first.limit_s, self._limit_s)),
                profile=model.add_profile(),
            )
        lengths: Any = np.round(self._metres * _UNITS).astype(np.int64)
        durations = [self._durations(self._crafts[alike[0]]) for alike in self._alike]
        return model.data().replace(distance_matrices=[lengths] * len(durations), duration_matrices=durations)

    @property
    def _dearest(self) -> float:
        real = self._metres[self._metres < NO_WAY_M]
        return 10.0 * _UNITS * float(real.max(initial=1.0))

    def _durations(self, craft: Craft) -> Any:
        """Seconds from place to place, the waiting at the second one included."""
        waits_s = np.zeros(len(self._metres))
        waits_s[self._first_point :] = [point.dwell_s * craft.wait_factor for point in self._points]
        seconds = counted_s(self._metres, craft) + waits_s[None, :]
        durations = np.ceil(seconds * _UNITS).astype(np.int64)
        np.fill_diagonal(durations, 0)
        return durations


def _alike(crafts: Sequence[Craft]) -> list[list[int]]:
    """Crafts by number that fly the same rounds: one kind of vehicle to the solver."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for index, craft in enumerate(crafts):
        kind = (craft.home, craft.speed_mps, craft.limit_s, craft.limit_m, craft.wait_factor)
        kinds.setdefault(kind, []).append(index)
    return list(kinds.values())


def _whole(limit: float) -> int:
    """A limit in whole units, rounded down; one that nothing keeps is 0."""
    return int(min(max(0.0, limit) * _UNITS, 2.0**52))


def _criterion(stop: Stop) -> Any:
    from pyvrp.stop import FirstFeasible, MaxIterations, MaxRuntime, MultipleCriteria  # noqa: PLC0415

    end: Any = MaxRuntime(stop.seconds) if stop.iterations is None else MaxIterations(stop.iterations)
    return MultipleCriteria([end, FirstFeasible()]) if stop.first else end
