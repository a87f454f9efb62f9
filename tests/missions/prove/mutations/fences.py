"""On-board fences that are not sound, or not around the flight."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from missions.model import OnboardFence
from tests.missions.prove.builder import (
    a_plan,
    block,
    corners_of,
    hashed,
    polygon_zone,
    refenced,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    altitude_m,
    path_of,
    valid_case,
    with_plan,
    with_zones,
)


def fence_shrunk(rng: Generator) -> Mutant:
    base = valid_case(rng)
    path = path_of(base)
    width = 5.0 - float(rng.uniform(0.1, 4.5))
    return Mutant(
        "fence-holds-flight",
        base,
        with_plan(base, a_plan(path, speed_mps=base.plan.speed_mps, fence_width_m=width)),
    )


def fence_moved(rng: Generator) -> Mutant:
    base = valid_case(rng)
    off, turn = float(rng.uniform(26.0, 500.0)), float(rng.uniform(0.0, 2 * math.pi))
    ring = [(x + off * math.cos(turn), y + off * math.sin(turn)) for x, y in corners_of(base.plan)]
    return Mutant("fence-holds-flight", base, with_plan(base, refenced(base.plan, ring)))


def fence_crossing_itself(rng: Generator) -> Mutant:
    base = valid_case(rng)
    ring = corners_of(base.plan)
    at = int(rng.integers(len(ring) - 2))
    ring[at], ring[at + 1] = ring[at + 1], ring[at]
    return Mutant("fence-shape", base, with_plan(base, refenced(base.plan, ring)))


def fence_repeating_a_vertex(rng: Generator) -> Mutant:
    base = valid_case(rng)
    ring = corners_of(base.plan)
    at = int(rng.integers(len(ring)))
    ring.insert(at if rng.random() < 0.5 else 0, ring[at])
    return Mutant("fence-shape", base, with_plan(base, refenced(base.plan, ring)))


def fence_too_large(rng: Generator) -> Mutant:
    base = valid_case(rng)
    count = int(rng.integers(70, 120))
    angles = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    ring = [(2_000.0 * math.cos(a), 2_000.0 * math.sin(a)) for a in angles.tolist()]
    return Mutant("fence-limits", base, with_plan(base, refenced(base.plan, ring)))


def fence_vertex_stale(rng: Generator) -> Mutant:
    base = valid_case(rng)
    items = list(base.plan.fence_items)
    at = int(rng.integers(len(items)))
    items[at] = replace(items[at], y_e7=items[at].y_e7 + int(rng.choice((-1, 1))))
    return Mutant("fence-hash", base, with_plan(base, replace(base.plan, fence_items=tuple(items))))


def fence_not_the_plans(rng: Generator) -> Mutant:
    base = valid_case(rng)
    items = list(base.plan.fence_items)
    at = int(rng.integers(len(items)))
    items[at] = replace(items[at], y_e7=items[at].y_e7 + int(rng.choice((-1, 1))))
    return Mutant("fence-agrees", base, with_plan(base, hashed(replace(base.plan, fence_items=tuple(items)))))


def fence_count_wrong(rng: Generator) -> Mutant:
    base = valid_case(rng)
    count = float(len(base.plan.fence_items) + int(rng.choice((-2, -1, 1, 2))))
    items = tuple(replace(item, params=(count, 0.0, 0.0, 0.0)) for item in base.plan.fence_items)
    return Mutant("fence-items", base, with_plan(base, hashed(replace(base.plan, fence_items=items))))


def fence_over_a_zone(rng: Generator) -> Mutant:
    """Far enough from the flight, yet inside the fence."""
    case = valid_case(rng)
    y = -float(rng.uniform(80.0, 250.0))
    zone = polygon_zone("new", block(0.0, y, 20.0), margin_m=10.0)
    ring = [(-900.0, y), (900.0, y), (900.0, 900.0), (-900.0, 900.0)]
    base = with_zones(case, zone)
    return Mutant("fence-exclusion", base, with_plan(base, refenced(base.plan, ring)))


def fence_over_the_border(rng: Generator) -> Mutant:
    base = valid_case(rng)
    over = 3_000.0 + float(rng.uniform(0.1, 500.0))
    ring = [(-900.0, -60.0), (900.0, -60.0), (900.0, over), (-900.0, over)]
    return Mutant("fence-inclusion", base, with_plan(base, refenced(base.plan, ring)))


def fence_ceiling_wrong(rng: Generator) -> Mutant:
    base = valid_case(rng)
    assert base.plan.fence is not None
    low = altitude_m(base) + 5.0 - float(rng.uniform(0.05, 50.0))
    high = 120.0 + float(rng.uniform(0.05, 500.0))
    ceiling = float(rng.choice((low, high, math.nan)))
    fence = OnboardFence(base.plan.fence.polygons, ceiling)
    return Mutant("fence-ceiling", base, with_plan(base, replace(base.plan, fence=fence)))


FAMILIES: tuple[Family, ...] = (
    fence_shrunk,
    fence_moved,
    fence_crossing_itself,
    fence_repeating_a_vertex,
    fence_too_large,
    fence_vertex_stale,
    fence_not_the_plans,
    fence_count_wrong,
    fence_over_a_zone,
    fence_over_the_border,
    fence_ceiling_wrong,
)
