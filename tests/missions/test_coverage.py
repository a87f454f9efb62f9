from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from shapely.affinity import scale, translate
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.freespace import FreeSpace
from missions.patterns.coverage import QUICK, RIM, THOROUGH, Effort, coverage
from missions.patterns.draft import Piece
from tests.missions.areas import random_area, star

pytestmark = pytest.mark.thorough

SWATH_M = 50.0
DEEP_M = (1 - RIM) * SWATH_M / 2


def only(region: Polygon) -> FreeSpace:
    """Flying is allowed in `region` and nowhere else."""
    return FreeSpace.of([(region, 0.0)], [], np.empty(0))


def legs_of(pieces: tuple[Piece, ...], *, working: bool = True) -> Array:
    """(n, 2, 2)"""
    found = [np.stack((one.xyz[:-1, :2], one.xyz[1:, :2]), axis=1) for one in pieces if one.working or not working]
    return np.concatenate(found)


def unseen_share(target: BaseGeometry, pieces: tuple[Piece, ...], swath_m: float) -> float:
    seen = shapely.union_all(shapely.buffer(shapely.linestrings(legs_of(pieces)), swath_m / 2, quad_segs=32))
    return float(shapely.difference(target, seen).area / target.area)


def metres_outside(region: BaseGeometry, pieces: tuple[Piece, ...]) -> float:
    lines = shapely.linestrings(legs_of(pieces, working=False))
    return float(shapely.length(shapely.difference(lines, shapely.buffer(region, 2e-3))).sum())


def length_ratio(area: Polygon, pieces: tuple[Piece, ...], swath_m: float) -> float:
    return float(shapely.length(shapely.linestrings(legs_of(pieces, working=False))).sum()) * swath_m / area.area


# Little of everything, so that the tests are quick; every step is taken.
BRIEF = Effort(insets=(0.15, 0.3), spares=(0.0,), rows_swept=12, rows_completed=4, rows_tightened=1, look_rounds=4)


@pytest.mark.parametrize("seed", range(6))
def test_all_of_a_concave_area_with_holes_is_seen_from_within(seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = random_area(rng, 10 ** rng.uniform(4.7, 5.2), holes=int(rng.integers(0, 7)))
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    assert unseen_share(area, pieces, SWATH_M) <= 5e-4
    assert metres_outside(area, pieces) < 1e-6
    assert length_ratio(area, pieces, SWATH_M) < 1.5


@pytest.mark.parametrize("seed", range(2))
def test_a_preview_sees_nearly_all(seed: int) -> None:
    area = random_area(np.random.default_rng(seed), 1e6, holes=3)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=QUICK)
    assert unseen_share(area, pieces, SWATH_M) <= 3e-3
    assert metres_outside(area, pieces) < 1e-6


def test_more_effort_gives_a_shorter_path() -> None:
    area = random_area(np.random.default_rng(3), 8e4, holes=2)
    quick = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=QUICK)
    thorough = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=THOROUGH)
    assert length_ratio(area, thorough, SWATH_M) < 0.98 * length_ratio(area, quick, SWATH_M)


@pytest.mark.parametrize("seed", range(2))
def test_forbidden_zones_inside_are_kept_off_and_seen_up_to(seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = random_area(rng, 1.5e5, holes=0)
    zones = [translate(scale(star(rng, 5, 9, 0.5), 30, 30), *rng.uniform(-100, 100, 2)) for _ in range(2)]
    free = FreeSpace.of([(area, 10.0)], zones, np.full(2, 15.0))
    pieces = coverage(area, free, SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    path = shapely.union_all(shapely.linestrings(legs_of(pieces, working=False)))
    assert min(path.distance(zone) for zone in zones) >= 15.0
    assert path.distance(area.exterior) >= 10.0
    target = shapely.intersection(area, shapely.buffer(free.part_of(area), DEEP_M))
    assert unseen_share(target, pieces, SWATH_M) <= 5e-4


def test_what_lies_beyond_reach_of_a_free_place_is_not_asked_for() -> None:
    area = shapely.box(0, 0, 500, 400)
    zone = shapely.box(200, 100, 400, 300)
    free = FreeSpace.of([(area, 0.0)], [zone], np.array([0.0]))
    pieces = coverage(area, free, SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    assert unseen_share(area.difference(zone.buffer(-DEEP_M)), pieces, SWATH_M) <= 5e-4
    assert metres_outside(area.difference(zone), pieces) < 1e-6


def test_free_parts_that_nothing_joins_are_each_seen() -> None:
    area = shapely.box(0, 0, 900, 300)
    wall = shapely.box(400, -10, 500, 310)
    free = FreeSpace.of([(area, 0.0)], [wall], np.array([0.0]))
    pieces = coverage(area, free, SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    assert len(pieces) == 2
    assert unseen_share(area.difference(shapely.box(400 + DEEP_M, 0, 500 - DEEP_M, 300)), pieces, SWATH_M) <= 5e-4


@pytest.mark.parametrize("width_m", [1.0, 12.0, 49.0, 51.0, 80.0])
def test_a_strip_is_seen_whether_narrower_or_wider_than_the_swath(width_m: float) -> None:
    area = shapely.box(0, 0, 600, width_m)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    assert unseen_share(area, pieces, SWATH_M) <= 5e-4
    assert metres_outside(area, pieces) < 1e-6


def test_an_area_smaller_than_the_swath_is_seen_from_one_place_or_so() -> None:
    area = shapely.box(0, 0, 20, 20)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0)
    spot = shapely.Point(pieces[0].xyz[0, :2])
    assert len(pieces) == 1
    assert area.covers(spot)
    assert all(spot.distance(shapely.Point(corner)) <= SWATH_M / 2 for corner in area.exterior.coords)


def test_random_places_of_the_area_lie_within_half_a_swath_of_a_leg() -> None:
    rng = np.random.default_rng(5)
    area = random_area(rng, 1e5, holes=4)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=BRIEF)
    places = rng.uniform(-800, 800, (20_000, 2))
    places = places[shapely.contains_xy(area, places)]
    path = shapely.union_all(shapely.linestrings(legs_of(pieces)))
    assert (shapely.distance(shapely.points(places), path) > SWATH_M / 2).mean() < 1.5e-3


def test_the_path_begins_near_home() -> None:
    area = shapely.box(0, 0, 500, 400)
    for corner in ((-50.0, -50.0), (550.0, 450.0)):
        pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, home=np.array(corner), effort=QUICK)
        ends = np.concatenate((pieces[0].xyz[:1, :2], pieces[-1].xyz[-1:, :2]))
        assert np.hypot(*(ends - np.array(corner)).T).min() < 150


def test_the_path_is_at_the_asked_height() -> None:
    area = shapely.box(0, 0, 400, 300)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=QUICK)
    assert all((one.xyz[:, 2] == 60.0).all() for one in pieces)


@pytest.mark.parametrize("heading_deg", [0.0, 30.0, 90.0, 300.0])
def test_rows_run_along_the_heading(heading_deg: float) -> None:
    area = shapely.box(0, 0, 500, 400)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, heading_deg=heading_deg, effort=BRIEF)
    longest = max((end - begin for begin, end in legs_of(pieces)), key=lambda leg: float(np.hypot(*leg)))
    assert math.degrees(math.atan2(longest[0], longest[1])) % 180 == pytest.approx(heading_deg % 180, abs=0.1)


def test_the_same_request_gives_the_same_path() -> None:
    area = random_area(np.random.default_rng(2), 8e4, holes=2)
    one, other = (coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=BRIEF) for _ in range(2))
    assert all((a.xyz == b.xyz).all() for a, b in zip(one, other, strict=True))


def test_nothing_comes_of_an_area_where_flying_is_forbidden() -> None:
    area = shapely.box(0, 0, 500, 400)
    assert coverage(area, only(shapely.box(900, 900, 950, 950)), SWATH_M, alt_rel_m=60.0) == ()
