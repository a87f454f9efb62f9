"""The story of a patrol, told by the same code to the embedded simulator and to ArduCopter SITL."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymavlink import mavutil

from tests.platform import Json, Platform
from tests.sitl.stage import VEHICLE, alarms, asked, hop, river, step_to

pytestmark = pytest.mark.system


def first_kilometre() -> Json:
    """Of the river: long enough for a record, no longer."""
    feature = river()
    feature["geometry"]["coordinates"] = feature["geometry"]["coordinates"][:4]
    return feature


def messages(tlog: Path) -> dict[str, int]:
    """How many messages of each type pymavlink's own reader finds in a log."""
    counts: dict[str, int] = {}
    reader = mavutil.mavlink_connection(str(tlog))
    try:
        while (message := reader.recv_match()) is not None:
            counts[message.get_type()] = counts.get(message.get_type(), 0) + 1
    finally:
        reader.close()
    return counts


def test_a_patrol_is_planned_uploaded_flown_and_recorded(platform: Platform) -> None:
    platform.until_ready(VEHICLE)
    sortie = platform.until_state(platform.launched(first_kilometre(), VEHICLE), "closed", within_s=240)
    assert sortie["outcome"] == "completed", sortie
    assert sortie["upload_verified"] is True
    assert sortie["breaches"] == 0
    assert sortie["waypoints_reached"] == sortie["waypoints_total"] > 0
    assert all(check["ok"] or not check["required"] for check in sortie["checks"])
    states = [step["to_state"] for step in sortie["transitions"]]
    assert states == [
        "approved", "assigned", "preflight", "uploading", "ready", "taking_off", "on_mission", "returning", "landing",
        "landed", "closed",
    ]  # fmt: skip
    platform.until(lambda: platform.vehicle(VEHICLE)["ready"], within_s=60, what="the vehicle ready for the next")
    track = platform.get(f"/sorties/{sortie['sortie_id']}/track")
    assert len(track["geometry"]["coordinates"]) > 50
    assert len(track["geometry"]["coordinates"]) == len(track["properties"]["times"])
    # Nothing went wrong, so nobody was called.
    assert alarms(platform) == {}
    counts = messages(platform.data_dir / "tlogs" / f"{sortie['sortie_id']}.tlog")
    assert counts["GLOBAL_POSITION_INT"] >= len(track["geometry"]["coordinates"])
    assert counts["HEARTBEAT"] > 10


def test_pause_resume_and_return_do_what_they_say_and_nobody_else_launches_it_meanwhile(platform: Platform) -> None:
    platform.until_ready(VEHICLE)
    sortie_id = platform.launched(hop(), VEHICLE)
    second = platform.launch(platform.post("/missions", hop()), VEHICLE)
    assert second.status_code == 409, second.text
    problem = second.json()
    assert second.headers["content-type"] == "application/problem+json"
    assert (problem["type"], problem["vehicle_id"]) == ("urn:bailu:problem:vehicle-busy", VEHICLE)
    assert sortie_id in problem["detail"]
    platform.until_state(sortie_id, "on_mission")
    for kind, state, mode in (("pause", "paused", "BRAKE"), ("resume", "on_mission", "AUTO")):
        asked(platform, kind)
        platform.until(lambda mode=mode: platform.vehicle(VEHICLE)["mode"] == mode, within_s=30, what=mode)  # type: ignore[misc]
        step = step_to(platform.until_state(sortie_id, state), state)
        assert (step["by"], step["why"]) == ("local", f"the operator asked to {kind}")
    refused = platform.request("POST", f"/vehicles/{VEHICLE}/commands", {"kind": "resume"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:bailu:problem:illegal-transition")
    asked(platform, "return")
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert sortie["outcome"] == "aborted"
    assert sortie["waypoints_reached"] < sortie["waypoints_total"]
    assert alarms(platform) == {}
    # It stands in RTL now, its mission half flown: the next launch starts from the beginning.
    platform.until_ready(VEHICLE)
    again = platform.until_state(platform.launched(hop(), VEHICLE), "closed", within_s=240)
    assert (again["outcome"], again["waypoints_reached"]) == ("completed", again["waypoints_total"])


# A start takes seconds of ours, in which the vehicle flies on.
@pytest.mark.parametrize("speedup", [5.0])
def test_a_platform_killed_in_flight_finds_its_vehicle_still_flying(platform: Platform) -> None:
    platform.until_ready(VEHICLE)
    sortie_id = platform.launched(hop(), VEHICLE)
    platform.until_state(sortie_id, "on_mission")
    platform.until_reached(sortie_id)
    before = len(platform.get(f"/sorties/{sortie_id}/track")["geometry"]["coordinates"])
    platform.kill()
    platform.start()
    platform.until(lambda: platform.vehicle(VEHICLE)["armed"] is True, within_s=60, what="the vehicle, flying")
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert sortie["outcome"] == "completed", sortie
    assert sortie["waypoints_reached"] == sortie["waypoints_total"]
    after = len(platform.get(f"/sorties/{sortie_id}/track")["geometry"]["coordinates"])
    assert after > before + 20
