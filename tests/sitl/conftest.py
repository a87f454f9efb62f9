"""One scenario suite, two autopilots: the embedded simulator always, ArduCopter SITL where its binary is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.sitl import SitlNotFound, find_binary
from tests.platform import Platform, running_platform


def _why_not() -> str | None:
    try:
        find_binary(os.environ)
    except SitlNotFound as error:
        return str(error)
    return None


@pytest.fixture(params=["embedded", pytest.param("ardupilot", marks=pytest.mark.sitl)])
def autopilot(request: pytest.FixtureRequest) -> str:
    """Which autopilot flies; a real one that is absent is skipped loudly."""
    name = str(request.param)
    if name == "ardupilot" and (why := _why_not()):
        pytest.skip(f"NOT TESTED ON A REAL ARDUPILOT: {why}")
    return name


@pytest.fixture
def platform(autopilot: str, tmp_path: Path) -> Iterator[Platform]:
    with running_platform(tmp_path / "data", sitl=autopilot == "ardupilot") as running:
        yield running
