"""Whole plans through random fields from a cold start: where their processor time goes, stage by stage."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import numpy as np

import missions.options
import missions.planner
from bench.figure import Figure
from core.ids import DockId
from geofence.zones import Airspace
from missions.energy import AIRFRAMES
from missions.model import Dock, MissionRequest, Plan
from missions.planner import Conditions
from missions.transits import Transits
from tests.fields import FRAME, Field, random_field, watch_request

_GOALS_MS = {50: 10.0, 500: 100.0, 2_000: 500.0}
_POINTS = 5
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
# A battery that does not end: what is measured is the planner.
TIRELESS = replace(next(iter(AIRFRAMES.values())), battery_wh=10_000.0)
# What a flight keeps from any zone (`geofence.scene.margin_budget_m`), and what retracing and turns take beyond that.
_LEAST_MARGIN_M, _ROOM_M = 10.0, 5.0
# A stage, and the function that does it, by the module or class that calls it.
_STAGES: tuple[tuple[str, Any, str], ...] = (
    ("space", missions.planner, "task_of"),
    ("ways", Transits, "way"),
    ("judging", missions.options, "_judged"),
    ("evaluate", missions.options, "offences"),
    ("told", missions.options, "told"),
    ("fence", missions.options, "_fence"),
    ("proof", missions.planner, "prove"),
)


def plans(count: int = 200) -> Iterator[Figure]:
    """Watches of `_POINTS` points and a dock, all drawn at random, among zones with height bands."""
    _timed(50, seed=count)  # loads what is loaded once
    for zones, goal_ms in _GOALS_MS.items():
        timed = [_timed(zones, seed) for seed in range(_share(count, zones))]
        took = [spent for spent, _ in timed]
        name = f"planner.plans.{zones}"
        planning_ms = [each["space"] + each["ways"] for each in took]
        yield from _spread(f"{name}.space-and-ways", planning_ms, goal_ms, worst_goal_ms=1_000.0)
        for stage in (*(stage for stage, _, _ in _STAGES), "plan"):
            yield from _spread(f"{name}.{stage}", [each[stage] for each in took if stage in each])
        codes = Counter(plan.conflicts[0].code if plan.conflicts else "free" for _, plan in timed)
        for code, times in sorted(codes.items()):
            yield Figure(f"{name}.{code}", 100.0 * times / len(timed), "%")


def _spread(
    name: str, took_ms: Sequence[float], goal_ms: float | None = None, worst_goal_ms: float | None = None
) -> Iterator[Figure]:
    if took_ms:
        yield Figure(f"{name}.p50", float(np.median(took_ms)), "ms")
        yield Figure(f"{name}.p95", float(np.percentile(took_ms, 95)), "ms", goal_ms)
        yield Figure(f"{name}.worst", max(took_ms), "ms", worst_goal_ms)


def _share(count: int, zones: int) -> int:
    """Fewer of the large fields: making one takes half a second."""
    return max(3, count if zones < 500 else count // (zones // 250))


def _timed(zones: int, seed: int) -> tuple[dict[str, float], Plan]:
    """Processor milliseconds by stage, and the plan."""
    request, dock, airspace = watch(np.random.default_rng(seed), zones)
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as watches:
        for stage, owner, function in _STAGES:
            watched = _adding(spent, stage, getattr(owner, function))
            watches.enter_context(mock.patch.object(owner, function, watched))
        with _clocked(spent, "plan"):
            made = missions.planner.plan(request, dock, airspace, TIRELESS, Conditions(NOW))
    return spent, made


def _adding(spent: dict[str, float], stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its time added to a stage."""

    def watched(*args: Any, **named: Any) -> Any:
        with _clocked(spent, stage):
            return function(*args, **named)

    return watched


@contextmanager
def _clocked(spent: dict[str, float], stage: str) -> Iterator[None]:
    began = time.process_time()
    yield
    spent[stage] += (time.process_time() - began) * 1_000


def watch(rng: np.random.Generator, zones: int, points: int = _POINTS) -> tuple[MissionRequest, Dock, Airspace]:
    """A watch among so many zones."""
    field = random_field(rng, zones, banded=True)
    home, *places = FRAME.to_places(_roomy(field).free_points(rng, points + 1))
    dock = Dock(DockId("dock"), "机场", "dock", home, 4.0)
    return watch_request(rng, dock, places), dock, field.airspace()


def _roomy(field: Field) -> Field:
    """The same with margins with which a place can be flown to, and left by the same way."""
    zones = tuple(replace(zone, margin_m=max(zone.margin_m, _LEAST_MARGIN_M) + _ROOM_M) for zone in field.zones)
    return Field(field.inside, max(field.inside_margin_m, _LEAST_MARGIN_M) + _ROOM_M, zones)
