"""The outbox and the spool: committed with what they tell of, bounded, telemetry given up before events."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.spool import ROW_BYTES, SqliteSpool, open_spool
from core.errors import Overloaded
from core.ids import OperatorId, VehicleId
from operations.forwarding import ports
from operations.forwarding.ports import Fresh, Item, Loss
from operations.forwarding.rules import MAX_RULES, Rule, RuleId, What
from tests.forwarding.stage import NOW, alarm, rule, settles, stage

ROOM = 64 << 10
EVENT = b'{"at":"2026-11-23T04:00:00Z","severity":"info","code":"x","text":"y"}'
BODY = b"x" * (1_024 - ROW_BYTES)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[SqliteSpool]:
    async with open_spool(tmp_path) as found:
        yield found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path / "bailu.db") as found:
        yield found


def small(**changes: Any) -> Rule:
    return rule(spool_bytes=ROOM, **changes)


def item(what: What = What.ALARMS, *, age_s: float = 0.0) -> Item:
    return Item(what, "town-xiayang", VehicleId("bl-01"), BODY, NOW - timedelta(seconds=age_s))


async def put(spool: SqliteSpool, told: Rule, *items: Item) -> Loss:
    found = await spool.add([Fresh(told, 0, items)], now=NOW, places={})
    return found.get(told.id, Loss())


async def test_a_full_spool_gives_up_telemetry_first_and_then_the_oldest_events(spool: SqliteSpool) -> None:
    told = small()
    assert not await put(spool, told, *[item(What.TELEMETRY) for _ in range(32)], *[item() for _ in range(32)])
    assert await put(spool, told, *[item() for _ in range(10)]) == Loss(telemetry=10)
    assert await put(spool, told, *[item() for _ in range(30)]) == Loss(telemetry=22, events=8)
    kept = await spool.waiting(told.id, telemetry=False, limit=100)
    assert [each.number for each in kept] == list(range(32 + 8 + 1, 32 + 72 + 1))
    standing = (await spool.standings())[told.id]
    assert (standing.lost_events, standing.lost_telemetry, standing.spool_bytes) == (8, 32, ROOM)


async def test_what_is_too_old_is_given_up_and_counted(spool: SqliteSpool) -> None:
    told = small(kept_s=60.0)
    assert await put(spool, told, item(age_s=61), item(age_s=59), item(What.TELEMETRY, age_s=99)) == Loss(1, 1)
    assert (await spool.standings())[told.id].waiting_events == 1


async def test_reports_that_never_reached_the_spool_are_counted_as_lost(spool: SqliteSpool) -> None:
    told = small()
    found = await spool.add([Fresh(told, 0, (item(What.TELEMETRY),), unkept=7)], now=NOW, places={})
    assert found == {told.id: Loss(telemetry=7)}
    assert (await spool.standings())[told.id].lost_telemetry == 7


async def test_the_counts_are_those_of_the_rows_whatever_is_done(spool: SqliteSpool) -> None:
    rng = random.Random(5)
    rules = [small(id=RuleId("one")), small(id=RuleId("two"))]
    for _ in range(50):
        told = rng.choice(rules)
        kinds = [rng.choice([What.ALARMS, What.TELEMETRY]) for _ in range(rng.randrange(12))]
        await put(spool, told, *[item(kind, age_s=rng.choice([0, 0, 0, 700_000])) for kind in kinds])
        some = await spool.waiting(told.id, telemetry=rng.random() < 0.5, limit=rng.randrange(9))
        await spool.delivered(told.id, some, at=NOW, dead=rng.random() < 0.2)
    for told in rules:
        standing = (await spool.standings())[told.id]
        events = await spool.waiting(told.id, telemetry=False, limit=1_000)
        reports = await spool.waiting(told.id, telemetry=True, limit=1_000)
        assert (standing.waiting_events, standing.waiting_telemetry) == (len(events), len(reports))
        assert standing.spool_bytes == 1_024 * (len(events) + len(reports)) <= ROOM


async def test_a_removed_rule_leaves_nothing_behind(spool: SqliteSpool) -> None:
    await put(spool, small(), item())
    await spool.forget([])
    assert not await spool.waiting(small().id, telemetry=False, limit=1)
    assert await spool.standings() == {}


async def test_every_change_of_an_alarm_is_in_the_outbox_once_and_in_its_order(store: SqliteStore) -> None:
    await store.save_alarm(alarm(0))
    assert not await store.forwarding.after(0, limit=10), "nobody has a rule"
    await store.forwarding.save_rule(rule(), None)
    await store.save_alarm(alarm(1))
    await store.save_alarm(alarm(1))
    await store.acknowledge_alarm(alarm(1).id, OperatorId("local"), NOW)
    await store.save_alarm(replace(alarm(1), ended_at=NOW))
    rows = await store.forwarding.after(0, limit=10)
    assert [row.what for row in rows] == [What.ALARMS] * 3
    assert b'"acknowledged_by":"local"' in rows[1].body
    assert b'"ended_at":"2026' in rows[2].body
    assert b'"acknowledged_by":"local"' in rows[2].body


async def test_numbers_of_the_outbox_are_never_given_twice(store: SqliteStore) -> None:
    await store.forwarding.save_rule(rule(), None)
    await store.save_alarm(alarm(1))
    (first,) = await store.forwarding.after(0, limit=10)
    await store.forwarding.prune(first.number)
    await store.save_alarm(alarm(2))
    (second,) = await store.forwarding.after(0, limit=10)
    assert second.number > first.number


async def test_an_outbox_that_nobody_empties_is_bounded_and_what_it_gave_up_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.sqlite.forwarding.MAX_OUTBOX", 20)
    async with open_store(tmp_path / "bailu.db") as store:
        await store.forwarding.save_rule(rule("http://127.0.0.1:9/in", what=(What.EVENTS,)), None)
        for _ in range(5):
            await store.forwarding.append(What.EVENTS, [EVENT] * 10, NOW)
        assert len(await store.forwarding.after(0, limit=100)) == 20
    assert ports.MAX_OUTBOX > 20
    async with stage(tmp_path) as on:
        assert await settles(on, lambda standing: (standing.waiting_events, standing.lost_events) == (20, 30))


async def test_there_are_not_more_rules_than_can_be_served(store: SqliteStore) -> None:
    for number in range(MAX_RULES):
        await store.forwarding.save_rule(rule(id=RuleId(f"r-{number}")), None)
    with pytest.raises(Overloaded):
        await store.forwarding.save_rule(rule(id=RuleId("one-more")), None)
