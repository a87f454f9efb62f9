"""The geometry of a request, read strictly as its pattern wants it drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.geo import LatLon
from core.members import Problems, below, read_object
from geofence.geometry import (
    check_crs,
    line_coordinates,
    read_line,
    read_polygon,
    read_position,
    read_positions,
    ring_coordinates,
)
from missions.model import MissionRequest

MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn: a line, a ring with holes, or points; the others are ()."""

    line: tuple[LatLon, ...] = ()
    ring: tuple[LatLon, ...] = ()
    holes: tuple[tuple[LatLon, ...], ...] = ()
    points: tuple[LatLon, ...] = ()

    @property
    def places(self) -> tuple[LatLon, ...]:
        """All of its places, holes left out; () when nothing could be read."""
        return self.line or self.ring or self.points


def read_drawing(geometry: object, wanted: Sequence[str], what: str, pointer: str, problems: Problems) -> Drawing:
    """A GeoJSON geometry of one of the `wanted` types, for the pattern `what`; noting what is wrong."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind in ("LineString", "Polygon", "Point", "MultiPoint") and kind not in wanted:
        problems.add(below(pointer, "type"), f"{what} needs a {' or a '.join(wanted)}, not a {kind}")
        return Drawing()
    match kind if kind in wanted else wanted[0]:
        case "LineString":
            return Drawing(line=read_line(geometry, pointer, problems))
        case "Polygon":
            shape = read_polygon(geometry, pointer, problems)
            return Drawing(ring=shape.outer, holes=shape.holes) if shape else Drawing()
        case _:
            return Drawing(points=_read_points(geometry, wanted, pointer, problems))


def drawing_geometry(request: MissionRequest) -> dict[str, Any]:
    """The GeoJSON geometry that reads as the request's."""
    if request.line:
        return {"type": "LineString", "coordinates": line_coordinates(request.line)}
    if request.ring:
        rings = (request.ring, *request.holes)
        return {"type": "Polygon", "coordinates": [ring_coordinates(ring) for ring in rings]}
    if len(request.points) == 1:
        return {"type": "Point", "coordinates": line_coordinates(request.points)[0]}
    return {"type": "MultiPoint", "coordinates": line_coordinates(request.points)}


def _read_points(geometry: object, wanted: Sequence[str], pointer: str, problems: Problems) -> tuple[LatLon, ...]:
    """The position of a Point or those of a MultiPoint, N ≥ 1, no two the same."""
    members = read_object(
        geometry, pointer, problems, known=("type", "coordinates", "crs", "bbox"), required=("type", "coordinates")
    )
    if "type" not in members or "coordinates" not in members:
        return ()
    check_crs(members, pointer, problems)
    at = below(pointer, "coordinates")
    if members["type"] == "Point":
        place = read_position(members["coordinates"], at, problems)
        return (place,) if place else ()
    if members["type"] != "MultiPoint":
        problems.add(below(pointer, "type"), f"is {members['type']!r:.80}; it must be {' or '.join(wanted)}")
        return ()
    return _read_many(members["coordinates"], at, problems)


def _read_many(coordinates: object, pointer: str, problems: Problems) -> tuple[LatLon, ...]:
    before = len(problems)
    places = read_positions(coordinates, pointer, problems)
    if len(places) > MOST_POINTS:
        problems.add(pointer, f"has {len(places)} points; at most {MOST_POINTS} are allowed")
        return ()
    if not places and len(problems) == before:
        problems.add(pointer, "has no point")
    first: dict[LatLon, int] = {}
    for index, place in enumerate(places):
        if first.setdefault(place, index) != index:
            problems.add(below(pointer, index), f"is the same point as number {first[place]}")
    return places
