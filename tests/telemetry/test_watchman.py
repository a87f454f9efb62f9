"""The watch tells at once what cannot wait: neither for the next look at the fleet, nor for a slow store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from core.clock import SystemClock
from core.ids import VehicleId
from geofence.qingpu import default_airspace
from operations.alarms import Alarm, AlarmKind, AlarmStore
from telemetry.messages import AlarmChanged
from telemetry.packets import FenceStatus, Heartbeat
from telemetry.trespass import Airspaces
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.watchman import Watchman, WatchPolicy
from tests.telemetry.test_flight import DOCK, FRAME

WITHIN_S = 5.0


class Shelf:
    """A store of alarms that takes them only while it is open."""

    def __init__(self) -> None:
        self.kept: asyncio.Queue[Alarm] = asyncio.Queue()
        self.open = asyncio.Event()

    async def save_alarm(self, alarm: Alarm) -> Alarm:
        await self.open.wait()
        self.kept.put_nowait(alarm)
        return alarm

    async def airspace_at(self, _: object) -> object:
        return default_airspace()


@asynccontextmanager
async def watching(shelf: Shelf, told: asyncio.Queue[Alarm]) -> AsyncIterator[Vehicle]:
    """An armed vehicle under watch; nobody ticks."""
    clock = SystemClock()

    def publish(news: AlarmChanged) -> None:
        told.put_nowait(news.alarm)

    def nothing(*_: Any) -> None:
        raise AssertionError("nothing is to be done")

    watchman = Watchman(
        WatchPolicy(), store=cast("AlarmStore", shelf), airspaces=cast("Airspaces", shelf), clock=clock,
        publish=publish, act=nothing, left_fence=nothing,
    )  # fmt: skip
    vehicle = Vehicle(VehicleConfig(VehicleId("one"), "one", ("line",), 1, DOCK, FRAME), clock=clock)
    vehicle.changed = watchman.glance
    vehicle.hear(Heartbeat(True, True, 3, 4))
    running = asyncio.create_task(watchman.run())
    yield vehicle
    running.cancel()


@pytest.mark.parametrize("store_answers", [True, False])
async def test_a_vehicle_that_says_that_it_left_its_fence_is_told_of_before_any_tick(store_answers: bool) -> None:
    shelf, told = Shelf(), asyncio.Queue[Alarm]()
    if store_answers:
        shelf.open.set()
    async with watching(shelf, told) as vehicle:
        vehicle.hear(FenceStatus(True, 1))
        alarm = await asyncio.wait_for(told.get(), WITHIN_S)
        assert (alarm.kind, alarm.vehicle_id, alarm.is_open) == (AlarmKind.FENCE_BREACH, "one", True)
        assert shelf.kept.empty() is not store_answers
        shelf.open.set()
        assert await asyncio.wait_for(shelf.kept.get(), WITHIN_S) is alarm


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
