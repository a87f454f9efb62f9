"""Coordinate systems: shifted maps come back to WGS-84, and only those that somebody said to be shifted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from geofence.formats.crs import Crs, from_wgs84, to_wgs84
from geofence.formats.intake import Options
from geofence.formats.read import read_zones
from geofence.zones import PolygonShape, Role
from tests.geofence.formats.samples import SQUARE, kml_of, kml_polygon, lines

MM_DEG = 0.001 / 111_320.0
in_china = st.tuples(st.floats(73.0, 135.0), st.floats(3.0, 53.0))


def metres(shift: np.ndarray, lat_deg: float) -> tuple[float, float]:
    """Degrees as metres east and north."""
    return float(shift[0]) * 111_320.0 * np.cos(np.radians(lat_deg)), float(shift[1]) * 110_870.0


@pytest.mark.parametrize(
    ("lon", "lat", "total_m"), [(121.12, 31.15, 486.0), (120.90, 31.00, 472.0), (121.30, 31.19, 481.0)]
)
def test_the_shift_of_gcj02_is_the_published_one(lon: float, lat: float, total_m: float) -> None:
    place = np.array([[lon, lat]])
    east, north = metres((from_wgs84(place, Crs.GCJ02) - place)[0], lat)
    assert np.hypot(east, north) == pytest.approx(total_m, abs=1.5)
    assert east > 390
    assert north < -200


@given(in_china, st.sampled_from([Crs.GCJ02, Crs.BD09]))
def test_what_was_shifted_comes_back_to_the_millimetre(place: tuple[float, float], crs: Crs) -> None:
    wgs = np.array([place])
    assert np.abs(to_wgs84(from_wgs84(wgs, crs), crs) - wgs).max() < MM_DEG


@pytest.mark.parametrize("place", [(2.35, 48.86), (-122.4, 37.8), (151.2, -33.9)])
@pytest.mark.parametrize("crs", Crs)
def test_nothing_is_shifted_outside_china(place: tuple[float, float], crs: Crs) -> None:
    wgs = np.array([place])
    assert (from_wgs84(wgs, crs) == wgs).all()
    assert (to_wgs84(wgs, crs) == wgs).all()


def test_cgcs2000_is_flown_as_wgs84_and_kept_as_a_label() -> None:
    zones, report = read_zones(kml_of(kml_polygon(SQUARE)), Options(crs=Crs.CGCS2000, role=Role.EXCLUSION))
    plain, _ = read_zones(kml_of(kml_polygon(SQUARE)), Options(role=Role.EXCLUSION))
    assert zones == plain
    assert report.crs is Crs.CGCS2000


def test_a_ring_in_gcj02_is_converted_and_its_long_edges_bent() -> None:
    (zone,), report = read_zones(kml_of(kml_polygon(SQUARE)), Options(crs=Crs.GCJ02, role=Role.EXCLUSION))
    assert isinstance(zone.shape, PolygonShape)
    ring = np.array([(at.lon_deg, at.lat_deg) for at in zone.shape.outer])
    assert report.crs is Crs.GCJ02
    assert np.abs(from_wgs84(ring[:1], Crs.GCJ02)[0] - SQUARE[0]).max() < MM_DEG
    assert len(ring) == 8, "edges of 0.01° are cut to 0.009° and less"
    steps = np.abs(np.diff(from_wgs84(ring, Crs.GCJ02), axis=0))
    assert steps.max() < 0.0091
    assert np.minimum(steps[:, 0], steps[:, 1]).max() < MM_DEG, "cut points lie on the edges as drawn"


@pytest.mark.parametrize("text", ["31.0 121.0\n" + lines(SQUARE), lines(SQUARE[:-1])])
def test_a_format_without_a_coordinate_system_asks_for_one(text: str) -> None:
    with pytest.raises(InvalidRequest, match="coordinate system"):
        read_zones(text.encode(), Options(role=Role.EXCLUSION))
    assert read_zones(text.encode(), Options(crs=Crs.WGS84, role=Role.EXCLUSION))[0]
