"""Vehicles at once under one platform, on the embedded simulator and on as many processes of ArduCopter SITL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sitl.crowd import fly, members

pytestmark = pytest.mark.system


@pytest.mark.parametrize("count", [4, pytest.param(8, marks=pytest.mark.soak)])
def test_many_fly_as_many_patrols_at_once_and_come_home(autopilot: str, tmp_path: Path, count: int) -> None:
    flown = fly(tmp_path / "data", members(count), sitl=autopilot == "ardupilot", speedup=6.0)
    cores = f"{flown.platform_cpu:.2f} cores for the platform, {flown.vehicles_cpu:.2f} for the vehicles"
    print(f"{flown.firmware[0]}: {flown.together} together in {flown.took_s:.0f} s, {cores}")
    assert [sortie["outcome"] for sortie in flown.sorties] == ["completed"] * count
    assert [sortie["breaches"] for sortie in flown.sorties] == [0] * count
    assert all(sortie["upload_verified"] for sortie in flown.sorties)
    assert flown.together == count
    assert {alarm["kind"] for alarm in flown.alarms} <= {"stale-telemetry"}  # of a machine with too much to do
