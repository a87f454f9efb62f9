"""Statements on recorded events; each runs in the telemetry database's thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import apsw

from adapters.sqlite.chunks import NOBODY, number, numbers
from adapters.sqlite.rows import body, value
from core.ids import VehicleId
from operations.recording.ports import RecordedEvent

_OF_ALL = "SELECT body FROM events WHERE at_us >= ?1 AND at_us < ?2 ORDER BY at_us, n LIMIT ?5"
_OF_ONE = (
    "SELECT body FROM events WHERE at_us >= ?1 AND at_us < ?2 AND vehicle IN (?3, ?4) ORDER BY at_us, n LIMIT ?5"
)


def note(db: apsw.Connection, events: Sequence[RecordedEvent], known: Mapping[str, int]) -> dict[str, int]:
    """Stores events and gives the numbers of their names."""
    names = {name for each in events for name in (each.vehicle_id, each.sortie_id) if name is not None}
    found = numbers(db, sorted(names), known)
    db.executemany(
        "INSERT INTO events (at_us, vehicle, sortie, body) VALUES (?, ?, ?, ?)",
        [
            (
                each.at_us,
                found.get(each.vehicle_id or "", NOBODY),
                found.get(each.sortie_id or "", NOBODY),
                body(each),
            )
            for each in events
        ],
    )
    return found


def events(
    db: apsw.Connection, from_us: int, to_us: int, vehicle_id: VehicleId | None, limit: int
) -> tuple[RecordedEvent, ...]:
    """In the order of time; of a vehicle: with those of the platform as a whole."""
    whose = None if vehicle_id is None else number(db, vehicle_id)
    rows = db.execute(_OF_ALL if whose is None else _OF_ONE, (from_us, to_us, whose, NOBODY, limit))
    return tuple(value(text, RecordedEvent) for (text,) in rows)


def expire(db: apsw.Connection, before_us: int, held: Collection[int], most: int) -> int:
    """Deletes the oldest events before a time that no held sortie has; gives how many."""
    spared = ",".join(str(int(each)) for each in held) or "NULL"
    query = (
        f"DELETE FROM events WHERE n IN (SELECT n FROM events WHERE at_us < ? AND (sortie IN ({spared})) IS NOT TRUE "  # noqa: S608 - numbers only
        "ORDER BY at_us LIMIT ?)"
    )
    db.execute(query, (before_us, most))
    return db.changes()
