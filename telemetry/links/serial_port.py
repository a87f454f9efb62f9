"""A serial device: a telemetry radio or a cable; unplugged it waits until it is back."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

from core.clock import Clock
from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkHealth, OnData, Peer
from telemetry.links.stream import Stream
from telemetry.links.supervise import supervise
from telemetry.links.urls import SerialAddress


class SerialLink:
    """See `Link`. The device may be absent at the start; an absent one is tried again, as a lost one is."""

    listens = False
    replays = False

    def __init__(
        self,
        name: str,
        where: SerialAddress,
        on_data: OnData,
        *,
        meter: Meter,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self._peer: Peer = (where.device, where.baud)
        self._on_data = on_data
        self._meter = meter
        self._clock = clock
        self._rng = rng
        self._stream: Stream | None = None

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def address(self) -> Peer:
        return self._peer

    async def open(self) -> None:
        """Nothing is bound; `run` opens the device."""

    async def run(self) -> None:
        await supervise(self._meter, self._serve, self._rng)

    async def _serve(self) -> None:
        # Only who uses a serial link pays for the import.
        from serial_asyncio_fast import create_serial_connection  # noqa: PLC0415

        device, baud = self._peer
        # SerialException is an OSError. Exclusive: two readers of one device would each get half of the frames.
        _, made = await create_serial_connection(
            asyncio.get_running_loop(), self._made, device, baudrate=baud, exclusive=True
        )
        await asyncio.sleep(0)  # connection_made is called by the loop, not before it
        stream = self._stream = cast("Stream", made)
        try:
            self._meter.up()
            # A radio is silent while no vehicle is switched on: only a device that has gone is lost.
            await stream.until_lost(float("inf"))
        finally:
            self._stream = None
            stream.close()

    def _made(self) -> Stream:
        return Stream(lambda data: self._on_data(self._peer, data), meter=self._meter, clock=self._clock)

    def send(self, peer: Peer, data: bytes) -> None:  # noqa: ARG002 - there is one peer
        if self._stream is not None:
            self._stream.send(data)

    def health(self) -> LinkHealth:
        return self._meter.health()

    def descriptor(self, peer: Peer) -> int | None:  # noqa: ARG002 - there is one peer
        if self._stream is None or self._stream.transport.is_closing():
            return None
        port: Any = self._stream.transport.get_extra_info("serial")
        return None if port is None or port.fd is None else int(port.fd)
