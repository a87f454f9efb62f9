"""The proof against a second measure: pyproj's transverse Mercator, zone by zone and part by part."""

from __future__ import annotations

import itertools

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.zones import CircleShape, PolygonShape, Role, Zone
from missions.model import Plan
from tests.fields import HOME, random_field
from tests.missions.prove.builder import Case, a_plan

# Distances in transverse Mercator are true within 1 km of its axis to 0.01 ppm.
_PLANE = pyproj.Proj(proj="tmerc", lat_0=HOME.lat_deg, lon_0=HOME.lon_deg, k=1.0, ellps="WGS84")
# Between these two a verdict may depend on rounding or on which metric reads less.
_DOUBT_M = 0.06
_VERTICAL_M = 5.0


def xy(lonlat: list[tuple[float, float]]) -> np.ndarray:
    return np.column_stack(_PLANE(*np.array(lonlat).T))


def gap_m(shape: BaseGeometry, zone: Zone) -> float:
    match zone.shape:
        case CircleShape(center, radius_m):
            at = shapely.Point(xy([(center.lon_deg, center.lat_deg)])[0])
            return float(shape.distance(at)) - radius_m
        case PolygonShape(outer, holes):
            rings = [xy([(at.lon_deg, at.lat_deg) for at in ring]) for ring in (outer, *holes)]
            return float(shape.distance(shapely.Polygon(rings[0], rings[1:])))


def meets(zone: Zone, low_m: float, high_m: float) -> bool:
    floor = -np.inf if zone.band.floor is None else zone.band.floor.alt_m
    ceiling = np.inf if zone.band.ceiling is None else zone.band.ceiling.alt_m
    return floor <= high_m + _VERTICAL_M and ceiling >= low_m - _VERTICAL_M


def verdict(plan: Plan, zones: list[Zone], *, home: bool) -> bool | None:
    """Whether legs (or, `home`, the triangles to home) keep off all zones; None: too close to say."""
    places = [plan.home, *(step.place for step in plan.waypoints), plan.home]
    at = xy([(one.lon_deg, one.lat_deg) for one in places])
    budget_m = 8.0 + 0.2 * (max(10.0, plan.speed_mps) if home else plan.speed_mps)
    alt = plan.waypoints[0].alt_rel_m
    room = np.inf
    for start, end in itertools.pairwise(at):
        corners = [start, end, at[0]] if home else [start, end]
        shape = shapely.MultiPoint(corners).convex_hull
        for zone in zones:
            if meets(zone, alt, alt):
                room = min(room, gap_m(shape, zone) - max(zone.margin_m, budget_m))
    return None if abs(room) < _DOUBT_M else bool(room > 0.0)


@pytest.mark.parametrize("seed", range(60))
def test_the_proof_says_what_a_second_measure_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    field = random_field(rng, 8, banded=True, most_margin_m=20.0)
    space = field.airspace()
    alt = float(rng.uniform(20.0, 100.0))
    points = field.free_points(rng, int(rng.integers(1, 3)))
    plan = a_plan([(x, y, alt) for x, y in points.tolist()], speed_mps=float(rng.choice((5.0, 10.0, 14.0))))
    exclusions = [zone for zone in space.zones if zone.role is Role.EXCLUSION]
    failed = Case(plan, space).failed()
    for rule, home in (("leg-exclusion", False), ("return-exclusion", True)):
        clear = verdict(plan, exclusions, home=home)
        if clear is not None:
            assert (rule not in failed) is clear
