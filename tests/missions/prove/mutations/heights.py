"""Flights too high or too low above the ground."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from tests.missions.prove.builder import (
    a_plan,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    altitude_m,
    path_of,
    path_xy,
    terrain_of,
    valid_case,
    with_plan,
)


def too_high(rng: Generator) -> Mutant:
    base = valid_case(rng)
    alt = 115.0 + float(rng.uniform(0.02, 60.0))
    path = [(float(x), float(y), alt) for x, y in path_xy(base)[1:]]
    return Mutant("ceiling", base, with_plan(base, a_plan(path, speed_mps=base.plan.speed_mps)))


def returns_too_high(rng: Generator) -> Mutant:
    base = valid_case(rng)
    path = path_of(base)
    up = 115.0 + float(rng.uniform(0.02, 60.0))
    return Mutant("ceiling", base, with_plan(base, a_plan(path, speed_mps=base.plan.speed_mps, return_alt_rel_m=up)))


def lower_limit(rng: Generator) -> Mutant:
    base = valid_case(rng)
    limit = altitude_m(base) + 5.0 - float(rng.uniform(0.02, 30.0))
    return Mutant("ceiling", base, replace(base, airspace=replace(base.airspace, ceiling_agl_m=limit)))


def pad_on_a_roof(rng: Generator) -> Mutant:
    base = valid_case(rng)
    roof = 115.0 - altitude_m(base) + float(rng.uniform(0.02, 40.0))
    return Mutant("ceiling", base, with_plan(base, replace(base.plan, home_agl_m=roof)))


def hill_below_a_leg(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy = path_xy(case)
    at = ((xy[1] + xy[2]) / 2).tolist()
    hill = altitude_m(case) - 5.0 + float(rng.uniform(0.05, 50.0))
    return Mutant("ground-clearance", terrain_of(case, 4.0), terrain_of(case, 4.0, hill, (at[0], at[1])))


def pit_below_a_leg(rng: Generator) -> Mutant:
    """The ground falls away: the same height above home is too high above ground."""
    case = valid_case(rng)
    xy = path_xy(case)
    at = ((xy[1] + xy[2]) / 2).tolist()
    pit = altitude_m(case) - 115.0 - float(rng.uniform(0.05, 50.0))
    return Mutant("ceiling", terrain_of(case, 4.0), terrain_of(case, 4.0, pit, (at[0], at[1])))


def hole_in_the_terrain(rng: Generator) -> Mutant:
    case = valid_case(rng)
    xy = path_xy(case)
    at = (xy[int(rng.integers(1, len(xy)))]).tolist()
    return Mutant("terrain-data", terrain_of(case, 4.0), terrain_of(case, 4.0, -10_003.0, (at[0], at[1])))


FAMILIES: tuple[Family, ...] = (
    too_high,
    returns_too_high,
    lower_limit,
    pad_on_a_roof,
    hill_below_a_leg,
    pit_below_a_leg,
    hole_in_the_terrain,
)
