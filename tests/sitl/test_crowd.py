"""Eight vehicles at once under one platform, on the embedded simulator and on eight processes of ArduCopter SITL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sitl.crowd import fly, members

pytestmark = pytest.mark.system


def test_eight_fly_eight_patrols_at_once_and_come_home(autopilot: str, tmp_path: Path) -> None:
    flown = fly(tmp_path / "data", members(), sitl=autopilot == "ardupilot", speedup=6.0)
    cores = f"{flown.platform_cpu:.2f} cores for the platform, {flown.vehicles_cpu:.2f} for the vehicles"
    print(f"{flown.firmware[0]}: {flown.together} together in {flown.took_s:.0f} s, {cores}")
    assert [sortie["outcome"] for sortie in flown.sorties] == ["completed"] * 8
    assert [sortie["breaches"] for sortie in flown.sorties] == [0] * 8
    assert all(sortie["upload_verified"] for sortie in flown.sorties)
    assert flown.together == 8
    assert {alarm["kind"] for alarm in flown.alarms} <= {"stale-telemetry"}  # of a machine with too much to do
