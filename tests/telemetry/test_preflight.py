"""May this vehicle fly this plan now?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.geo import LatLon
from core.ids import VehicleId
from missions.model import Plan
from telemetry.messages import Landed, LinkState, Quiet, VehicleState
from telemetry.preflight import preflight

PLAN = Plan(
    home=LatLon(31.139, 121.124),
    home_amsl_m=4.0,
    waypoints=(),
    speed_mps=8.0,
    length_m=1000.0,
    duration_s=200.0,
    energy_wh=20.0,
    battery_needed_pct=45.0,
    airspace_version=1,
    conflicts=(),
    fence=None,
    items=(),
    fence_items=(),
    hash="",
    fence_hash="",
)
READY = VehicleState(
    VehicleId("bl-01"), "one", None, 11, "fleet", "quad",
    link=LinkState.LIVE, heard_age_s=0.2, position_age_s=0.2, lat_deg=31.139, lon_deg=121.124, gps_fix=6,
    satellites=10, battery_pct=99.0, mode="GUIDED", armed=False, landed=Landed.ON_GROUND, prearm_ok=True,
    position_ok=True,
)  # fmt: skip


def failed(state: VehicleState) -> dict[str, str]:
    return {check.check: check.detail for check in preflight(state, PLAN) if not check.ok}


def test_a_vehicle_standing_ready_at_its_dock_passes_every_check() -> None:
    assert failed(READY) == {}


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("link", {"link": LinkState.STALE}),
        ("link", {"quiet": (Quiet("battery", datetime(2026, 1, 1, tzinfo=UTC)),)}),
        ("gps", {"gps_fix": 2}),
        ("gps", {"satellites": 5}),
        ("gps", {"position_age_s": 4.0}),
        ("gps", {"position_age_s": None}),
        ("ground", {"armed": True}),
        ("ground", {"armed": None}),
        ("ground", {"landed": Landed.IN_AIR}),
        ("home", {"lat_deg": 31.1392}),
        ("home", {"lat_deg": None}),
        ("battery", {"battery_pct": 44.0}),
        ("battery", {"battery_pct": None}),
        ("mode", {"mode": "LAND"}),
        ("mode", {"mode": "STABILIZE"}),
        ("mode", {"mode": None}),
        ("estimate", {"position_ok": False}),
        ("estimate", {"position_ok": None}),
        ("prearm", {"prearm_ok": False}),
        ("prearm", {"prearm_ok": None}),
    ],
)
def test_each_thing_that_is_wrong_fails_its_own_check_only(check: str, change: dict[str, Any]) -> None:
    assert list(failed(replace(READY, **change))) == [check]


def test_the_autopilots_own_words_are_the_reason() -> None:
    texts = ("PreArm: Compass not healthy", "PreArm: Battery 1 low voltage", "EKF3 IMU0 is using GPS")
    assert failed(replace(READY, prearm_ok=False, last_texts=texts)) == {"prearm": "PreArm: Battery 1 low voltage"}


def test_the_battery_must_do_for_95_of_100_flights_as_the_plan_was_judged() -> None:
    dear = replace(PLAN, battery_p95_pct=60.0)
    checks = {check.check: check for check in preflight(replace(READY, battery_pct=50.0), dear)}
    assert not checks["battery"].ok
    assert checks["battery"].detail == "battery 50 %, the plan needs 60 % with reserve"


def test_the_battery_sentence_names_both_numbers() -> None:
    assert failed(replace(READY, battery_pct=30.0))["battery"] == "battery 30 %, the plan needs 45 % with reserve"
