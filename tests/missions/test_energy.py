from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.energy import AIRFRAMES, cost_of, descent_s, leg_s, power_w
from missions.fleet import default_airframe

QUAD = default_airframe()


def out_and_back(reach_m: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[0.0, 0.0], [reach_m, 0.0], [0.0, 0.0]])


def test_the_induced_power_formula_gives_the_airframes_hover_power() -> None:
    """P = (m g)^1.5 / (η √(2 ρ N π r²)), η = 0.6 (planning guide, section 10)."""
    for name, mass_kg, rotors, radius_m in (("quad-3kg", 3.2, 4, 0.19), ("hexa-7kg", 7.0, 6, 0.23)):
        ideal_w = (mass_kg * 9.81) ** 1.5 / np.sqrt(2 * 1.225 * rotors * np.pi * radius_m**2)
        assert AIRFRAMES[name].hover_w == pytest.approx(ideal_w / 0.6, rel=0.02)


def test_a_patrol_of_eight_kilometres_fits_the_default_battery() -> None:
    cost = cost_of(out_and_back(4_000.0), 80.0, 10.0, QUAD)
    assert cost.length_m == 8_000.0
    assert 60.0 < cost.battery_needed_pct < 90.0


def test_the_reserve_is_part_of_what_is_needed() -> None:
    without = cost_of(out_and_back(1_000.0), 60.0, 8.0, replace(QUAD, reserve=0.0))
    assert cost_of(out_and_back(1_000.0), 60.0, 8.0, QUAD).battery_needed_pct == without.battery_needed_pct + 25.0


def test_a_leg_takes_its_accelerations() -> None:
    assert leg_s(100.0, 10.0) == pytest.approx(14.0)
    assert leg_s(10.0, 10.0) == pytest.approx(4.0)  # 5 m to speed up, 5 m to slow down, at 2.5 m/s²
    assert leg_s(0.0, 10.0) == 0.0


def test_the_last_ten_metres_are_slow() -> None:
    assert descent_s(10.0, QUAD) == pytest.approx(20.0)
    assert descent_s(40.0, QUAD) == pytest.approx(40.0)


@given(st.floats(0, 5_000), st.floats(0, 5_000), st.floats(5, 120), st.floats(2, 15))
def test_more_distance_never_costs_less(a_m: float, b_m: float, alt_m: float, speed_mps: float) -> None:
    less, more = sorted((a_m, b_m))
    near, far = (cost_of(out_and_back(reach), alt_m, speed_mps, QUAD) for reach in (less, more))
    assert near.duration_s <= far.duration_s + 1e-9
    assert near.energy_wh <= far.energy_wh + 1e-9


@given(st.floats(0, 15))
def test_power_is_continuous_at_cruise_speed(speed_mps: float) -> None:
    assert power_w(QUAD.cruise_mps, QUAD) == pytest.approx(power_w(QUAD.cruise_mps + 1e-9, QUAD))
    assert power_w(speed_mps, QUAD) >= min(QUAD.hover_w, QUAD.cruise_w)
