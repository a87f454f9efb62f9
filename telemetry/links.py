"""Transports: UDP server, UDP client and TCP client behind one small port; each supervises itself."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from telemetry.wire import MAX_DATAGRAM

log = logging.getLogger("bailu.link")

Peer = tuple[str, int]
OnData = Callable[[Peer, bytes], None]

_URL = re.compile(r"^(udpin|udpout|tcp):(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$")
# A TCP peer that does not read may hold this much unsent; then frames to it are dropped.
_MAX_UNSENT = 64 * 1024


class LinkError(Exception):
    """A link cannot be opened; the text says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """One line of configuration: `udpin:HOST:PORT` listens, `udpout:HOST:PORT` and `tcp:HOST:PORT` connect."""

    name: str
    url: str


class Link(Protocol):
    """A transport that carries frames of any number of vehicles."""

    name: str
    listens: bool  # peers come to us; else we call one

    @property
    def address(self) -> Peer:
        """Where it is bound (listeners) or connects to (clients)."""
        ...

    async def open(self) -> None:
        """Binds what must be bound. Raises LinkError."""
        ...

    async def run(self) -> None:
        """Serves until cancelled; expected failures are handled here."""
        ...

    def send(self, peer: Peer, data: bytes) -> None:
        """Hands `data` over for `peer`; what cannot be sent now is dropped, as a radio would."""
        ...


def make_link(config: LinkConfig, on_data: OnData) -> Link:
    """The link that `config` describes. Raises LinkError when its URL is not understood."""
    found = _URL.match(config.url)
    if not found or not 0 <= int(found[3]) <= 65535:
        raise LinkError(
            f"link {config.name!r}: {config.url!r} is no link URL; "
            "use udpin:HOST:PORT, udpout:HOST:PORT or tcp:HOST:PORT"
        )
    peer = (found[2].strip("[]"), int(found[3]))
    if found[1] == "tcp":
        return TcpClientLink(config.name, peer, on_data)
    return UdpLink(config.name, peer, on_data, listens=found[1] == "udpin")


class UdpLink:
    """Many vehicles on one listening port, or one peer that is called."""

    def __init__(self, name: str, peer: Peer, on_data: OnData, *, listens: bool) -> None:
        self.name = name
        self.oversized = 0
        self._peer = peer
        self._on_data = on_data
        self.listens = listens
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    @property
    def address(self) -> Peer:
        if self.listens and self._transport is not None:
            return cast("Peer", self._transport.get_extra_info("sockname")[:2])
        return self._peer

    async def open(self) -> None:
        try:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self),
                local_addr=self._peer if self.listens else None,
                remote_addr=None if self.listens else self._peer,
            )
        except OSError as error:
            raise LinkError(
                f"link {self.name!r} cannot use UDP {self._peer[0]}:{self._peer[1]}: {error.strerror or error}; "
                "is another ground station or another Bailu running?"
            ) from error

    async def run(self) -> None:
        try:
            await self._closed.wait()
        finally:
            if self._transport is not None:
                self._transport.close()

    def send(self, peer: Peer, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, peer if self.listens else None)

    def received(self, data: bytes, peer: Peer) -> None:
        if len(data) > MAX_DATAGRAM:
            self.oversized += 1
            return
        self._on_data(peer[:2], data)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, link: UdpLink) -> None:
        self._link = link

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        self._link.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        # ICMP "port unreachable" while the vehicle is away: its silence is what the platform shows.
        log.debug("link %s: %s", self._link.name, exc)


class TcpClientLink:
    """One peer over TCP, as ArduPilot's simulator offers; reconnects with jittered back-off while it runs."""

    def __init__(self, name: str, peer: Peer, on_data: OnData, *, rng: random.Random | None = None) -> None:
        self.name = name
        self.listens = False
        self._peer = peer
        self._on_data = on_data
        self._writer: asyncio.StreamWriter | None = None
        self._rng = rng or random.Random()

    @property
    def address(self) -> Peer:
        return self._peer

    async def open(self) -> None:
        """Nothing is bound; `run` connects."""

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                async with asyncio.timeout(5):
                    reader, self._writer = await asyncio.open_connection(*self._peer)
                log.info("link %s: connected to %s:%d", self.name, *self._peer)
                failures = 0
                await self._read(reader)
                log.warning("link %s: %s:%d closed the connection", self.name, *self._peer)
            except (OSError, TimeoutError) as error:
                if failures == 0:
                    why = str(error) or "no answer"
                    log.warning("link %s: %s:%d: %s; trying again", self.name, *self._peer, why)
            finally:
                await self._close()
            failures += 1
            # Full jitter up to 5 s keeps a fleet of links from knocking in step.
            await asyncio.sleep(self._rng.uniform(0.1, min(5.0, 0.25 * 2 ** min(failures, 5))))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(4096):
            self._on_data(self._peer, data)

    async def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def send(self, peer: Peer, data: bytes) -> None:  # noqa: ARG002 - there is one peer
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > _MAX_UNSENT:
            return
        writer.write(data)
