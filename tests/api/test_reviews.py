"""A new version is held against missions in the air at once and planned ones after; everybody is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from api import reviews
from api.planning import ThreadPlanner
from api.reviews import Reviewer, running_reviewer
from api.schemas.reviews import AirspaceReviewOut
from core.bus import Subscription
from core.errors import Overloaded
from core.ids import DiversionId, MissionId, OperatorId, SortieId
from geofence.publication import AirspaceSummary
from missions.manoeuvre import Diversion
from missions.model import CommandKind, SortieState
from missions.review import Looked, ReviewTask
from missions.sortie import advance
from telemetry.messages import AIRSPACE_REVIEWED, FLEET_EVENT, AirspaceReviewed, FleetEvent
from tests.api.conftest import World
from tests.api.test_airspace import change, circle, collection, publish
from tests.samples import REQUEST, a_feature, a_sortie

Json = dict[str, Any]
ON_THE_WAY = REQUEST.line[1]
_STATES = (
    SortieState.APPROVED,
    SortieState.ASSIGNED,
    SortieState.PREFLIGHT,
    SortieState.UPLOADING,
    SortieState.READY,
    SortieState.TAKING_OFF,
    SortieState.ON_MISSION,
)


def event(name: str = "event", radius_m: float = 20.0, **properties: Any) -> Json:
    """A zone on the last waypoint of the sample mission."""
    zone = circle(name, radius_m=radius_m, band={}, **properties)
    zone["geometry"]["coordinates"] = [ON_THE_WAY.lon_deg, ON_THE_WAY.lat_deg]
    return zone


async def fly(world: World, mission_id: str) -> SortieId:
    """A sortie of the mission that has taken off and is heard over the dock."""
    sortie = a_sortie(vehicle="bl-01", mission_id=MissionId(mission_id))
    sortie = await world.store.add_sortie(sortie, idempotency_key="k", request_digest="d")
    for state in _STATES:
        sortie = advance(sortie, state, at=world.clock.now(), by="t", why="-")
        await world.store.save_sortie(sortie)
    world.tick(armed=True, sortie_id=sortie.id, alt_rel_m=60.0)
    return sortie.id


class Ears:
    """What everybody is told."""

    def __init__(self, told: Subscription[AirspaceReviewed], events: Subscription[FleetEvent]) -> None:
        self._told = told.__aiter__()
        self._events = events.__aiter__()

    async def told(self) -> AirspaceReviewed:
        async with asyncio.timeout(5):
            return await anext(self._told)

    async def event(self) -> FleetEvent:
        async with asyncio.timeout(5):
            return await anext(self._events)

    async def complete(self) -> AirspaceReviewed:
        """The last word on the next version."""
        while not (news := await self.told()).complete:
            pass
        return news


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[Ears]:
    """Ears at a platform whose reviewer works; version 1 is reviewed already."""
    async with (
        world.bus.subscribe(AIRSPACE_REVIEWED, AirspaceReviewed, bound=64) as told,
        world.bus.subscribe(FLEET_EVENT, FleetEvent, bound=64) as events,
        running_reviewer(world.app.state.reviewer),
    ):
        ears = Ears(told, events)
        await ears.complete()
        yield ears


async def review(world: World, version: int) -> Json:
    answer = await world.http.get(f"/airspace/versions/{version}/review")
    assert answer.status_code == 200, answer.text
    AirspaceReviewOut.model_validate_json(answer.content)
    body: Json = answer.json()
    return body


async def test_a_sortie_in_the_air_is_told_first_and_critically_with_a_proposal(world: World) -> None:
    mission = await world.mission(a_feature())
    other = await world.mission(a_feature(name="planned"))
    sortie_id = await fly(world, mission)
    async with listening(world) as ears:
        started_s = time.monotonic()
        assert (await change(world, 1, add=collection(event()))).status_code == 201
        first = await ears.told()
        assert time.monotonic() - started_s < 10.0, "the figure is the bench's"
        assert (first.version, first.severity, first.complete) == (2, "critical", False)
        (flight,) = first.failing
        assert (flight.sortie_id, flight.vehicle_id, flight.zone_ids) == (sortie_id, "bl-01", ("event",))
        assert flight.proposal == "replan"
        assert "bl-01" in first.text
        told = await ears.event()
        assert (told.severity, told.code, told.text) == ("critical", "airspace-review", first.text)
        last = await ears.complete()
        assert (last.severity, last.flights_failing, last.missions_failing) == ("critical", 1, 1)
    body = await review(world, 2)
    assert (body["complete"], body["sorties_checked"], body["missions_checked"]) == (True, 1, 1)
    in_air, planned = body["failing"]
    assert (in_air["sortie_id"], planned["sortie_id"], planned["mission_id"]) == (sortie_id, None, other)
    assert in_air["conflicts"][0]["geometry"]["type"]


@pytest.mark.parametrize(("over", "fails"), [("its mission", False), ("what it flies", True)])
async def test_a_diverted_sortie_is_looked_at_with_the_plan_that_it_flies(
    world: World, over: str, fails: bool
) -> None:
    sortie_id = await fly(world, await world.mission(a_feature()))
    elsewhere = a_feature(name="elsewhere")
    elsewhere["geometry"]["coordinates"] = [[lon - 0.003, lat] for lon, lat in elsewhere["geometry"]["coordinates"]]
    other = await world.store.revision(MissionId(await world.mission(elsewhere)), 1)
    sortie = await world.store.sortie(sortie_id)
    flying = Diversion(
        DiversionId("d"), sortie.id, CommandKind.REPLACE, other.plan, world.clock.now(), OperatorId("t")
    )
    await world.store.add_diversion(flying)
    await world.store.save_sortie(replace(sortie, diversion_id=flying.id, row_revision=sortie.row_revision + 1))
    zone = event()
    if over == "what it flies":
        zone["geometry"]["coordinates"][0] -= 0.003
    async with listening(world) as ears:
        assert (await change(world, 1, add=collection(zone))).status_code == 201
        first = await ears.told()
    assert [flight.sortie_id for flight in first.failing] == ([sortie_id] if fails else [])


async def test_the_proposed_way_is_a_mission_that_can_be_posted_as_a_revision(world: World) -> None:
    mission = await world.mission(a_feature())
    await fly(world, mission)
    async with listening(world) as ears:
        await change(world, 1, add=collection(event()))
        await ears.complete()
    proposal = (await review(world, 2))["failing"][0]["proposal"]
    assert proposal["plan"]["conflicts"] == []
    posted = await world.http.post(
        f"/missions/{mission}/revisions", json=proposal["feature"], headers={"If-Match": '"1"'}
    )
    assert posted.status_code == 201, posted.text
    assert posted.json()["plan"]["airspace_version"] == 2


async def test_a_version_that_harms_nobody_is_told_as_information_and_no_event(world: World) -> None:
    await fly(world, await world.mission(a_feature()))
    async with listening(world) as ears:
        await change(world, 1, add=collection(circle("far away")))
        news = await ears.complete()
        assert (news.severity, news.failing) == ("info", ())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ears.event()


async def test_a_version_ahead_is_held_against_what_flies_then_and_again_when_it_takes_effect(world: World) -> None:
    soon = (world.clock.now() + timedelta(seconds=3600)).isoformat()
    mission = await world.mission(a_feature())
    async with listening(world) as ears:
        await fly(world, mission)
        await publish(world, event(), effective_at=soon)
        news = await ears.complete()
        assert (news.version, news.flights_failing, news.missions_failing) == (2, 0, 0)  # down again by then; flown
        world.clock.advance(3_599.9)
        world.app.state.reviewer._wake.set()  # time passes slowly where a clock is moved by hand
        await asyncio.sleep(0.05)
        world.clock.advance(1.0)
        assert (await ears.complete()).flights_failing == 1


async def test_what_a_former_process_left_undone_is_done_at_the_start(world: World) -> None:
    await world.mission(a_feature())
    await change(world, 1, add=collection(event()))
    assert (await world.http.get("/airspace/versions/2/review")).status_code == 404
    async with listening(world):
        pass
    assert len((await review(world, 2))["failing"]) == 1


async def test_flights_that_the_first_look_had_no_time_for_get_their_new_way_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "BUDGET_S", -1.0)
    await fly(world, await world.mission(a_feature()))
    async with listening(world) as ears:
        await change(world, 1, add=collection(event()))
        assert [each.proposal for each in (await ears.told()).failing] == ["return"]
        assert [each.proposal for each in (await ears.complete()).failing] == ["replan"]


async def test_planned_missions_are_looked_at_up_to_a_bound_in_chunks_and_the_rest_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "MOST_PLANNED", 3)
    monkeypatch.setattr(reviews, "PLANNED_AT_ONCE", 2)
    for number in range(5):
        await world.mission(a_feature(name=f"m{number}"))
    async with listening(world) as ears:
        await change(world, 1, add=collection(event()))
        assert (await ears.complete()).missions_failing == 3
    body = await review(world, 2)
    assert [each["mission_name"] for each in body["failing"]] == ["m4", "m3", "m2"]
    assert (body["missions_checked"], body["left_out"]) == (3, 2)


class Stubborn(ThreadPlanner):
    """Refuses the first so many reviews."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    async def review(self, task: ReviewTask, budget_s: float) -> Looked:
        self.refusals -= 1
        if self.refusals >= 0:
            raise Overloaded("No plan was found")
        return await super().review(task, budget_s)


@pytest.mark.parametrize(("refusals", "comes_through"), [(3, True), (1_000, False)])
async def test_an_overloaded_platform_tries_again_and_says_when_it_gives_up(
    world: World, monkeypatch: pytest.MonkeyPatch, refusals: int, comes_through: bool
) -> None:
    monkeypatch.setattr(reviews, "RETRY_S", 0.01)
    monkeypatch.setattr(world.app.state.reviewer, "planner", Stubborn(refusals))
    async with (
        world.bus.subscribe(FLEET_EVENT, FleetEvent, bound=64) as events,
        world.bus.subscribe(AIRSPACE_REVIEWED, AirspaceReviewed, bound=64) as told,
        running_reviewer(world.app.state.reviewer),
    ):
        ears = Ears(told, events)
        if comes_through:
            assert (await ears.complete()).version == 1
        else:
            assert (await ears.event()).severity == "critical"


def test_too_many_questions_drop_the_oldest_and_count_it(world: World) -> None:
    reviewer = world.app.state.reviewer
    assert isinstance(reviewer, Reviewer)
    for version in range(1, reviews.MOST_ASKED + 3):
        reviewer.ask(AirspaceSummary(version, None, "", "", 0))
        reviewer.ask(AirspaceSummary(version, None, "", "", 0))
    assert list(reviewer._asked) == list(range(3, reviews.MOST_ASKED + 3))
    assert sum(reviewer.drops.values()) == 2
