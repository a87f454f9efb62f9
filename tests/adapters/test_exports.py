"""Tracks that are read while others are recorded: nobody waits, nothing is missed, and memory stays as it is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from adapters.sqlite import records as module
from adapters.sqlite.records import FILE, Records, open_records
from core.ids import VehicleId
from operations.recording.ports import Batch, Wanted
from operations.recording.rows import Rows
from tests.adapters.big_export import START_US, minute
from tests.platform import ROOT

V = Wanted(vehicle_id=VehicleId("v"))


async def record(records: Records, minutes: range) -> None:
    """A batch each two seconds, and blobs of those that are old enough."""
    for number in minutes:
        rows = minute(number)
        for at in range(0, len(rows), 100):
            await records.append(Batch(("v",), rows[at : at + 100]))
            await records.compact(int(rows["at_us"][at]))


async def test_a_reader_that_takes_for_ever_holds_up_no_batch(tmp_path: Path) -> None:
    release = threading.Event()
    async with open_records(tmp_path / FILE) as records:
        await record(records, range(1))
        hanging = asyncio.create_task(records._reader.read(lambda _: release.wait(20)))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await record(records, range(1, 2))
        assert not hanging.done()
        release.set()
        await hanging
        assert (await records.extent(V)) is not None


async def test_an_export_that_nobody_goes_on_with_keeps_no_log_from_being_tidied_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE_ROWS", 500)
    async with open_records(tmp_path / FILE) as records:
        await record(records, range(2))
        export = records.read(V)
        first = await anext(export)
        for number in range(2, 8):
            rows = minute(number)
            for at in range(0, len(rows), 500):
                await records.append(Batch(("v",), np.tile(rows[at : at + 500], 8)))
        # SQLite begins its log anew after a thousand pages, unless somebody still reads what it replaces.
        assert (tmp_path / f"{FILE}-wal").stat().st_size < 2 * 1_000 * 4_096 + (1 << 20)
        assert (tmp_path / FILE).stat().st_size > 8_000_000
        assert len(first) < 5_000
        assert len(await anext(export)) > 0


async def test_an_export_beside_the_recorder_has_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE_ROWS", 700)
    async with open_records(tmp_path / FILE) as records:
        await record(records, range(2))
        until_us = START_US + 2 * 60_000_000
        recording = asyncio.create_task(record(records, range(2, 4)))
        exports = 0
        while not recording.done():
            wanted = Wanted(vehicle_id=VehicleId("v"), to_us=until_us)
            parts: list[Rows] = [part async for part in records.read(wanted)]
            assert np.array_equal(np.concatenate(parts)["at_us"], np.r_[minute(0)["at_us"], minute(1)["at_us"]])
            exports += 1
        await recording
        assert exports > 1


@pytest.mark.parametrize("form", ["geojson", "mf-json"])
def test_a_longer_export_takes_no_more_memory(tmp_path: Path, form: str) -> None:
    line = [sys.executable, "-m", "tests.adapters.big_export", str(tmp_path), form]
    ran = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    (short, before_kib), (long, after_kib) = json.loads(ran.stdout)
    assert long > short + 12_000_000
    assert after_kib - before_kib < 6_000
