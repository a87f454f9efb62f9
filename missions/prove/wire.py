"""The hash of what a vehicle must hold, written a second time so that one mistake cannot hide itself."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence

from missions.model import MissionItem

# The largest float32.
_LARGEST = 3.4028234663852886e38
# What ArduCopter stores of a command (AP_Mission): the params that it gives back, and whether a place with altitude.
# A command that is not listed keeps all.
_ALL = ((0, 1, 2, 3), True)
_STORED: dict[int, tuple[tuple[int, ...], bool]] = {
    16: ((0,), True),  # NAV_WAYPOINT: hold
    20: ((), False),  # NAV_RETURN_TO_LAUNCH
    21: ((0,), True),  # NAV_LAND
    22: ((0,), True),  # NAV_TAKEOFF
    93: ((0, 1, 2, 3), False),  # NAV_DELAY
    115: ((0, 1, 2, 3), False),  # CONDITION_YAW
    178: ((0, 1, 2), False),  # DO_CHANGE_SPEED
    195: ((0,), True),  # DO_SET_ROI_LOCATION
    197: ((0,), False),  # DO_SET_ROI_NONE
    206: ((0, 2), False),  # DO_SET_CAM_TRIGG_DIST
    1000: ((0, 1, 2, 3), False),  # DO_GIMBAL_MANAGER_PITCHYAW
    2000: ((0, 1, 2, 3), False),  # IMAGE_START_CAPTURE
    2500: ((0,), False),  # VIDEO_START_CAPTURE
    2501: ((0,), False),  # VIDEO_STOP_CAPTURE
    5001: ((0,), True),  # fence vertices: count of their polygon
    5002: ((0,), True),
    5100: ((), True),  # NAV_RALLY_POINT
}


def wire_hash(items: Sequence[MissionItem], kind: str) -> str:
    """SHA-256 (hexadecimal) of the items of a "mission", "fence" or "rally", as `missions.items` documents it.

    A mission's item 0 is the vehicle's own. Places in 1e-7 degree, altitudes in centimetres, params as float32;
    a fence has no altitudes. MAV_FRAME 5 and 6 are 0 and 3.
    """
    digest = hashlib.sha256(f"bailu-items-1 {kind}".encode("ascii"))
    for item in items:
        if kind != "mission" or item.seq > 0:
            digest.update(b"\n" + _line(item, flat=kind == "fence").encode("ascii"))
    return digest.hexdigest()


def _line(item: MissionItem, *, flat: bool) -> str:
    stored, placed = _STORED.get(item.command, _ALL)
    words = [f"{item.seq}", f"{item.command}"] + [_bits(item.params[index]) for index in stored]
    if placed:
        frame = {5: 0, 6: 3}.get(item.frame, item.frame)
        words += [f"{item.x_e7}", f"{item.y_e7}"] if flat else [f"{frame}", f"{item.x_e7}", f"{item.y_e7}"]
    if placed and not flat:
        centimetres = item.z_m * 100.0
        words.append(f"{round(centimetres)}" if math.isfinite(centimetres) else "nan")
    return " ".join(words)


def _bits(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isfinite(value) and abs(value) > _LARGEST:
        return "too-large"  # no item can carry it, so no vehicle's hash is this one
    return struct.pack(">f", 0.0 if value == 0.0 else value).hex()
