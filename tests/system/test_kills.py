"""The platform killed with vehicles in the air, and heartbeats under load: short versions of the bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.vehicles.heartbeats import under_load
from bench.vehicles.kills import kills

pytestmark = [pytest.mark.system, pytest.mark.alone]


def test_a_killed_platform_loses_nothing_it_acknowledged_and_sends_nobody_home() -> None:
    found = {figure.name.rsplit(".")[-1]: figure.value for figure in kills(2)}
    assert found["acknowledged"] >= 4
    assert found["acknowledged-missing"] == 0
    assert found["gcs-failsafes"] == 0
    assert found["unheeded-failsafes"] > 0, "a platform that stays away is noticed, or nothing was listened to"


def test_heartbeats_go_on_under_load_and_end_with_the_core(tmp_path: Path) -> None:
    gap_s, stop_s = under_load(tmp_path, 10.0)
    assert 0.5 < gap_s <= 1.5, "a second, and what a test machine adds"
    assert stop_s <= 3.5
