"""Recorded rows in the store: none is lost, none comes twice, whatever became of them meanwhile."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.sqlite.database import connect
from adapters.sqlite.records import Records, open_records
from core.errors import Overloaded
from core.ids import SortieId, VehicleId
from operations.recording.ports import Batch, Gone, RecordedEvent, Wanted
from operations.recording.rows import KEYED, LEVELS, RAW, Rows, joined, thinned, unkeyed

START_US = 1_790_000_000_000_000
NAMES = ("bl-01", "bl-02", "sortie-1")


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    async with open_records(tmp_path / "telemetry.db") as opened:
        yield opened


def rows(first_s: float, seconds: float, *, hz: float = 5.0, seed: int = 1) -> Rows:
    """Both vehicles' rows as they come, the second one on a sortie."""
    rng = np.random.default_rng(seed)
    count = round(seconds * hz)
    made = np.zeros(2 * count, KEYED)
    made["vehicle"] = np.tile([0, 1], count)
    made["sortie"] = np.tile([-1, 2], count)
    made["at_us"] = START_US + np.repeat((first_s + np.arange(count) / hz) * 1e6, 2).astype(int)
    made["at_us"] += made["vehicle"]
    made["lat_e7"] = 311_000_000 + rng.integers(0, 10_000, 2 * count)
    made["mode"] = b"AUTO"
    made["mission_seq"] = -1
    return made


async def read(records: Records, wanted: Wanted) -> Rows:
    return joined([part async for part in records.read(wanted)])


def of_vehicle(batch: Rows, vehicle: int) -> Rows:
    return unkeyed(batch[batch["vehicle"] == vehicle])


async def record(records: Records, batch: Rows, *, per_batch: int = 100) -> None:
    for at in range(0, len(batch), per_batch):
        await records.append(Batch(NAMES, batch[at : at + per_batch]))


@pytest.mark.parametrize("level", LEVELS)
async def test_every_level_is_the_same_whether_rows_wait_or_were_joined_or_rolled_up(
    records: Records, level: int
) -> None:
    batch = rows(0, 4_000, hz=1)
    wanted = Wanted(vehicle_id=VehicleId("bl-02"), level=level)
    expected = thinned(of_vehicle(batch, 1), level)
    await record(records, batch[:6_000], per_batch=1_000)
    for now_s in (2_999, 3_020, 3_700):
        await records.compact(START_US + now_s * 1_000_000)
        assert np.array_equal(await read(records, wanted), thinned(of_vehicle(batch[:6_000], 1), level))
    await record(records, batch[6_000:], per_batch=1_000)
    for now_s in (4_020, 8_000, 200_000):
        assert np.array_equal(await read(records, wanted), expected)
        await records.compact(START_US + now_s * 1_000_000)
    assert np.array_equal(await read(records, wanted), expected)


async def test_rows_are_once_in_memory_while_they_are_put_in_order(records: Records) -> None:
    batch = rows(0, 4_000)
    await record(records, batch, per_batch=1_000)
    tracemalloc.start()
    try:
        await records.compact(START_US + 5_000_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * batch.nbytes


async def test_a_sortie_has_its_vehicles_rows_and_no_other(records: Records) -> None:
    batch = rows(0, 30)
    await record(records, batch)
    for _ in range(2):
        assert np.array_equal(await read(records, Wanted(sortie_id=SortieId("sortie-1"))), of_vehicle(batch, 1))
        assert len(await read(records, Wanted(sortie_id=SortieId("sortie-9")))) == 0
        await records.compact(START_US + 60_000_000)


async def test_a_range_ends_before_its_end(records: Records) -> None:
    batch = rows(0, 200)
    await record(records, batch)
    wanted = Wanted(VehicleId("bl-01"), from_us=START_US + 50_000_000, to_us=START_US + 150_000_000)
    mine = of_vehicle(batch, 0)
    expected = mine[(mine["at_us"] >= wanted.from_us) & (mine["at_us"] < wanted.to_us)]
    for _ in range(2):
        assert np.array_equal(await read(records, wanted), expected)
        await records.compact(START_US + 300_000_000)


async def test_rows_after_the_clock_was_set_back_come_in_the_order_of_time(records: Records) -> None:
    first, second = rows(0, 100), rows(50, 100, seed=2)
    await record(records, first)
    await records.compact(START_US + 200_000_000)
    await record(records, second)
    both = joined([of_vehicle(first, 0), of_vehicle(second, 0)])
    for _ in range(2):
        assert np.array_equal(await read(records, Wanted(VehicleId("bl-01"))), both)
        await records.compact(START_US + 300_000_000)


async def test_a_long_track_is_read_page_by_page_without_a_seam(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.sqlite.records._PAGE_ROWS", 1_000)
    batch = rows(0, 5_000, hz=1)
    for at in range(0, len(batch), 120):
        await records.append(Batch(NAMES, batch[at : at + 120]))
        await records.compact(START_US + (at // 2 + 100) * 1_000_000)
    parts = [part async for part in records.read(Wanted(VehicleId("bl-01")))]
    assert len(parts) >= 4
    assert np.array_equal(np.concatenate(parts), of_vehicle(batch, 0))


async def test_slices_hold_all_vehicles_in_the_order_of_time(records: Records) -> None:
    batch = rows(0, 90)
    await record(records, batch)
    for _ in range(2):
        slices = [each async for each in records.slices(START_US, START_US + 90_000_000, step_s=20)]
        assert [len(each.rows) for each in slices] == [200, 200, 200, 200, 100]
        whole = np.concatenate([each.rows for each in slices])
        assert np.array_equal(unkeyed(whole), unkeyed(batch))
        assert [slices[0].names[index] for index in whole["vehicle"][:2]] == ["bl-01", "bl-02"]
        assert slices[0].names[whole["sortie"][1]] == "sortie-1"
        assert whole["sortie"][0] == -1
        await records.compact(START_US + 300_000_000)


async def test_what_is_held_is_not_deleted(records: Records) -> None:
    batch = rows(0, 100)
    await record(records, batch)
    await records.compact(START_US + 300_000_000)
    gone = await records.expire(LEVELS, START_US + 1_000_000_000, [SortieId("sortie-1")])
    assert gone.rows == 500 + 100
    assert len(await read(records, Wanted(VehicleId("bl-01")))) == 0
    assert len(await read(records, Wanted(VehicleId("bl-02")))) == 500
    assert (await records.expire(LEVELS, START_US + 1_000_000_000, [])).rows == 600
    assert await records.extent(Wanted(VehicleId("bl-02"))) is None


@pytest.mark.parametrize("by_size", [False, True])
async def test_what_was_deleted_before_the_disk_failed_is_told(
    records: Records, monkeypatch: pytest.MonkeyPatch, *, by_size: bool
) -> None:
    await record(records, rows(0, 4_000), per_batch=2_000)
    await records.compact(START_US + 9_000_000_000)
    steps, write = itertools.count(), records._write

    async def fails_at_the_second(job: Any) -> Any:
        if next(steps) == 1:
            raise Overloaded("The telemetry database fails")
        return await write(job)

    async def expire() -> Gone:
        return await (
            records.expire_oldest(0, []) if by_size else records.expire([RAW], START_US + 9_000_000_000, [])
        )

    monkeypatch.setattr(records, "_write", fails_at_the_second)
    part = await expire()
    left = [await read(records, Wanted(VehicleId(name), level=RAW)) for name in NAMES[:2]]
    assert 0 < 40_000 - sum(map(len, left)) <= part.rows


async def test_over_its_size_the_oldest_rows_go_before_their_coarser_levels(records: Records) -> None:
    await record(records, rows(0, 2_000), per_batch=2_000)
    await records.compact(START_US + 3_000_000_000)
    used = await records.used_bytes()
    gone = await records.expire_oldest(used * 3 // 4, [])
    assert 0 < gone.rows < 20_000
    assert await records.used_bytes() <= used * 3 // 4
    left = await records.extent(Wanted(VehicleId("bl-01")))
    assert left is not None
    assert left.from_us == START_US
    assert left.finest > 0
    assert len(await read(records, Wanted(VehicleId("bl-01"), level=1))) == 2_000


async def test_the_finest_level_is_that_of_the_asked_range(records: Records) -> None:
    """The second vehicle is on its flights only: an hour, a long pause, an hour after the rows' end, and a minute."""
    for first_s in (0, 40_000, 80_000):
        await record(records, rows(first_s, 3_600, hz=1), per_batch=1_000)
    await records.compact(START_US + 300_000 * 1_000_000)
    await records.expire([RAW], START_US + 41_800 * 1_000_000, [])
    await record(records, rows(90_000, 60))

    async def finest(since_s: float) -> int:
        since_us = START_US + round(since_s * 1e6)
        found = await records.extent(Wanted(VehicleId("bl-02"), from_us=since_us))
        assert found is not None
        assert found.from_us == START_US + 1
        return found.finest

    assert [await finest(since_s) for since_s in (-1e6, 0, 3_000, 20_000, 41_000)] == [1] * 5
    # Since then every row is there: in the midst of a blob, in the pause before a flight, beyond all rows.
    assert [await finest(since_s) for since_s in (42_000.5, 43_700, 80_500.5, 85_000, 90_030, 99_000)] == [RAW] * 6
    await records.expire([1], START_US + 300_000 * 1_000_000, [])
    assert await finest(0) == 10


async def test_a_database_that_is_broken_is_told_as_one_that_cannot_be_written(tmp_path: Path) -> None:
    async with open_records(tmp_path / "telemetry.db") as records:
        connection = connect(tmp_path / "telemetry.db")
        connection.execute("DROP TABLE pending")
        connection.close()
        with pytest.raises(Overloaded, match="telemetry database fails"):
            await record(records, rows(0, 1))


def told(second: float, text: str, vehicle: str | None = "bl-01", sortie: str | None = None) -> RecordedEvent:
    at_us = START_US + round(second * 1e6)
    known = None if vehicle is None else VehicleId(vehicle)
    return RecordedEvent(at_us, "info", "statustext", text, known, None if sortie is None else SortieId(sortie))


async def texts(
    records: Records, from_s: float, to_s: float, vehicle: str | None = None, limit: int = 99
) -> list[str]:
    known = None if vehicle is None else VehicleId(vehicle)
    from_us, to_us = (START_US + round(second * 1e6) for second in (from_s, to_s))
    return [each.text for each in await records.events(from_us, to_us, vehicle_id=known, limit=limit)]


async def test_events_come_in_the_order_of_time_of_one_vehicle_with_the_platforms_own(records: Records) -> None:
    events = [told(5, "c"), told(1, "a"), told(3, "other", "bl-02"), told(2, "platform", None), told(5, "d")]
    await records.note(events)
    assert await texts(records, 0, 10) == ["a", "platform", "other", "c", "d"]
    assert await texts(records, 0, 10, "bl-01") == ["a", "platform", "c", "d"]
    assert await texts(records, 2, 5, "bl-01") == ["platform"]
    assert await texts(records, 0, 10, "bl-09") == ["platform"]
    assert await texts(records, 0, 10, limit=2) == ["a", "platform"]
    (first, *_) = await records.events(START_US, START_US + 10_000_000, limit=1)
    assert first == events[1]


async def test_events_are_deleted_with_the_rows_of_their_time_but_not_those_of_held_sorties(records: Records) -> None:
    await records.note([told(second, str(second), sortie="sortie-1" if second % 2 else None) for second in range(10)])
    gone = await records.expire([RAW], START_US + 6_000_000, [SortieId("sortie-1")])
    assert gone == Gone(events=3)
    assert await texts(records, 0, 99) == ["1", "3", "5", "6", "7", "8", "9"]
    assert not await records.expire(LEVELS[1:], START_US + 99_000_000, [])


async def test_over_its_size_events_go_too(records: Records) -> None:
    batch = rows(0, 2_000)
    await record(records, batch, per_batch=2_000)
    await records.compact(START_US + 3_000_000_000)
    await records.note([told(second, "x" * 300) for second in range(2_000)])
    used = await records.used_bytes()
    gone = await records.expire_oldest(used * 3 // 4, [])
    assert 0 < gone.events < 2_000
    assert await records.used_bytes() <= used * 3 // 4
    assert (await records.expire_oldest(0, [])).events == 2_000 - gone.events


async def test_in_another_file_names_have_the_numbers_of_that_file(tmp_path: Path) -> None:
    other, here = tmp_path / "other", tmp_path / "here"
    async with open_records(other / "telemetry.db") as records:
        await records.note([told(0, "x", f"bl-0{number}") for number in (5, 4, 3, 2, 1)])
    async with open_records(here / "telemetry.db") as records:
        await record(records, rows(0, 1))
        here.rename(tmp_path / "away")
        other.rename(here)
        batch = rows(5, 10)
        await record(records, batch)
        assert np.array_equal(await read(records, Wanted(VehicleId("bl-01"))), of_vehicle(batch, 0))
        assert np.array_equal(await read(records, Wanted(sortie_id=SortieId("sortie-1"))), of_vehicle(batch, 1))


async def test_a_crowd_of_new_names_keeps_its_numbers_when_its_batch_is_refused(tmp_path: Path) -> None:
    """Names that were stored in a transaction that failed have no number."""
    async with open_records(tmp_path / "telemetry.db") as records:
        connection = connect(tmp_path / "telemetry.db")
        connection.execute("ALTER TABLE pending RENAME TO hidden")
        with pytest.raises(Overloaded):
            await record(records, rows(0, 1))
        connection.execute("ALTER TABLE hidden RENAME TO pending")
        connection.close()
        await records.note([told(0, "x", "bl-02")])
        batch = rows(0, 10)
        await record(records, batch)
        assert np.array_equal(await read(records, Wanted(VehicleId("bl-01"))), of_vehicle(batch, 0))
        assert np.array_equal(await read(records, Wanted(VehicleId("bl-02"))), of_vehicle(batch, 1))


async def test_a_file_that_is_broken_is_told_to_the_tasks_that_keep_it_and_ends_none_of_them(
    records: Records, tmp_path: Path
) -> None:
    connection = connect(tmp_path / "telemetry.db")
    connection.execute("DROP TABLE pending")
    connection.close()
    with pytest.raises(Overloaded, match="telemetry database fails"):
        await records.compact(START_US)
    with pytest.raises(Overloaded, match="telemetry database fails"):
        await records.append(Batch(NAMES, rows(0, 1)))
