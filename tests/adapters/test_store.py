"""The contract of `missions.ports`, asked of every store there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from adapters.sqlite import SqliteStore, open_store
from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import IdempotencyKeyReused, NotFound, PreflightCheck, StaleRevision, VehicleBusy
from core.geo import LatLon
from core.ids import AlarmId, DiversionId, MissionId, OperatorId, SortieId, VehicleId, ZoneId
from geofence.qingpu import default_airspace
from geofence.zones import Airspace, CircleShape, Combination, Role, Zone
from missions.manoeuvre import Diversion, DiversionState, step
from missions.model import CommandKind, Revision, SortieState
from missions.sortie import advance
from operations.alarms import Alarm, AlarmKind, Severity
from tests.samples import (
    AT,
    OPERATOR,
    REQUEST,
    a_batch,
    a_command,
    a_mission,
    a_plan,
    a_revision,
    a_sortie,
    a_track_point,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path / "bailu.db") as opened:
        yield opened


@pytest.fixture
async def flyable(store: SqliteStore) -> SqliteStore:
    """A store with the mission that the sample sorties fly."""
    await store.add_mission(a_mission(), a_revision())
    return store


async def test_a_mission_and_its_revision_come_back_equal(store: SqliteStore) -> None:
    await store.add_mission(a_mission(), a_revision())
    assert await store.mission(MissionId("mission-1")) == a_mission()
    assert await store.revision(MissionId("mission-1"), 1) == a_revision()


async def test_missions_come_newest_first_and_no_more_than_asked(store: SqliteStore) -> None:
    for number in (2, 3, 1):
        await store.add_mission(a_mission(f"m-{number}", minutes=number), a_revision(f"m-{number}"))
    assert [mission.id for mission in await store.missions(limit=2)] == ["m-3", "m-2"]


async def test_what_is_not_there_is_not_found(store: SqliteStore) -> None:
    with pytest.raises(NotFound):
        await store.mission(MissionId("no"))
    with pytest.raises(NotFound):
        await store.revision(MissionId("no"), 1)
    with pytest.raises(NotFound):
        await store.sortie(SortieId("no"))
    with pytest.raises(NotFound):
        await store.airspace()
    with pytest.raises(NotFound):
        await store.add_revision(a_revision("no", 2), based_on=1)
    with pytest.raises(NotFound):
        await store.save_sortie(a_sortie("no"))


async def test_a_revision_goes_on_top_of_the_newest_only(flyable: SqliteStore) -> None:
    renamed = replace(REQUEST, name="夜间巡查")
    mission = await flyable.add_revision(a_revision(number=2, request=renamed), based_on=1)
    assert (mission.revision, mission.name) == (2, "夜间巡查")
    with pytest.raises(StaleRevision) as stale:
        await flyable.add_revision(a_revision(number=2), based_on=1)
    assert (stale.value.current, stale.value.given) == (2, 1)
    assert (await flyable.revision(MissionId("mission-1"), 2)).request == renamed


async def test_one_key_makes_one_sortie(flyable: SqliteStore) -> None:
    first = await flyable.add_sortie(a_sortie("s-1"), idempotency_key="k", request_digest="d")
    again = await flyable.add_sortie(a_sortie("s-2"), idempotency_key="k", request_digest="d")
    assert (first.id, again.id) == ("s-1", "s-1")
    assert await flyable.sortie_for_key("k", "d") == first
    assert await flyable.sortie_for_key("other", "d") is None
    with pytest.raises(IdempotencyKeyReused):
        await flyable.add_sortie(a_sortie("s-3"), idempotency_key="k", request_digest="another")


async def test_a_vehicle_flies_one_sortie_at_a_time(flyable: SqliteStore) -> None:
    first = await flyable.add_sortie(a_sortie("s-1"), idempotency_key="1", request_digest="d")
    with pytest.raises(VehicleBusy):
        await flyable.add_sortie(a_sortie("s-2"), idempotency_key="2", request_digest="d")
    await flyable.save_sortie(advance(first, SortieState.REFUSED, at=AT, by="test", why="-"))
    assert (await flyable.add_sortie(a_sortie("s-2"), idempotency_key="2", request_digest="d")).id == "s-2"


async def test_of_many_launches_at_once_exactly_one_wins(flyable: SqliteStore) -> None:
    asked = [
        flyable.add_sortie(a_sortie(f"s-{number}"), idempotency_key=f"k-{number}", request_digest="d")
        for number in range(20)
    ]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, VehicleBusy) for result in results) == 19
    assert len(await flyable.sorties(limit=100)) == 1


async def test_a_sortie_is_saved_only_on_top_of_what_was_read(flyable: SqliteStore) -> None:
    sortie = await flyable.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    ours = advance(
        sortie, SortieState.APPROVED, at=AT, by="a", why="-", checks=(PreflightCheck("battery", True, "full"),)
    )
    await flyable.save_sortie(ours)
    with pytest.raises(StaleRevision):
        await flyable.save_sortie(advance(sortie, SortieState.REFUSED, at=AT, by="b", why="late"))
    assert await flyable.sortie(sortie.id) == ours


async def test_sorties_come_newest_first_and_unfinished_alone_on_request(flyable: SqliteStore) -> None:
    for number in (1, 2, 3):
        sortie = a_sortie(f"s-{number}", vehicle=f"v-{number}", minutes=number)
        await flyable.add_sortie(sortie, idempotency_key=str(number), request_digest="d")
    await flyable.save_sortie(
        advance(await flyable.sortie(SortieId("s-2")), SortieState.REFUSED, at=AT, by="t", why="-")
    )
    assert [sortie.id for sortie in await flyable.sorties(limit=9)] == ["s-3", "s-2", "s-1"]
    assert [sortie.id for sortie in await flyable.sorties(limit=9, unfinished_only=True)] == ["s-3", "s-1"]


async def test_what_departs_is_the_newest_revision_of_each_mission_soonest_first(store: SqliteStore) -> None:
    def leaving(name: str, minutes: float, number: int = 1) -> Revision:
        at = (AT + timedelta(minutes=minutes)).astimezone(timezone(timedelta(hours=8)))
        return a_revision(name, number, request=replace(REQUEST, departs_at=at))

    await store.add_mission(a_mission("any-time"), a_revision("any-time"))
    for name, minutes in (("late", 30), ("soon", 10), ("gone", -1), ("moved", 5), ("free", 5)):
        await store.add_mission(a_mission(name), leaving(name, minutes))
    await store.add_revision(leaving("moved", 20, 2), based_on=1)
    await store.add_revision(a_revision("free", 2), based_on=1)
    assert await store.departing(after=AT, limit=9) == (("soon", 1), ("moved", 2), ("late", 1))
    assert await store.departing(after=AT + timedelta(minutes=10), limit=1) == (("moved", 2),)


async def test_the_order_of_storing_decides_who_was_first_not_the_clocks(flyable: SqliteStore) -> None:
    for number, minutes in ((1, 0), (2, 9), (3, 3), (4, 5)):
        sortie = a_sortie(f"s-{number}", vehicle=f"bl-0{number}", minutes=minutes)
        await flyable.add_sortie(sortie, idempotency_key=f"k-{number}", request_digest="d")
    refused = advance(a_sortie("s-1"), SortieState.REFUSED, at=AT, by="test", why="no")
    await flyable.save_sortie(refused)
    assert [each.id for each in await flyable.sorties_before(SortieId("s-4"))] == ["s-3", "s-2"]
    assert await flyable.sorties_before(SortieId("s-2")) == ()


async def test_a_track_comes_back_in_the_order_of_recording(flyable: SqliteStore) -> None:
    sortie = await flyable.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    points = [a_track_point(second) for second in range(25)]
    points[3] = replace(points[3], battery_pct=None, mission_seq=None)
    await flyable.records.append(a_batch(points[:10]))
    await flyable.records.append(a_batch(points[10:]))
    await flyable.records.append(a_batch([]))
    assert list(await flyable.track(sortie.id)) == points
    assert list(await flyable.track(SortieId("other"))) == []


async def test_airspace_versions_count_up_and_never_change(store: SqliteStore) -> None:
    circle = Zone(
        ZoneId("z"),
        "圆",
        Role.EXCLUSION,
        CircleShape(LatLon(31.1, 121.1), 300.0),
        band=AltitudeBand(Altitude(10.0, Datum.REL), Altitude(90.0, Datum.AMSL)),
    )
    first = await store.publish_airspace(default_airspace())
    second = await store.publish_airspace(Airspace(77, (circle,), Combination.UNION, 100.0, AT, "tester", "second"))
    assert (first.version, second.version) == (1, 2)
    assert await store.airspace() == second == replace(second, zones=(circle,), published_at=AT)
    assert await store.airspace(1) == first == replace(default_airspace(), version=1)
    assert [each.version for each in await store.airspace_versions()] == [2, 1]
    with pytest.raises(NotFound):
        await store.airspace(3)


async def test_a_command_is_journalled_once_per_key(store: SqliteStore) -> None:
    first = await store.begin_command(a_command("c-1"), idempotency_key="k")
    again = await store.begin_command(a_command("c-2"), idempotency_key="k")
    assert first.id == again.id == "c-1"
    done = replace(first, state="done", result="returning", finished_at=AT)
    await store.finish_command(done)
    await store.begin_command(a_command("c-3", minutes=1), idempotency_key=None)
    await store.begin_command(a_command("c-4", minutes=2), idempotency_key=None)
    journal = await store.commands(VehicleId("bl-01"), limit=9)
    assert [command.id for command in journal] == ["c-4", "c-3", "c-1"]
    assert journal[-1] == done
    assert [command.id for command in await store.commands(VehicleId("bl-01"), limit=1)] == ["c-4"]
    with pytest.raises(NotFound):
        await store.finish_command(a_command("never begun"))


async def test_a_command_key_is_good_for_the_same_command_of_the_same_vehicle_only(store: SqliteStore) -> None:
    first = await store.begin_command(a_command("c-1"), idempotency_key="k")
    assert (await store.begin_command(a_command("c-2"), idempotency_key="k")).id == first.id
    for other in (replace(a_command("c-3"), kind="land"), replace(a_command("c-4"), vehicle_id=VehicleId("bl-02"))):
        with pytest.raises(IdempotencyKeyReused):
            await store.begin_command(other, idempotency_key="k")


def an_alarm(number: int = 1, **changes: Any) -> Alarm:
    began = AT + timedelta(minutes=number)
    alarm = Alarm(
        AlarmId(f"a-{number}"), AlarmKind.LOW_BATTERY, Severity.WARNING, "low", VehicleId("bl-01"), None, began
    )
    return replace(alarm, **changes)


async def test_alarms_come_newest_first_and_the_open_ones_alone(store: SqliteStore) -> None:
    for number in (1, 3, 2):
        await store.save_alarm(an_alarm(number))
    await store.save_alarm(an_alarm(2, ended_at=AT))
    await store.save_alarm(an_alarm(4, vehicle_id=VehicleId("bl-02")))
    assert [alarm.id for alarm in await store.alarms(limit=3)] == ["a-4", "a-3", "a-2"]
    assert [alarm.id for alarm in await store.alarms(limit=9, open_only=True)] == ["a-4", "a-3", "a-1"]
    assert [alarm.id for alarm in await store.alarms(limit=9, vehicle_id=VehicleId("bl-02"))] == ["a-4"]


async def test_who_took_note_of_an_alarm_stays_until_it_grows_worse(store: SqliteStore) -> None:
    await store.save_alarm(an_alarm())
    with pytest.raises(NotFound):
        await store.acknowledge_alarm(AlarmId("no"), OPERATOR, AT)
    noted = await store.acknowledge_alarm(AlarmId("a-1"), OPERATOR, AT)
    assert (noted.acknowledged_by, noted.acknowledged_at) == (OPERATOR, AT)
    assert (await store.acknowledge_alarm(AlarmId("a-1"), OperatorId("late"), AT)).acknowledged_by == OPERATOR
    assert (await store.save_alarm(an_alarm(ended_at=AT))).acknowledged_by == OPERATOR
    assert (await store.save_alarm(an_alarm(severity=Severity.CRITICAL))).acknowledged_by is None


def a_diversion(name: str, **changes: Any) -> Diversion:
    made = Diversion(DiversionId(name), SortieId("sortie-1"), CommandKind.GOTO, a_plan(), AT, OperatorId("local"))
    return replace(made, **changes)


async def test_a_diversion_comes_back_equal_and_in_the_order_of_making(flyable: SqliteStore) -> None:
    await flyable.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    for name in ("b", "a"):
        await flyable.add_diversion(a_diversion(name, parameters={"lat_deg": 31.1, "execute": True}))
    found = await flyable.diversions(SortieId("sortie-1"))
    assert [each.id for each in found] == ["b", "a"]
    assert await flyable.diversion(DiversionId("a")) == found[1]
    assert found[1].parameters == {"lat_deg": 31.1, "execute": True}
    with pytest.raises(NotFound):
        await flyable.diversion(DiversionId("no"))


async def test_a_diversion_is_saved_only_on_top_of_what_was_read(flyable: SqliteStore) -> None:
    await flyable.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    made = a_diversion("d")
    await flyable.add_diversion(made)
    loading = step(made, DiversionState.LOADING, started_at=AT)
    await flyable.save_diversion(loading)
    with pytest.raises(StaleRevision):
        await flyable.save_diversion(step(made, DiversionState.FAILED))
    assert await flyable.diversion(made.id) == loading
