"""On-board fences among 500 zones: how many missions fit what an autopilot can hold, and how soon that is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import numpy as np

import missions.options
import missions.planner
from bench.figure import Figure
from bench.planner.plans import NOW, TIRELESS, watch
from geofence.compiler import FenceTask, compile_fence
from geofence.frame import LocalFrame
from geofence.onboard import FenceLimits, OnboardFence, fence_bytes
from missions.model import Plan
from missions.options import FENCE_NOT_FEASIBLE
from missions.planner import Conditions

_ZONES = 500
_MOST_LEGS = 30


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The plan, and processor milliseconds of each fence that was looked for."""

    plan: Plan
    took_ms: tuple[float, ...]

    @property
    def counts(self) -> bool:
        """Whether nothing but its fence can speak against it, and it is no longer than `_MOST_LEGS`."""
        codes = {conflict.code for conflict in self.plan.conflicts}
        return len(self.plan.waypoints) + 1 <= _MOST_LEGS and codes <= {FENCE_NOT_FEASIBLE}


def fences(count: int = 200) -> Iterator[Figure]:
    """Watches of one to six points and a dock, drawn at random; those that nothing but the fence speaks against."""
    made = [one for seed in range(count) if (one := _compiled(seed)).counts]
    fitting = [one.plan.fence for one in made if one.plan.fence is not None]
    answered = [one for one in made if one.plan.fence is not None or one.plan.proposals]
    took_ms = [ms for one in made for ms in one.took_ms]
    points = [sum(len(polygon.ring) for polygon in fence.polygons) for fence in fitting]
    yield Figure("planner.fences.missions", len(made), "missions")
    yield Figure("planner.fences.legs.p50", float(np.median([len(one.plan.waypoints) + 1 for one in made])), "legs")
    yield Figure("planner.fences.fit", 100.0 * len(fitting) / len(made), "%")
    yield Figure("planner.fences.fit-or-proposal", 100.0 * len(answered) / len(made), "%", 100.0, better="higher")
    yield Figure("planner.fences.points.p50", float(np.median(points)), "points")
    yield Figure("planner.fences.points.worst", max(points), "points", 70)
    yield Figure("planner.fences.bytes.worst", max(fence_bytes(fence) for fence in fitting), "bytes", 560)
    yield Figure("planner.fences.p50", float(np.median(took_ms)), "ms")
    yield Figure("planner.fences.p95", float(np.percentile(took_ms, 95)), "ms")
    yield Figure("planner.fences.worst", max(took_ms), "ms", 300.0)


def _compiled(seed: int) -> _Compiled:
    rng = np.random.default_rng([seed, _ZONES])
    request, dock, airspace = watch(rng, _ZONES, points=int(rng.integers(1, 7)))
    took_ms: list[float] = []

    def clocked(task: FenceTask, frame: LocalFrame, limits: FenceLimits) -> OnboardFence | None:
        began = time.process_time()
        found = compile_fence(task, frame, limits)
        took_ms.append((time.process_time() - began) * 1_000)
        return found

    with mock.patch.object(missions.options, "compile_fence", clocked):
        plan = missions.planner.plan(request, dock, airspace, TIRELESS, Conditions(NOW))
    return _Compiled(plan, tuple(took_ms))
