"""A recording as a link: plays the frames of a `.tlog` with their times; nothing is ever sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkCondition, LinkError, LinkHealth, OnData, Peer
from telemetry.links.urls import Recording
from telemetry.tlog import BadLog, read_records


class ReplayLink:
    """See `Link`. Plays its file once, at the recording's speed; then it is down, as it should be."""

    listens = False
    replays = True

    def __init__(self, name: str, what: Recording, on_data: OnData, *, meter: Meter) -> None:
        self.name = name
        self._what = what
        self._on_data = on_data
        self._meter = meter

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def address(self) -> Peer:
        return (str(self._what.path), 0)

    async def open(self) -> None:
        """Looks at the file's beginning, so that a wrong one is told at the start. Raises LinkError."""
        try:
            next(read_records(self._what.path), None)
        except BadLog as error:
            raise LinkError(f"link {self.name!r}: {error}") from error

    async def run(self) -> None:
        self._meter.up(LinkCondition.REPLAYING)
        try:
            await self._play(self._what.path)
            self._meter.ended("the recording is over")
        except BadLog as error:
            self._meter.ended(str(error))
        await asyncio.Event().wait()

    async def _play(self, path: Path) -> None:
        loop = asyncio.get_running_loop()
        began_s, first_s = loop.time(), None
        for at_s, frame in read_records(path):
            first_s = at_s if first_s is None else first_s
            wait_s = began_s + (at_s - first_s) / self._what.speed - loop.time()
            # Always, so that a recording without pauses does not hold the loop.
            await asyncio.sleep(max(0.0, wait_s))
            self._meter.rx_bytes += len(frame)
            self._on_data(self.address, frame)

    def send(self, peer: Peer, data: bytes) -> None:
        """A recording hears nothing."""

    def hurry(self, seconds: float) -> None:
        """A recording keeps its own time."""

    def health(self) -> LinkHealth:
        return self._meter.health()

    def descriptor(self, peer: Peer) -> int | None:  # noqa: ARG002 - nobody is there
        return None
