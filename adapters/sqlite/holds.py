"""Rows of holds on records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import apsw

from adapters.sqlite.rows import body, value
from core.errors import NotFound
from core.ids import OperatorId, SortieId
from operations.recording.ports import Hold


def hold(db: apsw.Connection, new: Hold) -> Hold:
    held = holds(db, new.sortie_id, open_only=True)
    if held:
        return held[0]
    db.execute("INSERT INTO holds (sortie_id, is_open, body) VALUES (?, 1, ?)", (new.sortie_id, body(new)))
    return new


def release(db: apsw.Connection, sortie_id: SortieId, by: OperatorId, at: datetime) -> Hold:
    held = holds(db, sortie_id, open_only=True)
    if not held:
        raise NotFound("hold on the record of sortie", sortie_id)
    released = replace(held[0], released_by=by, released_at=at)
    db.execute(
        "UPDATE holds SET is_open = 0, body = ? WHERE sortie_id = ? AND is_open = 1", (body(released), sortie_id)
    )
    return released


def holds(db: apsw.Connection, sortie_id: SortieId | None, *, open_only: bool) -> tuple[Hold, ...]:
    query = "SELECT body FROM holds WHERE (?1 IS NULL OR sortie_id = ?1) AND is_open >= ?2 ORDER BY n"
    return tuple(value(text, Hold) for (text,) in db.execute(query, (sortie_id, int(open_only))))
