"""UDP: many vehicles on one listening port, or one peer that is called."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from core.clock import Clock, rest_s
from telemetry.links.batch import MAX_DATAGRAM, Batch
from telemetry.links.meter import Meter
from telemetry.links.port import FrameCounts, LinkError, LinkHealth, OnData, Peer
from telemetry.links.quota import SenderQuota
from telemetry.links.supervise import LinkLost, supervise
from telemetry.links.urls import NetworkAddress

# Longer ones are cut, and seen to be too long.
BUFFER_BYTES = 2_048
# What a thousand vehicles say in a few seconds; the kernel gives what it is allowed to (net.core.rmem_max).
RECEIVE_BUFFER_BYTES = 8 << 20
# Datagrams that are taken in one go: others have their turn after some ten milliseconds.
AT_ONCE = 128
# A socket that brings this many in one go is looked at by the clock, so that waking up costs less than reading:
# calmly, more often when it is crowded, and quickly while somebody waits for what comes next.
_BUSY = 3
CALM_S, CROWDED_S, QUICK_S = 0.020, 0.010, 0.004
# Calm looks are at the same moments, for waking up is what they cost; crowded ones are apart from each other, for all
# of them together would hold everything else up.
_APART = 0.618
# So many in a calm look make it crowded, so few in a crowded one calm again.
_MANY, _FEW = 80.0, 30.0
_FLOW_GAIN = 0.25
# Who was told something is expected to answer so soon.
_ANSWERS_WITHIN_S = 0.02
# Takes those of a batch from one number up to another, at a time; the number of the first that it left, or the end.
TakeMany = Callable[[int, int, float], int]
_LEFT_AT_LEAST = 8
# Linux, getsockopt(2) SO_MEMINFO: nine counters, the last one of datagrams that found no room.
_SO_MEMINFO, _MEMINFO = 55, struct.Struct("9I")


class UdpLink:
    """See `Link`. Datagrams that are too large or too many are counted and dropped before anybody parses them.

    The socket is read until it is empty, `AT_ONCE` at the most. What the kernel had no room for is counted.
    """

    replays = False
    _count = itertools.count()

    def __init__(self, name: str, where: NetworkAddress, on_data: OnData, *, meter: Meter, clock: Clock) -> None:
        self.name = name
        self.listens = where.listens
        self._peer: Peer = (where.host, where.port)
        self._on_data = on_data
        self._meter = meter
        self._clock = clock
        self._quota = SenderQuota(clock.mono_s())
        self._socket: socket.socket | None = None
        self._lost: asyncio.Future[None] | None = None
        self._again: asyncio.Handle | None = None
        self._read_s = 0.0  # when the loop last said that there is something to read
        self._quick_until_s = 0.0
        self._flow = 0.0  # datagrams a look, smoothed
        self._is_crowded = False
        self._apart_s = next(self._count) * _APART % 1.0 * CROWDED_S
        self._dropped_before = 0  # by sockets that are closed
        self._batch: Batch | None = None
        self._take_many: TakeMany | None = None

    @property
    def counts(self) -> FrameCounts:
        return self._meter

    @property
    def meter(self) -> Meter:
        """Where it counts itself."""
        return self._meter

    @property
    def quota(self) -> SenderQuota:
        """Who may say how much."""
        return self._quota

    def in_batches(self, batch: Batch, take: TakeMany) -> None:
        """From now on what comes is offered to `take` first, as many datagrams as there are at a time. `batch`: room
        for them, which others may use in between."""
        self._batch, self._take_many = batch, take

    @property
    def address(self) -> Peer:
        if self.listens and self._socket is not None:
            return cast("Peer", self._socket.getsockname()[:2])
        return self._peer

    async def open(self) -> None:
        """A listener binds, so that a taken port is told at the start; a client begins to call in `run`."""
        if not self.listens:
            return
        try:
            await self._connect()
        except OSError as error:
            raise LinkError(
                f"link {self.name!r} cannot use UDP {self._peer[0]}:{self._peer[1]}: {error.strerror or error}; "
                "is another ground station or another Bailu running?"
            ) from error

    async def _connect(self) -> None:
        """Raises OSError when the name or the port cannot be had."""
        loop = asyncio.get_running_loop()
        (family, *_, address), *_ = await loop.getaddrinfo(*self._peer, type=socket.SOCK_DGRAM)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _ask_for_room(sock)
            if self.listens:
                sock.bind(address)
            else:
                sock.connect(address)
        except OSError:
            sock.close()
            raise
        self._socket, self._lost = sock, loop.create_future()
        loop.add_reader(sock, self._readable)
        self._meter.up()

    async def run(self) -> None:
        try:
            await supervise(self._meter, self._serve)
        finally:
            self._close()

    async def _serve(self) -> None:
        if self._socket is None:
            await self._connect()
        assert self._lost is not None
        try:
            await self._lost
        finally:
            self._close()

    def _close(self) -> None:
        sock, self._socket = self._socket, None
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if sock is not None:
            self._dropped_before += _dropped(sock)
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    # --- receiving ---

    def _readable(self) -> None:
        """The loop says that there is something to read: one that brings much is read by the clock from now on."""
        sock, loop = self._socket, asyncio.get_running_loop()
        if sock is None:
            return
        before_s, self._read_s = self._read_s, self._clock.mono_s()
        taken, every_s = self._drain(sock), self._every_s()
        is_busy = taken >= _BUSY or self._read_s - before_s < every_s
        if is_busy and self._socket is sock:
            self._flow, self._is_crowded = float(_BUSY), False
            loop.remove_reader(sock)
            self._again = loop.call_later(self._rest_s(), self._look)

    def _look(self) -> None:
        """It is time to read a busy socket; one that is not busy any more waits for the loop again."""
        sock, self._again = self._socket, None
        if sock is None:
            return
        taken = 1  # whatever a frame makes somebody raise, the socket is read again
        try:
            taken = self._drain(sock)
        finally:
            if self._socket is sock:
                self._go_on(sock, taken)

    def _go_on(self, sock: socket.socket, taken: int) -> None:
        loop = asyncio.get_running_loop()
        self._flow += _FLOW_GAIN * (taken - self._flow)
        if self._clock.mono_s() >= self._quick_until_s:  # a quick look brings little, however much comes
            self._judge_crowd()
        if taken >= AT_ONCE:
            self._again = loop.call_soon(self._look)
        elif taken or self._flow >= 1.0:  # one look without anything is no end of it
            self._again = loop.call_later(self._rest_s(), self._look)
        else:
            loop.add_reader(sock, self._readable)

    def _every_s(self) -> float:
        if self._clock.mono_s() < self._quick_until_s:
            return QUICK_S
        return CROWDED_S if self._is_crowded else CALM_S

    def _rest_s(self) -> float:
        now_s, every_s = self._clock.mono_s(), self._every_s()
        return rest_s(every_s, now_s - self._apart_s if every_s == CROWDED_S else now_s)

    def _judge_crowd(self) -> None:
        if self._flow < _FEW if self._is_crowded else self._flow > _MANY:
            self._is_crowded, self._flow = not self._is_crowded, (_MANY + _FEW) / 2

    def hurry(self, seconds: float) -> None:
        self._quick_until_s = max(self._quick_until_s, self._clock.mono_s() + seconds)

    def _drain(self, sock: socket.socket) -> int:
        """Takes what is there; how many datagrams that were."""
        if self._batch is not None and self._take_many is not None and sock.family == socket.AF_INET:
            return self._drain_many(sock, self._batch, self._take_many)
        receive, take, now_s = sock.recvfrom, self._received, self._clock.mono_s()
        for taken in range(AT_ONCE):
            try:
                data, peer = receive(BUFFER_BYTES)
            except (BlockingIOError, InterruptedError):
                return taken
            except ConnectionError:
                # ICMP "port unreachable" while the vehicle is away: its silence is what the platform shows.
                continue
            except OSError as error:
                self._lose(error)
                return taken
            take(data, peer, now_s)
        return AT_ONCE

    def _drain_many(self, sock: socket.socket, batch: Batch, take: TakeMany) -> int:
        now_s = self._clock.mono_s()
        try:
            count = batch.receive(sock)
        except ConnectionError:
            return 1  # as above; there may be more
        except OSError as error:
            self._lose(error)
            return 0
        at, left = take(0, count, now_s), 0
        while at < count:
            try:
                self._received(batch.data(at), batch.peer(at), now_s)
            except Exception as error:  # noqa: BLE001 - the rest of the batch is nowhere else any more
                told = {"message": f"link {self.name!r}: a datagram was not taken", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)
            at, left = at + 1, left + 1
            # Where it leaves most, as of a fleet that has just come, asking it costs more than it takes off.
            if left < _LEFT_AT_LEAST or left * 2 < at:
                at = take(at, count, now_s)
        return count

    def _received(self, data: bytes, peer: Peer, now_s: float) -> None:
        meter, size = self._meter, len(data)
        meter.rx_bytes += size
        if len(peer) != 2:
            peer = peer[:2]
        if size > MAX_DATAGRAM:
            meter.oversized += 1
        elif self._quota.admits(peer, now_s):
            self._on_data(peer, data)
        else:
            meter.refused += 1

    def _lose(self, error: OSError) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(LinkLost(error.strerror or str(error)))

    # --- sending ---

    def send(self, peer: Peer, data: bytes) -> None:
        sock = self._socket
        if sock is None:
            return
        try:
            if self.listens:
                sock.sendto(data, peer)
            else:
                sock.send(data)
        except BlockingIOError:
            self._meter.unsent += 1
        except OSError:
            # Nobody listens there, or there is no way to it: its silence is what the platform shows.
            return
        else:
            self._meter.tx_bytes += len(data)
            self.hurry(_ANSWERS_WITHIN_S)

    def health(self) -> LinkHealth:
        dropped = self._dropped_before + (0 if self._socket is None else _dropped(self._socket))
        return self._meter.health(dropped)

    def descriptor(self, peer: Peer) -> int | None:  # noqa: ARG002 - one socket serves all
        return None if self._socket is None else self._socket.fileno()


def _ask_for_room(sock: socket.socket) -> None:
    """The largest buffer that the kernel gives: beyond its limit only to who may administer the network."""
    for option in (getattr(socket, "SO_RCVBUFFORCE", 33), socket.SO_RCVBUF):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BUFFER_BYTES)
            return


def _dropped(sock: socket.socket) -> int:
    """Datagrams that came while the buffer was full; 0 where the kernel does not tell."""
    with suppress(OSError, struct.error):
        told = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(told)[-1])
    return 0
