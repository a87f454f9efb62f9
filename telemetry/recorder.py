"""Everything that is recorded of all vehicles: a standard `.tlog` per sortie, a row for each position, events."""

from __future__ import annotations

import asyncio
import logging
import math
import shutil
import struct
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.clock import Clock
from core.errors import BailuError, Overloaded
from core.ids import SortieId, VehicleId
from operations.recording.ports import Batch, RecordedEvent, RecordSink
from operations.recording.rows import thinned_keyed
from operations.recording.shedding import Shed, shed_for, words
from operations.recording.tracks import micros_of
from telemetry.board import SEEN_BYTES, Seen
from telemetry.intake import Intake
from telemetry.links.port import LinkHealth
from telemetry.logfiles import LogFiles
from telemetry.messages import FleetEvent, VehicleState
from telemetry.packets import Heartbeat
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.recorder")

FLUSH_S = 0.5
# Whoever waits for what it recorded to be on the disk waits so long at the most.
FLUSHED_WITHIN_S = 3.0
COMPACT_EVERY_S = 5.0
# What may wait in memory while the disk or the store is away: a minute of a thousand vehicles.
MOST_ROWS = 200_000
MOST_EVENTS = 10_000
MOST_LOG_BYTES = 32 << 20
_LEAST_LOG_BYTES = 64 << 10

_time = struct.Struct(">Q").pack


def tlog_path(data_dir: Path, sortie_id: SortieId) -> Path:
    """Where the telemetry log of a sortie lies."""
    return data_dir / "tlogs" / f"{sortie_id}.tlog"


class SortieLog:
    """The frames of one sortie on their way to its `.tlog`; at most `room` bytes wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = bytearray()
        self.room = MOST_LOG_BYTES
        self.lost_bytes = 0
        self.is_over = False

    def frame(self, raw: bytes, at_us: int) -> None:
        """One received frame. A record is the big-endian Unix time in µs, then the frame (pymavlink, mavlogfile)."""
        if len(self.records) > self.room:
            self.lost_bytes += len(raw)
            return
        self.records += _time(at_us)
        self.records += raw

    def take(self) -> bytes:
        """What waits; nothing waits then."""
        taken, self.records = bytes(self.records), bytearray()
        return taken


@dataclass(slots=True)
class Losses:
    """What was not recorded, since the start."""

    rows: int = 0
    log_bytes: int = 0
    events: int = 0

    def since(self, before: Losses) -> str:
        """In words, what was lost since `before`."""
        rows, size, events = self.rows - before.rows, self.log_bytes - before.log_bytes, self.events - before.events
        if not (rows or size or events):
            return "nothing was lost"
        return f"{rows} positions, {size} bytes of frames and {events} events were lost"


class Recorder:
    """Takes frames, positions and events at any rate and writes those of all vehicles every half second.

    What `flush` has written before it returned is acknowledged: rows and events survive a kill and a power cut,
    frames a kill; the files are synced one after the other. While the disk is full or the store away, what is worth
    least is given up first (`operations.recording.shedding`), events last; that is told once, and again when it is
    over.
    """

    def __init__(
        self,
        sink: RecordSink | None,
        *,
        data_dir: Path,
        clock: Clock,
        tell: Callable[[FleetEvent], None] = lambda _: None,
        links: Callable[[], Iterable[LinkHealth]] = tuple,
        floor_bytes: int = 0,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """`sink`: without one only frames are recorded. `links`: how they do, for the rows. `floor_bytes`: with less
        space left, less is recorded."""
        self.lost = Losses()
        self.shed = Shed.NOTHING
        self.written_rows = 0
        self._sink = sink
        self._data_dir = data_dir
        self._clock = clock
        self._tell = tell
        self._links = links
        self._floor_bytes = floor_bytes
        self._free_bytes = free_bytes
        self._intake = Intake()
        self._events: deque[RecordedEvent] = deque()
        self._batches: list[Batch] = []  # taken in, not written yet
        self._logs: dict[SortieId, SortieLog] = {}
        self._files = LogFiles()
        self._seconds: dict[VehicleId, int] = {}  # in which each vehicle had its last row, while fine rows are shed
        self._loss_by_link: dict[str, float] = {}
        self.wrong: str | None = None  # recording is degraded: what is wrong
        self._lost_before = Losses()
        self._flushing: asyncio.Task[None] | None = None

    # --- what comes in ---

    def begin(self, sortie_id: SortieId) -> SortieLog:
        """The log of a sortie from now on; goes on where an earlier run stopped."""
        return self._logs.setdefault(sortie_id, SortieLog(tlog_path(self._data_dir, sortie_id)))

    def end(self, sortie_id: SortieId) -> None:
        """The sortie is over: its log is closed with the next flush."""
        if sortie_id in self._logs:
            self._logs[sortie_id].is_over = True

    def open_logs(self) -> frozenset[SortieId]:
        """The sorties whose logs are being written."""
        return frozenset(self._logs)

    @property
    def waiting_rows(self) -> int:
        """Rows that were taken and are not written yet."""
        return len(self._intake) + sum(len(batch.rows) for batch in self._batches)

    def place(self, vehicle: Vehicle) -> None:
        """A vehicle has a new position; never conflated."""
        self.row(vehicle.slow, vehicle.seen(), vehicle.silence_s(Heartbeat))

    def row(self, slow: VehicleState, seen: Seen, heartbeat_age_s: float) -> None:
        """A row of a vehicle that has a position. `slow`: its record, of which the quick numbers are in `seen`."""
        if self._sink is None:
            return
        at_us = self._clock.unix_us()
        shed = self.shed >= Shed.FINE_ROWS and self._is_shed(slow.vehicle_id, at_us // 1_000_000)
        if shed or len(self._intake) >= MOST_ROWS:  # a disk that hangs takes in nothing at all
            self.lost.rows += 1
            return
        share = self._loss_by_link.get(slow.link_name, math.nan)
        self._intake.put(slow, seen, at_us, heartbeat_age_s=heartbeat_age_s, lost_share=share)

    def room(self) -> int:
        """How many positions `places` takes now; 0 while something is shed: then each has to be looked at."""
        if self._sink is None or self.shed >= Shed.FINE_ROWS:
            return 0
        return max(0, MOST_ROWS - len(self._intake))

    def places(self, slow: Iterable[VehicleState], seen: bytes, heartbeat_ages_s: Iterable[float]) -> None:
        """`place` of many. `seen`: of each an item of `board.SEEN`."""
        at_us, shares = self._clock.unix_us(), self._loss_by_link
        for number, (state, age_s) in enumerate(zip(slow, heartbeat_ages_s, strict=True)):
            one, share = seen[number * SEEN_BYTES : (number + 1) * SEEN_BYTES], shares.get(state.link_name, math.nan)
            self._intake.put(state, one, at_us, heartbeat_age_s=age_s, lost_share=share)

    def event(self, event: FleetEvent) -> None:
        """People are told of it. Of those that wait too long for the store the oldest go."""
        if self._sink is None:
            return
        at_us, about = micros_of(event.at), (event.vehicle_id, event.sortie_id, event.others)
        self._events.append(RecordedEvent(at_us, event.severity, event.code, event.text, *about))
        self._keep_events()

    def _keep_events(self) -> None:
        while len(self._events) > MOST_EVENTS:
            self._events.popleft()
            self.lost.events += 1

    def _is_shed(self, vehicle_id: VehicleId, second: int) -> bool:
        if self.shed is Shed.ROWS or self._seconds.get(vehicle_id) == second:
            return True
        self._seconds[vehicle_id] = second
        return False

    # --- what goes out ---

    async def run(self) -> None:
        """Writes every half second until cancelled, and what is left then."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._compacting(), name="recorder levels")
                while True:
                    await asyncio.sleep(FLUSH_S)
                    await self.flush()
        finally:
            for each in self._logs.values():
                each.is_over = True
            if not await asyncio.shield(self.flush()):
                log.error("the recorder stops with %d positions that the disk did not take", self.waiting_rows)

    async def flush(self) -> bool:
        """Writes what waits, for a few seconds at the most; whether nothing waits now."""
        until_s = self._clock.mono_s() + FLUSHED_WITHIN_S
        # One at a time, or a late batch would overtake an early one; none is cut short: it may be written already.
        while self._flushing is not None:
            if await self._lasts(self._flushing, until_s):
                return False
        self._flushing = asyncio.create_task(self._flush(), name="recorder flush")
        self._flushing.add_done_callback(self._flushed)
        if await self._lasts(self._flushing, until_s):
            self._report([f"the disk does not answer within {FLUSHED_WITHIN_S:g} s"])
            return False
        return not (self.waiting_rows or self._events or any(each.records for each in self._logs.values()))

    async def _lasts(self, flush: asyncio.Task[None], until_s: float) -> bool:
        """Waits for a flush that has begun; whether it is not over in time. Raises what it raised."""
        await asyncio.wait({flush}, timeout=max(0.0, until_s - self._clock.mono_s()))
        if flush.done():
            flush.result()
        return not flush.done()

    def _flushed(self, _: asyncio.Task[None]) -> None:
        self._flushing = None

    async def _flush(self) -> None:
        self._loss_by_link = {
            each.name: math.nan if each.lost_share is None else each.lost_share for each in self._links()
        }
        wrong = [await self._write_events(), await self._write_logs(), await self._write_rows()]
        self.shed = self._shed_now()
        self._report(list(dict.fromkeys(each for each in wrong if each is not None)))

    async def _write_events(self) -> str | None:
        """Writes what people were told; what is wrong, None when nothing is."""
        waiting, self._events = self._events, deque()
        try:
            if waiting and self._sink is not None:
                await self._sink.note(tuple(waiting))
        except BailuError as error:
            self._events.extendleft(reversed(waiting))
            self._keep_events()
            return _why(error)
        return None

    async def _write_logs(self) -> str | None:
        """Writes the frames of all sorties; what is wrong, None when nothing is."""
        wanted = {each.path: each.take() for each in self._logs.values()}
        over = {each.path for each in self._logs.values() if each.is_over}
        if self.shed >= Shed.FRAMES:
            self.lost.log_bytes += sum(map(len, wanted.values()))
            wanted = {}
        unwritten, wrong = await asyncio.to_thread(_write_logs, self._files, wanted, over)
        room = max(_LEAST_LOG_BYTES, MOST_LOG_BYTES // max(1, len(self._logs)))
        for sortie_id, each in tuple(self._logs.items()):
            each.room = room
            each.records[:0] = unwritten.get(each.path, b"")
            self.lost.log_bytes += each.lost_bytes
            each.lost_bytes = 0
            if each.path in over and not each.records:  # and not one that ended while the others were written
                del self._logs[sortie_id]
        return wrong

    async def _write_rows(self) -> str | None:
        """Writes the rows of all vehicles; what is wrong, None when nothing is."""
        new = self._intake.take()
        if new is not None:
            self._batches.append(new)
        try:
            while self._batches and self._sink is not None:
                await self._sink.append(self._batches[0])
                self.written_rows += len(self._batches.pop(0).rows)
        except BailuError as error:
            self._keep_bound()
            return _why(error)
        return None

    def _keep_bound(self) -> None:
        """Of what waits too long for the store, rows but one a second go, then the oldest."""
        if self._waiting_rows() <= MOST_ROWS:
            return
        before = self._waiting_rows()
        self._batches = [Batch(each.names, thinned_keyed(each.rows, 1)) for each in self._batches]
        while self._waiting_rows() > MOST_ROWS:
            self._batches.pop(0)
        self.lost.rows += before - self._waiting_rows()

    def _waiting_rows(self) -> int:
        return sum(len(each.rows) for each in self._batches)

    def _shed_now(self) -> Shed:
        try:
            return shed_for(self._free_bytes(self._data_dir), self._floor_bytes, self.shed)
        except OSError:
            return self.shed

    async def _compacting(self) -> None:
        """Blobs and coarser levels of what was written; a store that is away is told of by the writing."""
        while True:
            await asyncio.sleep(COMPACT_EVERY_S)
            try:
                if self._sink is not None:
                    await self._sink.compact(self._clock.unix_us())
            except BailuError as error:
                log.warning("recorded rows are not put in order now: %s", error.detail)

    # --- what is told ---

    def _report(self, wrong: list[str]) -> None:
        """Says once that recording is degraded, and once with what it cost when it is not any more."""
        why = "; ".join([*wrong, *([words(self.shed)] if self.shed else [])]) or None
        before, self.wrong = self.wrong, why
        if why is not None and before is None:
            self._lost_before = replace(self.lost)
            self._say("warning", "recording-degraded", f"Recording is degraded: {why}.")
        elif why is None and before is not None:
            text = f"Everything is recorded again; {self.lost.since(self._lost_before)}."
            self._say("info", "recording-restored", text)

    def _say(self, severity: str, code: str, text: str) -> None:
        log.log(logging.INFO if severity == "info" else logging.ERROR, "%s", text)
        self._tell(FleetEvent(self._clock.now(), severity, code, text))


def _why(error: BailuError) -> str:
    """What is wrong, without a full stop and without advice: nobody has to try again here."""
    return error.what if isinstance(error, Overloaded) else error.detail.removesuffix(".")


def _write_logs(
    files: LogFiles, wanted: Mapping[Path, bytes], over: Collection[Path]
) -> tuple[dict[Path, bytes], str | None]:
    """Writes each file's records, syncs some, closes those that are over; what was not written, and what is wrong."""
    unwritten, wrong = {}, None
    for path, records in wanted.items():
        try:
            if records:
                files.append(path, records)
        except OSError as error:
            unwritten[path], wrong = records, f"{path.name}: {error.strerror}"
    for step in (files.sync, lambda: files.close(path for path in over if path not in unwritten)):
        try:
            step()
        except OSError as error:
            wrong = f"telemetry logs: {error.strerror}"
    return unwritten, wrong
