"""A mission, a sortie and their parts, made by the real planner, for tests of what stores and shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from core.geo import LatLon
from core.ids import CommandId, MissionId, OperatorId, SortieId, VehicleId
from geofence.qingpu import default_airspace, default_terrain
from missions.fleet import default_airframe, default_docks
from missions.model import (
    CommandRecord,
    Mission,
    MissionRequest,
    Pattern,
    Plan,
    Revision,
    Sortie,
    SortieState,
    TrackPoint,
)
from missions.planner import Conditions, plan
from missions.request import request_feature
from operations.recording.ports import Batch
from operations.recording.rows import KEYED
from operations.recording.tracks import micros_of
from telemetry.board import Seen, seen_with
from telemetry.columns import row_of
from telemetry.intake import Intake
from telemetry.messages import VehicleState

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
OPERATOR = OperatorId("tester")
DOCK = default_docks()[0]
REQUEST = MissionRequest(
    name="河道巡查",
    dock_id=DOCK.id,
    pattern=Pattern.ROUTE,
    alt_m=60.0,
    speed_mps=8.0,
    line=(
        LatLon(DOCK.place.lat_deg + 0.001, DOCK.place.lon_deg + 0.001),
        LatLon(DOCK.place.lat_deg + 0.002, DOCK.place.lon_deg + 0.001),
    ),
)


CONDITIONS = Conditions(AT, terrain=default_terrain())


def a_plan() -> Plan:
    return plan(REQUEST, DOCK, default_airspace(), default_airframe(), CONDITIONS)


def a_feature(**properties: Any) -> dict[str, Any]:
    feature = request_feature(REQUEST)
    feature["properties"] |= properties
    return feature


def a_revision(mission_id: str = "mission-1", number: int = 1, *, request: MissionRequest = REQUEST) -> Revision:
    return Revision(MissionId(mission_id), number, request, a_plan(), AT, OPERATOR)


def a_mission(mission_id: str = "mission-1", *, minutes: int = 0) -> Mission:
    return Mission(MissionId(mission_id), REQUEST.name, 1, AT + timedelta(minutes=minutes), OPERATOR)


def a_sortie(sortie_id: str = "sortie-1", *, vehicle: str = "bl-01", minutes: int = 0, **changes: Any) -> Sortie:
    sortie = Sortie(
        id=SortieId(sortie_id),
        mission_id=MissionId("mission-1"),
        revision=1,
        mission_name=REQUEST.name,
        vehicle_id=VehicleId(vehicle),
        state=SortieState.PLANNED,
        created_at=AT + timedelta(minutes=minutes),
        created_by=OPERATOR,
    )
    return replace(sortie, **changes)


def a_track_point(second: int = 0, *, lon_deg: float = 121.124) -> TrackPoint:
    at = AT + timedelta(seconds=second)
    return TrackPoint(at, round(31.139 + second * 1e-5, 7), lon_deg, 64.0, 60.0, 8.0, 0.0, 90.0, 88.5, "AUTO", 2)


def a_batch(points: Sequence[TrackPoint], sortie_id: str = "sortie-1", vehicle_id: str = "bl-01") -> Batch:
    """The points of a sortie as they are recorded."""
    intake = Intake()
    for each in points:
        state = VehicleState(
            VehicleId(vehicle_id), "one", None, 11, "fleet", "quad",
            lat_deg=each.lat_deg, lon_deg=each.lon_deg, alt_amsl_m=each.alt_amsl_m, alt_rel_m=each.alt_rel_m,
            ground_speed_mps=each.ground_speed_mps, climb_mps=each.climb_mps, heading_deg=each.heading_deg,
            battery_pct=each.battery_pct, mode=each.mode, mission_seq=each.mission_seq,
            sortie_id=SortieId(sortie_id),
        )  # fmt: skip
        intake.put(state, seen_of(state), micros_of(each.at), heartbeat_age_s=0.5)
    return intake.take() or Batch((), np.empty(0, KEYED))


def seen_of(state: VehicleState) -> Seen:
    """The quick numbers of a record as a vehicle gives them."""
    return seen_with(row_of(state))


def a_command(command_id: str = "command-1", *, minutes: int = 0) -> CommandRecord:
    at = AT + timedelta(minutes=minutes)
    return CommandRecord(CommandId(command_id), VehicleId("bl-01"), None, "return", at, OPERATOR)
