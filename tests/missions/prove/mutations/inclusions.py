"""Inclusions that shrink, end or come apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.random import Generator

from geofence.window import Validity
from geofence.zones import Combination, Role
from tests.missions.prove.builder import (
    START,
    WINDOW,
    Case,
    a_plan,
    airspace,
    band,
    circle_zone,
    district,
    polygon_zone,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    altitude_m,
    path_xy,
    valid_case,
)


def district_shrinks(rng: Generator) -> Mutant:
    base = valid_case(rng)
    top = float(path_xy(base)[:, 1].max())
    wall = top + 20.0 - float(rng.uniform(0.1, 200.0))
    ring = [(-2_000.0, -2_000.0), (2_000.0, -2_000.0), (2_000.0, wall), (-2_000.0, wall)]
    inside = polygon_zone("district", ring, Role.INCLUSION, margin_m=20.0)
    zones = tuple(zone for zone in base.airspace.zones if zone.role is not Role.INCLUSION)
    return Mutant("leg-inclusion", base, replace(base, airspace=airspace(*zones, inside=inside)))


def circle_district_shrinks(rng: Generator) -> Mutant:
    case = valid_case(rng)
    far = float(np.hypot(*path_xy(case).T).max())
    zones = tuple(zone for zone in case.airspace.zones if zone.role is not Role.INCLUSION)
    wide = circle_zone("district", 0.0, 0.0, far + 60.0, Role.INCLUSION, margin_m=20.0)
    radius = far + 20.0 - float(rng.uniform(0.1, 100.0))
    narrow = circle_zone("district", 0.0, 0.0, radius, Role.INCLUSION, margin_m=20.0)
    cases = [replace(case, airspace=airspace(*zones, inside=one)) for one in (wide, narrow)]
    return Mutant("leg-inclusion", *cases)


def notch_in_the_way_home(rng: Generator) -> Mutant:
    """The district is concave: both legs are inside, the way home is not."""
    alt, depth = float(rng.uniform(40.0, 90.0)), float(rng.uniform(150.0, 400.0))
    path = [(-400.0, 0.0, alt), (-400.0, 700.0, alt), (400.0, 700.0, alt)]
    ring = [(-900.0, -900.0), (900.0, -900.0), (900.0, 900.0), (-900.0, 900.0)]
    notch = [(-900.0, -900.0), (900.0, -900.0), (900.0, 600.0), (200.0, depth), (200.0, 620.0), (900.0, 640.0)]
    whole = polygon_zone("district", ring, Role.INCLUSION, margin_m=20.0)
    cut = polygon_zone("district", [*notch, (900.0, 900.0), (-900.0, 900.0)], Role.INCLUSION, margin_m=20.0)
    base = Case(a_plan(path), airspace(inside=whole))
    return Mutant("return-inclusion", base, replace(base, airspace=airspace(inside=cut)))


def permission_ends(rng: Generator) -> Mutant:
    case = valid_case(rng)
    zones = tuple(zone for zone in case.airspace.zones if zone.role is not Role.INCLUSION)
    until = START + timedelta(minutes=float(rng.uniform(0.0, 59.0)))
    early = district(validity=Validity(ends_at=until))
    long = district(validity=Validity(ends_at=WINDOW.end))
    cases = [replace(case, airspace=airspace(*zones, inside=one)) for one in (long, early)]
    return Mutant("permission", *cases)


def outside_the_inclusions_heights(rng: Generator) -> Mutant:
    case = valid_case(rng)
    alt = altitude_m(case)
    zones = tuple(zone for zone in case.airspace.zones if zone.role is not Role.INCLUSION)
    off = float(rng.uniform(0.02, 10.0))
    ends = (alt - 5.0 + off, None) if rng.random() < 0.5 else (None, alt + 5.0 - off)
    tight = replace(district(), band=band(*ends))
    good = replace(district(), band=band(alt - 5.0, alt + 5.0))
    cases = [replace(case, airspace=airspace(*zones, inside=one)) for one in (good, tight)]
    return Mutant("inclusion-band", *cases)


def gap_between_united_areas(rng: Generator) -> Mutant:
    """Two areas in union that touch, and then do not."""
    alt, gap = float(rng.uniform(40.0, 90.0)), float(rng.uniform(0.5, 100.0))
    path = [(100.0, 200.0, alt), (700.0, 200.0, alt)]
    left = polygon_zone("left", [(-900, -900), (400, -900), (400, 900), (-900, 900)], Role.INCLUSION, margin_m=10.0)
    cases = []
    for start in (400.0, 400.0 + gap):
        ring = [(start, -900.0), (1_500.0, -900.0), (1_500.0, 900.0), (start, 900.0)]
        right = polygon_zone("right", ring, Role.INCLUSION, margin_m=10.0)
        cases.append(Case(a_plan(path), airspace(right, inside=left, combination=Combination.UNION)))
    return Mutant("leg-inclusion", *cases)


FAMILIES: tuple[Family, ...] = (
    district_shrinks,
    circle_district_shrinks,
    notch_in_the_way_home,
    permission_ends,
    outside_the_inclusions_heights,
    gap_between_united_areas,
)
