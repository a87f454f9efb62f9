"""Forwarding at work in one process of a data folder, however many serve its people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from api.folder import StartError, locked
from telemetry.forwarding.forwarder import Forwarder, Ways

log = logging.getLogger("bailu.forwarding")

LOCK = "forwarding.lock"
ASK_AGAIN_S = 2.0


@asynccontextmanager
async def running_forwarder(ways: Ways, data_dir: Path) -> AsyncIterator[None]:
    """Forwards while the context is open, from when no other process of the folder does so any more."""
    task = asyncio.create_task(_forward(ways, data_dir / LOCK), name="forwarding")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _forward(ways: Ways, lock: Path) -> None:
    while True:
        try:
            with locked(lock):
                await Forwarder(ways).run()
        except StartError:
            await asyncio.sleep(ASK_AGAIN_S)
        except Exception:  # other systems are told again in a moment; those who fly go on
            log.exception("forwarding ended and begins again")
            await asyncio.sleep(ASK_AGAIN_S)
