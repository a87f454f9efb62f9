"""What a person asks for, read from a GeoJSON feature and written back as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.geo import LatLon, ground_distance_m
from core.ids import DockId
from core.members import Problems, below, read_choice, read_number, read_object, read_text
from geofence.geometry import line_coordinates, read_line, read_polygon, ring_coordinates
from geofence.zones import PolygonShape
from missions.model import Dock, MissionRequest, Parameter, Pattern

LONGEST_NAME = 100
DEFAULT_SPACING_M = 40.0
_BOUNDS = {
    "alt_rel_m": (5.0, 500.0),
    "speed_mps": (1.0, 100.0),
    "spacing_m": (5.0, 500.0),
    "heading_deg": (0.0, 360.0),
}
_REQUIRED = ("name", "pattern", "alt_rel_m", "speed_mps")
_SURVEY_ONLY = ("spacing_m", "heading_deg")
_KNOWN = (*_REQUIRED, "dock_id", *_SURVEY_ONLY)
_PROPERTIES = "/properties"


def parse_request(feature: object, docks: Sequence[Dock]) -> MissionRequest:
    """Reads a MissionFeature strictly; without `dock_id` the dock nearest to its geometry is taken.

    A route has no rows: what it says of them is checked and left out.

    Raises InvalidRequest with everything wrong. `docks`: N ≥ 1.
    """
    problems = Problems()
    members = ("type", "geometry", "properties")
    top = read_object(feature, "", problems, known=(*members, "id", "bbox"), required=members)
    if top.get("type", "Feature") != "Feature":
        problems.add("/type", f"is {top['type']!r:.80}; it must be Feature")
    told: Mapping[str, object] = {}
    if "properties" in top:
        told = read_object(top["properties"], _PROPERTIES, problems, known=_KNOWN, required=_REQUIRED)
    name = read_text(told.get("name", "-"), f"{_PROPERTIES}/name", problems, longest=LONGEST_NAME)
    pattern = _read_pattern(told, problems)
    line, area = _read_geometry(top.get("geometry"), pattern, problems) if "geometry" in top else ((), None)
    numbers = {key: _read_number(told, key, problems) for key in _BOUNDS}
    dock_id = _read_dock(told.get("dock_id"), docks, problems)
    problems.raise_any()
    assert name is not None
    assert pattern is not None
    ring = area.outer if area else ()
    parameters: dict[str, Parameter] = {}
    if area:
        parameters["spacing_m"] = numbers["spacing_m"] or DEFAULT_SPACING_M
        if numbers["heading_deg"] is not None:
            parameters["heading_deg"] = numbers["heading_deg"]
    return MissionRequest(
        name=name.strip(),
        dock_id=dock_id or nearest_dock(docks, line or ring).id,
        pattern=pattern,
        alt_m=numbers["alt_rel_m"] or 0.0,
        speed_mps=numbers["speed_mps"] or 0.0,
        line=line,
        ring=ring,
        holes=area.holes if area else (),
        parameters=parameters,
    )


def request_feature(request: MissionRequest) -> dict[str, Any]:
    """The MissionFeature that reads as `request`."""
    properties: dict[str, Any] = {
        "name": request.name,
        "pattern": str(request.pattern),
        "alt_rel_m": request.alt_m,
        "speed_mps": request.speed_mps,
        "dock_id": str(request.dock_id),
    }
    if request.pattern is Pattern.ROUTE:
        geometry = {"type": "LineString", "coordinates": line_coordinates(request.line)}
    else:
        rings = (request.ring, *request.holes)
        geometry = {"type": "Polygon", "coordinates": [ring_coordinates(ring) for ring in rings]}
        properties |= {"heading_deg": None} | request.parameters
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def nearest_dock(docks: Sequence[Dock], places: Sequence[LatLon]) -> Dock:
    """The dock with the shortest way to any of `places`, N ≥ 1."""
    return min(docks, key=lambda dock: min(ground_distance_m(dock.place, at) for at in places))


def _read_pattern(told: Mapping[str, object], problems: Problems) -> Pattern | None:
    if "pattern" not in told:
        return None
    pattern = read_choice(told["pattern"], f"{_PROPERTIES}/pattern", problems, Pattern)
    if pattern in (None, Pattern.ROUTE, Pattern.SURVEY):
        return pattern
    problems.add(f"{_PROPERTIES}/pattern", f"{pattern} cannot be planned yet")
    return None


def _read_geometry(
    geometry: object, pattern: Pattern | None, problems: Problems
) -> tuple[tuple[LatLon, ...], PolygonShape | None]:
    """The line of a route or the area of a survey. An unknown pattern is read as its geometry suggests."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    wanted = {Pattern.ROUTE: "LineString", Pattern.SURVEY: "Polygon", None: kind}[pattern]
    if pattern is not None and kind in ("LineString", "Polygon") and kind != wanted:
        problems.add("/geometry/type", f"the pattern {pattern} needs a {wanted}, not a {kind}")
        return (), None
    if wanted == "Polygon":
        return (), read_polygon(geometry, "/geometry", problems)
    return read_line(geometry, "/geometry", problems), None


def _read_number(told: Mapping[str, object], key: str, problems: Problems) -> float | None:
    """A number within its bounds; None when it is not told, for which null stands too where it may be left out."""
    optional = key in _SURVEY_ONLY
    if key not in told or (optional and told[key] is None):
        return None
    low, high = _BOUNDS[key]
    return read_number(told[key], below(_PROPERTIES, key), problems, low=low, high=high)


def _read_dock(value: object, docks: Sequence[Dock], problems: Problems) -> DockId | None:
    if value is None:
        return None
    found = next((dock.id for dock in docks if dock.id == value), None)
    if found is None:
        known = ", ".join(dock.id for dock in docks)
        problems.add(f"{_PROPERTIES}/dock_id", f"there is no dock {value!r:.80}; known are {known}")
    return found
