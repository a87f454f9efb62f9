"""Statements on missions, revisions and airspace versions; each runs in the database's thread."""

from __future__ import annotations

import apsw
import msgspec

from adapters.sqlite.rows import StoredAirspace, body, time_text, value
from core.errors import NotFound, StaleRevision
from core.ids import MissionId
from geofence.zones import Airspace
from missions.model import Mission, Revision

MISSION_COLUMNS = "id, name, revision, created_at, created_by"


def add_mission(db: apsw.Connection, mission: Mission, first: Revision) -> None:
    db.execute(
        f"INSERT INTO missions ({MISSION_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - our own constant
        (mission.id, mission.name, mission.revision, time_text(mission.created_at), mission.created_by),
    )
    _insert_revision(db, first)


def _insert_revision(db: apsw.Connection, revision: Revision) -> None:
    db.execute("INSERT INTO revisions VALUES (?, ?, ?)", (revision.mission_id, revision.revision, body(revision)))


def add_revision(db: apsw.Connection, revision: Revision, based_on: int) -> Mission:
    newest = mission(db, revision.mission_id)
    if newest.revision != based_on:
        raise StaleRevision("mission", revision.mission_id, newest.revision, based_on)
    _insert_revision(db, revision)
    db.execute(
        "UPDATE missions SET revision = ?, name = ? WHERE id = ?",
        (revision.revision, revision.request.name, revision.mission_id),
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


def publish_airspace(db: apsw.Connection, new: Airspace) -> Airspace:
    newest = db.execute("SELECT coalesce(max(version), 0) FROM airspaces").get
    stored = StoredAirspace.of(new)
    db.execute("INSERT INTO airspaces VALUES (?, ?)", (newest + 1, body(stored)))
    return stored.airspace(newest + 1)


def airspace(db: apsw.Connection, version: int | None) -> Airspace:
    query = "SELECT version, body FROM airspaces WHERE ?1 IS NULL OR version = ?1 ORDER BY version DESC LIMIT 1"
    row = db.execute(query, (version,)).fetchone()
    if row is None:
        raise NotFound("airspace version", "newest" if version is None else str(version))
    return value(row[1], StoredAirspace).airspace(row[0])


def airspace_versions(db: apsw.Connection) -> tuple[Airspace, ...]:
    rows = db.execute("SELECT version, body FROM airspaces ORDER BY version DESC")
    return tuple(value(text, StoredAirspace).airspace(version) for version, text in rows)
