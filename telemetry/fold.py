"""Packets into the vehicle's one record: a pure function, so that a captured log can test it."""

from __future__ import annotations

import math
from dataclasses import replace

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
_COURSE_FROM_MPS = 0.5
# MAV_LANDED_STATE, in its order.
_LANDED = (Landed.UNKNOWN, Landed.ON_GROUND, Landed.IN_AIR, Landed.TAKING_OFF, Landed.LANDING)


def is_position(packet: Inbound) -> bool:
    """Whether `packet` is a position that may be believed: finite, in range, and not the 0/0 of a missing fix."""
    return (
        isinstance(packet, GlobalPosition)
        and abs(packet.lat_deg) <= 90.0
        and abs(packet.lon_deg) <= 180.0
        and (packet.lat_deg, packet.lon_deg) != (0.0, 0.0)
    )


def fold(  # noqa: C901, PLR0912 - one flat case per message
    state: VehicleState, packet: Inbound, *, pad_agl_m: float
) -> VehicleState:
    """`state` with what `packet` tells. `pad_agl_m`: height of home above the ground, for the height above ground."""
    match packet:
        case Heartbeat():
            return replace(state, armed=packet.armed, mode=mode_name(packet.custom_mode))
        case GlobalPosition() if is_position(packet):
            return _with_position(state, packet, pad_agl_m)
        case Attitude():
            return replace(state, roll_deg=round(packet.roll_deg, 1), pitch_deg=round(packet.pitch_deg, 1))
        case SysStatus():
            return replace(
                state,
                battery_v=packet.battery_v,
                battery_a=packet.battery_a,
                battery_pct=packet.battery_pct,
                prearm_ok=packet.prearm_ok,
                fence_enabled=packet.fence_enabled,
            )
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


def _with_position(state: VehicleState, packet: GlobalPosition, pad_agl_m: float) -> VehicleState:
    speed = math.hypot(packet.north_mps, packet.east_mps)
    moving = speed >= _COURSE_FROM_MPS
    return replace(
        state,
        lat_deg=packet.lat_deg,
        lon_deg=packet.lon_deg,
        alt_amsl_m=packet.alt_amsl_m,
        alt_rel_m=packet.alt_rel_m,
        alt_agl_m=packet.alt_rel_m + pad_agl_m,
        heading_deg=packet.heading_deg,
        course_deg=round(math.degrees(math.atan2(packet.east_mps, packet.north_mps)) % 360.0, 1) if moving else None,
        ground_speed_mps=round(speed, 2),
        climb_mps=-packet.down_mps,
        north_mps=packet.north_mps,
        east_mps=packet.east_mps,
    )
