from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.terrain import Box, FlatTerrain, Lattice, Terrain, grid_terrain

DISTRICT = Box(120.85, 30.94, 121.32, 31.30)
FLAT = FlatTerrain(4.0, DISTRICT)
# 1″ posts with a hill, a void and odd corners; the corner post lies at 121 E 31.1 N.
STEP = 1.0 / 3600.0
LATTICE = Lattice(121.0, 31.1, STEP, STEP)
HEIGHTS = np.random.default_rng(7).integers(-3, 90, (40, 50)).astype(np.int16)
HEIGHTS[20, 30] = -32768
GRID = grid_terrain(HEIGHTS, LATTICE, void=-32768)
SMOOTH = grid_terrain(np.where(HEIGHTS < -100, 0, HEIGHTS).astype(np.float32), LATTICE)


def place(row: float, column: float) -> tuple[float, float]:
    return 121.0 + column * STEP, 31.1 - row * STEP


def test_flat_ground_is_known_in_its_box_and_nowhere_else() -> None:
    heights = FLAT.heights_amsl_m(np.array([[121.0, 31.1], [120.85, 30.94], [121.33, 31.1], [np.nan, 31.1]]))
    np.testing.assert_array_equal(heights, [4.0, 4.0, np.nan, np.nan])
    assert FLAT.range_amsl_m(121.0, 31.0, 121.1, 31.1) == (4.0, 4.0)
    assert FLAT.range_amsl_m(121.0, 31.0, 121.33, 31.1) is None


def test_a_box_is_the_right_way_round() -> None:
    with pytest.raises(ValueError, match="east"):
        Box(121.0, 31.0, 120.0, 32.0)
    with pytest.raises(ValueError, match="north"):
        Box(120.0, 31.0, 121.0, 91.0)


@given(st.integers(0, 39), st.integers(0, 49))
def test_a_post_has_its_own_height_even_on_the_edge_of_the_data(row: int, column: int) -> None:
    if (row, column) != (20, 30):
        assert GRID.heights_amsl_m(np.array([place(row, column)]))[0] == HEIGHTS[row, column]


def test_between_posts_the_height_is_bilinear() -> None:
    corners = HEIGHTS[4:6, 7:9].astype(float)
    expected = 0.25 * 0.4 * corners[0, 0] + 0.25 * 0.6 * corners[0, 1]
    expected += 0.75 * 0.4 * corners[1, 0] + 0.75 * 0.6 * corners[1, 1]
    assert GRID.heights_amsl_m(np.array([place(4.75, 7.6)]))[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("row", "column"), [(20, 30), (19.5, 30), (20.5, 29.1), (-0.1, 3), (39.1, 3), (3, -0.1), (3, 49.1)]
)
def test_a_void_and_the_edge_give_no_data(row: float, column: float) -> None:
    lon, lat = place(row, column)
    assert np.isnan(GRID.heights_amsl_m(np.array([[lon, lat]]))[0])
    assert GRID.range_amsl_m(lon, lat, lon, lat) is None


@pytest.mark.parametrize("terrain", [FLAT, SMOOTH])
@given(st.data())
def test_no_ground_in_a_box_is_outside_of_its_range(terrain: Terrain, data: st.DataObject) -> None:
    rows = sorted(data.draw(st.tuples(st.floats(0, 39), st.floats(0, 39))))
    columns = sorted(data.draw(st.tuples(st.floats(0, 49), st.floats(0, 49))))
    (west, north), (east, south) = place(rows[0], columns[0]), place(rows[1], columns[1])
    lonlat = np.random.default_rng(3).uniform((west, south), (east, north), (200, 2))
    heights = terrain.heights_amsl_m(lonlat)
    found = terrain.range_amsl_m(west, south, east, north)
    assert found is not None
    assert found[0] <= heights.min() + 1e-6
    assert heights.max() <= found[1] + 1e-6


def test_many_boxes_get_what_each_gets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    rows, columns = np.sort(random.uniform(-1, 40, (60, 2))), np.sort(random.uniform(-1, 50, (60, 2)))
    boxes = np.array(
        [(*place(high, left), *place(low, right)) for (low, high), (left, right) in zip(rows, columns, strict=True)]
    )
    boxes[7] = np.nan
    alone = [GRID.range_amsl_m(*box) for box in boxes.tolist()]
    monkeypatch.setattr("geofence.terrain._MOST_POSTS", 300)  # so that boxes are cut into bands and batches
    for (low, high), one in zip(GRID.ranges_amsl_m(boxes).tolist(), alone, strict=True):
        assert (None if np.isnan(low) else (low, high)) == one
    assert 10 < sum(one is None for one in alone) < 50
