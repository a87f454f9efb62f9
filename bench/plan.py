"""How long a plan takes, preview included: the examples, each planned many times."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure
from geofence.qingpu import default_airspace
from missions.energy import AIRFRAMES
from missions.fleet import default_docks
from missions.planner import Conditions
from missions.planner import plan as make_plan
from missions.request import parse_request

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_RUNS = 20


def plan() -> Iterator[Figure]:
    """Median and worst time of a plan with its conflicts, fence and hashes."""
    airspace, docks = default_airspace(), default_docks()
    airframe = next(iter(AIRFRAMES.values()))
    conditions = Conditions(datetime.now(UTC))
    for name in ("river-corridor", "farmland-survey"):
        request = parse_request(json.loads((EXAMPLES / f"{name}.geojson").read_text()), docks)
        dock = next(dock for dock in docks if dock.id == request.dock_id)
        took_ms = []
        for _ in range(_RUNS):
            began = time.perf_counter()
            made = make_plan(request, dock, airspace, airframe, conditions)
            took_ms.append((time.perf_counter() - began) * 1000)
            assert not made.conflicts
        yield Figure(f"plan.{name}.median", statistics.median(took_ms), "ms", 100)
        yield Figure(f"plan.{name}.worst", max(took_ms), "ms")
