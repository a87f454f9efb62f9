"""No two of our own flights are let into the same air: not at planning, not at launch, not when asked at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.main import enrolled
from api.reservations import reserve
from api.services import services_on
from core.errors import MissionConflict
from core.ids import MissionId, SortieId, VehicleId
from missions.alternatives import UNHURRIED_S
from missions.fleet import default_docks
from missions.model import ProofSummary, SortieState
from missions.sortie import advance
from telemetry.messages import FleetTick, LaunchRequest, LinkState, launch_subject
from tests.api.conftest import World
from tests.crossing import FIRST_DOCK, SECOND_DOCK, crossing
from tests.samples import a_sortie

pytestmark = pytest.mark.thorough

Json = dict[str, Any]
FIRST, SECOND = VehicleId("bl-01"), VehicleId("bl-02")


@pytest.fixture
async def fleet(world: World) -> Any:
    """All vehicles on their docks, ready; two of them with a gateway."""
    tick_all(world)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(world.bus.serve(launch_subject(SECOND), LaunchRequest, world.gateway._launch))
        yield world


def tick_all(world: World) -> None:
    docks = {dock.id: dock for dock in default_docks()}
    heard: Json = {
        "link": LinkState.LIVE,
        "heard_age_s": 0.1,
        "last_heard_at": world.clock.now(),
        "battery_pct": 98.0,
    }
    states = []
    for each in enrolled(world.settings):
        assert each.dock_id is not None
        at = docks[each.dock_id].place
        state = replace(each, **heard, armed=False, ready=True, lat_deg=at.lat_deg, lon_deg=at.lon_deg)
        states.append(state)
    world.hub.tick(FleetTick.of("test", world.clock.now(), states))


def patched(feature: Json, change: Json) -> Json:
    """A merge patch of members that are no objects themselves."""
    return feature | {"properties": feature["properties"] | change["properties"]}


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def codes(document: Json) -> list[str]:
    return [conflict["code"] for conflict in document["conflicts"]]


def change(document: Json, kind: str) -> Json:
    (found,) = (each["change"] for each in document["proposals"] if each["kind"] == kind)
    return dict(found)


async def test_a_launch_into_the_air_of_another_is_refused_with_what_would_fly(fleet: World) -> None:
    assert (await fleet.launch(await fleet.mission(crossing(FIRST_DOCK)), key="1")).status_code == 202
    mine = crossing(SECOND_DOCK)
    refused = await fleet.launch(await fleet.mission(mine), key="2", vehicle=SECOND)
    assert (refused.status_code, slug(refused)) == (409, "mission-conflict"), refused.text
    problem = refused.json()
    (conflict,) = problem["conflicts"]
    assert (conflict["code"], conflict["pointer"]) == ("flight-conflict", "/properties/departs_at")
    assert conflict["geometry"]["type"] == "Polygon"
    met = conflict["encounter"]
    assert met["flight_id"].startswith("sortie-")
    assert met["from_at"] < met["until_at"]
    assert met["low_amsl_m"] < 64.0 < met["high_amsl_m"]
    assert len(fleet.gateway.launches) == 1
    assert len((await fleet.http.get("/sorties")).json()["items"]) == 1
    layer = patched(mine, change(problem, "layer"))
    launched = await fleet.launch(await fleet.mission(layer), key="3", vehicle=SECOND)
    assert launched.status_code == 202, launched.text


async def test_a_proposed_delay_is_free_with_a_minute_to_spare_and_no_more(fleet: World) -> None:
    assert (await fleet.launch(await fleet.mission(crossing(FIRST_DOCK)), key="1")).status_code == 202
    mine = crossing(SECOND_DOCK)
    refused = await fleet.launch(await fleet.mission(mine), key="2", vehicle=SECOND)
    departs_at = datetime.fromisoformat(change(refused.json(), "delay")["properties"]["departs_at"])
    assert departs_at > fleet.clock.now()
    sooner = crossing(SECOND_DOCK, departs_at=(departs_at - timedelta(seconds=UNHURRIED_S + 2)).isoformat())
    assert (await fleet.http.post("/missions", json=sooner)).status_code == 409
    later = patched(mine, change(refused.json(), "delay"))
    assert (await fleet.http.post("/missions", json=later)).status_code == 201


async def test_a_planned_mission_keeps_its_air_and_a_preview_says_who_has_it(fleet: World) -> None:
    at = (fleet.clock.now() + timedelta(minutes=30)).isoformat()
    first = await fleet.mission(crossing(FIRST_DOCK, departs_at=at))
    mine = crossing(SECOND_DOCK, departs_at=at)
    plan = (await fleet.http.post("/plans", json=mine)).json()["plan"]
    assert codes(plan) == ["flight-conflict"]
    assert plan["conflicts"][0]["encounter"]["flight_id"] == first
    assert (plan["hash"], plan["fence"]) == ("", None)
    refused = await fleet.http.post("/missions", json=mine)
    assert (refused.status_code, codes(refused.json())) == (409, ["flight-conflict"])
    assert refused.json()["proposals"] == plan["proposals"] != []
    for proposal in plan["proposals"]:
        again = (await fleet.http.post("/plans", json=patched(mine, proposal["change"]))).json()["plan"]
        assert again["conflicts"] == [], proposal
    assert [each["name"] for each in (await fleet.http.get("/missions")).json()["items"]] == ["往返 dock-xiayang"]


async def test_without_a_departure_nothing_is_reserved(fleet: World) -> None:
    await fleet.mission(crossing(FIRST_DOCK))
    await fleet.mission(crossing(SECOND_DOCK))
    gone = (fleet.clock.now() - timedelta(minutes=2)).isoformat()
    for dock in (FIRST_DOCK, SECOND_DOCK):
        await fleet.mission(crossing(dock, departs_at=gone))
    going = (fleet.clock.now() - timedelta(minutes=1)).isoformat()
    await fleet.mission(crossing(FIRST_DOCK, departs_at=going))
    assert (await fleet.http.post("/missions", json=crossing(SECOND_DOCK, departs_at=going))).status_code == 409


async def test_what_is_stored_was_first_even_if_another_was_planned_earlier(fleet: World) -> None:
    at = (fleet.clock.now() + timedelta(minutes=10)).isoformat()
    services = services_on(fleet.app)
    mission_id = MissionId(await fleet.mission(crossing(SECOND_DOCK)))
    draft = await fleet.store.revision(mission_id, 1)
    early = replace(
        draft,
        created_at=fleet.clock.now() - timedelta(minutes=1),
        request=replace(draft.request, departs_at=datetime.fromisoformat(at)),
    )
    await fleet.mission(crossing(FIRST_DOCK, departs_at=at))
    with pytest.raises(MissionConflict):
        await reserve(services, early, lambda: fleet.store.add_revision(replace(early, revision=2), based_on=1))
    assert (await fleet.store.mission(mission_id)).revision == 1


async def test_a_mission_does_not_stand_in_its_own_way(fleet: World) -> None:
    at = (fleet.clock.now() + timedelta(minutes=1)).isoformat()
    feature = crossing(FIRST_DOCK, departs_at=at)
    mission_id = await fleet.mission(feature)
    moved = await fleet.http.post(f"/missions/{mission_id}/revisions", json=feature, headers={"If-Match": '"1"'})
    assert moved.status_code == 201, moved.text
    assert (await fleet.launch(mission_id, key="1")).status_code == 202


async def test_who_planned_first_flies_in_its_slot_and_who_launches_now_waits(fleet: World) -> None:
    soon = (fleet.clock.now() + timedelta(seconds=60)).isoformat()
    planned = await fleet.mission(crossing(FIRST_DOCK, departs_at=soon))
    refused = await fleet.launch(await fleet.mission(crossing(SECOND_DOCK)), key="1", vehicle=SECOND)
    assert (refused.status_code, codes(refused.json())) == (409, ["flight-conflict"])
    assert (await fleet.launch(planned, key="2")).status_code == 202


async def test_of_launches_at_once_into_the_same_air_exactly_one_goes(fleet: World) -> None:
    missions = [await fleet.mission(crossing(dock)) for dock in (FIRST_DOCK, SECOND_DOCK)]
    answers = await asyncio.gather(
        fleet.launch(missions[0], key="1"), fleet.launch(missions[1], key="2", vehicle=SECOND)
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    assert len(fleet.gateway.launches) == 1


async def test_of_plans_posted_at_once_for_the_same_air_exactly_one_is_stored(fleet: World) -> None:
    at = (fleet.clock.now() + timedelta(minutes=10)).isoformat()
    asked = [crossing(dock, departs_at=at) for dock in (FIRST_DOCK, SECOND_DOCK)]
    answers = await asyncio.gather(*(fleet.http.post("/missions", json=each) for each in asked))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_retry_while_the_first_try_is_decided_gets_the_same_sortie(fleet: World) -> None:
    mission_id = await fleet.mission(crossing(FIRST_DOCK))
    answers = await asyncio.gather(*(fleet.launch(mission_id, key="same") for _ in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["sortie_id"] for answer in answers}) == 1
    assert len(fleet.gateway.launches) == 1


@pytest.mark.parametrize("ahead_s", [-30.0, 0.0, 30.0])
async def test_what_another_process_stored_first_goes_first_whatever_its_clock_says(
    fleet: World, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    theirs = await fleet.mission(crossing(FIRST_DOCK))
    mine = await fleet.mission(crossing(SECOND_DOCK))
    store, add_sortie = fleet.store, fleet.store.add_sortie

    async def a_moment_before(sortie: Any, **key: Any) -> Any:
        at = fleet.clock.now() + timedelta(seconds=ahead_s)
        other = a_sortie("sortie-x", vehicle=FIRST, mission_id=MissionId(theirs), created_at=at)
        await add_sortie(other, idempotency_key="theirs", request_digest="d")
        return await add_sortie(sortie, **key)

    monkeypatch.setattr(store, "add_sortie", a_moment_before)
    refused = await fleet.launch(mine, key="2", vehicle=SECOND)
    assert (refused.status_code, codes(refused.json())) == (409, ["flight-conflict"])
    assert fleet.gateway.launches == []
    sorties = {str(each.id): each.state for each in await store.sorties(limit=9)}
    assert sorties.pop("sortie-x") is SortieState.PLANNED
    assert list(sorties.values()) == [SortieState.REFUSED]


async def test_what_another_process_stored_later_does_not_stop_this_one(
    fleet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await fleet.mission(crossing(FIRST_DOCK))
    mine = await fleet.mission(crossing(SECOND_DOCK))
    add_sortie = fleet.store.add_sortie

    async def a_moment_after(sortie: Any, **key: Any) -> Any:
        stored = await add_sortie(sortie, **key)
        other = a_sortie("sortie-x", vehicle=FIRST, mission_id=MissionId(theirs), created_at=fleet.clock.now())
        await add_sortie(other, idempotency_key="theirs", request_digest="d")
        return stored

    monkeypatch.setattr(fleet.store, "add_sortie", a_moment_after)
    assert (await fleet.launch(mine, key="2", vehicle=SECOND)).status_code == 202


async def test_air_that_was_left_is_free_again(fleet: World) -> None:
    answer = await fleet.launch(await fleet.mission(crossing(FIRST_DOCK)), key="1")
    sortie = await fleet.store.sortie(SortieId(answer.json()["sortie_id"]))
    for state in (SortieState.ASSIGNED, SortieState.REFUSED):
        sortie = advance(sortie, state, at=fleet.clock.now(), by="t", why="-")
        await fleet.store.save_sortie(sortie)
    assert (
        await fleet.launch(await fleet.mission(crossing(SECOND_DOCK)), key="2", vehicle=SECOND)
    ).status_code == 202


async def test_a_busy_vehicle_is_called_busy_not_in_conflict_with_itself(fleet: World) -> None:
    mission_id = await fleet.mission(crossing(FIRST_DOCK))
    assert (await fleet.launch(mission_id, key="1")).status_code == 202
    again = await fleet.launch(mission_id, key="2")
    assert (again.status_code, slug(again)) == (409, "vehicle-busy")


async def test_the_record_of_a_sortie_tells_the_proof_that_it_flew_under(fleet: World) -> None:
    mission_id = await fleet.mission(crossing(FIRST_DOCK))
    plan = (await fleet.http.get(f"/missions/{mission_id}")).json()["latest"]["plan"]
    proof = (await fleet.launch(mission_id, key="1")).json()["proof"]
    assert (proof["valid"], proof["airspace_version"]) == (True, plan["airspace_version"])
    assert (proof["mission_hash"], proof["fence_hash"]) == (plan["hash"], plan["fence_hash"])
    assert proof["checks"] == len(plan["proof"]["checks"])
    room = [each["gap_m"] - each["needed_m"] for each in plan["proof"]["checks"] if each["needed_m"] is not None
            and each["gap_m"] is not None]  # fmt: skip
    assert proof["least_gap_m"] - proof["least_needed_m"] == pytest.approx(min(room))
    assert proof["holds_until"] == plan["proof"]["holds_until"]


async def test_a_proof_that_ran_out_is_made_anew_for_now(fleet: World) -> None:
    mission_id = await fleet.mission(crossing(FIRST_DOCK))
    fleet.clock.advance(3_600.0)
    tick_all(fleet)
    answer = await fleet.launch(mission_id, key="1")
    assert answer.status_code == 202, answer.text
    proof = answer.json()["proof"]
    assert datetime.fromisoformat(proof["holds_from"]) == fleet.clock.now()


async def test_an_old_revision_without_a_proof_is_proven_at_launch(fleet: World) -> None:
    mission_id = MissionId(await fleet.mission(crossing(FIRST_DOCK)))
    stored = await fleet.store.revision(mission_id, 1)
    old = replace(stored, revision=2, plan=replace(stored.plan, proof=None, airframe=""))
    await fleet.store.add_revision(old, based_on=1)
    broken = replace(old, revision=3, plan=replace(old.plan, fence_items=old.plan.fence_items[1:]))
    await fleet.store.add_revision(broken, based_on=2)
    body = {"mission_id": mission_id, "revision": 3, "vehicle_id": FIRST}
    refused = await fleet.http.post("/sorties", json=body, headers={"Idempotency-Key": "3"})
    assert (refused.status_code, slug(refused)) == (409, "mission-conflict")
    assert "proof-fence-hash" in codes(refused.json())
    assert await fleet.store.sorties(limit=1) == ()
    launched = await fleet.http.post("/sorties", json=body | {"revision": 2}, headers={"Idempotency-Key": "2"})
    assert launched.status_code == 202, launched.text
    kept = (await fleet.store.sortie(SortieId(launched.json()["sortie_id"]))).proof
    assert isinstance(kept, ProofSummary)
    assert kept.valid


async def test_a_plan_that_nothing_proves_is_not_stored(fleet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = services_on(fleet.app).planner
    planned = planner.plan

    async def unproven(*asked: Any) -> Any:
        return replace(await planned(*asked), proof=None)

    monkeypatch.setattr(planner, "plan", unproven)
    refused = await fleet.http.post("/missions", json=crossing(FIRST_DOCK))
    assert (refused.status_code, codes(refused.json())) == (409, ["not-proven"])
    assert (await fleet.http.get("/missions")).json()["items"] == []


async def test_the_proof_speaks_of_the_airspace_in_force_not_of_the_one_announced(fleet: World) -> None:
    mission_id = await fleet.mission(crossing(FIRST_DOCK))
    airspace = await fleet.store.airspace()
    tomorrow = fleet.clock.now() + timedelta(days=1)
    await fleet.store.publish_airspace(replace(airspace, published_at=fleet.clock.now(), effective_at=tomorrow))
    proof = (await fleet.launch(mission_id, key="1")).json()["proof"]
    assert proof["airspace_version"] == airspace.version
