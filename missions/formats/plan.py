"""QGroundControl plans (`.plan`): the mission with its complex items flattened, the fence, the rally points.

Source: QGroundControl's own description of the format (mission version 2, rally points version 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from core.geo import LatLon, from_e7, to_e7
from core.members import below, json_kind
from geofence.formats.facts import number_of
from geofence.formats.intake import Intake, Options, refusal
from geofence.formats.plan import has_fence, plan_fence, read_plan_fence
from geofence.formats.report import Format, Report
from geofence.formats.rings import position
from geofence.zones import CircleShape, Zone
from missions.formats.document import FRAMES, LOCATED, MOST_ITEMS, NO_PLACE_FRAME, MissionFile
from missions.items import NAV_RETURN_TO_LAUNCH, NAV_WAYPOINT
from missions.model import MissionItem, Waypoint

_DO_JUMP = 177
# MAV_AUTOPILOT_ARDUPILOTMEGA, MAV_TYPE_QUADROTOR (MAVLink minimal.xml).
_FIRMWARE, _VEHICLE = 3, 2
_INT32 = 2**31


def read_plan(document: Mapping[str, object], options: Options) -> tuple[MissionFile, Intake]:
    """All that a plan holds; complex items as the flat list that QGroundControl stores with them.

    The intake holds the notes; its `report` is the caller's to make. Raises InvalidRequest.
    """
    intake = Intake(options)
    mission = document.get("mission", {})
    if not isinstance(mission, Mapping):
        raise refusal("/mission", f"must be an object, not {json_kind(mission)}")
    items = _items(mission, intake)
    rally = tuple(_rally(document.get("rallyPoints"), intake))
    zones: tuple[Zone, ...] = ()
    if has_fence(document):
        zones, told = read_plan_fence(document, options)
        intake.take_over(told)
    intake.problems.raise_any()
    return MissionFile(items, rally, zones, number_of(mission.get("hoverSpeed"))), intake


def write_plan(
    items: Sequence[MissionItem], rally: Sequence[Waypoint], zones: Sequence[Zone], *, speed_mps: float = 10.0
) -> tuple[bytes, Report]:
    """A plan of mission items (item 0 is home), rally points and zones.

    A plan without any item cannot be loaded: one that is only a fence gets a return to launch.
    """
    intake = Intake(Options())
    home = items[0] if items else _home_at(zones)
    steps = items[1:] or (MissionItem(1, NO_PLACE_FRAME, NAV_RETURN_TO_LAUNCH, (0.0, 0.0, 0.0, 0.0), 0, 0, 0.0),)
    document = {
        "fileType": "Plan",
        "groundStation": "Bailu",
        "version": 1,
        "geoFence": plan_fence(zones, intake),
        "mission": {
            "cruiseSpeed": speed_mps,
            "firmwareType": _FIRMWARE,
            "globalPlanAltitudeMode": 1,
            "hoverSpeed": speed_mps,
            "items": [_simple(item) for item in steps],
            "plannedHomePosition": [from_e7(home.x_e7), from_e7(home.y_e7), home.z_m],
            "vehicleType": _VEHICLE,
            "version": 2,
        },
        "rallyPoints": {
            "points": [[at.place.lat_deg, at.place.lon_deg, at.alt_rel_m] for at in rally],
            "version": 2,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document)), intake.report(Format.PLAN)


def _items(mission: Mapping[str, object], intake: Intake) -> tuple[MissionItem, ...]:
    """Home and every simple item, numbered anew; jumps point at the same items as before."""
    version = mission.get("version")
    if mission.get("items") and version != 2:
        raise refusal("/mission/version", f"is {version!r:.40}; 2 is known")
    simple = list(_flat(mission.get("items", []), "/mission/items", intake))
    if not simple:
        return ()
    if len(simple) > MOST_ITEMS:
        raise refusal("/mission/items", f"has {len(simple)} items; at most {MOST_ITEMS} are read")
    number_by_id = {item.get("doJumpId"): seq for seq, (item, _) in enumerate(simple, start=1) if _jump_id(item)}
    items = [_home(mission.get("plannedHomePosition"), intake)]
    for seq, (item, path) in enumerate(simple, start=1):
        read = _item(item, seq, path, number_by_id, intake)
        if read is not None:
            items.append(read)
    return tuple(items)


def _jump_id(item: Mapping[str, object]) -> bool:
    return isinstance(item.get("doJumpId"), int)


def _flat(listed: object, path: str, intake: Intake) -> Iterator[tuple[Mapping[str, object], str]]:
    """Simple items with their paths; those of a complex item in its place."""
    if not isinstance(listed, list):
        raise refusal(path, f"must be an array, not {json_kind(listed)}")
    for index, item in enumerate(listed):
        at = below(path, index)
        if not isinstance(item, Mapping):
            intake.problems.add(at, f"must be an object, not {json_kind(item)}")
        elif item.get("type") == "SimpleItem":
            yield item, at
        else:
            yield from _flattened(item, at, intake)


def _flattened(item: Mapping[str, object], path: str, intake: Intake) -> Iterator[tuple[Mapping[str, object], str]]:
    transects = item.get("TransectStyleComplexItem")
    inner = transects.get("Items") if isinstance(transects, Mapping) else None
    if not isinstance(inner, list):
        kind = item.get("complexItemType") or item.get("type")
        told = f"a {kind!r:.40} without the flat items that it makes; save the plan again in QGroundControl"
        intake.problems.add(path, told)
        return
    for index, simple in enumerate(inner):
        at = f"{path}/TransectStyleComplexItem/Items/{index}"
        if isinstance(simple, Mapping) and simple.get("type", "SimpleItem") == "SimpleItem":
            yield simple, at
        else:
            intake.problems.add(at, "must be a SimpleItem")


def _item(
    item: Mapping[str, object], seq: int, path: str, number_by_id: Mapping[object, int], intake: Intake
) -> MissionItem | None:
    command, frame, params = item.get("command"), item.get("frame"), item.get("params")
    if not isinstance(command, int) or isinstance(command, bool) or not 0 <= command < 65_536:
        intake.problems.add(below(path, "command"), f"is {command!r:.40}; it must be a MAV_CMD")
        return None
    if frame not in FRAMES or not isinstance(frame, int):
        intake.problems.add(below(path, "frame"), f"is {frame!r:.40}; known are {', '.join(map(str, FRAMES))}")
        return None
    if not isinstance(params, list) or len(params) != 7:
        intake.problems.add(below(path, "params"), "must be an array of 7 numbers")
        return None
    # Null stands for NaN: whatever the vehicle does by itself. The wire form has 0 for it where no heading is set.
    values = [0.0 if value is None else number_of(value) for value in params]
    if any(value is None for value in values):
        intake.problems.add(below(path, "params"), "must be numbers or null")
        return None
    p1, p2, p3, p4, x, y, z = (value or 0.0 for value in values)
    if command == _DO_JUMP:
        if p1 not in number_by_id:
            intake.problems.add(below(path, "params"), f"jumps to {p1:g}, which is no item")
            return None
        p1 = float(number_by_id[p1])
    wire = _wire_place(command, frame, (x, y), path, intake)
    return MissionItem(seq, frame, command, (p1, p2, p3, p4), *wire, z) if wire else None


def _wire_place(
    command: int, frame: int, pair: tuple[float, float], path: str, intake: Intake
) -> tuple[int, int] | None:
    """x and y as MISSION_ITEM_INT has them: 1e-7 degree of a place in WGS-84, or the plain parameters."""
    at = below(path, "params")
    if command not in LOCATED or frame == NO_PLACE_FRAME or pair == (0.0, 0.0):
        if not all(abs(value) < _INT32 for value in pair):
            intake.problems.add(at, "must fit into 32 bits")
            return None
        return round(pair[0]), round(pair[1])
    found = position(list(pair), at, intake, latitude_first=True)
    return None if found is None else (to_e7(found.lat_deg), to_e7(found.lon_deg))


def _home(value: object, intake: Intake) -> MissionItem:
    path = "/mission/plannedHomePosition"
    at, alt_m = None, 0.0
    if isinstance(value, list) and len(value) >= 2:
        at = position(value[:2], path, intake, latitude_first=True)
        alt_m = (number_of(value[2]) if len(value) > 2 else None) or 0.0
    elif value is not None:
        intake.problems.add(path, "must be [latitude, longitude, altitude above mean sea level]")
    x, y = (to_e7(at.lat_deg), to_e7(at.lon_deg)) if at else (0, 0)
    return MissionItem(0, 0, NAV_WAYPOINT, (0.0, 0.0, 0.0, 0.0), x, y, alt_m)


def _home_at(zones: Sequence[Zone]) -> MissionItem:
    """A home for a plan that has none: where the first zone is."""
    at: LatLon | None = None
    if zones:
        shape = zones[0].shape
        at = shape.center if isinstance(shape, CircleShape) else shape.outer[0]
    x, y = (to_e7(at.lat_deg), to_e7(at.lon_deg)) if at else (0, 0)
    return MissionItem(0, 0, NAV_WAYPOINT, (0.0, 0.0, 0.0, 0.0), x, y, 0.0)


def _rally(value: object, intake: Intake) -> Iterator[Waypoint]:
    if value is None:
        return
    points = value.get("points", []) if isinstance(value, Mapping) else None
    if not isinstance(points, list) or len(points) > MOST_ITEMS:
        raise refusal("/rallyPoints/points", "must be an array of [latitude, longitude, altitude above home]")
    for index, point in enumerate(points):
        path = f"/rallyPoints/points/{index}"
        height = number_of(point[2]) if isinstance(point, list) and len(point) == 3 else None
        if height is None:
            intake.problems.add(path, "must be [latitude, longitude, altitude above home]")
        elif at := position(point[:2], path, intake, latitude_first=True):
            yield Waypoint(at, height)


def _simple(item: MissionItem) -> dict[str, Any]:
    located = item.command in LOCATED and item.frame != NO_PLACE_FRAME
    pair = (from_e7(item.x_e7), from_e7(item.y_e7)) if located else (item.x_e7, item.y_e7)
    found: dict[str, Any] = {
        "autoContinue": True,
        "command": item.command,
        "doJumpId": item.seq,
        "frame": item.frame,
        "params": [*item.params, *pair, item.z_m],
        "type": "SimpleItem",
    }
    if located:
        # What QGroundControl shows; it flies the params. 1: above home, 2: above mean sea level.
        mode = 1 if item.frame in (3, 6) else 2
        found |= {"AMSLAltAboveTerrain": None, "Altitude": item.z_m, "AltitudeMode": mode}
    return found
