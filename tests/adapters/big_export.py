"""What memory exports take: `python -m tests.adapters.big_export FOLDER FORM` tells the peak after each, in KiB."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path

import numpy as np

from adapters.sqlite import chunks
from adapters.sqlite.database import connect
from adapters.sqlite.records import FILE, open_records
from api.tracks import Range, TrackFormat, track
from core.ids import VehicleId
from operations.recording.ports import Batch, Wanted
from operations.recording.rows import KEYED, RAW, Rows, unkeyed
from operations.recording.table import About
from operations.recording.tracks import time_of

START_US = 1_790_000_040_000_000  # a full minute
_HZ = 50
_MINUTES = 120


def minute(number: int) -> Rows:
    """A minute of one vehicle, fifty times a second."""
    rows = np.zeros(60 * _HZ, KEYED)
    rows["sortie"] = -1
    rows["at_us"] = START_US + number * 60_000_000 + np.arange(len(rows)) * (1_000_000 // _HZ)
    rows["lat_e7"], rows["lon_e7"], rows["mode"] = 311_000_000 + np.arange(len(rows)), 1_211_000_000, b"AUTO"
    return rows


async def peaks(path: Path, form: TrackFormat) -> list[tuple[int, int]]:
    """Bytes of the export and peak of the process after it: of a few minutes, and of all."""
    found = []
    async with open_records(path) as records:
        await records.append(Batch(("v",), minute(0)))
        await records.compact(START_US + 3_600_000_000)
        _put(path)
        for minutes in (_MINUTES // 4, _MINUTES):
            span = Range(to_at=time_of(START_US + minutes * 60_000_000))
            made = await track(records, Wanted(vehicle_id=VehicleId("v")), span, About("v", "v", None, RAW))
            size = 0
            async for data in made.write(form):
                size += len(data)
            found.append((size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
    return found


def _put(path: Path) -> None:
    connection = connect(path)
    connection.execute("BEGIN")
    for number in range(1, _MINUTES):
        chunks.put(connection, RAW, 1, chunks.NOBODY, unkeyed(minute(number)), piece=False)
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(peaks(Path(sys.argv[1]) / FILE, TrackFormat(sys.argv[2])))))
