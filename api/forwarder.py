"""Forwarding at work in one process of a data folder, however many serve its people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from api.folder import StartError, locked
from api.traffic import TrafficWatch
from operations.forwarding.rules import What
from telemetry.forwarding.collector import Collector, committing
from telemetry.forwarding.forwarder import Forwarder, Ways
from telemetry.messages import FLEET_EVENT, FleetEvent, TrafficNews

log = logging.getLogger("bailu.forwarding")

LOCK = "forwarding.lock"
ASK_AGAIN_S = 2.0


@asynccontextmanager
async def overhearing(traffic: TrafficWatch, take: Callable[[TrafficNews], None]) -> AsyncIterator[None]:
    """Hands over what the watch tells. Conflicts that are there already are told first: who told them is gone."""
    for conflict in traffic.conflicts:
        take(TrafficNews(conflict.began_at, "begin", conflict))
    traffic.overheard = take
    try:
        yield
    finally:
        traffic.overheard = None


@asynccontextmanager
async def running_forwarder(ways: Ways, data_dir: Path, traffic: TrafficWatch) -> AsyncIterator[None]:
    """Forwards while the context is open, from when no other process of the folder does so any more.

    Every process watches the `traffic` for its own viewers; the one that forwards tells others of it.
    """
    task = asyncio.create_task(_forward(ways, data_dir / LOCK, traffic), name="forwarding")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _forward(ways: Ways, lock: Path, traffic: TrafficWatch) -> None:
    def tell(event: FleetEvent) -> None:
        ways.bus.publish(FLEET_EVENT, event)

    while True:
        try:
            with locked(lock):
                async with (
                    committing(Collector(ways.outbox, ways.clock, tell, What.TRAFFIC)) as collector,
                    overhearing(traffic, collector.take),
                ):
                    await Forwarder(ways).run()
        except StartError:
            await asyncio.sleep(ASK_AGAIN_S)
        except Exception:  # other systems are told again in a moment; those who fly go on
            log.exception("forwarding ended and begins again")
            await asyncio.sleep(ASK_AGAIN_S)
