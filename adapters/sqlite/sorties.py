"""Statements on sorties, their tracks and the command journal; each runs in the database's thread."""

from __future__ import annotations

import apsw

from adapters.sqlite.rows import TRACK_COLUMNS, body, time_text, track_point, value
from core.errors import IdempotencyKeyReused, NotFound, StaleRevision, VehicleBusy
from core.ids import SortieId, VehicleId
from missions.model import CommandRecord, Sortie, TrackPoint
from missions.sortie import is_finished


def unfinished_of(db: apsw.Connection, vehicle_id: VehicleId) -> str | None:
    """In words, the sortie that the vehicle is on."""
    query = "SELECT id, state FROM sorties WHERE vehicle_id = ? AND finished = 0"
    found = db.execute(query, (vehicle_id,)).fetchone()
    return None if found is None else f"sortie {found[0]} is {found[1]}"


def add_sortie(db: apsw.Connection, new: Sortie, key: str, digest: str) -> Sortie:
    before = sortie_for_key(db, key, digest)
    if before is not None:
        return before
    flying = unfinished_of(db, new.vehicle_id)
    if flying is not None:
        raise VehicleBusy(new.vehicle_id, flying)
    db.execute(
        "INSERT INTO sorties VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id, new.mission_id, new.revision, new.vehicle_id, new.state, is_finished(new.state),
            time_text(new.created_at), new.row_revision, body(new),
        ),
    )  # fmt: skip
    db.execute("INSERT INTO sortie_keys VALUES (?, ?, ?)", (key, digest, new.id))
    return new


def sortie_for_key(db: apsw.Connection, key: str, digest: str) -> Sortie | None:
    row = db.execute("SELECT digest, sortie_id FROM sortie_keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise IdempotencyKeyReused(key)
    return sortie(db, SortieId(row[1]))


def save_sortie(db: apsw.Connection, changed: Sortie) -> None:
    db.execute(
        "UPDATE sorties SET state = ?, finished = ?, row_revision = ?, body = ? WHERE id = ? AND row_revision = ?",
        (
            changed.state, is_finished(changed.state), changed.row_revision, body(changed),
            changed.id, changed.row_revision - 1,
        ),
    )  # fmt: skip
    if db.changes() == 0:
        stored = sortie(db, changed.id)
        raise StaleRevision("sortie", changed.id, stored.row_revision, changed.row_revision - 1)


def sortie(db: apsw.Connection, sortie_id: SortieId) -> Sortie:
    row = db.execute("SELECT body FROM sorties WHERE id = ?", (sortie_id,)).fetchone()
    if row is None:
        raise NotFound("sortie", sortie_id)
    return value(row[0], Sortie)


def sorties(db: apsw.Connection, limit: int, unfinished_only: bool) -> tuple[Sortie, ...]:
    query = "SELECT body FROM sorties WHERE finished <= ? ORDER BY created_at DESC, rowid DESC LIMIT ?"
    rows = db.execute(query, (0 if unfinished_only else 1, limit))
    return tuple(value(text, Sortie) for (text,) in rows)


def sorties_before(db: apsw.Connection, sortie_id: SortieId) -> tuple[Sortie, ...]:
    query = (
        "SELECT body FROM sorties WHERE finished = 0 AND rowid < (SELECT rowid FROM sorties WHERE id = ?) "
        "ORDER BY rowid DESC"
    )
    return tuple(value(text, Sortie) for (text,) in db.execute(query, (sortie_id,)))


def track(db: apsw.Connection, sortie_id: SortieId) -> tuple[TrackPoint, ...]:
    """What was recorded before there was a database of its own for it."""
    columns = ", ".join(TRACK_COLUMNS)
    query = f"SELECT at, {columns} FROM track_points WHERE sortie_id = ? ORDER BY n"  # noqa: S608 - our own constant
    return tuple(track_point(row) for row in db.execute(query, (sortie_id,)))


def begin_command(db: apsw.Connection, new: CommandRecord, key: str | None) -> CommandRecord:
    row = db.execute("SELECT body FROM commands WHERE idempotency_key = ?", (key,)).fetchone()
    if row is not None:
        before = value(row[0], CommandRecord)
        if (before.vehicle_id, before.kind) != (new.vehicle_id, new.kind):
            raise IdempotencyKeyReused(key or "")
        return before
    db.execute(
        "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)",
        (new.id, new.vehicle_id, time_text(new.issued_at), new.state, key, body(new)),
    )
    return new


def finish_command(db: apsw.Connection, done: CommandRecord) -> None:
    db.execute("UPDATE commands SET state = ?, body = ? WHERE id = ?", (done.state, body(done), done.id))
    if db.changes() == 0:
        raise NotFound("command", done.id)


def newest_commands(db: apsw.Connection, limit: int) -> tuple[CommandRecord, ...]:
    query = "SELECT body FROM commands ORDER BY rowid DESC LIMIT ?"
    return tuple(value(text, CommandRecord) for (text,) in db.execute(query, (limit,)))


def commands(db: apsw.Connection, vehicle_id: VehicleId, limit: int) -> tuple[CommandRecord, ...]:
    query = "SELECT body FROM commands WHERE vehicle_id = ? ORDER BY issued_at DESC, rowid DESC LIMIT ?"
    return tuple(value(text, CommandRecord) for (text,) in db.execute(query, (vehicle_id, limit)))
