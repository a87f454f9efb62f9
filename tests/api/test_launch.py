"""Launching: what is known at once is refused with nothing stored, what comes later ends the sortie with a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api import launch
from api.services import services_on
from core.errors import PreflightCheck, PreflightFailed, VehicleBusy
from core.ids import SortieId
from missions.model import SortieState
from missions.sortie import advance
from telemetry.messages import SORTIE_CHANGED, LinkState, SortieChanged
from tests.api.conftest import World
from tests.samples import a_batch, a_feature, a_mission, a_revision, a_sortie, a_track_point


async def _stored(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await world.http.get("/sorties")).json()["items"]
    return items


def _slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


async def test_a_launch_is_stored_handed_over_and_answered(world: World) -> None:
    world.tick()
    mission_id = await world.mission(a_feature())
    async with world.bus.subscribe(SORTIE_CHANGED, SortieChanged, bound=5) as changes:
        answer = await world.launch(mission_id)
    assert answer.status_code == 202, answer.text
    sortie = answer.json()
    assert answer.headers["location"] == f"/api/v1/sorties/{sortie['sortie_id']}"
    assert (sortie["state"], sortie["outcome"], sortie["created_by"]) == ("approved", None, "local")
    assert (sortie["approved_by"], sortie["proof"]["valid"]) == ("local", True)
    assert [step["to_state"] for step in sortie["transitions"]] == ["approved"]
    assert sortie["waypoints_total"] == 2
    assert [request.sortie_id for request in world.gateway.launches] == [sortie["sortie_id"]]
    assert (await world.http.get(f"/sorties/{sortie['sortie_id']}")).json() == sortie | {"live": None}
    assert [change.sortie.id async for change in changes] == [sortie["sortie_id"]]


async def test_a_repeated_key_gives_the_first_sortie_and_launches_nothing(world: World) -> None:
    world.tick()
    mission_id = await world.mission(a_feature())
    first = await world.launch(mission_id)
    world.tick(armed=True, sortie_id=SortieId(first.json()["sortie_id"]))
    again = await world.launch(mission_id)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(world.gateway.launches) == 1
    other = await world.mission(a_feature(name="another"))
    reused = await world.launch(other)
    assert (reused.status_code, _slug(reused)) == (409, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("changes", "status", "slug"),
    [
        ({"link": LinkState.LOST}, 503, "vehicle-offline"),
        ({"link": LinkState.STALE}, 503, "vehicle-offline"),
        ({"sortie_id": SortieId("other")}, 409, "vehicle-busy"),
        ({"armed": True}, 409, "vehicle-busy"),
        ({"battery_pct": 20.0}, 409, "preflight-failed"),
        ({"battery_pct": None}, 409, "preflight-failed"),
        ({"lat_deg": 31.2}, 409, "preflight-failed"),
        ({"lat_deg": None}, 409, "preflight-failed"),
        ({"dock_id": None}, 409, "preflight-failed"),
    ],
)
async def test_what_the_last_tick_says_against_it_is_refused_and_nothing_stored(
    world: World, changes: dict[str, Any], status: int, slug: str
) -> None:
    world.tick(**changes)
    answer = await world.launch(await world.mission(a_feature()))
    assert (answer.status_code, _slug(answer)) == (status, slug), answer.text
    assert await _stored(world) == []
    assert world.gateway.launches == []
    if status == 503:
        assert answer.headers["retry-after"] == "5"


async def test_a_mission_of_another_dock_is_not_flown_from_here(world: World) -> None:
    world.tick()
    feature = a_feature(dock_id="dock-yingpu")
    feature["geometry"]["coordinates"] = [[121.104, 31.171], [121.105, 31.171]]
    docks = {dock["dock_id"]: dock for dock in (await world.http.get("/docks")).json()["items"]}
    yingpu = docks["dock-yingpu"]
    feature["geometry"]["coordinates"] = [
        [yingpu["lon_deg"] + 0.0005, yingpu["lat_deg"]],
        [yingpu["lon_deg"] + 0.001, yingpu["lat_deg"]],
    ]
    answer = await world.launch(await world.mission(feature))
    assert (answer.status_code, _slug(answer)) == (409, "preflight-failed")
    assert [check["check"] for check in answer.json()["checks"] if not check["ok"]] == ["dock"]


async def test_unknown_missions_revisions_and_vehicles_are_not_found(world: World) -> None:
    world.tick()
    mission_id = await world.mission(a_feature())
    assert (await world.launch("nope")).status_code == 404
    assert (await world.launch(mission_id, vehicle="nope")).status_code == 404
    body = {"mission_id": mission_id, "revision": 9, "vehicle_id": "bl-01"}
    assert (await world.http.post("/sorties", json=body, headers={"Idempotency-Key": "k"})).status_code == 404


async def test_what_the_gateway_refuses_is_told_and_ends_the_sortie(world: World) -> None:
    world.tick()
    world.gateway.refusal = PreflightFailed("bl-01", (PreflightCheck("gps", False, "no fix"),))
    answer = await world.launch(await world.mission(a_feature()))
    assert (answer.status_code, _slug(answer)) == (409, "preflight-failed")
    (sortie,) = await _stored(world)
    assert (sortie["state"], sortie["outcome"]) == ("refused", "refused")
    assert sortie["problem"]["type"] == "urn:bailu:problem:preflight-failed"
    assert sortie["problem"]["checks"] == [{"check": "gps", "ok": False, "detail": "no fix", "required": True}]
    assert sortie["transitions"][-1]["by"] == "api"


async def test_a_vehicle_whose_launch_was_refused_can_be_launched_again(world: World) -> None:
    world.tick()
    mission_id = await world.mission(a_feature())
    world.gateway.refusal = VehicleBusy("bl-01", "upload")
    assert (await world.launch(mission_id, key="1")).status_code == 409
    world.gateway.refusal = None
    assert (await world.launch(mission_id, key="2")).status_code == 202


async def test_a_gateway_that_does_not_answer_in_time_closes_the_sortie(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ACCEPT_DEADLINE_S", 0.05)
    world.gateway.before_answer = asyncio.Event().wait  # type: ignore[assignment]
    world.tick()
    answer = await world.launch(await world.mission(a_feature()))
    assert (answer.status_code, _slug(answer)) == (503, "gateway-unavailable")
    (sortie,) = await _stored(world)
    assert sortie["state"] == "refused"


async def test_a_gateway_that_took_it_without_answering_in_time_keeps_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ACCEPT_DEADLINE_S", 0.1)

    async def take_it_silently() -> None:
        (sortie,) = await world.store.sorties(limit=1)
        taken = advance(sortie, SortieState.ASSIGNED, at=world.clock.now(), by="gateway", why="-")
        await world.store.save_sortie(taken)
        await asyncio.Event().wait()

    world.gateway.before_answer = take_it_silently
    world.tick()
    answer = await world.launch(await world.mission(a_feature()))
    assert (answer.status_code, answer.json()["state"]) == (202, "assigned")


async def test_a_plan_that_todays_airspace_would_change_does_not_fly(world: World) -> None:
    world.tick()
    mission_id = await world.mission(a_feature())
    airspace = (await world.http.get("/airspace")).json()
    same = {"note": "unchanged", "zones": airspace["zones"]}
    assert (await world.http.post("/airspace/versions", json=same)).status_code == 201
    unchanged = await world.launch(mission_id, key="1")
    assert unchanged.status_code == 202, unchanged.text
    lon, lat = a_feature()["geometry"]["coordinates"][0]
    closed = {
        "type": "Feature",
        "id": "closed",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"name": "禁飞", "role": "exclusion", "radius_m": 60},
    }
    more = {"note": "closed", "zones": {**airspace["zones"], "features": [*airspace["zones"]["features"], closed]}}
    assert (await world.http.post("/airspace/versions", json=more)).status_code == 201
    refused = await world.launch(mission_id, key="2")
    assert (refused.status_code, _slug(refused)) == (409, "mission-conflict")
    assert len(world.gateway.launches) == 1


async def test_what_a_former_process_left_half_launched_is_closed(world: World) -> None:
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    services = services_on(world.app)
    assert await launch.close_orphans(services) == 0  # it may be under way in another process
    world.clock.advance(400 * 24 * 3600)
    assert await launch.close_orphans(services) == 1
    assert (await world.store.sortie(SortieId("sortie-1"))).state is SortieState.REFUSED


async def test_a_track_is_a_line_with_times_and_a_log_is_bytes(world: World) -> None:
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    await world.store.records.append(a_batch([a_track_point(0), a_track_point(5)]))
    track = (await world.http.get("/sorties/sortie-1/track")).json()
    assert track["geometry"] == {
        "type": "LineString",
        "coordinates": [[121.124, 31.139, 64.0], [121.124, 31.13905, 64.0]],
    }
    assert track["properties"]["times"] == ["2026-03-01T08:30:00.000000Z", "2026-03-01T08:30:05.000000Z"]
    assert (await world.http.get("/sorties/sortie-1/tlog")).status_code == 404
    log = world.settings.data_dir / "tlogs" / "sortie-1.tlog"
    log.parent.mkdir()
    log.write_bytes(b"\x00\xfd")
    answer = await world.http.get("/sorties/sortie-1/tlog")
    assert (answer.content, answer.headers["content-type"]) == (b"\x00\xfd", "application/octet-stream")
    assert (await world.http.get("/sorties/..%2F..%2Fx/tlog")).status_code == 404
