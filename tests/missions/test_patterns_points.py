"""Orbits, searches, facades and watches: shape, what is looked at, order."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import DockId
from geofence.frame import Array
from missions.model import Action, ActionKind, MissionRequest, Parameter, Pattern
from missions.patterns.catalog import CATALOG
from missions.patterns.draft import Piece
from missions.patterns.drawn import drawn_pieces
from missions.patterns.facade import Passes, facade, pass_spacing_m
from missions.patterns.orbit import orbit
from missions.patterns.order import Nodes
from missions.patterns.search import expanding_square, legs_for, sector
from missions.patterns.tour import shortest_tour
from missions.patterns.watch import watch
from tests.geofence.places import FRAME, HOME, at, star_rings_m

ALT_M = 60.0
THERE = LatLon(31.2, 121.2)
CENTER = np.array([300.0, 400.0])


def line_of(piece: Piece) -> LineString:
    return LineString(piece.xyz[:, :2])


def bearings(xy: Array) -> list[float]:
    steps = np.diff(xy[:, :2], axis=0)
    found: list[float] = (np.degrees(np.arctan2(steps[:, 0], steps[:, 1])) % 360).tolist()
    return found


def member(caught: pytest.ExceptionInfo[InvalidRequest]) -> str:
    (error,) = caught.value.errors
    return error.pointer


@given(st.floats(5.0, 2000.0), st.floats(5.0, 720.0), st.booleans())
def test_no_place_of_an_orbit_is_a_metre_off_its_circle(radius_m: float, turn_deg: float, clockwise: bool) -> None:
    (piece,) = orbit(CENTER, THERE, ALT_M, radius_m=radius_m, turn_deg=turn_deg, clockwise=clockwise)
    assert Point(CENTER).distance(line_of(piece)) > radius_m - 1.001
    assert np.hypot(*(piece.xyz[:, :2] - CENTER).T) == pytest.approx(np.full(len(piece.xyz), radius_m))


def test_an_orbit_begins_nearest_to_home_or_where_it_is_told() -> None:
    (nearest,) = orbit(CENTER, THERE, ALT_M, radius_m=50)
    assert np.hypot(*nearest.xyz[0, :2]) == pytest.approx(450)
    (told,) = orbit(CENTER, THERE, ALT_M, radius_m=50, from_deg=90)
    assert told.xyz[0, :2].tolist() == pytest.approx([350, 400])


@pytest.mark.parametrize(("clockwise", "end"), [(True, [300, 350]), (False, [300, 450])])
def test_an_arc_ends_where_it_should(clockwise: bool, end: list[float]) -> None:
    (piece,) = orbit(CENTER, THERE, ALT_M, radius_m=50, from_deg=90, turn_deg=90, clockwise=clockwise)
    assert piece.xyz[-1, :2].tolist() == pytest.approx(end)


def test_an_orbit_looks_at_its_centre_and_lets_go_of_it() -> None:
    (piece,) = orbit(CENTER, THERE, ALT_M, radius_m=50, look_alt_rel_m=12.0)
    (first, look), (last, release) = piece.actions
    assert (first, last) == (0, len(piece.xyz) - 1)
    assert look == (Action(ActionKind.LOOK_AT, place=THERE, alt_rel_m=12.0),)
    assert release == (Action(ActionKind.LOOK_AHEAD),)


def test_too_many_laps_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        orbit(CENTER, THERE, ALT_M, radius_m=2000, turn_deg=20 * 360)
    assert member(caught) == "/properties/laps"


def test_an_expanding_square_grows_by_a_spacing_every_second_leg_and_turns_by_right_angles() -> None:
    (piece,) = expanding_square(CENTER, ALT_M, spacing_m=30, legs=7, heading_deg=20)
    legs_m = np.hypot(*np.diff(piece.xyz[:, :2], axis=0).T)
    assert legs_m == pytest.approx(30 * np.array([1, 1, 2, 2, 3, 3, 4]))
    assert bearings(piece.xyz) == pytest.approx([20, 110, 200, 290, 20, 110, 200])
    assert piece.xyz[0, :2].tolist() == CENTER.tolist()


def test_a_search_to_the_left_is_the_mirror_image() -> None:
    (piece,) = expanding_square(CENTER, ALT_M, spacing_m=30, legs=4, turn_right=False)
    assert bearings(piece.xyz) == pytest.approx([0, 270, 180, 90], abs=1e-6)


@given(st.floats(5.0, 400.0), st.floats(10.0, 100.0))
def test_everything_within_the_radius_comes_within_half_a_spacing(radius_m: float, spacing_m: float) -> None:
    legs = legs_for(radius_m, spacing_m)
    (piece,) = expanding_square(CENTER, ALT_M, spacing_m=spacing_m, legs=legs)
    seen = line_of(piece).buffer(spacing_m / 2 + 0.01, cap_style="square", join_style="mitre")
    assert seen.covers(Point(CENTER).buffer(radius_m - 0.01))
    if legs > 2:
        (fewer,) = expanding_square(CENTER, ALT_M, spacing_m=spacing_m, legs=legs - 4)
        assert not line_of(fewer).buffer(spacing_m / 2).covers(Point(CENTER).buffer(radius_m))


@pytest.mark.parametrize("turn_right", [True, False])
def test_a_sector_search_is_three_triangles_through_the_datum(turn_right: bool) -> None:
    (piece,) = sector(CENTER, ALT_M, radius_m=100, heading_deg=15, turn_right=turn_right)
    xy = piece.xyz[:, :2]
    assert np.hypot(*np.diff(xy, axis=0).T) == pytest.approx(np.full(9, 100))
    assert np.hypot(*(xy[[0, 3, 6, 9]] - CENTER).T) == pytest.approx(np.zeros(4), abs=1e-6)
    turns = np.round(np.diff(bearings(xy))) % 360
    side = 120 if turn_right else 240
    assert turns.tolist() == [side, side, 0, side, side, 0, side, side]
    assert bearings(xy)[0] == pytest.approx(15)


def test_every_repeat_of_a_sector_search_is_turned_by_thirty_degrees() -> None:
    pieces = sector(CENTER, ALT_M, radius_m=100, heading_deg=350, repeats=3)
    assert [bearings(piece.xyz)[0] for piece in pieces] == pytest.approx([350, 20, 50])


TOWER = np.array([[100.0, 100.0], [130.0, 100.0], [130.0, 120.0], [100.0, 120.0]])


def a_facade(ring: Array = TOWER, *, passes: Passes = "horizontal", **told: float) -> Piece:
    asked = {"height_from_m": 10.0, "height_to_m": 40.0, "standoff_m": 15.0, "spacing_m": 10.0} | told
    (piece,) = facade(ring, passes=passes, **asked)  # type: ignore[arg-type]
    return piece


@settings(max_examples=30, deadline=None)
@given(star_rings_m(reach_m=60.0, least_m=20.0), st.floats(3.0, 40.0), st.sampled_from(["horizontal", "vertical"]))
def test_a_facade_is_never_nearer_to_the_wall_than_the_stand_off(
    ring: list[tuple[float, float]], standoff_m: float, passes: Passes
) -> None:
    piece = a_facade(np.array(ring), passes=passes, standoff_m=standoff_m, spacing_m=15.0)
    assert line_of(piece).distance(Polygon(ring)) >= standoff_m
    assert shapely.distance(shapely.points(piece.xyz[:, :2]), Polygon(ring)).max() < 2.5 * standoff_m + 1


def test_rounds_climb_level_by_level_over_the_heights_to_see() -> None:
    levels = a_facade().xyz[:, 2]
    assert sorted(set(levels)) == pytest.approx([15, 25, 35])
    assert (np.diff(levels) >= 0).all()
    assert set(a_facade(height_to_m=10.0).xyz[:, 2]) == {10.0}


def test_columns_go_up_and_down_in_turn_and_stand_no_further_apart_than_asked() -> None:
    piece = a_facade(passes="vertical", spacing_m=8.0)
    rises = np.diff(piece.xyz[:, 2])
    upright = rises[np.abs(rises) > 1]
    assert upright[0] > 0
    assert (np.sign(upright[1:]) == -np.sign(upright[:-1])).all()
    across_m = np.hypot(*np.diff(piece.xyz[:, :2], axis=0).T)
    assert across_m[np.abs(rises) > 1] == pytest.approx(0.0), "a column is upright"
    feet = piece.xyz[:-1][np.abs(rises) > 1][:, :2]
    assert max(math.dist(a, b) for a, b in itertools.pairwise(feet)) <= 8.0 + 1e-6


@pytest.mark.parametrize("passes", ["horizontal", "vertical"])
def test_the_nose_points_square_at_the_wall_beside_every_leg(passes: Passes) -> None:
    piece = a_facade(passes=passes)
    headings = {index: actions[0].value for index, actions in piece.actions}
    assert headings.keys() == set(range(len(piece.xyz) - 1))
    for index, heading in headings.items():
        middle = (piece.xyz[index, :2] + piece.xyz[index + 1, :2]) / 2
        ahead = middle + 40.0 * np.array([math.sin(math.radians(heading)), math.cos(math.radians(heading))])
        assert LineString([middle, ahead]).intersects(Polygon(TOWER))


def test_heights_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="below height_from_m") as caught:
        a_facade(height_to_m=5.0)
    assert member(caught) == "/properties/height_to_m"


def test_passes_overlap_by_the_share_asked() -> None:
    assert pass_spacing_m(10.0, 90.0, 0.0) == pytest.approx(20.0)
    assert pass_spacing_m(10.0, 90.0, 0.75) == pytest.approx(5.0)


def test_a_watch_stays_looks_and_takes_a_picture_at_every_point() -> None:
    points = np.array([[100.0, 0.0], [200.0, 0.0]])
    first, second = watch(points, ALT_M, hold_s=12, look_deg=270, gimbal_deg=-60)
    look, photo = Action(ActionKind.HEADING, 270), Action(ActionKind.PHOTO)
    assert first.actions == ((0, (Action(ActionKind.GIMBAL, -60), look, photo)),)
    assert second.actions == ((0, (look, photo)),)
    assert first.holds == second.holds == ((0, 12),)
    assert len(first.xyz) == len(second.xyz) == 1


def test_rounds_go_through_all_points_in_the_same_order() -> None:
    points = np.random.default_rng(1).uniform(-500, 500, (12, 2))
    stops = [piece.xyz[0, :2].tolist() for piece in watch(points, ALT_M, hold_s=0, rounds=3)]
    assert stops[:12] == stops[12:24] == stops[24:]
    assert sorted(stops[:12]) == sorted(points.tolist())


def test_points_are_visited_as_drawn_when_asked() -> None:
    points = np.array([[100.0, 0.0], [0.0, 100.0], [200.0, 0.0]])
    assert [piece.xyz[0, 0] for piece in watch(points, ALT_M, hold_s=0, tour="as-drawn")] == [100, 0, 200]


def tour_m(points: Array, order: Nodes, *, back: bool = True) -> float:
    stops = np.vstack((np.zeros(2), points[order], np.zeros((int(back), 2))))
    return float(np.hypot(*np.diff(stops, axis=0).T).sum())


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_short_tour_is_the_shortest_of_all(seed: int, back: bool) -> None:
    points = np.random.default_rng(seed).uniform(-500, 500, (6, 2))
    best = min(tour_m(points, np.array(order), back=back) for order in itertools.permutations(range(6)))
    assert tour_m(points, shortest_tour(points, np.zeros(2), back=back), back=back) == pytest.approx(best)


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_long_tour_has_no_two_legs_worth_exchanging(seed: int, back: bool) -> None:
    points = np.random.default_rng(seed).uniform(-500, 500, (40, 2))
    order = shortest_tour(points, np.zeros(2), back=back)
    assert sorted(order.tolist()) == list(range(40))
    found = tour_m(points, order, back=back)
    for first, last in itertools.combinations(range(40), 2):
        other = np.concatenate((order[:first], order[first : last + 1][::-1], order[last + 1 :]))
        assert tour_m(points, other, back=back) > found - 1e-6


def a_request(pattern: Pattern, **told: Parameter) -> MissionRequest:
    spec = CATALOG[pattern]
    defaults = {each.name: each.default for each in spec.parameters if each.default is not None and not each.needs}
    ring = tuple(at(x + 100, y) for x, y in [(0, 0), (60, 0), (60, 40), (0, 40)])
    drawn = {"LineString": {"line": ring}, "Polygon": {"ring": ring}}.get(spec.geometry[0], {"points": ring[:1]})
    return MissionRequest(
        "一",
        DockId("dock"),
        pattern,
        ALT_M,
        8.0,
        parameters=defaults | told,
        **drawn,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("pattern", [pattern for pattern in Pattern if pattern is not Pattern.SURVEY])
def test_every_pattern_is_drawn_from_its_defaults(pattern: Pattern) -> None:
    told: dict[str, Parameter] = {"height_to_m": 40.0} if pattern is Pattern.FACADE else {}
    pieces = drawn_pieces(a_request(pattern, **told), FRAME)
    assert pieces
    assert all(len(piece.xyz) and np.isfinite(piece.xyz).all() for piece in pieces)


def test_several_points_are_orbited_one_after_the_other_each_looked_at() -> None:
    request = a_request(Pattern.ORBIT, radius_m=30.0)
    places = (at(300, 0), at(100, 0), at(200, 10))
    pieces = drawn_pieces(replace(request, points=places), FRAME)
    looked_at = [piece.actions[0][1][0].place for piece in pieces]
    assert set(looked_at) == set(places)
    assert np.hypot(*pieces[0].xyz[0, :2]) < 200


def test_columns_cannot_be_photographed_by_metres_over_ground() -> None:
    request = a_request(Pattern.FACADE, height_to_m=40.0, passes="vertical", trigger_m=5.0)
    with pytest.raises(InvalidRequest) as caught:
        drawn_pieces(request, FRAME)
    assert member(caught) == "/properties/trigger_m"


def test_a_structure_with_a_courtyard_is_refused() -> None:
    request = a_request(Pattern.FACADE, height_to_m=40.0)
    hole = (at(110, 10), at(120, 10), at(120, 20))
    with pytest.raises(InvalidRequest) as caught:
        drawn_pieces(replace(request, holes=(hole,)), FRAME)
    assert member(caught) == "/geometry"


def test_a_search_by_radius_and_one_by_legs_are_the_same_pattern() -> None:
    by_radius = drawn_pieces(a_request(Pattern.EXPANDING_SQUARE, spacing_m=40.0, radius_m=100.0), FRAME)
    by_legs = drawn_pieces(a_request(Pattern.EXPANDING_SQUARE, spacing_m=40.0, legs=10.0), FRAME)
    assert by_radius[0].xyz.tolist() == by_legs[0].xyz.tolist()
    assert FRAME.center == HOME
