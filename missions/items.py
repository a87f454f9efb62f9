"""A plan and its fence as mission items, and the hash that tells whether a vehicle holds them."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from core.geo import LatLon, to_e7
from geofence.onboard import OnboardFence
from missions.model import MissionItem, Waypoint

Kind = Literal["mission", "fence"]

# MAV_CMD and MAV_FRAME (MAVLink common.xml).
NAV_WAYPOINT = 16
NAV_RETURN_TO_LAUNCH = 20
NAV_TAKEOFF = 22
DO_CHANGE_SPEED = 178
FENCE_VERTEX_INCLUSION = 5001
FENCE_VERTEX_EXCLUSION = 5002
FRAME_GLOBAL = 0
FRAME_RELATIVE = 3
# Frames that a vehicle may answer in place of the plain ones (planning guide, section 8.1): the _INT twins.
_PLAIN_FRAME = {5: FRAME_GLOBAL, 6: FRAME_RELATIVE}

_NO_PARAMS = (0.0, 0.0, 0.0, 0.0)
# What ArduCopter gives back of each command that we send (AP_Mission, storage of a command): which of param1…4, and
# whether frame, place and altitude. Of a command not listed all is compared.
_KEPT: dict[int, tuple[tuple[int, ...], bool]] = {
    NAV_WAYPOINT: ((0,), True),
    NAV_TAKEOFF: ((0,), True),
    NAV_RETURN_TO_LAUNCH: ((), False),
    DO_CHANGE_SPEED: ((0, 1, 2), False),
    FENCE_VERTEX_INCLUSION: ((0,), True),
    FENCE_VERTEX_EXCLUSION: ((0,), True),
}
_ALL_KEPT = ((0, 1, 2, 3), True)


def mission_items(
    home: LatLon, home_amsl_m: float, waypoints: Sequence[Waypoint], speed_mps: float
) -> tuple[MissionItem, ...]:
    """home placeholder, take-off, speed, the waypoints (N ≥ 1), return. Waypoint n (from 1) is item n + 2."""
    take_off = Waypoint(home, waypoints[0].alt_rel_m)
    steps = [
        _at(NAV_WAYPOINT, FRAME_GLOBAL, home, home_amsl_m),
        _at(NAV_TAKEOFF, FRAME_RELATIVE, take_off.place, take_off.alt_rel_m),
        MissionItem(0, FRAME_GLOBAL, DO_CHANGE_SPEED, (1.0, speed_mps, -1.0, 0.0), 0, 0, 0.0),
        *(_at(NAV_WAYPOINT, FRAME_RELATIVE, step.place, step.alt_rel_m) for step in waypoints),
        MissionItem(0, FRAME_GLOBAL, NAV_RETURN_TO_LAUNCH, _NO_PARAMS, 0, 0, 0.0),
    ]
    return _numbered(steps)


def fence_items(fence: OnboardFence) -> tuple[MissionItem, ...]:
    """A vertex each; param1 is the number of vertices of its polygon. Fences are flat: frame 0, z 0."""
    return _numbered(
        MissionItem(
            seq=0,
            frame=FRAME_GLOBAL,
            command=FENCE_VERTEX_INCLUSION if polygon.inclusion else FENCE_VERTEX_EXCLUSION,
            params=(float(len(polygon.ring)), 0.0, 0.0, 0.0),
            x_e7=to_e7(vertex.lat_deg),
            y_e7=to_e7(vertex.lon_deg),
            z_m=0.0,
        )
        for polygon in fence.polygons
        for vertex in polygon.ring
    )


def items_hash(items: Sequence[MissionItem], *, kind: Kind) -> str:
    """SHA-256 (hexadecimal) over what a vehicle must hold: equal iff it holds the same plan.

    Item 0 of a mission is the vehicle's own home and is left out. Places count to 1e-7 degree, altitudes to 1 cm,
    params as the float32 that the wire carries; what ArduPilot does not store of a command is left out.
    """
    counted = [item for item in items if kind == "fence" or item.seq != 0]
    lines = [f"bailu-items-1 {kind}", *(_canonical(item, flat=kind == "fence") for item in counted)]
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def settled_alt_m(alt_m: float) -> float:
    """`alt_m` to the centimetre, so that a vehicle that truncates float32(z) · 100 stores that very centimetre.

    Without it 0.53 m is stored as 52 cm (AP_Mission converts with a C cast); a millimetre more makes it 53.
    """
    centimetres = round(alt_m * 100.0)
    stored = int(np.float32(centimetres / 100.0) * np.float32(100.0))
    return centimetres / 100.0 if stored == centimetres else centimetres / 100.0 + 0.001


def _at(command: int, frame: int, place: LatLon, alt_m: float) -> MissionItem:
    return MissionItem(
        0, frame, command, _NO_PARAMS, to_e7(place.lat_deg), to_e7(place.lon_deg), settled_alt_m(alt_m)
    )


def _numbered(items: Iterable[MissionItem]) -> tuple[MissionItem, ...]:
    return tuple(
        MissionItem(seq, item.frame, item.command, item.params, item.x_e7, item.y_e7, item.z_m)
        for seq, item in enumerate(items)
    )


def _canonical(item: MissionItem, *, flat: bool) -> str:
    params, placed = _KEPT.get(item.command, _ALL_KEPT)
    words = [str(item.seq), str(item.command), *(_float32_hex(item.params[index]) for index in params)]
    if placed and flat:
        words += [str(item.x_e7), str(item.y_e7)]
    elif placed:
        words += [str(_PLAIN_FRAME.get(item.frame, item.frame)), str(item.x_e7), str(item.y_e7), _cm(item.z_m)]
    return " ".join(words)


def _float32_hex(value: float) -> str:
    """The bits of the float32; every NaN alike, and -0 as 0."""
    return "nan" if math.isnan(value) else struct.pack(">f", value + 0.0).hex()


def _cm(alt_m: float) -> str:
    return str(round(alt_m * 100.0)) if math.isfinite(alt_m) else "nan"
