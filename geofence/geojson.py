"""Zones as GeoJSON features and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.ids import ZoneId
from core.members import (
    Problems,
    below,
    read_choice,
    read_number,
    read_object,
    read_text,
)
from geofence.geometry import (
    MOST_ZONE_VERTICES,
    check_crs,
    line_coordinates,
    parse_line,
    parse_polygon,
    parse_ring,
    read_features,
    read_polygon,
    read_position,
    ring_coordinates,
)
from geofence.kinds import OTHER, read_kind
from geofence.members import band_member, read_band, read_validity, validity_member
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone

__all__ = ["parse_line", "parse_polygon", "parse_ring", "parse_zones", "zone_collection", "zone_feature"]

MOST_ZONES = 5_000  # of one airspace version
LARGEST_RADIUS_M = 100_000.0
LARGEST_MARGIN_M = 1_000.0
_PROPERTIES = (
    "name", "name_en", "role", "kind", "band", "margin_m", "source", "authority", "validity", "radius_m",
)  # fmt: skip


def parse_zones(feature_collection: object, pointer: str = "") -> tuple[Zone, ...]:
    """The zones of a FeatureCollection, ids unique; a margin that is not told is the usual one of the zone's kind.

    Raises InvalidRequest with everything wrong.
    """
    problems = Problems()
    at = below(pointer, "features")
    features = read_features(feature_collection, pointer, problems, most=MOST_ZONES)
    zones = [_read_zone(feature, below(at, index), problems) for index, feature in enumerate(features)]
    _check_unique(zones, at, problems)
    problems.raise_any()
    return tuple(zone for zone in zones if zone is not None)


def zone_feature(zone: Zone) -> dict[str, Any]:
    """The zone as a Feature; a circle is a Point with `radius_m`. The inverse of `parse_zones`."""
    properties: dict[str, Any] = {
        "name": zone.name,
        "name_en": zone.name_en,
        "role": str(zone.role),
        "kind": zone.kind,
        "band": band_member(zone.band),
        "margin_m": zone.margin_m,
        "source": zone.source,
        "authority": zone.authority,
        "validity": validity_member(zone.validity),
    }
    if isinstance(zone.shape, CircleShape):
        properties["radius_m"] = zone.shape.radius_m
    return {"type": "Feature", "id": str(zone.id), "geometry": _geometry(zone.shape), "properties": properties}


def zone_collection(zones: tuple[Zone, ...]) -> dict[str, Any]:
    """Zones as a FeatureCollection."""
    return {"type": "FeatureCollection", "features": [zone_feature(zone) for zone in zones]}


def _geometry(shape: Shape) -> dict[str, Any]:
    match shape:
        case PolygonShape(outer, holes):
            return {"type": "Polygon", "coordinates": [ring_coordinates(ring) for ring in (outer, *holes)]}
        case CircleShape(center):
            return {"type": "Point", "coordinates": line_coordinates((center,))[0]}


def _read_zone(feature: object, pointer: str, problems: Problems) -> Zone | None:
    before = len(problems)
    required = ("type", "id", "geometry", "properties")
    members = read_object(feature, pointer, problems, known=(*required, "bbox"), required=required)
    if not set(required) <= members.keys():
        return None
    if members["type"] != "Feature":
        problems.add(below(pointer, "type"), "must be Feature")
    zone_id = read_text(members["id"], below(pointer, "id"), problems, longest=100)
    at = below(pointer, "properties")
    told = read_object(members["properties"], at, problems, known=_PROPERTIES, required=("name", "role"))
    shape = _read_shape(members["geometry"], told, pointer, problems)
    role = read_choice(told["role"], below(at, "role"), problems, Role) if "role" in told else None
    name = read_text(told.get("name", "-"), below(at, "name"), problems, longest=200)
    words = {
        word: read_text(told.get(word, ""), below(at, word), problems, longest=500, empty=True)
        for word in ("name_en", "source", "authority")
    }
    kind = read_kind(told.get("kind", OTHER), below(at, "kind"), problems)
    usual_m = kind.margin_m if kind else 0.0
    margin_m = read_number(
        told.get("margin_m", usual_m), below(at, "margin_m"), problems, low=0.0, high=LARGEST_MARGIN_M
    )
    band = read_band(told.get("band", {}), below(at, "band"), problems)
    validity = read_validity(told.get("validity", {}), below(at, "validity"), problems)
    if len(problems) > before:
        return None
    assert zone_id is not None
    assert name is not None
    assert role is not None
    assert shape is not None
    assert band is not None
    assert kind is not None
    assert validity is not None
    assert margin_m is not None
    return Zone(
        id=ZoneId(zone_id),
        name=name,
        role=role,
        shape=shape,
        kind=kind.id,
        band=band,
        margin_m=margin_m,
        source=words["source"] or "",
        name_en=words["name_en"] or "",
        authority=words["authority"] or "",
        validity=validity,
    )


def _read_shape(geometry: object, told: Mapping[str, object], pointer: str, problems: Problems) -> Shape | None:
    at = below(pointer, "geometry")
    radius_at = below(below(pointer, "properties"), "radius_m")
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
        if "radius_m" in told:
            problems.add(radius_at, "belongs to a Point, which is a circle's centre")
        return read_polygon(geometry, at, problems, most=MOST_ZONE_VERTICES)
    check_crs(geometry, at, problems)
    center = read_position(geometry.get("coordinates"), below(at, "coordinates"), problems)
    radius_m = read_number(told.get("radius_m"), radius_at, problems, low=1.0, high=LARGEST_RADIUS_M)
    return CircleShape(center, radius_m) if center and radius_m else None


def _check_unique(zones: list[Zone | None], pointer: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        if zone is not None and zone.id in seen:
            problems.add(below(below(pointer, index), "id"), f"the id {zone.id!r} is used twice")
        if zone is not None:
            seen.add(zone.id)
