"""What a proof costs among 2 000 zones, how quickly 100 flights are proven again, and what it lets pass: nothing."""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from bench.figure import Figure
from core.geo import LatLon
from geofence.zones import Airspace, Zone
from missions.model import Plan, Proof
from missions.prove import added_zones, ground_of, prove, reprove
from tests.missions.prove.builder import (
    FRAME,
    QUAD,
    WINDOW,
    a_plan,
    airspace,
    block,
    circle_zone,
    district,
    polygon_zone,
)
from tests.missions.prove.mutations import FAMILIES

# A city: a zone in each square of this side, and room for a small mission where four of them meet.
_SQUARE_M = 450.0
_LEGS = 30


def proof(count: int = 20) -> Iterator[Figure]:
    """`count` seeds of every family of mutations; times of proofs."""
    yield from mutants(count)
    yield from times()
    yield from renewals()


def mutants(count: int = 20) -> Iterator[Figure]:
    """Plans and airspaces that break a rule by construction: all refused, each by that rule."""
    made = refused = by_rule = valid = 0
    for family in FAMILIES:
        for seed in range(count):
            one = family(np.random.default_rng([zlib.crc32(family.__name__.encode()), seed]))
            failed = one.broken.failed()
            made, refused, by_rule = made + 1, refused + bool(failed), by_rule + (one.rule in failed)
            valid += not one.base.failed()
    yield Figure("proof.mutants", made, "kinds × seeds", 500, better="higher")
    yield Figure("proof.mutants.families", len(FAMILIES), "kinds", 25, better="higher")
    yield Figure("proof.mutants.refused", 100.0 * refused / made, "%", 100, better="higher")
    yield Figure("proof.mutants.by-their-rule", 100.0 * by_rule / made, "%", 100, better="higher")
    yield Figure("proof.unmutated.valid", 100.0 * valid / made, "%", 100, better="higher")


def times(count: int = 50, zones: int = 2_000) -> Iterator[Figure]:
    """One mission of 30 legs among so many zones: cold, with nothing prepared, and with the airspace prepared."""
    city = _city(np.random.default_rng(5), zones)
    plans = _plans(np.random.default_rng(6), count, zones)
    cold, warm = [], []
    ground = ground_of(city)
    for plan in plans:
        began = time.perf_counter()
        assert prove(plan, city, QUAD, window=WINDOW, terrain=None).valid
        cold.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        prove(plan, ground, QUAD, window=WINDOW, terrain=None)
        warm.append((time.perf_counter() - began) * 1000)
    yield Figure(f"proof.{zones}-zones.cold.p95", float(np.percentile(cold, 95)), "ms", 500)
    yield Figure(f"proof.{zones}-zones.prepared.median", statistics.median(warm), "ms")
    yield Figure(f"proof.{zones}-zones.prepared.p95", float(np.percentile(warm, 95)), "ms", 50)


def renewals(count: int = 100, zones: int = 2_000) -> Iterator[Figure]:
    """So many airborne missions proven again when a zone is published: far from most, and right over all of them."""
    before = _city(np.random.default_rng(5), zones)
    plans = _plans(np.random.default_rng(6), count, zones)
    ground = ground_of(before)
    former = [prove(plan, ground, QUAD, window=WINDOW, terrain=None) for plan in plans]
    spot = _corner(np.random.default_rng(6), zones)
    for name, zone in (
        ("one-zone", polygon_zone("new", block(*spot, 30.0))),
        ("zone-over-all", circle_zone("new", 0.0, 0.0, 40_000.0)),
    ):
        after = airspace(*before.zones[1:], zone, inside=before.zones[0], version=2)
        began = time.perf_counter()
        proofs = _renewed(plans, former, before, after)
        took_s = time.perf_counter() - began
        whole = ground_of(after)
        again = [prove(plan, whole, QUAD, window=WINDOW, terrain=None).valid for plan in plans]
        same = sum(a.valid == b for a, b in zip(proofs, again, strict=True))
        yield Figure(f"reproof.{count}-missions.{zones}-zones.{name}", took_s, "s", 1.0)
        yield Figure(f"reproof.{name}.as-the-whole-proof", 100.0 * same / count, "%", 100, better="higher")
        yield Figure(f"reproof.{name}.failing", sum(not one.valid for one in proofs), "missions")
    began = time.perf_counter()
    whole = ground_of(before)
    for plan in plans:
        prove(plan, whole, QUAD, window=WINDOW, terrain=None)
    yield Figure(f"reproof.{count}-missions.{zones}-zones.all-rules", time.perf_counter() - began, "s")


def _renewed(plans: list[Plan], former: list[Proof], before: Airspace, after: Airspace) -> list[Proof]:
    added = added_zones(before, after)
    return [
        reprove(plan, one, before, after, QUAD, window=WINDOW, terrain=None, added=added)
        for plan, one in zip(plans, former, strict=True)
    ]


def _city(rng: Generator, count: int) -> Airspace:
    side = int(np.ceil(np.sqrt(count)))
    zones: list[Zone] = []
    for number in range(count):
        x, y = ((divmod(number, side) - np.array(side / 2)) * _SQUARE_M + rng.uniform(-20.0, 20.0, 2)).tolist()
        angles = np.sort(rng.uniform(0.0, 2 * np.pi, int(rng.integers(8, 20))))
        reach = rng.uniform(20.0, 60.0, len(angles))
        ring = np.column_stack((np.cos(angles), np.sin(angles))) * reach[:, None] + (x, y)
        zones.append(polygon_zone(f"zone-{number}", [tuple(at) for at in ring.tolist()], margin_m=15.0))
    return airspace(*zones, inside=district(half_m=side * _SQUARE_M, margin_m=50.0))


def _corner(rng: Generator, zones: int) -> tuple[float, float]:
    """A place where four zones meet."""
    side = int(np.sqrt(zones))
    x, y = ((rng.integers(1, side - 1, 2) + 0.5 - np.ceil(np.sqrt(zones)) / 2) * _SQUARE_M).tolist()
    return x, y


def _plans(rng: Generator, count: int, zones: int) -> list[Plan]:
    """Surveys of 30 legs, rows 12 m apart, each around its own dock."""
    found = []
    for _ in range(count):
        at = FRAME.to_places(np.array([_corner(rng, zones)]))[0]
        found.append(_survey(at, float(rng.uniform(50.0, 90.0))))
    return found


def _survey(home: LatLon, alt: float) -> Plan:
    rows = [(-1) ** ((number + 1) // 2) * 90.0 for number in range(_LEGS - 1)]
    path = [(x, -84.0 + 12.0 * (number // 2), alt) for number, x in enumerate(rows)]
    return a_plan(path, home=home, fence_width_m=15.0)
