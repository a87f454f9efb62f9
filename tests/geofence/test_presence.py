from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta

import numpy as np
import shapely
from shapely.geometry import Polygon

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import ZoneId
from geofence.frame import Array
from geofence.presence import Heights, Presence
from geofence.window import ALWAYS, Period, Validity
from geofence.zones import Airspace, CircleShape, PolygonShape, Role, Zone

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TICK = timedelta(seconds=10)


def star(rng: np.random.Generator, lon: float, lat: float, radius: float) -> list[tuple[float, float]]:
    """A ring of up to fifty corners, (lon, lat), as crooked as it can be without crossing itself."""
    angles = np.sort(rng.uniform(0.0, 2.0 * math.pi, int(rng.integers(5, 50))))
    reach = radius * rng.uniform(0.4, 1.0, len(angles))
    turns = zip(angles.tolist(), reach.tolist(), strict=True)
    return [(lon + r * math.cos(a), lat + r * math.sin(a)) for a, r in turns]


def places(ring: list[tuple[float, float]]) -> tuple[LatLon, ...]:
    return tuple(LatLon(lat, lon) for lon, lat in ring)


def random_zones(seed: int, count: int) -> list[Zone]:
    """Overlapping polygons over a district, every other one with a hole."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        lon, lat = rng.uniform((120.9, 31.0), (121.2, 31.3)).tolist()
        ring = star(rng, lon, lat, rng.uniform(0.003, 0.02))
        hole = [(lon + 0.2 * (x - lon), lat + 0.2 * (y - lat)) for x, y in ring]
        holes = (places(hole),) if number % 2 and Polygon(ring).contains(Polygon(hole)) else ()
        found.append(zone(f"z-{number}", PolygonShape(places(ring), holes)))
    return found


def polygon_of(zone: Zone) -> PolygonShape:
    assert isinstance(zone.shape, PolygonShape)
    return zone.shape


def lonlats(ring: tuple[LatLon, ...]) -> list[tuple[float, float]]:
    return [(place.lon_deg, place.lat_deg) for place in ring]


def zone(
    name: str, shape: PolygonShape | CircleShape, band: AltitudeBand | None = None, validity: Validity = ALWAYS
) -> Zone:
    return Zone(ZoneId(name), name, Role.EXCLUSION, shape, band=band or AltitudeBand(), validity=validity)


def heights(count: int, amsl_m: float = 50.0, rel_m: float = 46.0, agl_m: float = 46.0) -> Heights:
    return Heights(*(np.full(count, metres) for metres in (amsl_m, rel_m, agl_m)))


def pairs(presence: Presence, lat: Array, lon: Array, high: Heights | None = None) -> set[tuple[int, int]]:
    vehicle, number = presence.look(lat, lon, high or heights(len(lat)))
    return set(zip(vehicle.tolist(), number.tolist(), strict=True))


def test_the_verdict_is_that_of_shapely_on_corners_edges_holes_and_anywhere() -> None:
    zones = random_zones(1, 60)
    rings = [[each.outer, *each.holes] for each in map(polygon_of, zones)]
    at = np.array([(place.lon_deg, place.lat_deg) for parts in rings for ring in parts for place in ring])
    halfway = (at + np.roll(at, -1, axis=0)) / 2.0
    anywhere = np.random.default_rng(2).uniform((120.9, 31.0), (121.2, 31.3), (100_000 - 2 * len(at), 2))
    lonlat = np.concatenate((at, halfway, anywhere))
    found = pairs(Presence(zones), lonlat[:, 1], lonlat[:, 0])
    points, expected = shapely.points(lonlat), set()
    for number, (outer, *holes) in enumerate(rings):
        area = Polygon(lonlats(outer), [lonlats(hole) for hole in holes])
        expected |= {(inside, number) for inside in np.flatnonzero(shapely.covers(area, points)).tolist()}
    assert found == expected
    assert len(expected) > 10_000
    assert len({inside for inside, _ in expected} & set(range(len(at)))) == len(at)  # its corners belong to a zone


def test_a_band_counts_in_its_own_datum_and_a_height_that_is_not_known_counts_as_within() -> None:
    shape = CircleShape(LatLon(31.1, 121.0), 100.0)
    bands = [
        AltitudeBand(Altitude(100.0, Datum.AMSL), None),
        AltitudeBand(None, Altitude(30.0, Datum.AGL)),
        AltitudeBand(Altitude(40.0, Datum.REL), Altitude(60.0, Datum.AMSL)),
    ]
    presence = Presence(zone(f"z-{number}", shape, band) for number, band in enumerate(bands))
    lat, lon = np.array([31.1, 31.1, 31.1]), np.array([121.0, 121.0, 121.0])
    high = Heights(
        amsl_m=np.array([55.0, 120.0, math.nan]),
        rel_m=np.array([50.0, 20.0, 50.0]),
        agl_m=np.array([45.0, 20.0, 45.0]),
    )
    assert pairs(presence, lat, lon, high) == {(0, 2), (1, 0), (1, 1), (2, 0), (2, 2)}


def test_a_vehicle_without_a_place_is_nowhere_and_a_circle_is_drawn_around() -> None:
    presence = Presence([zone("c", CircleShape(LatLon(31.1, 121.0), 100.0))])
    edge = 100.0 / 111_195.0
    lat = np.array([math.nan, 31.1 + 0.999 * edge, 31.1 + 1.01 * edge])
    assert pairs(presence, lat, np.full(3, 121.0)) == {(1, 0)}


def test_only_exclusions_that_count_now_are_looked_at() -> None:
    shape = CircleShape(LatLon(31.1, 121.0), 100.0)
    nightly = Validity(periods=(Period(time(22, 0), time(6, 0)),))
    zones = (
        zone("always", shape),
        zone("nightly", shape, validity=nightly),
        Zone(ZoneId("advice"), "advice", Role.ADVISORY, shape),
        Zone(ZoneId("field"), "field", Role.INCLUSION, shape),
    )
    airspace = Airspace(1, zones)
    morning, night = NOON - timedelta(hours=6), NOON + timedelta(hours=4)
    assert [each.id for each in Presence.counting(airspace, morning, lasting=TICK)] == ["always"]
    assert [each.id for each in Presence.counting(airspace, night, lasting=TICK)] == ["always", "nightly"]
    assert not pairs(Presence(()), np.array([31.1]), np.array([121.0]))
