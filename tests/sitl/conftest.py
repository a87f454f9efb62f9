"""One scenario suite, two autopilots: the embedded simulator always, ArduCopter SITL where its binary is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.drills.background import Background, TestVehicle, background
from api.drills.scenario import Kind
from simulator.faults.impairment import Faults
from simulator.faults.instructor import Heard, Instructor, instructing
from simulator.faults.line import LinkFaults
from simulator.faults.udp import UdpProxy
from tests.platform import Platform, free_udp_port, running_platform, stop, why_no_sitl
from tests.sitl.stage import SYSTEM_ID, settings_of

LONG_WAY = Faults(delay_s=0.1)


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


@asynccontextmanager
async def udp_proxy(port: int) -> AsyncIterator[str]:
    """Where a line to a port of this machine begins that takes its time each way."""
    proxy = UdpProxy(("127.0.0.1", port), faults=LinkFaults(LONG_WAY, LONG_WAY))
    host, at = await proxy.open(("127.0.0.1", 0))
    try:
        yield f"{host}:{at}"
    finally:
        await proxy.close()


@pytest.fixture
def far_away(autopilot: str, loop: Background, tmp_path: Path) -> Iterator[Platform]:
    """A platform with a vehicle so far off that what is being loaded is seen: 0.2 s for a question and its answer."""
    sitl, speedup, port = autopilot == "ardupilot", 4.0, free_udp_port()
    settings = settings_of(sitl=sitl) | {"BAILU_LINKS": f'[{{ name = "fleet", url = "udpin:127.0.0.1:{port}" }}]'}
    options = {"sitl": sitl, "speedup": speedup, "settings": settings, "vehicles": False}
    with running_platform(tmp_path / "data", **options) as running, loop.holding(udp_proxy(port)) as line:
        which = ["sitl"] if sitl else ["sim", "--tcp-base-port", "0"]
        fleet = running.bailu(*which, "--speedup", str(speedup), "--udp-to", line)
        try:
            yield running
        finally:
            stop(fleet)
