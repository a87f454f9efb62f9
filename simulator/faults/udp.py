"""A UDP proxy with faults: one line per client, each with a socket of its own towards the target."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter

from simulator.faults.frames import pieces
from simulator.faults.impairment import Impairment
from simulator.faults.line import Direction, LinkFaults, Way

Address = tuple[str, int]

MOST_CLIENTS = 256
"""Further clients are refused and counted."""
_DATAGRAM_BYTES = 65_535
_READS_AT_ONCE = 64
"""Datagrams taken from a socket before others get their turn."""


class UdpLine:
    """One client. ``system_id``: of the first MAVLink frame that it sent; None before."""

    def __init__(self, proxy: UdpProxy, client: Address, seed: str, faults: LinkFaults) -> None:
        self.client = client
        self.system_id: int | None = None
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self.ways = {
            Direction.FORTH: Way(Impairment(f"{seed}/forth", faults.forth), self._to_target),
            Direction.BACK: Way(Impairment(f"{seed}/back", faults.back), self._to_client),
        }
        self._socket = self._opened()

    @property
    def source(self) -> Address:
        """Where the target sees the client."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def set(self, faults: LinkFaults) -> None:
        """From now on; what is on the way arrives as decided."""
        for direction, way in self.ways.items():
            way.impairment.faults = faults.of(direction)

    def rebind(self) -> None:
        """The target sees another source port from now on, as after a NAT forgot the old one."""
        old = self._socket
        self._socket = self._opened()
        self._disconnect(old)

    def received(self, data: bytes) -> None:
        """From the client."""
        if self.system_id is None:
            self.system_id = next((piece.system_id for piece in pieces(data) if piece.message_id is not None), None)
        self.ways[Direction.FORTH].send(data)

    def close(self) -> None:
        """Nothing arrives any more."""
        for way in self.ways.values():
            way.close()
        self._disconnect(self._socket)

    def _opened(self) -> socket.socket:
        made = socket.socket(self._proxy.family, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((self._proxy.local_host, 0))
        self._loop.add_reader(made, self._readable, made)
        return made

    def _disconnect(self, old: socket.socket) -> None:
        self._loop.remove_reader(old)
        old.close()

    def _readable(self, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(_READS_AT_ONCE):
                data, source = upstream.recvfrom(_DATAGRAM_BYTES)
                if source[:2] == self._proxy.target:
                    self.ways[Direction.BACK].send(data)

    def _to_target(self, data: bytes) -> None:
        # A full buffer is a lost datagram.
        with contextlib.suppress(OSError):
            self._socket.sendto(data, self._proxy.target)

    def _to_client(self, data: bytes) -> None:
        self._proxy.answer(self.client, data)


class UdpProxy:
    """Listens on an address and passes every client's datagrams on to ``target``, and the answers back.

    The faults of the n-th client follow from the seed and n. `set`, `rebind` and `drop` act on all clients, or on
    those whose frames carry one MAVLink system id.
    """

    def __init__(self, target: Address, *, seed: int = 1, faults: LinkFaults | None = None) -> None:
        self.target = target
        self.family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self.local_host = _local_host(target, self.family)
        self.refused_clients = 0
        self._faults = faults or LinkFaults()
        self._faults_of: dict[int, LinkFaults] = {}
        self._seed = seed
        self._lines: dict[Address, UdpLine] = {}
        self._made = 0
        self._socket: socket.socket | None = None

    @property
    def lines(self) -> tuple[UdpLine, ...]:
        """The clients so far, in the order of their first datagram."""
        return tuple(self._lines.values())

    async def open(self, listen: Address) -> Address:
        """Binds ``listen`` (port 0: any free one) and serves until `close`; gives the address. Raises OSError."""
        family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.setblocking(False)
        try:
            bound.bind(listen)
        except OSError:
            bound.close()
            raise
        self._socket = bound
        asyncio.get_running_loop().add_reader(bound, self._readable, bound)
        host, port = bound.getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """Lets go of every socket."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def set(self, faults: LinkFaults, *, system_id: int | None = None) -> None:
        """Faults from now on: for everybody, also for whom comes later, or for one system id."""
        if system_id is None:
            self._faults, self._faults_of = faults, {}
        else:
            self._faults_of[system_id] = faults
        for line in self._chosen(system_id):
            line.set(faults)

    def rebind(self, *, system_id: int | None = None) -> None:
        """The target sees the clients come from other ports from now on."""
        for line in self._chosen(system_id):
            line.rebind()

    def counts(self, direction: Direction, *, system_id: int | None = None) -> Counter[str]:
        """What was done to how many datagrams."""
        total: Counter[str] = Counter()
        for line in self._chosen(system_id):
            total += line.ways[direction].counts
        return total

    def answer(self, client: Address, data: bytes) -> None:
        """Sends to a client."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, client)

    def _chosen(self, system_id: int | None) -> list[UdpLine]:
        return [line for line in self._lines.values() if system_id in (None, line.system_id)]

    def _readable(self, bound: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            for _ in range(_READS_AT_ONCE):
                data, client = bound.recvfrom(_DATAGRAM_BYTES)
                self._received(client, data)

    def _received(self, client: Address, data: bytes) -> None:
        line = self._lines.get(client) or self._new_line(client)
        if line is None:
            return
        known = line.system_id
        line.received(data)
        if known is None and line.system_id in self._faults_of:
            line.set(self._faults_of[line.system_id])

    def _new_line(self, client: Address) -> UdpLine | None:
        if len(self._lines) >= MOST_CLIENTS:
            self.refused_clients += 1
            return None
        line = UdpLine(self, client, f"{self._seed}/{self._made}", self._faults)
        self._made += 1
        self._lines[client] = line
        return line


def _local_host(target: Address, family: socket.AddressFamily) -> str:
    """From which of our addresses a target is reached.

    The lines' sockets are bound to it and not connected: a connected one is told when nobody listens, and libuv gives
    up a socket that has an error to tell (uv_poll, POLLERR).
    """
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])
