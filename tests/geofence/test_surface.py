from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from core.altitude import Datum
from core.errors import InvalidRequest
from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.surface import Obstacle, Surface, parse_obstacles
from geofence.terrain import Box, FlatTerrain
from geofence.zones import CircleShape, PolygonShape
from tests.geofence.places import at, box

CENTER = LatLon(31.15, 121.12)
FRAME = LocalFrame(CENTER)
FLAT = FlatTerrain(4.0, Box(121.0, 31.0, 121.13, 31.3))  # no data 1 km east of the centre
MAST = Obstacle("mast", "mast", CircleShape(at(200, 0), 3.0), 50.0, Datum.AGL)
TOWER = Obstacle("tower", "tower", PolygonShape(box(-220, -20, -180, 20)), 90.0, Datum.AMSL)
SURFACE = Surface(FLAT, FRAME, (MAST, TOWER))

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


def level(y_m: float, alt_m: float, reach_m: float = 400.0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[-reach_m, y_m, alt_m], [0.0, y_m, alt_m], [reach_m, y_m, alt_m]])


def test_each_leg_is_measured_to_the_highest_thing_under_it() -> None:
    west, east = SURFACE.clearances(level(0.0, 70.0), 14.0)
    assert west is not None
    assert east is not None
    assert west.obstacle == TOWER
    assert west.least_m == pytest.approx(84.0 - 90.0)
    assert east.obstacle == MAST
    assert east.least_m == pytest.approx(84.0 - 54.0)
    assert abs(FRAME.to_xy((east.at,))[0, 0] - 200.0) < 40.0


def test_what_stands_further_aside_does_not_count() -> None:
    for y_m, counted in ((7.5, MAST), (8.5, None)):  # 3 m of radius and 5 m aside
        east = SURFACE.clearances(level(y_m, 70.0), 14.0)[1]
        assert east is not None
        assert east.obstacle == counted
        assert east.least_m == pytest.approx(30.0 if counted else 80.0)


def test_unknown_ground_leaves_the_leg_unknown() -> None:
    west, east = SURFACE.clearances(level(0.0, 70.0, reach_m=1200.0), 14.0)
    assert west is not None
    assert east is None


def test_a_top_above_unknown_ground_leaves_the_leg_unknown() -> None:
    """The mast's foot reaches beyond the data, the path does not."""
    mast = Obstacle("edge", "edge", CircleShape(at(955, 0), 10.0), 30.0, Datum.AGL)
    path = np.array([[900.0, 0.0, 80.0], [944.0, 0.0, 80.0]])
    assert Surface(FLAT, FRAME).clearances(path, 4.0)[0] is not None
    assert Surface(FLAT, FRAME, (mast,)).clearances(path, 4.0) == (None,)


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
