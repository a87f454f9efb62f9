"""GeoJSON zones that need not be ours: geometry repaired, members that are missing filled in, all of it reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from core.ids import ZoneId
from core.members import below, json_kind
from geofence.formats.crs import Crs
from geofence.formats.facts import LONGEST_ID, LONGEST_NAME, number_of, numbered, stated_role, with_shapes, words
from geofence.formats.intake import MOST_ZONES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import circle, polygon_shapes, position
from geofence.geojson import parse_zones
from geofence.geometry import check_crs
from geofence.kinds import OTHER, zone_kinds
from geofence.zones import Role, Shape, Zone

# What `geofence.geojson` reads; anything else of a foreign file has no meaning here.
KNOWN = (
    "name", "name_en", "role", "kind", "band", "margin_m", "source", "authority", "validity", "radius_m",
)  # fmt: skip
_STUB = {"type": "Point", "coordinates": [0.0, 0.0]}


def read_geojson(document: object, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The zones of a FeatureCollection, a Feature or a bare geometry. Raises InvalidRequest.

    A Point is a circle's centre when it has the property `radius_m`, and is left out otherwise, as are lines.
    """
    intake = Intake(options, counter_clockwise=True)
    features = _features(document)
    if intake.crs in (Crs.WGS84, Crs.CGCS2000) and isinstance(document, Mapping):
        check_crs(document, "", intake.problems)
    if len(features) > MOST_ZONES:
        raise refusal("/features", f"has {len(features)} elements; at most {MOST_ZONES} are read")
    found = (zone for feature, path in features for zone in _zones(feature, path, intake))
    return numbered(found, intake, stem="zone"), intake.report(Format.GEOJSON)


def zone_of(properties: Mapping[str, object], zone_id: object, path: str, intake: Intake) -> Zone | None:
    """What our own properties say of a zone, without its place; None when something was noted as wrong.

    What is missing is filled in: the role is the one that the caller stated.
    """
    told: dict[str, Any] = {key: value for key, value in properties.items() if key in KNOWN and value is not None}
    for key in properties:
        if key not in KNOWN:
            told_of = f"properties that mean nothing here, such as {key[:40]!r}"
            intake.note_once(below(path, key[:40]), Change.LEFT_OUT, told_of)
            break
    if str(told.get("kind", OTHER)) not in zone_kinds():
        detail = f"a kind that the regulation does not know, such as {told.pop('kind')!r:.40}: read as {OTHER}"
        intake.note_once(below(path, "kind"), Change.MAPPED, detail)
    told["name"] = words(told.get("name"), LONGEST_NAME) or words(zone_id, LONGEST_NAME) or "-"
    told.setdefault("role", str(intake.options.role or ""))
    if not told["role"]:
        told["role"] = str(stated_role(intake))
    told.setdefault("source", words(intake.options.source, 500))
    told["radius_m"] = 1.0
    stub = {"type": "Feature", "id": "stub", "geometry": _STUB, "properties": told}
    zone = intake.checked(lambda: parse_zones({"type": "FeatureCollection", "features": [stub]})[0], path)
    return replace(zone, id=ZoneId(words(zone_id, LONGEST_ID))) if zone else None


def _features(document: object) -> list[tuple[object, str]]:
    """The features and the path to each; a bare geometry counts as a feature without properties."""
    kind = document.get("type") if isinstance(document, Mapping) else None
    if isinstance(document, Mapping) and kind == "FeatureCollection":
        listed = document.get("features")
        if not isinstance(listed, list):
            raise refusal("/features", f"must be an array, not {json_kind(listed)}")
        return [(feature, f"/features/{index}") for index, feature in enumerate(listed)]
    if kind == "Feature":
        return [(document, "")]
    if kind in ("Polygon", "MultiPolygon"):
        return [({"type": "Feature", "geometry": document, "properties": {}}, "")]
    raise refusal("/type", f"is {kind!r:.60}; it must be FeatureCollection, Feature, Polygon or MultiPolygon")


def _zones(feature: object, path: str, intake: Intake) -> Iterator[Zone]:
    if not isinstance(feature, Mapping):
        intake.problems.add(path, f"must be an object, not {json_kind(feature)}")
        return
    geometry = feature.get("geometry")
    properties = feature.get("properties")
    told = properties if isinstance(properties, Mapping) else {}
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or kind not in ("Polygon", "MultiPolygon", "Point"):
        intake.note_once(below(path, "geometry"), Change.LEFT_OUT, f"geometry of type {kind!r:.40}, which is no zone")
        return
    if kind == "Point" and told.get("radius_m") is None:
        intake.note_once(below(path, "geometry"), Change.LEFT_OUT, "points without radius_m, which are no zones")
        return
    facts = zone_of(told, feature.get("id"), below(path, "properties"), intake)
    if facts is not None:
        at = below(path, "geometry")
        yield from with_shapes(facts, _shapes(geometry, told, facts.role, at, intake), at, intake)


def _shapes(
    geometry: Mapping[str, object], told: Mapping[str, object], role: Role, path: str, intake: Intake
) -> tuple[Shape, ...]:
    at = below(path, "coordinates")
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point":
        found = circle(position(coordinates, at, intake), number_of(told.get("radius_m")), path, intake)
        return (found,) if found else ()
    if geometry.get("type") == "Polygon":
        return polygon_shapes(coordinates, at, role, intake)
    if not isinstance(coordinates, list):
        intake.problems.add(at, f"must be an array of polygons, not {json_kind(coordinates)}")
        return ()
    listed = enumerate(coordinates)
    return tuple(each for index, one in listed for each in polygon_shapes(one, below(at, index), role, intake))
