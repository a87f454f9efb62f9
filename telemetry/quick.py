"""The messages that come all the time, read by `struct`: the same values as the codec's, for a fraction of its time.

Payloads are MAVLink 2's: zeros at their end were not sent. Layouts: MAVLink common.xml and ardupilotmega.xml.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from core.geo import from_e7
from telemetry.packets import (
    Attitude,
    EkfStatus,
    ExtendedSysState,
    FenceStatus,
    GlobalPosition,
    GpsRaw,
    Heartbeat,
    Inbound,
    MissionCurrent,
    MissionItemReached,
    RcChannels,
    StatusText,
    SysStatus,
    SystemTime,
    Timesync,
    Vibration,
)

HEARTBEAT, SYS_STATUS, SYSTEM_TIME, GPS_RAW_INT, ATTITUDE, GLOBAL_POSITION_INT = 0, 1, 2, 24, 30, 33
MISSION_CURRENT, MISSION_ITEM_REACHED, RC_CHANNELS, TIMESYNC, FENCE_STATUS = 42, 46, 65, 111, 162
EKF_STATUS_REPORT, VIBRATION, HOME_POSITION, EXTENDED_SYS_STATE, STATUSTEXT = 193, 241, 242, 245, 253

NO_AUTOPILOT = 8  # MAV_AUTOPILOT_INVALID
ARMED = 128  # MAV_MODE_FLAG_SAFETY_ARMED
PREARM = 0x10000000  # MAV_SYS_STATUS_PREARM_CHECK
GEOFENCE = 0x100000  # MAV_SYS_STATUS_GEOFENCE
POS_HORIZ_ABS, CONST_POS_MODE = 16, 128  # EKF_STATUS_FLAGS

_HEARTBEAT = struct.Struct("<IBBBBB")
_SYS_STATUS = struct.Struct("<IIIHHhHHHHHHb")
_GPS_RAW = struct.Struct("<QiiiHHHHBB")
_ATTITUDE = struct.Struct("<Ifff")
_POSITION = struct.Struct("<IiiiihhhH")
_VIBRATION = struct.Struct("<Qfff")
_EKF = struct.Struct("<5fH")
_FENCE = struct.Struct("<IHB")
_RC = struct.Struct("<I18HBB")
_BOOT_AND_PLACE = struct.Struct("<Iii")
_MISSION = struct.Struct("<HH")
_SYSTEM_TIME = struct.Struct("<QI")
_TIMESYNC = struct.Struct("<qq")
_TEXT = struct.Struct("<B50sHB")

Read = Callable[[bytes], Inbound]


def boot_and_place(payload: bytes) -> tuple[int, int, int]:
    """Of a GLOBAL_POSITION_INT: milliseconds since boot, latitude and longitude in 1e-7 degrees."""
    boot_ms, lat_e7, lon_e7 = _BOOT_AND_PLACE.unpack_from(payload if len(payload) >= 12 else payload.ljust(12, b"\0"))
    return boot_ms, lat_e7, lon_e7


def _heartbeat(payload: bytes) -> Heartbeat:
    mode, _, autopilot, base_mode, status, _ = _HEARTBEAT.unpack_from(payload.ljust(9, b"\0"))
    return Heartbeat(autopilot != NO_AUTOPILOT, bool(base_mode & ARMED), mode, status)


def _sys_status(payload: bytes) -> SysStatus:
    present, enabled, health, _, volts, amps, *_, pct = _SYS_STATUS.unpack_from(payload.ljust(31, b"\0"))
    return SysStatus(
        battery_v=None if volts == 0xFFFF else volts / 1000,
        battery_a=None if amps < 0 else amps / 100,
        battery_pct=None if pct < 0 else float(pct),
        prearm_ok=bool(health & PREARM) if present & PREARM else None,
        fence_enabled=bool(enabled & GEOFENCE) if present & GEOFENCE else None,
    )


def _gps_raw(payload: bytes) -> GpsRaw:
    *_, eph, _, _, _, fix, satellites = _GPS_RAW.unpack_from(payload.ljust(30, b"\0"))
    return GpsRaw(fix, None if satellites == 255 else satellites, None if eph == 0xFFFF else eph / 100)


def _attitude(payload: bytes) -> Attitude:
    _, roll, pitch, yaw = _ATTITUDE.unpack_from(payload.ljust(28, b"\0"))
    return Attitude(math.degrees(roll), math.degrees(pitch), math.degrees(yaw) % 360.0)


def _position(payload: bytes) -> GlobalPosition:
    boot_ms, lat, lon, alt, rel, vx, vy, vz, hdg = _POSITION.unpack_from(payload.ljust(28, b"\0"))
    heading_deg = None if hdg == 0xFFFF else hdg / 100
    return GlobalPosition(
        boot_ms, from_e7(lat), from_e7(lon), alt / 1000, rel / 1000, vx / 100, vy / 100, vz / 100, heading_deg
    )


def _mission_current(payload: bytes) -> MissionCurrent:
    # `total` is an extension: 0 means "not supported", 65535 "no mission".
    seq, total = _MISSION.unpack_from(payload.ljust(4, b"\0"))
    return MissionCurrent(seq, None if total in (0, 0xFFFF) else total)


def _rc_channels(payload: bytes) -> RcChannels:
    _, *widths, count, _ = _RC.unpack_from(payload.ljust(42, b"\0"))
    return RcChannels(tuple(widths[: min(count, 18)]))


def _vibration(payload: bytes) -> Vibration:
    _, x, y, z = _VIBRATION.unpack_from(payload.ljust(32, b"\0"))
    return Vibration(round(max(x, y, z), 2))


def _ekf(payload: bytes) -> EkfStatus:
    *_, flags = _EKF.unpack_from(payload.ljust(22, b"\0"))
    return EkfStatus(flags & (POS_HORIZ_ABS | CONST_POS_MODE) == POS_HORIZ_ABS)


def _landed(payload: bytes) -> ExtendedSysState:
    return ExtendedSysState(payload[1] if len(payload) > 1 else 0)


def _fence(payload: bytes) -> FenceStatus:
    _, count, breached = _FENCE.unpack_from(payload.ljust(9, b"\0"))
    return FenceStatus(bool(breached), count)


def _reached(payload: bytes) -> MissionItemReached:
    return MissionItemReached(int.from_bytes(payload[:2], "little"))


def _system_time(payload: bytes) -> SystemTime:
    return SystemTime(*_SYSTEM_TIME.unpack_from(payload.ljust(12, b"\0")))


def _timesync(payload: bytes) -> Timesync:
    return Timesync(*_TIMESYNC.unpack_from(payload.ljust(16, b"\0")))


def printable(text: str) -> str:
    """`text` up to its first zero, without what nobody can see."""
    return "".join(c for c in text.split("\0", 1)[0] if c.isprintable())


def _status_text(payload: bytes) -> StatusText:
    severity, text, number, _ = _TEXT.unpack_from(payload.ljust(54, b"\0"))
    text = text.split(b"\0", 1)[0]
    # A chunk shorter than the field's 50 characters ends its text; id 0 is a text in one piece.
    return StatusText(severity, printable(text.decode("utf-8", "replace")), number, number == 0 or len(text) < 50)


READERS: dict[int, Read] = {
    HEARTBEAT: _heartbeat,
    SYS_STATUS: _sys_status,
    SYSTEM_TIME: _system_time,
    GPS_RAW_INT: _gps_raw,
    ATTITUDE: _attitude,
    GLOBAL_POSITION_INT: _position,
    MISSION_CURRENT: _mission_current,
    MISSION_ITEM_REACHED: _reached,
    RC_CHANNELS: _rc_channels,
    TIMESYNC: _timesync,
    FENCE_STATUS: _fence,
    EKF_STATUS_REPORT: _ekf,
    VIBRATION: _vibration,
    EXTENDED_SYS_STATE: _landed,
    STATUSTEXT: _status_text,
}
