"""Docks, airspace versions, vehicles, health: what the console draws first."""

from __future__ import annotations

from dataclasses import asdict

from core.errors import VehicleRejected
from telemetry.messages import VehicleState
from tests.api.conftest import VEHICLE, World


async def test_every_dock_names_the_vehicles_that_stand_there(world: World) -> None:
    items = (await world.http.get("/docks")).json()["items"]
    assert {item["dock_id"]: item["vehicle_ids"] for item in items} == {
        "dock-xiayang": ["bl-01"],
        "dock-yingpu": ["bl-02"],
        "dock-zhujiajiao": ["bl-03"],
    }


async def test_a_vehicle_has_every_field_of_its_record_and_grows_old_with_the_clock(world: World) -> None:
    world.tick(mode="AUTO")
    world.clock.advance(3.0)
    vehicle = (await world.http.get(f"/vehicles/{VEHICLE}")).json()
    assert set(vehicle) == set(VehicleState.__dataclass_fields__)
    assert (vehicle["mode"], vehicle["link"], vehicle["heard_age_s"]) == ("AUTO", "stale", 3.1)
    items = (await world.http.get("/vehicles")).json()["items"]
    assert [item["link"] for item in items] == ["stale", "never", "never"]


async def test_the_district_is_a_map(world: World) -> None:
    body = (await world.http.get("/district")).json()
    assert body["features"][0]["geometry"]["type"] == "Polygon"


async def test_a_command_reaches_the_gateway_with_who_asked_and_is_answered_with_its_record(world: World) -> None:
    answer = await world.http.post(
        f"/vehicles/{VEHICLE}/commands", json={"kind": "return"}, headers={"Idempotency-Key": "k"}
    )
    assert (answer.status_code, answer.json()["state"], answer.json()["issued_by"]) == (200, "done", "local")
    (command,) = world.gateway.commands
    asked = asdict(command)
    assert asked.pop("deadline_at") > world.clock.now()
    assert asked == {
        "vehicle_id": "bl-01",
        "kind": "return",
        "by": "local",
        "idempotency_key": "k",
        "parameters": {},
    }


async def test_what_the_autopilot_refuses_keeps_its_name_and_words(world: World) -> None:
    world.gateway.refusal = VehicleRejected(VEHICLE, "land", "MAV_RESULT_DENIED", ("no",))
    answer = await world.http.post(f"/vehicles/{VEHICLE}/commands", json={"kind": "land"})
    assert (answer.status_code, answer.json()["mav_result"], answer.json()["texts"]) == (
        502,
        "MAV_RESULT_DENIED",
        ["no"],
    )


async def test_a_vehicle_without_a_gateway_and_one_that_is_unknown_are_told_apart(world: World) -> None:
    away = await world.http.post("/vehicles/bl-02/commands", json={"kind": "land"})
    assert (away.status_code, away.json()["type"]) == (503, "urn:bailu:problem:gateway-unavailable")
    unknown = await world.http.post("/vehicles/nope/commands", json={"kind": "land"})
    assert unknown.status_code == 404
    assert (await world.http.get("/vehicles/nope/commands")).status_code == 404
