"""Mission items as the vehicle keeps them: what it refuses, what it rounds, what it forgets.

ArduCopter stores an item in 15 bytes. What does not fit is lost, so a read-back differs from what was sent:
altitude in whole centimetres, frame 0, 3 or 10, unused parameters zero. A ground station must meet that in tests.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.flight.kinds import Cmd, ItemResult
from simulator.flight.places import Datum, valid_lat_lon

ALT_LIMIT_M = 83_000.0
"""Altitudes are stored in centimetres in 24 bits."""

LOCATED = frozenset({
    Cmd.NAV_WAYPOINT, Cmd.NAV_LOITER_UNLIM, Cmd.NAV_LOITER_TURNS, Cmd.NAV_LOITER_TIME, Cmd.NAV_LAND, Cmd.NAV_TAKEOFF,
    Cmd.NAV_LOITER_TO_ALT, Cmd.NAV_SPLINE_WAYPOINT, Cmd.NAV_VTOL_TAKEOFF, Cmd.NAV_VTOL_LAND, Cmd.DO_SET_HOME,
    Cmd.DO_RETURN_PATH_START, Cmd.DO_LAND_START, Cmd.DO_SET_ROI_LOCATION, Cmd.DO_SET_ROI,
})  # fmt: skip
"""Commands whose x, y and z are a place."""

_DATUM_OF_FRAME = {
    0: Datum.AMSL, 5: Datum.AMSL, 2: Datum.AMSL,
    3: Datum.HOME, 6: Datum.HOME,
    10: Datum.TERRAIN, 11: Datum.TERRAIN,
}  # fmt: skip
"""MAV_FRAME to datum; frame 2 (MISSION) counts as global."""

_MAY_BE_NAN = {
    Cmd.NAV_WAYPOINT: (3,), Cmd.NAV_LOITER_UNLIM: (3,), Cmd.NAV_LAND: (3,), Cmd.NAV_TAKEOFF: (3,),
    Cmd.NAV_VTOL_TAKEOFF: (3,), Cmd.NAV_VTOL_LAND: (2, 3),
}  # fmt: skip

Params = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Item:
    """One mission item: command, frame, four parameters, and a place (1e-7 degrees, metres) where it has one."""

    command: int
    frame: int
    params: Params
    x: int = 0
    y: int = 0
    z: float = 0.0

    @property
    def has_place(self) -> bool:
        """Whether it names a place; 0, 0 means "here"."""
        return self.command in LOCATED and (self.x != 0 or self.y != 0)

    @property
    def is_nav(self) -> bool:
        """Whether the vehicle works on it alone, one after another, rather than beside a navigation item."""
        return self.command <= Cmd.NAV_LAST


def stored(item: Item) -> Item | ItemResult:
    """The item as the vehicle would read it back, or the reason it refuses to store it."""
    refusal = _bad_parameter(item)
    if refusal is not None:
        return refusal
    if item.command in (0, 1):
        return ItemResult.INVALID
    keep = _KEPT.get(item.command)
    if keep is None:
        return ItemResult.UNSUPPORTED
    params = keep(*item.params)
    if item.command not in LOCATED:
        return Item(item.command, 0, params, *_stored_extras(item))
    if not valid_lat_lon(item.x, 0):
        return ItemResult.INVALID_PARAM5_X
    if not valid_lat_lon(0, item.y):
        return ItemResult.INVALID_PARAM6_Y
    if math.isnan(item.z) or abs(item.z) >= ALT_LIMIT_M:
        return ItemResult.INVALID_PARAM7
    if item.frame not in _DATUM_OF_FRAME:
        return ItemResult.UNSUPPORTED_FRAME
    return replace(item, frame=int(_DATUM_OF_FRAME[item.frame]), params=params, z=_whole_centimetres(item.z))


def _bad_parameter(item: Item) -> ItemResult | None:
    allowed = _MAY_BE_NAN.get(Cmd(item.command), ()) if item.command in Cmd._value2member_map_ else ()
    for place, value in enumerate(item.params):
        if math.isinf(value) or (math.isnan(value) and place not in allowed):
            return ItemResult(ItemResult.INVALID_PARAM1 + place)
    return None


def _u16(value: float) -> float:
    return float(int(max(0.0, min(65535.0, value))))


def _byte(value: float) -> float:
    return float(int(max(-(2.0**31), min(2.0**31, value))) & 0xFF)


def _signed(value: float, bits: int) -> float:
    """A whole number of so many bits, cut towards zero; what does not fit wraps round."""
    half = 1 << (bits - 1)
    return float((int(max(-(2.0**31), min(2.0**31 - 1, value))) + half) % (2 * half) - half)


def _sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0


def _stored_turns(turns: float) -> float:
    return int(turns * 256.0) / 256.0 if 0.0 < turns < 1.0 else float(int(min(255.0, max(0.0, turns))))


def _stored_radius(radius_m: float) -> float:
    return float(int(radius_m)) if radius_m <= 255.0 else 10.0 * int(min(255.0, radius_m * 0.1))


Keeper = Callable[[float, float, float, float], Params]


def _first_only(p1: float, _2: float, _3: float, _4: float) -> Params:
    return _u16(p1), 0.0, 0.0, 0.0


def _nothing(_1: float, _2: float, _3: float, _4: float) -> Params:
    return 0.0, 0.0, 0.0, 0.0


def _everything(p1: float, p2: float, p3: float, p4: float) -> Params:
    return p1, p2, p3, p4


_KEPT: dict[int, Keeper] = {
    Cmd.NAV_WAYPOINT: _first_only,
    Cmd.NAV_TAKEOFF: _first_only,
    Cmd.NAV_SPLINE_WAYPOINT: _first_only,
    Cmd.NAV_VTOL_LAND: _first_only,
    Cmd.DO_SET_HOME: _first_only,
    Cmd.DO_FENCE_ENABLE: _first_only,
    Cmd.DO_SET_ROI: _first_only,
    Cmd.DO_SET_ROI_LOCATION: _first_only,
    Cmd.DO_SET_ROI_NONE: _first_only,
    Cmd.DO_PAUSE_CONTINUE: _first_only,
    Cmd.IMAGE_STOP_CAPTURE: _first_only,
    Cmd.NAV_RETURN_TO_LAUNCH: _nothing,
    Cmd.NAV_VTOL_TAKEOFF: _nothing,
    Cmd.DO_LAND_START: _nothing,
    Cmd.DO_RETURN_PATH_START: _nothing,
    Cmd.NAV_DELAY: _everything,
    Cmd.DO_DIGICAM_CONTROL: _everything,
    Cmd.DO_DIGICAM_CONFIGURE: _everything,
    Cmd.DO_GIMBAL_MANAGER_PITCHYAW: lambda p1, p2, p3, p4: (
        _signed(p1, 8), _signed(p2, 16), _signed(p3, 8), _signed(p4, 8),
    ),
    Cmd.IMAGE_START_CAPTURE: lambda p1, p2, p3, p4: (_byte(p1), p2, _u16(p3), _u16(p4)),
    Cmd.NAV_LAND: lambda p1, _2, _3, p4: (_u16(p1), 0.0, 0.0, _sign(p4)),
    Cmd.NAV_LOITER_UNLIM: lambda _1, _2, p3, _4: (0.0, 0.0, _sign(p3) * _u16(abs(p3)), 0.0),
    Cmd.NAV_LOITER_TIME: lambda p1, _2, p3, p4: (_u16(p1), 0.0, _sign(p3), float(p4 > 0)),
    Cmd.NAV_LOITER_TURNS: lambda p1, _2, p3, p4: (
        _stored_turns(p1), 0.0, _sign(p3) * _stored_radius(abs(p3)), float(p4 > 0),
    ),
    Cmd.NAV_LOITER_TO_ALT: lambda _1, p2, _3, p4: (0.0, _sign(p2) * _u16(abs(p2)), 0.0, float(p4 > 0)),
    Cmd.CONDITION_DELAY: lambda p1, _2, _3, _4: (p1, 0.0, 0.0, 0.0),
    Cmd.CONDITION_DISTANCE: lambda p1, _2, _3, _4: (p1, 0.0, 0.0, 0.0),
    Cmd.CONDITION_YAW: lambda p1, p2, p3, p4: (p1, p2, _sign(p3) * _byte(abs(p3)), _byte(p4)),
    Cmd.SET_CAMERA_ZOOM: lambda p1, p2, _3, _4: (_byte(p1), p2, 0.0, 0.0),
    Cmd.SET_CAMERA_FOCUS: lambda p1, p2, _3, _4: (_byte(p1), p2, 0.0, 0.0),
    Cmd.DO_JUMP: lambda p1, p2, _3, _4: (_u16(p1), float(max(-32768, min(32767, int(p2)))), 0.0, 0.0),
    Cmd.DO_CHANGE_SPEED: lambda p1, p2, p3, _4: (_byte(p1), p2, p3, 0.0),
    Cmd.DO_SET_CAM_TRIGG_DIST: lambda p1, _2, p3, _4: (p1, 0.0, _byte(p3), 0.0),
    Cmd.VIDEO_START_CAPTURE: lambda p1, _2, _3, _4: (_byte(p1), 0.0, 0.0, 0.0),
    Cmd.VIDEO_STOP_CAPTURE: lambda p1, _2, _3, _4: (_byte(p1), 0.0, 0.0, 0.0),
    Cmd.DO_SET_RELAY: lambda p1, p2, _3, _4: (_byte(p1), _byte(p2), 0.0, 0.0),
    Cmd.DO_SET_SERVO: lambda p1, p2, _3, _4: (_byte(p1), _u16(p2), 0.0, 0.0),
    Cmd.DO_MOUNT_CONTROL: lambda p1, p2, p3, _4: (p1, p2, p3, 0.0),
}  # fmt: skip
"""What survives of the four parameters of each command missions know; other commands are UNSUPPORTED."""


def _stored_extras(item: Item) -> tuple[int, int, float]:
    """What survives of x, y and z in a command that is no place."""
    match item.command:
        case Cmd.DO_DIGICAM_CONTROL:
            return item.x & 0xFF, item.y & 0xFF, 0.0
        case Cmd.DO_MOUNT_CONTROL:
            return 0, 0, 2.0
        case Cmd.DO_GIMBAL_MANAGER_PITCHYAW:
            return item.x & 0xFF, 0, _byte(item.z) if math.isfinite(item.z) else 0.0
        case _:
            return 0, 0, 0.0


def _whole_centimetres(alt_m: float) -> float:
    """Metres, cut (not rounded) to centimetres in 32-bit floats as the autopilot does it."""
    (hundredfold,) = struct.unpack("<f", struct.pack("<f", alt_m * 100.0))
    return int(hundredfold) / 100.0
