"""Zones told near by their boxes: never one too few."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.extents import Extents
from geofence.zones import Role, Zone
from tests.geofence.places import FRAME, HOME, at, circle_zone, polygon_zone, ring

FAR_M = 20_000.0
spots = st.tuples(st.floats(-FAR_M, FAR_M), st.floats(-FAR_M, FAR_M))


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    x_m, y_m = draw(spots)
    margin_m = draw(st.floats(0.0, 500.0))
    if draw(st.booleans()):
        return circle_zone("z", at(x_m, y_m), draw(st.floats(1.0, 5_000.0)), margin_m=margin_m)
    size_m = draw(st.floats(10.0, 3_000.0))
    corners = ring((x_m, y_m), (x_m + size_m, y_m), (x_m, y_m + size_m))
    return polygon_zone("z", Role.EXCLUSION, corners, margin_m=margin_m)


@given(zones(), st.lists(spots, min_size=1, max_size=4), st.floats(0.0, 300.0))
def test_a_zone_within_reach_is_never_left_out(
    zone: Zone, around: list[tuple[float, float]], within_m: float
) -> None:
    hull = shapely.MultiPoint(np.array(around)).convex_hull
    gap_m = FRAME.shape_of(zone).distance(hull)
    found = Extents.of([zone]).near(FRAME.to_places(np.array(around)), within_m)
    if gap_m <= zone.margin_m + within_m:
        assert found == (zone,)


def test_a_zone_far_away_is_left_out_and_no_zones_are_none() -> None:
    far = circle_zone("far", at(5_000.0, 0.0), 100.0)
    near = circle_zone("near", at(0.0, 400.0), 100.0)
    assert Extents.of([far, near]).near([HOME], 200.0) == (near,)
    assert Extents.of([]).near([HOME], 1e6) == ()


def test_the_margin_of_a_zone_is_part_of_its_reach() -> None:
    round_zone = circle_zone("round", at(1_000.0, 0.0), 100.0, margin_m=480.0)
    square = polygon_zone("square", Role.EXCLUSION, ring((900, 0), (1_100, 0), (1_000, 90)), margin_m=480.0)
    for zone in (round_zone, square):
        assert Extents.of([zone]).near([HOME], 430.0) == (zone,)
        assert Extents.of([zone]).near([HOME], 200.0) == ()
