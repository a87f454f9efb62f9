"""Recurrent watches: how long points go unseen is counted right, batteries hold, what matters more is seen more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from core.ids import VehicleId
from geofence.frame import Array
from missions.fleets.costs import counted_s
from missions.fleets.distances import Distances, OpenAir
from missions.fleets.idleness import Pace, Visit, cyclic, flights, greedy, idleness, recurrent
from missions.fleets.model import Craft, Effort, Objective, Point
from missions.fleets.patrol import patrol

QUICK = Effort(seeds=(1,), iterations=80)
HORIZON_S = 7_200.0


def crafts(count: int, limit_s: float = 900.0) -> list[Craft]:
    return [Craft(VehicleId(f"v{index}"), (0.0, 0.0), 10.0, limit_s, fixed_s=60.0) for index in range(count)]


def points(seed: int, count: int, heavy: tuple[int, ...] = ()) -> list[Point]:
    xy = np.random.default_rng(seed).uniform(-700, 700, (count, 2)).tolist()
    return [Point((x, y), 5.0, 4.0 if index in heavy else 1.0) for index, (x, y) in enumerate(xy)]


def test_idleness_is_the_longest_and_the_mean_time_since_a_point_was_seen() -> None:
    asked = [Point((0.0, 0.0)), Point((1.0, 0.0), weight=2.0)]
    visits = [Visit(0, 0, 0, 40.0), Visit(1, 0, 0, 50.0), Visit(0, 0, 1, 70.0), Visit(1, 0, 1, 500.0)]
    found = idleness(visits, asked, 100.0)
    assert found.worst_of_s == (40.0, 100.0)
    assert found.worst_s == 100.0
    moments_s = np.arange(0.0, 100.0, 0.01)
    ages = [np.array([at - max(s for s in seen if s <= at) for at in moments_s]) for seen in ((0, 40, 70), (0, 50))]
    assert found.mean_s == pytest.approx(float(np.mean([ages[0].mean(), 2.0 * ages[1].mean()])), rel=1e-3)


def assert_flyable(visits: tuple[Visit, ...], asked: list[Point], fleet: list[Craft], distances: Distances) -> None:
    """Every flight keeps the limit of its craft, and a change of battery lies between two of them."""
    for index, own in enumerate(fleet):
        landed_s = -own.swap_s
        for flight in sorted({each.flight for each in visits if each.craft == index}):
            flown = [each for each in visits if (each.craft, each.flight) == (index, flight)]
            stops = [each.point for each in flown]
            legs_m = np.array([distances.metres[pair] for pair in distances.legs(index, stops)])
            assert float(counted_s(legs_m, own).sum()) + 5.0 * len(stops) * own.wait_factor <= own.limit_s + 1e-6
            assert flown[0].at_s - legs_m[0] / own.speed_mps - own.fixed_s / 2 - 5.0 >= landed_s + own.swap_s - 1e-6
            landed_s = flown[-1].at_s + legs_m[-1] / own.speed_mps + own.fixed_s / 2
            for before, after, metres in zip(flown[:-1], flown[1:], legs_m[1:-1].tolist(), strict=True):
                assert after.at_s - before.at_s >= metres / own.speed_mps + 5.0


@pytest.mark.parametrize("seed", range(3))
def test_schedules_keep_batteries_and_see_every_point_again_and_again(seed: int) -> None:
    asked, fleet = points(seed, 12), crafts(2)
    made = patrol(asked, fleet, objective=Objective.PERIOD, effort=QUICK)
    for visits in (
        cyclic(made.plan, asked, fleet, made.distances, HORIZON_S),
        greedy(asked, fleet, made.distances, HORIZON_S),
    ):
        assert_flyable(visits, asked, fleet, made.distances)
        assert {each.point for each in visits} == set(range(12))
        assert idleness(visits, asked, HORIZON_S).worst_s < HORIZON_S / 3


def test_the_worst_idleness_of_a_cycle_is_its_period() -> None:
    asked, fleet = points(5, 10), crafts(1, 2_000.0)
    made = patrol(asked, fleet, effort=QUICK)
    found = idleness(cyclic(made.plan, asked, fleet, made.distances, HORIZON_S), asked, HORIZON_S)
    assert found.worst_s == pytest.approx(made.plan.period_s + fleet[0].swap_s)


def test_what_matters_more_is_seen_more_often() -> None:
    asked, fleet = points(6, 14, heavy=(3, 9)), crafts(2)
    made = patrol(asked, fleet, effort=QUICK)
    best = recurrent(made.plan, asked, fleet, made.distances, HORIZON_S)
    cycle = idleness(cyclic(made.plan, asked, fleet, made.distances, HORIZON_S), asked, HORIZON_S)
    assert best.idleness.worst_s < 0.8 * cycle.worst_s
    seen = [sum(each.point == point for each in best.visits) for point in range(14)]
    assert min(seen[3], seen[9]) > 1.5 * float(np.median(seen))


def test_a_point_out_of_reach_is_never_seen_and_stops_nothing() -> None:
    asked, fleet = [*points(7, 5), Point((9_000.0, 0.0), 5.0)], crafts(1)
    made = patrol(asked, fleet, effort=QUICK)
    best = recurrent(made.plan, asked, fleet, made.distances, HORIZON_S)
    assert {each.point for each in best.visits} == set(range(5))
    assert best.unseen == (5,)
    assert best.idleness.mean_s == pytest.approx(idleness(best.visits, asked[:5], HORIZON_S).mean_s)
    assert best.idleness.worst_s < HORIZON_S / 3
    assert idleness(best.visits, asked, HORIZON_S).worst_s == HORIZON_S
    nobody = greedy([Point((9_000.0, 0.0))], fleet, Distances(fleet, asked[5:], OpenAir()), HORIZON_S)
    assert nobody == ()


class Walled:
    """A wall along x = 0 with a gap far to the north; counts the ways that were searched for."""

    def __init__(self) -> None:
        self.asked = 0

    def way(self, start: Array, end: Array) -> Array | None:
        self.asked += 1
        return np.stack((start, np.array([0.0, 900.0]), end))

    def clear(self, starts: Array, ends: Array) -> NDArray[np.bool_]:
        return np.asarray((starts[:, 0] > 0.0) == (ends[:, 0] > 0.0))


@pytest.mark.parametrize("most", [0, 10])
def test_no_more_ways_are_searched_for_than_the_pace_lets_and_only_known_ones_flown(most: int) -> None:
    asked, fleet, ways = points(8, 16), crafts(2, 1_500.0), Walled()
    made = patrol(asked, fleet, ways, effort=QUICK)
    before = ways.asked
    best = recurrent(made.plan, asked, fleet, made.distances, HORIZON_S, pace=Pace(ways=most))
    # A cycle may close one round of each craft.
    assert ways.asked - before <= most + len(fleet)
    assert best.unseen == ()
    assert all(made.distances.exact[pair] for each in flights(best.visits, asked, fleet, made.distances)
               for pair in made.distances.legs(each.craft, each.points))  # fmt: skip
    assert_flyable(best.visits, asked, fleet, made.distances)


def test_without_time_the_rounds_of_the_plan_are_the_schedule() -> None:
    asked, fleet = points(8, 10, heavy=(1,)), crafts(2)
    made = patrol(asked, fleet, effort=QUICK)
    hurried = recurrent(made.plan, asked, fleet, made.distances, HORIZON_S, pace=Pace(left_s=lambda: 0.0))
    assert {each.point for each in hurried.visits} == set(range(10))


def test_no_flight_of_a_watch_sees_a_point_twice_but_for_whole_laps() -> None:
    asked, fleet = points(9, 3, heavy=(0,)), crafts(1, 1_500.0)
    made = patrol(asked, fleet, effort=QUICK)
    for visits in (
        greedy(asked, fleet, made.distances, HORIZON_S, once=True),
        recurrent(made.plan, asked, fleet, made.distances, HORIZON_S, once=True).visits,
    ):
        for each in flights(visits, asked, fleet, made.distances):
            own = list(dict.fromkeys(each.points))
            assert list(each.points) == (own * len(each.points))[: len(each.points)]


def test_flights_are_the_visits_with_the_change_of_battery_between_them() -> None:
    asked, fleet = points(10, 8), crafts(2)
    distances = Distances(fleet, asked, OpenAir())
    visits = greedy(asked, fleet, distances, HORIZON_S)
    found = flights(visits, asked, fleet, distances)
    assert sorted(stop for each in found for stop in each.points) == sorted(each.point for each in visits)
    for craft in range(2):
        own = [each for each in found if each.craft == craft]
        assert own[0].begins_s == 0.0
        for before, after in pairwise(own):
            assert after.begins_s == pytest.approx(before.ends_s + fleet[craft].swap_s)
        for number, each in enumerate(own):
            at_s = [visit.at_s for visit in visits if (visit.craft, visit.flight) == (craft, number)]
            assert each.begins_s < at_s[0] < at_s[-1] < each.ends_s
