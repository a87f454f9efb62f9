"""Bytes to frames to packets and back: the one module of the service that imports pymavlink, as a codec only."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from pymavlink.dialects.v20 import ardupilotmega as dialect

from core.geo import from_e7
from telemetry import quick
from telemetry.allowed import NEVER_RECORDED, SENT
from telemetry.framing import Framer, Header, RawFrame, build, build_signed, without_signature
from telemetry.lanes import Lane, lane
from telemetry.packets import (
    Attitude,
    AutopilotVersion,
    CommandAck,
    CommandInt,
    CommandLong,
    EkfStatus,
    ExtendedSysState,
    FenceStatus,
    GlobalPosition,
    GpsRaw,
    Heartbeat,
    HomePosition,
    Inbound,
    LogEntry,
    LogRequestList,
    MissionAck,
    MissionClearAll,
    MissionCount,
    MissionCurrent,
    MissionItemInt,
    MissionItemReached,
    MissionOutbound,
    MissionRequest,
    MissionRequestList,
    MissionType,
    Outbound,
    Overheard,
    ParamError,
    ParamOutbound,
    ParamRequest,
    ParamRequestList,
    ParamSet,
    ParamValue,
    RcChannels,
    StatusText,
    SysStatus,
    SystemTime,
    Timesync,
    Vibration,
)
from telemetry.signing import Signer

# A frame has at most 280 bytes; a datagram that an Ethernet link carries whole may hold several.
MAX_DATAGRAM = 1500
# MAV_AUTOPILOT_INVALID: the sender is no autopilot.
_NO_AUTOPILOT = 8
_NO_INDEX = 0xFFFF  # param_index of a PARAM_VALUE that is no answer to an index
_ARMED = 128  # MAV_MODE_FLAG_SAFETY_ARMED
_PREARM = 0x10000000  # MAV_SYS_STATUS_PREARM_CHECK
_GEOFENCE = 0x100000  # MAV_SYS_STATUS_GEOFENCE
_EKF_POS_HORIZ_ABS = 16
_EKF_CONST_POS_MODE = 128


@dataclass(frozen=True, slots=True)
class MavAddress:
    """Where a vehicle happens to be on a link; never an identity."""

    system_id: int
    component_id: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One received frame whose checksum is right. `packet` is None for messages that the platform has no use for.

    Nothing is said about its signature yet: `telemetry.signing` looks at `frame`.
    """

    source: MavAddress
    sequence: int
    raw: bytes
    packet: Inbound | None
    frame: RawFrame


class Decoder:
    """Bytes of one channel in, frames out; keeps at most one incomplete frame. Never raises on any input.

    A frame is believed when its checksum is right, and its message known: the checksum of an unknown one cannot be
    told, so it is damage and is neither passed on nor logged.
    """

    def __init__(self, own: MavAddress | None = None) -> None:
        """`own`: our address, so that answers to others are told from answers to us; None: all are for us."""
        self._own = own
        self.framer = Framer(CRC_EXTRA, _SIZES)

    @property
    def bad_frames(self) -> int:
        """Damaged or unknown so far."""
        return self.framer.damaged

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes, in order. Damaged bytes are skipped and counted."""
        for raw in self.framer.feed(data):
            source = MavAddress(raw.system_id, raw.component_id)
            yield Frame(source, raw.sequence, raw.data, _decoded(raw, self._own), raw)


class Encoder:
    """Packets to MAVLink 2 frames from one address; owns that address's sequence number on one link."""

    def __init__(self, source: MavAddress) -> None:
        self._source = source
        self._codec = dialect.MAVLink(None)
        self._sequence = 0

    def frame(self, packet: Outbound, to: MavAddress, signer: Signer | None = None) -> bytes:
        """The frame that carries `packet` to `to`, signed if there is a signer.

        Raises ValueError when a field does not fit its wire type, or the message is not on `allowed.SENT`.
        """
        message = _message_of(packet, to)
        if message.msgname not in SENT:
            raise ValueError(f"{message.msgname} is no message that the platform sends")
        try:
            message.pack(self._codec)
        except struct.error as error:
            raise ValueError(f"{type(packet).__name__} does not fit its message: {error}") from error
        return self._built(message, signer)

    def setup_signing(self, key: bytes, timestamp: int, to: MavAddress, signer: Signer | None = None) -> bytes:
        """The frame that gives a vehicle its key; for the bench alone, it crosses the line in the clear."""
        message = dialect.MAVLink_setup_signing_message(to.system_id, to.component_id, key, timestamp)
        message.pack(self._codec)
        return self._built(message, signer)

    def _built(self, message: Any, signer: Signer | None) -> bytes:
        payload, extra = bytes(message.get_payload()), message.crc_extra
        header = self._header(message.id)
        if signer is None:
            return build(header, payload, extra)
        return build_signed(header, payload, extra, key=signer.key, link_id=signer.link_id, timestamp=signer.stamp())

    def _header(self, message_id: int) -> Header:
        header = Header(self._sequence, self._source.system_id, self._source.component_id, message_id)
        self._sequence = (self._sequence + 1) % 256
        return header


def is_recorded(frame: Frame) -> bool:
    """Whether a telemetry log keeps it: all but keys and files."""
    return dialect.mavlink_map[frame.frame.message_id].msgname not in NEVER_RECORDED


def unsigned(frame: Frame) -> bytes:
    """The frame's bytes without a signature, as a telemetry log may keep them."""
    return without_signature(frame.frame, CRC_EXTRA[frame.frame.message_id])


# The extra checksum byte of every message that the dialect knows.
CRC_EXTRA: dict[int, int] = {number: kind.crc_extra for number, kind in dialect.mavlink_map.items()}


_SIZES: dict[int, int] = {number: kind.unpacker.size for number, kind in dialect.mavlink_map.items()}


class _Message:
    """A received message: its fields are attributes, text without what follows its first zero byte."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.__dict__ = fields
        self._name = name

    def get_type(self) -> str:
        return self._name


def read_payload(message_id: int, payload: bytes) -> Inbound | None:
    """The packet of a MAVLink 2 payload that is addressed to all; None when we have no use for it."""
    reader = quick.READERS.get(message_id)
    return reader(payload) if reader is not None else _decoded_by_codec(message_id, payload, None)


def _decoded(raw: RawFrame, own: MavAddress | None) -> Inbound | None:
    reader = quick.READERS.get(raw.message_id)
    return reader(raw.payload) if reader is not None else _decoded_by_codec(raw.message_id, raw.payload, own)


def _decoded_by_codec(message_id: int, payload: bytes, own: MavAddress | None) -> Inbound | None:
    kind = dialect.mavlink_map[message_id]
    if kind.msgname not in _READERS:
        return None
    size = kind.unpacker.size
    values = kind.unpacker.unpack(payload[:size].ljust(size, b"\0"))
    fields, at = {}, 0
    for name, count in zip(kind.ordered_fieldnames, kind.lengths, strict=True):
        value = values[at] if count == 1 else values[at : at + count]
        fields[name] = value.split(b"\0", 1)[0] if isinstance(value, bytes) else value
        at += count
    return _packet_of(_Message(kind.msgname, fields), own)


def _packet_of(message: Any, own: MavAddress | None = None) -> Inbound | None:
    reader = _READERS.get(message.get_type())
    if reader is None:
        return None
    try:
        return reader(message) if own is None or _is_for(own, message) else _overheard(message)
    except (ValueError, OverflowError):
        # Field values outside their enumeration (a mission type of 77, say): nothing that we could act on.
        return None


def _is_for(own: MavAddress, message: Any) -> bool:
    """Whether it is addressed to us or to all; 0 means all, and what has no address goes to all."""
    system_id, component_id = getattr(message, "target_system", 0), getattr(message, "target_component", 0)
    return system_id in (0, own.system_id) and component_id in (0, own.component_id)


def _overheard(m: Any) -> Overheard:
    kind = getattr(m, "mission_type", None)
    return Overheard(m.get_type(), m.target_system, None if kind is None else MissionType(kind))


def _heartbeat(m: Any) -> Heartbeat:
    return Heartbeat(m.autopilot != _NO_AUTOPILOT, bool(m.base_mode & _ARMED), m.custom_mode, m.system_status)


def _sys_status(m: Any) -> SysStatus:
    def bit(mask: int) -> bool | None:
        if not m.onboard_control_sensors_present & mask:
            return None
        return bool(m.onboard_control_sensors_health & mask)

    return SysStatus(
        battery_v=None if m.voltage_battery == 0xFFFF else m.voltage_battery / 1000,
        battery_a=None if m.current_battery < 0 else m.current_battery / 100,
        battery_pct=None if m.battery_remaining < 0 else float(m.battery_remaining),
        prearm_ok=bit(_PREARM),
        fence_enabled=bool(m.onboard_control_sensors_enabled & _GEOFENCE)
        if m.onboard_control_sensors_present & _GEOFENCE
        else None,
    )


def _gps_raw(m: Any) -> GpsRaw:
    return GpsRaw(
        fix=m.fix_type,
        satellites=None if m.satellites_visible == 255 else m.satellites_visible,
        hdop=None if m.eph == 0xFFFF else m.eph / 100,
    )


def _attitude(m: Any) -> Attitude:
    return Attitude(math.degrees(m.roll), math.degrees(m.pitch), math.degrees(m.yaw) % 360.0)


def _global_position(m: Any) -> GlobalPosition:
    return GlobalPosition(
        boot_ms=m.time_boot_ms,
        lat_deg=from_e7(m.lat),
        lon_deg=from_e7(m.lon),
        alt_amsl_m=m.alt / 1000,
        alt_rel_m=m.relative_alt / 1000,
        north_mps=m.vx / 100,
        east_mps=m.vy / 100,
        down_mps=m.vz / 100,
        heading_deg=None if m.hdg == 0xFFFF else m.hdg / 100,
    )


def _param_value(m: Any) -> ParamValue:
    index = None if m.param_index == _NO_INDEX else m.param_index
    return ParamValue(_text(m.param_id), m.param_value, index, m.param_count)


def _log_entry(m: Any) -> LogEntry:
    return LogEntry(m.id, m.num_logs, m.last_log_num, m.time_utc or None, m.size)


def _mission_current(m: Any) -> MissionCurrent:
    # `total` is a MAVLink 2 extension: 0 means "not supported", 65535 "no mission".
    total = None if m.total in (0, 0xFFFF) else m.total
    # Extensions that the codec's dialect may not know yet.
    ids = (getattr(m, "mission_id", 0), getattr(m, "fence_id", 0), getattr(m, "rally_points_id", 0))
    return MissionCurrent(m.seq, total, ids)


def _mission_item_int(m: Any) -> MissionItemInt:
    params = (m.param1, m.param2, m.param3, m.param4)
    return MissionItemInt(m.seq, m.frame, m.command, params, m.x, m.y, m.z, MissionType(m.mission_type))


def _mission_request(m: Any) -> MissionRequest:
    return MissionRequest(m.seq, MissionType(m.mission_type))


def _autopilot_version(m: Any) -> AutopilotVersion:
    version = m.flight_sw_version
    kind = version & 0xFF  # FIRMWARE_VERSION_TYPE: 255 official, below that development to release candidate
    suffix = (
        "" if kind == 255 else "-dev" if kind < 64 else "-alpha" if kind < 128 else "-beta" if kind < 192 else "-rc"
    )
    uid2 = bytes(m.uid2)
    uid = uid2.hex() if any(uid2) else f"{m.uid:016x}" if m.uid else None
    return AutopilotVersion(f"{version >> 24}.{version >> 16 & 0xFF}.{version >> 8 & 0xFF}{suffix}", uid)


def _rc_channels(m: Any) -> RcChannels:
    return RcChannels(tuple(getattr(m, f"chan{number}_raw") for number in range(1, min(m.chancount, 18) + 1)))


def _text(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return quick.printable(text)


def _status_text(m: Any) -> StatusText:
    # A chunk shorter than the field's 50 characters ends its text; id 0 is a text in one piece.
    return StatusText(m.severity, _text(m.text), m.id, is_last=m.id == 0 or len(m.text) < 50)


_READERS: dict[str, Callable[[Any], Inbound]] = {
    "HEARTBEAT": _heartbeat,
    "SYS_STATUS": _sys_status,
    "PARAM_VALUE": _param_value,
    "PARAM_ERROR": lambda m: ParamError(_text(m.param_id), m.error),
    "GPS_RAW_INT": _gps_raw,
    "ATTITUDE": _attitude,
    "GLOBAL_POSITION_INT": _global_position,
    "MISSION_CURRENT": _mission_current,
    "MISSION_ITEM_REACHED": lambda m: MissionItemReached(m.seq),
    "MISSION_COUNT": lambda m: MissionCount(m.count, MissionType(m.mission_type)),
    "MISSION_REQUEST_INT": _mission_request,
    "MISSION_REQUEST": _mission_request,
    "MISSION_ITEM_INT": _mission_item_int,
    "MISSION_ACK": lambda m: MissionAck(m.type, MissionType(m.mission_type)),
    "LOG_ENTRY": _log_entry,
    "COMMAND_ACK": lambda m: CommandAck(m.command, m.result),
    "AUTOPILOT_VERSION": _autopilot_version,
    "HOME_POSITION": lambda m: HomePosition(from_e7(m.latitude), from_e7(m.longitude), m.altitude / 1000),
    "RC_CHANNELS": _rc_channels,
    "VIBRATION": lambda m: Vibration(round(max(m.vibration_x, m.vibration_y, m.vibration_z), 2)),
    "EKF_STATUS_REPORT": lambda m: EkfStatus(
        m.flags & (_EKF_POS_HORIZ_ABS | _EKF_CONST_POS_MODE) == _EKF_POS_HORIZ_ABS
    ),
    "EXTENDED_SYS_STATE": lambda m: ExtendedSysState(m.landed_state),
    "FENCE_STATUS": lambda m: FenceStatus(bool(m.breach_status), m.breach_count),
    "STATUSTEXT": _status_text,
    "TIMESYNC": lambda m: Timesync(m.tc1, m.ts1),
    "SYSTEM_TIME": lambda m: SystemTime(m.time_unix_usec, m.time_boot_ms),
}


# By the three bytes of a frame that are the message id. What has no lane is always read at once; what no log may keep
# has none.
LANES: dict[bytes, Lane] = {
    number.to_bytes(3, "little"): found
    for number, kind in dialect.mavlink_map.items()
    if kind.msgname not in NEVER_RECORDED
    and (found := lane(number, kind.crc_extra, is_read=kind.msgname in _READERS)) is not None
}


def _message_of(packet: Outbound, to: MavAddress) -> Any:
    target = (to.system_id, to.component_id)
    if isinstance(packet, MissionOutbound):
        return _mission_message(packet, target)
    if isinstance(packet, ParamOutbound):
        return _param_message(packet, target)
    match packet:
        case Heartbeat():
            # MAV_TYPE_GCS, no autopilot, MAV_STATE_ACTIVE, MAVLink 2.
            return dialect.MAVLink_heartbeat_message(6, _NO_AUTOPILOT, 0, 0, 4, 3)
        case CommandLong():
            padded = (*packet.params, *([0.0] * (7 - len(packet.params))))
            return dialect.MAVLink_command_long_message(*target, packet.command, packet.confirmation, *padded)
        case CommandInt():
            return dialect.MAVLink_command_int_message(
                *target, packet.frame, packet.command, 0, 0, *packet.params, packet.x_e7, packet.y_e7, packet.z_m
            )
        case Timesync(tc1, ts1):
            return dialect.MAVLink_timesync_message(tc1, ts1)
        case LogRequestList(first, last):
            return dialect.MAVLink_log_request_list_message(*target, first, last)
        case _:
            assert_never(packet)


def _mission_message(packet: MissionOutbound, target: tuple[int, int]) -> Any:
    match packet:
        case MissionRequestList(kind):
            return dialect.MAVLink_mission_request_list_message(*target, kind)
        case MissionCount(count, kind):
            return dialect.MAVLink_mission_count_message(*target, count, kind)
        case MissionRequest(seq, kind):
            return dialect.MAVLink_mission_request_int_message(*target, seq, kind)
        case MissionItemInt():
            return dialect.MAVLink_mission_item_int_message(
                *target, packet.seq, packet.frame, packet.command, 0, 1, *packet.params,
                packet.x_e7, packet.y_e7, packet.z_m, packet.kind,
            )  # fmt: skip
        case MissionAck(result, kind):
            return dialect.MAVLink_mission_ack_message(*target, result, kind)
        case MissionClearAll(kind):
            return dialect.MAVLink_mission_clear_all_message(*target, kind)
        case _:
            assert_never(packet)


def _param_message(packet: ParamOutbound, target: tuple[int, int]) -> Any:
    match packet:
        case ParamRequestList():
            return dialect.MAVLink_param_request_list_message(*target)
        case ParamRequest(name, index):
            at = -1 if index is None else index
            return dialect.MAVLink_param_request_read_message(*target, name.encode("ascii"), at)
        case ParamSet(name, value):
            # MAV_PARAM_TYPE_REAL32: ArduPilot takes every value as a float.
            return dialect.MAVLink_param_set_message(*target, name.encode("ascii"), value, 9)
        case _:
            assert_never(packet)


# The ids of the messages that the platform asks the vehicle to stream, and how often (Hz of the vehicle's time).
STREAM_RATES_HZ: dict[int, float] = {
    dialect.MAVLINK_MSG_ID_ATTITUDE: 4.0,
    dialect.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: 5.0,
    dialect.MAVLINK_MSG_ID_SYS_STATUS: 2.0,
    dialect.MAVLINK_MSG_ID_GPS_RAW_INT: 1.0,
    dialect.MAVLINK_MSG_ID_MISSION_CURRENT: 2.0,
    dialect.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: 2.0,
    dialect.MAVLINK_MSG_ID_FENCE_STATUS: 2.0,
    dialect.MAVLINK_MSG_ID_EKF_STATUS_REPORT: 1.0,
    dialect.MAVLINK_MSG_ID_RC_CHANNELS: 2.0,
    dialect.MAVLINK_MSG_ID_VIBRATION: 1.0,
    dialect.MAVLINK_MSG_ID_HOME_POSITION: 0.5,
    dialect.MAVLINK_MSG_ID_SYSTEM_TIME: 1.0,
}
AUTOPILOT_VERSION_ID: int = dialect.MAVLINK_MSG_ID_AUTOPILOT_VERSION
HEARTBEAT_ID: int = dialect.MAVLINK_MSG_ID_HEARTBEAT
TIMESYNC_ID: int = dialect.MAVLINK_MSG_ID_TIMESYNC
HOME_POSITION_ID: int = dialect.MAVLINK_MSG_ID_HOME_POSITION
