"""One target: a task that connects, sends what waits and what is latest, backs off; no other one is affected."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import Clock
from core.errors import Overloaded
from core.ids import VehicleId
from operations.forwarding.matching import Matcher
from operations.forwarding.ports import (
    Fresh,
    Item,
    ItemsRefused,
    Opener,
    Progress,
    Session,
    Spool,
    State,
    TargetAway,
    Waits,
)
from operations.forwarding.rules import Rule, Secrets
from telemetry.forwarding.sky import Sky, late

log = logging.getLogger(__name__)

# Times with a pause between them, which grows.
REFUSED_TIMES = 5
EVENTS_AT_ONCE = 50
REPORTS_AT_ONCE = 200
# A connection that lasted so long was a good one: after it ends the next one is not waited for.
SETTLED_S = 10.0
# Reports of an absence that the spool has not taken yet; past it the oldest go.
MAX_KEPT = 20_000


@dataclass(slots=True)
class Reports:
    """Reports of an absence in their order; past `MAX_KEPT` the oldest go, and are counted."""

    items: deque[Item] = field(default_factory=deque)
    lost: int = 0

    def add(self, items: Iterable[Item], lost: int = 0) -> None:
        self.items.extend(items)
        self.lost += lost
        while len(self.items) > MAX_KEPT:
            self.items.popleft()
            self.lost += 1


class Courier:
    """Serves one rule. `wake` it when its spool has more; what it did since is in `progress()`."""

    def __init__(
        self, rule: Rule, secrets: Secrets, *, opener: Opener, spool: Spool, sky: Sky, clock: Clock, waits: Waits
    ) -> None:
        self.rule = rule
        self.matcher = Matcher(rule)
        self.state = State.PAUSED if rule.paused else State.IDLE
        self.away_since_s: float | None = None
        self._secrets = secrets
        self._opener = opener
        self._spool = spool
        self._sky = sky
        self._clock = clock
        self._waits = waits
        self._wake = asyncio.Event()
        self._seen: dict[VehicleId, tuple[float, object]] = {}
        self._due_s = 0.0
        self._failures = 0
        self._refused = (0, 0)  # which item by itself, how many times
        # A send that does not arrive is where an absence begins: what it held, and what came while it was waited for.
        self._unsent: Sequence[Item] = ()
        self._meanwhile = Reports()
        self._is_sending = False
        self._kept = Reports()
        self._known: dict[VehicleId, tuple[float, object]] = {}  # what was sent or kept last
        self._sent_telemetry = 0
        self._last_sent_at: datetime | None = None
        self._error: tuple[str, datetime] | None = None

    def wake(self) -> None:
        self._wake.set()

    def progress(self) -> Progress:
        """What came through since the last call, and how the target does."""
        text, at = self._error or (None, None)
        told = Progress(self.state, self._sent_telemetry, self._last_sent_at, text, at)
        self._sent_telemetry, self._last_sent_at, self._error = 0, None, None
        return told

    async def run(self) -> None:
        """Until it is cancelled."""
        if self.rule.paused:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            if self.rule.backfill and self.rule.tells_telemetry:
                group.create_task(self._keeping(), name=f"forwarding-{self.rule.id}-keeps")
            while True:
                pause_s = await self._once()
                await asyncio.sleep(pause_s)

    async def _once(self) -> float:
        """One connection, from its beginning to its end; then seconds until the next one."""
        try:
            async with asyncio.timeout(self._waits.connect) as deadline:
                async with self._opener(self.rule, self._secrets) as session:
                    deadline.reschedule(None)
                    await self._served(session)
        except TimeoutError:
            return self._failed(TargetAway(f"no connection within {self._waits.connect:g} s"))
        except TargetAway as error:
            return self._failed(error)
        except Overloaded as error:
            return self._failed(TargetAway(f"the spool: {error}"))
        except Exception as error:
            log.exception("forwarding rule %s", self.rule.id)
            return self._failed(TargetAway(f"internal error: {type(error).__name__}"))
        return 0.0

    def _failed(self, error: TargetAway) -> float:
        """Notes it. Full jitter: targets that went away together are not asked again together."""
        self.state = State.AWAY
        if self.rule.backfill:
            self._kept.add(map(late, self._unsent))
            self._kept.add(self._meanwhile.items, self._meanwhile.lost)
        self._unsent, self._meanwhile = (), Reports()
        if self.away_since_s is None:
            self.away_since_s = self._clock.mono_s()
        self._error = (error.why[:500], self._clock.now())
        self._failures += 1
        longest_s = min(self._waits.last_retry, self._waits.first_retry * 2.0 ** min(self._failures, 30))
        asked_s = min(error.retry_after_s, self._waits.longest_retry_after)
        return asked_s + random.uniform(0.1 * longest_s, longest_s)

    async def _served(self, session: Session) -> None:
        """Sends until the far end leaves. Raises TargetAway."""
        self._seen.clear()
        leaving = asyncio.ensure_future(session.gone())
        sending = asyncio.ensure_future(self._sending(session))
        try:
            await asyncio.wait((leaving, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            ends = await asyncio.gather(sending, leaving, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _sending(self, session: Session) -> None:
        opened_s = self._clock.mono_s()
        while True:
            self._wake.clear()
            self._meanwhile = Reports()  # what was waited for arrived: only the latest counts
            more = await self._send_waiting(session, telemetry=False)
            await self._send_latest(session)
            if not more and self.rule.backfill:
                more = await self._send_waiting(session, telemetry=True)
            if not more:
                self._is_idle(session, self._clock.mono_s() - opened_s)
                await self._until_due()

    def _is_idle(self, session: Session, open_for_s: float) -> None:
        """Nothing is to be sent: where being open proves that the far end is there, it is."""
        if not session.proves:
            return
        self.state, self.away_since_s = State.CONNECTED, None
        if open_for_s >= SETTLED_S:
            self._failures = 0

    async def _until_due(self) -> None:
        wait_s = max(0.0, self._due_s - self._clock.mono_s()) if self.rule.tells_telemetry else self._waits.look * 5
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send_waiting(self, session: Session, *, telemetry: bool) -> bool:
        """The oldest of what is kept; whether there was anything."""
        limit = REPORTS_AT_ONCE if telemetry else EVENTS_AT_ONCE
        items = await self._spool.waiting(self.rule.id, telemetry=telemetry, limit=limit)
        if items:
            await self._deliver(session, items)
        return bool(items)

    async def _deliver(self, session: Session, items: Sequence[Item]) -> None:
        """Sends kept items and forgets them. What is refused is sent in halves, until what is wrong is by itself."""
        try:
            await self._send(session, items)
        except ItemsRefused as error:
            if len(items) == 1:
                await self._bury(items[0], error)
                return
            half = len(items) // 2
            await self._deliver(session, items[:half])
            await self._deliver(session, items[half:])
        else:
            await self._spool.delivered(self.rule.id, items, at=self._clock.now())

    async def _bury(self, item: Item, error: ItemsRefused) -> None:
        """An item that is refused again and again is dead, so that the others pass it.

        Not at once: a server that is set up wrongly refuses everything, and is mended. Raises TargetAway until then.
        """
        self._refused = (item.number, self._refused[1] + 1 if self._refused[0] == item.number else 1)
        if self._refused[1] < REFUSED_TIMES:
            raise TargetAway(f"refused: {error}")
        self._error = (f"refused for good: {error}"[:500], self._clock.now())
        await self._spool.delivered(self.rule.id, [item], at=self._clock.now(), dead=True)

    async def _send_latest(self, session: Session) -> None:
        """The vehicles as they are now, when it is time; what was not sent until then is not sent any more."""
        now_s = self._clock.mono_s()
        if not self.rule.tells_telemetry or now_s < self._due_s:
            return
        # In step with the rate, but no burst after a slow send.
        self._due_s = max(self._due_s + 1.0 / self.rule.rate_hz, now_s)
        items = list(self._sky.fresh(self.matcher, self._seen))
        self._known = dict(self._seen)
        self._meanwhile = Reports()
        for start in range(0, len(items), REPORTS_AT_ONCE):
            self._unsent = items[start:]
            part = self._unsent[:REPORTS_AT_ONCE]
            try:
                await self._send(session, part)
            except ItemsRefused as error:
                self._error = (f"refused telemetry: {error}"[:500], self._clock.now())
            else:
                self._sent_telemetry += len(part)
                self._last_sent_at = self._clock.now()
        self._unsent = ()

    async def _send(self, session: Session, items: Sequence[Item]) -> None:
        self._is_sending = True
        try:
            async with asyncio.timeout(self._waits.send):
                await session.send(items)
        except TimeoutError as error:
            raise TargetAway(f"no confirmation within {self._waits.send:g} s") from error
        finally:
            self._is_sending = False
        self.state, self.away_since_s = State.CONNECTED, None
        self._failures = 0

    async def _keeping(self) -> None:
        """Keeps reports at the rule's rate while the target is away, or may be: while it is waited for."""
        stored_s = self._clock.mono_s()
        while True:
            await asyncio.sleep(1.0 / self.rule.rate_hz)
            if self.state is not State.CONNECTED or self._is_sending:
                keeps = self._meanwhile if self.state is State.CONNECTED else self._kept
                keeps.add(map(late, self._sky.fresh(self.matcher, self._known)))
            if self._kept.items and self._clock.mono_s() - stored_s >= self._waits.report:
                stored_s = self._clock.mono_s()
                await self._store_kept()

    async def _store_kept(self) -> None:
        batch, self._kept = self._kept, Reports()
        fresh = Fresh(self.rule, 0, tuple(batch.items), unkept=batch.lost)
        try:
            await self._spool.add([fresh], now=self._clock.now(), places={})
        except Overloaded as error:
            log.warning("forwarding rule %s: reports are not stored at the moment: %s", self.rule.id, error)
            batch.add(self._kept.items, self._kept.lost)
            self._kept = batch
        else:
            self._wake.set()
