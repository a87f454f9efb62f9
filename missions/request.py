"""What a person asks for, read from a GeoJSON feature and written back as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.altitude import Datum
from core.geo import LatLon, ground_distance_m
from core.ids import DockId
from core.members import Problems, below, read_choice, read_number, read_object, read_text
from geofence.geometry import line_coordinates, read_positions
from geofence.members import read_time
from missions.drawing import Drawing, drawing_geometry, read_drawing
from missions.fleet import DEFAULT_AIRFRAME
from missions.model import Dock, MissionRequest, Parameter, Pattern, ReturnMode
from missions.patterns.camera import CAMERAS, alt_agl_for_m
from missions.patterns.catalog import CATALOG, PARAMETER_NAMES, PatternSpec, read_parameters, rivals
from missions.templates import TEMPLATES, Template
from missions.wind import Wind

LONGEST_NAME = 100
LONGEST_ID = 60
MOST_RALLY_POINTS = 20
ALT_BOUNDS_M = (5.0, 500.0)
SPEED_BOUNDS_MPS = (1.0, 100.0)
# Which member tells the altitude, and from where it counts.
ALTITUDES = {"alt_rel_m": Datum.REL, "alt_agl_m": Datum.AGL}
# With a camera it sets the altitude above the ground, and no altitude is told.
RESOLUTION = "resolution_cm"
_COMMON = (
    "name",
    "pattern",
    *ALTITUDES,
    "speed_mps",
    "dock_id",
    "departs_at",
    "returns",
    "rally",
    "wind",
    "template",
)
_KNOWN = (*_COMMON, *PARAMETER_NAMES)
_PROPERTIES = "/properties"
_WIND = {"speed_mps": (0.0, 60.0), "from_deg": (0.0, 360.0), "gust_mps": (0.0, 30.0)}


def parse_request(
    feature: object, docks: Sequence[Dock], airframes: Mapping[DockId, str] | None = None
) -> MissionRequest:
    """Reads a MissionFeature strictly; without `dock_id` the dock nearest to its geometry is taken.

    With `template` the template stands for every member that is not told, for the airframe that `airframes` names at
    the dock (else the default one). null stands for absent, also against a template.

    Raises InvalidRequest with everything wrong. `docks`: N ≥ 1.
    """
    problems = Problems()
    members = ("type", "geometry", "properties")
    top = read_object(feature, "", problems, known=(*members, "id", "bbox"), required=members)
    if top.get("type", "Feature") != "Feature":
        problems.add("/type", f"is {top['type']!r:.80}; it must be Feature")
    told: Mapping[str, object] = {}
    if "properties" in top:
        told = read_object(top["properties"], _PROPERTIES, problems, known=_KNOWN)
    template = _read_template(told, problems)
    pattern = _read_pattern(told, template, problems)
    drawing = Drawing()
    if "geometry" in top:
        drawing = _read_geometry(top["geometry"], pattern, problems)
    dock_id = _read_dock(told.get("dock_id"), docks, problems)
    if dock_id is None:
        dock_id = nearest_dock(docks, drawing.places).id if drawing.places else docks[0].id
    if template is not None and pattern is not None:
        airframe = (airframes or {}).get(dock_id, DEFAULT_AIRFRAME)
        told = _completed(told, template, CATALOG[pattern], airframe)
    return _read_members(told, pattern, drawing, dock_id, problems)


def request_feature(request: MissionRequest) -> dict[str, Any]:
    """The MissionFeature that reads as `request`; what is left out of it is told as null."""
    altitude = next(name for name, datum in ALTITUDES.items() if datum is request.alt_datum)
    properties: dict[str, Any] = {
        "name": request.name,
        "pattern": str(request.pattern),
        altitude: request.alt_m if RESOLUTION not in request.parameters else None,
        "speed_mps": request.speed_mps,
        "dock_id": str(request.dock_id),
        "departs_at": request.departs_at.isoformat() if request.departs_at else None,
        "returns": str(request.returns) if request.returns else None,
        "rally": line_coordinates(request.rally) or None,
        "wind": _wind_member(request.wind),
        "template": request.template or None,
    }
    properties |= {each.name: request.parameters.get(each.name) for each in CATALOG[request.pattern].parameters}
    return {"type": "Feature", "geometry": drawing_geometry(request), "properties": properties}


def nearest_dock(docks: Sequence[Dock], places: Sequence[LatLon]) -> Dock:
    """The dock with the shortest way to any of `places`, N ≥ 1."""
    return min(docks, key=lambda dock: min(ground_distance_m(dock.place, at) for at in places))


def _read_members(
    told: Mapping[str, object], pattern: Pattern | None, drawing: Drawing, dock_id: DockId, problems: Problems
) -> MissionRequest:
    """The request, all members being told. Raises InvalidRequest with everything noted so far."""
    name = _read_name(told, problems)
    alt_m, alt_datum = _read_altitude(told, problems)
    speed_mps = _read_speed(told, problems)
    departs_at = read_time(told.get("departs_at"), below(_PROPERTIES, "departs_at"), problems)
    returns = _read_returns(told.get("returns"), problems)
    rally = _read_rally(told.get("rally"), problems)
    if rally and returns is ReturnMode.RETRACE:
        detail = "a flight that comes back along its path never goes to a rally point; leave out this or returns"
        problems.add(below(_PROPERTIES, "rally"), detail)
    wind = _read_wind(told.get("wind"), problems)
    parameters: dict[str, Parameter] = {}
    if pattern is not None:
        _check_foreign(told, CATALOG[pattern], problems)
        parameters = read_parameters(CATALOG[pattern], told, _PROPERTIES, problems)
        alt_m = alt_m or _resolved_alt_m(parameters, problems)
    problems.raise_any()
    assert pattern is not None
    return MissionRequest(
        name=name,
        dock_id=dock_id,
        pattern=pattern,
        alt_m=alt_m,
        speed_mps=speed_mps,
        line=drawing.line,
        ring=drawing.ring,
        holes=drawing.holes,
        points=drawing.points,
        parameters=parameters,
        alt_datum=alt_datum,
        departs_at=departs_at,
        returns=returns,
        rally=rally,
        wind=wind,
        template=str(told.get("template") or ""),
    )


def _completed(told: Mapping[str, object], template: Template, spec: PatternSpec, airframe: str) -> dict[str, object]:
    """What is told, and what the template says of the rest; what cannot stand beside something told is left out."""
    named = {name for name, value in told.items() if value is not None}
    shut_out = {rival for name in named for rival in rivals(spec, name)}
    if named & {*ALTITUDES, RESOLUTION}:
        shut_out |= {*ALTITUDES, RESOLUTION}
    defaults = {"name": template.name, "pattern": str(template.pattern)} | template.defaults(airframe)
    return {name: value for name, value in defaults.items() if name not in shut_out} | dict(told)


def _read_template(told: Mapping[str, object], problems: Problems) -> Template | None:
    if told.get("template") is None:
        return None
    at = below(_PROPERTIES, "template")
    name = read_text(told["template"], at, problems, longest=LONGEST_ID)
    if name is not None and name not in TEMPLATES:
        problems.add(at, f"there is no template {name!r}; known are {', '.join(TEMPLATES)}")
    return TEMPLATES.get(name or "")


def _read_pattern(told: Mapping[str, object], template: Template | None, problems: Problems) -> Pattern | None:
    at = below(_PROPERTIES, "pattern")
    if told.get("pattern") is None:
        if template is None and "template" not in told:
            problems.add(at, "is missing")
        return template.pattern if template else None
    pattern = read_choice(told["pattern"], at, problems, Pattern)
    if template and pattern and pattern is not template.pattern:
        problems.add(at, f"is {pattern}; the template {template.id} is a {template.pattern}")
    return pattern


def _read_geometry(geometry: object, pattern: Pattern | None, problems: Problems) -> Drawing:
    """The drawing that the pattern needs. An unknown pattern is read as its geometry suggests."""
    if pattern is not None:
        return read_drawing(geometry, CATALOG[pattern].geometry, f"the pattern {pattern}", "/geometry", problems)
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    wanted = (kind,) if isinstance(kind, str) and kind in ("Polygon", "Point", "MultiPoint") else ("LineString",)
    return read_drawing(geometry, wanted, "it", "/geometry", problems)


def _read_name(told: Mapping[str, object], problems: Problems) -> str:
    at = below(_PROPERTIES, "name")
    if "name" not in told:
        problems.add(at, "is missing")
        return ""
    return (read_text(told["name"], at, problems, longest=LONGEST_NAME) or "").strip()


def _read_altitude(told: Mapping[str, object], problems: Problems) -> tuple[float, Datum]:
    """Exactly one of the altitudes is told, or a resolution in place of both."""
    named = [name for name in (*ALTITUDES, RESOLUTION) if told.get(name) is not None]
    if not named:
        problems.add(below(_PROPERTIES, "alt_rel_m"), f"is missing; tell one of {', '.join(ALTITUDES)}")
        return 0.0, Datum.REL
    for other in named[1:]:
        problems.add(below(_PROPERTIES, other), f"stands in place of {named[0]}; tell one of the two")
    if named[0] == RESOLUTION:
        return 0.0, Datum.AGL
    low, high = ALT_BOUNDS_M
    alt_m = read_number(told[named[0]], below(_PROPERTIES, named[0]), problems, low=low, high=high)
    return alt_m or 0.0, ALTITUDES[named[0]]


def _resolved_alt_m(parameters: Mapping[str, Parameter], problems: Problems) -> float:
    """The altitude above the ground from which the camera shows the resolution."""
    if RESOLUTION not in parameters or "camera" not in parameters:
        return 0.0
    camera, wanted_cm = CAMERAS[str(parameters["camera"])], float(parameters[RESOLUTION])
    alt_m = alt_agl_for_m(camera, wanted_cm)
    low_m, high_m = ALT_BOUNDS_M
    if not low_m <= alt_m <= high_m:
        detail = (
            f"is {wanted_cm:g} cm, which {camera.name!r} shows from {alt_m:.1f} m above the ground; that must be "
        )
        problems.add(below(_PROPERTIES, RESOLUTION), f"{detail}from {low_m:g} to {high_m:g} m")
    return alt_m


def _read_speed(told: Mapping[str, object], problems: Problems) -> float:
    at, (low, high) = below(_PROPERTIES, "speed_mps"), SPEED_BOUNDS_MPS
    if told.get("speed_mps") is None:
        problems.add(at, "is missing")
        return 0.0
    return read_number(told["speed_mps"], at, problems, low=low, high=high) or 0.0


def _read_returns(value: object, problems: Problems) -> ReturnMode | None:
    return None if value is None else read_choice(value, below(_PROPERTIES, "returns"), problems, ReturnMode)


def _read_rally(value: object, problems: Problems) -> tuple[LatLon, ...]:
    if value is None:
        return ()
    at = below(_PROPERTIES, "rally")
    places = read_positions(value, at, problems)
    if len(places) > MOST_RALLY_POINTS:
        problems.add(at, f"has {len(places)} points; at most {MOST_RALLY_POINTS} are allowed")
    return places


def _read_wind(value: object, problems: Problems) -> Wind | None:
    """The forecast: `speed_mps` from `from_deg` (true), with gusts of the standard deviation `gust_mps`."""
    if value is None:
        return None
    at = below(_PROPERTIES, "wind")
    members = read_object(value, at, problems, known=tuple(_WIND), required=("speed_mps", "from_deg"))
    numbers = {
        name: read_number(members.get(name, 0.0), below(at, name), problems, low=low, high=high) or 0.0
        for name, (low, high) in _WIND.items()
    }
    return Wind(**numbers)


def _wind_member(wind: Wind | None) -> dict[str, float] | None:
    return None if wind is None else {name: getattr(wind, name) for name in _WIND}


def _check_foreign(told: Mapping[str, object], spec: PatternSpec, problems: Problems) -> None:
    """A parameter of another pattern would do nothing: it is named. null tells nothing and is let through."""
    own = {each.name for each in spec.parameters}
    for name in PARAMETER_NAMES:
        if name not in own and told.get(name) is not None:
            owners = [str(other.pattern) for other in CATALOG.values() if name in {p.name for p in other.parameters}]
            problems.add(below(_PROPERTIES, name), f"{spec.pattern} has none; it belongs to {', '.join(owners)}")


def _read_dock(value: object, docks: Sequence[Dock], problems: Problems) -> DockId | None:
    if value is None:
        return None
    found = next((dock.id for dock in docks if dock.id == value), None)
    if found is None:
        known = ", ".join(dock.id for dock in docks)
        problems.add(f"{_PROPERTIES}/dock_id", f"there is no dock {value!r:.80}; known are {known}")
    return found
