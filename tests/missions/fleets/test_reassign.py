"""When a vehicle drops out: the others take over what they can, disturbed as little as possible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.random import Generator

from core.ids import VehicleId
from geofence.freespace import FreeSpace
from missions.fleets.costs import counted_s
from missions.fleets.model import Craft, Point, Ways
from missions.fleets.reassign import Flying, Reassigned, reassigned
from tests.fields import random_field


def flying(rng: Generator, who: int, tour: tuple[int, ...], left_s: float) -> Flying:
    x, y = rng.uniform(-400, 400, 2).tolist()
    return Flying(Craft(VehicleId(f"v{who}"), (0.0, 0.0), 10.0, left_s), (x, y), tour, left_s)


def needed_s(each: Flying, tour: tuple[int, ...], points: list[Point], ways: Ways | None = None) -> float:
    stops = np.array([each.at, *(points[stop].at for stop in tour), each.craft.home])
    metres = [ways.way(*pair) if ways else np.stack(pair) for pair in pairwise(stops)]
    legs_m = np.array([np.inf if way is None else np.hypot(*np.diff(way, axis=0).T).sum() for way in metres])
    return float(counted_s(legs_m, each.craft).sum()) + 5.0 * len(tour)


def assert_sound(found: Reassigned, orphans: list[int], others: list[Flying]) -> None:
    """Nobody's own points changed their order, nobody turned away, every orphan is somewhere once."""
    for tour, before in zip(found.points, others, strict=True):
        assert tuple(stop for stop in tour if stop not in orphans) == before.points
        assert tour[:1] == before.points[:1] or not before.points
    taken = [stop for tour in found.points for stop in tour if stop in orphans]
    assert sorted([*taken, *(each.point for each in found.dropped)]) == sorted(orphans)


@pytest.mark.parametrize("left_s", [2_000.0, 260.0, 150.0])
def test_points_go_to_those_that_can_take_them_and_limits_hold(left_s: float) -> None:
    rng = np.random.default_rng(1)
    points = [Point((x, y), 5.0) for x, y in rng.uniform(-600, 600, (18, 2)).tolist()]
    others = [flying(rng, 0, (0, 1, 2), left_s), flying(rng, 1, (3, 4), left_s), flying(rng, 2, (), left_s)]
    orphans = list(range(5, 18))
    found = reassigned(orphans, others, points)
    assert_sound(found, orphans, others)
    for tour, each in zip(found.points, others, strict=True):
        assert needed_s(each, tour, points) <= left_s or tour == each.points
    assert bool(found.dropped) == (left_s < 2_000.0)
    assert all("enough left" in each.reason for each in found.dropped)


def test_a_single_point_is_put_where_it_costs_least() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        points = [Point((x, y), 5.0) for x, y in rng.uniform(-600, 600, (7, 2)).tolist()]
        others = [flying(rng, 0, (0, 1, 2), 1e4), flying(rng, 1, (3, 4, 5), 1e4)]
        found = reassigned([6], others, points)
        tried = [
            needed_s(each, (*each.points[:at], 6, *each.points[at:]), points) - needed_s(each, each.points, points)
            for each in others
            for at in (1, 2, 3)
        ]
        got = sum(needed_s(each, tour, points) for each, tour in zip(others, found.points, strict=True))
        was = sum(needed_s(each, each.points, points) for each in others)
        assert got - was == pytest.approx(min(tried))


def test_what_matters_most_is_taken_over_first() -> None:
    points = [Point((300.0, 0.0), 5.0, weight=1.0), Point((0.0, 300.0), 5.0, weight=3.0)]
    one = Flying(Craft(VehicleId("v"), (0.0, 0.0), 10.0, 100.0), (0.0, 0.0), (), 100.0)
    found = reassigned([0, 1], [one], points)
    assert found.points == ((1,),)
    assert [each.point for each in found.dropped] == [0]


def test_ways_among_zones_count_with_their_true_length() -> None:
    rng = np.random.default_rng(3)
    field = random_field(rng, 30, most_margin_m=6.0)
    space = FreeSpace.of([(field.inside, field.inside_margin_m)], field.shapes(), field.margins_m())
    home, at, *places = field.free_points(rng, 9).tolist()
    blocked = field.zones[0].shape.representative_point()
    points = [*(Point((x, y), 5.0) for x, y in places), Point((blocked.x, blocked.y), 5.0)]
    own = Craft(VehicleId("v"), (home[0], home[1]), 10.0, 250.0)
    one = Flying(own, (at[0], at[1]), (0,), 250.0)
    found = reassigned(range(1, 8), [one], points, space)
    assert needed_s(one, found.points[0], points, space) <= 250.0
    reasons = {each.point: each.reason for each in found.dropped}
    assert "not lie where flying is allowed" in reasons[7]
    assert 0 < len(found.points[0]) - 1 < 6


def test_with_nobody_left_everything_is_lost_by_name() -> None:
    found = reassigned([0], [], [Point((0.0, 0.0))])
    assert (found.points, [each.point for each in found.dropped]) == ((), [0])
