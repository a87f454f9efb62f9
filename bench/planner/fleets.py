"""How good and how fast fleet plans are: 100 points, 5 vehicles, tight limits, in the open and among 500 zones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bench.figure import Figure
from core.ids import VehicleId
from geofence.freespace import FreeSpace
from missions.fleets.costs import counted_s
from missions.fleets.distances import OpenAir
from missions.fleets.idleness import recurrent
from missions.fleets.model import Craft, Effort, FleetPlan, Objective, Point, Ways
from missions.fleets.patrol import Patrol, patrol
from tests.fields import random_field

POINTS = 100
VEHICLES = 5
_SIDE_M = 2_200.0
# Seconds of search in all for a plan, and by when it must have stopped.
_SEARCH_S = 4.0
_OPEN_BUDGET_S, _ZONES_BUDGET_S = 4.5, 8.5


def fleets(*, count: int = 3, seconds: float = 60.0, zones: int = 500) -> Iterator[Figure]:
    """`count` fields of each kind; the first of each is compared with a search of `seconds` over many seeds."""
    yield from _kind("free", [_in_the_open(seed) for seed in range(count)], seconds, _OPEN_BUDGET_S, 5.0)
    yield from _kind(f"{zones}-zones", [_among(seed, zones) for seed in range(count)], seconds, _ZONES_BUDGET_S, 10.0)


_Task = tuple[list[Point], list[Craft], Ways]


def _kind(name: str, tasks: Sequence[_Task], seconds: float, budget_s: float, goal_s: float) -> Iterator[Figure]:
    took_s, unkept, ratios, reasons = [], 0, [], Counter[str]()
    for index, (points, loose, ways) in enumerate(tasks):
        crafts = _tight(points, loose, ways)
        began = time.perf_counter()
        made = patrol(points, crafts, ways, effort=_effort(_SEARCH_S, budget_s))
        took_s.append(time.perf_counter() - began)
        unkept += _over_limit(made, points, crafts)
        reasons.update("no way" if "way" in each.reason else "limits" for each in made.plan.dropped)
        if index == 0 and seconds:
            long = patrol(points, crafts, ways, effort=Effort(seconds=seconds, seeds=tuple(range(10, 18)))).plan
            ratios.append(_compared(made.plan, long))
            yield from _repeated(name, made, points, crafts)
    yield Figure(f"fleets.{name}.limits-not-kept", unkept, "rounds", 0)
    yield Figure(f"fleets.{name}.left-out-for-limits", reasons["limits"], "points", 0)
    yield Figure(f"fleets.{name}.left-out-without-a-way", reasons["no way"], "points")
    if ratios:
        yield Figure(f"fleets.{name}.total-vs-{seconds:.0f}-s", max(ratios), "ratio", 1.02)
    yield Figure(f"fleets.{name}.time.worst", max(took_s), "s", goal_s)
    points, loose, ways = tasks[0]
    began = time.perf_counter()
    sooner = patrol(points, loose, ways, objective=Objective.PERIOD, effort=_effort(_SEARCH_S, budget_s)).plan
    yield Figure(f"fleets.{name}.period.time", time.perf_counter() - began, "s", goal_s)
    flights_s = [each.flight_s for each in sooner.rounds]
    yield Figure(f"fleets.{name}.period.longest-vs-mean", max(flights_s) / (sum(flights_s) / VEHICLES), "ratio")


def _repeated(name: str, made: Patrol, points: list[Point], crafts: list[Craft]) -> Iterator[Figure]:
    """Two hours of watching the same points."""
    began = time.perf_counter()
    found = recurrent(made.plan, points, crafts, made.distances, 7_200.0).idleness
    yield Figure(f"fleets.{name}.idleness.time", time.perf_counter() - began, "s")
    yield Figure(f"fleets.{name}.idleness.worst-vs-period", found.worst_s / made.plan.period_s, "ratio")


def _compared(short: FleetPlan, long: FleetPlan) -> float:
    """Metres of the short search by those of the long one; infinite when it leaves out more."""
    return short.total_m / long.total_m if len(short.dropped) <= len(long.dropped) else float("inf")


def _tight(points: list[Point], loose: list[Craft], ways: Ways) -> list[Craft]:
    """The same vehicles with limits 3 % above the longest round of the plan with the shortest period."""
    rough = patrol(points, loose, ways, objective=Objective.PERIOD, effort=Effort(seconds=4.0, seeds=(1,))).plan
    limit_s = 1.03 * max(each.counted_s for each in rough.rounds)
    return [Craft(each.id, each.home, each.speed_mps, limit_s) for each in loose]


def _effort(seconds: float, budget_s: float) -> Effort:
    end_s = time.perf_counter() + budget_s
    return Effort(seconds=seconds, left_s=lambda: end_s - time.perf_counter())


def _over_limit(made: Patrol, points: list[Point], crafts: list[Craft]) -> int:
    """Rounds over their limit, reckoned anew from the ways."""
    over = 0
    for each in made.plan.rounds:
        legs_m = [
            float(np.hypot(*np.diff(made.distances.way(*pair), axis=0).T).sum())
            for pair in made.distances.legs(each.craft, each.points)
        ]
        waits_s = sum(points[stop].dwell_s for stop in each.points)
        over += float(counted_s(np.array(legs_m), crafts[each.craft]).sum()) + waits_s > crafts[each.craft].limit_s
    return over


def _in_the_open(seed: int) -> _Task:
    xy = np.random.default_rng(seed).uniform(-_SIDE_M / 2, _SIDE_M / 2, (POINTS, 2)).tolist()
    return [Point((x, y), 5.0) for x, y in xy], _crafts((0.0, 0.0)), OpenAir()


def _among(seed: int, zones: int) -> _Task:
    rng = np.random.default_rng(seed)
    field = random_field(rng, zones, most_margin_m=6.0)
    space = FreeSpace.of([(field.inside, field.inside_margin_m)], field.shapes(), field.margins_m())
    home, *places = field.free_points(rng, POINTS + 1).tolist()
    return [Point((x, y), 5.0) for x, y in places], _crafts((home[0], home[1])), space


def _crafts(home: tuple[float, float]) -> list[Craft]:
    return [Craft(VehicleId(f"v{index}"), home, 10.0, 5_000.0) for index in range(VEHICLES)]
