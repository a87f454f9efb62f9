from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.profile import LONGEST_PIECE_M, LegHeights, agl_profile, cut
from geofence.terrain import Box, FlatTerrain, Lattice, grid_terrain

CENTER = LatLon(31.15, 121.12)
FRAME = LocalFrame(CENTER)
FLAT = FlatTerrain(4.0, Box(121.0, 31.0, 121.3, 31.3))
STEP = 1.0 / 3600.0
# Rough ground within 1.5 km of the centre, one void 600 m east of it.
LATTICE = Lattice(121.12 - 50 * STEP, 31.15 + 50 * STEP, STEP, STEP)
ROUGH = np.random.default_rng(11).uniform(0.0, 60.0, (101, 101)).astype(np.float32)
ROUGH[50, 73] = np.nan
GROUND = grid_terrain(ROUGH, LATTICE)

places = st.tuples(st.floats(-900, 400), st.floats(-1200, 1200), st.floats(0, 120))


def path(*points: tuple[float, float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(points, dtype=np.float64)


def test_over_flat_ground_the_height_is_the_difference_of_the_datums() -> None:
    """From a pad on a roof of 20 m, ground at 4 m: 60 m above home are 80 m above ground."""
    legs = agl_profile(path((0, 0, 0), (0, 0, 60), (900, 0, 60), (900, 400, 80)), 24.0, FLAT, FRAME)
    assert legs == (LegHeights(20.0, 80.0), LegHeights(80.0, 80.0), LegHeights(80.0, 100.0))


@given(st.lists(places, min_size=2, max_size=4))
def test_no_sample_of_a_leg_is_lower_or_higher_than_its_profile(points: list[tuple[float, float, float]]) -> None:
    flown = path(*points)
    shares = np.linspace(0.0, 1.0, 400)[:, None]
    for leg, heights in enumerate(agl_profile(flown, 5.0, GROUND, FRAME)):
        along = flown[leg] + shares * (flown[leg + 1] - flown[leg])
        agl = 5.0 + along[:, 2] - GROUND.heights_amsl_m(FRAME.unproject(along[:, :2]))
        assert heights is not None
        assert heights.lowest_agl_m <= agl.min() + 1e-3
        assert agl.max() - 1e-3 <= heights.highest_agl_m


def test_a_single_post_between_two_samples_is_not_missed() -> None:
    spiky = np.zeros((101, 101), dtype=np.float32)
    spiky[50, 57] = 200.0
    legs = agl_profile(path((-500, 0, 100), (500, 0, 100)), 0.0, grid_terrain(spiky, LATTICE), FRAME)
    assert legs == (LegHeights(-100.0, 100.0),)


def test_a_leg_beside_the_data_has_no_height_and_the_others_keep_theirs() -> None:
    legs = agl_profile(
        path((0, 300, 80), (400, 0, 80), (700, 0, 80), (700, 300, 80), (700, 5e3, 80)), 5.0, GROUND, FRAME
    )
    assert [leg is None for leg in legs] == [False, True, False, True]


def test_an_infinite_or_missing_altitude_is_no_data() -> None:
    assert agl_profile(path((0, 0, 80), (10, 0, np.nan)), 5.0, FLAT, FRAME) == (None,)


@given(st.lists(places, min_size=2, max_size=5))
def test_pieces_are_short_and_join_to_the_path(points: list[tuple[float, float, float]]) -> None:
    flown = path(*points)
    pieces = cut(flown)
    steps = np.hypot(*(pieces.ends[:, 1] - pieces.ends[:, 0]).T)
    assert steps.max() <= LONGEST_PIECE_M + 1e-6
    np.testing.assert_allclose(pieces.ends[1:, 0], pieces.ends[:-1, 1], atol=1e-6)
    np.testing.assert_allclose(pieces.alt_m[1:, 0], pieces.alt_m[:-1, 1], atol=1e-6)
    assert sorted(set(pieces.leg_of.tolist())) == list(range(len(flown) - 1))


def test_a_corridor_sees_what_stands_beside_it() -> None:
    wall = np.zeros((101, 101), dtype=np.float32)
    wall[53] = 90.0  # three rows south, 92 m
    south = grid_terrain(wall, LATTICE)
    level = path((-300, 0, 100), (300, 0, 100))
    assert agl_profile(level, 0.0, south, FRAME, aside_m=5.0) == (LegHeights(100.0, 100.0),)
    near = agl_profile(level, 0.0, south, FRAME, aside_m=80.0)[0]
    assert near is not None
    assert near.lowest_agl_m == pytest.approx(10.0)
