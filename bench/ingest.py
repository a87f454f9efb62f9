"""From datagram to tick: what a message costs the gateway, all in, with a thousand vehicles on five links."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvloop

from bench.figure import Figure
from bench.swarm import PER_PORT
from core.clock import SystemClock
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.model import Airframe, Dock
from telemetry.fleet import Fleet
from telemetry.links import LinkConfig, LinkHealth
from telemetry.messages import FleetTick
from telemetry.vehicle import VehicleConfig

TICK_S = 0.1
_DOCK = Dock(DockId("dock"), "dock", "dock", LatLon(31.0, 121.0), 4.0, 20.0)
_FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
_STARTS_S = 6.0


@dataclass(slots=True)
class Run:
    """What one run used and saw. `tick_s`: CPU of each tick."""

    cpu_s: float
    frames: int
    sent: int
    tick_s: list[float]
    known: int
    health: tuple[LinkHealth, ...]


def a_fleet(links: int, vehicles: int) -> Fleet:
    """Listens on ports of its own, and knows who will speak."""
    configs = [
        VehicleConfig(
            VehicleId(f"v{n:04}"), f"v{n}", (f"link{n // PER_PORT}",), n % PER_PORT + 1, _DOCK, _FRAME,
        )
        for n in range(vehicles)
    ]  # fmt: skip
    urls = [LinkConfig(f"link{n}", "udpin:127.0.0.1:0") for n in range(links)]
    return Fleet(
        "bench",
        urls,
        configs,
        clock=SystemClock(),
        pace=1.0,
        on_frame=lambda *_: None,
        on_event=lambda _: None,
    )


async def run(vehicles: int, seconds: float) -> Run:
    """Feeds a fleet from another process and measures this one, once all vehicles have proven who they are."""
    links = -(-vehicles // PER_PORT)
    fleet = a_fleet(links, vehicles)
    for link in fleet.links:
        await link.open()
    ports = [str(link.address[1]) for link in fleet.links]
    total_s = str(seconds + _STARTS_S + 1)
    swarm = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.swarm", *ports, "--vehicles", str(vehicles), "--seconds", total_s,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    ticks: list[float] = []
    tasks = [asyncio.create_task(link.run()) for link in fleet.links]
    tasks += [asyncio.create_task(fleet.keep_streams()), asyncio.create_task(_tick(fleet, ticks))]
    await asyncio.sleep(_STARTS_S)
    gc.collect()
    gc.freeze()
    ticks.clear()
    frames, cpu_s = _frames(fleet), time.process_time()
    await asyncio.sleep(seconds)
    frames, cpu_s = _frames(fleet) - frames, time.process_time() - cpu_s
    assert swarm.stdout is not None
    told = json.loads(await swarm.stdout.readline())
    await swarm.wait()
    await asyncio.sleep(0.2)
    tick = fleet.tick()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Run(cpu_s, frames, int(told["sent"]), ticks, _known(tick), fleet.health())


async def _tick(fleet: Fleet, spent_s: list[float]) -> None:
    while True:
        began_s = time.thread_time()
        fleet.tick()
        spent_s.append(time.thread_time() - began_s)
        await asyncio.sleep(TICK_S)


def _frames(fleet: Fleet) -> int:
    return sum(link.frames for link in fleet.health())


def _known(tick: FleetTick) -> int:
    """Vehicles of which a position of the last second is known."""
    return int((tick.rows()[:, 1] < 1.0).sum())


def ingest(vehicles: int = 1000, seconds: float = 10.0) -> Iterator[Figure]:
    """CPU per message all in (system calls, identities, fold, ticks, questions), and what was lost on the way."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(run(vehicles, seconds))
    received = sum(link.frames for link in seen.health)
    ticks = sorted(seen.tick_s)
    yield Figure("stream.ingest.message", seen.cpu_s / seen.frames * 1e6, "us", 12.0)
    yield Figure("stream.ingest.rate", seen.frames / seconds, "1/s", None)
    yield Figure("stream.ingest.lost", float(seen.sent - received), "datagrams", 0.0)
    yield Figure("stream.ingest.known", float(seen.known), "vehicles", float(vehicles), better="higher")
    yield Figure("stream.ingest.tick", sum(ticks) / len(ticks) * 1e3, "ms", 5.0)
    yield Figure("stream.ingest.tick.p99", ticks[int(len(ticks) * 0.99)] * 1e3, "ms", None)


def main(arguments: Sequence[str]) -> int:
    for figure in ingest(*(int(each) for each in arguments)):
        print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
