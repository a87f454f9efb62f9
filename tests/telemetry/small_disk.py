"""The recorder and the journal on a disk that fails for real: `python -m tests.telemetry.small_disk FOLDER STORY`.

Stories: `full` on a small disk of its own, `limited` on one that is not ours to fill, where no file may grow instead
(RLIMIT_FSIZE: the kernel refuses it as it refuses a write to a full disk), and `away` on one of its own, which is
unmounted, and then locked. Tells what came of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pymavlink.dialects.v20 import ardupilotmega as dialect

from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.database import connect
from adapters.sqlite.records import open_records
from core.clock import SystemClock
from core.errors import Overloaded
from core.ids import SortieId, VehicleId
from missions.sortie import update
from operations.recording.ports import Wanted
from telemetry.logfiles import whole_length
from telemetry.messages import FleetEvent, VehicleState
from telemetry.recorder import Recorder, tlog_path
from telemetry.tlog import read_tlog
from tests.disks import fill
from tests.samples import a_mission, a_revision, a_sortie, seen_of

SORTIE = SortieId("sortie-1")
VEHICLES = 40
FLOOR_BYTES = 8 << 20
RESERVE_BYTES = 1 << 20
RECORD_BYTES = 8 + 21  # of a heartbeat
_MOST_TURNS = 400


class Disk(Protocol):
    """A disk that can be full."""

    def leave(self, free_bytes: int) -> None:
        """Fills it up to so much."""
        ...

    def clear(self) -> None:
        """There is room again."""
        ...


class Mounted:
    """A small disk of its own: a file takes the room."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def leave(self, free_bytes: int) -> None:
        fill(self._filler, free_bytes)

    def clear(self) -> None:
        self._filler.unlink()


class Limited:
    """No file may be longer than it is: EFBIG instead of ENOSPC. Of a disk that fills slowly it knows nothing."""

    def leave(self, free_bytes: int) -> None:
        if free_bytes == 0:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    def clear(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@dataclass
class Flight:
    """Vehicles that are recorded, and how much of them was."""

    recorder: Recorder
    taken: int = 0
    framed: int = 0
    waits: list[int] = field(default_factory=list)

    async def fly(self, turns: int) -> None:
        """Half a second each: a position of every vehicle ten times, frames of the one that is on the sortie."""
        log = self.recorder.begin(SORTIE)
        for _ in range(turns):
            for _ in range(10):
                for number in range(VEHICLES):
                    state = replace(STATE, vehicle_id=VehicleId(f"v-{number}"), lat_deg=20.0 + self.taken * 1e-7)
                    self.taken += 1
                    self.recorder.row(state, seen_of(state), 0.1)
                for _ in range(20):
                    log.frame(_frame(self.framed), SystemClock().unix_us())
                    self.framed += 1
                await asyncio.sleep(0.002)
            await self.recorder.flush()
            self.waits.append(self.recorder.waiting_rows)

    async def until_whole(self) -> bool:
        for _ in range(_MOST_TURNS):
            if await self.recorder.flush() and self.recorder.wrong is None:
                return True
            await asyncio.sleep(0.01)
        return False


STATE = VehicleState(
    VehicleId("v"), "one", None, 11, "fleet", "quad", lat_deg=31.1, lon_deg=121.2, alt_rel_m=50.0, mode="AUTO",
    sortie_id=SORTIE,
)  # fmt: skip


def _frame(number: int) -> bytes:
    codec = dialect.MAVLink(None, srcSystem=11, srcComponent=1)
    codec.seq = number % 256
    return bytes(dialect.MAVLink_heartbeat_message(2, 3, 128, number, 4, 3).pack(codec))


async def full(folder: Path, disk: Disk) -> dict[str, object]:
    """Flies while the disk fills slowly, is cleared, is full at once, and is cleared again; what came of it."""
    told: list[FleetEvent] = []
    async with open_store(folder / "bailu.db", reserve_bytes=RESERVE_BYTES) as store:
        await store.add_mission(a_mission(), a_revision())
        await store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
        recorder = Recorder(
            store.records, data_dir=folder, clock=SystemClock(), tell=told.append, floor_bytes=FLOOR_BYTES
        )
        flight = Flight(recorder)
        await flight.fly(4)
        levels = []
        for free_bytes in (FLOOR_BYTES * 9 // 10, FLOOR_BYTES * 4 // 10):
            disk.leave(free_bytes)
            await flight.fly(2)
            levels.append(recorder.shed)
        disk.clear()
        assert await flight.until_whole()
        before = replace(recorder.lost)
        disk.leave(0)  # at once: nobody has looked at it before
        await flight.fly(6)
        refused = [await _refused(store) for _ in range(20)]
        wrong, level = recorder.wrong, recorder.shed
        disk.clear()
        whole = await flight.until_whole()
        await flight.fly(2)
        recorder.end(SORTIE)
        await flight.until_whole()
        rows = [row async for part in store.records.read(Wanted(sortie_id=SORTIE)) for row in part["lat_e7"].tolist()]
        sortie, path = await store.sortie(SORTIE), tlog_path(folder, SORTIE)
        return {
            "levels": levels,
            "wrong_while_full": wrong,
            "level_while_full": level,
            "whole_again": whole,
            "rows": (flight.taken, len(rows), len({*rows}), recorder.lost.rows),
            "rows_lost_before": before.rows,
            "frames": (flight.framed, sum(1 for _ in read_tlog(path)), recorder.lost.log_bytes // RECORD_BYTES),
            "torn_bytes": path.stat().st_size - whole_length(path),
            "told": [each.code for each in told],
            "last_words": told[-1].text if told else "",
            "most_waiting": max(flight.waits),
            "journal": (sortie.row_revision, sum(refused)),
        }


async def away(folder: Path) -> dict[str, object]:
    """Flies while the disk is unmounted, and while another program has the database to itself."""
    told: list[FleetEvent] = []
    beside = folder.with_name("beside")
    beside.mkdir()
    _run("mount", "--bind", str(folder), str(beside))
    found: dict[str, object] = {}
    async with open_records(folder / "telemetry.db") as records:
        recorder = Recorder(records, data_dir=folder, clock=SystemClock(), tell=told.append, floor_bytes=0)
        flight = Flight(recorder)
        await flight.fly(2)
        _run("umount", "--lazy", str(folder))
        await flight.fly(2)
        found["unmounted"] = recorder.wrong
        found["unmounted, files"] = await asyncio.to_thread(lambda: sorted(path.name for path in folder.iterdir()))
        _run("mount", "--bind", str(beside), str(folder))
        await flight.until_whole()
        other = connect(folder / "telemetry.db")
        other.execute("BEGIN EXCLUSIVE")
        began_s = time.monotonic()
        await flight.fly(1)
        found["locked"] = recorder.wrong
        found["locked, waited_s"] = time.monotonic() - began_s
        other.execute("ROLLBACK")
        other.close()
        found["whole_again"] = await flight.until_whole()
        recorder.end(SORTIE)
        await flight.until_whole()
        rows = [row async for part in records.read(Wanted(sortie_id=SORTIE)) for row in part["lat_e7"].tolist()]
    path = tlog_path(folder, SORTIE)
    return found | {
        "rows": (flight.taken, len(rows), len({*rows}), recorder.lost.rows),
        "frames": (flight.framed, sum(1 for _ in read_tlog(path)), recorder.lost.log_bytes),
        "told": [each.code for each in told],
    }


def _run(*line: str) -> None:
    subprocess.run(line, check=True)


async def _refused(store: SqliteStore) -> bool:
    """One more step of the sortie into the journal; whether it was not taken."""
    sortie = await store.sortie(SORTIE)
    try:
        await store.save_sortie(update(sortie, distance_m=sortie.distance_m + 1.0))
    except Overloaded:
        return True
    return False


if __name__ == "__main__":
    where = Path(sys.argv[1])
    stories = {
        "full": lambda: full(where, Mounted(where)),
        "limited": lambda: full(where, Limited()),
        "away": lambda: away(where),
    }
    print(json.dumps(asyncio.run(stories[sys.argv[2]]())))
