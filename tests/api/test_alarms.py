"""Alarms over the API: listed, and taken note of once."""

from __future__ import annotations

import asyncio

from core.ids import AlarmId, VehicleId
from operations.alarms import Alarm, AlarmKind, Severity
from tests.api.conftest import World


async def test_an_alarm_is_listed_and_taken_note_of(world: World) -> None:
    alarm = Alarm(
        AlarmId("a-1"), AlarmKind.GPS, Severity.CRITICAL, "no fix", VehicleId("bl-01"), None, world.clock.now()
    )
    await world.store.save_alarm(alarm)
    listed = (await world.http.get("/alarms", params={"open_only": True})).json()["items"]
    assert [(each["id"], each["severity"], each["acknowledged_by"]) for each in listed] == [("a-1", "critical", None)]
    noted = await world.http.post("/alarms/a-1/acknowledge")
    assert noted.status_code == 200
    assert noted.json()["acknowledged_by"] == "local"
    assert (await world.http.get("/alarms")).json()["items"][0]["acknowledged_by"] == "local"


async def test_whoever_is_quicker_than_the_store_takes_note_of_an_alarm_all_the_same(world: World) -> None:
    alarm = Alarm(
        AlarmId("a-2"), AlarmKind.GPS, Severity.CRITICAL, "no fix", VehicleId("bl-01"), None, world.clock.now()
    )
    world.hub.alarm(alarm)
    asked = asyncio.create_task(world.http.post("/alarms/a-2/acknowledge"))
    await asyncio.sleep(0.1)
    assert not asked.done()
    await world.store.save_alarm(alarm)
    noted = await asyncio.wait_for(asked, 5.0)
    assert (noted.status_code, noted.json()["acknowledged_by"]) == (200, "local")


async def test_an_alarm_that_is_not_there_is_said_so(world: World) -> None:
    answer = await world.http.post("/alarms/no/acknowledge")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no alarm 'no'.")
