"""Random fields: every part of every plan measured against the zones as drawn, by code that only this bench has."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.figure import Figure
from tests.field_plans import ROUNDING_M, planned, rooms_m

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class _Tally:
    """Of many fields: how they were planned, how many parts came too near, and the least room past a margin."""

    outcomes: Counter[str]
    violations: int
    least_m: float


def fields(count: int = 100_000, workers: int = 2) -> Iterator[Figure]:
    """Plans of five points in fields of 0 to 60 zones with bands and holes: 0 parts nearer than the margin."""
    seeds = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        tallies = list(pool.map(_tallied, seeds))
    outcomes: Counter[str] = sum((tally.outcomes for tally in tallies), Counter())
    flown = outcomes["direct"] + outcomes["retrace"]
    yield Figure("planner.fields.tried", float(outcomes.total()), "fields")
    yield Figure("planner.fields.planned", float(flown), "plans")
    yield Figure("planner.fields.planned.retrace", float(outcomes["retrace"]), "plans")
    yield Figure("planner.fields.violations", float(sum(tally.violations for tally in tallies)), "parts", 0.0)
    yield Figure("planner.fields.least.room", min(tally.least_m for tally in tallies), "m", -ROUNDING_M, "higher")
    for code, number in sorted(outcomes.items()):
        if code not in ("direct", "retrace"):
            yield Figure(f"planner.fields.refused.{code}", float(number), "fields")


def _tallied(seeds: Iterable[int]) -> _Tally:
    outcomes: Counter[str] = Counter()
    violations, least_m = 0, np.inf
    for seed in seeds:
        made, field = planned(seed)
        if made is None:
            outcomes["no-room"] += 1
            continue
        outcomes[made.conflicts[0].code if made.conflicts else str(made.returns)] += 1
        if not made.conflicts:
            rooms = list(rooms_m(made, field))
            violations += sum(room < -ROUNDING_M for room in rooms)
            least_m = min(least_m, *rooms)
    return _Tally(outcomes, violations, least_m)
