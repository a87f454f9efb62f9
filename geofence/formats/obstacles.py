"""Masts, chimneys and buildings from GeoJSON: each becomes an exclusion that reaches from the ground to its top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.altitude import Altitude, AltitudeBand, Datum
from core.ids import ZoneId
from core.members import Problems, below, read_number, read_object, read_text
from geofence.formats.crs import Crs
from geofence.formats.intake import Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.geometry import check_crs, read_features, read_polygon, read_position
from geofence.kinds import zone_kinds
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone

OBSTACLE = "obstacle"
MOST_OBSTACLES = 5_000
LARGEST_RADIUS_M = 5_000.0
# Lowest land and highest mountain with a tower on it: beyond, a top is a slip of the pen.
LOWEST_TOP_M, HIGHEST_TOP_M = -450.0, 10_000.0
_TOPS = {"top_amsl_m": Datum.AMSL, "top_agl_m": Datum.AGL}
_PROPERTIES = ("name", *_TOPS, "radius_m", "source")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands: its outline, and its top in AMSL or above the highest ground under it (AGL)."""

    id: str
    name: str
    shape: Shape
    top_m: float
    datum: Datum
    source: str = ""


def are_obstacles(feature: Mapping[str, object]) -> bool:
    """Whether the first feature of a collection says that the file is one of obstacles: it has a top."""
    properties = feature.get("properties")
    return isinstance(properties, Mapping) and not _TOPS.keys().isdisjoint(properties)


def read_obstacles(document: object, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The obstacles of a FeatureCollection as exclusions up to their tops. Raises InvalidRequest.

    A Polygon, or a Point with `radius_m`; `top_amsl_m`, or `top_agl_m` above the highest ground under it. Courtyards
    are filled. Coordinates are WGS-84.
    """
    intake = Intake(options)
    if intake.crs not in (Crs.WGS84, Crs.CGCS2000):
        raise refusal("", "obstacles are read in WGS-84; convert the file first")
    obstacles = parse_obstacles(document)
    intake.note_once("/features", Change.MAPPED, "an obstacle: read as an exclusion from the ground to its top")
    return tuple(_zone(obstacle) for obstacle in obstacles), intake.report(Format.OBSTACLES)


def _zone(obstacle: Obstacle) -> Zone:
    shape = obstacle.shape
    solid = PolygonShape(shape.outer) if isinstance(shape, PolygonShape) else shape
    kind = zone_kinds()[OBSTACLE]
    return Zone(
        id=ZoneId(obstacle.id),
        name=obstacle.name,
        role=Role.EXCLUSION,
        shape=solid,
        kind=OBSTACLE,
        band=AltitudeBand(None, Altitude(obstacle.top_m, obstacle.datum)),
        margin_m=kind.margin_m,
        source=obstacle.source,
    )


def parse_obstacles(feature_collection: object, pointer: str = "") -> tuple[Obstacle, ...]:
    """As `read_obstacles`, as what they are. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    at = below(pointer, "features")
    features = read_features(feature_collection, pointer, problems, most=MOST_OBSTACLES)
    read = [_read_obstacle(feature, below(at, index), problems) for index, feature in enumerate(features)]
    seen: set[str] = set()
    for index, obstacle in enumerate(read):
        if obstacle is not None and obstacle.id in seen:
            problems.add(below(below(at, index), "id"), f"the id {obstacle.id!r} is used twice")
        seen.add("" if obstacle is None else obstacle.id)
    problems.raise_any()
    return tuple(obstacle for obstacle in read if obstacle is not None)


def _read_obstacle(feature: object, pointer: str, problems: Problems) -> Obstacle | None:
    required = ("type", "id", "geometry", "properties")
    members = read_object(feature, pointer, problems, known=(*required, "bbox"), required=required)
    if not set(required) <= members.keys():
        return None
    if members["type"] != "Feature":
        problems.add(below(pointer, "type"), "must be Feature")
    at = below(pointer, "properties")
    told = read_object(members["properties"], at, problems, known=_PROPERTIES, required=("name",))
    obstacle_id = read_text(members["id"], below(pointer, "id"), problems, longest=100)
    name = read_text(told.get("name", "-"), below(at, "name"), problems, longest=200)
    source = read_text(told.get("source", ""), below(at, "source"), problems, longest=500, empty=True)
    shape = _read_shape(members["geometry"], told, pointer, problems)
    top = _read_top(told, at, problems)
    if obstacle_id is None or name is None or source is None or shape is None or top is None:
        return None
    return Obstacle(obstacle_id, name, shape, *top, source)


def _read_top(told: Mapping[str, object], pointer: str, problems: Problems) -> tuple[float, Datum] | None:
    given = [member for member in _TOPS if member in told]
    if len(given) != 1:
        problems.add(pointer, "must have one of top_amsl_m and top_agl_m")
        return None
    low = LOWEST_TOP_M if given[0] == "top_amsl_m" else 0.0
    top_m = read_number(told[given[0]], below(pointer, given[0]), problems, low=low, high=HIGHEST_TOP_M)
    return None if top_m is None else (top_m, _TOPS[given[0]])


def _read_shape(geometry: object, told: Mapping[str, object], pointer: str, problems: Problems) -> Shape | None:
    at, radius_at = below(pointer, "geometry"), below(below(pointer, "properties"), "radius_m")
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
        if "radius_m" in told:
            problems.add(radius_at, "belongs to a Point, which is a circle's centre")
        return read_polygon(geometry, at, problems)
    check_crs(geometry, at, problems)
    read_object(geometry, at, problems, known=("type", "coordinates", "crs", "bbox"), required=("coordinates",))
    center = read_position(geometry.get("coordinates"), below(at, "coordinates"), problems)
    radius_m = read_number(told.get("radius_m"), radius_at, problems, low=0.1, high=LARGEST_RADIUS_M)
    return CircleShape(center, radius_m) if center and radius_m else None
