"""Zones as KML and KMZ. KML knows no circles, roles, bands or times: extended data carry them, and are read again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

import msgspec

from core.altitude import AltitudeBand, Datum
from core.geo import LatLon
from geofence.formats.kml import OUR_DATA, circle_ring
from geofence.geojson import zone_feature
from geofence.zones import CircleShape, PolygonShape, Role, Zone

NAMESPACE = "http://www.opengis.net/kml/2.2"
# KML's colours are alpha, blue, green, red.
_COLOURS = {
    Role.INCLUSION: "50a000",
    Role.EXCLUSION: "2020e0",
    Role.ADVISORY: "20a0f0",
    Role.NO_FILM: "c040a0",
}
_MODES = {Datum.AGL: "relativeToGround", Datum.AMSL: "absolute"}


def write_kml(zones: Iterable[Zone], *, name: str = "") -> bytes:
    """A document with a placemark a zone; `geofence.formats.kml` reads the same zones from it, to 1e-9 degree."""
    placemarks = "".join(_placemark(zone) for zone in zones)
    styles = "".join(
        f'<Style id="{role}"><LineStyle><color>ff{colour}</color><width>2</width></LineStyle>'
        f"<PolyStyle><color>40{colour}</color></PolyStyle></Style>"
        for role, colour in _COLOURS.items()
    )
    return document(f"<name>{xml_text(name)}</name>{styles}{placemarks}")


def document(inside: str) -> bytes:
    """A KML document around elements that are text already."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="{NAMESPACE}"><Document>'
    return f"{head}{inside}</Document></kml>\n".encode()


def packed(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP archive (KMZ is one), the same bytes for the same members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def xml_text(value: str) -> str:
    """Escaped, without the control characters that XML 1.0 cannot hold."""
    return escape("".join(each for each in value if each.isprintable() or each in "\t\n"))


def lonlat_text(line: Iterable[LatLon], height_m: float = 0.0) -> str:
    """The tuples of a `coordinates` element."""
    return " ".join(f"{at.lon_deg:.9f},{at.lat_deg:.9f},{height_m:g}" for at in line)


def _placemark(zone: Zone) -> str:
    feature = zone_feature(zone)
    data = {"id": feature["id"], "properties": feature["properties"]}
    data["properties"].pop("radius_m", None)
    if isinstance(zone.shape, CircleShape):
        center = zone.shape.center
        data["circle"] = {"lat_deg": center.lat_deg, "lon_deg": center.lon_deg, "radius_m": zone.shape.radius_m}
    told = xml_text(msgspec.json.encode(data).decode())
    return (
        f"<Placemark><name>{xml_text(zone.name)}</name><styleUrl>#{zone.role}</styleUrl>"
        f'<ExtendedData><Data name="{OUR_DATA}"><value>{told}</value></Data></ExtendedData>'
        f"{_polygon(zone)}</Placemark>"
    )


def _polygon(zone: Zone) -> str:
    mode, height_m = _ceiling(zone.band)
    outer, holes = _rings(zone)
    rings = [("outerBoundaryIs", outer), *(("innerBoundaryIs", hole) for hole in holes)]
    body = "".join(
        f"<{side}><LinearRing><coordinates>{lonlat_text((*ring, ring[0]), height_m)}</coordinates></LinearRing>"
        f"</{side}>"
        for side, ring in rings
    )
    return f"<Polygon>{mode}{body}</Polygon>"


def _ceiling(band: AltitudeBand) -> tuple[str, float]:
    """How the ceiling is drawn; the extended data are what counts."""
    if band.ceiling is None or band.ceiling.datum not in _MODES:
        return "", 0.0
    mode = _MODES[band.ceiling.datum]
    return f"<extrude>1</extrude><altitudeMode>{mode}</altitudeMode>", band.ceiling.alt_m


def _rings(zone: Zone) -> tuple[Sequence[LatLon], Sequence[Sequence[LatLon]]]:
    match zone.shape:
        case PolygonShape(outer, holes):
            return outer, holes
        case CircleShape(center, radius_m):
            return circle_ring(center, radius_m, zone.role), ()
