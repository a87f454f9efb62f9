"""Feeding a hub: from the bus, from the store, and by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from core.bus import Bus, Subscription
from core.errors import Overloaded
from telemetry.messages import (
    AIRSPACE_REVIEWED,
    ALARM_CHANGED,
    COMMAND_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    FOLLOW_ASKED,
    LINKS_TICK,
    SORTIE_CHANGED,
    AirspaceReviewed,
    AlarmChanged,
    CommandChanged,
    FleetEvent,
    FleetTick,
    FollowAsked,
    LinksTick,
    SortieChanged,
    VehicleUpdate,
)
from telemetry.stream.hub import BEAT_S, HubStore, StreamHub

T = TypeVar("T")

log = logging.getLogger(__name__)

RECONCILE_S = 5.0
TICKS_BOUND = 64
NEWS_BOUND = 1_024
UPDATES_BOUND = 256
# What is followed is asked for again before its lease of five seconds ends, even when one question is lost.
FOLLOW_S = 2.0


@asynccontextmanager
async def running_hub(hub: StreamHub, *, bus: Bus, store: HubStore) -> AsyncIterator[None]:
    """Feeds `hub` from the bus and the store while the context is open; closes its viewers at the end."""
    async with AsyncExitStack() as stack:

        async def fed(subject: str, kind: type[T], bound: int, take: Callable[[T], None]) -> None:
            messages = await stack.enter_async_context(bus.subscribe(subject, kind, bound=bound))
            jobs.append((subject, lambda: _each(messages, take, lambda count: hub.missed(subject, count))))

        jobs: list[tuple[str, Callable[[], Coroutine[None, None, None]]]] = []
        await fed(FLEET_TICK, FleetTick, TICKS_BOUND, hub.tick)
        await fed(SORTIE_CHANGED, SortieChanged, NEWS_BOUND, lambda news: hub.sortie_changed(news.sortie))
        await fed(FLEET_EVENT, FleetEvent, NEWS_BOUND, hub.event)
        await fed(ALARM_CHANGED, AlarmChanged, NEWS_BOUND, lambda news: hub.alarm(news.alarm))
        await fed(COMMAND_CHANGED, CommandChanged, NEWS_BOUND, lambda news: hub.command(news.record))
        await fed(LINKS_TICK, LinksTick, TICKS_BOUND, hub.links_tick)
        await fed(AIRSPACE_REVIEWED, AirspaceReviewed, NEWS_BOUND, hub.airspace_reviewed)
        await fed("vehicle.*.update", VehicleUpdate, UPDATES_BOUND, hub.update)
        await hub.seed(store)
        own = [("beat", _beating(hub)), ("reconcile", _reconciling(hub, store))]
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[None]] = [
                group.create_task(make(), name=f"hub-{subject}") for subject, make in jobs
            ]
            tasks += [group.create_task(job, name=f"hub-{name}") for name, job in own]
            tasks.append(group.create_task(_following(hub, bus), name="hub-follow"))
            try:
                yield
            finally:
                await hub.close()
                for task in tasks:
                    task.cancel()


async def _each(messages: Subscription[T], take: Callable[[T], None], missed: Callable[[int], None]) -> None:
    """Takes one after the other; what the bus dropped, since they came too fast, is told before the next one."""
    known = 0
    async for message in messages:
        if messages.dropped > known:
            missed(messages.dropped - known)
            known = messages.dropped
        take(message)


async def _beating(hub: StreamHub) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        hub.beat()


async def _following(hub: StreamHub, bus: Bus) -> None:
    while True:
        hub.new_follow.clear()
        for vehicle_id in hub.followed():
            bus.publish(FOLLOW_ASKED, FollowAsked(vehicle_id))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FOLLOW_S):
                await hub.new_follow.wait()


async def _reconciling(hub: StreamHub, store: HubStore) -> None:
    while True:
        await asyncio.sleep(RECONCILE_S)
        try:
            await hub.reconcile(store)
        except Overloaded as error:
            log.warning("the stream could not compare itself with the store: %s", error)
