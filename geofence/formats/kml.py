"""Zones out of KML: polygons under any namespace, in folders and collections, and what we wrote beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from geofence.formats.facts import LONGEST_NAME, number_of, numbered, stated_role, with_shapes, words, zone_facts
from geofence.formats.geojson import zone_of
from geofence.formats.intake import MOST_RING_VERTICES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import RawRing, shapes
from geofence.formats.safely import Element, json_of
from geofence.frame import Array, circle_lonlat, lonlat_array
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone

# The name of the extended data that carry a zone's properties as JSON.
OUR_DATA = "bailu.zone"
_CONTAINERS = ("kml", "Document", "Folder")
_DATUMS = {"relativeToGround": Datum.AGL, "absolute": Datum.AMSL}
# How far a vertex may be from the circle that the extended data tell, in degrees: half a centimetre.
_SAME_DEG = 5e-8


@dataclass(frozen=True, slots=True)
class Placemark:
    """A placemark and the path to it."""

    element: Element
    path: str

    @property
    def name(self) -> str:
        return words(self.element.told("name"), LONGEST_NAME)


def read_kml(root: Element, options: Options, form: Format = Format.KML) -> tuple[tuple[Zone, ...], Report]:
    """The zones of all placemarks with polygons. Raises InvalidRequest.

    A polygon that is extruded from the ground to one altitude has that as its ceiling; other heights are left out.
    """
    intake = Intake(options, counter_clockwise=True)
    found = (zone for placemark in placemarks(root) for zone in _zones(placemark, intake))
    return numbered(found, intake, stem="zone"), intake.report(form)


def placemarks(root: Element) -> Iterator[Placemark]:
    """Every placemark of a document, folders opened. Raises InvalidRequest for another kind of document."""
    if root.tag not in (*_CONTAINERS, "Placemark"):
        raise refusal("", f"the root is {root.tag[:40]!r}; it must be kml")
    yield from _within(root, f"/{root.tag}")


def geometries(element: Element, path: str) -> Iterator[tuple[Element, str]]:
    """The geometries of a placemark, those of a MultiGeometry one by one."""
    for number, child in enumerate(element.children, start=1):
        at = f"{path}/{child.tag}[{number}]"
        if child.tag == "MultiGeometry":
            yield from geometries(child, at)
        elif child.tag in ("Polygon", "LineString", "Point", "LinearRing"):
            yield child, at


def coordinates(element: Element | None, path: str) -> Array:
    """The tuples of the element's `coordinates`, (N, 3): longitude, latitude, altitude, NaN where it is not told.

    Raises InvalidRequest for what is no number.
    """
    text = element.told("coordinates") if element else ""
    # Spaces round the commas are not allowed, and common.
    text = " ".join(text.split()).replace(" ,", ",").replace(", ", ",")
    tuples = text.split(" ", MOST_RING_VERTICES + 2) if text else []
    if len(tuples) > MOST_RING_VERTICES + 1:
        raise refusal(path, f"the ring has more than {MOST_RING_VERTICES} positions")
    found = np.full((len(tuples), 3), np.nan)
    for index, one in enumerate(tuples):
        values = [number_of(word) for word in one.rstrip(",").split(",", 4)]
        if not 2 <= len(values) <= 3 or None in values:
            raise refusal(f"{path}/coordinates[{index + 1}]", f"{one:.60} must be longitude,latitude[,altitude]")
        found[index, : len(values)] = values
    return found


def circle_ring(center: LatLon, radius_m: float, role: Role) -> tuple[LatLon, ...]:
    """The circle as a polygon, counter-clockwise: an inclusion is drawn inside of it, others around it."""
    drawn = circle_lonlat(center, radius_m, inner=role is Role.INCLUSION)[::-1]
    return tuple(LatLon(lat, lon) for lon, lat in drawn.tolist())


def _within(element: Element, path: str) -> Iterator[Placemark]:
    if element.tag == "Placemark":
        yield Placemark(element, path)
        return
    counts: dict[str, int] = {}
    for child in element.children:
        if child.tag in ("Document", "Folder", "Placemark"):
            counts[child.tag] = counts.get(child.tag, 0) + 1
            yield from _within(child, f"{path}/{child.tag}[{counts[child.tag]}]")


def _zones(placemark: Placemark, intake: Intake) -> Iterator[Zone]:
    polygons = []
    for element, path in geometries(placemark.element, placemark.path):
        if element.tag == "Polygon":
            polygons.append((element, path))
        else:
            intake.note_once(path, Change.LEFT_OUT, f"a {element.tag}, which is no zone")
    told = _our_data(placemark, intake) if polygons else {}
    facts = _facts(placemark, told, intake) if polygons else None
    if facts is None:
        return
    for element, path in polygons:
        rings = _rings(element, path, intake)
        flat = [RawRing(ring[:, :2], at) for ring, at in rings]
        found: tuple[Shape, ...] = shapes(flat, path, facts.role, intake) if flat else ()
        if told:
            yield from with_shapes(facts, _as_circle(told, facts.role, found, path, intake), path, intake)
        elif rings:
            banded = replace(facts, band=_band(element, rings[0][0][:, 2], path, intake))
            yield from with_shapes(banded, found, path, intake)


def _facts(placemark: Placemark, told: Mapping[str, Any], intake: Intake) -> Zone | None:
    if told:
        return zone_of(told.get("properties", {}), told.get("id"), f"{placemark.path}/ExtendedData", intake)
    return zone_facts(placemark.name, stated_role(intake), intake)


def _our_data(placemark: Placemark, intake: Intake) -> Mapping[str, Any]:
    """What we wrote of a zone when we exported it; {} in files of others."""
    extended = placemark.element.first("ExtendedData")
    for data in extended.all("Data") if extended else ():
        if data.attributes.get("name") == OUR_DATA:
            value = json_of(data.told("value").encode() or b"null")
            if isinstance(value, dict) and isinstance(value.get("properties"), dict):
                return value
            intake.problems.add(f"{placemark.path}/ExtendedData", f"{OUR_DATA} does not hold a zone")
    return {}


def _rings(element: Element, path: str, intake: Intake) -> list[tuple[Array, str]]:
    """The rings of a polygon, (N, 3) each, with their paths, the outer one first; [] when that is not clear."""
    boundaries = [
        (ring, f"{path}/{side}[{number}]")
        for side in ("outerBoundaryIs", "innerBoundaryIs")
        for number, boundary in enumerate(element.all(side), start=1)
        for ring in boundary.all("LinearRing")
    ]
    if not element.all("outerBoundaryIs") or not boundaries:
        intake.problems.add(path, "a polygon needs an outerBoundaryIs with a LinearRing")
        return []
    if len(element.all("outerBoundaryIs")) > 1:
        intake.problems.add(path, "a polygon has one outerBoundaryIs; use a MultiGeometry for several")
        return []
    return [(coordinates(ring, at), at) for ring, at in boundaries]


def _as_circle(
    told: Mapping[str, Any], role: Role, found: tuple[Shape, ...], path: str, intake: Intake
) -> tuple[Shape, ...]:
    """The circle that the extended data tell, while the polygon still is that circle: somebody may have moved it."""
    circle = told.get("circle")
    if not isinstance(circle, dict) or len(found) != 1 or not isinstance(found[0], PolygonShape):
        return found
    numbers = [number_of(circle.get(name)) for name in ("lat_deg", "lon_deg", "radius_m")]
    try:
        lat, lon, radius_m = (float("nan") if number is None else number for number in numbers)
        center = LatLon(lat, lon)
    except ValueError:
        return found
    ring = lonlat_array(found[0].outer)
    drawn = lonlat_array(circle_ring(center, radius_m, role))
    if len(ring) == len(drawn) and np.abs(ring - drawn).max() < _SAME_DEG:
        return (CircleShape(center, radius_m),)
    intake.note(
        path, Change.MAPPED, "the circle was changed since it was written: read as the polygon that it is now"
    )
    return found


def _band(element: Element, heights: Array, path: str, intake: Intake) -> AltitudeBand:
    """From the ground to the one altitude of a polygon that is extruded; every height otherwise."""
    known = np.unique(heights[np.isfinite(heights)])
    datum = _DATUMS.get(element.told("altitudeMode"))
    if element.told("extrude") == "1" and datum is not None and len(known) == 1 and np.isfinite(heights).all():
        return AltitudeBand(None, Altitude(float(known[0]), datum))
    if known.any():
        told = "heights that are no ceiling (altitudeMode, extrude): the zone counts at every height"
        intake.note_once(path, Change.LEFT_OUT, told)
    return AltitudeBand()
