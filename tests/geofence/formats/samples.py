"""A valid file of every format that is read, small enough to be mutated thousands of times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.altitude import Altitude, AltitudeBand, Datum
from core.ids import ZoneId
from geofence.formats.intake import Intake, Options
from geofence.formats.kml_write import packed, write_kml
from geofence.formats.plan import plan_fence
from geofence.formats.wpl import fence_rows, written_rows
from geofence.geojson import zone_collection
from geofence.window import Period, Validity
from geofence.zones import CircleShape, PolygonShape, Role, Zone
from tests.geofence.places import at, box, ring

SQUARE = [[121.10, 31.10], [121.11, 31.10], [121.11, 31.11], [121.10, 31.11], [121.10, 31.10]]
INNER = [[121.103, 31.103], [121.106, 31.103], [121.106, 31.106], [121.103, 31.106], [121.103, 31.103]]
BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]

ZONES = (
    Zone(
        ZoneId("school"),
        "学校",
        Role.EXCLUSION,
        PolygonShape(ring((0, 0), (400, 0), (450, 300), (200, 150), (0, 300)), (box(50, 20, 100, 60),)),
        "school",
        AltitudeBand(None, Altitude(120.0, Datum.AGL)),
        validity=Validity(periods=(Period(days=(1, 2, 3, 4, 5)),)),
        authority="教育局",
        name_en="School",
    ),
    Zone(ZoneId("mast"), "塔", Role.EXCLUSION, CircleShape(at(1000, 0), 123.4), margin_m=25.0),
    Zone(ZoneId("district"), "区", Role.INCLUSION, PolygonShape(box(-4000, -4000, 4000, 4000))),
    Zone(ZoneId("homes"), "住宅", Role.NO_FILM, PolygonShape(box(-900, -900, -500, -400))),
)


def ed269_feature(**changes: Any) -> dict[str, Any]:
    return {
        "identifier": "CN0001",
        "country": "CHN",
        "name": "Hospital",
        "restriction": "PROHIBITED",
        "applicability": [
            {
                "permanent": "NO",
                "startDateTime": "2026-01-01T00:00:00Z",
                "endDateTime": "2027-01-01T00:00:00Z",
                "schedule": [{"day": ["MON", "TUE"], "startTime": "08:00+08:00", "endTime": "18:00+08:00"}],
            }
        ],
        "zoneAuthority": [{"name": "民航局", "purpose": "AUTHORIZATION"}],
        "geometry": [
            {
                "uomDimensions": "M",
                "lowerLimit": "0",
                "lowerVerticalReference": "AGL",
                "upperLimit": 120,
                "upperVerticalReference": "AMSL",
                "horizontalProjection": {"type": "Polygon", "coordinates": [SQUARE, INNER]},
            },
            {
                "uomDimensions": "FT",
                "lowerLimit": None,
                "upperLimit": 400,
                "upperVerticalReference": "AGL",
                "horizontalProjection": {"type": "Circle", "center": [121.2, 31.2], "radius": 1640},
            },
        ],
    } | changes


def ed318_feature(**changes: Any) -> dict[str, Any]:
    properties = {
        "identifier": "CN0002",
        "country": "CHN",
        "name": [{"text": "Hospital", "lang": "en-GB"}, {"text": "医院", "lang": "zh-CN"}],
        "type": "REQ_AUTHORIZATION",
        "variant": "COMMON",
        "limitedApplicability": [{"startDateTime": "2026-01-01T00:00:00Z"}],
        "zoneAuthority": [{"name": [{"text": "民航局", "lang": "zh-CN"}], "purpose": "AUTHORIZATION"}],
    }
    layer = {"upper": 99999, "upperReference": "AMSL", "lower": 10, "lowerReference": "WGS84", "uom": "m"}
    geometry = {
        "type": "GeometryCollection",
        "geometries": [
            {"type": "Polygon", "coordinates": [SQUARE], "layer": layer},
            {
                "type": "Point",
                "coordinates": [121.2, 31.2],
                "extent": {"subType": "Circle", "radius": 500.0},
                "layer": layer | {"upper": 300, "uom": "ft"},
            },
        ],
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties | changes}


def kml_of(*inside: str, namespace: str = 'xmlns="http://www.opengis.net/kml/2.2"') -> bytes:
    return f'<?xml version="1.0"?><kml {namespace}><Document>{"".join(inside)}</Document></kml>'.encode()


def kml_polygon(*rings: list[list[float]], extra: str = "") -> str:
    """A polygon placemark; the rings after the first are holes."""
    sides = ["outerBoundaryIs", *["innerBoundaryIs"] * (len(rings) - 1)]
    body = "".join(
        f"<{side}><LinearRing><coordinates>{' '.join(','.join(map(str, at)) for at in one)}</coordinates>"
        f"</LinearRing></{side}>"
        for side, one in zip(sides, rings, strict=True)
    )
    return f"<Placemark><name>p</name><Polygon>{extra}{body}</Polygon></Placemark>"


def lines(places: list[list[float]]) -> str:
    """ "latitude longitude" lines."""
    return "".join(f"{lat} {lon}\n" for lon, lat in places)


def samples() -> Mapping[str, bytes]:
    """Format (the word before any dash) → a file of it."""
    intake = Intake(Options())
    plan = {"fileType": "Plan", "version": 1, "geoFence": plan_fence(ZONES, intake), "mission": {"items": []}}
    old = {"fileType": "Plan", "version": 1, "geoFence": {"version": 1, "polygon": [[b, a] for a, b in SQUARE]}}
    return {
        "geojson": json.dumps(zone_collection(ZONES), ensure_ascii=False).encode(),
        "kml": write_kml(ZONES),
        "kml-foreign": kml_of("<Folder>", kml_polygon([[*at, 30] for at in SQUARE], INNER), "</Folder>"),
        "kmz": packed([("doc.kml", write_kml(ZONES))]),
        "plan": json.dumps(plan).encode(),
        "plan-1": json.dumps(old).encode(),
        "wpl": written_rows(fence_rows(ZONES, intake)),
        "fen": ("31.105 121.105\n" + lines(SQUARE)).encode(),
        "poly": ("#saved by hand\n" + lines(SQUARE[:-1])).encode(),
        "ed269": json.dumps({"formatVersion": "1", "UASZoneList": [ed269_feature()]}).encode(),
        "ed269-features": json.dumps({"title": "t", "features": [ed269_feature()]}).encode(),
        "ed318": json.dumps({"type": "FeatureCollection", "features": [ed318_feature()]}).encode(),
    }
