"""Over, under or around: whichever costs least, and never through."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from shapely.geometry import LineString

from core.altitude import Datum
from geofence.frame import Array, LocalFrame
from geofence.route import Effort, Route, route
from geofence.scene import VERTICAL_MARGIN_M
from geofence.space import Ground, Space
from geofence.window import TimeWindow
from geofence.zones import Airspace, Role
from tests.fields import HOME, random_field
from tests.geofence.places import DISTRICT, airspace, band_of, box, polygon_zone

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = TimeWindow(NOON, NOON + timedelta(hours=1))


def space_of(version: Airspace) -> Space:
    return Space.of(version, LocalFrame(HOME), WINDOW, Ground())


def wall(low_m: float | None, high_m: float | None, reach_m: float = 1_000.0) -> Space:
    """A wall across the straight way, of that height."""
    zone = polygon_zone(
        "wall", Role.EXCLUSION, box(-50, -reach_m, 50, reach_m), band=band_of(Datum.REL, low_m, high_m)
    )
    return space_of(airspace(DISTRICT, zone))


def at(x: float, y: float, alt_rel_m: float) -> Array:
    return np.array([x, y, alt_rel_m], dtype=np.float64)


def found(space: Space, effort: Effort | None = None, *, low_m: float = 20.0, high_m: float = 120.0) -> Route:
    way = route(space, at(-400, 0, 50), at(400, 0, 50), low_m, high_m, effort=effort or Effort())
    assert way is not None
    return way


def test_a_low_wall_is_flown_over_a_high_one_under_and_an_endless_one_around() -> None:
    assert found(wall(None, 60)).alt_rel_m == pytest.approx(60 + VERTICAL_MARGIN_M, abs=0.2)
    assert found(wall(40, None)).alt_rel_m == pytest.approx(40 - VERTICAL_MARGIN_M, abs=0.2)
    around = found(wall(None, None))
    assert around.alt_rel_m == 50
    assert np.abs(around.places[:, 1]).max() > 1_000


def test_a_dear_climb_is_flown_around() -> None:
    space = wall(None, 60, reach_m=40)
    assert found(space, Effort(up=0.1, down=0.1)).alt_rel_m > 60
    assert found(space, Effort(up=20, down=20)).alt_rel_m == 50


def test_a_height_outside_of_the_allowed_range_is_not_taken() -> None:
    assert found(wall(None, 60), high_m=60).alt_rel_m <= 60


def test_nothing_that_hangs_over_an_end_is_climbed_through() -> None:
    roof = polygon_zone("roof", Role.EXCLUSION, box(-450, -50, -350, 50), band=band_of(Datum.REL, 60, 70))
    low_wall = polygon_zone("wall", Role.EXCLUSION, box(-50, -3_960, 50, 3_960), band=band_of(Datum.REL, None, 90))
    space = space_of(airspace(DISTRICT, roof, low_wall))
    assert route(space, at(-400, 0, 30), at(400, 0, 30), 20, 120) is None
    assert route(space, at(-600, 0, 30), at(400, 0, 30), 20, 120) is not None


def test_a_place_shut_in_at_every_height_is_given_up() -> None:
    sides = [box(-450, -50, -350, -40), box(-450, 40, -350, 50), box(-450, -50, -440, 50), box(-360, -50, -350, 50)]
    bands = [band_of(Datum.REL, None, None if number < 3 else 500) for number in range(4)]
    walls = [
        polygon_zone(f"side-{number}", Role.EXCLUSION, side, band=band)
        for number, (side, band) in enumerate(zip(sides, bands, strict=True))
    ]
    low = [
        polygon_zone(f"low-{top}", Role.EXCLUSION, box(0, 0, 9, 9), band=band_of(Datum.REL, 0, top))
        for top in (30, 60)
    ]
    assert route(space_of(airspace(DISTRICT, *walls, *low)), at(-400, 0, 30), at(400, 0, 30), 20, 120) is None


def test_the_way_begins_and_ends_at_the_height_of_its_ends() -> None:
    way = route(wall(None, 60), at(-400, 0, 0), at(400, 0, 30), 40, 120)
    assert way is not None
    assert way.places[0].tolist() == [-400, 0, 0]
    assert way.places[-1].tolist() == [400, 0, 30]
    assert way.places[1, :2].tolist() == [-400, 0]
    assert way.places[-2, :2].tolist() == [400, 0]


@pytest.mark.parametrize("seed", range(25))
def test_a_route_meets_no_zone_whose_band_it_passes_and_is_the_cheapest_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 30, banded=True)
    space = space_of(field.airspace())
    (start, end), alts_m = field.free_points(rng, 2), rng.uniform(0, 100, 2)
    ends = np.append(start, alts_m[0]), np.append(end, alts_m[1])
    way = route(space, *ends, 20.0, 110.0, effort=Effort(1.0, 0.5))
    every_level = [level_cost(space, *ends, level) for level in np.arange(20.0, 110.1, 2.5)]
    if way is None:
        assert min(every_level) == math.inf
        return
    assert way.cost <= min(every_level) + 0.01
    for one, other in zip(way.places[:-1], way.places[1:], strict=True):
        low_m, high_m = sorted((one[2], other[2]))
        leg = LineString([one[:2], other[:2]])
        for zone in field.zones:
            if zone.low_rel_m <= high_m + VERTICAL_MARGIN_M and zone.high_rel_m >= low_m - VERTICAL_MARGIN_M:
                assert zone.gap_m(leg) > zone.margin_m


def level_cost(space: Space, start: Array, end: Array, level_m: float) -> float:
    """One level at a time, without bounds or columns: the columns of these fields' free points are free."""
    way = space.layer(level_m, level_m).way(start[:2], end[:2])
    if way is None:
        return math.inf
    return float(np.hypot(*np.diff(way, axis=0).T).sum()) + Effort(1.0, 0.5).of(start[2], level_m, end[2])
