from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from core.altitude import AltitudeBand, Datum
from core.errors import Conflict
from core.geo import LatLon
from geofence.evaluate import evaluate
from geofence.scene import RETURN_ALT_M, Flight, lay_out
from geofence.space import Ground, Space
from geofence.window import TimeWindow
from geofence.zones import Airspace, Combination, Role, Zone
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
    ring,
    star_rings_m,
)

GEOD = pyproj.Geod(ellps="WGS84")
WINDOW = TimeWindow(datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC))


def fly(*points_m: tuple[float, float], alt_rel_m: float = 60.0, pad_agl_m: float = 0.0) -> Flight:
    points = tuple(at(*point) for point in points_m)
    return Flight(
        places=(HOME, *points, HOME),
        alts_rel_m=(alt_rel_m,) * (len(points) + 2),
        return_alt_rel_m=max(alt_rel_m, RETURN_ALT_M),
        pad_agl_m=pad_agl_m,
        pad_amsl_m=4.0 + pad_agl_m,
    )


def space_of(flight: Flight, airspace: Airspace) -> Space:
    return Space.of(airspace, FRAME, WINDOW, Ground(flight.pad_amsl_m, flight.pad_agl_m))


def conflicts(
    flight: Flight, *zones: Zone, combination: Combination = Combination.INTERSECTION
) -> tuple[Conflict, ...]:
    space = space_of(flight, airspace(*zones, combination=combination))
    return evaluate(lay_out(flight, FRAME), space, None)


def codes(flight: Flight, *zones: Zone) -> list[tuple[str, str | None, tuple[int, int] | None]]:
    return [(found.code, found.zone_id, found.leg) for found in conflicts(flight, *zones)]


WALL = polygon_zone("wall", Role.EXCLUSION, box(300, -100, 400, 100))


def test_a_clear_flight_has_no_conflict() -> None:
    assert codes(fly((200, 0), (200, 300), (0, 300)), DISTRICT, WALL) == []


def test_without_any_inclusion_nothing_may_fly() -> None:
    assert [code for code, _, _ in codes(fly((200, 0)))] == ["leg-leaves-inclusion"]


def test_a_route_may_begin_at_the_dock() -> None:
    assert codes(fly((0, 0), (200, 0), (200, 0)), DISTRICT, WALL) == []


def test_a_leg_through_an_exclusion_is_named_by_its_points() -> None:
    found = conflicts(fly((250, 300), (250, 0), (500, 0), (500, 300)), DISTRICT, WALL)
    assert [(one.code, one.leg) for one in found] == [
        ("leg-crosses-exclusion", (2, 3)),
        ("return-crosses-exclusion", (3, 4)),
    ]
    assert "The leg 2 → 3 runs through wall" in found[0].detail
    assert found[0].geometry is not None
    assert (
        FRAME.shape_of(WALL)
        .buffer(11)
        .covers(FRAME.line([LatLon(p[1], p[0]) for p in found[0].geometry["coordinates"]]))
    )


@pytest.mark.parametrize(("away_m", "clear"), [(9.9, False), (10.2, True)])
def test_the_margin_is_measured_to_the_zone_as_drawn(away_m: float, clear: bool) -> None:
    beside = conflicts(fly((300 - away_m, 0)), DISTRICT, WALL)
    assert (beside == ()) is clear
    if not clear:
        assert beside[0].code == "leg-crosses-exclusion"
        assert "within 9.9 m of wall; the margin is 10 m" in beside[0].detail


def test_a_corner_keeps_its_full_distance_too() -> None:
    """A buffer's chords come up to 1 % closer than they should (planning guide, section 3.3)."""
    corner = polygon_zone("corner", Role.EXCLUSION, box(300, 100, 400, 200))
    for bearing in np.linspace(0.0, np.pi / 2, 19):
        away = np.array([np.cos(bearing), np.sin(bearing)])
        near_m, clear_m = (tuple((np.array([300, 100]) - gap_m * away).tolist()) for gap_m in (9.95, 10.15))
        assert codes(fly(near_m), DISTRICT, corner) == [("leg-crosses-exclusion", "corner", (0, 1))], bearing
        assert codes(fly(clear_m), DISTRICT, corner) == [], bearing


def test_a_zone_across_a_long_straight_way_out_is_seen() -> None:
    """The swept triangles of such a flight are slivers, which a union of them lost."""
    across = polygon_zone("across", Role.EXCLUSION, ring((120, -1850), (0, -1730), (-120, -1850), (0, -1970)))
    assert codes(fly((0, -3438)), DISTRICT, across) == [("leg-crosses-exclusion", "across", (0, 1))]


def test_the_way_out_and_the_way_home_are_legs_like_others() -> None:
    assert codes(fly((500, 0)), DISTRICT, WALL) == [("leg-crosses-exclusion", "wall", (0, 1))]


def test_every_point_has_a_clear_straight_way_home() -> None:
    """The path leads round a small mast; only a return from the middle of the far leg meets it."""
    mast = circle_zone("mast", at(250, 0), 20.0)
    around = fly((250, 250), (500, 250), (500, -250), (250, -250))
    assert codes(around, DISTRICT, mast) == [("return-crosses-exclusion", "mast", (2, 3))]


def test_a_leg_that_leaves_the_inclusion_is_told_once_with_the_part_outside() -> None:
    found = conflicts(fly((3900, 0), (4500, 0), (4500, 500), (3900, 500)), DISTRICT)
    assert [(one.code, one.zone_id) for one in found] == [("leg-leaves-inclusion", "district")]
    assert "(and 2 more)" in found[0].detail
    assert found[0].geometry is not None
    outside = shapely.transform(shape(found[0].geometry), FRAME.project)
    assert outside.distance(FRAME.shape_of(DISTRICT).buffer(-60)) > 0


def test_a_hole_of_an_inclusion_is_outside() -> None:
    holed = polygon_zone("holed", Role.INCLUSION, box(-900, -900, 900, 900), holes=(box(200, -50, 300, 50),))
    assert codes(fly((250, 0)), holed)[0] == ("leg-leaves-inclusion", "holed", (0, 1))
    assert codes(fly((250, 400)), holed) == []


def test_inclusions_intersect_or_add_up_as_the_airspace_says() -> None:
    west = polygon_zone("west", Role.INCLUSION, box(-900, -900, 100, 900))
    east = polygon_zone("east", Role.INCLUSION, box(-100, -900, 900, 900))
    across = fly((-500, 0), (500, 0))
    assert {one.zone_id for one in conflicts(across, west, east)} == {"west", "east"}
    assert conflicts(across, west, east, combination=Combination.UNION) == ()


def test_an_advisory_never_refuses() -> None:
    advisory = polygon_zone("care", Role.ADVISORY, box(-900, -900, 900, 900))
    assert codes(fly((300, 0)), DISTRICT, advisory) == []


@pytest.mark.parametrize(
    ("alt_rel_m", "pad_agl_m", "ok"),
    [(115.0, 0.0, True), (115.5, 0.0, False), (110.0, 20.0, False), (95.0, 20.0, True)],
)
def test_the_ceiling_counts_from_the_ground_not_from_the_roof(alt_rel_m: float, pad_agl_m: float, ok: bool) -> None:
    found = conflicts(fly((300, 0), alt_rel_m=alt_rel_m, pad_agl_m=pad_agl_m), DISTRICT)
    assert [one.code for one in found] == ([] if ok else ["altitude-above-limit"])
    assert all(one.pointer == "/properties/alt_rel_m" for one in found)


@pytest.mark.parametrize(
    ("band", "alt_rel_m", "blocked"),
    [
        (band_of(Datum.AGL, None, 50.0), 60.0, False),
        (band_of(Datum.AGL, None, 50.0), 54.0, True),
        (band_of(Datum.AGL, 80.0, None), 60.0, False),
        (band_of(Datum.AGL, 80.0, None), 76.0, True),
        (band_of(Datum.REL, 80.0, None), 60.0, False),
        (band_of(Datum.AMSL, None, 58.0), 59.0, True),  # home is 4 m above the sea: 54 m above home
        (band_of(Datum.AMSL, None, 58.0), 59.5, False),
        (band_of(Datum.AGL, 18.0, 30.0), 6.0, True),  # a return climbs to 15 m first
    ],
)
def test_an_exclusion_counts_in_its_altitudes(band: AltitudeBand, alt_rel_m: float, blocked: bool) -> None:
    zone = polygon_zone("band", Role.EXCLUSION, box(300, -100, 400, 100), band=band)
    assert bool(codes(fly((500, 0), alt_rel_m=alt_rel_m), DISTRICT, zone)) is blocked


@pytest.mark.parametrize(("pad_agl_m", "blocked"), [(0.0, False), (20.0, True)])
def test_on_a_roof_an_exclusion_above_ground_is_nearer(pad_agl_m: float, blocked: bool) -> None:
    zone = polygon_zone("band", Role.EXCLUSION, box(300, -100, 400, 100), band=band_of(Datum.AGL, 80.0, None))
    assert bool(codes(fly((500, 0), alt_rel_m=60.0, pad_agl_m=pad_agl_m), DISTRICT, zone)) is blocked


def test_a_dock_under_a_low_exclusion_cannot_be_left() -> None:
    low = polygon_zone("wires", Role.EXCLUSION, box(-20, -20, 20, 20), band=band_of(Datum.AGL, 20.0, 40.0))
    found = conflicts(fly((300, 0)), DISTRICT, low)
    assert [(one.code, one.pointer) for one in found] == [("leg-crosses-exclusion", "/properties/dock_id")]


def test_an_inclusion_has_a_floor_and_a_ceiling() -> None:
    corridor = polygon_zone(
        "corridor", Role.INCLUSION, box(-900, -900, 900, 900), band=band_of(Datum.AGL, 30.0, 80.0)
    )
    assert codes(fly((300, 0), alt_rel_m=60.0), corridor) == []
    assert [code for code, _, _ in codes(fly((300, 0), alt_rel_m=20.0), corridor)] == ["altitude-below-minimum"]
    assert [code for code, _, _ in codes(fly((300, 0), alt_rel_m=78.0), corridor)] == ["altitude-above-limit"]


places_m = st.tuples(st.floats(-3500, 3500), st.floats(-3500, 3500))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(places_m, min_size=1, max_size=6),
    st.lists(st.tuples(places_m, star_rings_m()), min_size=1, max_size=4),
    st.tuples(places_m, st.floats(20.0, 300.0)),
)
def test_no_leg_or_return_of_a_clear_flight_comes_near_a_zone(
    points_m: list[tuple[float, float]],
    stars: list[tuple[tuple[float, float], list[tuple[float, float]]]],
    circle: tuple[tuple[float, float], float],
) -> None:
    """Checked by what shares nothing with `evaluate`: points along geodesics, measured one by one."""
    zones = [
        polygon_zone(f"star-{n}", Role.EXCLUSION, FRAME.to_places(np.array(corners) + np.array(middle)))
        for n, (middle, corners) in enumerate(stars)
    ]
    round_zone = circle_zone("circle", at(*circle[0]), circle[1])
    flight = fly(*points_m)
    assume(conflicts(flight, DISTRICT, round_zone, *zones) == ())
    flown = _sampled(flight)
    lonlat_polygons = [shapely.Polygon([(p.lon_deg, p.lat_deg) for p in zone.shape.outer]) for zone in zones]  # type: ignore[union-attr]
    assert not any(shapely.contains_xy(one, flown).any() for one in lonlat_polygons)
    center = at(*circle[0])
    lon0, lat0 = np.full(len(flown), center.lon_deg), np.full(len(flown), center.lat_deg)
    _, _, gaps_m = GEOD.inv(lon0, lat0, flown[:, 0], flown[:, 1])
    assert min(gaps_m) >= circle[1] + 9.9


def _sampled(flight: Flight) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points every 25 m or so of all legs, and of the returns from points along them: (N, 2) lon/lat."""
    legs = [_geodesic(a, b, 100.0) for a, b in zip(flight.places, flight.places[1:], strict=False)]
    along = np.concatenate(legs)
    returns = [_geodesic(LatLon(lat, lon), flight.home, 50.0) for lon, lat in along.tolist()]
    return np.concatenate([along, *returns])


def _geodesic(a: LatLon, b: LatLon, step_m: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    ends = [(a.lon_deg, a.lat_deg), (b.lon_deg, b.lat_deg)]
    if a == b:
        return np.array(ends)
    _, _, length_m = GEOD.inv(*ends[0], *ends[1])
    between = GEOD.npts(*ends[0], *ends[1], max(1, int(length_m / step_m)))
    return np.array([ends[0], *between, ends[1]])


def test_an_airspace_of_three_hundred_zones_is_judged_quickly() -> None:
    rng = np.random.default_rng(1)
    zones = [circle_zone(f"c{n}", at(*xy), 20.0) for n, xy in enumerate(rng.uniform(-3900, 3900, (300, 2)))]
    flight = fly(*rng.uniform(-500, 500, (100, 2)).tolist())
    began = time.process_time()
    conflicts(flight, DISTRICT, *zones)
    assert time.process_time() - began < 20.0
