"""One scenario suite, two autopilots: the embedded simulator always, ArduCopter SITL where its binary is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.drills.background import Background, TestVehicle, background
from api.drills.scenario import Kind
from simulator.faults.instructor import Heard, Instructor, instructing
from tests.platform import Platform, running_platform, why_no_sitl
from tests.sitl.stage import SYSTEM_ID, settings_of


@pytest.fixture(params=["embedded", pytest.param("ardupilot", marks=pytest.mark.sitl)])
def autopilot(request: pytest.FixtureRequest) -> str:
    """Which autopilot flies; a real one that is absent is skipped loudly."""
    name = str(request.param)
    if name == "ardupilot" and (why := why_no_sitl()):
        pytest.skip(why)
    return name


@pytest.fixture
def speedup() -> float:
    """Seconds of the vehicles' time in one of ours; stories that take another one say so."""
    return 10.0


@pytest.fixture
def platform(autopilot: str, speedup: float, tmp_path: Path) -> Iterator[Platform]:
    """A platform with the one vehicle that nearly every story is about."""
    sitl = autopilot == "ardupilot"
    with running_platform(tmp_path / "data", sitl=sitl, speedup=speedup, settings=settings_of(sitl=sitl)) as running:
        yield running


@pytest.fixture(scope="session")
def loop() -> Iterator[Background]:
    """The thread in which the instructors' lines run."""
    with background() as running:
        yield running


@pytest.fixture
def aboard(platform: Platform, loop: Background, autopilot: str) -> Iterator[TestVehicle]:
    """The vehicle itself, past the platform: what it says, and what can be done to it."""
    ports = json.loads((platform.data_dir / "fleet.json").read_text())["tcp_ports"]
    address, heard = ("127.0.0.1", int(ports[str(SYSTEM_ID)])), list[Heard]()
    instructor = Instructor(SYSTEM_ID, heard.append)
    kind = Kind.SITL if autopilot == "ardupilot" else Kind.EMBEDDED
    with loop.holding(instructing(instructor, address)):
        platform.until(lambda: bool(heard), within_s=60, what="the instructor's line")
        yield TestVehicle(kind, SYSTEM_ID, address, heard, instructor, loop)
