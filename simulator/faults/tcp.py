"""A TCP proxy with faults: MAVLink frames are lost, delayed and damaged as by a radio behind a serial server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
from collections import Counter

from simulator.faults.frames import Splitter
from simulator.faults.impairment import Impairment
from simulator.faults.line import Direction, LinkFaults, Way
from simulator.faults.udp import Address

MOST_CLIENTS = 64
MOST_UNSENT_BYTES = 1 << 20
"""A receiver that lets more pile up is cut off; it never stalls the proxy."""
CONNECT_WITHIN_S = 5.0
FRAME_WITHIN_S = 0.1
"""The end of a frame that takes longer to come is not waited for: these bytes were no frame, or a slow line's."""
_READ_BYTES = 16_384


class TcpLine:
    """One connection and its other half.

    Every MAVLink frame is a datagram to the impairment, and so is what a read brings that is no frame; the order is
    kept. ``cut`` holds the bytes back as a network does that TCP waits for: they arrive when it is over.
    """

    def __init__(self, client: asyncio.StreamWriter, target: asyncio.StreamWriter, seed: str, to: LinkFaults) -> None:
        self._writers = {Direction.FORTH: target, Direction.BACK: client}
        self._passing = asyncio.Event()
        self.ways = {
            direction: Way(Impairment(f"{seed}/{direction}"), functools.partial(_write, writer), in_order=True)
            for direction, writer in self._writers.items()
        }
        self.set(to)

    def set(self, faults: LinkFaults) -> None:
        """From now on; what is on the way arrives as decided."""
        for direction, way in self.ways.items():
            way.impairment.faults = faults.of(direction)
        self._passing.set()

    async def pump(self, direction: Direction, reader: asyncio.StreamReader) -> None:
        """Passes one direction on until it ends."""
        splitter, way = Splitter(), self.ways[direction]
        with contextlib.suppress(ConnectionError):
            while (data := await _read(reader, FRAME_WITHIN_S if splitter.waiting else None)) != b"":
                while way.impairment.faults.cut:
                    self._passing.clear()
                    await self._passing.wait()
                for piece in splitter.flush() if data is None else splitter.feed(data):
                    way.send(piece.data)

    def close(self, *, reset: bool = False) -> None:
        """Ends both halves; ``reset``: with RST instead of FIN, as a rebooted router does."""
        for way in self.ways.values():
            way.close()
        for writer in self._writers.values():
            if reset:
                _linger_not(writer)
                writer.transport.abort()
            else:
                writer.close()


async def _read(reader: asyncio.StreamReader, within_s: float | None) -> bytes | None:
    """The next bytes, b"" at the end; None when there are none within the time."""
    try:
        async with asyncio.timeout(within_s):
            return await reader.read(_READ_BYTES)
    except TimeoutError:
        return None


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.is_closing():
        return
    if writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
        writer.transport.abort()
        return
    writer.write(data)


def _linger_not(writer: asyncio.StreamWriter) -> None:
    """Closing sends RST (socket(7), SO_LINGER with a time of 0)."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TcpProxy:
    """Listens on an address and connects every client to ``target``; a client that cannot be is closed."""

    def __init__(self, target: Address, *, seed: int = 1, faults: LinkFaults | None = None) -> None:
        self.target = target
        self.refused_clients = 0
        self._faults = faults or LinkFaults()
        self._seed = seed
        self._lines: list[TcpLine] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._made = 0
        self._server: asyncio.Server | None = None

    @property
    def lines(self) -> tuple[TcpLine, ...]:
        """The connections that are open."""
        return tuple(self._lines)

    async def open(self, listen: Address) -> Address:
        """Binds ``listen`` (port 0: any free one) and serves until `close`; gives the address. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, *listen)
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """Ends every connection and stops listening."""
        if self._server is not None:
            self._server.close()
        self.end_connections()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def set(self, faults: LinkFaults) -> None:
        """Faults from now on, also for connections that come later."""
        self._faults = faults
        for line in self._lines:
            line.set(faults)

    def end_connections(self, *, reset: bool = False) -> None:
        """Ends all connections; clients may come again."""
        for line in tuple(self._lines):
            line.close(reset=reset)

    def counts(self, direction: Direction) -> Counter[str]:
        """What was done to how many frames on the open connections."""
        total: Counter[str] = Counter()
        for line in self._lines:
            total += line.ways[direction].counts
        return total

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._join(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._lines) >= MOST_CLIENTS:
            self.refused_clients += 1
            return
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                answers, target = await asyncio.open_connection(*self.target)
        except (OSError, TimeoutError):
            self.refused_clients += 1
            return
        line = TcpLine(writer, target, f"{self._seed}/{self._made}", self._faults)
        self._made += 1
        self._lines.append(line)
        pumps = (line.pump(Direction.FORTH, reader), line.pump(Direction.BACK, answers))
        tasks = [asyncio.ensure_future(pump) for pump in pumps]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lines.remove(line)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            line.close()
