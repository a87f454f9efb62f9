"""Sleeves and the short rings through them, against what they must part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.shortring import FINE, ROUGH, short_ring
from geofence.sleeves import Sleeve, sleeves
from tests.fields import random_field


def room_round(inside: Polygon, kept_out: Sequence[BaseGeometry], width_m: float = 60.0) -> BaseGeometry:
    return inside.buffer(width_m, quad_segs=2) - shapely.union_all([inside, *kept_out])


def only_sleeve(inside: Polygon, kept_out: Sequence[BaseGeometry]) -> Sleeve:
    (found,) = sleeves(inside, room_round(inside, kept_out))
    return found


def test_in_the_open_a_ring_is_a_triangle_or_little_more() -> None:
    """Within 60 m of a disc of 20 m there is room for a triangle."""
    ring = short_ring(only_sleeve(shapely.Point(0, 0).buffer(20.0), []), FINE)
    assert ring is not None
    assert len(ring) <= 4


def test_a_square_between_squares_keeps_four_corners() -> None:
    inside, outside = shapely.box(-50, -50, 50, 50), shapely.box(-52, -52, 52, 52)
    ring = short_ring(only_sleeve(inside, [shapely.box(-200, -200, 200, 200) - outside]), FINE)
    assert ring is not None
    assert len(ring) == 4


@pytest.mark.parametrize("seed", range(12))
def test_rings_hold_what_is_inside_and_part_it_from_all_that_is_kept_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 60)
    zones = [Polygon(zone.exterior) for zone in field.shapes()]
    path = shapely.LineString(field.free_points(rng, 6))
    clear = [zone for zone in zones if zone.distance(path) > 8.0]
    inside = path.buffer(5.0, quad_segs=3)
    filled = Polygon(
        inside.exterior, [hole for hole in inside.interiors if any(zone.intersects(Polygon(hole)) for zone in clear)]
    )
    found = [short_ring(sleeve, ROUGH) for sleeve in sleeves(filled, room_round(filled, clear))]
    outer, *walls = sorted((Polygon(ring) for ring in found if ring is not None), key=lambda area: -area.area)
    assert len(walls) == len(found) - 1
    area = outer - shapely.union_all(walls)
    assert outer.is_valid
    assert all(wall.is_valid for wall in walls)
    assert area.buffer(1e-6).covers(filled)
    assert all(area.intersection(zone).area < 1e-6 for zone in clear)


def test_a_zone_in_a_narrow_notch_gets_a_wall_or_stays_outside() -> None:
    inside = shapely.LineString([(0, 300), (0, 0), (30, 0), (30, 300)]).buffer(5.0)
    zone = shapely.box(13, 100, 17, 110)
    rings = [short_ring(sleeve, ROUGH) for sleeve in sleeves(inside, room_round(inside, [zone]))]
    areas = sorted((Polygon(ring) for ring in rings if ring is not None), key=lambda area: -area.area)
    assert areas[0].covers(inside)
    assert not (areas[0] - shapely.union_all(areas[1:])).intersects(zone)
