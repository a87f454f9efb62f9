"""Heartbeats on a machine with too much to do, and after a freeze of the core; with ArduCopter where there is one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pymavlink import mavutil

from bench.figure import Figure
from bench.vehicles.ears import Ear
from simulator.sitl import find_binary, running_sitl_fleet
from simulator.spec import VehicleSpec
from tests.platform import ROOT, why_no_sitl

# The first of the vehicles that are there without any settings.
_VEHICLE = 11
_STATION = 255
_START_WITHIN_S = 90.0
_SETTLE_S = 3.0
_SITL_PATIENCE_S = 180.0
_SPIN = "while True: pass"


def heartbeats(seconds: float = 600.0) -> Iterator[Figure]:
    """Longest gap under load, how soon they stop after a freeze, and what ArduCopter makes of that."""
    with tempfile.TemporaryDirectory() as folder:
        gap_s, stop_s = under_load(Path(folder), seconds)
    yield Figure("vehicles.heartbeats.longest-gap", gap_s, "s", 1.2)
    yield Figure("vehicles.heartbeats.stop-after-freeze", stop_s, "s", 3.5)
    if why := why_no_sitl():
        print(why, file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Figure("vehicles.heartbeats.sitl-failsafe", sitl_failsafe_s(Path(folder)), "s", 9.0)


def under_load(folder: Path, seconds: float) -> tuple[float, float]:
    """The longest gap with every core busy and the core held up, and seconds from a freeze to the last heartbeat."""
    port = _free_port()
    ear = Ear(_VEHICLE, ("127.0.0.1", port), _STATION)
    try:
        with gateway(folder, port, module="bench.vehicles.rough") as core, busy_cores():
            _until_heard(ear)
            ear.live(time.monotonic() + _SETTLE_S)
            del ear.beats[:-1]
            ear.live(time.monotonic() + seconds)
            frozen_at = time.time()
            core.send_signal(signal.SIGSTOP)
            gap_s = ear.longest_gap_s()
            ear.live(time.monotonic() + 6.0)
            core.send_signal(signal.SIGCONT)
            return gap_s, ear.beats[-1] - frozen_at
    finally:
        ear.close()


def _until_heard(ear: Ear) -> None:
    end_s = time.monotonic() + _START_WITHIN_S
    while not ear.beats:
        assert time.monotonic() < end_s, "no heartbeat came at all"
        ear.live(time.monotonic() + 0.2)


@contextmanager
def gateway(folder: Path, port: int, *, module: str = "api.cli.main") -> Iterator[subprocess.Popen[bytes]]:
    """`bailu gateway` on a UDP port."""
    environ = os.environ | {
        "BAILU_DATA_DIR": str(folder / "data"),
        "BAILU_LINKS": f'[{{ name = "fleet", url = "udpin:127.0.0.1:{port}" }}]',
    }
    with (folder / "gateway.log").open("wb") as log:
        core = subprocess.Popen(
            [sys.executable, "-m", module, "gateway"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        yield core
    finally:
        core.send_signal(signal.SIGCONT)
        core.kill()
        core.wait()


@contextmanager
def busy_cores() -> Iterator[None]:
    """A spinning process for each core, beside everything else."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            spinning = subprocess.Popen([sys.executable, "-S", "-c", _SPIN])
            stack.callback(spinning.wait)
            stack.callback(spinning.kill)
        yield


def sitl_failsafe_s(folder: Path) -> float:
    """Seconds from the core's freeze to ArduCopter's ground-station failsafe, in a hover."""
    return asyncio.run(_sitl_failsafe_s(folder))


async def _sitl_failsafe_s(folder: Path) -> float:
    port = _free_port()
    spec = VehicleSpec(_VEHICLE, "hover", 31.139, 121.124)
    with gateway(folder, port) as core:
        async with running_sitl_fleet(
            [spec],
            binary=find_binary(os.environ),
            udp_target=("127.0.0.1", port),
            work_dir=folder,
            extra_params={"FS_GCS_ENABLE": 1, "FS_GCS_TIMEOUT": 5, "FS_THR_ENABLE": 0, "MAV_GCS_SYSID": _STATION},
        ) as fleet:
            (address, _) = fleet.processes[_VEHICLE].tcp_addresses
            return await asyncio.to_thread(_hover_and_freeze, address, core)


def _hover_and_freeze(address: tuple[str, int], core: subprocess.Popen[bytes]) -> float:
    """Another ground station flies it, so that only the failsafe knows ours."""
    pilot = mavutil.mavlink_connection(f"tcp:{address[0]}:{address[1]}", source_system=200)
    try:
        _take_off(pilot)
        time.sleep(3.0)
        core.send_signal(signal.SIGSTOP)
        frozen_s = time.monotonic()
        _wait(pilot, lambda m: m.get_type() == "STATUSTEXT" and "GCS Failsafe" in m.text, 30.0, "the failsafe")
        took_s = time.monotonic() - frozen_s
        _wait(pilot, lambda m: _mode(m) == "RTL", 10.0, "RTL")
        return took_s
    finally:
        pilot.close()


def _take_off(pilot: Any) -> None:
    pilot.wait_heartbeat(timeout=60)
    pilot.mav.request_data_stream_send(pilot.target_system, 1, mavutil.mavlink.MAV_DATA_STREAM_ALL, 4, 1)
    end_s = time.monotonic() + _SITL_PATIENCE_S
    while not pilot.motors_armed():
        assert time.monotonic() < end_s, "ArduCopter did not arm"
        pilot.set_mode("GUIDED")
        pilot.arducopter_arm()
        pilot.recv_match(type="HEARTBEAT", blocking=True, timeout=2)
        time.sleep(0.5)
    command = mavutil.mavlink.MAV_CMD_NAV_TAKEOFF
    pilot.mav.command_long_send(pilot.target_system, 1, command, 0, 0, 0, 0, 0, 0, 0, 10)
    _wait(
        pilot,
        lambda m: m.get_type() == "GLOBAL_POSITION_INT" and m.relative_alt > 8_000,
        60.0,
        "the hover",
    )


def _mode(message: Any) -> str:
    is_copter = message.get_type() == "HEARTBEAT" and message.autopilot == mavutil.mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA
    return str(mavutil.mode_string_v10(message)) if is_copter else ""


def _wait(pilot: Any, holds: Any, within_s: float, what: str) -> None:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        message = pilot.recv_match(blocking=True, timeout=1)
        if message is not None and holds(message):
            return
    raise AssertionError(f"waited {within_s} s for {what}")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
