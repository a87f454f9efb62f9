"""An absence begins with the send that does not arrive: what it held is kept, and what came meanwhile, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from core.clock import SystemClock
from core.errors import Overloaded
from operations.forwarding.ports import Fresh, Item, Loss, Session, TargetAway
from operations.forwarding.rules import Rule, RuleId, Secrets, What
from telemetry.forwarding import courier as module
from telemetry.forwarding.courier import Courier
from telemetry.forwarding.sky import Sky
from telemetry.messages import FleetTick
from tests.forwarding.stage import QUICK, rule, until, vehicle

RULE = rule(what=(What.TELEMETRY,), rate_hz=10.0, backfill=True)
# Once away it stays away: what is kept then begins with what did not arrive.
WAITS = replace(QUICK, send=0.5, first_retry=60.0, last_retry=60.0)


class Target:
    """Takes reports until `fails`, then does what that does."""

    proves = True

    def __init__(self) -> None:
        self.taken: list[Item] = []
        self.offered: list[Item] = []
        self.fails: Callable[[], Any] | None = None
        self.left = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, rule: Rule, secrets: Secrets) -> AsyncIterator[Session]:
        yield self

    async def send(self, items: Sequence[Item]) -> None:
        if self.fails is None:
            self.taken += items
            return
        self.offered += items
        await self.fails()

    async def gone(self) -> None:
        await self.left.wait()
        raise TargetAway("it left")


class Shelf:
    """A spool that is busy while it is told so."""

    def __init__(self) -> None:
        self.kept: list[Item] = []
        self.unkept = 0
        self.is_busy = False

    async def add(self, fresh: Sequence[Fresh], **_: object) -> Mapping[RuleId, Loss]:
        if self.is_busy:
            raise Overloaded("busy")
        self.kept += [item for each in fresh for item in each.items]
        self.unkept += sum(each.unkept for each in fresh)
        return {}

    async def waiting(self, *_: object, **__: object) -> Sequence[Item]:
        return ()


async def breaks() -> None:
    raise TargetAway("503")


def times(items: Sequence[Item]) -> list[datetime]:
    return [item.at for item in items]


@asynccontextmanager
async def flying(told: Rule, target: Target, shelf: Any) -> AsyncIterator[None]:
    """A vehicle that is heard all the time, and a target that took some of it."""
    clock, sky = SystemClock(), Sky("urn:x", {})
    one = Courier(told, Secrets(), opener=target, spool=shelf, sky=sky, clock=clock, waits=WAITS)

    async def fly() -> None:
        number = 0
        while True:
            number += 1
            sky.take(FleetTick.of("test", clock.now(), [vehicle(heard_age_s=0.0)], number))
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(fly()), asyncio.create_task(one.run())]
    try:
        await until(lambda: len(target.taken) >= 2)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("fails", [breaks, hangs])
async def test_a_report_that_did_not_arrive_is_the_first_one_of_the_backfill(fails: Callable[[], Any]) -> None:
    target, shelf = Target(), Shelf()
    async with flying(RULE, target, shelf):
        target.fails = fails
        await until(lambda: len(shelf.kept) >= 3)
    (lost,) = target.offered
    assert shelf.kept[0].at == lost.at
    assert times(shelf.kept) == sorted(set(times(shelf.kept)))
    assert all(json.loads(item.body)["data"]["backfill"] for item in shelf.kept)


async def test_what_came_while_a_send_hung_is_kept_though_it_was_not_known_yet_that_nobody_is_there() -> None:
    target, shelf = Target(), Shelf()
    async with flying(RULE, target, shelf):
        target.fails = hangs
        await until(lambda: len(shelf.kept) >= 3)
    (lost,) = target.offered
    during = [at for at in times(shelf.kept) if 0 < (at - lost.at).total_seconds() < WAITS.send - 0.1]
    assert len(during) >= 2, "of four or five at ten a second"


async def test_a_report_under_way_when_the_target_leaves_is_kept() -> None:
    target, shelf = Target(), Shelf()
    async with flying(RULE, target, shelf):
        target.fails = hangs
        await until(lambda: target.offered)
        target.left.set()
        await until(lambda: shelf.kept)
    assert shelf.kept[0].at == target.offered[0].at


async def test_a_target_that_is_slow_gets_no_backfill() -> None:
    async def slow() -> None:
        await asyncio.sleep(0.25)

    target, shelf = Target(), Shelf()
    async with flying(RULE, target, shelf):
        target.fails = slow
        await until(lambda: len(target.offered) >= 4)
    assert shelf.kept == []


async def test_a_rule_of_the_latest_only_keeps_nothing() -> None:
    target, shelf = Target(), Shelf()
    async with flying(replace(RULE, backfill=False), target, shelf):
        target.fails = breaks
        await until(lambda: target.offered)
        await asyncio.sleep(0.3)
    assert shelf.kept == []


async def test_what_there_is_no_room_for_while_the_spool_is_busy_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 3)
    target, shelf = Target(), Shelf()
    async with flying(RULE, target, shelf):
        target.fails, shelf.is_busy = breaks, True
        await until(lambda: target.offered)
        await asyncio.sleep(0.8)
        shelf.is_busy = False
        await until(lambda: shelf.kept)
    assert shelf.unkept >= 2
    assert shelf.kept[0].at > target.offered[0].at, "the oldest go"
