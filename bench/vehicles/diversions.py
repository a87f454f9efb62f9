"""Plans from the air in random fields: how many come nearer to a zone than its margin, and how long they take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from bench.figure import Figure
from tests.field_plans import ROUNDING_M, diverted, planned, rooms_m

_GOAL_MS = 300.0


def diversions(count: int = 10_000) -> Iterator[Figure]:
    """From random places of random flights among 0 to 60 zones: to a point, round one, skipping, changed, another."""
    outcomes: Counter[str] = Counter()
    took_ms: list[float] = []
    violations, least_m = 0, np.inf
    for seed in range(count):
        planned(seed)  # kept: only what is planned in the air is timed
        begun_s = time.perf_counter()
        made, field = diverted(seed)
        if made is None:
            continue
        took_ms.append(1_000.0 * (time.perf_counter() - begun_s))
        outcomes["refused" if made.conflicts else str(made.returns)] += 1
        if not made.conflicts:
            rooms = list(rooms_m(made, field))
            violations += sum(room < -ROUNDING_M for room in rooms)
            least_m = min(least_m, *rooms)
    for name, number in sorted(outcomes.items()):
        yield Figure(f"vehicles.diversions.{name}", float(number), "plans")
    yield Figure("vehicles.diversions.violations", float(violations), "parts", 0.0)
    yield Figure("vehicles.diversions.least.room", float(least_m), "m", -ROUNDING_M, "higher")
    yield Figure("vehicles.diversions.time.p50", float(np.percentile(took_ms, 50)), "ms")
    yield Figure("vehicles.diversions.time.p95", float(np.percentile(took_ms, 95)), "ms", _GOAL_MS)
