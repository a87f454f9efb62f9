"""The two services that are compared, each as a user would start it, and what feeds and watches them."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from shapely.geometry import box

from adapters.sqlite import open_store
from bench.process import cpu_s, rss_mib
from bench.stream.probing import Probing, probe_id
from bench.stream.viewers import Order
from bench.swarm import PER_PORT
from core.clock import SystemClock
from geofence.presence import lonlat_area
from geofence.zones import Airspace
from missions.fleet import default_docks
from tests.geofence.test_presence import random_zones

HOST = "127.0.0.1"
_STARTS_WITHIN_S, _ENDS_WITHIN_S = 60.0, 30.0
_ZONES = 1_000
_FLOWN_OVER = box(120.99, 30.9, 121.11, 31.15)  # by the vehicles of `bench.swarm`


@dataclass(frozen=True, slots=True)
class Load:
    """What a service bears while it is measured."""

    vehicles: int
    viewers: int
    stalled: int = 0
    settle_s: float = 8.0
    measure_s: float = 12.0
    compression: bool = False
    rate_hz: float = 10.0
    probed: int = 0  # vehicles besides, whose updates and alarms are timed (`bench.stream.lanes`)

    @property
    def links(self) -> int:
        """How many the vehicles need; those that are probed have the last one to themselves."""
        return -(-self.vehicles // PER_PORT) + bool(self.probed)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it. `updates`: of one vehicle to one viewer. `cpu_s` of the service and its children."""

    took_s: float
    cpu_s: float
    updates: float
    octets: float
    age_p50_s: float
    age_p99_s: float
    least_share: float  # of the frames that the best served viewer got, the worst served one's
    lost_viewers: int
    lost_datagrams: int  # by the kernel, because the service did not take them in time
    rows_per_s: float  # recorded
    lost_rows: int  # positions that were given up
    rss_mib: float
    growth_mib: float
    follow_s: tuple[float, ...] = ()  # of each update of a followed vehicle: frame in → client
    alarms_s: tuple[float, ...] = ()  # of each alarm that came
    lost_alarms: int = 0
    lost_follow: int = 0

    @property
    def cores(self) -> float:
        return self.cpu_s / self.took_s

    @property
    def us_per_update(self) -> float:
        return 1e6 * self.cpu_s / self.updates if self.updates else float("inf")

    @property
    def octets_per_update(self) -> float:
        return self.octets / self.updates if self.updates else float("inf")

    def delivered(self, load: Load) -> float:
        """Of the updates that were due, how many came."""
        return self.updates / (load.rate_hz * self.took_s * load.vehicles * load.viewers)

    def keeps_up(self, load: Load, within_s: float) -> bool:
        """Nine of ten updates to everybody, on time, and nobody lost: the same for both."""
        return self.delivered(load) >= 0.9 and self.age_p99_s <= within_s and not self.lost_viewers


def measured(rig: str, load: Load) -> Measured:
    """Starts a service (`bailu` or `tutorial`), feeds it, watches it, and ends all of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        udp, http = free_ports(load.links, socket.SOCK_DGRAM), free_ports(1, socket.SOCK_STREAM)[0]
        start = {"bailu": _bailu, "tutorial": _tutorial}[rig]
        service = stack.enter_context(start(folder, load, udp, http))
        seconds = load.settle_s + load.measure_s + 20.0
        swarm = udp[:-1] if load.probed else udp
        stack.enter_context(running("bench.swarm", *map(str, swarm), "--vehicles", str(load.vehicles), "--seconds",
                                     str(seconds), "--stamp"))  # fmt: skip
        probe = None
        if load.probed:
            # Done before the counters are read again: that is another matter.
            asked = json.dumps(asdict(Probing(HOST, http, udp[-1], load.probed, load.measure_s - 1.0)))
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            probe = stack.enter_context(running("bench.stream.probing", asked, **pipes))
        return _watched(rig, load, http, service, probe)


def _watched(
    rig: str, load: Load, http: int, service: subprocess.Popen[bytes], probe: subprocess.Popen[bytes] | None
) -> Measured:
    ours = rig == "bailu"
    subscribe = json.dumps({"type": "subscribe", "vehicles": "*", "rate_hz": load.rate_hz}) if ours else ""
    path = "/api/v1/stream" if ours else "/stream"
    order = Order(
        HOST, http, path, load.viewers, load.stalled, load.settle_s, load.measure_s, subscribe,
        "bailu.v1+msgpack" if ours else "", rig, load.compression,
    )  # fmt: skip
    with running("bench.stream.viewers", json.dumps(asdict(order)), stdout=subprocess.PIPE) as viewers:
        assert viewers.stdout is not None
        line = viewers.stdout.readline()
        assert line.strip() == b"measuring", line
        before, counted, began_mib = cpu_of_all(service.pid), _counted(http) if ours else {}, rss_mib(service.pid)
        timed = _timed(probe)
        told: dict[str, Any] = json.loads(viewers.stdout.readline())
        used, now = cpu_of_all(service.pid) - before, _counted(http) if ours else {}
        grown = {name: now[name] - counted.get(name, 0.0) for name in now}
        lanes = json.loads(timed.readline()) if timed else {}  # while all are there: leaving is another matter
    share = told["updates"] / max(1, told["probe"]["frames"])
    frames = told["frames"]
    return Measured(
        took_s=told["took_s"],
        cpu_s=used,
        updates=frames * share,
        octets=told["octets"],
        age_p50_s=told["age_p50_s"],
        age_p99_s=told["age_p99_s"],
        least_share=told["least_frames"] / max(1.0, frames / load.viewers),
        lost_viewers=told["lost"],
        lost_datagrams=round(grown.get("bailu_link_dropped_total", 0.0)),
        rows_per_s=grown.get("bailu_recorder_rows_total", 0.0) / told["took_s"],
        lost_rows=round(grown.get("bailu_recorder_lost_rows_total", 0.0)),
        rss_mib=rss_mib(service.pid),
        growth_mib=rss_mib(service.pid) - began_mib,
        **lanes,
    )


def _timed(probe: subprocess.Popen[bytes] | None) -> IO[bytes] | None:
    """Has the probe begin; where it will tell what it found."""
    if probe is None:
        return None
    assert probe.stdin is not None
    probe.stdin.write(b"begin\n")
    probe.stdin.flush()
    return probe.stdout


def _counted(http: int) -> dict[str, float]:
    """What our service counts, all links and reasons together."""
    text = httpx.get(f"http://{HOST}:{http}/metrics", timeout=10).text
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name.partition("{")[0]] = found.get(name.partition("{")[0], 0.0) + float(value)
    return found


@contextmanager
def _tutorial(_: Path, __: Load, udp: Sequence[int], http: int) -> Iterator[subprocess.Popen[bytes]]:
    with running("bench.baselines.tutorial", str(http), *map(str, udp), stderr=subprocess.DEVNULL) as process:
        _until(lambda: httpx.get(f"http://{HOST}:{http}/counts", timeout=2).status_code == 200, process)
        yield process


@contextmanager
def _bailu(folder: Path, load: Load, udp: Sequence[int], http: int) -> Iterator[subprocess.Popen[bytes]]:
    with serving(configured(folder, load, udp, http), http) as process:
        yield process


def configured(folder: Path, load: Load, udp: Sequence[int], http: int) -> list[str]:
    """Arguments of a service with everything on: identities, alarms, a thousand zones, the record of all vehicles."""
    (folder / "data").mkdir()
    asyncio.run(_seeded(folder / "data"))
    lines = [f'[[links]]\nname = "l{at}"\nurl = "udpin:{HOST}:{port}"' for at, port in enumerate(udp)]
    fleet = [(f"v{number:04}", number // PER_PORT, number % PER_PORT + 1) for number in range(load.vehicles)]
    fleet += [(probe_id(number), len(udp) - 1, number + 1) for number in range(load.probed)]
    for vehicle_id, link, system_id in fleet:
        lines += [f'[[vehicles]]\nid = "{vehicle_id}"\nname = "{vehicle_id}"\nlink = "l{link}"']
        lines += [f'system_id = {system_id}\ndock = "{default_docks()[0].id}"']
    config = folder / "bailu.toml"
    config.write_text("\n".join(lines))
    return ["--no-sim", "--config", str(config), "--port", str(http), "--data-dir", str(folder / "data")]


@contextmanager
def serving(options: Sequence[str], http: int) -> Iterator[subprocess.Popen[bytes]]:
    """Our service while the context is open, which begins when it answers."""
    with running("api.cli.main", "up", *options, stderr=subprocess.DEVNULL) as process:
        _until(lambda: httpx.get(f"http://{HOST}:{http}/api/v1/health", timeout=2).status_code == 200, process)
        yield process


async def _seeded(data_dir: Path) -> None:
    """A store with an airspace of a thousand zones, away from where the vehicles fly."""
    drawn = random_zones(3, 2 * _ZONES)
    zones = tuple(zone for zone in drawn if not lonlat_area(zone).intersects(_FLOWN_OVER))[:_ZONES]
    async with open_store(data_dir / "bailu.db") as store:
        await store.publish_airspace(Airspace(1, zones, published_at=SystemClock().now()))


@contextmanager
def running(module: str, *arguments: str, **pipes: int) -> Iterator[subprocess.Popen[bytes]]:
    """One of our modules as a process of its own, ended with the context."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], **quiet | pipes)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _until(holds: Any, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + _STARTS_WITHIN_S
    while True:
        assert process.poll() is None, f"ended with {process.returncode}"
        assert time.monotonic() < end_s, "it does not answer"
        try:
            if holds():
                return
        except httpx.TransportError:
            time.sleep(0.2)


def cpu_of_all(pid: int) -> float:
    """CPU seconds of a process and all that it started."""
    total_s, todo = 0.0, [pid]
    while todo:
        each = todo.pop()
        try:
            total_s += cpu_s(each)
            todo += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total_s


def free_ports(count: int, kind: socket.SocketKind) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, kind)) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
