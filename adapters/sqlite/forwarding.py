"""Forwarding rules and the outbox in the platform's own database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import apsw

from adapters.sqlite.database import Database
from adapters.sqlite.rows import body, time_text, value
from core.errors import NotFound, Overloaded, StaleRevision
from operations.forwarding.ports import MAX_OUTBOX, OutboxRow
from operations.forwarding.rules import MAX_RULES, Rule, RuleId, What

_APPEND = "INSERT INTO outbox (what, stored_at, body) SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM forwarding_rules)"


class SqliteForwarding:
    """The `RuleStore` and the `Outbox` of `operations.forwarding.ports` on the platform's connections."""

    def __init__(self, writer: Database, reader: Database) -> None:
        self._writer = writer
        self._reader = reader

    async def rules(self) -> Sequence[Rule]:
        return await self._reader.read(_rules)

    async def save_rule(self, rule: Rule, secrets: bytes | None) -> Rule:
        return await self._writer.write(lambda db: _save_rule(db, rule, secrets))

    async def rule_secrets(self, rule_id: RuleId) -> bytes | None:
        query = "SELECT secrets FROM forwarding_rules WHERE id = ?"
        row = await self._reader.read(lambda db: db.execute(query, (rule_id,)).fetchone())
        return None if row is None else row[0]

    async def remove_rule(self, rule_id: RuleId) -> None:
        await self._writer.write(lambda db: _remove_rule(db, rule_id))

    async def rules_version(self) -> int:
        return await self._reader.read(lambda db: int(db.execute("SELECT version FROM forwarding_version").get))

    async def wanted(self) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM forwarding_rules)"
        return bool(await self._reader.read(lambda db: db.execute(query).get))

    async def append(self, what: What, bodies: Sequence[bytes], at: datetime) -> None:
        await self._writer.write(lambda db: _append(db, what, bodies, at))

    async def after(self, number: int, *, limit: int) -> Sequence[OutboxRow]:
        return await self._reader.read(lambda db: _after(db, number, limit))

    async def prune(self, upto: int) -> None:
        await self._writer.write(lambda db: db.execute("DELETE FROM outbox WHERE number <= ?", (upto,)).fetchall())

    async def stream(self) -> str:
        return await self._reader.read(lambda db: str(db.execute("SELECT stream FROM forwarding_version").get))


def _rules(db: apsw.Connection) -> tuple[Rule, ...]:
    return tuple(value(text, Rule) for (text,) in db.execute("SELECT body FROM forwarding_rules ORDER BY rowid"))


def _save_rule(db: apsw.Connection, rule: Rule, secrets: bytes | None) -> Rule:
    row = db.execute("SELECT row_revision FROM forwarding_rules WHERE id = ?", (rule.id,)).fetchone()
    stored = 0 if row is None else int(row[0])
    if stored != rule.row_revision - 1:
        raise StaleRevision("forwarding rule", rule.id, stored, rule.row_revision - 1)
    if row is None:
        if int(db.execute("SELECT count(*) FROM forwarding_rules").get) >= MAX_RULES:
            raise Overloaded(f"There are {MAX_RULES} forwarding rules already")
        rule = replace(rule, since=_newest(db))
    db.execute(
        "INSERT INTO forwarding_rules VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "row_revision = excluded.row_revision, body = excluded.body, secrets = excluded.secrets",
        (rule.id, rule.row_revision, body(rule), secrets),
    )
    _changed(db)
    return rule


def _newest(db: apsw.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'").get)


def _remove_rule(db: apsw.Connection, rule_id: RuleId) -> None:
    db.execute("DELETE FROM forwarding_rules WHERE id = ?", (rule_id,))
    if db.changes() == 0:
        raise NotFound("forwarding rule", rule_id)
    # Nobody waits for what is left there once the last one is gone.
    db.execute("DELETE FROM outbox WHERE NOT EXISTS (SELECT 1 FROM forwarding_rules)")
    _changed(db)


def _changed(db: apsw.Connection) -> None:
    db.execute("UPDATE forwarding_version SET version = version + 1")


def _append(db: apsw.Connection, what: What, bodies: Sequence[bytes], at: datetime) -> None:
    db.executemany(_APPEND, [(what, time_text(at), each.decode()) for each in bodies])
    db.execute("DELETE FROM outbox WHERE number <= ?", (_newest(db) - MAX_OUTBOX,))


def _after(db: apsw.Connection, number: int, limit: int) -> tuple[OutboxRow, ...]:
    query = "SELECT number, what, stored_at, body FROM outbox WHERE number > ? ORDER BY number LIMIT ?"
    return tuple(
        OutboxRow(int(at), What(what), datetime.fromisoformat(stored), text.encode())
        for at, what, stored, text in db.execute(query, (number, limit))
    )
