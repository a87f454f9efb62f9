"""The vehicle's parameters: ArduCopter's names, types and defaults, a subset that ground stations look at.

Names and defaults are those of ArduCopter 4.7-dev before the rename to metres (`RTL_ALT` still in cm), which
is what was measured on a real SITL. A parameter that is not here does not exist: reading it brings no answer.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """MAV_PARAM_TYPE of ArduPilot's four parameter types."""

    INT8 = 2
    INT16 = 4
    INT32 = 6
    FLOAT = 9


_RANGES = {Kind.INT8: (-128, 127), Kind.INT16: (-32768, 32767), Kind.INT32: (-(2**31), 2**31 - 1)}

B, H, W, F = Kind.INT8, Kind.INT16, Kind.INT32, Kind.FLOAT

DEFAULTS: tuple[tuple[str, Kind, float], ...] = (
    ("FORMAT_VERSION", H, 120),
    ("PILOT_TKOFF_ALT", F, 0),
    ("PILOT_SPEED_UP", H, 250),
    ("PILOT_SPEED_DN", H, 0),
    ("PILOT_ACCEL_Z", H, 250),
    ("RTL_ALT", W, 1500),
    ("RTL_CONE_SLOPE", F, 3),
    ("RTL_SPEED", H, 0),
    ("RTL_ALT_FINAL", H, 0),
    ("RTL_CLIMB_MIN", H, 0),
    ("RTL_LOIT_TIME", W, 5000),
    ("RTL_ALT_TYPE", B, 0),
    ("RTL_OPTIONS", W, 0),
    ("SRTL_ACCURACY", F, 2),
    ("SRTL_POINTS", H, 300),
    ("SRTL_OPTIONS", W, 0),
    ("FS_GCS_ENABLE", B, 0),
    ("FS_GCS_TIMEOUT", F, 5),
    ("FS_OPTIONS", W, 16),
    ("FS_THR_ENABLE", B, 1),
    ("FS_THR_VALUE", H, 975),
    ("RC_FS_TIMEOUT", F, 1),
    ("FS_EKF_ACTION", B, 1),
    ("FS_EKF_THRESH", F, 0.8),
    ("FS_CRASH_CHECK", B, 1),
    ("FS_VIBE_ENABLE", B, 1),
    ("FS_DR_ENABLE", B, 2),
    ("FS_DR_TIMEOUT", H, 30),
    ("GPS_HDOP_GOOD", H, 140),
    ("WP_YAW_BEHAVIOR", B, 2),
    ("WP_NAVALT_MIN", F, 0),
    ("LAND_SPEED", H, 50),
    ("LAND_SPEED_HIGH", H, 0),
    ("LAND_ALT_LOW", H, 1000),
    ("LAND_REPOSITION", B, 1),
    ("FLTMODE_CH", B, 5),
    ("FLTMODE1", B, 7),
    ("FLTMODE2", B, 9),
    ("FLTMODE3", B, 6),
    ("FLTMODE4", B, 3),
    ("FLTMODE5", B, 5),
    ("FLTMODE6", B, 0),
    ("INITIAL_MODE", B, 0),
    ("FRAME_CLASS", B, 1),
    ("FRAME_TYPE", B, 0),
    ("DISARM_DELAY", B, 10),
    ("ANGLE_MAX", H, 3000),
    ("AUTO_OPTIONS", W, 0),
    ("GUID_OPTIONS", W, 0),
    ("GUID_TIMEOUT", F, 3),
    ("FLIGHT_OPTIONS", W, 0),
    ("TKOFF_SLEW_TIME", F, 2),
    ("LOG_BITMASK", W, 180222),
    ("ARMING_CHECK", W, 1),
    ("ARMING_OPTIONS", W, 0),
    ("ARMING_NEED_LOC", B, 0),
    ("ARMING_MIS_ITEMS", W, 0),
    ("ARMING_RUDDER", B, 2),
    ("WPNAV_SPEED", F, 1000),
    ("WPNAV_RADIUS", F, 200),
    ("WPNAV_SPEED_UP", F, 250),
    ("WPNAV_SPEED_DN", F, 150),
    ("WPNAV_ACCEL", F, 250),
    ("WPNAV_ACCEL_Z", F, 100),
    ("WPNAV_ACCEL_C", F, 0),
    ("WPNAV_JERK", F, 1),
    ("WPNAV_RFND_USE", B, 1),
    ("WPNAV_TER_MARGIN", F, 10),
    ("LOIT_SPEED", F, 1250),
    ("LOIT_ACC_MAX", F, 500),
    ("CIRCLE_RADIUS", F, 1000),
    ("CIRCLE_RATE", F, 20),
    ("CIRCLE_OPTIONS", H, 1),
    ("ATC_RATE_Y_MAX", F, 0),
    ("ATC_SLEW_YAW", F, 6000),
    ("BATT_MONITOR", B, 4),
    ("BATT_CAPACITY", W, 3300),
    ("BATT_LOW_TIMER", B, 10),
    ("BATT_LOW_VOLT", F, 10.5),
    ("BATT_LOW_MAH", F, 0),
    ("BATT_CRT_VOLT", F, 0),
    ("BATT_CRT_MAH", F, 0),
    ("BATT_FS_VOLTSRC", B, 0),
    ("BATT_FS_LOW_ACT", B, 0),
    ("BATT_FS_CRT_ACT", B, 0),
    ("BATT_ARM_VOLT", F, 0),
    ("BATT_ARM_MAH", W, 0),
    ("BATT_OPTIONS", W, 0),
    ("COMPASS_USE", B, 1),
    ("COMPASS_ENABLE", B, 1),
    ("GPS1_TYPE", B, 1),
    ("GPS_AUTO_SWITCH", B, 1),
    ("EK3_ENABLE", B, 1),
    ("AHRS_EKF_TYPE", B, 3),
    ("TERRAIN_ENABLE", B, 0),
    ("AVOID_ENABLE", B, 3),
    ("OA_TYPE", B, 0),
    ("CAM1_TYPE", B, 1),
    ("FENCE_ENABLE", B, 0),
    ("FENCE_TYPE", B, 7),
    ("FENCE_ACTION", B, 1),
    ("FENCE_ALT_MAX", F, 100),
    ("FENCE_RADIUS", F, 300),
    ("FENCE_MARGIN", F, 2),
    ("FENCE_TOTAL", B, 0),
    ("FENCE_ALT_MIN", F, -10),
    ("FENCE_AUTOENABLE", B, 0),
    ("FENCE_OPTIONS", H, 0),
    ("FENCE_NTF_FREQ", F, 1),
    ("RALLY_TOTAL", B, 0),
    ("RALLY_LIMIT_KM", F, 0.3),
    ("RALLY_INCL_HOME", B, 1),
    ("MIS_TOTAL", H, 0),
    ("MIS_RESTART", B, 0),
    ("MIS_OPTIONS", H, 0),
    ("MAV_SYSID", H, 1),
    ("MAV_GCS_SYSID", H, 255),
    ("MAV_OPTIONS", H, 0),
    ("MAV_TELEM_DELAY", B, 0),
    ("RC1_MIN", H, 1000),
    ("RC1_TRIM", H, 1500),
    ("RC1_MAX", H, 2000),
    ("RC3_MIN", H, 1000),
    ("RC3_TRIM", H, 1500),
    ("RC3_MAX", H, 2000),
    ("SCHED_LOOP_RATE", H, 400),
    ("STAT_BOOTCNT", H, 1),
    ("STAT_FLTTIME", W, 0),
    ("STAT_RUNTIME", W, 0),
    ("SIM_SPEEDUP", F, 1),
    ("SIM_WIND_SPD", F, 0),
    ("SIM_WIND_DIR", F, 180),
    ("SIM_WIND_TURB", F, 0),
    ("SIM_WIND_TC", F, 5),
    ("SIM_BATT_VOLTAGE", F, 12.6),
    ("SIM_BATT_CAP_AH", F, 0),
    ("SIM_GPS1_ENABLE", B, 1),
    ("SIM_GPS1_GLTCH_X", F, 0),
    ("SIM_GPS1_GLTCH_Y", F, 0),
    ("SIM_ACC1_RND", F, 0),
    ("SIM_ACC2_RND", F, 0),
    ("SIM_MAG1_FAIL", B, 0),
    ("SIM_MAG2_FAIL", B, 0),
    ("SIM_MAG3_FAIL", B, 0),
    ("SIM_ENGINE_FAIL", W, 0),
    ("SIM_RC_FAIL", B, 0),
)

READ_ONLY = frozenset({"MIS_TOTAL", "FORMAT_VERSION"})
"""Counters the vehicle keeps itself; a write is answered with the value it has and "Param write denied"."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One parameter as it goes over the wire."""

    name: str
    kind: Kind
    value: float
    index: int


class Parameters:
    """The parameter table: reads by name or index, writes clamped to the type as the autopilot clamps them."""

    def __init__(self) -> None:
        self._kinds = {name: kind for name, kind, _ in DEFAULTS}
        self._values = {name: _float32(value) for name, _, value in DEFAULTS}
        self._names = tuple(self._values)
        self._index = {name: index for index, name in enumerate(self._names)}
        self.revision = 0
        """Counts changes, so that whoever caches values derived from parameters knows when to look again."""

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Reading]:
        return (self.at(index) for index in range(len(self._names)))

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def whole(self, name: str) -> int:
        """The value as an integer: a switch, a bit mask, a count."""
        return int(self._values[name])

    def at(self, index: int) -> Reading:
        """The parameter at a place in the list. Raises IndexError outside it."""
        if index < 0:
            raise IndexError(index)
        name = self._names[index]
        return Reading(name, self._kinds[name], self._values[name], index)

    def find(self, name: str) -> Reading | None:
        """The parameter of that name, or None when this vehicle has none."""
        return self.at(self._index[name]) if name in self._index else None

    def set(self, name: str, value: float) -> None:
        """Store a value: integers are cut (not rounded) and clamped, floats go to 32 bits. Raises KeyError."""
        kind = self._kinds[name]
        if kind is Kind.FLOAT:
            self._values[name] = _float32(value)
        else:
            low, high = _RANGES[kind]
            self._values[name] = float(min(high, max(low, math.trunc(value + math.copysign(0.01, value)))))
        self.revision += 1


def _float32(value: float) -> float:
    """The nearest 32-bit float; values beyond its range become its largest."""
    limit = 3.4028234663852886e38
    return float(struct.unpack("<f", struct.pack("<f", min(limit, max(-limit, value))))[0])
