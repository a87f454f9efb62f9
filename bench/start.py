"""From `bailu up` to a served page, when everything is set up: what a second `make run` takes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.figure import Figure
from tests.platform import Platform, running_platform

_RUNS = 5


def start() -> Iterator[Figure]:
    """Median time to the page and to a fleet that is heard."""
    page_s, fleet_s = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_RUNS):
            began = time.perf_counter()
            with running_platform(Path(folder) / "data", speedup=1.0) as platform:
                assert httpx.get(platform.url).status_code == 200
                page_s.append(time.perf_counter() - began)
                platform.until(lambda p=platform: _heard(p), within_s=30, what="the fleet")  # type: ignore[misc]
                fleet_s.append(time.perf_counter() - began)
    yield Figure("start.page", statistics.median(page_s), "s", 5.0)
    yield Figure("start.fleet-heard", statistics.median(fleet_s), "s")


def _heard(platform: Platform) -> bool:
    return all(vehicle["link"] == "live" for vehicle in platform.get("/vehicles")["items"])
