"""The line that a vehicle was sent to fly, and how far off it one is."""

from __future__ import annotations

import math
from itertools import pairwise

import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.rails import Leg, Rails
from tests.geofence.places import FRAME, at

METRES = st.integers(-500, 500)
PLACES = st.tuples(METRES, METRES)


@given(st.lists(PLACES, min_size=2, max_size=12), PLACES)
def test_off_all_legs_is_the_distance_to_the_line(path: list[tuple[int, int]], where: tuple[int, int]) -> None:
    legs = [Leg(2 * n + 3, at(*a), at(*b)) for n, (a, b) in enumerate(pairwise(path))]
    true_m = shapely.distance(shapely.LineString(path), shapely.Point(where))
    # ArduPilot's metres: up to 0.5 % from the true ones (planning guide, section 9.1).
    assert math.isclose(Rails(legs).off_m(at(*where), None), true_m, rel_tol=6e-3, abs_tol=0.2)


def test_only_the_current_leg_and_those_beside_it_count() -> None:
    rails = Rails([Leg(10 * n, at(100 * n, 0), at(100 * n, 50)) for n in range(1, 6)])
    found = [rails.off_m(at(300, 20), item) for item in (1, 10, 20, 21, 30, 40, 50, 99)]
    assert [round(off_m, -1) for off_m in found] == [100, 100, 0, 0, 0, 0, 100, 100]


def test_a_do_item_belongs_to_the_leg_that_follows() -> None:
    rails = Rails([Leg(1, at(0, 0), at(0, 0)), Leg(5, at(0, 0), at(100, 0)), Leg(9, at(100, 0), at(100, 400))])
    assert rails.off_m(at(100, 300), 3) < 1.0


def test_the_choices_of_one_item_all_count() -> None:
    rails = Rails([Leg(2, at(0, 0), at(100, 0)), Leg(3, at(100, 0), at(0, 0)), Leg(3, at(100, 0), at(100, 90))])
    assert rails.off_m(at(100, 60), 3) < 0.5
    assert rails.off_m(at(50, 4), 3) < 4.5


def test_without_legs_nothing_is_on_them() -> None:
    assert Rails([]).off_m(FRAME.center, 3) == math.inf
