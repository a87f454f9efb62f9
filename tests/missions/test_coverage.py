from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.freespace import FreeSpace
from missions.patterns.coverage import QUICK, coverage
from missions.patterns.draft import Piece
from tests.missions.areas import random_area

SWATH_M = 50.0


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


@pytest.mark.parametrize("seed", range(8))
def test_all_of_a_concave_area_with_holes_is_seen_from_within(seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = random_area(rng, 10 ** rng.uniform(4.7, 5.7), holes=int(rng.integers(0, 7)))
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=QUICK)
    assert unseen_share(area, pieces, SWATH_M) <= 5e-4
    assert metres_outside(area, pieces) == 0.0


def test_the_path_is_at_the_asked_height() -> None:
    area = shapely.box(0, 0, 400, 300)
    pieces = coverage(area, only(area), SWATH_M, alt_rel_m=60.0, effort=QUICK)
    assert all((one.xyz[:, 2] == 60.0).all() for one in pieces)


@pytest.mark.parametrize("heading_deg", [0.0, 30.0, 90.0, 300.0])
def test_rows_run_along_the_heading(heading_deg: float) -> None:
    area = shapely.box(0, 0, 500, 400)
    ways = legs_of(coverage(area, only(area), SWATH_M, alt_rel_m=60.0, heading_deg=heading_deg))
    longest = max((end - begin for begin, end in ways), key=lambda leg: float(np.hypot(*leg)))
    assert math.degrees(math.atan2(longest[0], longest[1])) % 180 == pytest.approx(heading_deg % 180, abs=0.1)


def test_nothing_comes_of_an_area_where_flying_is_forbidden() -> None:
    area = shapely.box(0, 0, 500, 400)
    assert coverage(area, only(shapely.box(900, 900, 950, 950)), SWATH_M, alt_rel_m=60.0) == ()
