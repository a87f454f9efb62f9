"""What other systems read: CloudEvents 1.0 as JSON, and in them our own documented, versioned members.

Source: CloudEvents 1.0.2, sections 3.1 (attributes) and the JSON event format; docs/forwarding.md lists the members.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from core.ids import VehicleId
from missions.model import CommandRecord, Sortie
from operations.alarms import Alarm, Severity
from operations.forwarding.matching import Happening
from operations.forwarding.ports import OutboxRow
from operations.forwarding.rules import What
from telemetry.messages import FleetEvent, TrafficNews

TYPES = {
    What.TELEMETRY: "bailu.telemetry.v1",
    What.EVENTS: "bailu.event.v1",
    What.ALARMS: "bailu.alarm.v1",
    What.SORTIES: "bailu.sortie.v1",
    What.COMMANDS: "bailu.command.v1",
    What.TRAFFIC: "bailu.traffic.v1",
}
# Of a sortie's record; the rest is asked for with its id.
_SORTIE = (
    "mission_id", "revision", "mission_name", "vehicle_id", "state", "outcome", "created_at", "created_by",
    "approved_by", "armed_at", "landed_at", "waypoints_total", "waypoints_reached", "waypoints_skipped", "distance_m",
    "breaches", "battery_start_pct", "battery_end_pct", "continues", "diversion_id",
)  # fmt: skip
_json = msgspec.json.Encoder()


class TelemetryData(msgspec.Struct, frozen=True, kw_only=True):
    """State of one vehicle, `data` of `bailu.telemetry.v1`. null: not known. WGS-84; altitudes as their names say.

    `at`: of the platform's tick; `position_age_s`, `heard_age_s`: how old position and vehicle's last word were then.
    `backfill`: it was kept while the target was away and is sent late.
    """

    vehicle_id: str
    name: str
    unit: str | None
    at: datetime
    link: str
    heard_age_s: float | None
    position_age_s: float | None
    lat_deg: float | None
    lon_deg: float | None
    alt_amsl_m: float | None
    alt_rel_m: float | None
    alt_agl_m: float | None
    heading_deg: float | None
    course_deg: float | None
    ground_speed_mps: float | None
    climb_mps: float | None
    battery_pct: float | None
    battery_v: float | None
    mode: str | None
    armed: bool | None
    landed: str
    gps_fix: int | None
    satellites: int | None
    sortie_id: str | None
    waypoints_reached: int | None
    waypoints_total: int | None
    backfill: bool = False


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The envelope. `sequence`: rises with every event of a source (the CloudEvents extension of that name)."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    datacontenttype: str | None = None
    severity: str | None = None
    sequence: str | None = None
    data: msgspec.Raw


def source_of(stream: str) -> str:
    """Who speaks: this outbox, and no other one."""
    return f"urn:bailu:{stream}"


def event_bytes(happening: Happening, source: str) -> bytes:
    """One happening as a CloudEvent; the same happening always has the same id."""
    number = f"{happening.number:012}"
    return _json.encode(
        CloudEvent(
            specversion="1.0",
            id=number,
            source=source,
            type=TYPES[happening.what],
            time=happening.at,
            subject=f"vehicles/{happening.vehicle_id}" if happening.vehicle_id else None,
            datacontenttype="application/json",
            severity=happening.severity,
            sequence=number,
            data=msgspec.Raw(happening.data),
        )
    )


def telemetry_bytes(data: TelemetryData, source: str, number: int) -> bytes:
    """The state of a vehicle as a CloudEvent. `number`: of the tick."""
    return _json.encode(
        CloudEvent(
            specversion="1.0",
            id=f"{data.vehicle_id}-{data.at.timestamp():.3f}-{number}",
            source=source,
            type=TYPES[What.TELEMETRY],
            time=data.at,
            subject=f"vehicles/{data.vehicle_id}",
            datacontenttype="application/json",
            data=msgspec.Raw(_json.encode(data)),
        )
    )


def happening_of(row: OutboxRow) -> Happening:
    """What a row of the outbox tells of. Raises msgspec.DecodeError when it is not one of ours."""
    match row.what:
        case What.ALARMS:
            return _of_alarm(row, msgspec.json.decode(row.body, type=Alarm))
        case What.SORTIES:
            return _of_sortie(row, msgspec.json.decode(row.body, type=Sortie))
        case What.COMMANDS:
            return _of_command(row, msgspec.json.decode(row.body, type=CommandRecord))
        case What.TRAFFIC:
            return _of_traffic(row, msgspec.json.decode(row.body, type=TrafficNews))
        case _:
            return _of_event(row, msgspec.json.decode(row.body, type=FleetEvent))


def _of_alarm(row: OutboxRow, alarm: Alarm) -> Happening:
    members = msgspec.to_builtins(alarm)
    members["alarm_id"] = members.pop("id")
    data = {"phase": _phase(alarm)} | members
    return _happening(row, str(alarm.kind), alarm.severity, alarm.vehicle_id, data)


def _phase(alarm: Alarm) -> str:
    if alarm.ended_at is not None:
        return "ended"
    return "open" if alarm.acknowledged_at is None else "acknowledged"


def _of_sortie(row: OutboxRow, sortie: Sortie) -> Happening:
    data = {"sortie_id": sortie.id, "row_revision": sortie.row_revision}
    data |= {name: getattr(sortie, name) for name in _SORTIE}
    data["last_step"] = sortie.transitions[-1] if sortie.transitions else None
    data["problem"] = None if sortie.problem is None else sortie.problem.get("detail")
    return _happening(row, str(sortie.state), None, sortie.vehicle_id, data)


def _of_command(row: OutboxRow, record: CommandRecord) -> Happening:
    members = msgspec.to_builtins(record)
    members["command_id"] = members.pop("id")
    del members["repeat"]  # what the platform itself needs to know after a crash
    return _happening(row, record.state, None, record.vehicle_id, members)


def _of_traffic(row: OutboxRow, news: TrafficNews) -> Happening:
    members = msgspec.to_builtins(news.conflict)
    members["conflict_id"] = members.pop("id")
    data = {"phase": news.phase, "at": news.at} | members
    named = [each.vehicle_id for each in (news.conflict.yields, news.conflict.first) if each.vehicle_id is not None]
    severity, first = _severity(news.conflict.severity), named[0] if named else None
    return _happening(row, "traffic", severity, first, data, at=news.at, others=tuple(named[1:]))


def _of_event(row: OutboxRow, event: FleetEvent) -> Happening:
    data = msgspec.to_builtins(event)
    return _happening(
        row, event.code, _severity(event.severity), event.vehicle_id, data, at=event.at, others=event.others
    )


def _severity(told: str) -> Severity:
    return Severity(told) if told in set(Severity) else Severity.INFO


def _happening(
    row: OutboxRow,
    code: str,
    severity: Severity | None,
    vehicle_id: VehicleId | None,
    data: dict[str, Any],
    *,
    at: datetime | None = None,
    others: tuple[VehicleId, ...] = (),
) -> Happening:
    encoded = _json.encode(data)
    return Happening(row.number, row.what, at or row.stored_at, code, severity, vehicle_id, encoded, others)
