"""The collector: what came is stored once, also when it is told to end while the store is busy with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from core.clock import ManualClock
from core.errors import Overloaded
from operations.forwarding.ports import OutboxRow
from operations.forwarding.rules import What
from telemetry.forwarding import collector as module
from telemetry.forwarding.collector import Collector, committing
from telemetry.messages import FleetEvent

AT = datetime(2026, 3, 1, tzinfo=UTC)


class SlowOutbox:
    """An outbox that ends what it began, as a database's thread does, once it is let go."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.refusals = 0
        self._jobs: set[asyncio.Task[None]] = set()

    async def wanted(self) -> bool:
        return True

    async def append(self, what: What, bodies: Sequence[bytes], at: datetime) -> None:
        self.begun.set()
        job = asyncio.create_task(self._store(bodies))
        self._jobs.add(job)
        await asyncio.shield(job)

    async def _store(self, bodies: Sequence[bytes]) -> None:
        await self.let_go.wait()
        if self.refusals:
            self.refusals -= 1
            raise Overloaded("The database is busy")
        self.rows += [msgspec.json.decode(each)["text"] for each in bodies]

    async def after(self, number: int, *, limit: int) -> Sequence[OutboxRow]:
        raise NotImplementedError

    async def prune(self, upto: int) -> None:
        raise NotImplementedError

    async def stream(self) -> str:
        raise NotImplementedError


def event(text: str) -> FleetEvent:
    return FleetEvent(AT, "warning", "statustext", text)


def a_collector(outbox: SlowOutbox) -> Collector:
    return Collector(outbox, ManualClock(), lambda _: None)


async def test_what_is_being_stored_when_the_collector_ends_is_stored_once() -> None:
    outbox = SlowOutbox()
    async with asyncio.timeout(5):
        async with committing(a_collector(outbox)) as collector:
            collector.take(event("1"))
            await outbox.begun.wait()
            collector.take(event("2"))
            asyncio.get_running_loop().call_later(0.05, outbox.let_go.set)
    assert outbox.rows == ["1", "2"]


async def test_a_store_that_does_not_answer_holds_nobody_up_for_longer_than_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    outbox = SlowOutbox()
    async with asyncio.timeout(5):
        async with committing(a_collector(outbox)) as collector:
            collector.take(event("1"))
            await outbox.begun.wait()
    outbox.let_go.set()
    await asyncio.sleep(0.01)
    assert outbox.rows == ["1"]


async def test_what_the_store_refused_is_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORE_AGAIN_S", 0.01)
    outbox = SlowOutbox()
    outbox.refusals = 2
    outbox.let_go.set()
    async with asyncio.timeout(5):
        async with committing(a_collector(outbox)) as collector:
            collector.take(event("1"))
            while not outbox.rows:  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.01)
    assert outbox.rows == ["1"]
