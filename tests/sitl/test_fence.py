"""Vehicles that leave their fence, or would, on the embedded simulator and on ArduCopter SITL by the same code."""

from __future__ import annotations

import pytest

from api.drills.background import TestVehicle
from tests.platform import Platform
from tests.sitl.stage import VEHICLE, alarms, asked, flying, over, steps
from tests.sitl.station import steering

pytestmark = pytest.mark.system
WATCH = "fence-watch"


def commands(platform: Platform, by: str) -> list[tuple[str, str]]:
    """What somebody had the vehicle do, oldest first: kind and state."""
    journal = platform.get(f"/vehicles/{VEHICLE}/commands")["items"]
    return [(each["kind"], each["state"]) for each in reversed(journal) if each["issued_by"] == by]


# The watch counts on 0.8 s of the vehicle's time from a fix to its answer.
@pytest.mark.alone
@pytest.mark.parametrize("speedup", [3.0])
def test_a_vehicle_that_is_steered_at_its_fence_is_stopped_before_it(platform: Platform, aboard: TestVehicle) -> None:
    platform.until_ready(VEHICLE)
    aboard.set_parameter("AVOID_ENABLE", 0)  # or ArduCopter would not fly there
    sortie_id = flying(platform)
    host, port = aboard.address
    other_port = port + 1 if aboard.kind == "sitl" else port
    with steering((host, other_port), aboard.system_id, north_mps=0.0, east_mps=8.0):
        platform.until(lambda: bool(commands(platform, WATCH)), within_s=60, what="the fence watch")
        platform.until(lambda: aboard.mode == "BRAKE", within_s=30, what="BRAKE")
    sortie = platform.until_state(sortie_id, "paused")
    assert (sortie["held"]["by"], sortie["breaches"]) == ("platform", 0), sortie["held"]
    seen = alarms(platform)
    assert "fence-breach" not in seen
    assert seen["fence-ahead"]["sortie_id"] == sortie_id
    over(platform, "fence-ahead")
    asked(platform, "return")
    assert platform.until_state(sortie_id, "returning")["breaches"] == 0
    assert not any("breached" in text.lower() for text in aboard.texts)


@pytest.mark.parametrize("speedup", [4.0])
def test_a_vehicle_that_a_storm_pushes_out_of_its_fence_is_called_back(
    platform: Platform, aboard: TestVehicle
) -> None:
    sortie_id = flying(platform)
    aboard.hurt("wind", {"speed_mps": 28.0, "from_deg": 270.0})
    platform.until(lambda: "fence-breach" in alarms(platform), within_s=120, what="a breach")
    aboard.mend("wind")
    asked_for = commands(platform, WATCH)
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert (sortie["outcome"], sortie["breaches"]) == ("aborted", 1), sortie
    ahead, breach = over(platform, "fence-ahead"), over(platform, "fence-breach")
    assert breach["severity"] == "critical"
    assert ahead["began_at"] < breach["began_at"]
    assert asked_for[0][0] in ("pause", "hold"), asked_for
    assert any(state == "returning" for state, _ in steps(sortie))
    assert any("breached" in text.lower() for text in aboard.texts)  # the autopilot's own fence holds as well
