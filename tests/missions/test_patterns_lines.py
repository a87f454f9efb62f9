"""Route, corridor and perimeter: what they fly past, how near, which way round."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from core.errors import InvalidRequest
from geofence.frame import Array
from missions.model import Action, ActionKind
from missions.patterns.corridor import corridor
from missions.patterns.draft import Piece
from missions.patterns.perimeter import perimeter
from missions.patterns.route import route
from missions.patterns.shaping import MOST_VERTICES, with_camera
from tests.geofence.places import star_rings_m

ALT_M = 60.0
FAR = np.array([-500.0, -500.0])


def lines(pieces: tuple[Piece, ...]) -> list[LineString]:
    return [LineString(piece.xyz[:, :2]) for piece in pieces]


def pointer(caught: pytest.ExceptionInfo[InvalidRequest]) -> str:
    (error,) = caught.value.errors
    return error.pointer


def a_river(seed: int, *, bend: float, legs: int = 12, leg_m: float = 150.0) -> Array:
    """A line that turns by `bend` radians (standard deviation) from leg to leg."""
    rng = np.random.default_rng(seed)
    bearings = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0.0, bend, legs))
    lengths = leg_m * rng.uniform(0.3, 1.5, legs)
    steps = lengths[:, None] * np.column_stack((np.cos(bearings), np.sin(bearings)))
    river: Array = np.vstack((np.zeros(2), np.cumsum(steps, axis=0)))
    return river


def test_a_route_is_one_piece_at_one_height_through_every_vertex() -> None:
    line = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 0.5], [50.0, 80.0]])
    (piece,) = route(line, ALT_M)
    assert piece.working
    assert np.array_equal(piece.xyz[:, :2], line)
    assert set(piece.xyz[:, 2]) == {ALT_M}


def test_a_route_that_no_vehicle_can_hold_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="601 waypoints") as caught:
        route(np.zeros((MOST_VERTICES + 1, 2)), ALT_M)
    assert pointer(caught) == "/geometry"


@pytest.mark.parametrize(
    ("width_m", "spacing_m", "offsets"),
    [(60, 60, [0]), (80, 40, [20, -20]), (120, 40, [40, 0, -40]), (81, 40, [27, 0, -27]), (20, 40, [0])],
)
def test_lanes_are_evenly_spaced_with_half_a_gap_at_the_edges(
    width_m: float, spacing_m: float, offsets: list[float]
) -> None:
    pieces = corridor(np.array([[0.0, 0.0], [500.0, 0.0]]), ALT_M, width_m=width_m, spacing_m=spacing_m, home=FAR)
    assert sorted(piece.xyz[0, 1] for piece in pieces) == pytest.approx(sorted(offsets))


def test_81_m_of_40_m_is_more_than_two_lanes_but_80_point_5_is_not() -> None:
    line = np.array([[0.0, 0.0], [500.0, 0.0]])
    assert len(corridor(line, ALT_M, width_m=80.5, spacing_m=40)) == 2
    assert len(corridor(line, ALT_M, width_m=81.0, spacing_m=40)) == 3


def test_lanes_are_flown_there_and_back_from_the_end_nearest_home() -> None:
    line = np.array([[0.0, 0.0], [500.0, 0.0]])
    for home in ((-9.0, -9.0), (-9.0, 9.0), (509.0, -9.0), (509.0, 9.0)):
        pieces = corridor(line, ALT_M, width_m=120, spacing_m=40, home=np.array(home))
        assert math.dist(pieces[0].xyz[0, :2], home) < 60
        ways = [math.copysign(1, piece.xyz[-1, 0] - piece.xyz[0, 0]) for piece in pieces]
        assert ways in ([1, -1, 1], [-1, 1, -1])


def test_banks_are_the_two_edges_of_the_strip_and_nothing_else() -> None:
    line = np.array([[0.0, 0.0], [500.0, 0.0]])
    pieces = corridor(line, ALT_M, width_m=120, spacing_m=40, banks=True)
    assert sorted(piece.xyz[0, 1] for piece in pieces) == pytest.approx([-60, 60])


@pytest.mark.parametrize("bend", [0.3, 1.0, 1.8])
@pytest.mark.parametrize("seed", range(12))
def test_lanes_see_the_whole_strip_however_the_line_bends(seed: int, bend: float) -> None:
    rng = np.random.default_rng(seed)
    river, width_m, spacing_m = a_river(seed, bend=bend), rng.uniform(20, 250), rng.uniform(30, 60)
    flown = lines(corridor(river, ALT_M, width_m=width_m, spacing_m=spacing_m))
    strip = shapely.buffer(LineString(river), width_m / 2, cap_style="flat")
    seen = shapely.union_all(shapely.buffer(flown, spacing_m * 0.54))
    assert shapely.intersection(strip, seen).area > 0.995 * strip.area
    assert max(shapely.distance(flown, LineString(river))) < width_m / 2


@pytest.mark.parametrize("seed", range(8))
def test_a_gentle_river_needs_no_lanes_but_those_along_it(seed: int) -> None:
    river = a_river(seed, bend=0.2, legs=25, leg_m=100.0)
    assert len(corridor(river, ALT_M, width_m=120, spacing_m=40)) == 3


@pytest.mark.parametrize("seed", range(12))
def test_no_bank_comes_nearer_to_the_line_than_half_the_width_or_crosses_itself(seed: int) -> None:
    river, width_m = a_river(seed, bend=1.0), 70.0
    flown = lines(corridor(river, ALT_M, width_m=width_m, spacing_m=40, banks=True))
    assert min(shapely.distance(flown, LineString(river))) > width_m / 2 * 0.9
    assert all(line.is_simple for line in flown)


def test_a_hairpin_is_seen_between_its_arms() -> None:
    hairpin = np.array([[0.0, 0.0], [400.0, 0.0], [400.0, 50.0], [0.0, 50.0]])
    flown = lines(corridor(hairpin, ALT_M, width_m=160, spacing_m=40))
    seen = shapely.union_all(shapely.buffer(flown, 21.0))
    assert seen.covers(shapely.box(0, 0, 400, 50))


def test_more_lanes_than_a_plan_holds_are_refused_naming_the_spacing() -> None:
    with pytest.raises(InvalidRequest) as caught:
        corridor(np.array([[0.0, 0.0], [500.0, 0.0]]), ALT_M, width_m=2000, spacing_m=5)
    assert pointer(caught) == "/properties/spacing_m"


FIELD = np.array([[0.0, 0.0], [200.0, 0.0], [200.0, 100.0], [0.0, 100.0]])
POND = np.array([[80.0, 40.0], [120.0, 40.0], [120.0, 60.0], [80.0, 60.0]])


@settings(max_examples=40, deadline=None)
@given(star_rings_m(), st.floats(-40.0, 60.0), st.booleans())
def test_rounds_keep_the_offset_from_the_edge_on_its_side(
    ring: list[tuple[float, float]], offset_m: float, clockwise: bool
) -> None:
    area = Polygon(ring)
    for line in lines(perimeter(np.array(ring), (), ALT_M, offset_m=offset_m, clockwise=clockwise)):
        assert line.distance(area.exterior) > abs(offset_m) - 0.01
        inside = area.buffer(1e-6).covers(line)
        assert inside if offset_m <= 0 else not area.buffer(-0.01).intersects(line)  # a centimetre, as above
        assert line.is_ring
        assert bool(shapely.is_ccw(line)) != clockwise


def test_a_round_begins_and_ends_where_it_is_nearest_to_home() -> None:
    (piece,) = perimeter(FIELD, (), ALT_M, offset_m=-10, home=np.array([60.0, -300.0]))
    assert piece.xyz[0].tolist() == pytest.approx([60, 10.01, ALT_M])
    assert piece.xyz[-1].tolist() == piece.xyz[0].tolist()
    (corner,) = perimeter(FIELD, (), ALT_M, offset_m=0, home=np.array([-300.0, -300.0]))
    assert len(corner.xyz) == 5, "a corner that is nearest is no vertex twice"


def test_laps_repeat_the_round() -> None:
    (once,) = perimeter(FIELD, (), ALT_M, offset_m=0)
    (thrice,) = perimeter(FIELD, (), ALT_M, offset_m=0, laps=3)
    assert LineString(thrice.xyz).length == pytest.approx(3 * LineString(once.xyz).length)


def test_holes_are_gone_around_when_asked_the_same_way_round() -> None:
    assert len(perimeter(FIELD, [POND], ALT_M, offset_m=-5)) == 1
    outer, inner = lines(perimeter(FIELD, [POND], ALT_M, offset_m=-5, around_holes=True))
    assert inner.distance(Polygon(POND)) == pytest.approx(5, abs=0.02)
    assert not shapely.is_ccw(outer)
    assert not shapely.is_ccw(inner)


def test_an_area_that_falls_apart_gets_a_round_for_each_part() -> None:
    waist = np.array([[0, 0], [100, 0], [100, 45], [200, 45], [200, 0], [300, 0], [300, 100], [200, 100], [200, 55],
                      [100, 55], [100, 100], [0, 100]], dtype=float)  # fmt: skip
    assert len(perimeter(waist, (), ALT_M, offset_m=-10)) == 2


def test_an_offset_that_leaves_nothing_says_how_much_there_is() -> None:
    with pytest.raises(InvalidRequest, match="further than 50 m from its edge") as caught:
        perimeter(FIELD, (), ALT_M, offset_m=-60)
    assert pointer(caught) == "/properties/offset_m"


def test_the_camera_is_on_along_working_pieces_only() -> None:
    both = route(FIELD, ALT_M)[0], Piece(both_ends(), working=False), route(FIELD + 500, ALT_M)[0]
    on, off = Action(ActionKind.PHOTO_EVERY, 20.0), Action(ActionKind.PHOTO_EVERY, 0.0)
    film, cut = Action(ActionKind.VIDEO, 1.0), Action(ActionKind.VIDEO, 0.0)
    first, way, last = with_camera(both, gimbal_deg=-90.0, trigger_m=20.0, video=True)
    assert first.actions == ((0, (Action(ActionKind.GIMBAL, -90.0), on, film)), (3, (off, cut)))
    assert way.actions == ()
    assert last.actions == ((0, (on, film)), (3, (off, cut)))


def both_ends() -> Array:
    return np.array([[200.0, 100.0, ALT_M], [500.0, 500.0, ALT_M]])


def test_without_wishes_the_camera_is_left_alone() -> None:
    pieces = route(FIELD, ALT_M)
    assert with_camera(pieces, gimbal_deg=None, trigger_m=None, video=False) == pieces


def test_lanes_do_not_meet_but_at_their_line() -> None:
    flown = lines(corridor(a_river(1, bend=0.5), ALT_M, width_m=120, spacing_m=40))
    assert not any(a.crosses(b) for a, b in itertools.combinations(flown, 2))
    assert Point(0, 0).distance(shapely.union_all(flown)) < 41
