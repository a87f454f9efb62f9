from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.calibration import NotEnoughFlight, Samples, calibrate, joined
from missions.energy import AIRFRAMES
from missions.model import Airframe
from missions.power import power_w

QUAD = AIRFRAMES["quad-3kg"]


def flown(airframe: Airframe, *, noise: float = 0.0, top_mps: float = 12.0, step_s: float = 0.2) -> Samples:
    """Hover, climb, cruise at several speeds, hover, with the power that the model gives."""
    speeds = np.repeat([0.0, 0.0, *np.linspace(4.0, top_mps, 5), 0.0], round(50.0 / step_s))
    climbs = np.repeat([0.0, 2.5, *[0.0] * 5, -1.5], round(50.0 / step_s))
    time_s = np.linspace(0.0, step_s * len(speeds), len(speeds), endpoint=False, dtype=np.float64)
    power = power_w(speeds, airframe) + np.maximum(0.0, climbs) * airframe.climb_j_per_m
    return Samples(time_s, speeds, climbs, power * (1.0 + noise * np.random.default_rng(1).normal(size=len(power))))


@given(st.floats(80, 900), st.floats(0.75, 1.4), st.floats(6, 14), st.floats(5, 150), st.floats(0.5, 0.9))
def test_a_flight_gives_back_the_airframe_that_flew_it(
    hover_w: float, cruise: float, cruise_mps: float, climb: float, lift_share: float
) -> None:
    airframe = replace(
        QUAD, hover_w=hover_w, cruise_w=cruise * hover_w, cruise_mps=cruise_mps,
        climb_j_per_m=climb, lift_share=lift_share,
    )  # fmt: skip
    found = calibrate(flown(airframe))
    again = replace(
        airframe, hover_w=found.hover_w, cruise_w=found.cruise_w, cruise_mps=found.cruise_mps,
        lift_share=found.lift_share,
    )  # fmt: skip
    speeds = np.linspace(0.0, 12.0, 25)
    np.testing.assert_allclose(power_w(speeds, again), power_w(speeds, airframe), rtol=1e-6)
    assert found.climb_j_per_m == pytest.approx(climb, rel=1e-6)
    assert found.residual < 1e-9


def test_noise_hardly_moves_the_numbers_and_never_makes_one_negative() -> None:
    airframe = replace(QUAD, cruise_w=1.2 * QUAD.hover_w, lift_share=0.0)
    found = calibrate(flown(airframe, noise=0.1))
    assert found.hover_w == pytest.approx(airframe.hover_w, rel=0.02)
    assert found.lift_share >= 0.0
    assert 0.0 < found.residual < 0.03
    assert found.spread == 0.03


def test_sparse_samples_count_by_their_time() -> None:
    whole = flown(QUAD, noise=0.02)
    # The cruise is told at a tenth of the rate.
    kept = (whole.air_speed_mps < 1.0) | (np.arange(len(whole.time_s)) % 10 == 0)
    thin = Samples(*(values[kept] for values in (whole.time_s, whole.air_speed_mps, whole.climb_mps, whole.power_w)))
    assert calibrate(thin).cruise_w == pytest.approx(calibrate(whole).cruise_w, rel=0.01)


def test_flights_are_joined_without_time_between_them() -> None:
    one = flown(QUAD)
    both = joined([replace(one, time_s=one.time_s + 500.0), one])
    assert (np.diff(both.time_s) > 0.0).all()
    assert both.time_s[-1] == pytest.approx(2.0 * one.time_s[-1] + 2.0)
    assert calibrate(both).hover_w == pytest.approx(calibrate(one).hover_w)


@pytest.mark.parametrize(
    ("keep", "missing"),
    [
        (lambda s: s.time_s < 60.0, "s of flight"),
        (lambda s: s.air_speed_mps > 3.0, "s of hover"),
        (lambda s: s.air_speed_mps < 3.0, "s of level flight above 4 m/s"),
        (lambda s: s.climb_mps <= 0.0, "s of climb"),
    ],
)
def test_a_log_that_does_not_show_it_all_is_refused_with_what_is_missing(keep: object, missing: str) -> None:
    whole = flown(QUAD, step_s=0.5)
    assert callable(keep)
    kept = keep(whole)
    part = Samples(*(values[kept] for values in (whole.time_s, whole.air_speed_mps, whole.climb_mps, whole.power_w)))
    with pytest.raises(NotEnoughFlight, match=missing):
        calibrate(replace(part, time_s=whole.time_s[: len(part.time_s)]))


def test_a_power_that_falls_with_everything_is_no_multirotor() -> None:
    whole = flown(QUAD)
    with pytest.raises(NotEnoughFlight, match="multirotor"):
        calibrate(replace(whole, power_w=-whole.power_w))
