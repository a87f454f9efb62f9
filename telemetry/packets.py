"""The MAVLink messages that the platform uses, as values. Field meanings and units: MAVLink common.xml.

Numbers are already in the units of the field names; a field that MAVLink marks as unknown is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import get_args


class MissionType(IntEnum):
    """MAV_MISSION_TYPE."""

    MISSION = 0
    FENCE = 1
    RALLY = 2


class Mode(IntEnum):
    """Flight modes of ArduCopter (COPTER_MODE in ardupilotmega.xml) that the platform names."""

    STABILIZE = 0
    ACRO = 1
    ALT_HOLD = 2
    AUTO = 3
    GUIDED = 4
    LOITER = 5
    RTL = 6
    CIRCLE = 7
    LAND = 9
    DRIFT = 11
    SPORT = 13
    FLIP = 14
    AUTOTUNE = 15
    POSHOLD = 16
    BRAKE = 17
    THROW = 18
    AVOID_ADSB = 19
    GUIDED_NOGPS = 20
    SMART_RTL = 21
    FLOWHOLD = 22
    FOLLOW = 23
    ZIGZAG = 24
    SYSTEMID = 25
    AUTOROTATE = 26
    AUTO_RTL = 27
    TURTLE = 28


def mode_name(custom_mode: int) -> str:
    """The mode's name, or `MODE_n` for one this list does not know."""
    try:
        return Mode(custom_mode).name
    except ValueError:
        return f"MODE_{custom_mode}"


class Cmd(IntEnum):
    """MAV_CMD numbers that the platform sends or stores."""

    NAV_WAYPOINT = 16
    NAV_RETURN_TO_LAUNCH = 20
    NAV_LAND = 21
    NAV_TAKEOFF = 22
    DO_SET_MODE = 176
    DO_CHANGE_SPEED = 178
    DO_SET_RELAY = 181
    DO_SET_SERVO = 183
    DO_DIGICAM_CONTROL = 203
    DO_GRIPPER = 211
    DO_SET_MISSION_CURRENT = 224
    PREFLIGHT_REBOOT_SHUTDOWN = 246
    MISSION_START = 300
    COMPONENT_ARM_DISARM = 400
    RUN_PREARM_CHECKS = 401
    SET_MESSAGE_INTERVAL = 511
    REQUEST_MESSAGE = 512
    IMAGE_START_CAPTURE = 2000


# The id of HEARTBEAT, which tells mode and arming, for REQUEST_MESSAGE.
HEARTBEAT_ID = 0


class CmdResult(IntEnum):
    """MAV_RESULT."""

    ACCEPTED = 0
    TEMPORARILY_REJECTED = 1
    DENIED = 2
    UNSUPPORTED = 3
    FAILED = 4
    IN_PROGRESS = 5
    CANCELLED = 6
    COMMAND_LONG_ONLY = 7
    COMMAND_INT_ONLY = 8
    COMMAND_UNSUPPORTED_MAV_FRAME = 9
    NOT_IN_CONTROL = 10


class MissionResult(IntEnum):
    """MAV_MISSION_RESULT."""

    ACCEPTED = 0
    ERROR = 1
    UNSUPPORTED_FRAME = 2
    UNSUPPORTED = 3
    NO_SPACE = 4
    INVALID = 5
    INVALID_PARAM1 = 6
    INVALID_PARAM2 = 7
    INVALID_PARAM3 = 8
    INVALID_PARAM4 = 9
    INVALID_PARAM5_X = 10
    INVALID_PARAM6_Y = 11
    INVALID_PARAM7 = 12
    INVALID_SEQUENCE = 13
    DENIED = 14
    OPERATION_CANCELLED = 15


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """HEARTBEAT (0). `is_autopilot` is false for ground stations, gimbals and the like."""

    is_autopilot: bool
    armed: bool
    custom_mode: int
    system_status: int


@dataclass(frozen=True, slots=True)
class SysStatus:
    """SYS_STATUS (1). The pre-arm bit is None when the autopilot does not report it."""

    battery_v: float | None
    battery_a: float | None
    battery_pct: float | None
    prearm_ok: bool | None
    fence_enabled: bool | None


@dataclass(frozen=True, slots=True)
class ParamValue:
    """PARAM_VALUE (22). `index` of `count` in the list; None when it answers a name, or tells of a change."""

    name: str
    value: float
    index: int | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class GpsRaw:
    """GPS_RAW_INT (24). `fix`: GPS_FIX_TYPE."""

    fix: int
    satellites: int | None
    hdop: float | None


@dataclass(frozen=True, slots=True)
class Attitude:
    """ATTITUDE (30)."""

    roll_deg: float
    pitch_deg: float
    yaw_deg: float


@dataclass(frozen=True, slots=True)
class GlobalPosition:
    """GLOBAL_POSITION_INT (33)."""

    boot_ms: int
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float
    alt_rel_m: float
    north_mps: float
    east_mps: float
    down_mps: float
    heading_deg: float | None


@dataclass(frozen=True, slots=True)
class MissionCurrent:
    """MISSION_CURRENT (42). `total` is None on autopilots that do not send it.

    `ids`: opaque ids of the mission, fence and rally points on board, 0 where the autopilot has none.
    """

    seq: int
    total: int | None
    ids: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class MissionItemReached:
    """MISSION_ITEM_REACHED (46)."""

    seq: int


@dataclass(frozen=True, slots=True)
class MissionCount:
    """MISSION_COUNT (44), both ways."""

    count: int
    kind: MissionType


@dataclass(frozen=True, slots=True)
class MissionRequestList:
    """MISSION_REQUEST_LIST (43), to the vehicle."""

    kind: MissionType


@dataclass(frozen=True, slots=True)
class MissionRequest:
    """MISSION_REQUEST_INT (51), or the older MISSION_REQUEST (40) when received."""

    seq: int
    kind: MissionType


@dataclass(frozen=True, slots=True)
class MissionItemInt:
    """MISSION_ITEM_INT (73), both ways."""

    seq: int
    frame: int
    command: int
    params: tuple[float, float, float, float]
    x_e7: int
    y_e7: int
    z_m: float
    kind: MissionType


@dataclass(frozen=True, slots=True)
class MissionAck:
    """MISSION_ACK (47), both ways. `result`: MAV_MISSION_RESULT."""

    result: int
    kind: MissionType


@dataclass(frozen=True, slots=True)
class MissionClearAll:
    """MISSION_CLEAR_ALL (45), to the vehicle."""

    kind: MissionType


@dataclass(frozen=True, slots=True)
class Overheard:
    """A word of the vehicle to another ground station, in a transfer of `kind` or (None) about a command.

    Never an answer to us; a sign that somebody else is at work on the vehicle.
    """

    message: str
    to_system: int
    kind: MissionType | None


@dataclass(frozen=True, slots=True)
class LogRequestList:
    """LOG_REQUEST_LIST (117), to the vehicle: logs `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """LOG_ENTRY (118): one of `count` logs on board. `utc_s`: Unix time of its end, None when not known."""

    id: int
    count: int
    last: int
    utc_s: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CommandLong:
    """COMMAND_LONG (76), to the vehicle. `params`: at most 7, the rest is 0."""

    command: int
    params: tuple[float, ...] = ()
    confirmation: int = 0


@dataclass(frozen=True, slots=True)
class CommandInt:
    """COMMAND_INT (75), to the vehicle: a command with a place. `params`: 1 to 4; `z_m` in `frame` (MAV_FRAME)."""

    command: int
    frame: int
    params: tuple[float, float, float, float]
    x_e7: int
    y_e7: int
    z_m: float


@dataclass(frozen=True, slots=True)
class CommandAck:
    """COMMAND_ACK (77). `result`: MAV_RESULT."""

    command: int
    result: int


@dataclass(frozen=True, slots=True)
class ParamRequest:
    """PARAM_REQUEST_READ (20), to the vehicle: by name, or by its place in the list."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class ParamRequestList:
    """PARAM_REQUEST_LIST (21), to the vehicle."""


@dataclass(frozen=True, slots=True)
class ParamSet:
    """PARAM_SET (23), to the vehicle; ArduPilot converts the float to the parameter's own type."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class ParamError:
    """PARAM_ERROR (345): newer autopilots say that a parameter does not exist or may not be set."""

    name: str
    error: int


@dataclass(frozen=True, slots=True)
class AutopilotVersion:
    """AUTOPILOT_VERSION (148). `uid` is the autopilot's own id in hexadecimal, or None."""

    firmware: str
    uid: str | None


@dataclass(frozen=True, slots=True)
class EkfStatus:
    """EKF_STATUS_REPORT (193). `position_ok`: an absolute horizontal position is estimated, not held constant."""

    position_ok: bool


@dataclass(frozen=True, slots=True)
class RcChannels:
    """RC_CHANNELS (65): pulse widths of a pilot's radio in microseconds, sticks first; () when there is no radio."""

    widths_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vibration:
    """VIBRATION (241): the strongest of the three axes, m/s²."""

    level_mps2: float


@dataclass(frozen=True, slots=True)
class HomePosition:
    """HOME_POSITION (242)."""

    lat_deg: float
    lon_deg: float
    alt_amsl_m: float


@dataclass(frozen=True, slots=True)
class ExtendedSysState:
    """EXTENDED_SYS_STATE (245). `landed_state`: MAV_LANDED_STATE."""

    landed_state: int


@dataclass(frozen=True, slots=True)
class FenceStatus:
    """FENCE_STATUS (162)."""

    breached: bool
    breach_count: int


@dataclass(frozen=True, slots=True)
class StatusText:
    """STATUSTEXT (253). `severity`: MAV_SEVERITY, 0 worst; long texts come in chunks of one `id` ≠ 0."""

    severity: int
    text: str
    id: int = 0
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Timesync:
    """TIMESYNC (111), both ways: `ts1` is the asker's own time, echoed; `tc1` the answerer's, 0 in a question. ns."""

    tc1: int
    ts1: int


@dataclass(frozen=True, slots=True)
class SystemTime:
    """SYSTEM_TIME (2). `unix_us` is 0 while the autopilot does not know the time."""

    unix_us: int
    boot_ms: int


Inbound = (
    Heartbeat
    | SysStatus
    | ParamValue
    | ParamError
    | GpsRaw
    | Attitude
    | GlobalPosition
    | MissionCurrent
    | MissionItemReached
    | MissionCount
    | MissionRequest
    | MissionItemInt
    | MissionAck
    | CommandAck
    | Overheard
    | LogEntry
    | AutopilotVersion
    | EkfStatus
    | RcChannels
    | Vibration
    | HomePosition
    | ExtendedSysState
    | FenceStatus
    | StatusText
    | Timesync
    | SystemTime
)
# Numbers of the kinds of packets, for tables.
KINDS: dict[type[Inbound], int] = {kind: number for number, kind in enumerate(get_args(Inbound))}

MissionOutbound = MissionRequestList | MissionCount | MissionRequest | MissionItemInt | MissionAck | MissionClearAll
ParamOutbound = ParamRequest | ParamRequestList | ParamSet
Outbound = Heartbeat | MissionOutbound | ParamOutbound | CommandLong | CommandInt | LogRequestList | Timesync
