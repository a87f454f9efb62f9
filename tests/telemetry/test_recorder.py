"""Recording: what was acknowledged is there, and what the disk refuses costs the least worth first."""

from __future__ import annotations

import asyncio
import math
import os
import struct
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as dialect

from core.clock import ManualClock
from core.errors import Overloaded
from core.ids import SortieId, VehicleId
from operations.recording.ports import Batch, Deleted, Gone, RecordedEvent
from operations.recording.rows import Rows
from operations.recording.shedding import Shed, shed_for
from telemetry import recorder as module
from telemetry.board import ATTITUDE, BATTERY, POSITION, Board, numbers_of
from telemetry.logfiles import LogFiles, whole_length
from telemetry.messages import FleetEvent, VehicleState
from telemetry.recorder import Recorder, tlog_path
from telemetry.tlog import read_tlog
from tests.samples import seen_of

SORTIE = SortieId("sortie-1")
STATE = VehicleState(
    VehicleId("bl-01"), "one", None, 11, "fleet", "quad", lat_deg=31.1, lon_deg=121.2, alt_rel_m=50.0, mode="AUTO",
    armed=True, mission_seq=2,
)  # fmt: skip


class Sink:
    """Rows and events in lists; refuses while `away`."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.noted: list[RecordedEvent] = []
        self.away = False

    async def note(self, events: Sequence[RecordedEvent]) -> None:
        if self.away:
            raise Overloaded("The disk does not take the data")
        self.noted += events

    async def append(self, batch: Batch) -> None:
        if self.away:
            raise Overloaded("The disk does not take the data")
        self.batches.append(batch)

    async def compact(self, now_us: int) -> int:
        raise NotImplementedError

    async def expire(self, levels: Sequence[int], before_us: int, held: Collection[SortieId]) -> Gone:
        raise NotImplementedError

    async def expire_oldest(self, most_bytes: int, held: Collection[SortieId]) -> Gone:
        raise NotImplementedError

    async def journal(self, deleted: Deleted) -> None:
        raise NotImplementedError

    @property
    def rows(self) -> Rows:
        return np.concatenate([each.rows for each in self.batches])


def row(recorder: Recorder, state: VehicleState, heartbeat_age_s: float) -> None:
    recorder.row(state, seen_of(state), heartbeat_age_s)


def frame(number: int) -> bytes:
    codec = dialect.MAVLink(None, srcSystem=11, srcComponent=1)
    codec.seq = number % 256
    return bytes(dialect.MAVLink_heartbeat_message(2, 3, 128, 5, 4, 3).pack(codec))


def a_recorder(tmp_path: Path, sink: Sink | None = None, **more: object) -> tuple[Recorder, list[FleetEvent]]:
    told: list[FleetEvent] = []
    made = Recorder(sink, data_dir=tmp_path, clock=ManualClock(), tell=told.append, **more)  # type: ignore[arg-type]
    return made, told


async def test_frames_are_read_by_pymavlinks_own_reader_byte_for_byte(tmp_path: Path) -> None:
    recorder, _ = a_recorder(tmp_path)
    log = recorder.begin(SORTIE)
    sent = [frame(number) for number in range(300)]
    for number, raw in enumerate(sent):
        log.frame(raw, 1_790_000_000_000_000 + number * 1_000)
        if number == 150:
            assert await recorder.flush()
    recorder.end(SORTIE)
    assert await recorder.flush()
    reader = mavutil.mavlink_connection(str(tlog_path(tmp_path, SORTIE)))
    read = []
    while (message := reader.recv_match()) is not None:
        read.append((bytes(message.get_msgbuf()), round((message._timestamp - 1_790_000_000) * 1_000)))
    reader.close()
    assert read == [(raw, number) for number, raw in enumerate(sent)]


@pytest.mark.parametrize("left", [1, 8, 9, 20, 28])
async def test_a_log_that_a_kill_tore_goes_on_after_its_last_whole_record(tmp_path: Path, left: int) -> None:
    path = tlog_path(tmp_path, SORTIE)
    path.parent.mkdir()
    record = struct.pack(">Q", 1_000_000) + frame(1)
    path.write_bytes(2 * record + record[:left])
    recorder, _ = a_recorder(tmp_path)
    recorder.begin(SORTIE).frame(frame(2), 2_000_000)
    assert await recorder.flush()
    assert [at_s for at_s, _ in read_tlog(path)] == [1.0, 1.0, 2.0]
    assert path.stat().st_size == 3 * len(record)
    recorder.end(SORTIE)
    await recorder.flush()


async def test_every_position_becomes_a_row_with_what_is_known_then(tmp_path: Path) -> None:
    sink = Sink()
    recorder, _ = a_recorder(tmp_path, sink)
    row(recorder, STATE, 0.25)
    row(recorder, replace(STATE, vehicle_id=VehicleId("bl-02"), sortie_id=SORTIE, roll_deg=-3.5), math.inf)
    assert await recorder.flush()
    (batch,) = sink.batches
    first, second = batch.rows
    assert (first["lat_e7"], first["lon_e7"], first["mode"], first["armed"]) == (
        311_000_000,
        1_212_000_000,
        b"AUTO",
        1,
    )
    assert (first["heartbeat_age_s"], first["mission_seq"], first["gps_fix"]) == (0.25, 2, -1)
    assert np.isnan(first["roll_deg"])
    assert np.isnan(second["heartbeat_age_s"])
    assert second["roll_deg"] == -3.5
    assert [batch.names[number] for number in batch.rows["vehicle"]] == ["bl-01", "bl-02"]
    assert first["sortie"] == -1
    assert batch.names[second["sortie"]] == SORTIE


def test_what_was_kept_unread_is_what_the_board_reads(tmp_path: Path) -> None:
    random = Random(7)
    board, seen, read = Board(), [], []
    row = board.seat(4.5)
    for _ in range(200):
        if random.random() < 0.7:
            lat, lon, knots = (
                random.randrange(-900, 900),
                random.randrange(-1800, 1800),
                random.randrange(-3000, 3000),
            )
            place = (5, lat * 10**6, lon * 10**6, 60_000, 40_000, knots, -knots, 7, random.choice([65535, 1234]))
            board.keep(POSITION, row, struct.pack("<IiiiihhhH", *place).rstrip(b"\0"))
        if random.random() < 0.7:
            lean = struct.pack("<Iffffff", 5, random.random(), -random.random(), 0, 0, 0, 0)
            board.keep(ATTITUDE, row, lean)
        if random.random() < 0.5:
            counts = (0, 0, 0, 0, random.choice([65535, 12_345]), random.choice([-1, 100]), 0, 0, 0, 0, 0, 0)
            board.keep(BATTERY, row, struct.pack("<IIIHHhHHHHHHb", *counts, random.choice([-1, 77])))
        seen.append(board.peek(row))
        if random.random() < 0.5:
            board.read()
        read.append(board.one(row))
    assert np.array_equal(numbers_of(seen), np.array(read), equal_nan=True)


async def test_a_store_that_is_away_costs_nothing_when_it_comes_back_and_is_told_once(tmp_path: Path) -> None:
    sink = Sink()
    recorder, told = a_recorder(tmp_path, sink)
    sink.away = True
    for _ in range(5):
        row(recorder, STATE, 0.0)
        assert not await recorder.flush()
    sink.away = False
    assert await recorder.flush()
    assert len(sink.rows) == 5
    assert [each.code for each in told] == ["recording-degraded", "recording-restored"]
    assert "disk does not take" in told[0].text
    assert "nothing was lost" in told[1].text


async def test_beyond_its_bound_rows_are_thinned_to_one_a_second_and_then_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    sink, clock = Sink(), ManualClock()
    recorder = Recorder(sink, data_dir=tmp_path, clock=clock)
    sink.away = True
    for _ in range(150):
        for _ in range(10):
            row(recorder, STATE, 0.0)
            clock.advance(0.1)
        await recorder.flush()
    sink.away = False
    row(recorder, STATE, 0.0)
    assert await recorder.flush()
    seconds = sink.rows["at_us"] // 1_000_000
    assert len(seconds) <= 101
    assert seconds[-1] - seconds[0] >= 90
    assert recorder.lost.rows + len(seconds) == 1_501


async def test_a_disk_that_fills_sheds_frames_then_fine_rows_then_rows_and_takes_all_up_again(tmp_path: Path) -> None:
    sink, clock, free = Sink(), ManualClock(), [1_000]
    told: list[FleetEvent] = []
    recorder = Recorder(
        sink, data_dir=tmp_path, clock=clock, tell=told.append, floor_bytes=1_000, free_bytes=lambda _: free[0]
    )
    log = recorder.begin(SORTIE)
    kept = []
    for room in (2_000, 900, 400, 200, 2_000):
        free[0] = room
        await recorder.flush()
        before = sum(len(each.rows) for each in sink.batches)
        for _ in range(10):
            row(recorder, STATE, 0.0)
            log.frame(frame(1), clock.unix_us())
            clock.advance(0.2)
        await recorder.flush()
        size = tlog_path(tmp_path, SORTIE).stat().st_size
        kept.append((size // 29, sum(len(each.rows) for each in sink.batches) - before))
    assert kept == [(10, 10), (10, 10), (10, 2), (10, 0), (20, 10)]
    assert [each.code for each in told] == ["recording-degraded", "recording-restored"]
    assert f"{8 + 10} positions, {30 * 29} bytes" in told[1].text
    recorder.end(SORTIE)
    await recorder.flush()


@pytest.mark.parametrize("before", list(Shed))
def test_what_was_given_up_is_taken_up_only_with_room_to_spare(before: Shed) -> None:
    assert shed_for(1_101, 1_000, before) is Shed.NOTHING
    assert shed_for(999, 1_000, before) >= Shed.FRAMES
    assert shed_for(1_050, 1_000, before) is (Shed.NOTHING if before is Shed.NOTHING else Shed.FRAMES)
    assert shed_for(100, 1_000, before) is Shed.ROWS


async def test_a_write_that_the_disk_cuts_short_leaves_no_torn_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, told = a_recorder(tmp_path)
    log, path = recorder.begin(SORTIE), tlog_path(tmp_path, SORTIE)
    log.frame(frame(1), 1_000_000)
    await recorder.flush()
    whole, pwrite = path.stat().st_size, os.pwrite

    def half(descriptor: int, data: memoryview, at: int) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return pwrite(descriptor, data[: len(data) // 2], at)

    monkeypatch.setattr(os, "pwrite", half)
    log.frame(frame(2), 2_000_000)
    assert not await recorder.flush()
    assert whole_length(path) == whole == path.stat().st_size
    monkeypatch.setattr(os, "pwrite", pwrite)
    log.frame(frame(3), 3_000_000)
    assert await recorder.flush()
    assert [at_s for at_s, _ in read_tlog(path)] == [1.0, 2.0, 3.0]
    assert [each.code for each in told] == ["recording-degraded", "recording-restored"]
    recorder.end(SORTIE)
    await recorder.flush()


def test_a_failed_sync_is_not_trusted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, path = LogFiles(), tmp_path / "x.tlog"
    files.append(path, struct.pack(">Q", 1) + frame(1))

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(OSError, match="Input/output"):
        files.sync()
    opened: list[Path] = []

    def looked_at(at: Path) -> int:
        opened.append(at)
        return whole_length(at)

    monkeypatch.setattr("telemetry.logfiles.whole_length", looked_at)
    files.append(path, struct.pack(">Q", 2) + frame(2))
    assert opened == [path]
    monkeypatch.undo()
    files.close([path])
    assert len(list(read_tlog(path))) == 2


def test_a_file_that_cannot_be_synced_keeps_no_other_one_from_the_disk_or_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, paths = LogFiles(), [tmp_path / f"{number}.tlog" for number in range(3)]
    synced, broken, sync = set[int](), tmp_path.stat().st_ino, os.fdatasync

    def fails(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode == broken:
            raise OSError(5, "Input/output error")
        sync(descriptor)
        synced.add(inode)

    monkeypatch.setattr(os, "fdatasync", fails)
    for write in (1, 2):
        for path in paths:
            files.append(path, struct.pack(">Q", write) + frame(write))
        broken = paths[0].stat().st_ino
        synced.clear()
        with pytest.raises(OSError, match="Input/output"):
            files.sync() if write == 1 else files.close(paths)
        assert synced == {path.stat().st_ino for path in paths[1:]}
    assert files._open == {}
    assert [len(list(read_tlog(path))) for path in paths] == [2, 2, 2]


async def test_a_log_that_fails_to_sync_keeps_no_finished_one_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, told = a_recorder(tmp_path, Sink())
    flies, over = recorder.begin(SORTIE), recorder.begin(SortieId("over"))
    for log in (flies, over):
        log.frame(frame(1), 1_000_000)
    recorder.end(SortieId("over"))

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(LogFiles, "sync", fails)
    await recorder.flush()
    assert [each.code for each in told] == ["recording-degraded"]
    assert recorder._files._open.keys() == {flies.path}
    monkeypatch.undo()
    recorder.end(SORTIE)
    await recorder.flush()
    assert recorder._files._open == {}


async def test_a_log_that_ends_while_others_are_written_is_closed_with_the_next_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, _ = a_recorder(tmp_path, Sink())
    log, write = recorder.begin(SORTIE), module._write_logs
    log.frame(frame(1), 1_000_000)

    def and_it_ends(*asked: Any) -> Any:
        recorder.end(SORTIE)
        return write(*asked)

    monkeypatch.setattr(module, "_write_logs", and_it_ends)
    assert await recorder.flush()
    assert recorder._files._open.keys() == {log.path}
    await recorder.flush()
    assert (recorder._files._open, recorder.open_logs()) == ({}, frozenset())


async def test_a_disk_that_hangs_holds_nobody_up_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSHED_WITHIN_S", 0.05)
    release = asyncio.Event()

    class Hanging(Sink):
        async def append(self, batch: Batch) -> None:
            await release.wait()
            await super().append(batch)

    monkeypatch.setattr(module, "MOST_ROWS", 10)
    sink = Hanging()
    recorder, told = a_recorder(tmp_path, sink)
    row(recorder, STATE, 0.0)
    assert not await recorder.flush()
    assert [each.code for each in told] == ["recording-degraded"]
    assert "does not answer within" in told[0].text
    for _ in range(15):
        row(recorder, STATE, 0.0)
    assert not await recorder.flush()
    assert (recorder.waiting_rows, recorder.lost.rows) == (10 + 1, 5)
    release.set()
    while not await recorder.flush():  # noqa: ASYNC110 - the recorder has no event for it
        await asyncio.sleep(0)
    assert [len(each.rows) for each in sink.batches] == [1, 10]
    assert [each.code for each in told] == ["recording-degraded", "recording-restored"]
    assert "5 positions, 0 bytes of frames and 0 events" in told[1].text


def an_event(number: int) -> FleetEvent:
    return FleetEvent(datetime(2026, 3, 1, tzinfo=UTC), "info", "statustext", str(number), VehicleId("bl-01"), SORTIE)


async def test_events_wait_for_the_store_in_their_order_and_beyond_their_bound_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 5)
    sink = Sink()
    recorder, told = a_recorder(tmp_path, sink)
    recorder.event(an_event(0))
    assert await recorder.flush()
    sink.away = True
    for number in (1, 2, 3):
        recorder.event(an_event(number))
    assert not await recorder.flush()
    for number in (4, 5, 6, 7):
        recorder.event(an_event(number))
        assert not await recorder.flush()
    sink.away = False
    assert await recorder.flush()
    assert [each.text for each in sink.noted] == ["0", "3", "4", "5", "6", "7"]
    assert (sink.noted[0].vehicle_id, sink.noted[0].sortie_id) == ("bl-01", SORTIE)
    assert recorder.lost.events == 2
    assert "and 2 events were lost" in told[-1].text


async def test_when_no_position_is_recorded_any_more_events_still_are(tmp_path: Path) -> None:
    sink = Sink()
    recorder, _ = a_recorder(tmp_path, sink, floor_bytes=1_000, free_bytes=lambda _: 1)
    await recorder.flush()
    assert recorder.shed is Shed.ROWS
    row(recorder, STATE, 0.0)
    recorder.event(an_event(1))
    await recorder.flush()
    assert (len(sink.batches), len(sink.noted)) == (0, 1)


async def test_a_log_that_somebody_took_away_goes_on_as_a_new_one(tmp_path: Path) -> None:
    recorder, _ = a_recorder(tmp_path)
    log, path = recorder.begin(SORTIE), tlog_path(tmp_path, SORTIE)
    for number in (1, 2, 3):
        log.frame(frame(number), number * 1_000_000)
        assert await recorder.flush()
        if number == 1:
            path.unlink()
    assert [at_s for at_s, _ in read_tlog(path)] == [2.0, 3.0]
    recorder.end(SORTIE)
    await recorder.flush()


async def test_no_folder_takes_the_place_of_a_disk_that_is_away(tmp_path: Path) -> None:
    recorder, told = a_recorder(tmp_path)
    log, path = recorder.begin(SORTIE), tlog_path(tmp_path, SORTIE)
    log.frame(frame(1), 1_000_000)
    assert await recorder.flush()
    path.parent.rename(tmp_path / "away")
    for number in (2, 3):
        log.frame(frame(number), number * 1_000_000)
        assert not await recorder.flush()
    assert not path.parent.exists()
    (tmp_path / "away").rename(path.parent)
    assert await recorder.flush()
    assert [at_s for at_s, _ in read_tlog(path)] == [1.0, 2.0, 3.0]
    assert [each.code for each in told] == ["recording-degraded", "recording-restored"]
    recorder.end(SORTIE)
    await recorder.flush()
