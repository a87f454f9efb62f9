"""Statements on missions and their revisions; each runs in the database's thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import apsw
import msgspec

from adapters.sqlite.rows import body, time_text, value
from core.errors import NotFound, StaleRevision
from core.ids import MissionId
from missions.model import Mission, Revision

MISSION_COLUMNS = "id, name, revision, created_at, created_by"


def add_mission(db: apsw.Connection, mission: Mission, first: Revision) -> None:
    db.execute(
        f"INSERT INTO missions ({MISSION_COLUMNS}, departs_at) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - our constant
        (
            mission.id, mission.name, mission.revision, time_text(mission.created_at), mission.created_by,
            _departure(first),
        ),
    )  # fmt: skip
    _insert_revision(db, first)


def _departure(revision: Revision) -> str | None:
    return time_text(revision.request.departs_at) if revision.request.departs_at else None


def _insert_revision(db: apsw.Connection, revision: Revision) -> None:
    db.execute("INSERT INTO revisions VALUES (?, ?, ?)", (revision.mission_id, revision.revision, body(revision)))


def add_revision(db: apsw.Connection, revision: Revision, based_on: int) -> Mission:
    newest = mission(db, revision.mission_id)
    if newest.revision != based_on:
        raise StaleRevision("mission", revision.mission_id, newest.revision, based_on)
    _insert_revision(db, revision)
    db.execute(
        "UPDATE missions SET revision = ?, name = ?, departs_at = ? WHERE id = ?",
        (revision.revision, revision.request.name, _departure(revision), revision.mission_id),
    )
    return mission(db, revision.mission_id)


def mission(db: apsw.Connection, mission_id: MissionId) -> Mission:
    query = f"SELECT {MISSION_COLUMNS} FROM missions WHERE id = ?"  # noqa: S608 - our own constant
    row = db.execute(query, (mission_id,)).fetchone()
    if row is None:
        raise NotFound("mission", mission_id)
    return _mission(row)


def _mission(row: tuple[object, ...]) -> Mission:
    return msgspec.convert(dict(zip(MISSION_COLUMNS.split(", "), row, strict=True)), Mission)


def missions(db: apsw.Connection, limit: int) -> tuple[Mission, ...]:
    query = f"SELECT {MISSION_COLUMNS} FROM missions ORDER BY created_at DESC, rowid DESC LIMIT ?"  # noqa: S608
    return tuple(_mission(row) for row in db.execute(query, (limit,)))


def revision(db: apsw.Connection, mission_id: MissionId, number: int) -> Revision:
    query = "SELECT body FROM revisions WHERE mission_id = ? AND revision = ?"
    row = db.execute(query, (mission_id, number)).fetchone()
    if row is None:
        raise NotFound("mission revision", f"{mission_id}/{number}")
    return value(row[0], Revision)


def revisions(db: apsw.Connection, wanted: Sequence[tuple[MissionId, int]]) -> tuple[Revision, ...]:
    query = "SELECT body FROM revisions WHERE mission_id = ? AND revision = ?"
    rows = (db.execute(query, key).fetchone() for key in wanted)
    return tuple(value(row[0], Revision) for row in rows if row is not None)


def newest_revisions(db: apsw.Connection, limit: int) -> tuple[Revision, ...]:
    query = (
        "SELECT body FROM missions JOIN revisions ON mission_id = id AND revisions.revision = missions.revision "
        "ORDER BY created_at DESC, missions.rowid DESC LIMIT ?"
    )
    return tuple(value(text, Revision) for (text,) in db.execute(query, (limit,)))


def departing(db: apsw.Connection, after: datetime, limit: int) -> tuple[tuple[MissionId, int], ...]:
    query = "SELECT id, revision FROM missions WHERE departs_at > ? ORDER BY departs_at LIMIT ?"
    return tuple((MissionId(name), number) for name, number in db.execute(query, (time_text(after), limit)))


def count(db: apsw.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM missions").get)
