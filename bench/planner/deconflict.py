"""How long it takes to check one mission against all the others, and to find it something else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator

from bench.figure import Figure
from core.geo import LatLon
from geofence.frame import LocalFrame
from missions.deconflict import Schedule
from missions.model import Plan, Waypoint
from missions.volumes import Intent, Rank, intent_of

OTHERS = 1_000
_AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
_FRAME = LocalFrame(LatLon(31.15, 121.12))
_CITY_M = 12_000.0
_WITHIN_S = 3_600.0


def deconflict(*, count: int = 300, others: int = OTHERS) -> Iterator[Figure]:
    """`count` missions, each checked against `others` within one hour over a district of 12 km."""
    rng = np.random.default_rng(11)
    began = time.perf_counter()
    schedule = Schedule(_intent(rng, f"other-{index}") for index in range(others))
    yield Figure("deconflict.build", (time.perf_counter() - began) * 1000, "ms")
    yield Figure("deconflict.volumes", sum(len(each.volumes) for each in schedule.intents.values()), "volumes")
    asked = [_intent(rng, f"asked-{index}") for index in range(count)]
    found, took_ms = _asked(schedule.conflicts, asked)
    yield Figure("deconflict.check.median", float(np.median(took_ms)), "ms")
    yield Figure("deconflict.check.p95", float(np.percentile(took_ms, 95)), "ms", 50)
    yield Figure("deconflict.check.worst", max(took_ms), "ms")
    yield Figure("deconflict.check.conflicting", 100.0 * sum(map(bool, found)) / len(found), "%")
    _, took_ms = _asked(lambda each: schedule.free_delay_s(each, _WITHIN_S), asked)
    yield Figure("deconflict.delay.p95", float(np.percentile(took_ms, 95)), "ms")
    _, took_ms = _asked(schedule.added, asked)
    yield Figure("deconflict.add.p95", float(np.percentile(took_ms, 95)), "ms")


def _asked(job: Callable[[Intent], object], intents: list[Intent]) -> tuple[list[object], list[float]]:
    """What `job` gives for each, and how many milliseconds it takes."""
    found, took_ms = [], []
    for each in intents:
        began = time.perf_counter()
        found.append(job(each))
        took_ms.append((time.perf_counter() - began) * 1000)
    return found, took_ms


def _intent(rng: Generator, name: str) -> Intent:
    rank = Rank(airborne=False, emergency=False, accepted_at=_AT)
    return intent_of(_plan(rng), _AT + timedelta(seconds=rng.uniform(0, _WITHIN_S)), id=name, rank=rank)


def _plan(rng: Generator) -> Plan:
    """A route of up to 40 legs, or a survey of up to 60 rows, within 1.5 km of its dock."""
    home = rng.uniform(-_CITY_M / 2, _CITY_M / 2, 2)
    if rng.random() < 0.5:
        xy = home + rng.uniform(-1500, 1500, 2) + np.cumsum(rng.normal(0, 150, (int(rng.integers(5, 40)), 2)), axis=0)
    else:
        rows = np.arange(int(rng.integers(10, 60)))
        ends = np.stack(
            (np.where(rows[:, None] % 2, (400.0, 0.0), (0.0, 400.0)), np.repeat(rows[:, None] * 20.0, 2, 1))
        )
        xy = home + rng.uniform(-1000, 1000, 2) + ends.transpose(1, 2, 0).reshape(-1, 2)
    at, *places = _FRAME.to_places(np.vstack((home, xy)))
    alt_m = float(rng.choice((50.0, 70.0, 90.0, 110.0)))
    return Plan(
        home=at, home_amsl_m=4.0, waypoints=tuple(Waypoint(place, alt_m) for place in places), speed_mps=10.0,
        length_m=0.0, duration_s=0.0, energy_wh=0.0, battery_needed_pct=0.0, airspace_version=1, conflicts=(),
        fence=None, items=(), fence_items=(), hash="", fence_hash="",
    )  # fmt: skip
