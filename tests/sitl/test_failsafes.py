"""Flights in which something fails, told by the same code to the embedded simulator and to ArduCopter SITL."""

from __future__ import annotations

import os
import signal
import time

import pytest

from api.drills.background import TestVehicle
from tests.platform import Platform
from tests.sitl.stage import VEHICLE, alarms, away_m, flying, over, steps

pytestmark = pytest.mark.system
# What the reliability guide promises of a frozen platform: heartbeats end, and the vehicle waits for FS_GCS_TIMEOUT.
# The margin is what a test machine adds; `bench.vehicles.heartbeats` has the figure.
HEART_STOPS_S, FS_GCS_TIMEOUT_S, MARGIN_S = 3.5, 5.0, 6.0


def test_a_low_battery_brings_it_home_and_a_fresh_one_goes_on_from_the_break_point(
    platform: Platform, aboard: TestVehicle
) -> None:
    platform.until_ready(VEHICLE)
    aboard.set_parameter("BATT_FS_LOW_ACT", 2)
    sortie_id = flying(platform)
    aboard.hurt("battery", {"voltage_v": 10.2, "charge": "25%"})
    broken = platform.until_state(sortie_id, "closed", within_s=240)
    assert (broken["outcome"], broken["breaches"]) == ("aborted", 0), broken
    assert ("returning", "failsafe") in steps(broken)
    assert any("Battery 1 is low" in text for text in aboard.texts)
    over(platform, "low-battery")
    assert broken["break_point"]["waypoint"] == broken["waypoints_reached"] == 1

    aboard.hurt("battery", {"voltage_v": 12.6, "charge": "100%"})
    assert aboard.reboot() == "MAV_RESULT_ACCEPTED"  # nobody changes a battery without that
    platform.until(lambda: platform.vehicle(VEHICLE)["ready"] is not True, within_s=30, what="the restart")
    platform.until_ready(VEHICLE)
    made = platform.request("POST", f"/sorties/{sortie_id}/continue", {}, Idempotency_Key="go-on")
    assert made.status_code == 202, made.text
    again = platform.until_state(made.json()["sortie_id"], "closed", within_s=300)
    assert (again["outcome"], again["continues"], again["breaches"]) == ("completed", sortie_id, 0), again
    left_at = broken["break_point"]["place"]
    waypoints = platform.get(f"/missions/{again['mission_id']}")["latest"]["plan"]["waypoints"]
    assert min(away_m(step, left_at) for step in waypoints) < 0.5
    track = platform.get(f"/sorties/{again['sortie_id']}/track")["geometry"]["coordinates"]
    assert min(away_m({"lat_deg": lat, "lon_deg": lon}, left_at) for lon, lat, *_ in track) < 3.0


@pytest.mark.parametrize("speedup", [4.0])
def test_it_comes_home_by_itself_when_the_platform_is_frozen(
    platform: Platform, aboard: TestVehicle, speedup: float
) -> None:
    platform.until_ready(VEHICLE)
    aboard.set_parameter("FS_GCS_ENABLE", 1)
    aboard.set_parameter("FS_GCS_TIMEOUT", FS_GCS_TIMEOUT_S)
    sortie_id = flying(platform)
    assert platform.process is not None
    os.kill(platform.process.pid, signal.SIGSTOP)
    try:
        frozen_s = time.monotonic()
        platform.until(lambda: any("GCS Failsafe" in text for text in aboard.texts), within_s=30, what="its failsafe")
        took_s = time.monotonic() - frozen_s
        platform.until(lambda: aboard.mode == "RTL", within_s=30, what="RTL")
    finally:
        os.kill(platform.process.pid, signal.SIGCONT)
    # Heartbeats count in our time, whatever the pace; the vehicle waits in its own.
    assert took_s <= HEART_STOPS_S + FS_GCS_TIMEOUT_S / speedup + MARGIN_S
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert (sortie["outcome"], sortie["breaches"]) == ("aborted", 0), sortie
    assert ("returning", "failsafe") in steps(sortie)


def test_a_restart_is_refused_in_flight(platform: Platform, aboard: TestVehicle) -> None:
    sortie_id = flying(platform)
    assert aboard.reboot() == "MAV_RESULT_FAILED"
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert (sortie["outcome"], sortie["breaches"]) == ("completed", 0), sortie
    assert "mode-surprise" not in alarms(platform)
