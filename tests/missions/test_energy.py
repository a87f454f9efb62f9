from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.frame import Array
from missions.energy import AIRFRAMES, Estimate, estimate, leg_s
from missions.fleet import default_airframe
from missions.model import Airframe, ReturnMode
from missions.power import power_w
from missions.timeline import ARDUCOPTER, TooMuchWind
from missions.wind import CALM, Wind
from simulator.flight import power as simulated
from tests.missions.test_timeline import RIVER, at_height

QUAD = default_airframe()
SITL = AIRFRAMES["arducopter-sitl"]

waypoints = st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=1, max_size=6)
winds = st.builds(Wind, st.floats(0, 4), st.floats(0, 360), st.floats(0, 1))


def out_and_back(reach_m: float, alt_m: float, speed_mps: float, airframe: Airframe) -> Estimate:
    return estimate(np.array([[reach_m, 0.0, alt_m]]), speed_mps, airframe)


def used_pct(points: Array, speed_mps: float, name: str, wind: Wind = CALM) -> float:
    airframe = AIRFRAMES[name]
    return 100.0 * estimate(points, speed_mps, airframe, wind).energy.p50_wh / airframe.battery_wh


@pytest.mark.parametrize(
    ("alt_m", "speed_mps", "wind", "measured_pct"),
    [
        (60.0, 8.0, CALM, 50.0),
        (60.0, 5.0, CALM, 66.0),
        (100.0, 8.0, CALM, 53.0),
        (60.0, 8.0, Wind(6.0, 270.0), 68.0),
        (60.0, 8.0, Wind(5.0, 0.0), 53.0),
    ],
)
def test_a_flight_takes_of_the_battery_what_sitl_reported(
    alt_m: float, speed_mps: float, wind: Wind, measured_pct: float
) -> None:
    found = used_pct(at_height(RIVER, alt_m), speed_mps, "arducopter-sitl", wind)
    assert found == pytest.approx(measured_pct, rel=0.03)


def test_the_same_flight_takes_what_the_simulator_reported() -> None:
    """34 % at 8 m/s, 50 % at 5 m/s; whole percent."""
    assert used_pct(at_height(RIVER, 60.0), 8.0, "quad-3kg") == pytest.approx(34.0, abs=2.5)
    assert used_pct(at_height(RIVER, 60.0), 5.0, "quad-3kg") == pytest.approx(50.0, abs=2.5)


@pytest.mark.parametrize(("name", "frame"), [("quad-3kg", (3.2, 0.19, 4)), ("hexa-7kg", (7.0, 0.23, 6))])
def test_the_shape_between_the_numbers_is_the_simulators(name: str, frame: tuple[float, float, int]) -> None:
    """Each relative to its own hover: the calibration counts by charge, the simulator by energy."""
    airframe, flown = AIRFRAMES[name], simulated.Airframe(*frame)
    hover_w = simulated.flight_power_w(flown, 0.0, 0.0)
    for speed_mps in np.arange(0.0, 15.0, 1.0).tolist():
        ratio = simulated.flight_power_w(flown, speed_mps, 0.0) / hover_w
        assert float(power_w(speed_mps, airframe)) / airframe.hover_w == pytest.approx(ratio, rel=0.03)


@given(st.floats(0.5, 1.5), st.floats(0.0, 1.0), st.floats(0, 25))
def test_power_goes_through_both_measured_points_and_never_below_nothing(
    cruise: float, lift_share: float, speed_mps: float
) -> None:
    airframe = replace(QUAD, cruise_w=cruise * QUAD.hover_w, lift_share=lift_share)
    assert float(power_w(0.0, airframe)) == pytest.approx(airframe.hover_w)
    assert float(power_w(airframe.cruise_mps, airframe)) == pytest.approx(airframe.cruise_w)
    assert float(power_w(speed_mps, airframe)) > 0.0


def test_a_patrol_of_eight_kilometres_fits_the_default_battery() -> None:
    assert 60.0 < out_and_back(4_000.0, 80.0, 10.0, QUAD).energy.needed_pct < 90.0


def test_the_reserve_is_part_of_what_is_needed() -> None:
    without = out_and_back(1_000.0, 60.0, 8.0, replace(QUAD, reserve=0.0)).energy
    assert out_and_back(1_000.0, 60.0, 8.0, QUAD).energy.needed_pct == without.needed_pct + 25.0


def test_a_leg_takes_its_accelerations() -> None:
    assert leg_s(100.0, 10.0) == pytest.approx(14.0)
    assert leg_s(10.0, 10.0) == pytest.approx(4.0)  # 5 m to speed up, 5 m to slow down, at 2.5 m/s²
    assert leg_s(0.0, 10.0) == 0.0


@given(st.floats(0, 5_000), st.floats(0, 5_000), st.floats(5, 120), st.floats(2, 15))
def test_more_distance_never_costs_less(a_m: float, b_m: float, alt_m: float, speed_mps: float) -> None:
    less, more = sorted((a_m, b_m))
    near, far = (out_and_back(reach, alt_m, speed_mps, SITL) for reach in (less, more))
    assert near.timeline.duration_s <= far.timeline.duration_s + 1e-6
    assert near.energy.p50_wh <= far.energy.p50_wh + 1e-6


@given(waypoints, st.floats(10, 110), st.floats(2, 15), winds, st.sampled_from(ReturnMode))
def test_the_bounds_hold_whatever_is_flown(
    xy: list[tuple[float, float]], alt_m: float, speed_mps: float, wind: Wind, returns: ReturnMode
) -> None:
    found = estimate(at_height(np.array(xy), alt_m), speed_mps, QUAD, wind, returns=returns)
    energy = found.energy
    assert energy.p50_wh < energy.p95_wh
    assert found.timeline.duration_s * 1.03 < found.duration_p95_s
    assert energy.needed_pct < energy.needed_p95_pct
    assert energy.needed_pct == pytest.approx(25.0 + 100.0 - energy.lands_with_pct_p50)
    assert energy.lands_with_pct_p50 <= 100.0 * (1.0 - energy.p50_wh / QUAD.battery_wh) + 1e-9
    assert 1 <= energy.worst_break_off <= len(xy) + 2


def test_in_still_air_the_straight_return_costs_no_more_than_flying_on() -> None:
    energy = estimate(at_height(RIVER, 60.0), 8.0, SITL).energy
    assert energy.lands_with_pct_p50 == pytest.approx(100.0 * (1.0 - energy.p50_wh / SITL.battery_wh), abs=0.3)
    assert energy.worst_break_off == len(RIVER) + 1  # the last waypoint


def test_breaking_off_against_the_wind_costs_more_than_going_round_with_it() -> None:
    """Far out to the east with the wind, then home in a wide arc; straight home is against it."""
    points = at_height(np.array([[2500.0, 0.0], [2500.0, 2500.0], [0.0, 2500.0]]), 60.0)
    wind = Wind(8.0, 270.0)
    direct = estimate(points, 10.0, QUAD, wind).energy
    finishing_pct = 100.0 * (1.0 - direct.p50_wh / QUAD.battery_wh)
    assert direct.lands_with_pct_p50 <= finishing_pct + 1e-9
    retraced = estimate(points, 10.0, QUAD, wind, returns=ReturnMode.RETRACE).energy
    assert retraced.worst_break_off == 4  # the last waypoint
    assert retraced.lands_with_pct_p50 < finishing_pct - 10.0


def test_retracing_a_line_costs_what_returning_along_it_costs() -> None:
    points = at_height(np.array([[700.0, 0.0], [1400.0, 0.0]]), 60.0)
    modes = (ReturnMode.DIRECT, ReturnMode.RETRACE)
    direct, retraced = (estimate(points, 8.0, SITL, returns=mode).energy for mode in modes)
    # RTL pauses once more before it begins.
    assert retraced.lands_with_pct_p50 == pytest.approx(direct.lands_with_pct_p50, abs=0.3)


def test_a_low_flight_climbs_before_it_returns() -> None:
    points = at_height(np.array([[300.0, 0.0]]), 5.0)
    low, high = (estimate(points, 8.0, QUAD, return_alt_m=alt_m).energy for alt_m in (15.0, 100.0))
    assert high.lands_with_pct_p50 < low.lands_with_pct_p50 - 3.0


def test_gusts_and_doubt_widen_the_bound() -> None:
    points = at_height(RIVER, 60.0)
    steady = estimate(points, 8.0, QUAD, Wind(3.0, 270.0))
    gusty = estimate(points, 8.0, QUAD, Wind(3.0, 270.0, gust_mps=2.0))
    doubted = estimate(points, 8.0, replace(QUAD, spread=0.2), Wind(3.0, 270.0))
    assert gusty.energy.p50_wh == steady.energy.p50_wh
    assert gusty.energy.p95_wh > steady.energy.p95_wh
    assert doubted.energy.p95_wh / doubted.energy.p50_wh == pytest.approx(1.0 + 1.645 * 0.2)


def test_a_hold_costs_its_time_in_the_hover() -> None:
    points = at_height(np.array([[300.0, 0.0], [600.0, 0.0]]), 50.0)
    on, held = (estimate(points, 8.0, QUAD, holds_s=np.array([hold_s, 0.0])) for hold_s in (1.0, 61.0))
    assert held.timeline.duration_s == pytest.approx(on.timeline.duration_s + 60.0)
    assert held.energy.p50_wh - on.energy.p50_wh == pytest.approx(60.0 * QUAD.hover_w / 3600.0)


def test_a_return_that_the_wind_forbids_is_refused() -> None:
    points = at_height(np.array([[0.0, 500.0]]), 50.0)
    with pytest.raises(TooMuchWind, match=r"too much for 11\.0 m/s"):
        estimate(points, 8.0, SITL, Wind(8.0, 180.0, gust_mps=1.5))  # 10.5 m/s at p95, 11 through the air


def test_a_path_that_leads_home_by_itself_ends_without_the_waits_of_a_return() -> None:
    points = np.array([[300.0, 0.0, 40.0], [300.0, 200.0, 40.0], [0.0, 0.0, 40.0]])
    direct, retraced = (
        estimate(points, 8.0, QUAD, returns=mode).timeline.duration_s
        for mode in (ReturnMode.DIRECT, ReturnMode.RETRACE)
    )
    waits_s = 2.0 * ARDUCOPTER.pause_s + ARDUCOPTER.loiter_s
    assert direct - retraced == pytest.approx(waits_s, abs=0.01)
