"""Manoeuvres over the API: previewed from where the vehicle is, executed by its gateway, kept with the sortie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from core.ids import MissionId, SortieId
from missions.manoeuvre import DiversionState, step
from missions.model import BreakPoint, CommandKind, SortieState
from missions.sortie import BEFORE_FLIGHT, advance
from telemetry.messages import SortieProgress, VehicleCommand
from tests.api.conftest import World
from tests.samples import REQUEST, a_feature, a_sortie

S = SortieState
MIDWAY = REQUEST.line[0]
GOTO: dict[str, Any] = {"kind": "goto", "lat_deg": MIDWAY.lat_deg, "lon_deg": MIDWAY.lon_deg}


@pytest.fixture
async def sortie_id(world: World) -> SortieId:
    """A sortie that flies, heard over its second waypoint."""
    mission_id = MissionId(await world.mission(a_feature()))
    sortie = a_sortie(vehicle="bl-01", mission_id=mission_id, waypoints_total=2, waypoints_reached=1)
    await world.store.add_sortie(sortie, idempotency_key="k", request_digest="d")
    for state in (*BEFORE_FLIGHT[1:], S.TAKING_OFF, S.ON_MISSION):
        sortie = advance(sortie, state, at=world.clock.now(), by="t", why="-")
        await world.store.save_sortie(sortie)
    aloft(world, sortie.id)
    return sortie.id


def aloft(world: World, sortie_id: SortieId, **changes: Any) -> None:
    at = REQUEST.line[1]
    known = {
        "lat_deg": at.lat_deg, "lon_deg": at.lon_deg, "alt_rel_m": 60.0, "armed": True, "sortie_id": sortie_id,
        "mode": "BRAKE", "ground_speed_mps": 0.0, "climb_mps": 0.0, "fence_enabled": True, "fence_breached": False,
        "progress": SortieProgress(1, 2, 30.0, 200.0, 70.0, 66.0, 25.0),
    }  # fmt: skip
    world.tick(**known | changes)


@pytest.fixture
def flies(world: World) -> None:
    """A gateway that flies the diversions that it is told to."""

    async def fly(command: VehicleCommand) -> None:
        if "diversion_id" in command.parameters:
            loading = step(await world.store.diversion(command.parameters["diversion_id"]), DiversionState.LOADING)
            await world.store.save_diversion(loading)
            await world.store.save_diversion(step(loading, DiversionState.FLYING, result="read back"))

    world.gateway.on_command = fly


async def post(world: World, path: str, body: Any, status: int) -> dict[str, Any]:
    answer: httpx.Response = await world.http.post(path, json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_preview_is_proven_from_where_it_is_and_asks_nothing_of_it(world: World, sortie_id: SortieId) -> None:
    made = await post(world, f"/sorties/{sortie_id}/diversions", GOTO | {"hold_s": 30}, 201)
    plan = made["plan"]
    assert (made["state"], plan["conflicts"], plan["proof"]["valid"]) == ("planned", [], True)
    assert plan["path"]["coordinates"][0][:2] == pytest.approx([REQUEST.line[1].lon_deg, REQUEST.line[1].lat_deg])
    assert made["parameters"] == {"lat_deg": MIDWAY.lat_deg, "lon_deg": MIDWAY.lon_deg, "hold_s": 30.0}
    assert world.gateway.commands == []
    assert (await world.http.get(f"/sorties/{sortie_id}/diversions")).json()["items"] == [made]


@pytest.mark.usefixtures("flies")
async def test_what_is_executed_is_the_plan_that_was_previewed(world: World, sortie_id: SortieId) -> None:
    made = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 201)

    flown = await post(world, f"/sorties/{sortie_id}/diversions/{made['diversion_id']}/execute", {}, 200)
    kinds = [command.kind for command in world.gateway.commands]
    assert kinds[0] is CommandKind.HOLD
    assert world.gateway.commands[-1].parameters == {"diversion_id": made["diversion_id"]}
    assert flown["plan"]["hash"] == made["plan"]["hash"]


async def test_a_vehicle_that_holds_elsewhere_gets_a_plan_from_there(world: World, sortie_id: SortieId) -> None:
    made = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 201)
    away = REQUEST.line[1].lat_deg - 2e-4  # 22 m
    aloft(world, sortie_id, lat_deg=away)
    again = await post(world, f"/sorties/{sortie_id}/diversions/{made['diversion_id']}/execute", {}, 200)
    assert again["plan"]["hash"] != made["plan"]["hash"]
    assert again["plan"]["path"]["coordinates"][0][1] == pytest.approx(away)


@pytest.mark.usefixtures("flies")
async def test_executing_again_under_the_same_key_tells_how_it_went_and_sends_nothing(
    world: World, sortie_id: SortieId
) -> None:
    made = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 201)
    other = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 201)

    async def execute(made: dict[str, Any], key: str | None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        path = f"/sorties/{sortie_id}/diversions/{made['diversion_id']}/execute"
        return await world.http.post(path, headers=headers)

    first = await execute(made, "k-1")
    sent = len(world.gateway.commands)
    again = await execute(made, "k-1")
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert len(world.gateway.commands) == sent
    assert [(await execute(made, key)).status_code for key in ("k-2", None)] == [409, 409]
    assert (await execute(other, "k-1")).json()["type"].endswith("idempotency-key-reused")


@pytest.mark.usefixtures("flies")
async def test_what_is_flown_at_once_is_flown_once_under_its_key(world: World, sortie_id: SortieId) -> None:
    path, key = f"/sorties/{sortie_id}/diversions", {"Idempotency-Key": "k-1"}
    first = await world.http.post(path, json=GOTO | {"execute": True}, headers=key)
    again = await world.http.post(path, json=GOTO | {"execute": True}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert first.json() == again.json()
    assert len(await world.store.diversions(sortie_id)) == 1
    changed = await world.http.post(path, json=GOTO | {"execute": True, "hold_s": 5}, headers=key)
    assert changed.json()["type"].endswith("idempotency-key-reused")


async def test_what_failed_under_a_key_failed_when_it_is_asked_again(world: World, sortie_id: SortieId) -> None:
    made = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 201)
    planned = await world.store.diversion(made["diversion_id"])
    loading = step(planned, DiversionState.LOADING, key="k-1")
    await world.store.save_diversion(loading)
    await world.store.save_diversion(step(loading, DiversionState.FAILED, result="the link broke"))
    path = f"/sorties/{sortie_id}/diversions/{made['diversion_id']}/execute"
    answer = await world.http.post(path, headers={"Idempotency-Key": "k-1"})
    assert answer.json()["type"].endswith("diversion-failed")
    assert "the link broke" in answer.json()["detail"]
    assert world.gateway.commands == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "goto", "lat_deg": 31.1}, "/lon_deg"),
        ({"kind": "orbit", "lat_deg": 31.1, "lon_deg": 121.1, "radius_m": 1.0}, "/radius_m"),
        ({"kind": "skip", "waypoint": 99}, "/waypoint"),
        ({"kind": "fly"}, ""),
        (GOTO | {"colour": "red"}, "/colour"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_by_name(
    world: World, sortie_id: SortieId, body: dict[str, Any], pointer: str
) -> None:
    problem = await post(world, f"/sorties/{sortie_id}/diversions", body, 422)
    assert pointer in [each["pointer"].removeprefix(f"/{body['kind']}") for each in problem["errors"]]
    assert await world.store.diversions(sortie_id) == ()


async def test_what_cannot_be_flown_is_stored_with_its_reasons_and_never_sent(
    world: World, sortie_id: SortieId
) -> None:
    far = GOTO | {"lat_deg": MIDWAY.lat_deg + 0.5}
    made = await post(world, f"/sorties/{sortie_id}/diversions", far, 201)
    assert made["plan"]["conflicts"]
    refused = await post(world, f"/sorties/{sortie_id}/diversions/{made['diversion_id']}/execute", {}, 409)
    assert refused["type"].endswith("mission-conflict")
    assert all("diversion_id" not in command.parameters for command in world.gateway.commands)


async def test_a_sortie_that_is_over_is_not_diverted(world: World, sortie_id: SortieId) -> None:
    sortie = await world.store.sortie(sortie_id)
    await world.store.save_sortie(advance(sortie, S.LOST, at=world.clock.now(), by="t", why="-"))
    problem = await post(world, f"/sorties/{sortie_id}/diversions", GOTO, 409)
    assert problem["type"].endswith("illegal-transition")


async def test_a_sortie_tells_how_it_goes_now(world: World, sortie_id: SortieId) -> None:
    live = (await world.http.get(f"/sorties/{sortie_id}")).json()["live"]
    assert (live["fence"], live["link"], live["progress"]["lands_with_p95_pct"]) == ("inside", "live", 66.0)


async def test_what_was_broken_off_is_launched_as_a_sortie_of_its_own(world: World, sortie_id: SortieId) -> None:
    sortie, key = await world.store.sortie(sortie_id), {"Idempotency-Key": "again"}
    refused = await world.http.post(f"/sorties/{sortie_id}/continue", json={}, headers=key)
    assert refused.status_code == 409  # it still flies
    at = BreakPoint(REQUEST.line[1], 60.0, 1, 4, world.clock.now())
    for state in (S.RETURNING, S.LANDED, S.CLOSED):
        sortie = advance(sortie, state, at=world.clock.now(), by="t", why="-", break_point=at)
        await world.store.save_sortie(sortie)
    world.tick()
    would = await post(world, f"/sorties/{sortie_id}/continue/preview", {}, 200)
    assert [mission.name for mission in await world.store.missions(limit=9)] == [sortie.mission_name]  # nothing new
    assert world.gateway.launches == []
    made = await world.http.post(f"/sorties/{sortie_id}/continue", json={}, headers=key)
    assert made.status_code == 202, made.text
    assert would["plan"]["hash"] == (await world.store.sortie(made.json()["sortie_id"])).mission_hash
    assert (would["plan"]["conflicts"], would["name"]) == ([], made.json()["mission_name"])
    again = await world.http.post(f"/sorties/{sortie_id}/continue", json={}, headers=key)
    assert again.json()["sortie_id"] == made.json()["sortie_id"]
    assert made.json()["continues"] == sortie_id
    rest = await world.store.revision(MissionId(made.json()["mission_id"]), 1)
    assert rest.plan.proof is not None
    assert rest.plan.proof.valid
    assert rest.plan.begins_at is None


async def test_a_sortie_that_broke_nothing_off_has_nothing_to_go_on_with(world: World, sortie_id: SortieId) -> None:
    sortie = await world.store.sortie(sortie_id)
    lost = advance(sortie, S.LOST, at=world.clock.now(), by="t", why="-")
    await world.store.save_sortie(replace(lost, break_point=None))
    answer = await world.http.post(f"/sorties/{sortie_id}/continue", json={}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
