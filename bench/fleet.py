"""Fifty simulated vehicles in one process, streaming to a ground station: share of a core and memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figure import Figure
from bench.process import cpu_s, rss_mib
from core.clock import SystemClock
from core.ids import VehicleId
from missions.energy import AIRFRAMES
from missions.fleet import default_docks
from telemetry.fleet import Fleet
from telemetry.links import LinkConfig
from telemetry.vehicle import VehicleConfig

_COUNT = 50
_SETTLE_S = 5.0
_MEASURE_S = 15.0


def fleet() -> Iterator[Figure]:
    """CPU of `bailu sim --count 50` while every vehicle streams what the platform asks for."""
    share, mib, rate = asyncio.run(_measure())
    yield Figure("fleet.50.core", share, "core", 1.0)
    yield Figure("fleet.50.memory", mib, "MiB")
    yield Figure("fleet.50.messages", rate, "messages/s")


@contextmanager
def _simulator(target: str) -> Iterator[int]:
    """`bailu sim` as its own process, sending to `target`; its process id."""
    options = ["--count", str(_COUNT), "--tcp-base-port", "0", "--udp-to", target]
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "sim", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
        assert process.poll() is None, f"bailu sim ended with {process.returncode}"
    finally:
        process.terminate()
        process.wait(10)


async def _measure() -> tuple[float, float, float]:
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    dock, airframe = default_docks()[0], next(iter(AIRFRAMES.values()))
    vehicles = [
        VehicleConfig(VehicleId(f"bench-{i}"), f"{i}", ("sim",), i, dock, airframe) for i in range(1, _COUNT + 1)
    ]
    station = Fleet(
        "bench",
        [LinkConfig("sim", "udpin:127.0.0.1:0")],
        vehicles,
        clock=SystemClock(),
        pace=1.0,
        on_frame=count,
        on_event=lambda _: None,
    )
    (link,) = station.links
    await link.open()
    tasks = [asyncio.create_task(job) for job in (link.run(), station.knock(), station.keep_streams())]
    with _simulator(f"127.0.0.1:{link.address[1]}") as pid:
        await asyncio.sleep(_SETTLE_S)
        before, began, counted = cpu_s(pid), time.monotonic(), 0
        await asyncio.sleep(_MEASURE_S)
        took = time.monotonic() - began
        measured = (cpu_s(pid) - before) / took, rss_mib(pid), counted / took
    for task in tasks:
        task.cancel()
    silent = [vehicle.id for vehicle in station.vehicles.values() if vehicle.state.lat_deg is None]
    assert not silent, f"no position of {silent}"
    return measured
