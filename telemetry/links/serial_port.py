"""A serial device: a telemetry radio or a cable; unplugged it waits until it is back."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

from core.clock import Clock
from telemetry.links.caller import CallerLink
from telemetry.links.meter import Meter
from telemetry.links.port import OnData
from telemetry.links.stream import Stream
from telemetry.links.urls import SerialAddress


class SerialLink(CallerLink):
    """The device may be absent at the start; an absent one is tried again, as a lost one is."""

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
        peer = (where.device, where.baud)
        # A radio is silent while no vehicle is switched on: only a device that has gone is lost.
        super().__init__(name, peer, on_data, meter=meter, clock=clock, rng=rng, silent_s=float("inf"))

    async def _call(self) -> Stream:
        # Only who uses a serial link pays for the import.
        from serial_asyncio_fast import create_serial_connection  # noqa: PLC0415

        device, baud = self._peer
        # SerialException is an OSError. Exclusive: two readers of one device would each get half of the frames.
        _, made = await create_serial_connection(
            asyncio.get_running_loop(), self._made, device, baudrate=baud, exclusive=True
        )
        await asyncio.sleep(0)  # connection_made is called by the loop, not before it
        return cast("Stream", made)

    def _descriptor(self, transport: asyncio.Transport) -> int | None:
        port: Any = transport.get_extra_info("serial")
        return None if port is None or port.fd is None else int(port.fd)
