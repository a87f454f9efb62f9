"""A writer of rows that is there to be killed; it tells how many were acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from adapters.sqlite.records import open_records
from operations.recording.ports import Batch
from operations.recording.rows import KEYED

_START_US = 1_790_000_000_000_000


async def _written(path: Path, number: int) -> None:
    """Writes numbered rows and tells each batch's end when it is acknowledged; blobs and levels are made beside."""
    async with open_records(path) as records:
        while True:
            batch = np.zeros(50, KEYED)
            batch["sortie"], batch["lat_e7"] = -1, number + np.arange(50)
            batch["at_us"] = _START_US + batch["lat_e7"].astype(np.int64) * 200_000
            await records.append(Batch(("v-0000",), batch))
            number += 50
            print(number, flush=True)
            await records.compact(int(batch["at_us"][-1]) + 1)


if __name__ == "__main__":
    asyncio.run(_written(Path(sys.argv[1]), int(sys.argv[2])))
