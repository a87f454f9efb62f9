"""An independent ground station agrees: DroneKit reads back what the platform uploaded, and flies it."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform, example, running_platform

pytestmark = pytest.mark.system
VEHICLE = "bl-01"


def connect(platform: Platform) -> Any:
    """DroneKit on the vehicle's own TCP port, as any ground station would join."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dronekit

        system_id = platform.vehicle(VEHICLE)["system_id"]
        port = json.loads((platform.data_dir / "fleet.json").read_text())["tcp_ports"][str(system_id)]
        return dronekit.connect(f"tcp:127.0.0.1:{port}", wait_ready=True, timeout=60, source_system=250)


def wait(holds: Callable[[], bool], *, within_s: float, what: str) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"waited {within_s} s for {what}"
        time.sleep(0.1)


@pytest.mark.filterwarnings("ignore")
def test_dronekit_reads_back_the_platforms_mission_and_flies_it(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", speedup=10.0) as platform:
        platform.until_ready(VEHICLE)
        feature = example("river-corridor", dock_id="dock-xiayang")
        feature["geometry"]["coordinates"] = [[121.1245, 31.1392], [121.1262, 31.1404]]
        mission = platform.post("/missions", feature)
        sortie = platform.launch(mission, VEHICLE).json()
        platform.until_state(sortie["sortie_id"], "closed")

        station = connect(platform)
        try:
            station.commands.download()
            station.commands.wait_ready()
            flown = [c for c in station.commands if c.command == 16]
            planned = mission["latest"]["plan"]["waypoints"]
            # DroneKit reads MISSION_ITEM, whose float32 longitude has steps of 7.6e-6 degree at 121° east.
            for read, sent in zip(flown, planned, strict=True):
                assert (read.x, read.y) == pytest.approx((sent["lat_deg"], sent["lon_deg"]), abs=4e-6)
                assert read.z == pytest.approx(sent["alt_rel_m"], abs=0.01)
            fly(station)
        finally:
            station.close()
        assert platform.vehicle(VEHICLE)["sortie_id"] is None
        assert len(platform.get("/sorties")["items"]) == 1


def fly(station: Any) -> None:
    """Arms, starts the mission, and waits until it has landed by itself."""
    from dronekit import VehicleMode

    station.commands.next = 0
    station.mode = VehicleMode("GUIDED")
    wait(lambda: station.mode.name == "GUIDED", within_s=60, what="GUIDED")
    wait(lambda: bool(station.is_armable), within_s=60, what="an armable vehicle")
    station.armed = True
    wait(lambda: bool(station.armed), within_s=60, what="arming")
    station.mode = VehicleMode("AUTO")
    wait(lambda: station.location.global_relative_frame.alt > 20, within_s=60, what="altitude")
    wait(lambda: not station.armed, within_s=120, what="landing")
