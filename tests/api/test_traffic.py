"""Flights that come too near to each other are told while there is time, with who gives way and how."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import traffic as watching
from api.deconflict import Traffic
from api.forwarder import overhearing
from api.main import enrolled
from api.remedies import hover_s, remedies_for
from api.services import services_on
from api.traffic import Ears, TrafficWatch, gives_way
from core.ids import MissionId, VehicleId
from missions.model import Sortie, SortieState
from missions.sortie import advance
from missions.volumes import Intent, Rank, delayed, held
from operations.forwarding.ports import OutboxRow
from operations.forwarding.rules import What
from telemetry.forwarding.envelopes import happening_of
from telemetry.messages import FleetEvent, FleetTick, LinkState, TrafficNews
from telemetry.stream.contract import EventNews, Frame, SortieNews, TrafficFrame
from telemetry.stream.narrowing import Narrow
from tests.api.conftest import World
from tests.crossing import FAR_DOCK, FIRST_DOCK, SECOND_DOCK, crossing
from tests.samples import AT, a_sortie

VEHICLES = {FIRST_DOCK: VehicleId("bl-01"), SECOND_DOCK: VehicleId("bl-02"), FAR_DOCK: VehicleId("bl-03")}
TO_THE_AIR = (
    SortieState.APPROVED,
    SortieState.ASSIGNED,
    SortieState.PREFLIGHT,
    SortieState.UPLOADING,
    SortieState.READY,
    SortieState.TAKING_OFF,
    SortieState.ON_MISSION,
)


@dataclass
class Heard:
    """A watch on the application's flights, and all that it told."""

    watch: TrafficWatch
    news: list[TrafficNews] = field(default_factory=list)
    events: list[FleetEvent] = field(default_factory=list)

    @property
    def phases(self) -> list[str]:
        return [each.phase for each in self.news]


@pytest.fixture
def heard(world: World) -> Heard:
    told = Heard(world.app.state.traffic)
    told.watch.ears = Ears(told.news.append, told.events.append)
    return told


async def fly(world: World, dock: str, *states: SortieState, minutes: float = 0.0) -> Sortie:
    """A sortie stored past the door, as another process or a flight that is late would have it."""
    mission_id = MissionId(await world.mission(crossing(dock)))
    at = world.clock.now() + timedelta(minutes=minutes)
    name = f"sortie-{dock}"
    sortie = a_sortie(name, vehicle=VEHICLES[dock], mission_id=mission_id, created_at=at, mission_name=dock)
    sortie = await world.store.add_sortie(sortie, idempotency_key=name, request_digest="d")
    world.hub.sortie_changed(sortie)
    return await advanced(world, sortie, *(states or TO_THE_AIR))


async def advanced(world: World, sortie: Sortie, *states: SortieState) -> Sortie:
    for state in states:
        sortie = advance(sortie, state, at=world.clock.now(), by="t", why="-")
        await world.store.save_sortie(sortie)
    return sortie


def over(world: World, places: dict[str, tuple[float, float]]) -> None:
    """The vehicles of these docks are heard at these places, 60 m above home."""
    states = []
    for each in enrolled(world.settings):
        if each.dock_id in places:
            lon_deg, lat_deg = places[each.dock_id]
            heard: dict[str, Any] = {"link": LinkState.LIVE, "alt_rel_m": 60.0, "battery_pct": 95.0}
            states.append(replace(each, **heard, lat_deg=lat_deg, lon_deg=lon_deg))
    world.hub.tick(FleetTick.of("test", world.clock.now(), states))


async def listed(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await world.http.get("/traffic/conflicts")).json()["items"]
    return items


async def test_two_in_the_air_that_will_meet_are_critical_until_one_is_gone(world: World, heard: Heard) -> None:
    assert (await world.http.get("/traffic/conflicts")).json() == {"looked_at": None, "items": []}
    await fly(world, FIRST_DOCK)
    second = await fly(world, SECOND_DOCK, minutes=0.1)
    await heard.watch.look()
    (conflict,) = await listed(world)
    assert conflict["severity"] == "critical"
    assert (conflict["first"]["vehicle_id"], conflict["yields"]["vehicle_id"]) == ("bl-01", "bl-02")
    assert conflict["geometry"]["type"] == "Polygon"
    assert conflict["encounter"]["flight_id"] == "sortie-dock-xiayang"
    await heard.watch.look()
    assert heard.phases == ["begin"]
    await advanced(world, second, SortieState.LANDED, SortieState.CLOSED)
    await heard.watch.look()
    assert await listed(world) == []
    assert heard.phases == ["begin", "end"]
    assert [(each.severity, each.code) for each in heard.events] == [("critical", "traffic"), ("info", "traffic")]


async def test_a_flight_that_is_late_gets_into_the_way_of_one_that_was_planned_after_it(
    world: World, heard: Heard
) -> None:
    await fly(world, FIRST_DOCK)
    departs_at = world.clock.now() + timedelta(minutes=12)
    planned = await world.mission(crossing(SECOND_DOCK, departs_at=departs_at.isoformat()))
    await heard.watch.look()
    assert heard.news == []
    world.clock.advance(600.0)  # it should be home, and has not reached its first waypoint
    await heard.watch.look()
    (conflict,) = heard.watch.conflicts
    assert (conflict.severity, conflict.yields.flight_id, conflict.yields.airborne) == ("warning", planned, False)
    (delay,) = conflict.remedies
    assert delay.kind == "delay"
    services = services_on(world.app)
    now = await services.deconfliction.traffic(())
    intent = now.schedule.intents[planned]
    assert now.schedule.conflicts(delayed(intent, delay.wait_s)) == ()
    assert now.schedule.conflicts(delayed(intent, delay.wait_s - 2.0)) != ()


async def test_who_must_give_way_in_the_air_is_told_what_is_free(world: World, heard: Heard) -> None:
    await fly(world, FIRST_DOCK)
    await fly(world, SECOND_DOCK, minutes=0.1)
    over(world, {FIRST_DOCK: (121.1238, 31.1420), SECOND_DOCK: (121.1080, 31.1548)})
    await heard.watch.look()
    (conflict,) = heard.watch.conflicts
    assert [each.kind for each in conflict.remedies] == ["hold", "return"]
    hold = conflict.remedies[0]
    now = await services_on(world.app).deconfliction.traffic(world.hub.vehicles())
    intent = now.schedule.intents[conflict.yields.flight_id]
    assert now.schedule.conflicts(intent)
    assert now.schedule.conflicts(held(intent, now.at, hold.wait_s)) == ()


async def test_nobody_is_told_to_hover_on_the_reserve(world: World) -> None:
    sortie = await fly(world, FIRST_DOCK)
    over(world, {FIRST_DOCK: (121.1238, 31.1420)})
    plan = (await world.store.revision(sortie.mission_id, 1)).plan
    vehicle = world.hub.vehicle(VEHICLES[FIRST_DOCK])
    full, needed = replace(vehicle, battery_pct=100.0), replace(vehicle, battery_pct=plan.battery_p95_pct)
    assert hover_s(plan, 0, needed) == pytest.approx(0.0, abs=1e-6)
    assert 100.0 < hover_s(plan, 0, full) < hover_s(plan, 1, full) < hover_s(plan, 2, full) < 1_500.0
    assert (
        hover_s(plan, 2, replace(vehicle, battery_pct=24.0))
        == hover_s(plan, 2, replace(vehicle, battery_pct=None))
        == 0.0
    )


async def test_a_flight_on_its_way_home_is_not_told_to_hold_or_return(world: World) -> None:
    await fly(world, FIRST_DOCK)
    sortie = await fly(world, SECOND_DOCK)
    await advanced(world, sortie, SortieState.RETURNING)
    over(world, {SECOND_DOCK: (121.1130, 31.1535)})
    services = services_on(world.app)
    now = await services.deconfliction.traffic(world.hub.vehicles())
    vehicle = world.hub.vehicle(VEHICLES[SECOND_DOCK])
    assert remedies_for(now, now.schedule.intents[str(sortie.id)], vehicle) == ()


async def test_a_launched_flight_that_waits_turns_critical_when_it_takes_off(world: World, heard: Heard) -> None:
    await fly(world, FIRST_DOCK)
    waiting = await fly(world, SECOND_DOCK, *TO_THE_AIR[:3])
    await heard.watch.look()
    await advanced(world, waiting, *TO_THE_AIR[3:])
    await heard.watch.look()
    assert [(each.phase, each.conflict.severity) for each in heard.news] == [
        ("begin", "warning"), ("change", "critical"),
    ]  # fmt: skip
    assert [each.severity for each in heard.events] == ["warning", "critical"]
    assert heard.news[0].conflict.began_at == heard.news[1].conflict.began_at


async def test_flights_take_turns_when_there_is_no_time_for_all_and_none_is_forgotten(
    world: World, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "COMPARE_S", -1.0)  # one flight a round
    await fly(world, FIRST_DOCK)
    await fly(world, SECOND_DOCK)
    await fly(world, FAR_DOCK)
    compared: list[str] = []
    met_by = watching.met_by

    def noted(traffic: Traffic, intent: Intent) -> Any:
        compared.append(intent.id)
        return met_by(traffic, intent)

    monkeypatch.setattr(watching, "met_by", noted)
    while f"sortie-{FIRST_DOCK}" not in compared and f"sortie-{SECOND_DOCK}" not in compared:
        await heard.watch.look()
    for _ in range(6):
        await heard.watch.look()
        assert len(heard.watch.conflicts) == 1
    assert compared[-6:-3] == compared[-3:]
    assert set(compared[-3:]) == {f"sortie-{dock}" for dock in VEHICLES}
    assert heard.phases == ["begin"]


async def test_viewers_of_the_stream_are_told(world: World) -> None:
    told: list[tuple[type[Frame], Any]] = []
    tell = world.hub._tell

    def heard(kind: type[Frame], member: str, value: Any, narrow: Narrow[Any], *, at_once: bool = True) -> None:
        told.append((kind, value))
        tell(kind, member, value, narrow, at_once=at_once)

    world.hub._tell = heard  # type: ignore[method-assign]
    await fly(world, FIRST_DOCK)
    await fly(world, SECOND_DOCK)
    await world.app.state.traffic.look()
    assert [kind for kind, _ in told if kind is not SortieNews] == [TrafficFrame, EventNews]
    assert told[-2][1].phase == "begin"


async def test_who_forwards_takes_over_what_is_there_and_hears_the_rest(world: World) -> None:
    watch, taken = world.app.state.traffic, list[TrafficNews]()
    await fly(world, FIRST_DOCK)
    second = await fly(world, SECOND_DOCK)
    await watch.look()
    async with overhearing(watch, taken.append):
        await advanced(
            world, second, SortieState.RETURNING, SortieState.LANDING, SortieState.LANDED, SortieState.CLOSED
        )
        await watch.look()
    assert [each.phase for each in taken] == ["begin", "end"]
    assert watch.overheard is None
    rows = [OutboxRow(number, What.TRAFFIC, AT, msgspec.json.encode(each)) for number, each in enumerate(taken)]
    told = [happening_of(row) for row in rows]
    assert {(each.vehicle_id, *each.others) for each in told} == {(VEHICLES[SECOND_DOCK], VEHICLES[FIRST_DOCK])}
    assert [msgspec.json.decode(each.data)["phase"] for each in told] == ["begin", "end"]


ranks = st.builds(
    Rank, st.booleans(), st.booleans(), st.integers(0, 2).map(lambda minutes: AT + timedelta(minutes=minutes))
)


@given(ranks, ranks)
def test_of_two_flights_exactly_one_gives_way(one: Rank, other: Rank) -> None:
    a, b = (Intent(name, name, rank, AT, 1.1, ()) for name, rank in (("a", one), ("b", other)))
    assert gives_way(a, b) != gives_way(b, a)
    if one.airborne and not other.airborne:
        assert gives_way(b, a)
