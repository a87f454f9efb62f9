"""Forwarding with several processes on one data folder: one of them forwards, and another goes on when it ends."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sized
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.context import SpawnProcess as Process
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from adapters.bus_local import LocalBus
from adapters.forwarding import Doors, Openers
from adapters.forwarding.vault import Vault
from adapters.keyring import open_ring
from adapters.sqlite import open_store
from adapters.sqlite.spool import open_spool
from api.deconflict import Deconfliction
from api.forwarder import running_forwarder
from api.traffic import Ears, TrafficWatch
from core.clock import SystemClock
from telemetry.forwarding.forwarder import Ways
from tests.forwarding.stage import QUICK, alarm, receiver, rule, until

pytestmark = pytest.mark.thorough


async def _forwarding(folder: Path, asked: Event, until: Event) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(folder / "bailu.db"))
        spool = await stack.enter_async_context(open_spool(folder))
        unlock = Vault(open_ring(folder)).unlock
        told = store.forwarding
        clock = SystemClock()
        ways = Ways(told, told, spool, LocalBus(), clock, Openers(Doors()), unlock, QUICK)
        ears = Ears(lambda _: None, lambda _: None)
        await stack.enter_async_context(
            running_forwarder(ways, folder, TrafficWatch(Deconfliction(store, clock), clock, tuple, ears))
        )
        await asyncio.sleep(0)  # it has asked for the lock, and has it or not
        asked.set()
        await asyncio.to_thread(until.wait, 60)


def _process(folder: Path, asked: Event, until: Event) -> None:
    asyncio.run(_forwarding(folder, asked, until))


@contextmanager
def _two(folder: Path) -> Iterator[dict[int, tuple[Process, Event]]]:
    """Two processes by their ids, each with what ends it; both have asked for the lock."""
    context = multiprocessing.get_context("spawn")
    events = [(context.Event(), context.Event()) for _ in range(2)]
    processes = [context.Process(target=_process, args=(folder, *each)) for each in events]
    for each in processes:
        each.start()
    try:
        assert all(asked.wait(30) for asked, _ in events), "they did not start"
        yield {each.pid or 0: (each, end) for each, (_, end) in zip(processes, events, strict=True)}
    finally:
        for each, (_, end) in zip(processes, events, strict=True):
            end.set()
            each.join(10)
            each.kill()


async def test_one_of_two_processes_forwards_and_the_other_takes_over(tmp_path: Path) -> None:
    def owner() -> int:
        return int((tmp_path / "forwarding.lock").read_text() or 0)

    with receiver() as target:
        async with open_store(tmp_path / "bailu.db") as store:
            await store.forwarding.save_rule(rule(target.url), None)
            with _two(tmp_path) as two:
                for number in range(20):
                    await store.save_alarm(alarm(number))
                await _taken(target.taken, 20)
                assert len(target.taken) == 20, "two of them told it"
                first, end = two.pop(owner())
                end.set()
                await asyncio.to_thread(first.join, 10)
                assert first.exitcode == 0
                (second,) = two
                await until(lambda: owner() == second, within_s=10)
                await store.save_alarm(alarm(20))
                await _taken(target.taken, 21)
        assert target.alarm_ids() == [f"alarm-{number}" for number in range(21)]


async def _taken(taken: Sized, count: int) -> None:
    end_s = time.monotonic() + 20
    while len(taken) < count:
        assert time.monotonic() < end_s, f"{len(taken)} of {count}"
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
