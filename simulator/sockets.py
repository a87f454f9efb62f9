"""The only module with sockets: a TCP server and UDP endpoints per vehicle, each peer a channel of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from typing import cast

from simulator.protocol.channel import Channel
from simulator.vehicle import TooManyChannels, Vehicle

SLOW_CLIENT_BYTES = 1024 * 1024
"""A TCP client that lets this much pile up unread is dropped and counted; it never stalls the fleet."""
DATAGRAM_BYTES = 1200
"""Frames are packed into datagrams up to this size."""


class PortTaken(OSError):
    """A port the fleet was told to listen on is in use."""

    def __init__(self, host: str, port: int, system_id: int) -> None:
        super().__init__(errno.EADDRINUSE, f"vehicle {system_id} cannot listen on {host}:{port}: the port is taken")
        self.port = port


class Switchboard:
    """Where all sockets of a fleet meet: counts what they lost, keeps the first error inside a vehicle."""

    def __init__(self) -> None:
        self.slow_clients = 0
        self.refused_clients = 0
        self.failure: Exception | None = None
        """An error inside a vehicle; the fleet's clock raises it."""

    def receive(self, vehicle: Vehicle, channel: Channel, data: bytes) -> bytes:
        """Hand bytes to a vehicle. What goes wrong in there ends the fleet instead of being lost in a callback."""
        try:
            return vehicle.receive(channel, data)
        except Exception as error:  # noqa: BLE001 - raised again by the fleet's clock
            self.failure = self.failure or error
            return b""


class TcpPeer(asyncio.Protocol):
    """One TCP client of one vehicle."""

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._channel: Channel | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client a channel, or send it away when there is none left."""
        self._transport = cast(asyncio.Transport, transport)
        try:
            self._channel = self._server.vehicle.open_channel()
        except TooManyChannels:
            self._server.board.refused_clients += 1
            self._transport.abort()
            return
        self._server.peers.add(self)

    def data_received(self, data: bytes) -> None:
        """Answer at once."""
        if self._channel is not None:
            self._write(self._server.board.receive(self._server.vehicle, self._channel, data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Free the channel."""
        self._server.peers.discard(self)
        if self._channel is not None:
            self._server.vehicle.close_channel(self._channel)

    def flush(self) -> None:
        """Write what the vehicle has to say."""
        if self._channel is not None:
            self._write(self._channel.take())

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if not data or self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > SLOW_CLIENT_BYTES:
            self._server.board.slow_clients += 1
            self._transport.abort()
            return
        self._transport.write(data)


class TcpServer:
    """A vehicle's listening port."""

    def __init__(self, vehicle: Vehicle, board: Switchboard) -> None:
        self.vehicle = vehicle
        self.board = board
        self.peers: set[TcpPeer] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Open the port (0: any free one); returns the address. Raises PortTaken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: TcpPeer(self), host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(host, port, self.vehicle.system_id) from error
            raise
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    def flush(self) -> None:
        """Write to every client."""
        for peer in tuple(self.peers):
            peer.flush()

    async def close(self) -> None:
        """Stop listening, drop the clients."""
        if self._server is not None:
            self._server.close()
        for peer in tuple(self.peers):
            peer.close()
        if self._server is not None:
            await self._server.wait_closed()


class UdpPeer(asyncio.DatagramProtocol):
    """A vehicle's own socket towards one UDP address; frames from anywhere else are ignored."""

    def __init__(self, vehicle: Vehicle, target: tuple[str, int], board: Switchboard) -> None:
        self._board = board
        self._vehicle = vehicle
        self._target = target
        self._channel = vehicle.open_channel(secure=False)
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Open the socket; it is connected, so only its target can talk to it."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=self._target)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:  # noqa: ARG002 - connected
        """Answer at once."""
        self._send(self._board.receive(self._vehicle, self._channel, data))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet; UDP does not mind."""

    def flush(self) -> None:
        """Send what the vehicle has to say."""
        self._send(self._channel.take())

    async def close(self) -> None:
        """Close the socket."""
        self._vehicle.close_channel(self._channel)
        if self._transport is not None:
            self._transport.close()

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for datagram in datagrams(data):
            with contextlib.suppress(OSError):
                self._transport.sendto(datagram)


def datagrams(data: bytes) -> list[bytes]:
    """Whole MAVLink 2 frames packed into datagrams of at most 1200 bytes."""
    packed: list[bytes] = []
    begin = at = 0
    while at < len(data):
        length = 12 + data[at + 1] + (13 if data[at + 2] & 1 else 0)
        if at + length - begin > DATAGRAM_BYTES and at > begin:
            packed.append(data[begin:at])
            begin = at
        at += length
    if at > begin:
        packed.append(data[begin:at])
    return packed
