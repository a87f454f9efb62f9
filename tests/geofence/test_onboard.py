from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.altitude import Datum
from core.geo import from_e7, to_e7
from geofence.compiler import SLACK_M, FenceTask, compile_fence, narrowest_m
from geofence.onboard import ARDUCOPTER_LIMITS, FencePolygon, OnboardFence, fence_bytes
from geofence.scene import Flight, lay_out
from geofence.zones import Role, Zone
from tests.geofence.places import (
    DISTRICT,
    FRAME,
    HOME,
    airspace,
    at,
    band_of,
    box,
    circle_zone,
    polygon_zone,
    star_rings_m,
)
from tests.geofence.test_evaluate import conflicts, fly, places_m, space_of


def compiled(flight: Flight, *zones: Zone) -> OnboardFence:
    fence = compiled_or_none(flight, *zones)
    assert fence is not None
    return fence


def task_of(flight: Flight, *zones: Zone) -> FenceTask:
    space, scene = space_of(flight, airspace(DISTRICT, *zones)), lay_out(flight, FRAME)
    met = space.met(min(flight.alts_rel_m) - 5.0, flight.top_rel_m)
    return FenceTask(scene.swept(), space.allowed(), space.shapes[met], flight.top_rel_m)


def compiled_or_none(flight: Flight, *zones: Zone) -> OnboardFence | None:
    return compile_fence(task_of(flight, *zones), FRAME)


def area_of(fence: OnboardFence) -> shapely.Polygon:
    """The outer ring less the walls within it."""
    outer, *walls = (shapely.Polygon(FRAME.to_xy(polygon.ring)) for polygon in fence.polygons)
    assert [polygon.inclusion for polygon in fence.polygons] == [True, *[False] * len(walls)]
    region = outer - shapely.union_all(walls)
    assert isinstance(region, shapely.Polygon)
    return region


def test_in_the_open_the_fence_is_a_generous_hull() -> None:
    flight = fly((500, 0), (500, 500))
    fence = compiled(flight)
    assert fence.alt_max_rel_m == 65.0
    path = shapely.LineString(FRAME.to_xy(flight.places))
    assert area_of(fence).exterior.distance(path) == pytest.approx(60.0, abs=3.0)


def test_beside_a_zone_the_fence_is_narrower_but_still_off_it() -> None:
    near = polygon_zone("near", Role.EXCLUSION, box(100, 15, 400, 200))
    fence = compiled(fly((500, 0)), near)
    assert not area_of(fence).intersects(FRAME.shape_of(near))


def test_a_flight_round_a_zone_gets_a_fence_with_an_inner_corner() -> None:
    """The hull would swallow the zone; the star region round home does not."""
    inner = polygon_zone("inner", Role.EXCLUSION, box(330, 330, 430, 430))
    flight = fly((700, 0), (0, 0.1), (0, 700))
    fence = compiled(flight, inner)
    assert not area_of(fence).intersects(FRAME.shape_of(inner))
    assert area_of(fence).covers(shapely.LineString(FRAME.to_xy(flight.places)))


def test_a_passage_too_narrow_for_any_fence_is_a_conflict() -> None:
    walls = [
        polygon_zone("north", Role.EXCLUSION, box(100, 4, 400, 50), margin_m=3.0),
        polygon_zone("south", Role.EXCLUSION, box(100, -50, 400, -4), margin_m=3.0),
    ]
    flight = fly((500, 0))
    assert conflicts(flight, DISTRICT, *walls) == ()
    assert compiled_or_none(flight, *walls) is None
    assert narrowest_m(task_of(flight, *walls)) == pytest.approx(4.0, abs=0.02)


def test_a_zone_below_the_flight_does_not_narrow_the_fence() -> None:
    low = polygon_zone("low", Role.EXCLUSION, box(100, -100, 400, 100), band=band_of(Datum.AGL, None, 50.0))
    assert compiled(fly((500, 0)), low) == compiled(fly((500, 0)))


def test_a_low_flight_leaves_room_for_the_climb_before_return() -> None:
    assert compiled(fly((500, 0), alt_rel_m=6.0)).alt_max_rel_m == 20.0


def test_the_largest_polygon_fits_the_storage() -> None:
    biggest = OnboardFence((FencePolygon((HOME,) * 69, inclusion=True),), 60.0)
    over = OnboardFence((FencePolygon((HOME,) * (69 + 1), inclusion=True),), 60.0)
    assert fence_bytes(biggest) <= ARDUCOPTER_LIMITS.bytes < fence_bytes(over)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(places_m, min_size=1, max_size=8),
    st.lists(st.tuples(places_m, star_rings_m()), max_size=4),
    st.tuples(places_m, st.floats(20.0, 300.0)),
)
def test_a_fence_holds_path_and_returns_keeps_off_zones_and_fits(
    points_m: list[tuple[float, float]],
    stars: list[tuple[tuple[float, float], list[tuple[float, float]]]],
    circle: tuple[tuple[float, float], float],
) -> None:
    zones = [
        polygon_zone(
            f"star-{n}", Role.EXCLUSION, FRAME.to_places(np.array(corners) + np.array(middle)), margin_m=12.0
        )
        for n, (middle, corners) in enumerate(stars)
    ]
    zones.append(circle_zone("circle", at(*circle[0]), circle[1], margin_m=12.0))
    flight = fly(*points_m)
    assume(conflicts(flight, DISTRICT, *zones) == ())
    fence = compiled(flight, *zones)
    rings = [polygon.ring for polygon in fence.polygons]
    assert sum(map(len, rings)) <= ARDUCOPTER_LIMITS.items
    assert fence_bytes(fence) <= ARDUCOPTER_LIMITS.bytes
    assert all(3 <= len(set(ring)) == len(ring) for ring in rings)
    stored = [value for ring in rings for vertex in ring for value in (vertex.lat_deg, vertex.lon_deg)]
    assert all(from_e7(to_e7(value)) == value for value in stored)
    area = area_of(fence)
    assert area.is_valid
    xy = FRAME.to_xy(flight.places)
    legs = np.concatenate([xy[:-1] + share * np.diff(xy, axis=0) for share in np.linspace(0, 1, 50)])
    swept = shapely.MultiPoint(np.concatenate([legs * share for share in np.linspace(0, 1, 20)]))
    assert area.covers(swept)
    assert area.boundary.distance(swept) > SLACK_M - 0.4  # this check's own edges are not densified
    assert FRAME.shape_of(DISTRICT).buffer(0.4).covers(area)
    assert all(area.intersection(FRAME.shape_of(zone)).area < 5.0 for zone in zones)


def test_a_way_straight_out_and_back_beside_a_zone_has_a_fence() -> None:
    """All that it sweeps is one line: the union around it came as a collection of one polygon."""
    helipad = circle_zone("helipad", at(0, 33), 20.0, margin_m=12.0)
    assert not area_of(compiled(fly((0, -2967.5625)), helipad)).intersects(FRAME.shape_of(helipad))
