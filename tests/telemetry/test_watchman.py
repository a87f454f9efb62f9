"""The watch tells at once what cannot wait: neither for the next look at the fleet, nor for a slow store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from core.clock import Clock, ManualClock, SystemClock
from core.errors import Overloaded
from core.ids import AlarmId, OperatorId, VehicleId
from geofence.qingpu import default_airspace
from missions.model import Plan
from operations.alarms import Alarm, AlarmKind, AlarmStore, Severity
from telemetry.fencing import AGAIN_AFTER_S, FenceAction
from telemetry.ghost import ghosts_of
from telemetry.messages import AlarmChanged, FleetTick, Ghost, LinkState, VehicleState
from telemetry.packets import FenceStatus, GlobalPosition, Heartbeat, Mode
from telemetry.trespass import Airspaces
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.watchman import Act, Watchman, WatchPolicy
from tests.samples import a_plan
from tests.telemetry.test_alarms import WELL
from tests.telemetry.test_flight import DOCK, FRAME
from tests.telemetry.ticks import Ticker

WITHIN_S = 5.0


class Shelf:
    """A store of alarms that takes them only while it is open. `left_open`: when the platform stopped."""

    def __init__(self, *left_open: Alarm) -> None:
        self.left_open = left_open
        self.kept: asyncio.Queue[Alarm] = asyncio.Queue()
        self.is_away = False
        self.noted_by: OperatorId | None = None  # who took note of each alarm before it was kept
        self.open = asyncio.Event()

    async def save_alarm(self, alarm: Alarm) -> Alarm:
        if self.is_away:
            raise Overloaded("The disk does not answer")
        await self.open.wait()
        self.kept.put_nowait(alarm)
        return alarm if self.noted_by is None else replace(alarm, acknowledged_by=self.noted_by)

    async def alarms(self, *, limit: int, open_only: bool) -> Sequence[Alarm]:
        assert limit
        assert open_only
        return self.left_open

    async def airspace_at(self, _: object) -> object:
        return default_airspace()


def nothing(*_: Any) -> None:
    raise AssertionError("nothing is to be done")


def a_watchman(shelf: Shelf, told: asyncio.Queue[Alarm], clock: Clock, act: Act = nothing) -> Watchman:
    """One that has nothing to do but to tell, unless somebody acts."""

    def publish(news: AlarmChanged) -> None:
        told.put_nowait(news.alarm)

    return Watchman(
        WatchPolicy(), store=cast("AlarmStore", shelf), airspaces=cast("Airspaces", shelf), clock=clock,
        publish=publish, act=act, left_fence=lambda _: None,
    )  # fmt: skip


@asynccontextmanager
async def watching(shelf: Shelf, told: asyncio.Queue[Alarm], plan: Plan | None = None) -> AsyncIterator[Vehicle]:
    """An armed vehicle under watch, which flies `plan`; nobody ticks."""
    clock = SystemClock()
    watchman = a_watchman(shelf, told, clock)
    vehicle = Vehicle(VehicleConfig(VehicleId("one"), "one", ("line",), 1, DOCK, FRAME), clock=clock)
    vehicle.changed = watchman.glance
    vehicle.hear(Heartbeat(True, True, 3, 4))
    if plan is not None:
        watchman.follow(vehicle, plan)
    running = asyncio.create_task(watchman.run())
    yield vehicle
    running.cancel()


async def test_a_vehicle_that_says_that_it_left_its_fence_is_told_of_at_once_and_kept_when_the_store_takes_it() -> (
    None
):
    shelf, told = Shelf(), asyncio.Queue[Alarm]()
    async with watching(shelf, told) as vehicle:
        vehicle.hear(FenceStatus(True, 1))
        alarm = told.get_nowait()
        assert (alarm.kind, alarm.vehicle_id, alarm.is_open) == (AlarmKind.FENCE_BREACH, "one", True)
        shelf.open.set()
        assert await asyncio.wait_for(shelf.kept.get(), WITHIN_S) is alarm
        await asyncio.sleep(0)
        assert told.empty(), "what is kept as it was told is no news"


async def test_what_a_store_that_is_away_does_not_take_is_told_again_to_who_comes_and_kept_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("telemetry.watchman._STORE_AGAIN_S", 0.02)
    shelf, told = Shelf(), asyncio.Queue[Alarm]()
    shelf.open.set()
    shelf.is_away = True
    async with watching(shelf, told) as vehicle:
        vehicle.hear(FenceStatus(True, 1))
        alarm = told.get_nowait()
        for _ in range(3):
            assert await asyncio.wait_for(told.get(), WITHIN_S) is alarm
        assert shelf.kept.empty()
        shelf.is_away = False
        assert await asyncio.wait_for(shelf.kept.get(), WITHIN_S) is alarm


async def test_the_end_of_an_alarm_is_told_with_who_took_note_of_it_unless_the_store_is_slow() -> None:
    shelf, told, clock, ticker = Shelf(), asyncio.Queue[Alarm](), ManualClock(), Ticker("g")
    shelf.noted_by = OperatorId("wang")
    shelf.open.set()
    watchman = a_watchman(shelf, told, clock)
    running = asyncio.create_task(watchman.run())

    async def after(link: LinkState) -> Alarm:
        clock.advance(5.0)
        watchman.look(ticker.tick([replace(WELL, link=link)], clock.mono_s(), clock.now()), {})
        return await asyncio.wait_for(told.get(), WITHIN_S)

    begun, noted = await after(LinkState.LOST), await asyncio.wait_for(told.get(), WITHIN_S)
    assert (begun.acknowledged_by, noted.acknowledged_by) == (None, "wang")
    over = await after(LinkState.LIVE)
    assert (over.is_open, over.acknowledged_by) == (False, "wang")
    await after(LinkState.LOST)
    await asyncio.wait_for(told.get(), WITHIN_S)
    shelf.open.clear()
    over = await after(LinkState.LIVE)
    assert (over.is_open, over.acknowledged_by, shelf.kept.qsize()) == (False, None, 3)
    running.cancel()


async def test_a_fence_that_is_still_left_is_no_news() -> None:
    shelf, told = Shelf(), asyncio.Queue[Alarm]()
    shelf.open.set()
    async with watching(shelf, told) as vehicle:
        for count in (1, 2, 3):
            vehicle.hear(FenceStatus(True, count))
        first = await asyncio.wait_for(told.get(), WITHIN_S)
        await asyncio.sleep(0.05)
        assert told.empty()
        assert (shelf.kept.get_nowait(), shelf.kept.empty()) == (first, True)


async def test_a_breach_is_over_when_it_is_over_at_every_bound() -> None:
    shelf, told, plan = Shelf(), asyncio.Queue[Alarm](), a_plan()
    assert plan.fence is not None
    shelf.open.set()
    home, ceiling_m = plan.home, plan.fence.alt_max_rel_m

    async with watching(shelf, told, plan) as vehicle:
        for _ in range(2):  # held by its pilot, so that nobody acts
            vehicle.hear(Heartbeat(True, True, Mode.LOITER, 4))

        async def at(north_deg: float, alt_rel_m: float) -> list[bool]:
            """It is there; whether each alarm that this told is open."""
            await asyncio.sleep(0.6)  # what was seen a moment ago is not over yet
            for _ in range(4):
                lat, lon = home.lat_deg + north_deg, home.lon_deg
                vehicle.hear(GlobalPosition(0, lat, lon, alt_rel_m + 4.0, alt_rel_m, 0.0, 0.0, 0.0, None))
                await asyncio.sleep(0.03)
            return [told.get_nowait().is_open for _ in range(told.qsize())]

        assert any(await at(0.5, ceiling_m + 100.0))
        assert False not in await at(0.5, ceiling_m / 2), "it is below its ceiling, and outside"
        assert False in await at(0.0, ceiling_m / 2)


async def test_who_is_not_in_the_fleet_has_no_alarm_since_a_restart_or_since_it_was_taken_out() -> None:
    clock, told, ticker = SystemClock(), asyncio.Queue[Alarm](), Ticker("g")

    def left(vehicle: str, kind: AlarmKind) -> Alarm:
        number = AlarmId(f"{vehicle} {kind}")
        return Alarm(number, kind, Severity.CRITICAL, "so it was", VehicleId(vehicle), None, clock.now())

    shelf = Shelf(*(left(each, AlarmKind.SIGNING_KEY) for each in ("gone", "stays", "leaves")))
    shelf.open.set()
    watchman = a_watchman(shelf, told, clock)
    await watchman.resume()
    running = asyncio.create_task(watchman.run())

    async def told_over(*present: str) -> str:
        tick = ticker.tick([replace(WELL, vehicle_id=VehicleId(each)) for each in present], 0.0, clock.now())
        watchman.look(tick, {})
        alarm = await asyncio.wait_for(told.get(), WITHIN_S)
        assert (alarm.is_open, told.empty()) == (False, True)
        return alarm.vehicle_id

    assert await told_over("stays", "leaves") == "gone"
    assert await told_over("stays") == "leaves"
    assert [alarm.vehicle_id for alarm in watchman.open_alarms()] == ["stays"]
    running.cancel()


async def test_a_fence_ahead_that_a_stop_left_open_is_over_at_the_start() -> None:
    clock, told = SystemClock(), asyncio.Queue[Alarm]()
    ahead = Alarm(AlarmId("a"), AlarmKind.FENCE_AHEAD, Severity.WARNING, "fast", VehicleId("one"), None, clock.now())
    shelf = Shelf(ahead)
    shelf.open.set()
    watchman = a_watchman(shelf, told, clock)
    await watchman.resume()
    running = asyncio.create_task(watchman.run())
    over = await asyncio.wait_for(told.get(), WITHIN_S)
    assert (over.id, over.is_open, watchman.open_alarms()) == ("a", False, ())
    running.cancel()


async def test_what_a_vehicle_outside_does_not_do_is_done_again_and_is_one_alarm() -> None:
    shelf, told, plan, clock = Shelf(), asyncio.Queue[Alarm](), a_plan(), ManualClock()
    acted: list[tuple[FenceAction, str]] = []
    watchman = a_watchman(shelf, told, clock, lambda _, action, why: acted.append((action, why)))
    vehicle = Vehicle(VehicleConfig(VehicleId("one"), "one", ("line",), 1, DOCK, FRAME), clock=clock)
    vehicle.hear(Heartbeat(True, True, Mode.AUTO, 4))
    watchman.follow(vehicle, plan)
    for _ in range(2):
        vehicle.hear(GlobalPosition(0, plan.home.lat_deg + 0.5, plan.home.lon_deg, 54.0, 50.0, 0.0, 0.0, 0.0, None))
        await asyncio.sleep(0.03)
        clock.advance(AGAIN_AFTER_S)
    assert [action for action, _ in acted] == [FenceAction.RETURN] * 2
    assert "does not" in acted[1][1]
    assert [alarm.kind for alarm in watchman.open_alarms()] == [AlarmKind.FENCE_BREACH]


async def test_a_fleet_that_fell_silent_is_guessed_a_few_at_a_time_and_what_is_new_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guessed: list[VehicleId] = []

    def counted(state: VehicleState, *more: Any) -> tuple[Ghost, ...]:
        guessed.append(state.vehicle_id)
        return ghosts_of(state, *more)

    monkeypatch.setattr("telemetry.watchman.ghosts_of", counted)
    shelf, told, clock = Shelf(), asyncio.Queue[Alarm](), ManualClock()
    watchman, ticker = a_watchman(shelf, told, clock), Ticker("gateway")
    placed = replace(WELL, lat_deg=31.1, lon_deg=121.1, alt_rel_m=50.0)
    heard = [replace(placed, vehicle_id=VehicleId(f"bl-{each}"), name=f"bl-{each}") for each in range(60)]
    stale = [replace(each, link=LinkState.STALE, heard_age_s=1.5, position_age_s=1.5) for each in heard]
    lost = [replace(each, link=LinkState.LOST, heard_age_s=6.0, position_age_s=6.0) for each in heard]

    def looked(fleet: Sequence[VehicleState]) -> FleetTick:
        clock.advance(0.1)
        guessed.clear()
        tick = watchman.look(ticker.tick(fleet, clock.mono_s(), clock.now()), {})
        assert len({each.vehicle_id for each in tick.changed}) == len(tick.changed)
        if tick.full or guessed:
            shows = {each.vehicle_id for each in tick.changed if each.ghosts}
            assert shows >= (
                {each.vehicle_id for each in fleet} if tick.full and fleet is not heard else set(guessed)
            )
        return tick

    looked(heard)
    for fleet, kind in ((stale, AlarmKind.STALE_TELEMETRY), (lost, AlarmKind.LINK_LOST)):
        looked(fleet)
        assert len(guessed) == len(fleet)
        assert sum(alarm.kind is kind for alarm in watchman.open_alarms()) == len(fleet)
        counts, most = Counter[VehicleId](), 0
        for _ in range(20):
            looked(fleet)
            counts.update(guessed)
            most = max(most, len(guessed))
        assert most <= 10
        assert set(counts) == {each.vehicle_id for each in fleet}
        assert set(counts.values()) == {2}
    back = looked(heard)
    assert (len(back.changed), any(each.ghosts for each in back.changed), guessed) == (60, False, [])
