"""A plan, its fence and its rally points as mission items, and the hash that tells whether a vehicle holds them."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, assert_never

import numpy as np

from core.errors import FieldError, InvalidRequest
from core.geo import LatLon, to_e7
from geofence.onboard import OnboardFence
from missions.model import Action, ActionKind, MissionItem, ReturnMode, Waypoint

Kind = Literal["mission", "fence", "rally"]

# What ArduCopter without an SD card holds (planning guide, section 8.1).
MOST_ITEMS = 650

# MAV_CMD and MAV_FRAME (MAVLink common.xml).
NAV_WAYPOINT = 16
NAV_RETURN_TO_LAUNCH = 20
NAV_LAND = 21
NAV_TAKEOFF = 22
NAV_DELAY = 93
CONDITION_YAW = 115
DO_CHANGE_SPEED = 178
DO_SET_ROI_LOCATION = 195
DO_SET_ROI_NONE = 197
DO_SET_CAM_TRIGG_DIST = 206
DO_GIMBAL_MANAGER_PITCHYAW = 1000
IMAGE_START_CAPTURE = 2000
VIDEO_START_CAPTURE = 2500
VIDEO_STOP_CAPTURE = 2501
FENCE_VERTEX_INCLUSION = 5001
FENCE_VERTEX_EXCLUSION = 5002
NAV_RALLY_POINT = 5100
FRAME_GLOBAL = 0
FRAME_RELATIVE = 3
# Frames that a vehicle may answer in place of the plain ones (planning guide, section 8.1): the _INT twins.
_PLAIN_FRAME = {5: FRAME_GLOBAL, 6: FRAME_RELATIVE}

_NO_PARAMS = (0.0, 0.0, 0.0, 0.0)
# What ArduCopter gives back of each command that we send (AP_Mission, storage of a command; tried on 4.7.0-dev):
# which of param1…4, and whether frame, place and altitude. Of a command not listed all is compared.
_KEPT: dict[int, tuple[tuple[int, ...], bool]] = {
    NAV_WAYPOINT: ((0,), True),
    NAV_TAKEOFF: ((0,), True),
    NAV_RETURN_TO_LAUNCH: ((), False),
    NAV_LAND: ((0,), True),
    NAV_DELAY: ((0, 1, 2, 3), False),
    CONDITION_YAW: ((0, 1, 2, 3), False),
    DO_CHANGE_SPEED: ((0, 1, 2), False),
    DO_SET_ROI_LOCATION: ((0,), True),
    DO_SET_ROI_NONE: ((0,), False),
    DO_SET_CAM_TRIGG_DIST: ((0, 2), False),
    DO_GIMBAL_MANAGER_PITCHYAW: ((0, 1, 2, 3), False),
    IMAGE_START_CAPTURE: ((0, 1, 2, 3), False),
    VIDEO_START_CAPTURE: ((0,), False),
    VIDEO_STOP_CAPTURE: ((0,), False),
    FENCE_VERTEX_INCLUSION: ((0,), True),
    FENCE_VERTEX_EXCLUSION: ((0,), True),
    NAV_RALLY_POINT: ((), True),
}
_ALL_KEPT = ((0, 1, 2, 3), True)


# Where nose and camera look: done before the stay at a waypoint, all else after it.
_AIMS = frozenset({ActionKind.LOOK_AT, ActionKind.LOOK_AHEAD, ActionKind.GIMBAL, ActionKind.HEADING})


def mission_items(
    home: LatLon,
    home_amsl_m: float,
    waypoints: Sequence[Waypoint],
    speed_mps: float,
    *,
    returns: ReturnMode = ReturnMode.DIRECT,
    opening: Sequence[Action] = (),
    in_air: bool = False,
) -> tuple[MissionItem, ...]:
    """home placeholder, take-off, speed, `opening`, the waypoints (N ≥ 1) each with its actions, the end.

    The end is NAV_RETURN_TO_LAUNCH, or for RETRACE, where the waypoints themselves lead back, NAV_LAND at home.
    A NAV_WAYPOINT stands for each waypoint and for nothing else; item 0 is home. `in_air`: no take-off, but the
    first waypoint, which is where the vehicle is. Raises InvalidRequest for more than `MOST_ITEMS`.
    """
    begins, flown = ([*_step(waypoints[0])], waypoints[1:]) if in_air else ([], waypoints)
    steps = [
        _at(NAV_WAYPOINT, FRAME_GLOBAL, home, home_amsl_m),
        *(begins or [_at(NAV_TAKEOFF, FRAME_RELATIVE, home, waypoints[0].alt_rel_m)]),
        _plain(DO_CHANGE_SPEED, 1.0, speed_mps, -1.0),
        *_ordered(opening),
        *(item for step in flown for item in _step(step)),
        _plain(NAV_RETURN_TO_LAUNCH) if returns is ReturnMode.DIRECT else _at(NAV_LAND, FRAME_RELATIVE, home, 0.0),
    ]
    if len(steps) > MOST_ITEMS:
        detail = f"the plan needs {len(steps)} mission items; a vehicle holds {MOST_ITEMS} at most"
        raise InvalidRequest((FieldError("/geometry", detail),))
    return _numbered(steps)


def rally_items(points: Iterable[Waypoint]) -> tuple[MissionItem, ...]:
    """A rally point each, its altitude in the whole metres that a vehicle stores."""
    return _numbered(_at(NAV_RALLY_POINT, FRAME_RELATIVE, at.place, float(round(at.alt_rel_m))) for at in points)


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
    counted = [item for item in items if kind != "mission" or item.seq != 0]
    lines = [f"bailu-items-1 {kind}", *(_canonical(item, flat=kind == "fence") for item in counted)]
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def settled_alt_m(alt_m: float) -> float:
    """`alt_m` to the centimetre, so that a vehicle that truncates float32(z) · 100 stores that very centimetre.

    Without it 0.53 m is stored as 52 cm (AP_Mission converts with a C cast); a millimetre more makes it 53.
    """
    centimetres = round(alt_m * 100.0)
    stored = int(np.float32(centimetres / 100.0) * np.float32(100.0))
    return centimetres / 100.0 if stored == centimetres else centimetres / 100.0 + 0.001


def _step(step: Waypoint) -> Iterator[MissionItem]:
    """A waypoint with what is done there.

    The stay is the waypoint's own param1, in whole seconds; when nose or camera must turn first, it is a NAV_DELAY
    behind the turning, because do-items run only once their waypoint is done.
    """
    aims = [action for action in step.actions if action.kind in _AIMS]
    deeds = [action for action in step.actions if action.kind not in _AIMS]
    stay_s = float(math.ceil(step.hold_s))
    first = _at(NAV_WAYPOINT, FRAME_RELATIVE, step.place, step.alt_rel_m)
    if aims and stay_s:
        yield first
        yield from _ordered(aims)
        yield _plain(NAV_DELAY, stay_s, -1.0, -1.0, -1.0)
        yield from _ordered(deeds)
    else:
        yield replace(first, params=(stay_s, 0.0, 0.0, 0.0))
        yield from _ordered(step.actions)


def _ordered(actions: Iterable[Action]) -> Iterator[MissionItem]:
    """The do-items of `actions`; a turn of the nose goes last.

    ArduCopter waits for the turn before it looks at the next do-item, and forgets those left when it arrives at the
    next waypoint. The nose keeps its heading until then.
    """
    for action in sorted(actions, key=lambda action: action.kind is ActionKind.HEADING):
        yield _action_item(action)


def _action_item(action: Action) -> MissionItem:
    """The do-item of one action. Source: MAVLink common.xml, MAV_CMD."""
    value = action.value
    match action.kind:
        case ActionKind.PHOTO:
            return _plain(IMAGE_START_CAPTURE, 0.0, 0.0, 1.0)
        case ActionKind.PHOTO_EVERY:
            return _plain(DO_SET_CAM_TRIGG_DIST, value, 0.0, float(value > 0.0))
        case ActionKind.VIDEO:
            return _plain(VIDEO_START_CAPTURE if value else VIDEO_STOP_CAPTURE)
        case ActionKind.LOOK_AT:
            assert action.place is not None
            return _at(DO_SET_ROI_LOCATION, FRAME_RELATIVE, action.place, action.alt_rel_m)
        case ActionKind.LOOK_AHEAD:
            return _plain(DO_SET_ROI_NONE)
        case ActionKind.GIMBAL:  # whole degrees: ArduCopter keeps no more
            return _plain(DO_GIMBAL_MANAGER_PITCHYAW, float(round(value)))
        case ActionKind.HEADING:
            return _plain(CONDITION_YAW, value % 360.0)
        case ActionKind.SPEED:
            return _plain(DO_CHANGE_SPEED, 1.0, value, -1.0)
        case _:
            assert_never(action.kind)


def _plain(command: int, *params: float) -> MissionItem:
    """A command without a place; params that are left out are 0."""
    one, two, three, four = (*params, *_NO_PARAMS)[:4]
    return MissionItem(0, FRAME_GLOBAL, command, (one, two, three, four), 0, 0, 0.0)


def _at(command: int, frame: int, place: LatLon, alt_m: float) -> MissionItem:
    return MissionItem(
        0, frame, command, _NO_PARAMS, to_e7(place.lat_deg), to_e7(place.lon_deg), settled_alt_m(alt_m)
    )


def _numbered(items: Iterable[MissionItem]) -> tuple[MissionItem, ...]:
    return tuple(replace(item, seq=seq) for seq, item in enumerate(items))


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
