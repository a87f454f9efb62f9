"""The compiled kernel, primitive by primitive, against shapely and against looking at everything."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba.core.caching
import numba.core.config
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from geofence.compiled import compiled
from geofence.edges import Rings, clumped
from geofence.frame import Array
from geofence.freespace import FreeSpace
from geofence.kernel import blocker, enter, meets
from geofence.obstacles import TOUCH_M, Indices
from geofence.tables import Walls
from geofence.ways import length_of
from tests.fields import random_field, star

# Small whole numbers: lines that touch, run along each other or meet in a vertex come up all the time.
GRID = st.integers(-4, 4)
PLACES = st.tuples(GRID, GRID)
LINES = st.tuples(PLACES, PLACES)
EVERY = np.ones(1, dtype=np.bool_)


def drawn(line: tuple[tuple[int, int], tuple[int, int]]) -> BaseGeometry:
    return Point(line[0]) if line[0] == line[1] else LineString(line)


def walls_of(edges: Array, owner: Indices, cells: int, size: float) -> Walls:
    head = np.full((cells, cells), -1)
    origin = (-cells * size / 2, -cells * size / 2, 1.0 / size)
    walls = Walls(edges, owner.astype(np.int64), origin, head, np.full((len(edges) * cells * cells, 2), -1))
    enter(walls, 0, 0)
    return walls


def is_blocked(one: Array, other: Array, walls: Walls) -> bool:
    return blocker(float(one[0]), float(one[1]), float(other[0]), float(other[1]), walls, EVERY) >= 0


@settings(max_examples=600, deadline=None)
@given(LINES, LINES)
def test_a_line_meets_an_edge_exactly_when_shapely_says_so(
    line: tuple[tuple[int, int], tuple[int, int]], edge: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    (px, py), (qx, qy) = line
    found = meets(float(px), float(py), float(qx), float(qy), np.array([*edge[0], *edge[1]], dtype=np.float64))
    assert found == drawn(line).intersects(drawn(edge))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(LINES, min_size=1, max_size=12),
    st.lists(LINES, min_size=1, max_size=8),
    st.integers(1, 9),
    st.sampled_from([0.5, 1.0, 1.7]),
    st.floats(0.0, 1.0),
)
def test_the_grid_finds_what_looking_at_every_edge_finds(
    edges: list[tuple[tuple[int, int], tuple[int, int]]],
    lines: list[tuple[tuple[int, int], tuple[int, int]]],
    cells: int,
    size: float,
    turn: float,
) -> None:
    def turned(pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> Array:
        xy = np.array(pairs, dtype=np.float64) @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        return np.asarray(xy.reshape(-1, 4))

    table, counts = turned(edges), np.array([True, False])
    walls = walls_of(table, np.arange(len(table)) % 2, cells, size)
    for px, py, qx, qy in turned(lines).tolist():
        expected = {edge for edge in range(0, len(table), 2) if meets(px, py, qx, qy, table[edge])}
        found = blocker(px, py, qx, qy, walls, counts)
        assert found in expected if expected else found == -1


def rings_and_grid(polygon: BaseGeometry) -> Walls:
    rings, _ = Rings.of(np.array([polygon], dtype=np.object_), solid_within=True)
    return walls_of(rings.edges(), np.zeros(len(rings.at), dtype=np.intp), 12, 10.0)


@pytest.mark.parametrize("seed", range(12))
def test_what_enters_a_polygon_is_blocked_and_what_touches_it_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon: BaseGeometry = star(rng, rng.uniform(-5, 5, 2), 15.0, 45.0, int(rng.integers(4, 13)))
    if seed % 3 == 0:
        polygon -= star(rng, np.asarray(polygon.centroid.coords[0]), 3.0, 8.0, 6)
    walls = rings_and_grid(polygon)
    inner = polygon.buffer(-4 * TOUCH_M, join_style="mitre")
    places = rng.uniform(-60, 60, (300, 2))
    outside = places[~shapely.contains_xy(polygon, places)]
    seen = [0, 0]
    for one, other in pairwise(outside):
        line = LineString([one, other])
        blocked = is_blocked(one, other, walls)
        assert not (blocked and line.disjoint(polygon))
        assert blocked or line.disjoint(inner)
        seen[blocked] += 1
    assert min(seen) > 10
    for corner, following in pairwise(shapely.get_coordinates(shapely.get_rings(polygon)[0])):
        assert not is_blocked(corner, following, walls)


def test_a_line_through_a_vertex_into_the_solid_is_blocked() -> None:
    walls = rings_and_grid(box(-10, -10, 10, 10))
    assert is_blocked(np.array([-20, -20]), np.array([20, 20]), walls)
    assert not is_blocked(np.array([-20, 0]), np.array([0, 20]), walls)  # touches the corner from outside
    assert not is_blocked(np.array([-20, 10]), np.array([20, 10]), walls)  # runs along an edge
    assert is_blocked(np.array([-20, 9.9]), np.array([20, 9.9]), walls)


def test_clumps_hold_their_corners_and_every_corner_is_in_one() -> None:
    rng = np.random.default_rng(1)
    polygons = np.array([star(rng, rng.uniform(-500, 500, 2), 15, 45, corners) for corners in (4, 16, 17, 40)])
    rings, owner = Rings.of(polygons, solid_within=True)
    at, ring = rings.corners()
    discs, spans, of_ring = clumped(at, ring)
    assert np.concatenate([np.arange(*span) for span in spans]).tolist() == list(range(len(at)))
    for disc, span, number in zip(discs, spans, of_ring, strict=True):
        assert (np.hypot(*(at[slice(*span), :2] - disc[:2]).T) <= disc[2] + 1e-9).all()
        assert (ring[slice(*span)] == number).all()
    assert owner.tolist() == [0, 1, 2, 3]


def test_corners_are_where_the_solid_sticks_out() -> None:
    notched = Polygon([(0, 0), (10, 0), (10, 10), (5, 5), (0, 10)])
    within, _ = Rings.of(np.array([notched]), solid_within=True)
    around, _ = Rings.of(np.array([notched]), solid_within=False)
    assert sorted(map(tuple, within.corners()[0][:, :2])) == [(0, 0), (0, 10), (10, 0), (10, 10)]
    assert around.corners()[0][:, :2].tolist() == [[5, 5]]


@pytest.mark.parametrize("seed", range(12))
def test_without_the_zones_that_did_not_shape_it_the_answer_is_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 40)
    start, end = field.free_points(rng, 2)
    inside, shapes = [(field.inside, field.inside_margin_m)], field.shapes()
    seeking = FreeSpace.of(inside, shapes, field.margins_m()).seeking(start, end)
    way = seeking.way()
    shaped_by = seeking.shaped_by()
    fewer = FreeSpace.of(inside, [shapes[number] for number in shaped_by], field.margins_m()[shaped_by])
    again = fewer.way(start, end)
    assert (way is None) == (again is None)
    if way is not None and again is not None:
        assert length_of(again) == pytest.approx(length_of(way), abs=1e-6)


def test_a_way_is_found_from_its_own_length_on_and_not_before() -> None:
    space = FreeSpace.of([(box(-500, -500, 500, 500), 0.0)], [box(-50, -300, 50, 100)], np.array([10.0]))
    seeking = space.seeking(np.array([-400.0, 0.0]), np.array([400.0, 0.0]))
    best_m = length_of(space.way(np.array([-400.0, 0.0]), np.array([400.0, 0.0])))  # type: ignore[arg-type]
    assert seeking.way(best_m - 0.001) is None
    assert not seeking.is_over()
    found = seeking.way(best_m)
    assert found is not None
    assert length_of(found) == pytest.approx(best_m)


def test_a_place_that_is_shut_in_is_found_out_with_little_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = [box(-110, -110, 110, -90), box(-110, 90, 110, 110), box(-110, -110, -90, 110), box(90, -110, 110, 110)]
    field = random_field(np.random.default_rng(11), 60)
    shapes = [*sides, *(shape for shape in field.shapes() if shape.distance(box(-110, -110, 110, 110)) > 30)]
    space = FreeSpace.of([(box(-500, -500, 500, 500), 0.0)], shapes, np.full(len(shapes), 10.0))
    monkeypatch.setattr("geofence.search.MOST_LINES", 500)
    inner, outer = np.array([0.0, 0.0]), np.array([-490.0, -490.0])
    assert space.way(inner, outer) is None
    assert space.way(outer, inner) is None
    assert space.seeking(inner, outer).is_over() is False  # not asked yet


@pytest.mark.parametrize("folder", ["none", "unreadable"])
def test_without_a_usable_folder_the_kernel_is_compiled_all_the_same(
    folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def doubled(value: float) -> float:
        return 2.0 * value

    implementation: Any = numba.core.caching.CompileResultCacheImpl
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path))
    if folder == "none":
        monkeypatch.setattr(implementation, "_locator_classes", [])
    assert compiled(doubled)(21.0) == 42.0
    kept = list(tmp_path.rglob("*.nb?"))
    assert bool(kept) == (folder != "none")
    for file in kept:
        file.write_bytes(file.read_bytes()[:40])
    assert compiled(doubled)(21.0) == 42.0
    assert all(len(file.read_bytes()) > 40 for file in tmp_path.rglob("*.nb?"))  # and kept anew


def test_what_was_compiled_with_other_numbers_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They may come from other modules, whose change the file's own time does not tell."""
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path))
    found = []
    for number in (2.0, 3.0, 2.0):
        names: dict[str, Any] = {"__name__": "made", "FACTOR": number}
        exec(compile("def times(value):\n    return FACTOR * value\n", __file__, "exec"), names)
        made: Any = compiled(names["times"])
        found.append((made(7.0), bool(made.stats.cache_hits)))
    assert found == [(14.0, False), (21.0, False), (14.0, True)]


@pytest.mark.thorough
def test_who_never_plans_never_waits_for_the_compiler() -> None:
    code = "import api.planning, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
