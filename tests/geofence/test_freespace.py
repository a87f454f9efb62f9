"""The router against a full visibility graph, and against the distances that it must keep."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from geofence.frame import Array
from geofence.freespace import FreeSpace
from geofence.search import SearchTooLarge
from geofence.ways import Ways, length_of
from geofence.zones import Combination
from tests.fields import Field, random_field
from tests.geofence.oracle import free_area, shortest_m

pytestmark = pytest.mark.thorough

HALL = box(-500, -500, 500, 500)


def space_of(field: Field) -> FreeSpace:
    return FreeSpace.of([(field.inside, field.inside_margin_m)], field.shapes(), field.margins_m())


def hall(*exclusions: Polygon, margin_m: float = 10.0) -> FreeSpace:
    return FreeSpace.of([(HALL, 0.0)], list(exclusions), np.full(len(exclusions), margin_m))


def at(x: float, y: float) -> Array:
    return np.array([x, y], dtype=np.float64)


@pytest.mark.parametrize("seed", range(40))
def test_a_way_is_as_short_as_the_full_visibility_graph_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, int(rng.integers(1, 14)))
    start, end = field.free_points(rng, 2)
    way = space_of(field).way(start, end)
    best_m = shortest_m(free_area(field), start, end)
    assert (way is None) == (best_m is None)
    if way is not None and best_m is not None:
        assert length_of(way) == pytest.approx(best_m, rel=1e-6, abs=0.01)


@pytest.mark.parametrize("seed", range(100, 150))
def test_a_way_keeps_every_margin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 40)
    start, end = field.free_points(rng, 2)
    way = space_of(field).way(start, end)
    if way is None:
        return
    assert (way[0] == start).all()
    assert (way[-1] == end).all()
    line = shapely.linestrings(way)
    assert (shapely.distance(np.array(field.shapes()), line) >= field.margins_m()).all()
    assert field.inside.contains(line)
    assert field.inside.exterior.distance(line) >= field.inside_margin_m


def test_a_straight_line_stays_straight() -> None:
    way = hall(box(100, 100, 200, 200)).way(at(-400, 0), at(400, 0))
    assert way is not None
    assert way.tolist() == [[-400, 0], [400, 0]]


def test_a_way_leads_round_the_nearer_side() -> None:
    way = hall(box(-50, -300, 50, 100)).way(at(-400, 0), at(400, 0))
    assert way is not None
    assert way[1:-1, 1].min() > 100


def test_a_place_in_the_hole_of_a_zone_is_reached_from_within_only() -> None:
    yard = Polygon(box(-200, -200, 200, 200).exterior, [box(-100, -100, 100, 100).exterior])
    pillar = box(-10, -10, 10, 10)
    space = hall(yard, pillar)
    within = space.way(at(-80, 0), at(80, 0))
    assert within is not None
    assert len(within) == 4
    assert space.way(at(-80, 0), at(400, 0)) is None
    assert space.way(at(400, 0), at(-80, 0)) is None


def test_a_place_that_is_held_is_told_with_its_zone() -> None:
    space = hall(box(0, 0, 10, 10), box(100, 0, 110, 10))
    assert space.held_by(at(95, 5)).tolist() == [1]
    assert space.held_by(at(50, 5)).tolist() == []
    assert space.way(at(600, 0), at(-400, 0)) is None
    assert space.way(at(95, 5), at(-400, 0)) is None
    assert space.way(at(-400, 0), at(95, 5)) is None


def test_without_an_inclusion_nothing_is_free() -> None:
    assert FreeSpace.of([], [], np.empty(0)).way(at(0, 0), at(1, 1)) is None


def test_inclusions_meet_or_add_up() -> None:
    areas = [(box(0, 0, 100, 100), 5.0), (box(50, 0, 200, 100), 5.0)]
    both = FreeSpace.of(areas, [], np.empty(0))
    either = FreeSpace.of(areas, [], np.empty(0), combination=Combination.UNION)
    assert not both.clear(at(20, 50)[None], at(20, 50)[None])[0]
    assert either.way(at(20, 50), at(180, 50)) is not None


def test_rooms_that_do_not_touch_are_not_joined() -> None:
    apart = [(box(0, 0, 100, 100), 5.0), (box(200, 0, 300, 100), 5.0)]
    space = FreeSpace.of(apart, [], np.empty(0), combination=Combination.UNION)
    assert space.way(at(50, 50), at(250, 50)) is None
    assert space.way(at(210, 50), at(250, 50)) is not None


def test_a_line_along_the_mouth_of_a_pocket_is_outside() -> None:
    notched = Polygon([(0, 0), (100, 0), (100, 100), (60, 100), (50, 20), (40, 100), (0, 100)])
    space = FreeSpace.of([(notched, 0.0)], [], np.empty(0))
    way = space.way(at(30, 99.9), at(70, 99.9))
    assert way is not None
    assert way[:, 1].min() < 20


def test_a_zone_of_thousands_of_vertices_keeps_its_margin() -> None:
    angles = np.linspace(0, 2 * np.pi, 5_000, endpoint=False)
    reach = 200 + 20 * np.sin(40 * angles) + np.random.default_rng(1).uniform(-1, 1, 5_000)
    ragged = Polygon(np.column_stack((np.cos(angles), np.sin(angles))) * reach[:, None])
    way = hall(ragged, margin_m=8.0).way(at(-400, 3), at(400, 0))
    assert way is not None
    assert ragged.distance(shapely.linestrings(way)) >= 8.0
    assert length_of(way) < 1.02 * 2 * (np.sqrt(400**2 - 229**2) + 229 * np.arcsin(229 / 400))


def test_clear_lines_are_those_that_touch_nothing() -> None:
    field = random_field(np.random.default_rng(5), 60)
    rng = np.random.default_rng(6)
    starts, ends = field.free_points(rng, 200), field.free_points(rng, 200)
    lines = shapely.linestrings(np.stack((starts, ends), axis=1))
    expected = shapely.covers(free_area(field).buffer(1e-3), lines)
    assert (space_of(field).clear(starts, ends) == expected).all()
    assert 0 < expected.sum() < 200


def test_the_free_part_of_an_area_leaves_out_widened_zones_and_the_edge() -> None:
    field = random_field(np.random.default_rng(7), 60)
    window = box(-150, -150, 250, 250)
    expected = shapely.intersection(free_area(field), window)
    assert shapely.symmetric_difference(space_of(field).part_of(window), expected).area < 0.01


def test_a_pair_is_searched_once_and_serves_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    space = hall(box(-50, -300, 50, 100), box(390, -10, 410, 10))
    searched: list[tuple[float, ...]] = []

    def way(start: Array, end: Array) -> Array | None:
        searched.append((*start, *end))
        return FreeSpace.way(space, start, end)

    monkeypatch.setattr(space, "way", way)
    ways = Ways(space, np.array([[-400.0, 0.0], [360.0, 0.0], [400.0, 0.0]]))
    assert ways.straight_m()[0, 1] == 760
    for _ in range(2):
        there, back = ways.way(0, 1), ways.way(1, 0)
        assert there is not None
        assert back is not None
        assert (there == back[::-1]).all()
        assert ways.length_m(1, 0) == ways.length_m(0, 1) > 760
        assert ways.way(0, 2) is ways.way(2, 0) is None  # that there is none is found once as well
    assert searched == [(-400.0, 0.0, 360.0, 0.0), (-400.0, 0.0, 400.0, 0.0)]


def test_a_search_that_grows_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    space = hall(box(-50, -300, 50, 100))
    monkeypatch.setattr("geofence.search.MOST_LINES", 2)
    with pytest.raises(SearchTooLarge):
        space.way(at(-400, 0), at(400, 0))


def test_a_way_to_the_same_place_is_that_place_twice() -> None:
    way = hall(box(100, 100, 200, 200)).way(at(0, 0), at(0, 0))
    assert way is not None
    assert way.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("seed", range(10))
def test_a_way_between_corners_of_a_way_is_that_part_of_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 40)
    space = space_of(field)
    ways = [space.way(*field.free_points(rng, 2)) for _ in range(8)]
    for way in ways:
        if way is not None and len(way) > 3:
            part = space.way(way[1], way[-2])
            assert part is not None
            assert length_of(part) == pytest.approx(length_of(way[1:-1]), abs=1e-6)


def test_an_end_shut_in_by_zones_together_is_not_reached() -> None:
    sides = [box(-110, -110, 110, -90), box(-110, 90, 110, 110), box(-110, -110, -90, 110), box(90, -110, 110, 110)]
    field = random_field(np.random.default_rng(11), 60)
    shapes = [*sides, *(shape for shape in field.shapes() if shape.distance(box(-110, -110, 110, 110)) > 30)]
    space = hall(*shapes)
    assert space.way(at(0, 0), at(-490, -490)) is None
    assert space.way(at(-490, -490), at(0, 0)) is None
    assert hall(*shapes[1:]).way(at(0, 0), at(-490, -490)) is not None


def test_ways_among_many_places_are_those_of_each_pair() -> None:
    field = random_field(np.random.default_rng(12), 30)
    places = field.free_points(np.random.default_rng(13), 12)
    ways = Ways(space_of(field), places)
    for one in range(12):
        for other in range(one):
            alone = space_of(field).way(places[one], places[other])
            expected_m = np.inf if alone is None else length_of(alone)
            assert ways.length_m(one, other) == pytest.approx(expected_m, abs=1e-6)
            assert ways.straight_m()[one, other] <= ways.length_m(one, other) + 1e-9
