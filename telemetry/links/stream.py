"""A connection that carries a stream of bytes, TCP or serial: bounded both ways, and gone when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.clock import Clock
from telemetry.links.meter import Meter
from telemetry.links.quota import Bucket
from telemetry.links.supervise import LinkLost

# A peer that does not read may hold this much unsent; then frames to it are dropped.
MAX_UNSENT = 64 * 1024
# A peer may say so much before it has to wait; a log download over TCP stays below.
BYTES_PER_S = 1_000_000.0
BYTES_AT_ONCE = 2_000_000.0
# Vehicles send a heartbeat each second; a peer that is silent or deaf for so long is not there any more.
SILENT_S = 30.0

Received = Callable[[bytes], None]


class Stream(asyncio.Protocol):
    """One connection. `lost` is done when it is gone; `heard_s` is when it last spoke, or came up."""

    transport: asyncio.Transport

    def __init__(self, received: Received, *, meter: Meter, clock: Clock) -> None:
        self._received = received
        self._meter = meter
        self._clock = clock
        self._quota = Bucket.full(BYTES_PER_S, BYTES_AT_ONCE, clock.mono_s())
        self._resume: asyncio.TimerHandle | None = None
        self._deaf_since_s: float | None = None
        self.heard_s = clock.mono_s()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard_s = self._clock.mono_s()
        self._meter.rx_bytes += len(data)
        self._received(data)
        wait_s = self._quota.owe(self.heard_s, len(data))
        if wait_s > 0.0 and self._resume is None and not self.transport.is_closing():
            # Not read is not lost: the sender's own window fills.
            self._meter.refused += 1
            self.transport.pause_reading()
            self._resume = asyncio.get_running_loop().call_later(wait_s, self._read_again)

    def _read_again(self) -> None:
        self._resume = None
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Whole frames go out or are dropped and counted."""
        if self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            self._meter.unsent += 1
            self._deaf_since_s = self._deaf_since_s or self._clock.mono_s()
            return
        self._deaf_since_s = None
        self.transport.write(data)
        self._meter.tx_bytes += len(data)

    def silence(self, limit_s: float) -> str | None:
        """Why it counts as gone although nobody closed it (a half-open connection); None: it does not."""
        now_s = self._clock.mono_s()
        if now_s - self.heard_s > limit_s:
            return f"nothing was heard for {limit_s:.0f} s"
        if self._deaf_since_s is not None and now_s - self._deaf_since_s > limit_s:
            return f"it did not read for {limit_s:.0f} s"
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._resume is not None:
            self._resume.cancel()
        if not self.lost.done():
            self.lost.set_result(None)
            self.why = str(exc) if exc is not None else "the connection was closed"

    why: str = ""

    async def until_lost(self, silent_s: float) -> None:
        """Waits until the connection is gone or its peer is. Raises LinkLost that says why."""
        while not self.lost.done():
            await asyncio.wait([self.lost], timeout=min(1.0, silent_s / 4))
            if not self.lost.done() and (why := self.silence(silent_s)) is not None:
                raise LinkLost(why)
        raise LinkLost(self.why)

    def close(self) -> None:
        """Ends it now; what waits unsent is dropped."""
        self.transport.abort()
