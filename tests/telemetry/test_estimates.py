"""How long a flight still takes, and with what it lands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.energy import AIRFRAMES
from missions.model import Plan
from telemetry.estimates import progress, slower_pct
from telemetry.messages import VehicleState
from tests.samples import a_plan
from tests.telemetry.test_preflight import READY

PLAN = a_plan()
FRAME = AIRFRAMES[PLAN.airframe]


def over(plan: Plan, number: int, battery_pct: float = 80.0) -> VehicleState:
    place = plan.waypoints[number].place
    return replace(READY, lat_deg=place.lat_deg, lon_deg=place.lon_deg, battery_pct=battery_pct)


def test_over_a_waypoint_the_plan_tells_the_times() -> None:
    said = progress(PLAN, FRAME, over(PLAN, 0), 1, None)
    assert said.eta_next_s == pytest.approx(PLAN.offsets_s[1] - PLAN.offsets_s[0], abs=0.2)
    assert said.eta_landing_s == pytest.approx(PLAN.duration_s - PLAN.offsets_s[0], abs=0.2)


def test_with_all_waypoints_behind_only_the_landing_is_ahead() -> None:
    last = len(PLAN.waypoints) - 1
    said = progress(PLAN, FRAME, over(PLAN, last), last + 1, None)
    assert said.eta_next_s is None
    assert said.eta_landing_s == pytest.approx(PLAN.duration_s - PLAN.offsets_s[-1], abs=0.2)


def test_a_flight_that_uses_as_planned_lands_as_planned_and_a_thirsty_one_with_less() -> None:
    used = 100.0 * PLAN.energy_wh / FRAME.battery_wh
    share = PLAN.offsets_s[0] / PLAN.duration_s
    as_planned = progress(PLAN, FRAME, over(PLAN, 0, 90.0 - used * share), 1, 90.0)
    assert as_planned.lands_with_pct == pytest.approx(90.0 - used, abs=0.2)
    thirsty = progress(PLAN, FRAME, over(PLAN, 0, 90.0 - 2.0 * used * share - 5.0), 1, 90.0)
    assert thirsty.lands_with_pct is not None
    assert as_planned.lands_with_pct is not None
    assert thirsty.lands_with_pct < as_planned.lands_with_pct - used * share
    assert thirsty.lands_with_p95_pct is not None
    assert thirsty.lands_with_p95_pct <= thirsty.lands_with_pct


@pytest.mark.parametrize("state", [replace(READY, lat_deg=None), READY])
def test_what_is_not_known_is_not_told(state: VehicleState) -> None:
    plan = PLAN if state.lat_deg is None else replace(PLAN, offsets_s=())
    said = progress(plan, FRAME, state, 1, 90.0)
    assert (said.waypoints_reached, said.eta_landing_s, said.lands_with_pct) == (1, None, None)


@given(st.integers(0, len(PLAN.waypoints)), st.floats(0.0, 100.0))
def test_less_is_left_ahead_the_more_waypoints_lie_behind(reached: int, battery_pct: float) -> None:
    state = over(PLAN, max(0, reached - 1), battery_pct)
    now = progress(PLAN, FRAME, state, reached, 100.0)
    assert now.eta_landing_s is not None
    assert 0.0 <= now.eta_landing_s <= PLAN.duration_s + 0.1
    assert now.lands_with_pct is not None
    assert now.lands_with_pct <= battery_pct + 0.1


def test_slower_flight_leaves_less() -> None:
    said = progress(PLAN, FRAME, over(PLAN, 0), 1, 90.0)
    assert said.lands_with_p95_pct is not None
    half = slower_pct(PLAN, FRAME, said, PLAN.speed_mps / 2.0)
    assert half is not None
    assert half < said.lands_with_p95_pct
    assert slower_pct(PLAN, FRAME, said, PLAN.speed_mps) == said.lands_with_p95_pct
