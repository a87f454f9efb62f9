"""From the outbox into the spools: who is told of what is decided once, on the disk before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from core.clock import Clock
from operations.forwarding.matching import Happening, Matcher
from operations.forwarding.ports import Fresh, Item, Loss, Outbox, OutboxRow, Spool
from operations.forwarding.rules import RuleId
from telemetry.forwarding.envelopes import event_bytes, happening_of
from telemetry.forwarding.sky import Sky

log = logging.getLogger(__name__)

BATCH = 500
# What every rule has is forgotten that often, and places are stored, and what is too old is dropped.
TIDY_S = 5.0


class Pump:
    """One reader of the outbox for all rules. A crash between any two steps repeats a round and loses nothing."""

    def __init__(self, outbox: Outbox, spool: Spool, sky: Sky, *, source: str, clock: Clock) -> None:
        self._outbox = outbox
        self._spool = spool
        self._sky = sky
        self._source = source
        self._clock = clock
        self._cursors: dict[RuleId, int] = {}
        self._tidied_s = clock.mono_s()

    async def open(self) -> None:
        """Goes on where an earlier run stopped."""
        self._cursors = {rule_id: each.cursor for rule_id, each in (await self._spool.standings()).items()}

    async def set_rules(self, rules: Sequence[RuleId]) -> None:
        """Forgets those that are no more."""
        await self._spool.forget(rules)
        self._cursors = {rule_id: cursor for rule_id, cursor in self._cursors.items() if rule_id in rules}

    async def round(self, matchers: Sequence[Matcher]) -> tuple[bool, Mapping[RuleId, Loss]]:
        """Whether there may be more at once, and what the spools had to give up."""
        for matcher in matchers:
            # Not what was before it, also where its target was told telemetry before the first event came.
            self._cursors[matcher.rule.id] = max(self._cursors.get(matcher.rule.id, 0), matcher.rule.since)
        if not matchers:
            return False, {}
        rows = await self._outbox.after(min(self._cursors[each.rule.id] for each in matchers), limit=BATCH)
        tidy = self._clock.mono_s() - self._tidied_s >= TIDY_S
        if not rows and not tidy:
            return False, {}
        fresh = self._fresh(matchers, rows)
        places = self._sky.places() if tidy and any(each.asks_where for each in matchers) else {}
        losses = await self._spool.add(fresh, now=self._clock.now(), places=places)
        self._cursors |= {each.rule.id: each.cursor for each in fresh}
        if tidy:
            self._tidied_s = self._clock.mono_s()
            await self._outbox.prune(min(self._cursors.values()))
        return len(rows) == BATCH, losses

    def _fresh(self, matchers: Sequence[Matcher], rows: Sequence[OutboxRow]) -> list[Fresh]:
        told = [(row, each) for row in rows if (each := _read(row)) is not None]
        bodies: dict[int, bytes] = {}
        return [self._of_rule(matcher, rows, told, bodies) for matcher in matchers]

    def _of_rule(
        self,
        matcher: Matcher,
        rows: Sequence[OutboxRow],
        told: Iterable[tuple[OutboxRow, Happening]],
        bodies: dict[int, bytes],
    ) -> Fresh:
        cursor = self._cursors[matcher.rule.id]
        items = []
        for row, happening in told:
            whereabouts = self._sky.whereabouts(happening.vehicle_id)
            others = {each: self._sky.whereabouts(each) for each in happening.others}
            if row.number > cursor and matcher.takes(happening, whereabouts, others):
                body = bodies.setdefault(row.number, b"") or event_bytes(happening, self._source)
                bodies[row.number] = body
                items.append(Item(row.what, whereabouts.unit, happening.vehicle_id, body, row.stored_at))
        upto = max(cursor, rows[-1].number) if rows else cursor
        # The outbox is read from the least cursor: only a rule that has that one can have missed anything.
        missed = max(0, rows[0].number - cursor - 1) if rows else 0
        return Fresh(matcher.rule, upto, tuple(items), missed)


def _read(row: OutboxRow) -> Happening | None:
    """None, and a line in the log, for a row that this version cannot read."""
    try:
        return happening_of(row)
    except msgspec.DecodeError as error:
        log.error("row %d of the outbox (%s) cannot be read: %s", row.number, row.what, error)
        return None
