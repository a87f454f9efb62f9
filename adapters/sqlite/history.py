"""What the journal's rows say of a time that is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import apsw

from adapters.sqlite.alarms import read_alarm
from adapters.sqlite.rows import time_text, value
from core.ids import VehicleId
from missions.model import CommandRecord, Sortie
from operations.recording.history import History

# What began so long before a span of time may have gone on in it.
LONGEST = timedelta(hours=12)
MOST_SORTIES, MOST_ALARMS, MOST_COMMANDS = 500, 5_000, 5_000

_SORTIES = (
    "SELECT body FROM sorties WHERE created_at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR vehicle_id = ?3) "
    "ORDER BY created_at DESC, rowid DESC LIMIT ?4"
)
_ALARMS = (
    "SELECT body, acknowledged_at, acknowledged_by FROM alarms "
    "WHERE began_at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR vehicle_id = ?3) ORDER BY began_at DESC, rowid DESC LIMIT ?4"
)
_COMMANDS = (
    "SELECT body FROM commands WHERE issued_at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR vehicle_id = ?3) "
    "ORDER BY issued_at DESC, rowid DESC LIMIT ?4"
)


def history(db: apsw.Connection, from_at: datetime, to_at: datetime, vehicle_id: VehicleId | None) -> History:
    """Of the time from `from_at` to `to_at`, in the order of time; the newest of each, when they are many."""
    long_before, until = time_text(from_at - LONGEST), time_text(to_at)
    sorties = [
        value(text, Sortie) for (text,) in db.execute(_SORTIES, (long_before, until, vehicle_id, MOST_SORTIES))
    ]
    alarms = [read_alarm(row) for row in db.execute(_ALARMS, (long_before, until, vehicle_id, MOST_ALARMS))]
    asked = (time_text(from_at), until, vehicle_id, MOST_COMMANDS)
    commands = [value(text, CommandRecord) for (text,) in db.execute(_COMMANDS, asked)]
    return History(
        tuple(each for each in reversed(sorties) if _goes_on(each, from_at)),
        tuple(each for each in reversed(alarms) if each.ended_at is None or each.ended_at >= from_at),
        tuple(reversed(commands)),
    )


def _goes_on(sortie: Sortie, at: datetime) -> bool:
    """Whether anything happened to it since, or it has not ended."""
    return sortie.outcome is None or not sortie.transitions or sortie.transitions[-1].at >= at
