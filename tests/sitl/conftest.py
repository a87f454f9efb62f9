"""One scenario suite, two autopilots: the embedded simulator always, ArduCopter SITL where its binary is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import Platform, running_platform, why_no_sitl


@pytest.fixture(params=["embedded", pytest.param("ardupilot", marks=pytest.mark.sitl)])
def autopilot(request: pytest.FixtureRequest) -> str:
    """Which autopilot flies; a real one that is absent is skipped loudly."""
    name = str(request.param)
    if name == "ardupilot" and (why := why_no_sitl()):
        pytest.skip(why)
    return name


@pytest.fixture
def platform(autopilot: str, tmp_path: Path) -> Iterator[Platform]:
    with running_platform(tmp_path / "data", sitl=autopilot == "ardupilot") as running:
        yield running
