"""Events into the outbox: beside the gateway, so that they are kept while nobody forwards."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
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
# So long events gather: the store is asked once for all of them. Longer while no rule wanted the last ones.
TOGETHER_S, UNWANTED_S = 0.02, 0.25
STORE_AGAIN_S = 1.0
CLOSE_S = 2.0


class Collector:
    """Commits what people are told, some at a time. What is stored anyhow needs none: its own write commits it."""

    def __init__(
        self, outbox: Outbox, clock: Clock, tell: Callable[[FleetEvent], None], what: What = What.EVENTS
    ) -> None:
        """`tell`: people are told of what was lost."""
        self._outbox = outbox
        self._clock = clock
        self._what = what
        self._tell = tell
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._arrived = asyncio.Event()
        self._pushed_out = self._dropped = self._told_lost = 0
        self._is_wanted = True  # as far as the store said when it was asked last
        self._committing: asyncio.Task[None] | None = None

    @property
    def lost(self) -> int:
        """How many were not stored: they came faster than that, to the bus or to here."""
        return self._pushed_out + self._dropped

    def missed(self, count: int) -> None:
        """The bus dropped so many before they came here."""
        self._dropped += count

    def take(self, news: FleetEvent | TrafficNews) -> None:
        self._pushed_out += len(self._waiting) == MAX_WAITING
        self._waiting.append(msgspec.json.encode(news))
        self._arrived.set()

    async def run(self) -> None:
        """Never returns. What the store does not take is offered again."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(TOGETHER_S if self._is_wanted else UNWANTED_S)
            try:
                await self._commit()
                self._tell_loss()
            except Overloaded as error:
                log.warning("events for other systems are not stored at the moment: %s", error)
                await asyncio.sleep(STORE_AGAIN_S)
            except Exception:  # who flies goes on, whatever is wrong with telling others
                log.exception("events for other systems")
                await asyncio.sleep(STORE_AGAIN_S)

    def _tell_loss(self) -> None:
        """Once the store takes things again: the loss goes after what was kept, as an event of its own."""
        lost, self._told_lost = self.lost - self._told_lost, self.lost
        if lost:
            text = f"{lost} {self._what} came too fast, or could not be stored for too long: other systems miss them."
            log.error("%s", text)
            self._tell(FleetEvent(self._clock.now(), "warning", "forwarding-loss", text))

    async def close(self) -> None:
        """Commits what waits, if the store takes it now."""
        try:
            with suppress(Overloaded, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    while self._waiting:
                        await self._commit()
        finally:
            if self._committing is not None:
                self._committing.cancel()
                await asyncio.gather(self._committing, return_exceptions=True)

    async def _commit(self) -> None:
        """One batch, which goes on when its caller is cancelled and which the next caller waits for: the store ends
        what it began, and whoever offered the same batch again would have the same events twice, with other ids.
        """
        if self._committing is None:
            self._committing = asyncio.create_task(self._store_batch(), name="forwarding-commit")
        committing = self._committing
        await asyncio.wait({committing})
        self._committing = None
        committing.result()

    async def _store_batch(self) -> None:
        batch = list(self._waiting)[:BATCH]
        pushed_out = self._pushed_out
        self._is_wanted = await self._outbox.wanted()
        if self._is_wanted:
            await self._outbox.append(self._what, batch, self._clock.now())
        # While it was stored a full queue may have pushed out some of it already.
        for _ in range(len(batch) - (self._pushed_out - pushed_out)):
            self._waiting.popleft()
        if not self._waiting:
            self._arrived.clear()


@asynccontextmanager
async def running_collector(*, bus: Bus, outbox: Outbox, clock: Clock) -> AsyncIterator[Collector]:
    """Collects events while the context is open; what came by then is stored before it closes."""
    async with (
        bus.subscribe(FLEET_EVENT, FleetEvent, bound=MAX_WAITING) as news,
        committing(Collector(outbox, clock, lambda event: bus.publish(FLEET_EVENT, event))) as collector,
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
    known = 0
    async for event in news:
        collector.missed(news.dropped - known)
        known = news.dropped
        collector.take(event)
