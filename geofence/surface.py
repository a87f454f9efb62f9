"""What a path must stay above: the ground, and masts, chimneys and buildings, which are read from GeoJSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.altitude import Datum
from core.geo import LatLon
from core.members import Problems, below, read_array, read_number, read_object, read_text
from geofence.frame import Array, LocalFrame, circle_lonlat
from geofence.geometry import check_crs, read_polygon, read_position
from geofence.profile import ASIDE_M, Pieces, cut
from geofence.terrain import Terrain
from geofence.zones import CircleShape, PolygonShape, Shape

MOST_OBSTACLES = 10_000
LARGEST_RADIUS_M = 5_000.0
# Lowest land and highest mountain with a tower on it: beyond, a top is a slip of the pen.
LOWEST_TOP_M, HIGHEST_TOP_M = -450.0, 10_000.0
_PROPERTIES = ("name", "top_amsl_m", "top_agl_m", "radius_m", "source")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands: its outline, and its top in AMSL or above the highest ground under it (AGL)."""

    id: str
    name: str
    shape: Shape
    top_m: float
    datum: Datum
    source: str = ""


@dataclass(frozen=True, slots=True)
class Clearance:
    """The least height above what lies below, and where; `obstacle` None is the ground itself."""

    least_m: float
    at: LatLon
    obstacle: Obstacle | None = None


class Surface:
    """Ground and obstacles around one frame.

    `tops_amsl_m` (K,): the top of each obstacle; NaN where it is told in AGL and the ground is not known.
    """

    def __init__(self, terrain: Terrain, frame: LocalFrame, obstacles: tuple[Obstacle, ...] = ()) -> None:
        shapes = [_area(obstacle.shape, frame) for obstacle in obstacles]
        self.terrain = terrain
        self.frame = frame
        self.obstacles = obstacles
        self.tops_amsl_m = _tops_amsl_m(obstacles, shapes, terrain, frame)
        self._tree = shapely.STRtree(shapes)

    def clearances(
        self, path: Array, home_amsl_m: float, *, aside_m: float = ASIDE_M
    ) -> tuple[Clearance | None, ...]:
        """The least clearance of each of the N − 1 legs; None where ground or a top beside a leg is not known.

        `path`: (N, 3) metres in the frame, N ≥ 2, the third above home. Negative is inside or below. An obstacle
        counts for the pieces of the path that come within `aside_m` of its outline.
        """
        pieces = cut(path)
        lowest_amsl_m = home_amsl_m + pieces.alt_m.min(axis=1)
        gaps_m = lowest_amsl_m - self.terrain.ranges_amsl_m(pieces.boxes(self.frame, aside_m))[:, 1]
        under = np.full(len(gaps_m), -1, dtype=np.int64)
        near = self._tree.query(shapely.linestrings(pieces.ends), predicate="dwithin", distance=aside_m)
        for piece, obstacle in near.T.tolist():
            above_m = lowest_amsl_m[piece] - self.tops_amsl_m[obstacle]
            if np.isnan(above_m) or above_m < gaps_m[piece]:  # what is not known stays so
                gaps_m[piece], under[piece] = above_m, obstacle
        ends = np.searchsorted(pieces.leg_of, np.arange(len(path)))
        return tuple(self._worst(pieces, gaps_m, under, slice(*ends[leg : leg + 2])) for leg in range(len(path) - 1))

    def _worst(self, pieces: Pieces, gaps_m: Array, under: NDArray[np.int64], leg: slice) -> Clearance | None:
        if np.isnan(gaps_m[leg]).any():
            return None
        worst = int(leg.start + gaps_m[leg].argmin())
        at = self.frame.to_places(pieces.ends[worst].mean(axis=0)[None])[0]
        obstacle = None if under[worst] < 0 else self.obstacles[int(under[worst])]
        return Clearance(float(gaps_m[worst]), at, obstacle)


def _tops_amsl_m(
    obstacles: tuple[Obstacle, ...], shapes: list[BaseGeometry], terrain: Terrain, frame: LocalFrame
) -> Array:
    boxes = np.array([shapely.transform(shape, frame.unproject).bounds for shape in shapes]).reshape(-1, 4)
    above_ground = np.array([obstacle.datum is Datum.AGL for obstacle in obstacles], dtype=bool)
    tops_m = np.array([obstacle.top_m for obstacle in obstacles], dtype=np.float64)
    tops_m[above_ground] += terrain.ranges_amsl_m(boxes[above_ground])[:, 1]
    return tops_m


def _area(shape: Shape, frame: LocalFrame) -> BaseGeometry:
    """The outline in the plane. A circle is drawn around, a courtyard filled: never too small."""
    match shape:
        case PolygonShape(outer, _):
            return frame.polygon(outer)
        case CircleShape(center, radius_m):
            return shapely.Polygon(frame.project(circle_lonlat(center, radius_m, inner=False)))


def parse_obstacles(feature_collection: object, pointer: str = "") -> tuple[Obstacle, ...]:
    """Obstacles of a FeatureCollection: a Polygon, or a Point with `radius_m`; `top_amsl_m` or `top_agl_m`.

    Raises InvalidRequest with everything wrong.
    """
    problems = Problems()
    known = ("type", "features", "crs", "bbox", "name", "notice")
    members = read_object(feature_collection, pointer, problems, known=known, required=("type", "features"))
    check_crs(members, pointer, problems)
    if members and members.get("type") != "FeatureCollection":
        problems.add(below(pointer, "type"), "must be FeatureCollection")
    at = below(pointer, "features")
    features = read_array(members.get("features", []), at, problems, longest=MOST_OBSTACLES)
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
    datums = {"top_amsl_m": Datum.AMSL, "top_agl_m": Datum.AGL}
    given = [member for member in datums if member in told]
    if len(given) != 1:
        problems.add(pointer, "must have one of top_amsl_m and top_agl_m")
        return None
    low = LOWEST_TOP_M if given[0] == "top_amsl_m" else 0.0
    top_m = read_number(told[given[0]], below(pointer, given[0]), problems, low=low, high=HIGHEST_TOP_M)
    return None if top_m is None else (top_m, datums[given[0]])


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
