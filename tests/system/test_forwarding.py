"""Forwarding killed with -9 at random moments: whatever was acknowledged arrives at least once, and in its order."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.forwarding.stage import receiver, settles, stage

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
KILLS = 8


def test_what_was_stored_before_a_kill_arrives_after_it(tmp_path: Path) -> None:
    rng = random.Random(11)
    with receiver() as target:
        acknowledged: list[int] = []
        for _ in range(KILLS):
            first = acknowledged[-1] + 2 if acknowledged else 0
            acknowledged += _killed_run(tmp_path, target.url, first, rng.uniform(0.05, 0.5))
        assert len(acknowledged) > 100
        _drained(tmp_path)
    told = [int(each["data"]["alarm_id"].removeprefix("alarm-")) for each in target.taken]
    assert set(acknowledged) - set(told) == set()
    first_seen = list(dict.fromkeys(told))
    assert first_seen == sorted(first_seen)
    ids = {(each["id"], each["data"]["alarm_id"]) for each in target.taken}
    assert len(ids) == len(first_seen), "told twice, it has the same id"


def _killed_run(folder: Path, url: str, first: int, alive_s: float) -> list[int]:
    """Lets it store for a while after its first word, kills it, and gives what it said that it had stored."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forwarding.killed", str(folder), url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]
    time.sleep(alive_s)
    process.kill()
    said += process.stdout.readlines()
    process.wait(10)
    process.stdout.close()
    return [int(line) for line in said if line.endswith("\n")]


def _drained(folder: Path) -> None:
    async def until_empty() -> None:
        async with stage(folder) as on:
            last = (await on.store.forwarding.after(0, limit=100_000))[-1].number
            assert await settles(on, lambda told: told.cursor >= last and told.waiting_events == 0)

    asyncio.run(until_empty())
