"""Retention: what is old or too much goes, the least worth first, and nothing that is held or being written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from adapters.sqlite.records import open_records
from core.clock import ManualClock
from core.errors import Overloaded
from core.ids import OperatorId, SortieId, VehicleId
from operations.recording.ports import Deleted, Gone, Hold, RowSink, Wanted
from operations.recording.retention import KeepPolicy, LogFile, too_many, too_old
from operations.recording.rows import LEVELS
from operations.recording.tracks import micros_of
from telemetry.messages import FleetEvent
from telemetry.recorder import tlog_path
from telemetry.retention import Retention
from tests.samples import AT, a_batch, a_track_point

LOGS = tuple(LogFile(SortieId(f"s-{number}"), number, 100) for number in range(10))


class Holds:
    """One sortie is held."""

    def __init__(self, *sorties: str) -> None:
        self.held = sorties

    async def hold(self, hold: Hold) -> Hold:
        raise NotImplementedError

    async def release(self, sortie_id: SortieId, by: OperatorId, at: object) -> Hold:
        raise NotImplementedError

    async def holds(self, *, sortie_id: SortieId | None = None, open_only: bool = True) -> Sequence[Hold]:
        assert sortie_id is None
        assert open_only
        return [Hold(SortieId(each), "case", OperatorId("x"), AT) for each in self.held]


def test_logs_go_by_age_and_the_oldest_first_but_none_that_is_held_or_open() -> None:
    assert [each.ended_us for each in too_old(LOGS, 4, {SortieId("s-1")})] == [0, 2, 3]
    gone = too_many(LOGS[::-1], 700, {SortieId("s-0")}, {SortieId("s-2")})
    assert [each.ended_us for each in gone] == [1, 3, 4]
    assert too_many(LOGS, 1_000, (), ()) == ()


@pytest.mark.parametrize("held", [(), ("sortie-1",)])
async def test_rows_go_before_levels_with_their_logs_and_it_is_written_down(
    tmp_path: Path, held: tuple[str, ...]
) -> None:
    clock, told = ManualClock(AT), list[FleetEvent]()
    logs = [tlog_path(tmp_path, SortieId(f"sortie-{number}")) for number in (1, 2)]
    for path in logs:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 50)
        os.utime(path, (AT.timestamp(), AT.timestamp()))
    async with open_records(tmp_path / "telemetry.db") as records:
        for number in (1, 2):
            points = [a_track_point(second) for second in range(600)]
            await records.append(a_batch(points, f"sortie-{number}", f"bl-0{number}"))
        await records.compact(micros_of(AT + timedelta(hours=3)))
        retention = Retention(
            KeepPolicy(raw_days=1.0, level_days=3.0, most_bytes=1 << 30), records, Holds(*held),
            data_dir=tmp_path, clock=clock, tell=told.append, open_logs=frozenset,
        )  # fmt: skip
        await retention.look()
        assert told == []
        clock.advance(2 * 86_400)
        await retention.look()
        assert [path.exists() for path in logs] == [bool(held), False]
        finest = [await _finest(records, f"bl-0{number}") for number in (1, 2)]
        assert finest == [0 if held else 1, 1]
        clock.advance(2 * 86_400)
        await retention.look()
        finest = [await _finest(records, f"bl-0{number}") for number in (1, 2)]
        assert finest == [0 if held else None, None]
        assert [each.code for each in told] == ["records-deleted"] * 3
        levels, files, rows = await records.deletions(limit=10)
        assert {each.why for each in (rows, files, levels)} == {"age"}
        assert (rows.rows, rows.logs) == (600 if held else 1_200, ())
        assert (files.rows, {*files.logs}) == (0, {"sortie-2"} if held else {"sortie-1", "sortie-2"})
        assert (levels.rows, levels.logs) == (670 if held else 2 * 670, ())


async def _finest(records: object, vehicle: str) -> int | None:
    extent = await records.extent(Wanted(VehicleId(vehicle)))  # type: ignore[attr-defined]
    return None if extent is None else int(extent.finest)


async def test_over_the_size_logs_give_way_to_rows(tmp_path: Path) -> None:
    told = list[FleetEvent]()
    async with open_records(tmp_path / "telemetry.db") as records:
        await records.append(a_batch([a_track_point(second) for second in range(600)]))
        used = await records.used_bytes()
        for number in range(4):
            path = tlog_path(tmp_path, SortieId(f"s-{number}"))
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * (used // 2))
            os.utime(path, (number, number))
        policy = KeepPolicy(raw_days=36_500, level_days=36_500, most_bytes=2 * used)
        retention = Retention(
            policy, records, Holds("s-0"),
            data_dir=tmp_path, clock=ManualClock(AT), tell=told.append, open_logs=lambda: {SortieId("s-1")},
        )  # fmt: skip
        await retention.look()
        assert sorted(path.stem for path in (tmp_path / "tlogs").iterdir()) == ["s-0", "s-1"]
        extent = await records.extent(Wanted(VehicleId("bl-01"), level=LEVELS[0]))
        assert extent is not None
        assert [each.code for each in told] == ["records-deleted"]
        assert sorted((await records.deletions(limit=1))[0].logs) == ["s-2", "s-3"]


class Reluctant:
    """A store without rows that does not take entries as long as it is full."""

    def __init__(self) -> None:
        self.full = False
        self.entries: list[Deleted] = []

    async def expire(self, *_: object) -> Gone:
        return Gone()

    async def expire_oldest(self, *_: object) -> Gone:
        return Gone()

    async def journal(self, deleted: Deleted) -> None:
        if self.full:
            raise Overloaded("The disk is full")
        self.entries.append(deleted)


def of_logs(tmp_path: Path, sink: Reluctant, *names: str) -> tuple[Retention, list[FleetEvent]]:
    """Retention of nothing but old logs, and what it tells."""
    for name in names:
        path = tlog_path(tmp_path, SortieId(name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 50)
        os.utime(path, (0, 0))
    told = list[FleetEvent]()
    retention = Retention(
        KeepPolicy(raw_days=1.0, level_days=3.0, most_bytes=1 << 30), cast("RowSink", sink), Holds(),
        data_dir=tmp_path, clock=ManualClock(AT), tell=told.append, open_logs=frozenset,
    )  # fmt: skip
    return retention, told


async def test_a_log_that_cannot_be_deleted_keeps_no_other_one_and_is_not_told_as_gone(tmp_path: Path) -> None:
    sink = Reluctant()
    retention, told = of_logs(tmp_path, sink, "a", "c")
    stuck = tlog_path(tmp_path, SortieId("b"))
    stuck.mkdir()
    os.utime(stuck, (0, 0))
    await retention.look()
    assert [path.name for path in stuck.parent.iterdir()] == ["b.tlog"]
    assert [set(entry.logs) for entry in sink.entries] == [{"a", "c"}]
    assert len(told) == 1


async def test_what_was_deleted_is_written_down_before_anything_more_is(tmp_path: Path) -> None:
    sink = Reluctant()
    retention, told = of_logs(tmp_path, sink, "a")
    sink.full = True
    for _ in range(2):
        with pytest.raises(Overloaded):
            await retention.look()
        of_logs(tmp_path, sink, "b")
    assert tlog_path(tmp_path, SortieId("b")).exists()
    assert told == []
    sink.full = False
    await retention.look()
    assert [entry.logs for entry in sink.entries] == [("a",), ("b",)]
    assert len(told) == 2
