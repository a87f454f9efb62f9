"""One schedule of what is stored and what flies, and the verdict on a flight that is to join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

import pytest

from api.deconflict import Deconfliction, judged
from api.intents import LONGEST_HOLD_S, mission_intent, planned_intent, present_intent
from core.clock import ManualClock
from core.ids import DiversionId, MissionId, SortieId, VehicleId
from missions.deconflict import Schedule
from missions.manoeuvre import Diversion
from missions.model import Beginning, CommandKind, Revision, Sortie, SortieState, Transition
from missions.volumes import Intent, Part
from telemetry.messages import VehicleState
from tests.samples import REQUEST, a_revision, a_sortie

CLOCK = ManualClock()
NOW = CLOCK.now()


@dataclass
class FakeStore:
    """Rows as a test puts them."""

    flown: list[Sortie] = field(default_factory=list)
    kept: list[Revision] = field(default_factory=list)
    reads: list[MissionId] = field(default_factory=list)
    diverted: dict[DiversionId, Diversion] = field(default_factory=dict)

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]:
        assert unfinished_only
        return self.flown[:limit]

    async def revisions(self, wanted: Sequence[tuple[MissionId, int]]) -> Sequence[Revision]:
        self.reads += [mission_id for mission_id, _ in wanted]
        return [each for each in self.kept if (each.mission_id, each.revision) in wanted]

    async def departing(self, *, after: datetime, limit: int) -> Sequence[tuple[MissionId, int]]:
        leaving = [each for each in self.kept if each.request.departs_at and each.request.departs_at > after]
        return [(each.mission_id, each.revision) for each in leaving][:limit]

    async def diversion(self, diversion_id: DiversionId) -> Diversion:
        return self.diverted[diversion_id]

    async def sorties_before(self, sortie_id: SortieId) -> Sequence[Sortie]:
        return [each for each in self.flown if each.id != sortie_id]


@cache
def drafted() -> Revision:
    return a_revision()


def planned(name: str, departs_at: datetime | None) -> Revision:
    return replace(drafted(), mission_id=MissionId(name), request=replace(REQUEST, departs_at=departs_at))


def flying(state: SortieState, reached: int = 0, took_off_at: datetime = NOW) -> Sortie:
    step = Transition(took_off_at, SortieState.READY, SortieState.TAKING_OFF, "test", "go")
    return a_sortie(state=state, waypoints_reached=reached, transitions=(step,))


async def test_the_schedule_holds_what_flies_and_what_is_to_depart_and_nothing_that_is_over() -> None:
    soon, gone = NOW + timedelta(minutes=30), NOW - timedelta(hours=1)
    kept = [planned("mission-1", None), planned("soon", soon), planned("gone", gone), planned("any-time", None)]
    board = Deconfliction(FakeStore([flying(SortieState.ON_MISSION, 1)], kept), CLOCK)
    schedule = (await board.traffic(())).schedule
    assert set(schedule.intents) == {"sortie-1", "soon"}
    assert schedule.intents["sortie-1"].rank.airborne
    again = (await board.traffic(())).schedule
    assert again.intents["soon"] is schedule.intents["soon"]


async def test_a_diverted_flight_takes_the_room_of_what_it_flies_instead() -> None:
    store = FakeStore([flying(SortieState.ON_MISSION)], [planned("mission-1", None)])
    board = Deconfliction(store, CLOCK)
    before = (await board.traffic(())).schedule.intents["sortie-1"]
    plan, place = drafted().plan, drafted().plan.waypoints[0].place
    up = tuple(replace(step, alt_rel_m=step.alt_rel_m + 30.0) for step in plan.waypoints)
    higher = replace(plan, waypoints=up, begins_at=Beginning(place, up[0].alt_rel_m))
    name, sortie = DiversionId("d"), store.flown[0]
    store.diverted[name] = Diversion(
        name, sortie.id, CommandKind.CHANGE_ALTITUDE, higher, NOW, sortie.created_by, started_at=NOW
    )
    store.flown[0] = replace(sortie, state=SortieState.DIVERTED, diversion_id=name)
    traffic = await board.traffic(())
    now = traffic.schedule.intents["sortie-1"]
    assert max(each.high_amsl_m for each in now.volumes) > max(each.high_amsl_m for each in before.volumes) + 25.0
    assert traffic.revisions["sortie-1"].plan is higher


async def test_only_what_is_new_is_read_and_what_is_over_is_forgotten() -> None:
    clock = ManualClock()
    store = FakeStore([], [planned(f"m-{number}", NOW + timedelta(minutes=number)) for number in range(1, 120)])
    board = Deconfliction(store, clock)
    assert len((await board.traffic(())).schedule.intents) == len(store.reads) == 119
    store.kept.append(planned("new", NOW + timedelta(minutes=30)))
    clock.advance(50 * 60.0)
    traffic = await board.traffic(())
    assert store.reads[119:] == []  # the new one was to depart half an hour ago
    assert len(traffic.schedule.intents) == len(board._planned) == 119 - 48
    store.kept.append(planned("later", NOW + timedelta(minutes=90)))
    await board.traffic(())
    assert store.reads[119:] == ["later"]


def test_a_planned_flight_through_the_same_air_is_told_who_is_there() -> None:
    first = mission_intent(planned("first", NOW), NOW)
    second = planned("second", NOW)
    intent = replace(mission_intent(second, NOW), rank=replace(first.rank, accepted_at=NOW + timedelta(days=365)))
    verdict = judged(Schedule([first]), intent)
    (conflict,) = verdict.conflicts
    assert (conflict.code, conflict.pointer) == ("flight-conflict", "/properties/departs_at")
    assert REQUEST.name in conflict.detail
    assert conflict.geometry is not None
    assert conflict.geometry["type"] == "Polygon"
    assert conflict.encounter is not None
    assert (conflict.encounter.flight_id, conflict.encounter.flight_name) == ("first", REQUEST.name)
    assert conflict.encounter.from_at < conflict.encounter.until_at
    assert conflict.encounter.low_amsl_m < conflict.encounter.high_amsl_m
    emergency = replace(intent, rank=replace(intent.rank, emergency=True))
    ahead = judged(Schedule([first]), emergency)
    assert (ahead.conflicts, len(ahead.yielding)) == ((), 1)
    assert judged(Schedule([first]), emergency, first={"first"}).yielding == ()


def intent_now(sortie: Sortie, revision: Revision, vehicle: VehicleState | None, now: datetime) -> Intent:
    """What a sortie still takes."""
    return present_intent(planned_intent(sortie, revision, now), sortie, revision.plan, vehicle, now)


def test_a_sortie_that_waits_on_the_ground_departs_now_at_the_earliest() -> None:
    intent = intent_now(a_sortie(), planned("mission-1", NOW - timedelta(hours=1)), None, NOW)
    assert (intent.departs_at, intent.rank.airborne) == (NOW, False)


def test_a_late_sortie_takes_its_room_later_and_a_held_one_longer() -> None:
    revision = planned("mission-1", None)
    late = NOW + timedelta(minutes=20)
    on_time, behind, held = (
        intent_now(flying(state, 1), revision, None, at)
        for state, at in (
            (SortieState.ON_MISSION, NOW),
            (SortieState.ON_MISSION, late),
            (SortieState.PAUSED, late),
        )
    )
    assert behind.volumes[-1].latest_at - on_time.volumes[-1].latest_at == timedelta(minutes=20)
    assert held.volumes[-1].latest_at - behind.volumes[-1].latest_at == timedelta(seconds=LONGEST_HOLD_S)
    assert {each.leg[0] for each in behind.volumes} == set(range(1, len(revision.plan.waypoints) + 2))


@pytest.mark.parametrize("state", [SortieState.RETURNING, SortieState.LANDING])
def test_a_returning_sortie_takes_the_way_home(state: SortieState) -> None:
    revision = planned("mission-1", None)
    at = revision.plan.waypoints[0].place
    vehicle = VehicleState(
        vehicle_id=VehicleId("bl-01"), name="one", dock_id=REQUEST.dock_id, system_id=1, link_name="udp",
        airframe="quad-3kg", lat_deg=at.lat_deg, lon_deg=at.lon_deg, alt_rel_m=60.0,
    )  # fmt: skip
    intent = intent_now(flying(state, 1), revision, vehicle, NOW)
    assert {each.part for each in intent.volumes} == {Part.HOMEWARD, Part.LANDING}
