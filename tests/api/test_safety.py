"""The safety profile over HTTP: asked of the vehicle's gateway, read or set."""

from __future__ import annotations

from core.ids import VehicleId
from telemetry.messages import SafetyRequest, SafetySetting, SafetyState, safety_subject
from tests.api.conftest import VEHICLE, World

SETTING = SafetySetting("FS_GCS_ENABLE", 1.0, 0.0, False, "comes home, or lands, when the platform is silent")


async def test_the_profile_is_read_and_set_by_the_gateway_of_the_vehicle(world: World) -> None:
    asked: list[SafetyRequest] = []

    async def answer(request: SafetyRequest) -> SafetyState:
        asked.append(request)
        return SafetyState(VEHICLE, "patrol", False, (SETTING,), ("FS_GCS_ENABLE",) if request.apply else ())

    world.tick()
    async with world.bus.serve(safety_subject(VEHICLE), SafetyRequest, answer):
        read = await world.http.get(f"/vehicles/{VEHICLE}/safety-profile")
        applied = await world.http.post(f"/vehicles/{VEHICLE}/safety-profile/apply")
    assert (read.status_code, applied.status_code) == (200, 200)
    assert read.json()["settings"][0]["why"] == SETTING.why
    assert (read.json()["changed"], applied.json()["changed"]) == ([], ["FS_GCS_ENABLE"])
    assert [(request.apply, request.by) for request in asked] == [(False, "local"), (True, "local")]


async def test_an_unknown_vehicle_and_a_gateway_that_is_not_there_have_their_own_answers(world: World) -> None:
    world.tick()
    unknown = await world.http.get(f"/vehicles/{VehicleId('nobody')}/safety-profile")
    silent = await world.http.get(f"/vehicles/{VEHICLE}/safety-profile")
    assert (unknown.status_code, silent.status_code) == (404, 503)
