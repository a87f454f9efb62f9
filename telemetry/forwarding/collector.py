"""Events into the outbox: beside the gateway, so that they are kept while nobody forwards."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from core.bus import Bus, Subscription
from core.clock import Clock
from core.errors import Overloaded
from operations.forwarding.ports import Outbox
from operations.forwarding.rules import What
from telemetry.messages import FLEET_EVENT, FleetEvent, TrafficNews

log = logging.getLogger(__name__)

# Events that wait for the store; past it the oldest go, and are counted.
MAX_WAITING = 4_096
BATCH = 500
TOGETHER_S = 0.02
STORE_AGAIN_S = 1.0
CLOSE_S = 2.0


class Collector:
    """Commits what people are told, some at a time. What is stored anyhow needs none: its own write commits it."""

    def __init__(self, outbox: Outbox, clock: Clock, what: What = What.EVENTS) -> None:
        self._outbox = outbox
        self._clock = clock
        self._what = what
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._arrived = asyncio.Event()
        self.lost = 0

    def take(self, news: FleetEvent | TrafficNews) -> None:
        self.lost += len(self._waiting) == MAX_WAITING
        self._waiting.append(msgspec.json.encode(news))
        self._arrived.set()

    async def run(self) -> None:
        """Never returns. What the store does not take is offered again."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(TOGETHER_S)
            try:
                await self._commit()
            except Overloaded as error:
                log.warning("events for other systems are not stored at the moment: %s", error)
                await asyncio.sleep(STORE_AGAIN_S)
            except Exception:  # who flies goes on, whatever is wrong with telling others
                log.exception("events for other systems")
                await asyncio.sleep(STORE_AGAIN_S)

    async def close(self) -> None:
        """Commits what waits, if the store takes it now."""
        with suppress(Overloaded, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._waiting:
                    await self._commit()

    async def _commit(self) -> None:
        batch = list(self._waiting)[:BATCH]
        lost = self.lost
        if await self._outbox.wanted():
            await self._outbox.append(self._what, batch, self._clock.now())
        # While it was stored a full queue may have pushed out some of it already.
        for _ in range(len(batch) - (self.lost - lost)):
            self._waiting.popleft()
        if not self._waiting:
            self._arrived.clear()


@asynccontextmanager
async def running_collector(*, bus: Bus, outbox: Outbox, clock: Clock) -> AsyncIterator[Collector]:
    """Collects events while the context is open; what came by then is stored before it closes."""
    async with (
        bus.subscribe(FLEET_EVENT, FleetEvent, bound=MAX_WAITING) as news,
        committing(Collector(outbox, clock)) as collector,
    ):
        task = asyncio.create_task(_each(news, collector), name="forwarding-events")
        try:
            yield collector
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def committing(collector: Collector) -> AsyncIterator[Collector]:
    """Lets a collector commit what it takes while the context is open, and what came by then."""
    task = asyncio.create_task(collector.run(), name="forwarding-outbox")
    try:
        yield collector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await collector.close()


async def _each(news: Subscription[FleetEvent], collector: Collector) -> None:
    async for event in news:
        collector.take(event)
