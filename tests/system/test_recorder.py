"""The recorder killed with vehicles on the air: a short version of the bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.stream.kills import killed

pytestmark = pytest.mark.system


def test_what_the_recorder_acknowledged_survives_kill_9_and_its_logs_open(tmp_path: Path) -> None:
    toll = killed(tmp_path, 4, alive_s=1.0)
    assert len(toll.acknowledged) > 50
    assert toll.frames > 20
    assert (toll.lost, toll.twice, toll.frames_lost, toll.bad_logs) == (set(), 0, 0, 0)
