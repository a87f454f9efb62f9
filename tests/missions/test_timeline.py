from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.frame import Array
from missions.energy import AIRFRAMES
from missions.timeline import (
    TooMuchWind,
    change_s,
    descent_s,
    flown_path,
    ground_speeds,
    timeline,
)
from missions.wind import CALM, Wind

SITL = AIRFRAMES["arducopter-sitl"]
QUAD = AIRFRAMES["quad-3kg"]
# The river example in metres from its dock; SITL flew these on 4.7.0-dev.
RIVER = np.array(
    [
        [-671.3, -372.3],
        [-337.2, -549.6],
        [82.6, -616.2],
        [531.1, -494.2],
        [922.2, -527.4],
        [1389.7, -394.2],
        [1809.4, -183.4],
    ]
)

waypoints = st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=1, max_size=6)
winds = st.builds(Wind, st.floats(0, 4), st.floats(0, 360))


def at_height(xy: Array, alt_m: float) -> Array:
    return np.column_stack((xy, np.full(len(xy), alt_m)))


def flown_s(points: Array, speed_mps: float, wind: Wind = CALM) -> float:
    path, hold_s = flown_path(points)
    return timeline(path, speed_mps, SITL, wind, hold_s=hold_s, return_from=len(points) + 1).duration_s


@pytest.mark.parametrize(
    ("alt_m", "speed_mps", "wind", "measured_s"),
    [
        (60.0, 8.0, CALM, 714.0),
        (60.0, 5.0, CALM, 962.4),
        (100.0, 8.0, CALM, 755.2),
        (60.0, 8.0, Wind(6.0, 270.0), 953.9),
        (60.0, 8.0, Wind(5.0, 0.0), 739.1),
    ],
)
def test_a_flight_takes_as_long_as_sitl_took(alt_m: float, speed_mps: float, wind: Wind, measured_s: float) -> None:
    assert flown_s(at_height(RIVER, alt_m), speed_mps, wind) == pytest.approx(measured_s, rel=0.02)


def test_a_mission_is_not_flown_faster_than_the_autopilot_goes_and_returns_with_that() -> None:
    path, hold_s = flown_path(at_height(np.array([[1000.0, 0.0], [1000.0, 500.0]]), 50.0))
    fast = timeline(path, 14.0, QUAD, hold_s=hold_s, return_from=3)
    slow = timeline(path, 5.0, QUAD, hold_s=hold_s, return_from=3)
    # Up and down keep their own rates.
    assert fast.top_mps == pytest.approx([2.5, 10.0, 10.0, 10.0, 1.5], abs=1e-6)
    assert slow.top_mps == pytest.approx([2.5, 5.0, 5.0, 10.0, 1.5], abs=1e-6)


def test_a_low_flight_climbs_before_it_returns() -> None:
    points = at_height(np.array([[1000.0, 0.0], [1000.0, 500.0]]), 8.0)
    (path, hold_s), (low, _) = flown_path(points, return_alt_m=30.0), flown_path(points)
    np.testing.assert_array_equal(path[:, 2], [0.0, 8.0, 8.0, 8.0, 30.0, 30.0, 0.0])
    np.testing.assert_array_equal(low[:, 2], [0.0, 8.0, 8.0, 8.0, 8.0, 0.0])
    np.testing.assert_array_equal(path[3:5, :2], [[1000.0, 500.0]] * 2)
    assert hold_s[3] > 0.0
    assert timeline(path, 8.0, QUAD).duration_s > timeline(low, 8.0, QUAD).duration_s + 22.0 / 2.5


@pytest.mark.parametrize(("turn_deg", "measured_mps"), [(65, 4.22), (70, 3.92), (90, 2.95), (120, 1.85)])
def test_a_corner_is_passed_as_fast_as_sitl_passed_it(turn_deg: float, measured_mps: float) -> None:
    turn = np.radians(turn_deg)
    path = np.array([[-500.0, 0.0, 50.0], [0.0, 0.0, 50.0], [500 * np.cos(turn), 500 * np.sin(turn), 50.0]])
    assert timeline(path, 10.0, SITL).passing_mps[1] == pytest.approx(measured_mps, rel=0.05)


def test_a_straight_line_cut_in_two_takes_as_long_as_in_one() -> None:
    whole = np.array([[0.0, 0.0, 50.0], [800.0, 0.0, 50.0]])
    cut = np.insert(whole, 1, [300.0, 0.0, 50.0], axis=0)
    assert timeline(cut, 10.0, SITL).duration_s == pytest.approx(timeline(whole, 10.0, SITL).duration_s, abs=1e-6)


def test_a_hold_is_a_stop_and_takes_its_time() -> None:
    path = np.array([[0.0, 0.0, 50.0], [400.0, 0.0, 50.0], [800.0, 0.0, 50.0]])
    held = timeline(path, 8.0, SITL, hold_s=np.array([0.0, 30.0, 0.0]))
    assert held.passing_mps[1] == 0.0
    # From 8 m/s to rest and back takes 2 (8 / 2.5 + 2.5) s, half of which the way would have taken anyway.
    assert held.duration_s == pytest.approx(timeline(path, 8.0, SITL).duration_s + 30.0 + 5.7)


def test_the_last_ten_metres_of_a_landing_are_slow() -> None:
    assert descent_s(10.0, QUAD) == pytest.approx(20.0)
    assert descent_s(40.0, QUAD) == pytest.approx(20.0 + 20.0 + 0.75)


@given(waypoints, st.floats(10, 110), st.floats(2, 15), winds)
def test_times_rise_and_no_leg_is_faster_than_its_top_speed(
    xy: list[tuple[float, float]], alt_m: float, speed_mps: float, wind: Wind
) -> None:
    path, hold_s = flown_path(at_height(np.array(xy), alt_m))
    found = timeline(path, speed_mps, QUAD, wind, hold_s=hold_s, return_from=len(xy) + 1)
    assert (np.diff(found.at_s) >= hold_s[:-1] - 1e-6).all()
    length_m = np.sqrt((np.diff(path, axis=0) ** 2).sum(axis=1))
    length_m[length_m < 1e-6] = 0.0  # nobody moves that little
    assert (found.leg_s >= length_m / np.maximum(found.top_mps, 1e-9) - 1e-6).all()
    assert (found.passing_mps <= 10.0 + 1e-9).all()


@given(waypoints, st.floats(0, 2000))
def test_a_position_is_on_the_path_and_arrives_on_time(xy: list[tuple[float, float]], time_s: float) -> None:
    path, hold_s = flown_path(at_height(np.array(xy), 40.0))
    found = timeline(path, 8.0, QUAD, hold_s=hold_s)
    for vertex in range(len(path)):
        np.testing.assert_allclose(found.position(float(found.at_s[vertex])), path[vertex], atol=1e-6)
    low, high = path.min(axis=0) - 1e-9, path.max(axis=0) + 1e-9
    assert (low <= found.position(time_s)).all()
    assert (found.position(time_s) <= high).all()


def test_the_wind_triangle_is_the_textbooks() -> None:
    """12 m/s through the air, 5 m/s of wind: 7 against it, 17 with it, √(12² − 5²) across it."""
    along = np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0]])
    assert ground_speeds(along, Wind(5.0, 0.0), 12.0) == pytest.approx([7.0, 17.0, np.sqrt(119.0)])


@given(st.floats(0, 360), st.floats(0, 8), st.floats(0, 360))
def test_ground_speed_and_wind_add_up_to_the_air_speed(course_deg: float, wind_mps: float, from_deg: float) -> None:
    course = np.radians(course_deg)
    along = np.array([[np.sin(course), np.cos(course)]])
    wind = Wind(wind_mps, from_deg)
    velocity = along * ground_speeds(along, wind, 12.0)[:, None] - wind.vector
    assert np.hypot(*velocity[0]) == pytest.approx(12.0)


def test_too_much_wind_is_refused_with_the_leg_and_the_numbers() -> None:
    path, hold_s = flown_path(at_height(np.array([[0.0, 500.0], [500.0, 500.0]]), 50.0))
    with pytest.raises(TooMuchWind, match=r"leg 1: 11\.5 m/s of cross wind and .* too much for 11\.0 m/s") as caught:
        timeline(path, 8.0, SITL, Wind(11.5, 90.0), hold_s=hold_s)
    assert (caught.value.leg, round(caught.value.cross_mps, 1)) == (1, 11.5)
    with pytest.raises(TooMuchWind, match="leg 2"):
        timeline(path, 8.0, SITL, Wind(10.5, 90.0), hold_s=hold_s)  # across it goes, against it does not


def test_a_faster_airframe_is_not_slowed_by_the_same_wind() -> None:
    path = np.array([[0.0, 0.0, 50.0], [2000.0, 0.0, 50.0]])
    head = Wind(4.0, 90.0)
    assert timeline(path, 10.0, replace(SITL, max_speed_mps=20.0), head).top_mps[0] == pytest.approx(10.0)
    assert timeline(path, 10.0, SITL, head).top_mps[0] == pytest.approx(7.0)


@given(st.floats(0.01, 400.0))
def test_a_leg_from_rest_to_rest_is_flown_as_fast_as_it_is_long_enough_for(length_m: float) -> None:
    path = np.array([[0.0, 0.0, 50.0], [length_m, 0.0, 50.0]])
    made = timeline(path, 10.0, SITL)
    top_mps = float(made.top_mps[0])
    takes_m = top_mps * float(change_s(made.top_mps, 2.5, 1.0)[0])
    assert takes_m <= length_m * (1.0 + 1e-9)
    assert top_mps == 10.0 or takes_m == pytest.approx(length_m)
