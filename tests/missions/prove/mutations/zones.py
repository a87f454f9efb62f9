"""Exclusions that come too near, at the wrong height or at the wrong time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely
from numpy.random import Generator

from core.altitude import Datum
from geofence.window import Validity
from geofence.zones import Zone
from tests.missions.prove.builder import (
    START,
    WINDOW,
    Case,
    a_plan,
    airspace,
    band,
    block,
    circle_zone,
    polygon_zone,
)
from tests.missions.prove.mutations.cases import (
    MARGIN_M,
    Family,
    Mutant,
    a_path,
    altitude_m,
    beside,
    needed_m,
    path_of,
    path_xy,
    valid_case,
    with_plan,
    with_zones,
)


def zone_onto_a_leg(rng: Generator) -> Mutant:
    base = valid_case(rng)
    xy = path_xy(base)
    leg = int(rng.integers(1, len(xy) - 1))
    at = xy[leg] + rng.uniform(0.2, 0.8) * (xy[leg + 1] - xy[leg])
    zone = polygon_zone("new", block(float(at[0]), float(at[1]), float(rng.uniform(0.5, 60.0))), margin_m=0.0)
    return Mutant("leg-exclusion", base, with_zones(base, zone))


def zone_too_near(rng: Generator) -> Mutant:
    case = valid_case(rng)
    needed = needed_m(case)
    base = with_zones(case, polygon_zone("new", beside(case, rng, 60.0), margin_m=MARGIN_M))
    gap = needed - float(rng.choice((0.05, 0.5, 3.0, needed - 0.1)))
    return Mutant("leg-exclusion", base, with_zones(case, polygon_zone("new", beside(case, rng, gap), margin_m=15.0)))


def wider_margin(rng: Generator) -> Mutant:
    case = valid_case(rng)
    gap = float(rng.uniform(20.0, 24.0))
    state = rng.bit_generator.state
    corners = beside(case, rng, gap)
    rng.bit_generator.state = state
    narrow = refence_wide(case, polygon_zone("new", corners, margin_m=gap - 0.3))
    wide = refence_wide(case, polygon_zone("new", corners, margin_m=gap + 0.1))
    return Mutant("leg-exclusion", narrow, wide)


def refence_wide(case: Case, zone: Zone) -> Case:
    """With a fence so narrow that a zone 20 m beside the path stays out of it."""
    path = path_of(case)
    plan = a_plan(path, speed_mps=case.plan.speed_mps, fence_width_m=12.0)
    return with_zones(with_plan(case, plan), zone)


def circle_too_near(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy = path_xy(case)
    center = (xy[1] + xy[2]) / 2 * rng.uniform(1.3, 1.5)
    x, y = (float(value) for value in center)
    away = float(shapely.distance(shapely.Point(center), shapely.LineString(xy)))
    reach = away - needed_m(case)
    radius = reach + float(rng.choice((0.05, 1.0, 10.0)))
    base = refence_wide(case, circle_zone("new", x, y, reach - 5.0, margin_m=MARGIN_M))
    return Mutant("leg-exclusion", base, refence_wide(case, circle_zone("new", x, y, radius, margin_m=MARGIN_M)))


def zone_becomes_effective(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy = path_xy(case)
    at = (xy[1] + xy[2]) / 2
    later = WINDOW.end + timedelta(minutes=float(rng.uniform(1.0, 600.0)))
    within = START + timedelta(minutes=float(rng.uniform(0.0, 60.0)))
    zone = polygon_zone("new", block(float(at[0]), float(at[1]), 20.0))
    base = with_zones(case, replace(zone, validity=Validity(effective_at=later)))
    return Mutant("leg-exclusion", base, with_zones(case, replace(zone, validity=Validity(effective_at=within))))


def zone_grows_in_height(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy, alt = path_xy(case), altitude_m(case)
    at = (xy[1] + xy[2]) / 2
    zone = circle_zone("new", float(at[0]), float(at[1]), 25.0)
    low = replace(zone, band=band(None, alt - 5.1))
    high = replace(zone, band=band(None, alt - 5.0 + float(rng.uniform(0.02, 20.0))))
    return Mutant("leg-exclusion", with_zones(case, low), with_zones(case, high))


def zone_above_comes_down(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy, alt = path_xy(case), altitude_m(case)
    datum = Datum(rng.choice([Datum.REL, Datum.AMSL, Datum.AGL]))
    shift = {Datum.REL: 0.0, Datum.AMSL: 4.0, Datum.AGL: 0.0}[datum]
    at = (xy[1] + xy[2]) / 2
    zone = circle_zone("new", float(at[0]), float(at[1]), 25.0)
    high = replace(zone, band=band(alt + 5.1 + shift, None, datum))
    low = replace(zone, band=band(alt + 5.0 + shift - float(rng.uniform(0.02, 20.0)), None, datum))
    return Mutant("leg-exclusion", with_zones(case, high), with_zones(case, low))


def zone_in_the_way_home(rng: Generator) -> Mutant:
    alt, y = float(rng.uniform(40.0, 90.0)), float(rng.uniform(500.0, 700.0))
    path = [(-300.0, y, alt), (300.0, y, alt)]
    base = Case(a_plan(path), airspace(polygon_zone("new", block(0.0, -200.0, 15.0), margin_m=10.0)))
    zone = polygon_zone("new", block(float(rng.uniform(-40.0, 40.0)), y / 2, 15.0), margin_m=10.0)
    return Mutant("return-exclusion", base, replace(base, airspace=airspace(zone)))


def zone_met_by_the_climb(rng: Generator) -> Mutant:
    """A return that climbs passes a zone that lies above a leg."""
    alt = 40.0
    up = float(rng.uniform(62.0, 90.0))
    path = [(-300.0, 600.0, alt), (300.0, 600.0, alt)]
    zone = circle_zone("new", float(rng.uniform(-200.0, 200.0)), 600.0, 20.0, band=band(50.0, 52.0))
    base = Case(a_plan(path, return_alt_rel_m=alt), airspace(zone))
    return Mutant("climb-exclusion", base, with_plan(base, a_plan(path, return_alt_rel_m=up)))


def zone_at_the_pad(rng: Generator) -> Mutant:
    """A low zone that only take-off and landing pass."""
    case = valid_case(rng)
    x = -(20.0 + 8.0 - float(rng.uniform(0.1, 7.0)))
    base = with_zones(case, polygon_zone("new", block(-100.0, -20.0, 20.0), margin_m=0.0, band=band(0.0, 20.0)))
    zone = polygon_zone("new", block(x, 0.0, 20.0), margin_m=0.0, band=band(0.0, 20.0))
    return Mutant("column-exclusion", base, with_zones(case, zone))


def faster_needs_more_room(rng: Generator) -> Mutant:
    slow, fast = float(rng.uniform(4.0, 10.0)), float(rng.uniform(12.0, 14.9))
    gap = 8.0 + 0.2 * fast - 0.1
    path = a_path(rng)
    slow_case = Case(a_plan(path, speed_mps=slow, fence_width_m=6.0), airspace())
    zone = polygon_zone("new", beside(slow_case, rng, gap), margin_m=2.0)
    base = with_zones(slow_case, zone)
    return Mutant("leg-exclusion", base, with_plan(base, a_plan(path, speed_mps=fast, fence_width_m=6.0)))


def waypoint_moved_into_a_zone(rng: Generator) -> Mutant:
    base = valid_case(rng)
    path = path_of(base)
    path[-1] = (float(rng.uniform(-50.0, 50.0)), -400.0 + float(rng.uniform(-50.0, 50.0)), path[-1][2])
    return Mutant("leg-exclusion", base, with_plan(base, a_plan(path, speed_mps=base.plan.speed_mps)))


def zone_at_a_turn(rng: Generator) -> Mutant:
    """Right at a corner, outside of it."""
    case = valid_case(rng)
    xy = path_xy(case)
    corner = xy[int(rng.integers(2, len(xy) - 1))]
    out = corner / np.hypot(*corner)
    near = corner + out * (needed_m(case) + 10.0 - 2.0 - float(rng.uniform(0.1, 5.0)))
    far = corner + out * 60.0
    base = with_zones(case, circle_zone("new", float(far[0]), float(far[1]), 10.0, margin_m=MARGIN_M))
    return Mutant(
        "turn-exclusion",
        base,
        with_zones(case, circle_zone("new", float(near[0]), float(near[1]), 10.0, margin_m=MARGIN_M)),
    )


FAMILIES: tuple[Family, ...] = (
    zone_onto_a_leg,
    zone_too_near,
    wider_margin,
    circle_too_near,
    zone_becomes_effective,
    zone_grows_in_height,
    zone_above_comes_down,
    zone_in_the_way_home,
    zone_met_by_the_climb,
    zone_at_the_pad,
    faster_needs_more_room,
    waypoint_moved_into_a_zone,
    zone_at_a_turn,
)
