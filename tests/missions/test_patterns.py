from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.geo import LatLon
from missions.patterns.inside import Inside
from missions.patterns.survey import MOST_WAYPOINTS, TooManyWaypoints, route, survey
from tests.geofence.places import FRAME, HOME, at, box, ring, star_rings_m

FIELD = box(200, 200, 800, 600)
FIELD_L = ring((200, 200), (1000, 200), (1000, 400), (500, 400), (500, 900), (200, 900))


def swept(path: tuple[LatLon, ...]) -> shapely.LineString:
    return shapely.LineString(FRAME.to_xy(path))


def field(outer: tuple[LatLon, ...], *holes: tuple[LatLon, ...]) -> shapely.Polygon:
    return shapely.Polygon(FRAME.to_xy(outer), [FRAME.to_xy(hole) for hole in holes])


def test_a_route_is_flown_as_drawn() -> None:
    assert route(FIELD) == FIELD


def test_a_route_with_too_many_points_is_refused() -> None:
    with pytest.raises(TooManyWaypoints):
        route((HOME,) * (MOST_WAYPOINTS + 1))


def test_rows_are_no_further_apart_than_asked_and_half_that_from_the_edge() -> None:
    path = FRAME.to_xy(survey(FIELD, (), 45.0, 90.0, HOME))
    heights = sorted({round(y) for y in path[:, 1]})
    assert heights[0] == pytest.approx(200 + 400 / 18, abs=1)
    assert heights[-1] == pytest.approx(600 - 400 / 18, abs=1)
    assert all(b - a <= 46 for a, b in itertools.pairwise(heights))


@pytest.mark.parametrize("heading_deg", [0.0, 30.0, 90.0, 135.0, 300.0])
def test_rows_run_along_the_heading(heading_deg: float) -> None:
    path = FRAME.to_xy(survey(FIELD, (), 40.0, heading_deg, HOME))
    legs = np.diff(path, axis=0)
    longest = legs[np.argmax(np.hypot(*legs.T))]
    assert math.degrees(math.atan2(longest[0], longest[1])) % 180 == pytest.approx(heading_deg % 180, abs=0.1)


def test_without_a_heading_the_rows_run_along_the_longer_side() -> None:
    free = survey(FIELD, (), 40.0, None, HOME)
    across = survey(FIELD, (), 40.0, 0.0, HOME)
    assert len(free) < len(across)


def test_the_sweep_begins_at_the_corner_nearest_home() -> None:
    assert FRAME.to_xy(survey(FIELD, (), 40.0, 90.0, HOME)[:1])[0] == pytest.approx([210, 220], abs=1)
    there = at(900, 700)
    begin = FRAME.to_xy(survey(FIELD, (), 40.0, 90.0, there)[:1])[0]
    assert begin == pytest.approx([790, 580], abs=2)


@pytest.mark.parametrize("heading_deg", [0.0, 20.0, 45.0, 90.0, None])
def test_no_leg_cuts_across_an_inner_corner(heading_deg: float | None) -> None:
    path = survey(FIELD_L, (), 40.0, heading_deg, HOME)
    assert field(FIELD_L).covers(swept(path))


def test_a_hole_is_flown_around() -> None:
    pond = box(400, 350, 600, 450)
    path = survey(FIELD, (pond,), 40.0, 90.0, HOME)
    assert field(FIELD, pond).covers(swept(path))
    seen = swept(path).buffer(21)
    assert seen.intersection(field(FIELD, pond)).area > 0.95 * field(FIELD, pond).area


def test_a_field_narrower_than_the_spacing_gets_a_row_down_its_middle() -> None:
    strip = box(200, 200, 800, 220)
    path = FRAME.to_xy(survey(strip, (), 40.0, 90.0, HOME))
    assert len(path) >= 2
    assert np.abs(path[:, 1] - 210).max() < 6


def test_too_many_rows_are_refused_before_they_are_made() -> None:
    with pytest.raises(TooManyWaypoints) as caught:
        survey(box(0, 0, 20_000, 20_000), (), 5.0, 90.0, HOME)
    assert caught.value.at_least > MOST_WAYPOINTS


@settings(max_examples=60, deadline=None)
@given(
    star_rings_m(reach_m=700.0, least_m=150.0),
    st.lists(
        st.tuples(st.floats(-300, 300), st.floats(-300, 300), star_rings_m(reach_m=60.0, least_m=15.0)), max_size=3
    ),
    st.floats(25.0, 80.0),
    st.floats(0.0, 360.0) | st.none(),
)
def test_no_leg_leaves_any_concave_area_with_holes(
    outer_m: list[tuple[float, float]],
    holes_m: list[tuple[float, float, list[tuple[float, float]]]],
    spacing_m: float,
    heading_deg: float | None,
) -> None:
    shift = np.array([900.0, 0.0])
    outer = FRAME.to_places(np.array(outer_m) + shift)
    holes = [FRAME.to_places(np.array(corners) + np.array([x, y]) + shift) for x, y, corners in holes_m]
    solid = field(outer)
    pieces = [field(hole) for hole in holes]
    assume(all(solid.buffer(-8).covers(one) for one in pieces))
    assume(all(a.distance(b) > 8 for a, b in itertools.combinations(pieces, 2)))
    area = field(outer, *holes)
    assume(area.buffer(-spacing_m / 2 - 1).geom_type == "Polygon")
    path = survey(outer, holes, spacing_m, heading_deg, HOME)
    assert 1 <= len(path) <= MOST_WAYPOINTS
    assert area.buffer(0.05).covers(swept((*path, path[-1])))
    rows_seen = swept((*path, path[-1])).buffer(spacing_m / 2 + 1)
    assert rows_seen.intersection(area).area > 0.75 * area.area


def test_the_way_inside_bends_only_at_corners_and_is_the_shortest() -> None:
    area = shapely.Polygon([(0, 0), (100, 0), (100, 20), (20, 20), (20, 100), (0, 100)])
    way = Inside(area).way(np.array([90.0, 10.0]), np.array([10.0, 90.0]))
    assert way is not None
    assert way.tolist() == [[90, 10], [20, 20], [10, 90]]


def test_there_is_no_way_between_two_parts() -> None:
    parts = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)])
    assert Inside(parts).way(np.array([5.0, 5.0]), np.array([25.0, 5.0])) is None
