"""What every story on the console begins with: things on the page, a route to fly, a fleet that falls silent."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page

from tests.platform import ROOT, Platform

VEHICLE = "bl-03"
SCREENSHOT = ROOT / "build" / "console.png"
# A machine that does much else at the same time may take its time.
PLANNED_MS = 30_000
M_PER_DEG = 111_320.0


def by(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def line_by(platform: Platform, ends_m: tuple[tuple[float, float], ...]) -> dict[str, Any]:
    """A route as a mission; its ends in metres east and north of where the vehicle stands."""
    vehicle = platform.get(f"/vehicles/{VEHICLE}")
    lat_deg, lon_deg = vehicle["lat_deg"], vehicle["lon_deg"]
    m_per_deg_lon = M_PER_DEG * math.cos(math.radians(lat_deg))
    line = [[lon_deg + east_m / m_per_deg_lon, lat_deg + north_m / M_PER_DEG] for east_m, north_m in ends_m]
    properties = {"name": "岸边巡查", "pattern": "route", "alt_rel_m": 60, "speed_mps": 8}
    return {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line}, "properties": properties}


@contextmanager
def silent_fleet(platform: Platform) -> Iterator[None]:
    """The simulated vehicles stand still in time while the context is open: nobody hears them."""
    pid = json.loads((platform.data_dir / "fleet.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
