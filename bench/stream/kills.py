"""The recorder killed again and again while vehicles speak: what it had acknowledged, and is there no more."""

from __future__ import annotations

import asyncio
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pymavlink import mavutil

from adapters.sqlite.records import FILE, open_records
from bench.stream.killed import VEHICLES, vehicle_id
from bench.stream.rigs import free_ports
from bench.swarm import IDS, PAYLOADS, Speaker, answer, speakers
from core.ids import SortieId
from operations.recording.ports import Wanted
from telemetry.logfiles import whole_length
from telemetry.recorder import tlog_path
from telemetry.tlog import read_records

# Messages a second of each vehicle.
_POSITIONS_HZ, _BESIDES = 20.0, ("ATTITUDE", "SYS_STATUS", "GPS_RAW_INT")
_SLOT_S = 1.0 / _POSITIONS_HZ
_FIRST_LAT_E7 = 100_000_000
_MOST_RECORD = 8 + 280 + 13
# A sortie's log goes on over so many kills.
KILLS_PER_SORTIE = 5
# Some are killed while they start, too: the log and the store are mended then.
_KILLED_STARTING, _STARTS_S = 0.15, 2.0


@dataclass(slots=True)
class Toll:
    """What kills took. `acknowledged`: rows that the recorder had said to be stored."""

    kills: int = 0
    acknowledged: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    twice: int = 0
    frames: int = 0  # read back from logs by pymavlink
    frames_lost: int = 0  # of acknowledged rows of the vehicle on the sortie
    bad_logs: int = 0  # that pymavlink does not read to their last whole frame


class Speaking:
    """Vehicles that send positions at a steady rate, each with a latitude of its own; whoever listens."""

    def __init__(self) -> None:
        self._vehicles = [*speakers(free_ports(1, socket.SOCK_DGRAM), VEHICLES)]
        self._sent = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.first: set[int] = set()  # latitudes of the vehicle that is on the sortie

    def to(self, port: int) -> None:
        """From now on they speak to whoever listens there."""
        for each in self._vehicles:
            each.sock.connect(("127.0.0.1", port))

    def _run(self) -> None:
        turn, began_s = 0, time.monotonic()
        while not self._over.is_set():
            for speaker in self._vehicles:
                self._say(speaker, turn)
            self._answer()
            turn += 1
            time.sleep(max(0.0, began_s + turn * _SLOT_S - time.monotonic()))

    def _say(self, speaker: Speaker, turn: int) -> None:
        at_s = turn * _SLOT_S
        if turn % 20 == 0:
            speaker.say(IDS["HEARTBEAT"], PAYLOADS["HEARTBEAT"](speaker, at_s))
        name = _BESIDES[turn % len(_BESIDES)]
        speaker.say(IDS[name], PAYLOADS[name](speaker, at_s))
        lat_e7 = _FIRST_LAT_E7 + self._sent
        self._sent += 1
        if speaker.number == 0:
            self.first.add(lat_e7)
        place = struct.pack("<IiiiihhhH", round(at_s * 1e3), lat_e7, 1_210_000_000, 64_000, 60_000, 800, 0, 0, 0)
        speaker.say(IDS["GLOBAL_POSITION_INT"], place)

    def _answer(self) -> None:
        by_fd = {each.sock.fileno(): each for each in self._vehicles}
        for fd in select.select([*by_fd], [], [], 0)[0]:
            try:
                answer(by_fd[fd], by_fd[fd].sock.recv(2048))
            except (BlockingIOError, ConnectionRefusedError):
                continue

    def __enter__(self) -> Speaking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for each in self._vehicles:
            each.sock.close()


def killed(folder: Path, count: int, *, alive_s: float = 1.5, seed: int = 1) -> Toll:
    """Kills a recorder `count` times, most of them up to `alive_s` after its first batch, and looks after each."""
    toll, rng = Toll(), random.Random(seed)
    with Speaking() as speaking:
        for number in range(count):
            sortie_id = SortieId(f"sortie-{number // KILLS_PER_SORTIE}")
            with _recording(folder, sortie_id) as child:
                batches = _one_life(child, speaking, rng, alive_s)
            toll.kills += 1
            toll.acknowledged.update(*batches)
            _look_at_rows(folder, toll)
            # Frames are written before rows: those of all batches but the last are in the log for sure.
            logged = {row for batch in batches[:-1] for row in batch} & speaking.first
            _look_at_log(tlog_path(folder, sortie_id), logged, toll)
    return toll


@contextmanager
def _recording(folder: Path, sortie_id: SortieId) -> Iterator[subprocess.Popen[bytes]]:
    line = [sys.executable, "-m", "bench.stream.killed", str(folder), sortie_id]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


def _one_life(
    child: subprocess.Popen[bytes], speaking: Speaking, rng: random.Random, alive_s: float
) -> list[list[int]]:
    """The batches that were acknowledged before the kill, which comes at a moment of chance."""
    assert child.stdout is not None
    said: list[bytes] = []
    if rng.random() < _KILLED_STARTING:
        time.sleep(rng.uniform(0.0, _STARTS_S))
    else:
        while not (said and said[-1].startswith(b"rows")):
            said.append(child.stdout.readline())
            assert said[-1], "the recorder ended by itself"
            if said[-1].startswith(b"port"):
                speaking.to(int(said[-1].split()[1]))
        time.sleep(rng.uniform(0.0, alive_s))
    child.kill()
    said += child.stdout.readlines()
    return [[int(word) for word in line.split()[1:]] for line in said if line.startswith(b"rows")]


def _look_at_rows(folder: Path, toll: Toll) -> None:
    kept = asyncio.run(_kept(folder / FILE))
    toll.lost |= toll.acknowledged.difference(kept.tolist())
    toll.twice = max(toll.twice, len(kept) - len(np.unique(kept)))


async def _kept(path: Path) -> np.ndarray:
    parts = [np.empty(0, np.int32)]
    async with open_records(path) as records:
        for number in range(VEHICLES):
            parts += [rows["lat_e7"] async for rows in records.read(Wanted(vehicle_id=vehicle_id(number)))]
    return np.concatenate(parts)


def _look_at_log(path: Path, logged: set[int], toll: Toll) -> None:
    """What pymavlink's own reader makes of a log: all whole records, and at the most a torn one after them."""
    if not path.exists():
        toll.frames_lost += len(logged)
        return
    read = _read_by_pymavlink(path)
    records, whole = sum(1 for _ in read_records(path)), whole_length(path)
    if len(read) != records or not whole <= path.stat().st_size < whole + _MOST_RECORD:
        toll.bad_logs += 1
    toll.frames = max(toll.frames, len(read))
    toll.frames_lost += len(logged.difference(read))


def _read_by_pymavlink(path: Path) -> list[int | None]:
    """Of each message the latitude, None of one that has none."""
    reader, read = mavutil.mavlink_connection(str(path)), list[int | None]()
    while (message := reader.recv_msg()) is not None:
        read.append(getattr(message, "lat", None) if message.get_type() == "GLOBAL_POSITION_INT" else None)
    reader.close()
    return read
