"""The pytest plugin: vehicles, bad links, a platform and drills as fixtures, on the embedded simulator or on SITL.

It is loaded by every pytest run of an environment that has Bailu, so it imports nothing until a fixture is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from api.drills.background import Background, TestLink, TestVehicle
    from api.drills.runner import Report
    from api.drills.scenario import Kind

KINDS = ("embedded", "sitl")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the kit."""
    group = parser.getgroup("bailu", "drones: vehicles, bad links and drills (Bailu)")
    group.addoption(
        "--bailu-vehicle",
        choices=KINDS,
        default="embedded",
        help="What flies: the built-in simulator or ArduPilot SITL.",
    )
    group.addoption(
        "--bailu-speedup", type=float, default=1.0, help="Seconds of the vehicles' time in one of ours. [1]"
    )
    group.addoption("--bailu-seed", type=int, default=1, help="What is lost and which gusts blow. [1]")


def pytest_configure(config: pytest.Config) -> None:
    """Tells at once when there is no SITL, instead of failing or skipping test by test."""
    if config.getoption("--bailu-vehicle") != "sitl":
        return
    from simulator.sitl import SitlNotFound, find_binary  # noqa: PLC0415 - see the module's docstring

    try:
        find_binary(os.environ)
    except SitlNotFound as error:
        raise pytest.UsageError(f"--bailu-vehicle=sitl: {error}") from None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Which luck it was, to have it again."""
    told = [config.getoption(f"--bailu-{name}") for name in ("vehicle", "speedup", "seed")]
    return None if told == ["embedded", 1.0, 1] else "bailu: {} at {:g}×, seed {}".format(*told)


@pytest.fixture(scope="session")
def bailu_background() -> Iterator[Background]:
    """The thread in which everything of the kit runs."""
    from api.drills.background import background  # noqa: PLC0415 - see the module's docstring

    with background() as loop:
        yield loop


@pytest.fixture
def bailu_fleet(
    request: pytest.FixtureRequest, bailu_background: Background
) -> Iterator[Callable[[int], list[TestVehicle]]]:
    """`bailu_fleet(3)`: so many fresh vehicles, with system ids from 1; once per test."""
    from api.drills.background import vehicles  # noqa: PLC0415 - see the module's docstring

    speedup, seed = request.config.getoption("--bailu-speedup"), request.config.getoption("--bailu-seed")
    with ExitStack() as stack:

        def fleet(count: int) -> list[TestVehicle]:
            context = vehicles(count, _kind(request.config), speedup, seed, bailu_background)
            return stack.enter_context(bailu_background.holding(context))

        yield fleet


@pytest.fixture
def bailu_vehicle(bailu_fleet: Callable[[int], list[TestVehicle]]) -> TestVehicle:
    """A fresh vehicle that a ground station can connect to: its `url` is such as tcp:127.0.0.1:5762."""
    return bailu_fleet(1)[0]


@pytest.fixture
def bailu_link(request: pytest.FixtureRequest, bailu_background: Background) -> Iterator[Callable[..., TestLink]]:
    """`bailu_link(bailu_vehicle, loss="30%", delay="50ms")`: a bad line to a vehicle or to a TCP address."""
    from api.drills.background import link  # noqa: PLC0415 - see the module's docstring

    seed = request.config.getoption("--bailu-seed")
    with ExitStack() as stack:

        def make(target: Any, **words: object) -> TestLink:
            address = getattr(target, "address", target)
            return stack.enter_context(bailu_background.holding(link(address, words, seed, bailu_background)))

        yield make


@pytest.fixture
def bailu_platform(request: pytest.FixtureRequest, bailu_background: Background) -> Iterator[httpx.Client]:
    """A platform of its own with three vehicles: a client whose paths begin after /api/v1."""
    import httpx  # noqa: PLC0415 - see the module's docstring

    from api.cli.private import private_platform  # noqa: PLC0415 - see the module's docstring

    context = private_platform(
        speedup=request.config.getoption("--bailu-speedup"),
        sitl=request.config.getoption("--bailu-vehicle") == "sitl",
    )
    with (
        bailu_background.holding(context) as url,
        httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", timeout=60, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def bailu_drill(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str | Path], Report]:
    """`bailu_drill("drills/link-cut.yaml")`: flies it; the test fails with every expectation that did not hold."""
    from api.drills.report import line_of, verdict_lines  # noqa: PLC0415 - see the module's docstring
    from api.drills.runner import fly_file  # noqa: PLC0415 - see the module's docstring

    def fly(file: str | Path) -> Report:
        path = request.path.parent / file if not Path(file).is_absolute() else Path(file)
        report = fly_file(path if path.exists() else Path(file), _kind(request.config), tmp_path)
        for seen in report.seen:
            print(line_of(seen))
        if not report.ok:
            pytest.fail("\n".join(verdict_lines(report)), pytrace=False)
        return report

    return fly


def _kind(config: pytest.Config) -> Kind:
    from api.drills.scenario import Kind  # noqa: PLC0415 - see the module's docstring

    return Kind(config.getoption("--bailu-vehicle"))
