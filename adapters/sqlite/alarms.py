"""Rows of alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import apsw

from adapters.sqlite.rows import body, time_text, value
from core.errors import NotFound
from core.ids import AlarmId, OperatorId, VehicleId
from operations.alarms import Alarm

_ONE = "SELECT body, acknowledged_at, acknowledged_by FROM alarms WHERE id = ?"
_NEWEST = (
    "SELECT body, acknowledged_at, acknowledged_by FROM alarms "
    "WHERE is_open >= ? AND vehicle_id = coalesce(?, vehicle_id) ORDER BY began_at DESC, rowid DESC LIMIT ?"
)


def save_alarm(db: apsw.Connection, alarm: Alarm) -> Alarm:
    plain = replace(alarm, acknowledged_at=None, acknowledged_by=None)
    row = (alarm.id, alarm.vehicle_id, time_text(alarm.began_at), alarm.is_open, alarm.severity, body(plain))
    db.execute(
        "INSERT INTO alarms (id, vehicle_id, began_at, is_open, severity, body) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body, "
        "acknowledged_at = CASE WHEN severity = excluded.severity THEN acknowledged_at END, "
        "acknowledged_by = CASE WHEN severity = excluded.severity THEN acknowledged_by END, "
        "severity = excluded.severity",
        row,
    )
    return _alarm(db, alarm.id)


def acknowledge_alarm(db: apsw.Connection, alarm_id: AlarmId, by: OperatorId, at: datetime) -> Alarm:
    db.execute(
        "UPDATE alarms SET acknowledged_at = ?, acknowledged_by = ? WHERE id = ? AND acknowledged_at IS NULL",
        (time_text(at), by, alarm_id),
    )
    return _alarm(db, alarm_id)


def alarms(db: apsw.Connection, limit: int, open_only: bool, vehicle_id: VehicleId | None) -> tuple[Alarm, ...]:
    return tuple(read_alarm(row) for row in db.execute(_NEWEST, (1 if open_only else 0, vehicle_id, limit)))


def _alarm(db: apsw.Connection, alarm_id: AlarmId) -> Alarm:
    row = db.execute(_ONE, (alarm_id,)).fetchone()
    if row is None:
        raise NotFound("alarm", alarm_id)
    return read_alarm(row)


def read_alarm(row: tuple[object, ...]) -> Alarm:
    text, at, by = row
    alarm = value(str(text), Alarm)
    if at is None:
        return alarm
    return replace(alarm, acknowledged_at=datetime.fromisoformat(str(at)), acknowledged_by=OperatorId(str(by)))
