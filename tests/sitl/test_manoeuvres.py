"""Manoeuvres in the air, told by the same code to the embedded simulator and to ArduCopter SITL."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.drills.background import Background
from simulator.faults.impairment import Faults
from simulator.faults.line import LinkFaults
from simulator.faults.udp import UdpProxy
from tests.platform import Json, Platform, free_udp_port, running_platform, stop
from tests.sitl.stage import LOOKED_AT, VEHICLE, asked, away_m, flying, hop, settings_of, within

pytestmark = pytest.mark.system
LONG_WAY = Faults(delay_s=0.1)


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
    within(platform, lambda vehicle: away_m(vehicle, LOOKED_AT) < 30.0, "the vehicle on the circle")
    sortie = platform.until_state(sortie_id, "closed", within_s=300)
    assert (sortie["outcome"], sortie["breaches"]) == ("aborted", 0)


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


@asynccontextmanager
async def udp_proxy(port: int) -> AsyncIterator[str]:
    """Where a line to a port of this machine begins that takes its time each way."""
    proxy = UdpProxy(("127.0.0.1", port), faults=LinkFaults(LONG_WAY, LONG_WAY))
    host, at = await proxy.open(("127.0.0.1", 0))
    try:
        yield f"{host}:{at}"
    finally:
        await proxy.close()


@pytest.fixture
def far_away(autopilot: str, loop: Background, tmp_path: Path) -> Iterator[Platform]:
    """A platform with a vehicle so far off that what is being loaded is seen: 0.2 s for a question and its answer."""
    sitl, speedup, port = autopilot == "ardupilot", 4.0, free_udp_port()
    settings = settings_of(sitl=sitl) | {"BAILU_LINKS": f'[{{ name = "fleet", url = "udpin:127.0.0.1:{port}" }}]'}
    options = {"sitl": sitl, "speedup": speedup, "settings": settings, "vehicles": False}
    with running_platform(tmp_path / "data", **options) as running, loop.holding(udp_proxy(port)) as line:
        fleet = running.bailu("sitl" if sitl else "sim", "--speedup", str(speedup), "--udp-to", line)
        try:
            yield running
        finally:
            stop(fleet)


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
