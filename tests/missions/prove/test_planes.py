"""The two planes of the proof against pyproj's geodesics and against ArduPilot's own rule."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest

from missions.prove.planes import FlatPlane, GeodesicPlane, densified, line

GEOD = pyproj.Geod(ellps="WGS84")


def around(lon: float, lat: float, reach_m: float, count: int = 2_000) -> np.ndarray:
    rng = np.random.default_rng(3)
    azimuth, away = rng.uniform(0.0, 360.0, count), reach_m * np.sqrt(rng.uniform(0.0, 1.0, count))
    lons, lats, _ = GEOD.fwd(np.full(count, lon), np.full(count, lat), azimuth, away)
    return np.column_stack((lons, lats))


@pytest.mark.parametrize(("reach_m", "ppm"), [(5_000.0, 0.12), (20_000.0, 1.8), (50_000.0, 11.0)])
@pytest.mark.parametrize("lat", [31.15, -45.0, 70.0])
def test_distances_of_the_true_plane_are_geodesic(lat: float, reach_m: float, ppm: float) -> None:
    lonlat = around(121.12, lat, reach_m)
    a, b = lonlat[:1_000], lonlat[1_000:]
    plane = GeodesicPlane(121.12, lat)
    measured = np.hypot(*(plane.to_xy(a) - plane.to_xy(b)).T)
    _, _, true = GEOD.inv(*a.T, *b.T)
    assert np.abs(measured / true - 1.0).max() < ppm * 1e-6


def test_short_distances_are_exact_far_from_the_centre() -> None:
    """Margins are short: 20 km from home one of 50 m is right within a millimetre."""
    plane = GeodesicPlane(121.12, 31.15)
    far = around(121.12, 31.15, 20_000.0)
    lons, lats, _ = GEOD.fwd(far[:, 0], far[:, 1], np.linspace(0.0, 360.0, len(far)), np.full(len(far), 50.0))
    measured = np.hypot(*(plane.to_xy(far) - plane.to_xy(np.column_stack((lons, lats)))).T)
    assert np.abs(measured - 50.0).max() < 0.001


def test_the_true_plane_comes_back_from_metres() -> None:
    plane = GeodesicPlane(121.12, 31.15)
    lonlat = around(121.12, 31.15, 30_000.0)
    assert np.abs(plane.to_lonlat(plane.to_xy(lonlat)) - lonlat).max() < 1e-10


def test_the_centre_is_at_zero() -> None:
    at = np.array([[121.12, 31.15]])
    assert np.abs(GeodesicPlane(121.12, 31.15).to_xy(at)).max() < 1e-6
    assert np.abs(FlatPlane(121.12, 31.15).to_xy(at)).max() < 1e-6


def test_the_flat_plane_is_ardupilots() -> None:
    """Location::get_distance_NE for one pair of places, worked out by hand."""
    east, north = FlatPlane(121.0, 31.0).to_xy(np.array([[121.05, 31.04]]))[0]
    per_degree = 0.011131884502145034 * 1e7
    assert north == pytest.approx(0.04 * per_degree, abs=1e-6)
    assert east == pytest.approx(0.05 * per_degree * math.cos(math.radians(31.02)), abs=1e-6)


def test_the_flat_plane_reads_north_south_too_long() -> None:
    """The planning guide, section 9.1: +0.40 % north-south and −0.09 % east-west at 31° N."""
    places = np.array([[121.0, 31.0], [121.0, 31.05], [121.05, 31.0]])
    flat, true = FlatPlane(121.0, 31.0).to_xy(places), GeodesicPlane(121.0, 31.0).to_xy(places)
    assert flat[1, 1] / true[1, 1] == pytest.approx(1.0040, abs=0.0002)
    assert flat[2, 0] / true[2, 0] == pytest.approx(0.9991, abs=0.0002)


def test_the_flat_plane_crosses_the_antimeridian() -> None:
    x = FlatPlane(179.99, 10.0).to_xy(np.array([[-179.99, 10.0]]))[0, 0]
    assert 2_000.0 < x < 2_300.0


def test_long_edges_are_cut_and_short_ones_are_not() -> None:
    start, end = np.array((121.0, 31.0)), np.array((121.1, 31.0))
    cut = line(start, end)
    assert np.abs(np.diff(cut, axis=0)).max() * 111_700.0 <= 500.0
    assert (cut[[0, -1]] == [start, end]).all()
    assert len(line(start, start + 0.001)) == 2
    points, lines = densified(np.array([start, end, end + 1.0, end + 1.0001]), np.array([0, 0, 1, 1]))
    assert (np.bincount(lines) == [len(cut), 2]).all()
    assert (points[: len(cut)] == cut).all()
