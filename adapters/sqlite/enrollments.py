"""Statements on enrolments, their wrapped keys, and what signing may not forget."""

from __future__ import annotations

import apsw

from adapters.sqlite.rows import body, value
from adapters.sqlite.sorties import unfinished_of
from core.errors import NotFound, StaleRevision, VehicleBusy
from core.ids import VehicleId
from missions.enrollment import Enrollment, SigningMemory, WrappedKeys, fits

# Our own time beside the vehicles'; no vehicle id has a space.
_OWN = "our own"


def enrollments(db: apsw.Connection, retired: bool, unit: str | None = None) -> tuple[Enrollment, ...]:
    query = "SELECT body FROM enrollments WHERE retired <= ? AND unit = coalesce(?, unit) ORDER BY id"
    return tuple(value(text, Enrollment) for (text,) in db.execute(query, (1 if retired else 0, unit)))


def save(db: apsw.Connection, wanted: Enrollment, wrapped: WrappedKeys | None) -> Enrollment:
    if wanted.retired_at is None:
        fits(wanted, enrollments(db, retired=False))
    row = db.execute("SELECT row_revision, body FROM enrollments WHERE id = ?", (wanted.id,)).fetchone()
    stored = 0 if row is None else int(row[0])
    if stored != wanted.row_revision - 1:
        raise StaleRevision("enrollment", wanted.id, stored, wanted.row_revision - 1)
    if row is None or not wanted.is_heard_like(value(row[1], Enrollment)):
        # A gateway that restarts in mid-flight looks for its vehicle where this row says that it is.
        flying = unfinished_of(db, wanted.id)
        if flying is not None:
            raise VehicleBusy(wanted.id, f"{flying}, and until it has ended it stays where it is heard")
    db.execute(
        "INSERT OR REPLACE INTO enrollments VALUES (?, ?, ?, ?)",
        (wanted.id, wanted.retired_at is not None, wanted.row_revision, body(wanted)),
    )
    if wrapped is not None:
        row = (wanted.id, wrapped.current, wrapped.next)
        db.execute("INSERT OR REPLACE INTO enrollment_keys VALUES (?, ?, ?)", row)
    db.execute("UPDATE enrollment_version SET version = version + 1")
    return wanted


def keys(db: apsw.Connection, vehicle_id: VehicleId) -> WrappedKeys:
    query = "SELECT current, next FROM enrollments LEFT JOIN enrollment_keys ON vehicle_id = id WHERE id = ?"
    row = db.execute(query, (vehicle_id,)).fetchone()
    if row is None:
        raise NotFound("enrollment", vehicle_id)
    return WrappedKeys(*row)


def version(db: apsw.Connection) -> int:
    return int(db.execute("SELECT version FROM enrollment_version").get)


def signing_memory(db: apsw.Connection) -> SigningMemory:
    times = {str(name): int(ticks) for name, ticks in db.execute("SELECT name, ticks FROM signing_times")}
    links = {str(name): int(number) for name, number in db.execute("SELECT name, link_id FROM signing_links")}
    clock = times.pop(_OWN, 0)
    return SigningMemory(clock, links, {VehicleId(name): ticks for name, ticks in times.items()})


def remember_signing(db: apsw.Connection, memory: SigningMemory) -> None:
    raised = (
        "INSERT INTO signing_times VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET ticks = max(ticks, excluded.ticks)"
    )
    db.executemany(raised, [(_OWN, memory.clock), *memory.newest.items()])
    db.executemany("INSERT OR IGNORE INTO signing_links VALUES (?, ?)", list(memory.link_ids.items()))
