"""Packets into the vehicle's one record: a pure function, so that a captured log can test it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from telemetry.columns import COLUMN, FAST
from telemetry.messages import Landed, VehicleState
from telemetry.packets import (
    Attitude,
    AutopilotVersion,
    EkfStatus,
    ExtendedSysState,
    FenceStatus,
    GlobalPosition,
    GpsRaw,
    Heartbeat,
    HomePosition,
    Inbound,
    MissionCurrent,
    SysStatus,
    Vibration,
    mode_name,
)

# Below this speed the direction of the velocity is noise.
COURSE_FROM_MPS = 0.5
# MAV_LANDED_STATE, in its order.
_LANDED = (Landed.UNKNOWN, Landed.ON_GROUND, Landed.IN_AIR, Landed.TAKING_OFF, Landed.LANDING)
_PLACE = FAST[COLUMN["lat_deg"] : COLUMN["east_mps"] + 1]
_LEAN = FAST[COLUMN["roll_deg"] : COLUMN["pitch_deg"] + 1]
_POWER = FAST[COLUMN["battery_pct"] :]


def is_position(packet: Inbound) -> bool:
    """Whether `packet` is a position that may be believed: finite, in range, and not the 0/0 of a missing fix."""
    return (
        isinstance(packet, GlobalPosition)
        and abs(packet.lat_deg) <= 90.0
        and abs(packet.lon_deg) <= 180.0
        and (packet.lat_deg, packet.lon_deg) != (0.0, 0.0)
    )


def is_place_e7(lat_e7: int, lon_e7: int) -> bool:
    """The same of a place as MAVLink carries it."""
    return abs(lat_e7) <= 900_000_000 and abs(lon_e7) <= 1_800_000_000 and (lat_e7 != 0 or lon_e7 != 0)


def fold(  # noqa: C901, PLR0912 - one flat case per message
    state: VehicleState, packet: Inbound, *, pad_agl_m: float
) -> VehicleState:
    """`state` with what `packet` tells. `pad_agl_m`: height of home above the ground, for the height above ground."""
    match packet:
        case Heartbeat():
            return replace(state, armed=packet.armed, mode=mode_name(packet.custom_mode))
        case GlobalPosition() if is_position(packet):
            return _with(state, _PLACE, position_numbers(packet, pad_agl_m))
        case Attitude():
            return _with(state, _LEAN, attitude_numbers(packet))
        case SysStatus():
            told = replace(state, prearm_ok=packet.prearm_ok, fence_enabled=packet.fence_enabled)
            return _with(told, _POWER, power_numbers(packet))
        case GpsRaw():
            return replace(state, gps_fix=packet.fix, satellites=packet.satellites, hdop=packet.hdop)
        case MissionCurrent():
            return replace(state, mission_seq=packet.seq, mission_total=packet.total)
        case ExtendedSysState():
            known = 0 <= packet.landed_state < len(_LANDED)
            return replace(state, landed=_LANDED[packet.landed_state] if known else Landed.UNKNOWN)
        case EkfStatus():
            return replace(state, position_ok=packet.position_ok)
        case Vibration():
            return replace(state, vibration_mps2=packet.level_mps2)
        case HomePosition():
            return replace(
                state, home_lat_deg=packet.lat_deg, home_lon_deg=packet.lon_deg, home_amsl_m=packet.alt_amsl_m
            )
        case FenceStatus():
            return replace(state, fence_breached=packet.breached)
        case AutopilotVersion():
            return replace(state, firmware=packet.firmware, uid=packet.uid)
        case _:
            return state


def _with(state: VehicleState, names: Sequence[str], numbers: Sequence[float | None]) -> VehicleState:
    fields: dict[str, Any] = dict(zip(names, numbers, strict=True))
    return replace(state, **fields)


def position_numbers(packet: GlobalPosition, pad_agl_m: float) -> tuple[float | None, ...]:
    """The quick numbers that a position tells, in the order of `columns.FAST`."""
    speed = math.hypot(packet.north_mps, packet.east_mps)
    course_deg = round(math.degrees(math.atan2(packet.east_mps, packet.north_mps)) % 360.0, 1)
    return (
        packet.lat_deg,
        packet.lon_deg,
        packet.alt_amsl_m,
        packet.alt_rel_m,
        packet.alt_rel_m + pad_agl_m,
        packet.heading_deg,
        course_deg if speed >= COURSE_FROM_MPS else None,
        round(speed, 2),
        -packet.down_mps,
        packet.north_mps,
        packet.east_mps,
    )


def attitude_numbers(packet: Attitude) -> tuple[float, float]:
    """Likewise, of an attitude."""
    return round(packet.roll_deg, 1), round(packet.pitch_deg, 1)


def power_numbers(packet: SysStatus) -> tuple[float | None, ...]:
    """Likewise, of the battery."""
    return packet.battery_pct, packet.battery_v, packet.battery_a
