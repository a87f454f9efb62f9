from __future__ import annotations

import numpy as np
import pyproj
import pytest
from shapely.geometry import Point

from core.geo import LatLon
from geofence.frame import LocalFrame, circle_lonlat, densified, lonlat_array
from geofence.zones import Role, Zone
from tests.geofence.places import FRAME, HOME, at, circle_zone, polygon_zone, ring

GEOD = pyproj.Geod(ellps="WGS84")


@pytest.mark.parametrize("reach_m", [500.0, 5_000.0, 20_000.0])
@pytest.mark.parametrize("bearing_deg", [0.0, 37.0, 90.0, 200.0])
def test_distances_of_the_plane_are_those_of_the_ellipsoid(reach_m: float, bearing_deg: float) -> None:
    lon, lat, _ = GEOD.fwd(HOME.lon_deg, HOME.lat_deg, bearing_deg, reach_m)
    x, y = FRAME.to_xy((LatLon(lat, lon),))[0]
    assert np.hypot(x, y) == pytest.approx(reach_m, rel=1e-6)
    assert np.degrees(np.arctan2(x, y)) % 360 == pytest.approx(bearing_deg, abs=1e-6)


def test_places_come_back_to_a_centimetre() -> None:
    there = FRAME.to_places(FRAME.to_xy((LatLon(31.1234567, 121.2345678),)))
    assert there == (LatLon(31.1234567, 121.2345678),)


def test_a_long_edge_is_cut_before_it_is_projected() -> None:
    ten_km = lonlat_array((at(-5_000, 0), at(5_000, 0)))
    assert len(densified(ten_km)) >= 6
    cut = LocalFrame(HOME).line((at(-5_000, 3_000), at(5_000, 3_000)))
    assert len(cut.coords) >= 6
    straight_in_degrees = Point(*FRAME.to_xy((LatLon(at(0, 3_000).lat_deg, HOME.lon_deg),))[0])
    assert cut.distance(straight_in_degrees) < 2.0  # the plain straight line would be right by chance here


def test_a_circle_is_drawn_on_the_safe_side() -> None:
    for inner, compare in ((True, np.less_equal), (False, np.greater_equal)):
        middles = densified(circle_lonlat(HOME, 1_000.0, inner=inner))
        following = np.roll(middles, -1, axis=0)
        half = (middles + following) / 2
        lon0, lat0 = np.full(len(half), HOME.lon_deg), np.full(len(half), HOME.lat_deg)
        _, _, reach_m = GEOD.inv(lon0, lat0, half[:, 0], half[:, 1])
        assert compare(reach_m, 1_000.0).all()


def test_a_zone_of_either_shape_has_its_area() -> None:
    square = polygon_zone("square", Role.EXCLUSION, ring((0, 0), (100, 0), (100, 100), (0, 100)))
    assert FRAME.shape_of(square).area == pytest.approx(10_000, rel=1e-3)
    circle: Zone = circle_zone("circle", HOME, 100.0)
    assert FRAME.shape_of(circle).area == pytest.approx(np.pi * 10_000, rel=2e-3)


def test_geojson_of_the_plane_is_longitude_first() -> None:
    drawn = FRAME.geojson(Point(0.0, 0.0))
    assert drawn == {"type": "Point", "coordinates": [121.12, 31.15]}
