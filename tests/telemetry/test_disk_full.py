"""A disk that fails, for real: what is worth least goes first, people are told, nothing acknowledged is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operations.recording.shedding import Shed
from tests.disks import own_disk, why_no_disk
from tests.platform import ROOT

_DISK_MIB = 32


def told_of(story: str, tmp_path: Path) -> dict[str, Any]:
    """What came of a story of `small_disk`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if story != "limited" and (why := why_no_disk(folder)):
        pytest.skip(why)
    before = () if story == "limited" else own_disk(folder, _DISK_MIB)
    line = [*before, sys.executable, "-m", "tests.telemetry.small_disk", str(folder), story]
    ran = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize("story", ["full", pytest.param("limited", marks=pytest.mark.thorough)])
def test_a_full_disk_takes_no_acknowledged_row_and_the_recorder_comes_back_by_itself(
    tmp_path: Path, story: str
) -> None:
    told = told_of(story, tmp_path)
    taken, kept, distinct, lost = told["rows"]
    assert kept == distinct, "none comes twice"
    assert kept + lost == taken, "each is kept or counted"
    framed, logged, frames_lost = told["frames"]
    assert logged + frames_lost == framed
    assert told["torn_bytes"] == 0
    assert told["wrong_while_full"] is not None
    assert told["whole_again"]
    assert told["told"][-2:] == ["recording-degraded", "recording-restored"]
    assert "Everything is recorded again" in told["last_words"]
    assert told["most_waiting"] < 5_000
    if story == "full":
        assert told["levels"] == [Shed.FRAMES, Shed.FINE_ROWS]
        assert told["level_while_full"] == Shed.ROWS
        assert frames_lost > 0
        assert lost > told["rows_lost_before"] > 0
        assert told["journal"] == [21, 0], "the journal has the room that telemetry gave up"


@pytest.mark.thorough  # SQLite waits five seconds for whoever has the database
def test_a_store_that_is_away_costs_nothing_and_no_other_takes_its_place(tmp_path: Path) -> None:
    told = told_of("away", tmp_path)
    assert "not in its folder" in told["unmounted"]
    assert told["unmounted, files"] == [], "nothing is written where the disk was"
    assert "does not answer" in told["locked"] or "busy" in told["locked"]
    assert told["locked, waited_s"] < 4, "nobody waits for a lock longer than for a flush"
    assert told["whole_again"]
    taken, kept, distinct, lost = told["rows"]
    assert (taken, kept, lost) == (distinct, distinct, 0)
    framed, logged, frames_lost = told["frames"]
    assert (framed, 0) == (logged, frames_lost)
    assert told["told"] == ["recording-degraded", "recording-restored"] * 2
