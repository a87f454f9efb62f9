from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import InvalidRequest
from core.geo import LatLon
from geofence.formats.intake import Options
from geofence.formats.obstacles import Obstacle, parse_obstacles
from geofence.formats.read import read_zones
from geofence.formats.report import Format
from geofence.zones import CircleShape, Role

FEATURES: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "mast-1",
            "geometry": {"type": "Point", "coordinates": [121.12, 31.15]},
            "properties": {"name": "radio mast", "top_agl_m": 48, "radius_m": 5, "source": "survey 2026"},
        },
        {
            "type": "Feature",
            "id": "hall",
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[121.1, 31.1], [121.101, 31.1], [121.101, 31.101], [121.1, 31.1]]],
            },
            "properties": {"name": "hall", "top_amsl_m": 22.5},
        },
    ],
}


def test_an_obstacle_is_an_exclusion_up_to_its_top() -> None:
    (mast, hall), report = read_zones(json.dumps(FEATURES).encode(), Options())
    assert report.format is Format.OBSTACLES
    assert (mast.role, mast.kind, mast.band) == (
        Role.EXCLUSION, "obstacle", AltitudeBand(None, Altitude(48.0, Datum.AGL)),
    )  # fmt: skip
    assert hall.band.ceiling == Altitude(22.5, Datum.AMSL)
    assert mast.margin_m == hall.margin_m == 20.0


def test_obstacles_are_read_with_their_datum() -> None:
    mast, hall = parse_obstacles(FEATURES)
    assert mast == Obstacle(
        "mast-1", "radio mast", CircleShape(LatLon(31.15, 121.12), 5.0), 48.0, Datum.AGL, "survey 2026"
    )
    assert (hall.top_m, hall.datum) == (22.5, Datum.AMSL)


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("properties", "top_amsl_m"), 50, "/features/0/properties"),
        (("properties", "top_agl_m"), -1, "/features/0/properties/top_agl_m"),
        (("properties", "top_agl_m"), float("nan"), "/features/0/properties/top_agl_m"),
        (("properties", "radius_m"), 0, "/features/0/properties/radius_m"),
        (("properties", "colour"), "red", "/features/0/properties/colour"),
        (("geometry", "coordinates"), [31.15, 121.12], "/features/0/geometry/coordinates"),
        (("geometry", "type"), "MultiPoint", "/features/0/geometry/type"),
        (("id",), "hall", "/features/1/id"),
        (("geometry",), None, "/features/0/geometry"),
    ],
)
def test_a_wrong_member_is_named(path: tuple[str, ...], value: object, pointer: str) -> None:
    features = copy.deepcopy(FEATURES)
    member = features["features"][0]
    for step in path[:-1]:
        member = member[step]
    member[path[-1]] = value
    with pytest.raises(InvalidRequest) as caught:
        parse_obstacles(features)
    assert pointer in [error.pointer for error in caught.value.errors]
