"""The spool of forwarding: a database of its own, so that no target's backlog is in the way of what is flown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import apsw

from adapters.sqlite.database import Database
from adapters.sqlite.rows import time_text
from core.ids import VehicleId
from operations.forwarding.matching import LonLat
from operations.forwarding.ports import Fresh, Item, Loss, Progress, Standing, State
from operations.forwarding.rules import Rule, RuleId, What

FILE = "forwarding.db"
Places = Mapping[VehicleId, tuple[str | None, LonLat]]

# Counts are kept by triggers, so that they are right whatever is added or dropped. `telemetry`: 0 or 1.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    number INTEGER PRIMARY KEY AUTOINCREMENT, rule_id TEXT NOT NULL, telemetry INTEGER NOT NULL, what TEXT NOT NULL,
    unit TEXT, vehicle_id TEXT, at TEXT NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS spool_order ON spool (rule_id, telemetry, number, size);
CREATE INDEX IF NOT EXISTS spool_age ON spool (rule_id, telemetry, at);
CREATE TABLE IF NOT EXISTS standings (
    rule_id TEXT PRIMARY KEY, cursor INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'idle',
    sent_events INTEGER NOT NULL DEFAULT 0, sent_telemetry INTEGER NOT NULL DEFAULT 0,
    lost_events INTEGER NOT NULL DEFAULT 0, lost_telemetry INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    waiting_events INTEGER NOT NULL DEFAULT 0, waiting_telemetry INTEGER NOT NULL DEFAULT 0,
    spool_bytes INTEGER NOT NULL DEFAULT 0, last_sent_at TEXT, last_error TEXT, last_error_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS places (
    vehicle_id TEXT PRIMARY KEY, unit TEXT, lon_deg REAL NOT NULL, lat_deg REAL NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS spooled AFTER INSERT ON spool BEGIN
    UPDATE standings SET spool_bytes = spool_bytes + NEW.size, waiting_events = waiting_events + 1 - NEW.telemetry,
        waiting_telemetry = waiting_telemetry + NEW.telemetry WHERE rule_id = NEW.rule_id;
END;
CREATE TRIGGER IF NOT EXISTS unspooled AFTER DELETE ON spool BEGIN
    UPDATE standings SET spool_bytes = spool_bytes - OLD.size, waiting_events = waiting_events - 1 + OLD.telemetry,
        waiting_telemetry = waiting_telemetry - OLD.telemetry WHERE rule_id = OLD.rule_id;
END;
"""
# What a row takes on the disk besides its body, about.
ROW_BYTES = 160
_ADD = (
    "INSERT INTO spool (rule_id, telemetry, what, unit, vehicle_id, at, size, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteSpool:
    """The `Spool` of `operations.forwarding.ports`; what a method did is on the disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, fresh: Sequence[Fresh], *, now: datetime, places: Places) -> Mapping[RuleId, Loss]:
        return await self._db.write(lambda db: _add(db, fresh, now, places))

    async def waiting(self, rule_id: RuleId, *, telemetry: bool, limit: int) -> Sequence[Item]:
        return await self._db.read(lambda db: _waiting(db, rule_id, telemetry, limit))

    async def delivered(self, rule_id: RuleId, items: Sequence[Item], *, at: datetime, dead: bool = False) -> None:
        await self._db.write(lambda db: _delivered(db, rule_id, items, at, dead))

    async def report(self, reports: Mapping[RuleId, Progress]) -> None:
        await self._db.write(lambda db: _report(db, reports))

    async def standings(self) -> Mapping[RuleId, Standing]:
        return await self._db.read(_standings)

    async def forget(self, keep: Sequence[RuleId]) -> None:
        await self._db.write(lambda db: _forget(db, keep))

    async def places(self) -> Places:
        query = "SELECT vehicle_id, unit, lon_deg, lat_deg FROM places"
        return await self._db.read(
            lambda db: {VehicleId(name): (unit, (lon, lat)) for name, unit, lon, lat in db.execute(query)}
        )


def _add(db: apsw.Connection, fresh: Sequence[Fresh], now: datetime, places: Places) -> dict[RuleId, Loss]:
    losses = {}
    for each in fresh:
        rule_id = each.rule.id
        db.execute(
            "INSERT INTO standings (rule_id, cursor) VALUES (?, ?) "
            "ON CONFLICT (rule_id) DO UPDATE SET cursor = max(cursor, excluded.cursor)",
            (rule_id, each.cursor),
        )
        db.executemany(_ADD, (_row(rule_id, item) for item in each.items))
        losses[rule_id] = Loss(each.missed, each.unkept) + _trim(db, each.rule, now)
        _count(db, rule_id, lost_events=losses[rule_id].events, lost_telemetry=losses[rule_id].telemetry)
    rows = [(vehicle_id, unit, *place) for vehicle_id, (unit, place) in places.items()]
    db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)
    return {rule_id: loss for rule_id, loss in losses.items() if loss}


def _row(rule_id: RuleId, item: Item) -> tuple[str | int | bytes | None, ...]:
    size = len(item.body) + ROW_BYTES
    facts = (item.is_telemetry, item.what, item.unit, item.vehicle_id, time_text(item.at))
    return (rule_id, *facts, size, item.body)


def _trim(db: apsw.Connection, rule: Rule, now: datetime) -> Loss:
    """Drops what is too old, then as much of the oldest telemetry, and only then events, as the bytes ask for."""
    oldest = time_text(now - timedelta(seconds=rule.kept_s))
    query = "SELECT number FROM spool WHERE rule_id = ? AND telemetry = ? AND at < ?"
    lost = [0, 0]
    for telemetry in (1, 0):
        numbers = [row[0] for row in db.execute(query, (rule.id, telemetry, oldest))]
        numbers += list(_over(db, rule, telemetry, set(numbers)))
        _drop(db, numbers)
        lost[telemetry] = len(numbers)
    return Loss(events=lost[0], telemetry=lost[1])


def _over(db: apsw.Connection, rule: Rule, telemetry: int, gone: set[int]) -> Iterable[int]:
    """The numbers to drop of a lane, the oldest ones, so that the rule's spool fits again."""
    held = db.execute("SELECT spool_bytes FROM standings WHERE rule_id = ?", (rule.id,)).get
    over = int(held) - rule.spool_bytes
    rows = db.execute(
        "SELECT number, size FROM spool WHERE rule_id = ? AND telemetry = ? ORDER BY number", (rule.id, telemetry)
    )
    for number, size in rows:
        if over <= 0:
            return
        over -= size
        if number not in gone:
            yield number


def _drop(db: apsw.Connection, numbers: Iterable[int]) -> None:
    db.executemany("DELETE FROM spool WHERE number = ?", [(number,) for number in numbers])


def _count(db: apsw.Connection, rule_id: RuleId, **more: int) -> None:
    sums = ", ".join(f"{name} = {name} + ?" for name in more)
    db.execute(f"UPDATE standings SET {sums} WHERE rule_id = ?", (*more.values(), rule_id))  # noqa: S608 - our names


def _waiting(db: apsw.Connection, rule_id: RuleId, telemetry: bool, limit: int) -> tuple[Item, ...]:
    query = (
        "SELECT number, what, unit, vehicle_id, at, body FROM spool WHERE rule_id = ? AND telemetry = ? "
        "ORDER BY number LIMIT ?"
    )
    return tuple(
        Item(What(what), unit, vehicle_id, body, datetime.fromisoformat(at), number)
        for number, what, unit, vehicle_id, at, body in db.execute(query, (rule_id, telemetry, limit))
    )


def _delivered(db: apsw.Connection, rule_id: RuleId, items: Sequence[Item], at: datetime, dead: bool) -> None:
    _drop(db, (item.number for item in items))
    reports = sum(item.is_telemetry for item in items)
    if dead:
        _count(db, rule_id, dead=len(items))
        return
    _count(db, rule_id, sent_events=len(items) - reports, sent_telemetry=reports)
    db.execute("UPDATE standings SET last_sent_at = ? WHERE rule_id = ?", (time_text(at), rule_id))


def _report(db: apsw.Connection, reports: Mapping[RuleId, Progress]) -> None:
    db.executemany("INSERT OR IGNORE INTO standings (rule_id) VALUES (?)", [(rule_id,) for rule_id in reports])
    db.executemany(
        "UPDATE standings SET state = ?, sent_telemetry = sent_telemetry + ?, "
        "last_sent_at = max(coalesce(last_sent_at, ''), coalesce(?, last_sent_at, '')), "
        "last_error = coalesce(?, last_error), last_error_at = coalesce(?, last_error_at) WHERE rule_id = ?",
        [
            (each.state, each.sent_telemetry, _text(each.last_sent_at), each.error, _text(each.error_at), rule_id)
            for rule_id, each in reports.items()
        ],
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _standings(db: apsw.Connection) -> dict[RuleId, Standing]:
    columns = (
        "cursor, state, sent_events, sent_telemetry, lost_events, lost_telemetry, dead, waiting_events, "
        "waiting_telemetry, spool_bytes"
    )
    oldest = "(SELECT min(at) FROM spool WHERE spool.rule_id = standings.rule_id AND telemetry = 0)"
    query = f"SELECT rule_id, {oldest}, last_sent_at, last_error, last_error_at, {columns} FROM standings"  # noqa: S608
    found = {}
    for rule_id, oldest_at, sent_at, error, error_at, *counts in db.execute(query):
        told = dict(zip(columns.split(", "), counts, strict=True)) | {"state": State(str(counts[1]))}
        told |= {"oldest_at": _time(oldest_at), "last_sent_at": _time(sent_at), "last_error_at": _time(error_at)}
        found[RuleId(rule_id)] = Standing(**told, last_error=error)
    return found


def _forget(db: apsw.Connection, keep: Sequence[RuleId]) -> None:
    known = [row[0] for row in db.execute("SELECT rule_id FROM standings")]
    for rule_id in set(known) - set(keep):
        db.execute("DELETE FROM spool WHERE rule_id = ?", (rule_id,))
        db.execute("DELETE FROM standings WHERE rule_id = ?", (rule_id,))


@asynccontextmanager
async def open_spool(data_dir: Path) -> AsyncIterator[SqliteSpool]:
    """The spool in a data folder, made first where there is none."""
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    database = Database(data_dir / FILE, name="forwarding-spool")
    try:
        await database.write(lambda db: db.execute(_SCHEMA).fetchall())
        yield SqliteSpool(database)
    finally:
        await database.close()
