"""What recording costs, how much it takes, and whether a kill takes anything back."""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from adapters.sqlite import chunks
from adapters.sqlite.database import connect
from adapters.sqlite.records import Records, open_records
from api.tracks import Level, Range, TrackFormat, track
from bench.figure import Figure
from bench.stream.kills import killed
from core.clock import SystemClock
from core.geo import LatLon
from core.ids import DockId, SortieId, VehicleId
from missions.fleet import default_airframe
from missions.model import Dock
from operations.recording.ports import Batch, Wanted
from operations.recording.rows import KEYED, RAW, Rows, unkeyed
from operations.recording.table import About
from operations.recording.tracks import micros_of
from telemetry.board import POSITION, Board
from telemetry.recorder import Recorder
from telemetry.vehicle import Vehicle, VehicleConfig

KILLS = 100
_VEHICLES = 1_000
_ROUNDS = 40
_ROWS_EACH = 10  # of each vehicle in a round: half a second at 20 Hz
_START = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_MINUTES = 365 * 1_440
_POSITION = struct.Struct("<IiiiihhhH")  # GLOBAL_POSITION_INT


def recorder() -> Iterator[Figure]:
    """Rows a second, their cost, a year's read and the losses of a hundred kills."""
    with tempfile.TemporaryDirectory(prefix="bailu-bench-") as folder:
        yield from asyncio.run(_throughput(Path(folder)))
        yield from asyncio.run(_year(Path(folder) / "year.db"))
        yield from _kills(Path(folder) / "kills")


# --- throughput ---


async def _throughput(folder: Path) -> list[Figure]:
    """Positions of a thousand vehicles through the recorder into the store, with blobs and levels made beside."""
    async with open_records(folder / "telemetry.db") as records:
        recorder = Recorder(records, data_dir=folder, clock=SystemClock())
        vehicles = [_vehicle(number) for number in range(_VEHICLES)]
        began_s, cpu_s = time.perf_counter(), time.process_time()
        for step in range(_ROUNDS):
            for tick in range(_ROWS_EACH):
                payload = _POSITION.pack(
                    step, 311_390_000 + 10 * step + tick, 1_211_240_000, 60_000, 40_000, 9, 9, 0, 9
                )
                for vehicle in vehicles:
                    _BOARD.keep(POSITION, vehicle.row, payload)
                    recorder.place(vehicle)
            await recorder.flush()
            await records.compact(SystemClock().unix_us() + 30_000_000)
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        count = _ROUNDS * _ROWS_EACH * _VEHICLES
        assert recorder.written_rows == count
        log, raw = recorder.begin(SortieId("bench")), bytes(38)
        frames_s = time.process_time()
        for _ in range(100_000):
            log.frame(raw, 1)
        frames_s = time.process_time() - frames_s
        log.take()
        size = (folder / "telemetry.db").stat().st_size
    return [
        Figure("recorder_rows_per_s", count / took_s, "1/s", 20_000, "higher"),
        Figure("recorder_cpu_per_row", cpu_s / count * 1e6, "us"),
        Figure("recorder_disk_per_row", size / count, "B"),
        Figure("recorder_frame", frames_s / 100_000 * 1e6, "us", 1.0),
    ]


def _vehicle(number: int) -> Vehicle:
    dock = Dock(DockId("dock"), "dock", "dock", LatLon(31.139, 121.124), 4.0)
    config = VehicleConfig(VehicleId(f"v-{number:04}"), "v", ("fleet",), 1 + number % 250, dock, default_airframe())
    return Vehicle(config, clock=SystemClock(), board=_BOARD)


# --- a year ---


async def _year(path: Path) -> list[Figure]:
    """A vehicle's year at a row a minute, as it lies in the store once its days are over."""
    async with open_records(path) as records:
        await records.append(Batch(("v-0000",), _rows(np.zeros(1, int))))
        await records.compact(micros_of(_START + timedelta(minutes=2)))
        _put_year(path)
        began_s, wanted = time.perf_counter(), Wanted(vehicle_id=VehicleId("v-0000"), level=60)
        count = 0
        async for part in records.read(wanted):
            count += len(part)
        read_s = time.perf_counter() - began_s
        assert abs(count - _YEAR_MINUTES) <= 1
        return [
            Figure("year_at_60s_read", read_s, "s", 1.0),
            *[await _year_as(form, records, wanted) for form in TrackFormat],
        ]


async def _year_as(form: TrackFormat, records: Records, wanted: Wanted) -> Figure:
    """The year as a file, made piece by piece as an answer to a request is."""
    began_s = time.perf_counter()
    found = await track(records, wanted, Range(level=Level.MINUTE), About("v-0000", "v", None, RAW))
    size = 0
    async for data in found.write(form):
        size += len(data)
    took_s = time.perf_counter() - began_s
    assert size > _YEAR_MINUTES
    # KML is a third of a gigabyte of text, most of it tags, and takes about a second: too near to it to promise.
    goal_s = None if form is TrackFormat.KML else 1.0
    return Figure(f"year_at_60s_as_{form.replace('-', '_')}", took_s, "s", goal_s)


def _put_year(path: Path) -> None:
    connection = connect(path)
    for day in range(365):
        minutes = np.arange(day * 1_440, (day + 1) * 1_440)
        chunks.put(connection, 60, 1, chunks.NOBODY, unkeyed(_rows(minutes)), piece=False)
    connection.close()


def _rows(minutes: np.ndarray) -> Rows:
    rows = np.zeros(len(minutes), KEYED)
    rows["sortie"] = -1
    rows["at_us"] = micros_of(_START) + minutes * 60_000_000
    rng = np.random.default_rng(int(minutes[0]))
    rows["lat_e7"] = 311_390_000 + np.cumsum(rng.integers(-500, 500, len(minutes)))
    rows["lon_e7"], rows["mode"] = 1_211_240_000, b"AUTO"
    for name in KEYED.names or ():
        if KEYED[name].kind == "f":
            rows[name] = rng.uniform(0, 100, len(minutes))
    return rows


# --- kills ---


def _kills(folder: Path) -> Iterator[Figure]:
    """A recorder with vehicles that speak over UDP, killed a hundred times: is there what it had acknowledged?"""
    folder.mkdir()
    toll = killed(folder, KILLS)
    yield Figure(f"recorder_rows_acknowledged_before_{KILLS}_kills", len(toll.acknowledged), "rows")
    yield Figure(f"recorder_rows_lost_in_{KILLS}_kills_after_acknowledgement", len(toll.lost), "rows", 0)
    yield Figure(f"recorder_rows_twice_after_{KILLS}_kills", toll.twice, "rows", 0)
    yield Figure(f"recorder_frames_lost_in_{KILLS}_kills", toll.frames_lost, "frames", 0)
    yield Figure(f"recorder_logs_not_read_after_{KILLS}_kills", toll.bad_logs, "logs", 0)


_BOARD = Board()
