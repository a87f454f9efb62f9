"""TCP: one peer that is called, as ArduPilot's simulator listens, or peers that call us."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import suppress
from typing import cast

from core.clock import Clock
from telemetry.links.caller import CallerLink
from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkError, LinkHealth, OnData, Peer
from telemetry.links.stream import SILENT_S, Stream
from telemetry.links.supervise import supervise
from telemetry.links.urls import NetworkAddress

CONNECT_S = 5.0
# Peers of one listening link.
MAX_PEERS = 64
# A peer whose machine has gone does not say so; the kernel finds out in about this long (tcp(7)).
_KEEPALIVE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 10_000))


class TcpClientLink(CallerLink):
    """Calls its peer again, with jittered pauses, whenever the connection is gone."""

    def __init__(
        self,
        name: str,
        where: NetworkAddress,
        on_data: OnData,
        *,
        meter: Meter,
        clock: Clock,
        rng: random.Random | None = None,
        silent_s: float = SILENT_S,
    ) -> None:
        super().__init__(
            name, (where.host, where.port), on_data, meter=meter, clock=clock, rng=rng, silent_s=silent_s
        )

    async def _call(self) -> Stream:
        async with asyncio.timeout(CONNECT_S):
            _, stream = await asyncio.get_running_loop().create_connection(self._made, *self._peer)
        _keep_alive(stream.transport)
        return stream

    def _descriptor(self, transport: asyncio.Transport) -> int:
        return _socket_of(transport)


class TcpServerLink:
    """See `Link`. At most `MAX_PEERS` at a time; a peer that is silent or deaf for too long makes room."""

    listens = True
    replays = False

    def __init__(
        self,
        name: str,
        where: NetworkAddress,
        on_data: OnData,
        *,
        meter: Meter,
        clock: Clock,
        silent_s: float = SILENT_S,
    ) -> None:
        self.name = name
        self._peer: Peer = (where.host, where.port)
        self._on_data = on_data
        self._meter = meter
        self._clock = clock
        self._silent_s = silent_s
        self._server: asyncio.Server | None = None
        self._streams: dict[Peer, Stream] = {}

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def address(self) -> Peer:
        if self._server is not None and self._server.sockets:
            return cast("Peer", self._server.sockets[0].getsockname()[:2])
        return self._peer

    async def open(self) -> None:
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Accepted(self), *self._peer, backlog=16
            )
        except OSError as error:
            raise LinkError(
                f"link {self.name!r} cannot listen on TCP {self._peer[0]}:{self._peer[1]}: "
                f"{error.strerror or error}; is another program using the port?"
            ) from error
        self._meter.up()

    async def run(self) -> None:
        try:
            await supervise(self._meter, self._serve)
        finally:
            self._close()

    async def _serve(self) -> None:
        """Looks after the peers; the listening socket itself does not fail."""
        while True:
            await asyncio.sleep(min(1.0, self._silent_s / 4))
            for stream in tuple(self._streams.values()):
                if stream.silence(self._silent_s) is not None:
                    stream.close()

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for stream in tuple(self._streams.values()):
            stream.close()

    def joined(self, peer: Peer, stream: Stream) -> bool:
        """Takes a peer in; False when there is no room."""
        if len(self._streams) >= MAX_PEERS:
            self._meter.refused += 1
            return False
        self._streams[peer] = stream
        return True

    def left(self, peer: Peer, stream: Stream) -> None:
        if self._streams.get(peer) is stream:
            del self._streams[peer]

    def stream_to(self, accepted: _Accepted) -> Stream:
        return Stream(lambda data: self._on_data(accepted.peer, data), meter=self._meter, clock=self._clock)

    def send(self, peer: Peer, data: bytes) -> None:
        stream = self._streams.get(peer)
        if stream is not None:
            stream.send(data)

    def hurry(self, seconds: float) -> None:
        """What comes is read at once."""

    def health(self) -> LinkHealth:
        return self._meter.health()

    def descriptor(self, peer: Peer) -> int | None:
        stream = self._streams.get(peer)
        return None if stream is None or stream.transport.is_closing() else _socket_of(stream.transport)


class _Accepted(asyncio.Protocol):
    """A connection to a listening link, until it is known who calls; then its stream takes over."""

    peer: Peer

    def __init__(self, link: TcpServerLink) -> None:
        self._link = link
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.peer = tuple(transport.get_extra_info("peername")[:2])
        stream = self._link.stream_to(self)
        stream.connection_made(transport)
        if not self._link.joined(self.peer, stream):
            transport.abort()
            return
        self._stream = stream
        _keep_alive(transport)

    def data_received(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream is not None:
            self._stream.connection_lost(exc)
            self._link.left(self.peer, self._stream)


def _socket_of(transport: asyncio.Transport) -> int:
    return cast("int", transport.get_extra_info("socket").fileno())


def _keep_alive(transport: asyncio.Transport) -> None:
    """So that a peer whose machine has gone is found out, and heartbeats are not held back to be sent together."""
    sock = transport.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in _KEEPALIVE:
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
