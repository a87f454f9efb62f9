"""A recorder at work that is there to be killed: vehicles over UDP in, a line out for each batch that is stored.

`python -m bench.stream.killed FOLDER SORTIE` tells its port; vehicles of `bench.swarm`, the first one on the sortie.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from adapters.sqlite.records import FILE, Records, open_records
from core.clock import SystemClock
from core.geo import LatLon
from core.ids import DockId, SortieId, VehicleId
from missions.fleet import default_airframe
from missions.model import Dock
from operations.recording.ports import Batch, Deleted, Gone, RecordedEvent
from telemetry.fleet import Fleet
from telemetry.links import LinkConfig
from telemetry.recorder import Recorder
from telemetry.vehicle import Vehicle, VehicleConfig

VEHICLES = 5
# Blobs and levels are made that much before their time, so that kills meet them too.
_EARLY_US = 3_600_000_000


class Telling:
    """The store; of rows that it has acknowledged the latitudes are told, which number them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def append(self, batch: Batch) -> None:
        await self._records.append(batch)
        tell("rows", *batch.rows["lat_e7"].tolist())
        await self._records.compact(int(batch.rows["at_us"][-1]) + _EARLY_US)

    async def note(self, events: Sequence[RecordedEvent]) -> None:
        await self._records.note(events)
        tell("events", len(events))

    async def compact(self, now_us: int) -> int:
        return await self._records.compact(now_us)

    async def expire(self, levels: Sequence[int], before_us: int, held: Collection[SortieId]) -> Gone:
        return await self._records.expire(levels, before_us, held)

    async def expire_oldest(self, most_bytes: int, held: Collection[SortieId]) -> Gone:
        return await self._records.expire_oldest(most_bytes, held)

    async def journal(self, deleted: Deleted) -> None:
        await self._records.journal(deleted)


def tell(*words: object) -> None:
    """One line, in one write: it is there whole, or not at all."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def vehicle_id(number: int) -> VehicleId:
    return VehicleId(f"v-{number}")


async def _record(folder: Path, sortie_id: SortieId) -> None:
    async with open_records(folder / FILE) as records:
        recorder = Recorder(Telling(records), data_dir=folder, clock=SystemClock(), floor_bytes=0)
        log = recorder.begin(sortie_id)

        def on_frame(vehicle: Vehicle, raw: bytes) -> None:
            if vehicle.id == vehicle_id(0):
                log.frame(raw, SystemClock().unix_us())

        dock = Dock(DockId("dock"), "dock", "dock", LatLon(31.0, 121.0), 4.0)
        configs = [
            VehicleConfig(vehicle_id(n), f"v{n}", ("link",), n + 1, dock, default_airframe()) for n in range(VEHICLES)
        ]
        link = LinkConfig("link", "udpin:127.0.0.1:0")
        fleet = Fleet(
            "killed", [link], configs, clock=SystemClock(), pace=1.0, on_frame=on_frame, on_event=recorder.event
        )
        fleet.vehicles[vehicle_id(0)].assign(sortie_id)
        for vehicle in fleet.vehicles.values():
            vehicle.placed = recorder.place
        for each in fleet.links:
            await each.open()
        tell("port", fleet.links[0].address[1])
        async with asyncio.TaskGroup() as group:
            for each in fleet.links:
                group.create_task(each.run())
            group.create_task(fleet.keep_streams())
            group.create_task(_tick(fleet))
            group.create_task(recorder.run())


async def _tick(fleet: Fleet) -> None:
    while True:
        fleet.tick()
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(_record(Path(sys.argv[1]), SortieId(sys.argv[2])))
