"""DroneKit, an independent ground station, flies a simulated vehicle over TCP."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from simulator.fleet import running_fleet
from tests.simulator.station import LAT, LON, spec

pytestmark = [pytest.mark.system, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def wait(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def fly(address: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dronekit import Command, VehicleMode, connect
    vehicle: Any = connect(address, wait_ready=True, timeout=30, heartbeat_timeout=30)
    try:
        seen: dict[str, Any] = {"parameter": vehicle.parameters["WPNAV_SPEED"], "version": str(vehicle.version)}
        commands = vehicle.commands
        commands.download()
        commands.wait_ready()
        seen["before"] = len(commands)
        commands.clear()
        for command, north, alt in ((22, 0.0, 20.0), (16, 0.0005, 20.0), (16, 0.0, 25.0), (20, 0.0, 0.0)):
            commands.add(
                Command(0, 0, 0, 3, command, 0, 0, 0, 0, 0, 0, LAT + north if command == 16 else 0, LON, alt)
            )
        commands.upload()
        commands.download()
        commands.wait_ready()
        seen["after"] = len(commands)
        wait(lambda: vehicle.is_armable)
        # At this pace it must not disarm before a busy machine has said what comes next.
        vehicle.parameters.set("DISARM_DELAY", 0, wait_ready=True)
        vehicle.mode = VehicleMode("GUIDED")
        wait(lambda: vehicle.mode.name == "GUIDED")
        vehicle.armed = True
        wait(lambda: vehicle.armed)
        vehicle.simple_takeoff(10)
        wait(lambda: vehicle.location.global_relative_frame.alt > 9.5)
        # Every message, not what a look now and then finds: at this pace an item is over in a moment.
        current, heights = set[int](), [0.0]
        vehicle.add_message_listener("MISSION_CURRENT", lambda _, __, heard: current.add(heard.seq))
        vehicle.add_message_listener(
            "GLOBAL_POSITION_INT", lambda _, __, heard: heights.append(heard.relative_alt / 1e3)
        )
        vehicle.mode = VehicleMode("AUTO")
        wait(lambda: not vehicle.armed)
        seen |= {"current": current, "highest": max(heights), "at": vehicle.location.global_relative_frame}
        return seen
    finally:
        vehicle.close()


async def test_dronekit_downloads_uploads_and_flies_a_mission() -> None:
    async with running_fleet([spec(1)], speedup=25, tcp_base_port=0) as fleet:
        host, port = fleet.tcp_addresses[1]
        seen = await asyncio.to_thread(fly, f"tcp:{host}:{port}")
    assert seen["parameter"] == 1000.0
    assert "4.7.0" in seen["version"]
    assert seen["before"] == 0
    assert seen["after"] == 4
    assert seen["current"] >= {1, 2, 3, 4}
    assert seen["highest"] == pytest.approx(25, abs=1.5)
    assert abs(seen["at"].lat - LAT) < 2e-5
