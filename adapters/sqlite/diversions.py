"""Statements on diversions; each runs in the database's thread."""

from __future__ import annotations

import apsw

from adapters.sqlite.rows import body, value
from core.errors import NotFound, StaleRevision
from core.ids import DiversionId, SortieId
from missions.manoeuvre import Diversion


def add_diversion(db: apsw.Connection, new: Diversion) -> None:
    db.execute(
        "INSERT INTO diversions (id, sortie_id, row_revision, body) VALUES (?, ?, ?, ?)",
        (new.id, new.sortie_id, new.row_revision, body(new)),
    )


def save_diversion(db: apsw.Connection, changed: Diversion) -> None:
    db.execute(
        "UPDATE diversions SET row_revision = ?, body = ? WHERE id = ? AND row_revision = ?",
        (changed.row_revision, body(changed), changed.id, changed.row_revision - 1),
    )
    if db.changes() == 0:
        stored = diversion(db, changed.id)
        raise StaleRevision("diversion", changed.id, stored.row_revision, changed.row_revision - 1)


def diversion(db: apsw.Connection, diversion_id: DiversionId) -> Diversion:
    row = db.execute("SELECT body FROM diversions WHERE id = ?", (diversion_id,)).fetchone()
    if row is None:
        raise NotFound("diversion", diversion_id)
    return value(row[0], Diversion)


def diversions(db: apsw.Connection, sortie_id: SortieId) -> tuple[Diversion, ...]:
    rows = db.execute("SELECT body FROM diversions WHERE sortie_id = ? ORDER BY n", (sortie_id,))
    return tuple(value(text, Diversion) for (text,) in rows)
