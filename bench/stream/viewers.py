"""Many viewers in one process, as cheap as can be, so that they are not what is measured.

`python -m bench.stream.viewers JSON` connects, counts for a while and prints one JSON object. The first one decodes
what it gets, the others only count frames and bytes; a stalled one never reads.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
import time
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

Take = Callable[[bytes, float], None]
_TEXT, _BINARY, _CLOSE, _PING = 1, 2, 8, 9
_MASKED = 0x80


@dataclass(frozen=True, slots=True)
class Order:
    """What the swarm does. `subscribe`: the first message of each viewer, "" for none; `probe`: who decodes."""

    host: str
    port: int
    path: str
    viewers: int
    stalled: int
    settle_s: float
    measure_s: float
    subscribe: str
    subprotocol: str
    probe: str
    compression: bool = False


@dataclass(slots=True)
class Count:
    """What one viewer got while it was measured."""

    frames: int = 0
    octets: int = 0


class Viewer(asyncio.Protocol):
    """One connection: the handshake, then frames of a server, which are never masked (RFC 6455, section 5)."""

    def __init__(self, order: Order, take: Take | None) -> None:
        self._order = order
        self._take = take
        self._held = bytearray()
        self._open = False
        self.count = Count()
        self.closed: int | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        order, key = self._order, base64.b64encode(os.urandom(16)).decode()
        offered = f"Sec-WebSocket-Protocol: {order.subprotocol}\r\n" if order.subprotocol else ""
        if order.compression:
            offered += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
        self.transport.write(
            f"GET {order.path} HTTP/1.1\r\nHost: {order.host}:{order.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._open and not self._opens():
            return
        at, held = 0, self._held
        while (found := _frame(held, at)) is not None:
            opcode, start, end = found
            first, at = held[at], end
            if opcode in (_TEXT, _BINARY):
                self.count.frames += 1
                self.count.octets += at - start
                if self._take is not None:
                    self._take(_inflated(held, first, start, at), time.time())
            elif opcode == _PING:
                self._send(0x8A, bytes(held[start:at]))
            elif opcode == _CLOSE:
                self.closed = int.from_bytes(held[start : start + 2], "big")
        del held[:at]

    def _opens(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return False
        answer = bytes(self._held[:end])
        del self._held[: end + 4]
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self._open = True
        if self._order.subscribe:
            self._send(0x81, self._order.subscribe.encode())
        self.opened.set_result(None)
        return True

    def _send(self, first: int, payload: bytes) -> None:
        assert self.transport is not None
        length = bytes((_MASKED | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self.transport.write(bytes((first,)) + length + b"\0\0\0\0" + payload)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed before it was open"))
        self.closed = self.closed or 1006


def _inflated(held: bytearray, first: int, start: int, end: int) -> bytes:
    """The payload, unpacked where the frame says that it is compressed (RFC 7692)."""
    payload = bytes(held[start:end])
    if not first & 0x40:
        return payload
    # Such a block is flushed, not finished: `zlib.decompress` would call it cut off.
    return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(payload + b"\x00\x00\xff\xff")


def _frame(held: bytearray, at: int) -> tuple[int, int, int] | None:
    """Opcode, start and end of the payload of the whole frame that begins at `at`, if it is there."""
    if len(held) - at < 2:
        return None
    length, start = held[at + 1] & 0x7F, at + 2
    if length == 126:
        length, start = int.from_bytes(held[start : start + 2], "big"), at + 4
    elif length == 127:
        length, start = int.from_bytes(held[start : start + 8], "big"), at + 10
    return (held[at] & 0x0F, start, start + length) if len(held) >= start + length else None


# Reads a frame: (vehicle, longitude) of each update in it. The first argument is the probe's own memory.
Read = Callable[[dict[Any, Any], bytes], list[tuple[Any, float | None]]]


@dataclass(slots=True)
class Probe:
    """What the viewer that decodes saw: updates of vehicles, and how old new positions were on arrival."""

    read: Read
    memory: dict[Any, Any] = field(default_factory=dict)
    places: dict[Any, float] = field(default_factory=dict)
    updates: int = 0
    ages_s: list[float] = field(default_factory=list)

    def take(self, payload: bytes, at_s: float) -> None:
        for vehicle, lon_deg in self.read(self.memory, payload):
            self.updates += 1
            if lon_deg is not None and self.places.get(vehicle) != lon_deg:
                self.places[vehicle] = lon_deg
                self.ages_s.append((at_s - sent_s(lon_deg)) % PERIOD_S)


# A vehicle's longitude tells when its position was sent: 1e-7° for each millisecond since the full minute.
PERIOD_S = 60.0
WEST_DEG = 121.0
# About so long it takes until who does not read holds what the kernel takes for it, and nothing more goes out to it.
FULL_AFTER_S = 6.0
_FULL_WITHIN_S, _STANDS_FOR_S = 18.0, 1.0
_STAYS_S = 60.0
# What the kernel takes on its side, doubled as socket(7) says. Left to itself it grows to megabytes; those of five
# hundred, which would be on as many machines, are more than one machine gives to TCP (tcp_mem), and what is measured
# then is how its kernel makes room: a tenth of a second, or half of one, in which it does nothing else.
_STALLED_RECEIVE_BYTES = 64 << 10


def sent_s(lon_deg: float) -> float:
    """When a position was sent, in seconds of its minute."""
    return round((lon_deg - WEST_DEG) * 1e7) / 1e3


def _tutorial(_: dict[Any, Any], payload: bytes) -> list[tuple[Any, float | None]]:
    state = msgspec.json.decode(payload)
    return [(state["id"], state.get("lon_deg"))]


def _bailu(memory: dict[Any, Any], payload: bytes) -> list[tuple[Any, float | None]]:
    frame = msgspec.msgpack.decode(payload)
    if frame["type"] == "snapshot":
        names = [name for name, _ in frame["fields"]]
        memory["lon"] = 3 + names.index("lon_deg"), dict(frame["fields"])["lon_deg"]
    if frame["type"] != "tick":
        return []
    at, scale = memory["lon"]
    return [(row[0], None if row[at] is None else row[at] * scale) for row in frame["rows"]]


PROBES: dict[str, Read] = {"tutorial": _tutorial, "bailu": _bailu}


async def watch(order: Order) -> None:
    """Connects everybody, counts for `measure_s`, tells, and stays until it is ended: others may measure still."""
    probe = Probe(PROBES[order.probe])
    viewers = [await _joined(order, probe.take if number == 0 else None) for number in range(order.viewers)]
    await asyncio.sleep(order.settle_s)
    # A service that cuts who does not read cuts them soon: they come when it counts.
    stalled = [await _joined(order, None, _STALLED_RECEIVE_BYTES) for _ in range(order.stalled)]
    for each in stalled:
        assert each.transport is not None
        each.transport.pause_reading()
    if stalled:
        await _until_full(order.port, stalled)
    for viewer in viewers:
        viewer.count = Count()
    probe.updates, probe.ages_s = 0, []
    print("measuring", flush=True)
    began_s = time.monotonic()
    await asyncio.sleep(order.measure_s)
    took_s = time.monotonic() - began_s
    ages = sorted(probe.ages_s) or [PERIOD_S]  # nothing that was seen is not fresh
    told = {
        "took_s": took_s,
        "updates": probe.updates,
        "age_p50_s": ages[len(ages) // 2],
        "age_p99_s": ages[int(len(ages) * 0.99)],
        "frames": sum(viewer.count.frames for viewer in viewers),
        "least_frames": min(viewer.count.frames for viewer in viewers),
        "octets": sum(viewer.count.octets for viewer in viewers),
        "probe": asdict(viewers[0].count),
        "lost": sum(viewer.closed is not None for viewer in viewers),
    }
    print(json.dumps(told), flush=True)
    await asyncio.sleep(_STAYS_S)


async def _until_full(port: int, stalled: Sequence[Viewer]) -> None:
    """Until what waits for them on the service's side has stood still for a while."""
    peers = {each.transport.get_extra_info("sockname")[1] for each in stalled if each.transport is not None}
    began_s = since_s = time.monotonic()
    before = -1
    while time.monotonic() - since_s < _STANDS_FOR_S:
        assert time.monotonic() - began_s < _FULL_WITHIN_S, "who does not read is still written to"
        await asyncio.sleep(0.1)
        waits = _unread(port, peers)
        if waits != before:
            before, since_s = waits, time.monotonic()


def _unread(port: int, peers: Collection[int]) -> int:
    """Octets that the kernel holds from a local port to those remote ports (proc_net_tcp)."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if int(local[-4:], 16) == port and int(remote[-4:], 16) in peers:
            total += int(queues.partition(":")[0], 16)
    return total


async def _joined(order: Order, take: Take | None, receive_bytes: int | None = None) -> Viewer:
    viewer, loop = Viewer(order, take), asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    await loop.sock_connect(sock, (order.host, order.port))
    await loop.create_connection(lambda: viewer, sock=sock)
    await viewer.opened
    return viewer


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(watch(msgspec.json.decode(sys.argv[1], type=Order)))
