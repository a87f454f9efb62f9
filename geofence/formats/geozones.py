"""Geographical zones (UAS zones) of the European formats: ED-269 in both shapes found in the wild, and ED-318."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from core.members import below, json_kind
from geofence.formats.applicability import validities
from geofence.formats.facts import number_of, numbered, words, zone_facts
from geofence.formats.intake import MOST_ZONES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import circle, polygon_shapes, position
from geofence.formats.vertical import limit, metres_per_unit, restricted_band
from geofence.zones import Role, Shape, Zone

_ROLES = {
    "PROHIBITED": Role.EXCLUSION,
    "REQ_AUTHORISATION": Role.EXCLUSION,
    "REQ_AUTHORIZATION": Role.EXCLUSION,
    "CONDITIONAL": Role.EXCLUSION,
    "USPACE": Role.EXCLUSION,
    "NO_RESTRICTION": Role.ADVISORY,
}
_MOST_VOLUMES = 1_000  # of one zone
# Read no deeper: a collection within a collection has no meaning that RFC 7946 would not rather see flat.
_GEOMETRIES = ("Polygon", "MultiPolygon", "Point")


@dataclass(frozen=True, slots=True)
class _Volume:
    """A geometry of a zone with its vertical limits, and the path to it."""

    geometry: Mapping[str, object]
    layer: Mapping[str, object]
    path: str


@dataclass(frozen=True, slots=True)
class _Names:
    """How a format names the limits of a volume."""

    unit: str
    lower: tuple[str, str]
    upper: tuple[str, str]


_ED269 = _Names("uomDimensions", ("lowerLimit", "lowerVerticalReference"), ("upperLimit", "upperVerticalReference"))
_ED318 = _Names("uom", ("lower", "lowerReference"), ("upper", "upperReference"))


def read_ed269(document: object, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The zones of an ED-269 document, `{UASZoneList: …}` or `{title, features: …}`. Raises InvalidRequest."""
    intake = Intake(options)
    listed = "UASZoneList" if isinstance(document, Mapping) and "UASZoneList" in document else "features"
    found = (
        zone
        for members, path in _members(document, listed, intake)
        for zone in _zones(members, path, _volumes_269(members, path, intake), _ED269, intake)
    )
    return numbered(found, intake, stem="ed269"), intake.report(Format.ED269)


def read_ed318(document: object, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The zones of an ED-318 FeatureCollection. Raises InvalidRequest."""
    intake = Intake(options, counter_clockwise=True)
    return numbered(_zones_318(document, intake), intake, stem="ed318"), intake.report(Format.ED318)


def _zones_318(document: object, intake: Intake) -> Iterator[Zone]:
    for feature, path in _members(document, "features", intake):
        at = below(path, "properties")
        properties = feature.get("properties")
        if isinstance(properties, Mapping):
            volumes = _volumes_318(feature.get("geometry"), path, intake)
            yield from _zones(properties, at, volumes, _ED318, intake)
        else:
            intake.problems.add(at, f"must be an object, not {json_kind(properties)}")


def _members(document: object, listed: str, intake: Intake) -> Iterator[tuple[Mapping[str, object], str]]:
    """The objects of the document's list with their paths; others are noted as wrong."""
    values = document.get(listed) if isinstance(document, Mapping) else None
    path = below("", listed)
    if not isinstance(values, list):
        raise refusal(path, f"must be an array, not {json_kind(values)}")
    if len(values) > MOST_ZONES:
        raise refusal(path, f"has {len(values)} elements; at most {MOST_ZONES} are read")
    for index, value in enumerate(values):
        if isinstance(value, Mapping):
            yield value, below(path, index)
        else:
            intake.problems.add(below(path, index), f"must be an object, not {json_kind(value)}")


def _zones(
    members: Mapping[str, object], path: str, volumes: Iterator[_Volume], names: _Names, intake: Intake
) -> Iterator[Zone]:
    """One zone for each shape of each volume in each time of the zone that `members` describe."""
    facts = zone_facts(
        _text(members.get("name")),
        _role(members, path, intake),
        intake,
        zone_id=members.get("identifier"),
        authority=_authority(members.get("zoneAuthority")),
    )
    when = "applicability" if "applicability" in members else "limitedApplicability"
    times = validities(members.get(when), below(path, when), intake)
    if facts.role is Role.EXCLUSION and members.get("restrictionConditions"):
        told = "conditions under which flying is allowed: the zone is excluded altogether"
        intake.note_once(below(path, "restrictionConditions"), Change.LEFT_OUT, told)
    for volume in volumes:
        per_unit_m = metres_per_unit(volume.layer.get(names.unit), below(volume.path, names.unit), intake)
        found = _shapes(volume, facts.role, per_unit_m if names is _ED269 else 1.0, intake)
        lower = limit(volume.layer, names.lower, volume.path, intake, side="lower", per_unit_m=per_unit_m)
        upper = limit(volume.layer, names.upper, volume.path, intake, side="upper", per_unit_m=per_unit_m)
        band = restricted_band(lower, upper, found, volume.path, intake)
        for validity in times:
            yield from (replace(facts, shape=shape, band=band, validity=validity) for shape in found)


def _role(members: Mapping[str, object], path: str, intake: Intake) -> Role:
    """The strictest thing that the restriction may mean: permissions are given by people, not by files."""
    name = "restriction" if "restriction" in members else "type"
    word = members.get(name)
    role = _ROLES.get(word.strip().upper()) if isinstance(word, str) else None
    if role is None:
        intake.problems.add(below(path, name), f"is {word!r:.60}; it must be one of {', '.join(_ROLES)}")
        return Role.EXCLUSION
    intake.note_once(below(path, name), Change.MAPPED, f"{str(word).strip()} is read as {role}")
    return role


def _volumes_269(members: Mapping[str, object], path: str, intake: Intake) -> Iterator[_Volume]:
    at = below(path, "geometry")
    value = members.get("geometry")
    volumes = value if isinstance(value, list) else [value]
    if len(volumes) > _MOST_VOLUMES or not volumes:
        intake.problems.add(at, f"has {len(volumes)} volumes; 1 to {_MOST_VOLUMES} are read")
        return
    for index, volume in enumerate(volumes):
        where = below(at, index)
        projection = volume.get("horizontalProjection") if isinstance(volume, Mapping) else None
        if isinstance(volume, Mapping) and isinstance(projection, Mapping):
            yield _Volume(projection, volume, where)
        else:
            intake.problems.add(where, "must be an object with a horizontalProjection")


def _volumes_318(geometry: object, path: str, intake: Intake) -> Iterator[_Volume]:
    """A geometry, or those of a GeometryCollection, each with a layer; one without takes the collection's."""
    at = below(path, "geometry")
    if not isinstance(geometry, Mapping):
        intake.problems.add(at, f"must be an object, not {json_kind(geometry)}")
        return
    outer = geometry.get("layer")
    parts: list[tuple[object, str]] = [(geometry, at)]
    if geometry.get("type") == "GeometryCollection":
        inner = geometry.get("geometries")
        listed = inner if isinstance(inner, list) else []
        parts = [(each, below(below(at, "geometries"), index)) for index, each in enumerate(listed)]
    if not parts or len(parts) > _MOST_VOLUMES:
        intake.problems.add(at, f"has {len(parts)} geometries; 1 to {_MOST_VOLUMES} are read")
        return
    for part, where in parts:
        if isinstance(part, Mapping):
            layer = part.get("layer") or outer
            yield _Volume(part, layer if isinstance(layer, Mapping) else {}, where)
        else:
            intake.problems.add(where, f"must be an object, not {json_kind(part)}")


def _shapes(volume: _Volume, role: Role, per_unit_m: float, intake: Intake) -> tuple[Shape, ...]:
    """The shapes of one geometry; () when something was noted as wrong."""
    geometry, at = volume.geometry, volume.path
    match geometry.get("type"):
        case "Circle":
            return _circle(geometry.get("center"), geometry.get("radius"), per_unit_m, at, intake)
        case "Point":
            extent = geometry.get("extent")
            radius = extent.get("radius") if isinstance(extent, Mapping) else geometry.get("radius")
            return _circle(geometry.get("coordinates"), radius, 1.0, at, intake)
        case "Polygon":
            return polygon_shapes(geometry.get("coordinates"), below(at, "coordinates"), role, intake)
        case "MultiPolygon":
            many, where = geometry.get("coordinates"), below(at, "coordinates")
            listed = many if isinstance(many, list) else [many]
            return tuple(
                shape
                for index, polygon in enumerate(listed)
                for shape in polygon_shapes(polygon, below(where, index), role, intake)
            )
        case other:
            intake.problems.add(below(at, "type"), f"is {other!r:.60}; it must be a Polygon or a circle")
            return ()


def _circle(center: object, radius: object, per_unit_m: float, path: str, intake: Intake) -> tuple[Shape, ...]:
    at = position(center, below(path, "center"), intake)
    number = number_of(radius)
    found = circle(at, None if number is None else number * per_unit_m, below(path, "radius"), intake)
    return (found,) if found else ()


def _text(value: object) -> str:
    """A text, or the first of a list of `{text, lang}`; English only when nothing else is there."""
    if not isinstance(value, list):
        return words(value, 200)
    texts = [each for each in value if isinstance(each, Mapping) and each.get("text")]
    local = [each for each in texts if not str(each.get("lang", "")).lower().startswith("en")]
    return words((local or texts or [{"text": ""}])[0].get("text"), 200)


def _authority(value: object) -> str:
    """The names of the authorities, joined."""
    listed = value if isinstance(value, list) else [value]
    names = (_text(each.get("name")) for each in listed[:10] if isinstance(each, Mapping))
    return ", ".join(dict.fromkeys(name for name in names if name))
