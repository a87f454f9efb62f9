"""Which zones count when and at what height, and where their areas lie."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyproj
import pytest
import shapely

from core.altitude import Altitude, AltitudeBand, Datum
from geofence.areas import areas_of
from geofence.frame import Array, LocalFrame, densified, lonlat_array
from geofence.freespace import FreeSpace
from geofence.obstacles import Shapes, widened
from geofence.space import Ground, Space
from geofence.terrain import Box, FlatTerrain
from geofence.window import TimeWindow, Validity
from geofence.zones import Airspace, CircleShape, Combination, Role, Zone
from tests.fields import FRAME, HOME, random_field
from tests.geofence.places import DISTRICT, airspace, band_of, box, circle_zone, polygon_zone
from tests.geofence.places import at as place_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = TimeWindow(NOON, NOON + timedelta(hours=1))
HALF_PAST = NOON + timedelta(minutes=30)
GEOD = pyproj.Geod(ellps="WGS84")


def space_of(version: Airspace, ground: Ground | None = None, *, reach_m: float = math.inf) -> Space:
    return Space.of(version, LocalFrame(HOME), WINDOW, ground or Ground(), reach_m=reach_m)


def block(name: str, **changes: object) -> Zone:
    zone = polygon_zone(name, Role.EXCLUSION, box(-50, -50, 50, 50))
    return replace(zone, **changes)  # type: ignore[arg-type]


def at(x: float, y: float) -> Array:
    return np.array([x, y], dtype=np.float64)


def is_free(layer: FreeSpace, place: Array) -> bool:
    return bool(layer.clear(place[None], place[None])[0])


def names(space: Space) -> list[str]:
    return [one.zone.id for one in space.exclusions]


def test_an_exclusion_counts_when_it_meets_any_part_of_the_window() -> None:
    until = block("until", validity=Validity(ends_at=HALF_PAST))
    after = block("after", validity=Validity(effective_at=NOON + timedelta(hours=2)))
    assert names(space_of(airspace(DISTRICT, until, after))) == ["until"]


def test_an_inclusion_permits_only_when_it_covers_the_whole_window() -> None:
    half = replace(DISTRICT, validity=Validity(ends_at=HALF_PAST))
    assert not is_free(space_of(airspace(half)).layer(50, 50), at(0, 0))
    assert not space_of(airspace(half)).permitted
    assert space_of(airspace(half)).allowed().is_empty
    assert is_free(space_of(airspace(DISTRICT)).layer(50, 50), at(0, 0))


def test_an_inclusion_of_part_of_the_window_still_constrains() -> None:
    half = replace(
        polygon_zone("half", Role.INCLUSION, box(0, 0, 500, 500)), validity=Validity(effective_at=HALF_PAST)
    )
    meeting = space_of(airspace(DISTRICT, half)).layer(50, 50)
    assert not is_free(meeting, at(-100, 100))
    assert is_free(meeting, at(100, 100))
    joining = space_of(airspace(DISTRICT, half, combination=Combination.UNION)).layer(50, 50)
    assert is_free(joining, at(-100, 100))


def test_advisories_and_no_film_zones_do_not_block() -> None:
    told = [block("told", role=Role.ADVISORY), block("no-film", role=Role.NO_FILM)]
    space = space_of(airspace(DISTRICT, *told))
    assert is_free(space.layer(50, 50), at(0, 0))
    assert [one.zone.id for one in space.no_film] == ["no-film"]


@pytest.mark.parametrize(
    ("band", "low_m", "high_m"),
    [
        (AltitudeBand(), -math.inf, math.inf),
        (band_of(Datum.REL, 20, 60), 20, 60),
        (band_of(Datum.AMSL, 30, 70), 20, 60),
        (band_of(Datum.AGL, 24, None), 20, math.inf),
        (AltitudeBand(Altitude(24, Datum.AGL), Altitude(70, Datum.AMSL)), 20, 60),
    ],
)
def test_bands_of_every_datum_become_heights_above_home(band: AltitudeBand, low_m: float, high_m: float) -> None:
    ground = Ground(home_amsl_m=10, home_agl_m=4)
    (placed,) = space_of(airspace(DISTRICT, block("zone", band=band)), ground).exclusions
    assert (placed.low_rel_m, placed.high_rel_m) == (low_m, high_m)


class Slope:
    """Ground that rises by a metre for each thousandth of a degree of longitude east of 121°; none west of it."""

    def heights_amsl_m(self, lonlat: Array) -> Array:
        return np.where(lonlat[:, 0] < 121.0, np.nan, (lonlat[:, 0] - 121.0) * 1_000)

    def ranges_amsl_m(self, boxes: Array) -> Array:
        return np.column_stack((self.heights_amsl_m(boxes[:, :2]), self.heights_amsl_m(boxes[:, 2:])))

    def range_amsl_m(self, west: float, south: float, east: float, north: float) -> tuple[float, float] | None:
        raise NotImplementedError


def test_over_a_slope_an_exclusion_grows_and_an_inclusion_shrinks() -> None:
    band = band_of(Datum.AGL, 20, 60)
    zone, fence = block("zone", band=band), replace(DISTRICT, band=band)
    space = space_of(airspace(fence, zone), Ground(home_amsl_m=120.0, terrain=Slope()))
    (placed,), (kept,) = space.exclusions, space.inclusions
    west, east = FRAME.unproject(np.array([[-50.0, 0.0], [50.0, 0.0]]))[:, 0]
    assert placed.low_rel_m == pytest.approx(20 + (west - 121.0) * 1_000 - 120, abs=0.01)
    assert placed.high_rel_m == pytest.approx(60 + (east - 121.0) * 1_000 - 120, abs=0.01)
    assert kept.high_rel_m - kept.low_rel_m < 0 < placed.high_rel_m - placed.low_rel_m


def test_an_agl_band_over_unknown_ground_counts_at_every_height() -> None:
    elsewhere = FlatTerrain(4.0, Box(100.0, 20.0, 101.0, 21.0))
    zone = block("zone", band=band_of(Datum.AGL, 20, 60))
    (placed,) = space_of(airspace(DISTRICT, zone), Ground(terrain=elsewhere)).exclusions
    assert (placed.low_rel_m, placed.high_rel_m) == (-math.inf, math.inf)


def test_a_layer_has_the_zones_within_the_vertical_margin() -> None:
    space = space_of(airspace(DISTRICT, block("zone", band=band_of(Datum.REL, 40, 60))))
    blocked = [alt for alt in (30, 34.9, 35, 50, 65, 65.1, 70) if not is_free(space.layer(alt, alt), at(0, 0))]
    assert blocked == [35, 50, 65]
    assert not is_free(space.layer(0, 100), at(0, 0))


def test_a_zone_is_widened_once_for_all_heights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(shapes: Shapes, by_m: Array) -> Shapes:
        asked.append(len(shapes))
        return widened(shapes, by_m)

    monkeypatch.setattr("geofence.obstacles.widened", counted)
    space = space_of(airspace(DISTRICT, block("zone", band=band_of(Datum.REL, 40, 60))))
    for each in (space.layer(0, 10), space.layer(40, 50), space.layer(50, 50), space.open_below().layer(70, 80)):
        each.way(at(-200, 0), at(200, 0))
    assert asked == [1, 1]  # the district and the zone
    assert is_free(space.layer(0, 10), at(0, 0))
    assert not is_free(space.open_below().layer(70, 80), at(0, 0))


def test_a_zone_out_of_reach_is_left_out_and_an_inclusion_never() -> None:
    near, far = block("near"), polygon_zone("far", Role.EXCLUSION, box(3_000, 0, 3_100, 100))
    assert names(space_of(airspace(DISTRICT, near, far), reach_m=2_990)) == ["near"]
    assert names(space_of(airspace(DISTRICT, near, far), reach_m=3_001)) == ["near", "far"]
    assert len(space_of(airspace(DISTRICT), reach_m=1.0).inclusions) == 1


def test_all_at_once_zones_lie_where_they_lie_one_by_one() -> None:
    version = random_field(np.random.default_rng(3), 60).airspace()
    zones = [DISTRICT, *version.zones]
    for zone, area in zip(zones, areas_of(zones, FRAME), strict=True):
        if isinstance(zone.shape, CircleShape):
            continue
        assert shapely.hausdorff_distance(area, FRAME.shape_of(zone)) < 1e-6
        assert shapely.get_num_coordinates(area) == shapely.get_num_coordinates(FRAME.shape_of(zone))


@pytest.mark.parametrize(("x_m", "radius_m"), [(0, 5.0), (500, 30.0), (3_000, 400.0), (40_000, 5_000.0)])
def test_a_circle_is_drawn_on_the_safe_side(x_m: float, radius_m: float) -> None:
    center = place_at(x_m, -x_m)
    outer = circle_zone("circle", center, radius_m)
    inner = replace(outer, role=Role.INCLUSION)
    for zone, compare in ((outer, np.greater_equal), (inner, np.less_equal)):
        (area,) = areas_of([zone], FRAME)
        edge = FRAME.unproject(shapely.get_coordinates(shapely.segmentize(area.exterior, radius_m / 50)))
        _, _, reach_m = GEOD.inv(
            np.full(len(edge), center.lon_deg), np.full(len(edge), center.lat_deg), edge[:, 0], edge[:, 1]
        )
        assert compare(reach_m, radius_m).all()
        assert np.abs(reach_m - radius_m).max() < 0.35 + 0.02 * radius_m


def test_long_edges_are_straight_in_degrees() -> None:
    (area,) = areas_of([polygon_zone("wide", Role.EXCLUSION, box(-9_000, 3_000, 9_000, 5_000))], FRAME)
    middle = FRAME.project(densified(lonlat_array((place_at(-9_000, 3_000), place_at(9_000, 3_000)))))
    assert shapely.distance(area.exterior, shapely.points(middle)).max() < 0.01
