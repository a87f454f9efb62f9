"""Manoeuvres in the air, told by the same code to the embedded simulator and to ArduCopter SITL."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.platform import Json, Platform
from tests.sitl.stage import LOOKED_AT, VEHICLE, asked, away_m, flying, hop, within

pytestmark = pytest.mark.system


@pytest.fixture
def speedup() -> float:
    """While a manoeuvre is planned, in our time, the vehicle flies on, and must not be home by then."""
    return 5.0


def diverted(platform: Platform, sortie_id: str, **wanted: Any) -> Json:
    """A diversion flown in one step."""
    made = platform.post(f"/sorties/{sortie_id}/diversions", wanted | {"execute": True})
    assert made["state"] == "flying", made
    assert made["plan"]["proof"]["valid"], made["plan"]["proof"]
    sortie = platform.until_state(sortie_id, "diverted")
    assert (sortie["diversion_id"], sortie["onboard"]) == (made["diversion_id"], "verified")
    assert (sortie["mission_hash"], sortie["fence_hash"]) == (made["plan"]["hash"], made["plan"]["fence_hash"])
    return made


def test_it_goes_to_a_point_looks_and_goes_on_with_its_mission(platform: Platform) -> None:
    sortie_id = flying(platform)
    seen = platform.post_patiently(f"/sorties/{sortie_id}/diversions", {"kind": "goto"} | LOOKED_AT)
    assert (seen["state"], seen["plan"]["conflicts"]) == ("planned", [])
    assert platform.sortie(sortie_id)["state"] == "on_mission"  # a preview asks nothing of the vehicle
    made = platform.post(f"/sorties/{sortie_id}/diversions/{seen['diversion_id']}/execute", {})
    assert made["state"] == "flying"
    platform.until_state(sortie_id, "diverted")
    within(platform, lambda vehicle: away_m(vehicle, LOOKED_AT) < 4.0, "the vehicle at the point")
    broken = platform.sortie(sortie_id)["break_point"]
    assert broken["waypoint"] >= 1
    diverted(platform, sortie_id, kind="skip")
    sortie = platform.until_state(sortie_id, "closed", within_s=300)
    assert (sortie["outcome"], sortie["breaches"], sortie["waypoints_skipped"]) == ("completed", 0, 0), sortie
    flown = platform.get(f"/sorties/{sortie_id}/diversions")["items"]
    assert [(each["kind"], each["state"]) for each in flown] == [("goto", "ended"), ("skip", "ended")]


def test_it_circles_a_place_and_comes_home(platform: Platform) -> None:
    sortie_id = flying(platform)
    diverted(platform, sortie_id, kind="orbit", radius_m=25.0, turns=1.0, **LOOKED_AT)
    sortie = platform.until_state(sortie_id, "closed", within_s=300)
    assert (sortie["outcome"], sortie["breaches"]) == ("aborted", 0)
    track = platform.get(f"/sorties/{sortie_id}/track")["geometry"]["coordinates"]
    round_it = [place for place in track if abs(away_m(at(place), LOOKED_AT) - 25.0) < 5.0]
    sides = {(place[0] > LOOKED_AT["lon_deg"], place[1] > LOOKED_AT["lat_deg"]) for place in round_it}
    assert len(sides) == 4, "a whole circle leads through every quarter"


def at(place: list[float]) -> Json:
    """A position of a track, as a vehicle's record has it."""
    return {"lon_deg": place[0], "lat_deg": place[1]}


def test_height_and_speed_change_with_a_proof(platform: Platform) -> None:
    sortie_id = flying(platform)
    refused = platform.request(
        "POST", f"/vehicles/{VEHICLE}/commands", {"kind": "change-speed", "parameters": {"speed_mps": 30}}
    )
    assert refused.status_code == 422, refused.text
    asked(platform, "change-speed", speed_mps=3.0)
    within(platform, lambda vehicle: vehicle["ground_speed_mps"] < 3.6, "3 m/s")
    diverted(platform, sortie_id, kind="change-altitude", alt_rel_m=45.0)
    within(platform, lambda vehicle: abs(vehicle["alt_rel_m"] - 45.0) < 1.5, "45 m")
    sortie = platform.until_state(sortie_id, "closed", within_s=300)
    assert (sortie["outcome"], sortie["breaches"]) == ("completed", 0), sortie


def test_a_mission_is_replaced_in_the_air(platform: Platform) -> None:
    other = hop()
    other["geometry"]["coordinates"] = [[121.0505, 31.1085], [121.0500, 31.1072]]
    mission = platform.post_patiently("/missions", other)
    sortie_id = flying(platform)
    diverted(platform, sortie_id, kind="replace", mission_id=mission["mission_id"])
    sortie = platform.until_state(sortie_id, "closed", within_s=300)
    assert (sortie["outcome"], sortie["breaches"]) == ("completed", 0), sortie


def test_a_return_during_the_upload_comes_first_and_nothing_unread_is_flown(far_away: Platform) -> None:
    platform = far_away
    sortie_id = flying(platform)
    answers: list[int] = []

    def divert() -> None:
        body = {"kind": "goto", "execute": True} | LOOKED_AT
        with platform.another_client() as client:
            answers.append(client.post(f"/sorties/{sortie_id}/diversions", json=body).status_code)

    thread = threading.Thread(target=divert)
    thread.start()
    platform.until(lambda: platform.sortie(sortie_id)["onboard"] == "loading", within_s=60, what="loading")
    platform.post(f"/vehicles/{VEHICLE}/commands", {"kind": "return"})
    platform.until_state(sortie_id, "returning")
    thread.join(60)
    assert answers == [502]
    assert platform.sortie(sortie_id)["onboard"] == "mixed"
    (failed,) = platform.get(f"/sorties/{sortie_id}/diversions")["items"]
    assert (failed["state"], "Do not fly" in failed["result"]) == ("failed", True)
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    assert (sortie["outcome"], sortie["breaches"]) == ("aborted", 0)
