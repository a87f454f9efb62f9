"""Fleet plans: limits are kept by every round, no point is lost without a word, ways are free."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from numpy.random import Generator

from core.ids import VehicleId
from geofence.freespace import FreeSpace
from missions.energy import AIRFRAMES, estimate
from missions.fleets.costs import craft_of
from missions.fleets.model import Craft, Effort, FleetPlan, Objective, Point, Ways
from missions.fleets.patrol import Patrol, patrol
from tests.fields import Field, random_field

pytestmark = pytest.mark.thorough

QUICK = Effort(seeds=(1, 2), iterations=80)


def crafts(count: int, limit_s: float, *homes: tuple[float, float], rounds: int = 1) -> list[Craft]:
    homes = homes or ((0.0, 0.0),)
    return [
        Craft(VehicleId(f"v{index}"), homes[index % len(homes)], 10.0, limit_s, fixed_s=60.0, rounds=rounds)
        for index in range(count)
    ]


def points(rng: Generator, count: int, reach_m: float = 800.0) -> list[Point]:
    return [Point((float(x), float(y)), dwell_s=5.0) for x, y in rng.uniform(-reach_m, reach_m, (count, 2))]


def free_space(field: Field) -> FreeSpace:
    return FreeSpace.of([(field.inside, field.inside_margin_m)], field.shapes(), field.margins_m())


def assert_sound(plan: FleetPlan, asked: list[Point], fleet: list[Craft]) -> None:
    """Each point once or dropped with a reason; each limit kept; rounds of a craft apart by a change of battery."""
    visited = [point for each in plan.rounds for point in each.points]
    assert sorted([*visited, *(each.point for each in plan.dropped)]) == list(range(len(asked)))
    assert all(each.reason for each in plan.dropped)
    flown = Counter(each.craft for each in plan.rounds)
    for each in plan.rounds:
        own = fleet[each.craft]
        assert each.points
        assert each.counted_s <= own.limit_s
        assert each.length_m <= own.limit_m
        assert flown[each.craft] <= own.rounds
    for before, after in pairwise(plan.rounds):
        if before.craft == after.craft:
            assert after.begins_s >= before.ends_s + fleet[before.craft].swap_s
    assert plan.exact


def walked_m(made: Patrol, fleet: list[Craft], asked: list[Point], ways: Ways | None) -> float:
    """The metres of all rounds, leg by leg anew."""
    total_m = 0.0
    for each in made.plan.rounds:
        stops = [fleet[each.craft].home, *(asked[point].at for point in each.points), fleet[each.craft].home]
        for start, end in pairwise(stops):
            ends = np.array([start, end])
            way = ends if ways is None else ways.way(ends[0], ends[1])
            assert way is not None
            total_m += float(np.hypot(*np.diff(way, axis=0).T).sum())
    return total_m


@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("limit_s", [700.0, 500.0, 250.0])
def test_limits_are_kept_and_no_point_is_lost_without_a_word(objective: Objective, limit_s: float) -> None:
    rng = np.random.default_rng(int(limit_s))
    asked, fleet = points(rng, 25), crafts(3, limit_s, (0.0, 0.0), (500.0, 300.0))
    made = patrol(asked, fleet, objective=objective, effort=QUICK)
    assert_sound(made.plan, asked, fleet)
    assert made.plan.total_m == pytest.approx(walked_m(made, fleet, asked, None))
    assert bool(made.plan.dropped) == (limit_s == 250.0)


def test_lengths_among_zones_are_those_of_free_ways() -> None:
    rng = np.random.default_rng(5)
    field = random_field(rng, 30, most_margin_m=6.0)
    space = free_space(field)
    home, *places = (tuple(each) for each in field.free_points(rng, 16).tolist())
    asked = [Point((x, y)) for x, y in places]
    fleet = crafts(2, 600.0, (home[0], home[1]))
    made = patrol(asked, fleet, space, effort=QUICK)
    assert_sound(made.plan, asked, fleet)
    assert made.plan.total_m == pytest.approx(walked_m(made, fleet, asked, space))
    assert made.plan.total_m > walked_m(made, fleet, asked, None) + 1.0


def test_one_craft_flies_the_shortest_tour() -> None:
    rng = np.random.default_rng(6)
    asked, fleet = points(rng, 6), crafts(1, 5_000.0)
    (only,) = patrol(asked, fleet, effort=QUICK).plan.rounds
    xy = np.array([(0.0, 0.0), *(point.at for point in asked)])
    tours = np.array([(0, *order, 0) for order in permutations(range(1, 7))])
    lengths_m = np.hypot(*np.diff(xy[tours], axis=1).transpose(2, 0, 1)).sum(axis=1)
    assert only.length_m == pytest.approx(lengths_m.min())


def test_points_that_cannot_be_reached_are_named_with_the_reason() -> None:
    rng = np.random.default_rng(7)
    field = random_field(rng, 30, most_margin_m=6.0)
    (home,) = (tuple(each) for each in field.free_points(rng, 1).tolist())
    inside = field.zones[0].shape.representative_point()
    near = field.free_points(rng, 3)
    asked = [Point((inside.x, inside.y)), *(Point((x, y)) for x, y in near.tolist())]
    plan = patrol(asked, crafts(1, 2_000.0, (home[0], home[1])), free_space(field), effort=QUICK).plan
    assert [each.point for each in plan.dropped] == [0]
    assert "not lie where flying is allowed" in plan.dropped[0].reason
    far = [Point((5_000.0, 0.0)), Point((100.0, 0.0))]
    (dropped,) = patrol(far, crafts(2, 600.0), effort=QUICK).plan.dropped
    assert dropped.point == 0
    assert "the limit is 600 s" in dropped.reason


def test_where_not_all_can_be_visited_those_that_matter_are() -> None:
    ring = [(600.0 * np.cos(angle), 600.0 * np.sin(angle)) for angle in np.arange(8) * np.pi / 4]
    asked = [Point((float(x), float(y)), weight=5.0 if index in (1, 5) else 1.0) for index, (x, y) in enumerate(ring)]
    plan = patrol(asked, crafts(1, 280.0), effort=QUICK).plan
    assert plan.dropped
    assert {1, 5} <= {point for each in plan.rounds for point in each.points}


def test_rounds_are_shared_out_with_a_change_of_battery_between_them() -> None:
    rng = np.random.default_rng(8)
    asked, fleet = points(rng, 24), crafts(2, 260.0, rounds=4)
    plan = patrol(asked, fleet, effort=QUICK).plan
    assert_sound(plan, asked, fleet)
    assert not plan.dropped
    assert len(plan.rounds) > 2
    assert {each.craft for each in plan.rounds} == {0, 1}


def test_the_shortest_period_is_never_longer_than_that_of_the_shortest_total() -> None:
    rng = np.random.default_rng(9)
    for _ in range(2):
        asked, fleet = points(rng, 14), crafts(3, 900.0)
        total, period = (patrol(asked, fleet, objective=each, effort=QUICK).plan for each in Objective)
        assert period.period_s <= total.period_s + 1.0
        assert period.total_m >= 0.999 * total.total_m


def test_with_several_rounds_it_is_their_sum_that_is_made_short() -> None:
    asked = points(np.random.default_rng(3), 24)
    fleet = crafts(3, 300.0, rounds=5)
    total, period = (patrol(asked, fleet, objective=each, effort=QUICK).plan for each in Objective)
    assert (total.dropped, period.dropped) == ((), ())
    assert period.period_s <= total.period_s
    rounds = [sum(each.craft == craft for each in period.rounds) for craft in range(3)]
    assert max(rounds) - min(rounds) <= 1


def test_the_same_seeds_and_iterations_give_the_same_plan() -> None:
    rng = np.random.default_rng(10)
    asked, fleet = points(rng, 20), crafts(3, 400.0)
    assert patrol(asked, fleet, effort=QUICK).plan == patrol(asked, fleet, effort=QUICK).plan


def test_when_no_time_is_left_the_plan_is_still_sound() -> None:
    rng = np.random.default_rng(11)
    field = random_field(rng, 30, most_margin_m=6.0)
    home, *places = (tuple(each) for each in field.free_points(rng, 13).tolist())
    asked = [Point((x, y)) for x, y in places]
    fleet = crafts(2, 220.0, (home[0], home[1]))
    effort = Effort(seeds=(1, 2), iterations=20, left_s=lambda: 0.0)
    assert_sound(patrol(asked, fleet, free_space(field), effort=effort).plan, asked, fleet)


def test_a_round_within_the_limits_of_its_craft_fits_the_battery() -> None:
    rng = np.random.default_rng(12)
    airframe = AIRFRAMES["quad-3kg"]
    own = craft_of(VehicleId("v"), (0.0, 0.0), airframe, speed_mps=10.0, alt_rel_m=60.0)
    asked = points(rng, 40, 1_500.0)
    (only,) = patrol(asked, [own], effort=QUICK).plan.rounds
    assert only.counted_s > 0.9 * own.limit_s
    xyz = np.array([(*asked[point].at, 60.0) for point in only.points])
    flown = estimate(xyz, 10.0, airframe, holds_s=np.full(len(xyz), 5.0))
    assert flown.timeline.duration_s <= only.flight_s + 1e-6
    assert flown.energy.needed_p95_pct <= 100.0


def test_a_craft_that_cannot_even_climb_flies_nothing() -> None:
    own = craft_of(VehicleId("v"), (0.0, 0.0), AIRFRAMES["quad-3kg"], speed_mps=10.0, alt_rel_m=60.0, charge=0.26)
    assert own.limit_s <= 0.0
    plan = patrol([Point((100.0, 0.0))], [own], effort=QUICK).plan
    assert (plan.rounds, len(plan.dropped), plan.period_s) == ((), 1, 0.0)


@pytest.mark.parametrize(("count", "fleet"), [(0, 1), (1, 0), (201, 1), (1, 21)])
def test_the_number_of_points_and_crafts_is_bounded(count: int, fleet: int) -> None:
    with pytest.raises(ValueError, match="can be planned for"):
        patrol([Point((0.0, 0.0))] * count, crafts(fleet, 100.0))
