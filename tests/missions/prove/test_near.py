"""Leaving out zones that cannot be near, against looking at all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.geo import LatLon
from geofence.zones import PolygonShape, Zone
from missions.prove.ground import ZoneIndex, boxes, near_to
from tests.missions.prove.builder import circle_zone, polygon_zone


def zones_about(rng: np.random.Generator, count: int) -> tuple[Zone, ...]:
    at = rng.uniform(-4_000.0, 4_000.0, (count, 2))
    zones = []
    for number, (x, y) in enumerate(at.tolist()):
        size = float(rng.uniform(5.0, 900.0))
        corners = [(x, y), (x + size, y + 0.2 * size), (x + 0.3 * size, y + size)]
        margin_m = float(rng.choice((0.0, 15.0, 120.0)))
        round_one = circle_zone(f"c{number}", x, y, size, margin_m=margin_m)
        zones.append(round_one if number % 2 else polygon_zone(f"p{number}", corners, margin_m=margin_m))
    return tuple(zones)


def test_no_zone_is_left_out_that_the_index_of_all_zones_finds_near() -> None:
    rng = np.random.default_rng(4)
    left_out = 0
    for _ in range(20):
        zones = zones_about(rng, 60)
        corner = np.array([121.12, 31.15]) + rng.uniform(-0.03, 0.03, 2)
        box = np.concatenate((corner, corner + rng.uniform(0.0, 0.02, 2)))
        kept = near_to(zones, box)
        found = {zones[number].id for number in ZoneIndex(zones).near(boxes(box[None]))[1]}
        assert found <= {zone.id for zone in kept}
        assert list(kept) == [zone for zone in zones if zone in kept]
        left_out += len(zones) - len(kept)
    assert left_out > 300


def test_a_zone_over_the_180th_meridian_is_never_left_out() -> None:
    ring = (LatLon(31.0, 179.2), LatLon(31.0, -179.9), LatLon(31.1, -179.9))
    zone = replace(polygon_zone("pacific", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]), shape=PolygonShape(ring))
    assert near_to((zone,), np.array([179.3, 30.9, 179.4, 31.0])) == (zone,)
