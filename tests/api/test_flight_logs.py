"""The logs on board over HTTP: asked of the vehicle's gateway."""

from __future__ import annotations

from datetime import UTC, datetime

from core.errors import VehicleOffline
from telemetry.messages import LogList, LogsQuestion, VehicleLog, logs_subject
from tests.api.conftest import VEHICLE, World

LISTED = LogList(VEHICLE, 9, (VehicleLog(8, None, 5), VehicleLog(9, datetime(2026, 11, 1, tzinfo=UTC), 70_000)))


async def test_the_logs_come_from_the_gateway_of_the_vehicle(world: World) -> None:
    async def answer(question: LogsQuestion) -> LogList:
        assert question == LogsQuestion(VEHICLE)
        return LISTED

    world.tick()
    async with world.bus.serve(logs_subject(VEHICLE), LogsQuestion, answer):
        listed = await world.http.get(f"/vehicles/{VEHICLE}/logs")
    assert listed.status_code == 200
    assert listed.json()["on_board"] == 9
    assert [log["ended_at"] for log in listed.json()["logs"]] == [None, "2026-11-01T00:00:00Z"]


async def test_a_silent_vehicle_an_unknown_one_and_no_gateway_have_their_own_answers(world: World) -> None:
    async def answer(_: LogsQuestion) -> LogList:
        raise VehicleOffline(VEHICLE, None)

    world.tick()
    unknown = await world.http.get("/vehicles/nobody/logs")
    nobody = await world.http.get(f"/vehicles/{VEHICLE}/logs")
    async with world.bus.serve(logs_subject(VEHICLE), LogsQuestion, answer):
        silent = await world.http.get(f"/vehicles/{VEHICLE}/logs")
    assert (unknown.status_code, nobody.status_code, silent.status_code) == (404, 503, 503)
    assert silent.json()["type"].endswith("vehicle-offline")
