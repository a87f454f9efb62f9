"""Strict reading of GeoJSON geometry (RFC 7946): what is wrong is told with a pointer, nothing is repaired."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import shapely
from shapely.geometry import Point, Polygon

from core.geo import EARTH_RADIUS_M, LatLon
from core.members import Problems, below, json_kind, read_array, read_number, read_object
from geofence.frame import lonlat_array
from geofence.zones import PolygonShape

Ring = tuple[LatLon, ...]

MOST_VERTICES = 2_000  # of what a mission is drawn with
MOST_ZONE_VERTICES = 6_000  # of one zone: real national zones have up to 5 001 (planning guide, section 3.2)
SMALLEST_AREA_M2 = 1.0
_M_PER_DEG = math.radians(EARTH_RADIUS_M)
# Longitude and latitude of Qingpu and a hand's breadth around it (domain guide, section 10): a position that lands
# here only when its numbers change places was written the wrong way round.
DISTRICT_BOX = ((120.7, 121.5), (30.8, 31.4))
# CGCS2000 equals WGS-84 within decimetres (domain guide, section 9); GeoJSON's order is longitude first in any case.
_ACCEPTED_CRS = re.compile(
    r"(CRS84h?|(EPSG:{0,2}[\d.]*:?)?(4326|4490|4979)|WGS[ -]?84|CGCS[ -]?2000)$", re.IGNORECASE
)
_SWAPPED = "coordinates look like latitude, longitude; GeoJSON wants longitude first"


def parse_ring(coordinates: object, pointer: str = "") -> Ring:
    """A closed ring of positions as an open vertex list, N ≥ 3. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    ring = read_ring(coordinates, pointer, problems)
    problems.raise_any()
    return ring


def parse_polygon(geometry: object, pointer: str = "") -> PolygonShape:
    """A Polygon geometry. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    shape = read_polygon(geometry, pointer, problems)
    problems.raise_any()
    assert shape is not None
    return shape


def parse_line(geometry: object, pointer: str = "") -> Ring:
    """A LineString geometry, N ≥ 2 places. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    line = read_line(geometry, pointer, problems)
    problems.raise_any()
    return line


def read_polygon(
    geometry: object, pointer: str, problems: Problems, *, most: int = MOST_VERTICES
) -> PolygonShape | None:
    """As `parse_polygon`, noting into `problems`; None when something was wrong. At most `most` vertices in all."""
    before = len(problems)
    rings_at = below(pointer, "coordinates")
    rings = read_array(_coordinates(geometry, pointer, problems, kind="Polygon"), rings_at, problems, longest=100)
    if not rings and len(problems) == before:
        problems.add(rings_at, "has no ring")
    if sum(len(ring) for ring in rings if isinstance(ring, list | tuple)) > most + len(rings):
        problems.add(rings_at, f"has more than {most} vertices in all")
        return None
    read = [read_ring(ring, below(rings_at, index), problems, most=most) for index, ring in enumerate(rings)]
    if len(problems) == before:
        _check_holes(read, rings_at, problems)
    return PolygonShape(read[0], tuple(read[1:])) if len(problems) == before else None


def read_line(geometry: object, pointer: str, problems: Problems) -> Ring:
    """As `parse_line`, noting into `problems`; () when something was wrong."""
    before = len(problems)
    at = below(pointer, "coordinates")
    coordinates = _coordinates(geometry, pointer, problems, kind="LineString")
    if len(problems) > before:
        return ()
    line = read_positions(coordinates, at, problems)
    if len(problems) == before and len(line) < 2:
        problems.add(at, f"a line needs at least 2 positions, this one has {len(line)}")
    _check_repeats(line, at, problems)
    return line if len(problems) == before else ()


def read_ring(coordinates: object, pointer: str, problems: Problems, *, most: int = MOST_VERTICES) -> Ring:
    """As `parse_ring`, noting into `problems`; () when something was wrong."""
    before = len(problems)
    closed = read_positions(coordinates, pointer, problems, most=most)
    if len(problems) > before:
        return ()
    if len(closed) < 2 or closed[0] != closed[-1]:
        last = below(pointer, len(closed) - 1) if closed else pointer
        problems.add(last, "the ring is not closed: its last position must repeat the first")
        ring = closed
    else:
        ring = closed[:-1]
    _check_repeats(ring, pointer, problems)
    if len(set(ring)) < 3:
        problems.add(pointer, f"a ring needs at least 3 different vertices, this one has {len(set(ring))}")
    if len(problems) == before:
        _check_ring_shape(ring, pointer, problems)
    return ring if len(problems) == before else ()


def read_positions(coordinates: object, pointer: str, problems: Problems, *, most: int = MOST_VERTICES) -> Ring:
    """An array of [longitude, latitude]; () when one is wrong. Swapped ones are told once, at the first."""
    before = len(problems)
    pairs = read_array(coordinates, pointer, problems, longest=most + 1)
    swapped = next((index for index, pair in enumerate(pairs) if _looks_swapped(pair)), None)
    if swapped is not None:
        problems.add(below(pointer, swapped), _SWAPPED)
        return ()
    places = [read_position(pair, below(pointer, index), problems) for index, pair in enumerate(pairs)]
    return tuple(at for at in places if at is not None) if len(problems) == before else ()


def read_position(pair: object, pointer: str, problems: Problems) -> LatLon | None:
    """One [longitude, latitude] in degrees. A third number is refused: heights have members of their own."""
    if not isinstance(pair, list | tuple):
        problems.add(pointer, f"must be [longitude, latitude], not {json_kind(pair)}")
        return None
    if len(pair) != 2:
        problems.add(
            pointer, f"must be [longitude, latitude], not {len(pair)} values; altitude is a member of its own"
        )
        return None
    if _looks_swapped(pair):
        problems.add(pointer, _SWAPPED)
        return None
    lon = read_number(pair[0], below(pointer, 0), problems, low=-180.0, high=180.0)
    lat = read_number(pair[1], below(pointer, 1), problems, low=-90.0, high=90.0)
    return LatLon(lat, lon) if lon is not None and lat is not None else None


def ring_coordinates(ring: Sequence[LatLon]) -> list[list[float]]:
    """An open vertex list as a closed GeoJSON ring."""
    return line_coordinates((*ring, ring[0]))


def line_coordinates(line: Sequence[LatLon]) -> list[list[float]]:
    """Places as GeoJSON positions, longitude first."""
    return [[at.lon_deg, at.lat_deg] for at in line]


def _coordinates(geometry: object, pointer: str, problems: Problems, *, kind: str) -> object:
    """The coordinates of a geometry of type `kind`; [] when it is another."""
    members = read_object(geometry, pointer, problems, known=("type", "coordinates", "crs", "bbox"))
    if not isinstance(geometry, Mapping):
        return []
    check_crs(members, pointer, problems)
    if members.get("type") != kind:
        problems.add(below(pointer, "type"), f"is {members.get('type')!r:.80}; it must be {kind}")
        return []
    if "coordinates" not in members:
        problems.add(below(pointer, "coordinates"), "is missing")
    return members.get("coordinates", [])


def read_features(collection: object, pointer: str, problems: Problems, *, most: int) -> Sequence[object]:
    """The features of a FeatureCollection, up to `most`, as they are."""
    known = ("type", "features", "crs", "bbox", "name", "notice")
    members = read_object(collection, pointer, problems, known=known, required=("type", "features"))
    check_crs(members, pointer, problems)
    if members and members.get("type") != "FeatureCollection":
        problems.add(below(pointer, "type"), "must be FeatureCollection")
    return read_array(members.get("features", []), below(pointer, "features"), problems, longest=most)


def check_crs(members: Mapping[str, object], pointer: str, problems: Problems) -> None:
    """Refuses a `crs` member, as older GeoJSON has it, that is neither WGS-84 nor CGCS2000."""
    crs = members.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else crs
    if not isinstance(name, str) or not _ACCEPTED_CRS.search(name):
        detail = f"is {name!r:.80}; coordinates must be WGS-84 or CGCS2000 (GCJ-02 is about 480 m off in Shanghai)"
        problems.add(below(pointer, "crs"), detail)


def _looks_swapped(pair: object) -> bool:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return False
    first, second = pair
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in pair):
        return False
    (west, east), (south, north) = DISTRICT_BOX
    in_box: bool = west <= second <= east and south <= first <= north
    return in_box or bool(90.0 < abs(second) <= 180.0 and abs(first) <= 90.0)


def _check_repeats(places: Ring, pointer: str, problems: Problems) -> None:
    for index in range(1, len(places)):
        if places[index] == places[index - 1]:
            problems.add(below(pointer, index), "repeats the position before it")


def _check_ring_shape(ring: Ring, pointer: str, problems: Problems) -> None:
    """Area and crossings, in degrees: that is where edges are straight."""
    drawn = Polygon(lonlat_array(ring))
    if drawn.buffer(0).area * _M_PER_DEG**2 * math.cos(math.radians(ring[0].lat_deg)) < SMALLEST_AREA_M2:
        problems.add(pointer, "encloses no area")
        return
    where = _invalid_at(drawn)
    if where is not None:
        problems.add(
            pointer,
            f"the polygon's edge crosses or touches itself at longitude {where.x:.6f}, latitude {where.y:.6f}",
        )


def _check_holes(rings: Sequence[Ring], pointer: str, problems: Problems) -> None:
    """Each hole lies inside the outer ring and apart from the other holes."""
    areas = [Polygon(lonlat_array(ring)) for ring in rings]
    for index, hole in enumerate(areas[1:], start=1):
        if not areas[0].covers(hole):
            problems.add(below(pointer, index), "the hole is not inside the outer ring")
        elif any(hole.intersection(other).area > 0 for other in areas[1:index]):
            problems.add(below(pointer, index), "the hole overlaps another hole")
    if not problems and (where := _invalid_at(Polygon(areas[0].exterior, [a.exterior for a in areas[1:]]))):
        problems.add(pointer, f"holes cut the area apart at longitude {where.x:.6f}, latitude {where.y:.6f}")


def _invalid_at(polygon: Polygon) -> Point | None:
    """Where GEOS finds the polygon invalid, from its own words: `Self-intersection[121.1 31.2]`."""
    if polygon.is_valid:
        return None
    found = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(polygon))
    return Point(float(found[1]), float(found[2])) if found else Point(polygon.exterior.coords[0])
