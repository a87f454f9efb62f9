"""A link to one peer that is called, over a stream of bytes: called again whenever the connection is gone."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod

from core.clock import Clock
from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkHealth, OnData, Peer
from telemetry.links.stream import SILENT_S, Stream
from telemetry.links.supervise import supervise


class CallerLink(ABC):
    """See `Link`. What a TCP client and a serial device share: one peer, one stream, jittered pauses."""

    listens = False
    replays = False

    def __init__(
        self,
        name: str,
        peer: Peer,
        on_data: OnData,
        *,
        meter: Meter,
        clock: Clock,
        rng: random.Random | None = None,
        silent_s: float = SILENT_S,
    ) -> None:
        self.name = name
        self._peer = peer
        self._on_data = on_data
        self._meter = meter
        self._clock = clock
        self._rng = rng
        self._silent_s = silent_s
        self._stream: Stream | None = None

    @abstractmethod
    async def _call(self) -> Stream:
        """Connects, once. Raises OSError."""

    @abstractmethod
    def _descriptor(self, transport: asyncio.Transport) -> int | None:
        """The file descriptor of an open connection."""

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def address(self) -> Peer:
        return self._peer

    async def open(self) -> None:  # noqa: B027 - not a hook: there is nothing to bind
        """Nothing is bound; `run` connects."""

    async def run(self) -> None:
        await supervise(self._meter, self._serve, self._rng)

    async def _serve(self) -> None:
        stream = self._stream = await self._call()
        try:
            self._meter.up()
            await stream.until_lost(self._silent_s)
        finally:
            self._stream = None
            stream.close()

    def _made(self) -> Stream:
        return Stream(lambda data: self._on_data(self._peer, data), meter=self._meter, clock=self._clock)

    def send(self, peer: Peer, data: bytes) -> None:  # noqa: ARG002 - there is one peer
        if self._stream is not None:
            self._stream.send(data)

    def hurry(self, seconds: float) -> None:  # noqa: B027 - not a hook: nothing is to be done
        """What comes is read at once."""

    def health(self) -> LinkHealth:
        return self._meter.health()

    def descriptor(self, peer: Peer) -> int | None:  # noqa: ARG002 - there is one peer
        stream = self._stream
        return None if stream is None or stream.transport.is_closing() else self._descriptor(stream.transport)
