"""A mission as files carry it: the steps in their wire form, rally points and zones; and what a route of it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.geo import LatLon, from_e7
from geofence.formats.intake import Intake, refusal
from geofence.formats.report import Change
from geofence.geometry import line_coordinates
from geofence.zones import Zone
from missions.items import DO_CHANGE_SPEED, NAV_LAND, NAV_RETURN_TO_LAUNCH, NAV_TAKEOFF, NAV_WAYPOINT
from missions.model import MissionItem, Pattern, Waypoint

# MAV_FRAME: altitudes above mean sea level, above home and above the ground, each with its _INT twin; 2 has no place.
AMSL_FRAMES, RELATIVE_FRAMES, TERRAIN_FRAMES, NO_PLACE_FRAME = (0, 5), (3, 6), (10, 11), 2
FRAMES = (*AMSL_FRAMES, *RELATIVE_FRAMES, *TERRAIN_FRAMES, NO_PLACE_FRAME)
# Commands of common.xml whose fifth and sixth parameter are a place (hasLocation).
LOCATED = frozenset((16, 17, 18, 19, 21, 22, 31, 80, 81, 82, 84, 85, 94, 179, 189, 192, 195, 201, 5100))
# What a vehicle flies through or to: waypoints, loiters, splines.
PASSED = frozenset((NAV_WAYPOINT, 17, 18, 19, 82))
_SILENT = frozenset((NAV_TAKEOFF, NAV_RETURN_TO_LAUNCH, NAV_LAND, DO_CHANGE_SPEED))
MOST_ITEMS = 20_000  # a vehicle holds 650
_SURE_M = 0.01


@dataclass(frozen=True, slots=True)
class MissionFile:
    """What a file says. `items`: item 0 is home, at (0, 0) when the file names none; () when there is no mission.

    `rally`: altitudes above home. `speed_mps`: what the vehicle is asked to fly, None when the file does not say.
    """

    items: tuple[MissionItem, ...] = ()
    rally: tuple[Waypoint, ...] = ()
    zones: tuple[Zone, ...] = ()
    speed_mps: float | None = None


def is_located(item: MissionItem) -> bool:
    """Whether the item's x and y are a place, rather than two more parameters."""
    return item.command in LOCATED and item.frame != NO_PLACE_FRAME and bool(item.x_e7 or item.y_e7)


def place_of(item: MissionItem) -> LatLon:
    return LatLon(from_e7(item.x_e7), from_e7(item.y_e7))


def route_feature(file: MissionFile, name: str, intake: Intake) -> dict[str, Any]:
    """The mission feature that flies the file's waypoints in their order, by the pattern `route`.

    It has one altitude, above home or above the ground: the highest of the file's, told when they differ; none when
    they count from different things or from sea level without a home, so that somebody has to say it.

    Raises InvalidRequest without two waypoints.
    """
    passed = [item for item in file.items[1:] if item.command in PASSED and is_located(item)]
    line = _without_repeats(place_of(item) for item in passed)
    if len(line) < 2:
        raise refusal("", f"the file has {len(line)} waypoints; a route needs two at least")
    _tell_left_out(file.items[1:], intake)
    properties: dict[str, Any] = {"name": name or "mission", "pattern": str(Pattern.ROUTE)}
    properties |= _altitude(passed, file.items[0], intake)
    speed_mps = _speed_mps(file)
    if speed_mps is not None:
        properties["speed_mps"] = speed_mps
    geometry = {"type": "LineString", "coordinates": line_coordinates(line)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _without_repeats(places: Iterable[LatLon]) -> tuple[LatLon, ...]:
    found: list[LatLon] = []
    for at in places:
        if not found or found[-1] != at:
            found.append(at)
    return tuple(found)


def _altitude(passed: Sequence[MissionItem], home: MissionItem, intake: Intake) -> dict[str, float]:
    """The member of the properties that tells the altitude; {} when there is none to tell."""
    frames = {item.frame for item in passed}
    member, above = "alt_rel_m", "home"
    if frames <= set(TERRAIN_FRAMES):
        member, above = "alt_agl_m", "the ground"
    if frames <= set(RELATIVE_FRAMES) or frames <= set(TERRAIN_FRAMES):
        heights = [item.z_m for item in passed]
    elif frames <= {*RELATIVE_FRAMES, *AMSL_FRAMES} and (home.x_e7 or home.y_e7):
        heights = [item.z_m - home.z_m if item.frame in AMSL_FRAMES else item.z_m for item in passed]
        intake.note("/mission", Change.CONVERTED, "altitudes above mean sea level to heights above the file's home")
    else:
        told = "altitudes that count from different things: say how high the route is flown (alt_rel_m)"
        intake.note("/mission", Change.LEFT_OUT, told)
        return {}
    lowest, highest = min(heights), max(heights)
    if highest - lowest > _SURE_M:
        told = f"altitudes from {lowest:g} to {highest:g} m above {above}: a route has one, the highest"
        intake.note("/mission", Change.MAPPED, told)
    return {member: round(highest, 2)}


def _speed_mps(file: MissionFile) -> float | None:
    changes = (item.params[1] for item in file.items if item.command == DO_CHANGE_SPEED and item.params[1] > 0.0)
    return next(changes, file.speed_mps)


def _tell_left_out(items: Iterable[MissionItem], intake: Intake) -> None:
    """Notes the commands that a route does not repeat."""
    others = Counter(item.command for item in items if item.command not in PASSED | _SILENT)
    if others:
        listed = ", ".join(f"{command} ({count}×)" for command, count in sorted(others.items())[:10])
        intake.note("/mission", Change.LEFT_OUT, f"commands that a route does not have: {listed}")
