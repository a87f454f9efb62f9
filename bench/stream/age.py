"""How old a position is when a viewer of the public WebSocket has it."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from websockets.asyncio.client import connect

from bench.figure import Figure
from tests.platform import running_platform

_SECONDS = 15.0


def age() -> Iterator[Figure]:
    """Age of positions at arrival, three vehicles at 10 Hz; the goal is the domain guide's 2 s for remote viewers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_platform(Path(folder) / "data", speedup=1.0) as platform,
    ):
        ages_s = asyncio.run(_ages(platform.url.replace("http", "ws") + "/api/v1/stream"))
    ages_s.sort()
    yield Figure("stream.age.p50", statistics.median(ages_s), "s", 2.0)
    yield Figure("stream.age.p99", ages_s[int(len(ages_s) * 0.99)], "s", 2.0)


async def _ages(url: str) -> list[float]:
    ages: list[float] = []
    async with connect(url) as socket:
        await socket.send(json.dumps({"type": "subscribe", "vehicles": "*", "rate_hz": 10}))
        await asyncio.sleep(5)  # streams start
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 5))
            if frame["type"] == "tick":
                ages += [row[2] / 1e3 for row in frame["rows"] if row[2] is not None]
    return ages
