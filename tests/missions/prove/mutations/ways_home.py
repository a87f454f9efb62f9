"""Ways home and rally points that are not free."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from missions.model import ReturnMode
from tests.missions.prove.builder import (
    FRAME,
    Case,
    a_plan,
    airspace,
    band,
    block,
    corners_of,
    polygon_zone,
    refenced,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    a_path,
    altitude_m,
    path_xy,
    with_plan,
    with_zones,
)

ROUND = [(-300.0, 100.0), (-300.0, 700.0), (300.0, 700.0)]


def round_a_zone(rng: Generator, returns: ReturnMode, half_m: float = 150.0) -> Case:
    """The path goes round a zone that lies in the straight way home."""
    alt = float(rng.uniform(40.0, 90.0))
    zone = polygon_zone("round", block(0.0, 400.0, half_m), margin_m=10.0)
    out = [(x, y, alt) for x, y in ROUND]
    path = [*out, *out[1::-1]] if returns is ReturnMode.RETRACE else out
    ring = [
        (-350, -50),
        (50, -50),
        (50, 60),
        (-200, 130),
        (-250, 160),
        (-250, 650),
        (350, 650),
        (350, 750),
        (-350, 750),
    ]
    fence = [(float(x), float(y)) for x, y in ring] if returns is ReturnMode.RETRACE else None
    return Case(a_plan(path, returns=returns, fence_xy=fence), airspace(zone))


def direct_in_place_of_retrace(rng: Generator) -> Mutant:
    base = round_a_zone(rng, ReturnMode.RETRACE, float(rng.uniform(100.0, 180.0)))
    return Mutant("return-exclusion", base, with_plan(base, replace(base.plan, returns=ReturnMode.DIRECT)))


def too_far_to_retrace(rng: Generator) -> Mutant:
    base = round_a_zone(rng, ReturnMode.RETRACE)
    count = int(rng.integers(100, 160))
    alt = altitude_m(base)
    path = [(-300.0, 100.0 + 5.0 * number, alt) for number in range(count)]
    long = a_plan(path, returns=ReturnMode.RETRACE)
    return Mutant("retrace-buffer", base, Case(long, airspace()))


def retrace_over_what_it_may_land_on(rng: Generator) -> Mutant:
    base = round_a_zone(rng, ReturnMode.RETRACE)
    roof = polygon_zone("roof", block(-300.0, float(rng.uniform(150.0, 600.0)), 20.0), band=band(0.0, 20.0))
    return Mutant("landing-exclusion", base, with_zones(base, roof))


def retrace_needs_two_metres_more(rng: Generator) -> Mutant:
    base = round_a_zone(rng, ReturnMode.RETRACE)
    gap = 10.0 + float(rng.uniform(0.1, 1.9))
    zone = polygon_zone("near", block(-300.0 - 30.0 - gap, 300.0, 30.0), margin_m=5.0)
    return Mutant("retrace-exclusion", base, with_zones(base, zone))


def a_rally_case(rng: Generator, **facts: object) -> Case:
    path = [(x, y, 60.0) for x, y, _ in a_path(rng)]
    spots = [(float(rng.uniform(-100.0, 100.0)), float(rng.uniform(300.0, 350.0)), 30.0)]
    return Case(a_plan(path, rally=spots), airspace(**facts))  # type: ignore[arg-type]


def rally_point_at_a_zone(rng: Generator) -> Mutant:
    base = a_rally_case(rng)
    x, y = FRAME.to_xy((base.plan.rally[0].place,))[0].tolist()
    zone = polygon_zone(
        "new", block(x + 20.0 + float(rng.uniform(0.0, 7.0)), y, 20.0), margin_m=0.0, band=band(0, 20)
    )
    return Mutant("column-exclusion", base, with_zones(base, zone))


def rally_point_outside_the_fence(rng: Generator) -> Mutant:
    base = a_rally_case(rng)
    plan = base.plan
    path = [(float(x), float(y), 60.0) for x, y in path_xy(base)[1:]]
    spots = [(float(rng.uniform(-100.0, 100.0)), -float(rng.uniform(50.0, 300.0)), 30.0)]
    moved = refenced(a_plan(path, rally=spots), corners_of(a_plan(path)))
    return Mutant("fence-holds-flight", base, with_plan(base, replace(moved, speed_mps=plan.speed_mps)))


def rally_items_stale(rng: Generator) -> Mutant:
    base = a_rally_case(rng)
    item = base.plan.rally_items[0]
    moved = replace(item, x_e7=item.x_e7 + int(rng.integers(1, 50)))
    return Mutant("rally-hash", base, with_plan(base, replace(base.plan, rally_items=(moved,))))


def zone_on_the_way_to_a_rally_point(rng: Generator) -> Mutant:
    """Between the path and the rally point that is the nearest landing place, away from all ways to home."""
    path = [(500.0, 0.0, 60.0), (500.0, 100.0, 60.0)]
    base = Case(a_plan(path, rally=[(700.0, 60.0, 30.0)]), airspace())
    zone = polygon_zone("new", block(600.0, 60.0 + float(rng.uniform(-15.0, 15.0)), 15.0), margin_m=0.0)
    return Mutant("return-exclusion", base, with_zones(base, zone))


FAMILIES: tuple[Family, ...] = (
    direct_in_place_of_retrace,
    too_far_to_retrace,
    retrace_over_what_it_may_land_on,
    retrace_needs_two_metres_more,
    rally_point_at_a_zone,
    rally_point_outside_the_fence,
    rally_items_stale,
    zone_on_the_way_to_a_rally_point,
)
