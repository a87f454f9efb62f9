"""All rules at work: one pump, one courier per rule, and what people are told of targets that are away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from core.bus import Bus, Subscription
from core.clock import Clock
from core.errors import Overloaded
from operations.forwarding.ports import Loss, Opener, Outbox, RuleStore, Session, Spool, TargetAway, Waits
from operations.forwarding.rules import Rule, RuleId, Secrets
from telemetry.forwarding.courier import Courier
from telemetry.forwarding.envelopes import source_of
from telemetry.forwarding.pump import Pump
from telemetry.forwarding.sky import Sky
from telemetry.messages import (
    ALARM_CHANGED,
    COMMAND_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    SORTIE_CHANGED,
    AlarmChanged,
    CommandChanged,
    FleetEvent,
    FleetTick,
    SortieChanged,
)

_T = TypeVar("_T")

log = logging.getLogger("bailu.forwarding")

# An absence that is shorter is nobody's business.
AWAY_TOLD_S = 15.0
NUDGES_BOUND = 16
# The collector commits an event that soon after it was published.
COMMITTED_S = 0.05


@dataclass(frozen=True, slots=True)
class Ways:
    """What forwarding works with. `unlock` opens a rule's stored secrets; raises ValueError when it cannot."""

    rules: RuleStore
    outbox: Outbox
    spool: Spool
    bus: Bus
    clock: Clock
    opener: Opener
    unlock: Callable[[RuleId, bytes], Secrets]
    waits: Waits


class Forwarder:
    """The sole one that forwards from a store: two would tell everything twice."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._version = -1
        self._couriers: dict[RuleId, Courier] = {}
        self._tasks: dict[RuleId, asyncio.Task[None]] = {}
        self._nudge = asyncio.Event()
        self._employs = asyncio.Event()
        self._began_s = ways.clock.mono_s()
        self._given_up: dict[RuleId, Loss] = {}
        self._told_s: dict[RuleId, float] = {}
        self._absent: set[RuleId] = set()

    async def run(self) -> None:
        """Until it is cancelled."""
        ways = self._ways
        source = source_of(await _insisted(ways.outbox.stream))
        sky = Sky(source, await _insisted(ways.spool.places))
        pump = Pump(ways.outbox, ways.spool, sky, source=source, clock=ways.clock)
        await _insisted(pump.open)
        async with (
            ways.bus.subscribe(ALARM_CHANGED, AlarmChanged, bound=NUDGES_BOUND) as alarms,
            ways.bus.subscribe(SORTIE_CHANGED, SortieChanged, bound=NUDGES_BOUND) as sorties,
            ways.bus.subscribe(FLEET_EVENT, FleetEvent, bound=NUDGES_BOUND) as events,
            ways.bus.subscribe(COMMAND_CHANGED, CommandChanged, bound=NUDGES_BOUND) as commands,
        ):
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._flying(sky), name="forwarding-ticks")
                    for news in (alarms, sorties, events, commands):
                        group.create_task(self._nudged(news), name="forwarding-nudges")
                    group.create_task(self._pumping(pump, sky), name="forwarding-pump")
                    group.create_task(self._reporting(), name="forwarding-reports")
            finally:
                await self._dismiss(list(self._couriers))

    async def _flying(self, sky: Sky) -> None:
        """Follows the fleet while anybody has a rule; ticks are large where they come from another process."""
        while True:
            await self._employs.wait()
            async with self._ways.bus.subscribe(FLEET_TICK, FleetTick, bound=4) as ticks:
                async for tick in ticks:
                    sky.take(tick)
                    if not self._employs.is_set():
                        break

    async def _nudged(self, news: Subscription[object]) -> None:
        async for _ in news:
            if self._couriers:  # new rules are looked for now and then
                self._nudge.set()

    async def _pumping(self, pump: Pump, sky: Sky) -> None:
        """Rounds for ever: at once when there is news, else now and then, for news may be lost."""
        while True:
            try:
                await self._follow_rules(pump, sky)
                while self._knows_fleet(sky) and await self._round(pump):
                    pass
            except Overloaded as error:
                log.warning("forwarding waits for the store: %s", error)
                await asyncio.sleep(self._ways.waits.look)
            try:
                async with asyncio.timeout(self._ways.waits.look):
                    await self._nudge.wait()
                # The event is published before it is committed.
                await asyncio.sleep(COMMITTED_S)
            except TimeoutError:
                pass
            self._nudge.clear()

    def _knows_fleet(self, sky: Sky) -> bool:
        """Whether rules that ask where a vehicle is can be answered; after a start the first tick is waited for."""
        if sky.is_known or not any(courier.matcher.asks_where for courier in self._couriers.values()):
            return True
        return self._ways.clock.mono_s() - self._began_s >= self._ways.waits.first_tick

    async def _round(self, pump: Pump) -> bool:
        more, losses = await pump.round([courier.matcher for courier in self._couriers.values()])
        for rule_id, loss in losses.items():
            self._given_up[rule_id] = self._given_up.get(rule_id, Loss()) + loss
        for courier in self._couriers.values():
            courier.wake()
        return more

    async def _follow_rules(self, pump: Pump, sky: Sky) -> None:
        """Starts, replaces and ends couriers as the rules are now."""
        version = await self._ways.rules.rules_version()
        if version == self._version:
            return
        rules = {rule.id: rule for rule in await self._ways.rules.rules()}
        before = {rule_id: courier.rule for rule_id, courier in self._couriers.items()}
        await self._dismiss([rule_id for rule_id, rule in before.items() if rules.get(rule_id) != rule])
        # One that was removed and made again under the same id is another one: nothing of the first is for it.
        await pump.set_rules([each for each in rules if _is_same(before.get(each, rules[each]), rules[each])])
        for rule_id, rule in rules.items():
            if rule_id not in self._couriers:
                await self._employ(rule, sky)
        self._version = version
        if rules:
            self._employs.set()
        else:
            self._employs.clear()

    async def _employ(self, rule: Rule, sky: Sky) -> None:
        ways, secrets, opener = self._ways, Secrets(), self._ways.opener
        locked = await ways.rules.rule_secrets(rule.id)
        if locked is not None:
            try:
                secrets = ways.unlock(rule.id, locked)
            except ValueError as error:
                opener = _barred(str(error))
        courier = Courier(rule, secrets, opener=opener, spool=ways.spool, sky=sky, clock=ways.clock, waits=ways.waits)
        self._couriers[rule.id] = courier
        self._tasks[rule.id] = asyncio.create_task(courier.run(), name=f"forwarding-{rule.id}")

    async def _dismiss(self, rule_ids: Sequence[RuleId]) -> None:
        tasks = [self._tasks.pop(rule_id) for rule_id in rule_ids]
        for rule_id in rule_ids:
            del self._couriers[rule_id]
            self._absent.discard(rule_id)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reporting(self) -> None:
        """Keeps what people see of the rules up to date, and tells them of absences and losses."""
        while True:
            await asyncio.sleep(self._ways.waits.report)
            reports = {rule_id: courier.progress() for rule_id, courier in self._couriers.items()}
            try:
                await self._ways.spool.report(reports)
            except Overloaded as error:
                log.warning("the standing of forwarding is not stored at the moment: %s", error)
            for courier in self._couriers.values():
                self._tell_absence(courier)
                self._tell_loss(courier.rule)

    def _tell_absence(self, courier: Courier) -> None:
        rule, since_s = courier.rule, courier.away_since_s
        if since_s is None and rule.id in self._absent:
            self._absent.discard(rule.id)
            self._event("info", "forwarding-back", f"The target of forwarding rule {rule.name!r} takes data again.")
        if since_s is None or rule.id in self._absent or self._ways.clock.mono_s() - since_s < AWAY_TOLD_S:
            return
        self._absent.add(rule.id)
        self._event("warning", "forwarding-away", f"The target of forwarding rule {rule.name!r} takes no data.")

    def _tell_loss(self, rule: Rule) -> None:
        """Summed up, once a minute at most: what tells of a loss is an event that is forwarded itself."""
        loss, now_s = self._given_up.get(rule.id), self._ways.clock.mono_s()
        told_s = self._told_s.get(rule.id)
        if loss is None or (told_s is not None and now_s - told_s < self._ways.waits.told_again):
            return
        del self._given_up[rule.id]
        self._told_s[rule.id] = now_s
        text = f"Forwarding rule {rule.name!r} gave up {loss.events} events and {loss.telemetry} reports: its spool "
        self._event("warning", "forwarding-loss", text + "was full, or they were too old.")

    def _event(self, severity: str, code: str, text: str) -> None:
        log.warning("%s", text)
        self._ways.bus.publish(FLEET_EVENT, FleetEvent(self._ways.clock.now(), severity, code, text))


def _is_same(before: Rule, now: Rule) -> bool:
    return before.created_at == now.created_at


def _barred(why: str) -> Opener:
    """No way: without its secrets nothing is sent to a target that asks for them."""

    @asynccontextmanager
    async def opener(rule: Rule, secrets: Secrets) -> AsyncIterator[Session]:  # noqa: ARG001 - an `Opener`'s
        raise TargetAway(why)
        yield

    return opener


async def _insisted(ask: Callable[[], Awaitable[_T]]) -> _T:
    """The answer of a store that may be busy for a while."""
    while True:
        try:
            return await ask()
        except Overloaded as error:
            log.warning("forwarding waits for the store: %s", error)
            await asyncio.sleep(1.0)
