"""UDP: many vehicles on one listening port, or one peer that is called."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from core.clock import Clock
from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkError, LinkHealth, OnData, Peer
from telemetry.links.quota import SenderQuota
from telemetry.links.supervise import LinkLost, supervise
from telemetry.links.urls import NetworkAddress

# A frame has at most 280 bytes; a datagram that an Ethernet link carries whole may hold several.
MAX_DATAGRAM = 1500


class UdpLink:
    """See `Link`. Datagrams that are too large or too many are counted and dropped before anybody parses them."""

    def __init__(self, name: str, where: NetworkAddress, on_data: OnData, *, meter: Meter, clock: Clock) -> None:
        self.name = name
        self.listens = where.listens
        self._peer: Peer = (where.host, where.port)
        self._on_data = on_data
        self._meter = meter
        self._clock = clock
        self._quota = SenderQuota(clock.mono_s())
        self._endpoint: _Datagrams | None = None

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def address(self) -> Peer:
        if self.listens and self._endpoint is not None:
            return cast("Peer", self._endpoint.transport.get_extra_info("sockname")[:2])
        return self._peer

    async def open(self) -> None:
        """A listener binds, so that a taken port is told at the start; a client begins to call in `run`."""
        if self.listens:
            await self._bind()

    async def _bind(self) -> None:
        try:
            self._endpoint = await self._connected()
        except OSError as error:
            raise LinkError(
                f"link {self.name!r} cannot use UDP {self._peer[0]}:{self._peer[1]}: {error.strerror or error}; "
                "is another ground station or another Bailu running?"
            ) from error

    async def _connected(self) -> _Datagrams:
        _, endpoint = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self._received),
            local_addr=self._peer if self.listens else None,
            remote_addr=None if self.listens else self._peer,
        )
        self._meter.up()
        return endpoint

    async def run(self) -> None:
        try:
            await supervise(self._meter, self._serve)
        finally:
            self._close()

    async def _serve(self) -> None:
        if self._endpoint is None:
            self._endpoint = await self._connected()
        try:
            await self._endpoint.lost
        finally:
            self._close()
        raise LinkLost("its socket was closed")

    def _close(self) -> None:
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            endpoint.transport.close()

    def send(self, peer: Peer, data: bytes) -> None:
        endpoint = self._endpoint
        if endpoint is not None and not endpoint.transport.is_closing():
            endpoint.transport.sendto(data, peer if self.listens else None)
            self._meter.tx_bytes += len(data)

    def health(self) -> LinkHealth:
        return self._meter.health()

    def descriptor(self, peer: Peer) -> int | None:  # noqa: ARG002 - one socket serves all
        if self._endpoint is None or self._endpoint.transport.is_closing():
            return None
        return cast("int", self._endpoint.transport.get_extra_info("socket").fileno())

    def _received(self, data: bytes, peer: Peer) -> None:
        meter = self._meter
        meter.rx_bytes += len(data)
        if len(data) > MAX_DATAGRAM:
            meter.oversized += 1
        elif not self._quota.admits(peer, self._clock.mono_s()):
            meter.refused += 1
        else:
            self._on_data(peer[:2], data)


class _Datagrams(asyncio.DatagramProtocol):
    """Hands datagrams on; `lost` is done when the socket is gone."""

    transport: asyncio.DatagramTransport

    def __init__(self, received: Any) -> None:
        self._received = received
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        self._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """ICMP "port unreachable" while the vehicle is away: its silence is what the platform shows."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            if exc is None:
                self.lost.set_result(None)
            else:
                self.lost.set_exception(LinkLost(str(exc)))
