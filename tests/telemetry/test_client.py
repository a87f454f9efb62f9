"""The public client over a real socket: it comes back by itself, and goes on where it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from core.clock import ManualClock
from telemetry.client import LiveStream, Resume, Subscribe, View
from telemetry.messages import FleetEvent
from telemetry.stream.contract import JSON, MSGPACK
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.hub import StreamHub
from tests.telemetry.test_stream import a_hub, state, tick


class End:
    """A connection of the plain `websockets` server as the far end of a viewer."""

    def __init__(self, socket: ServerConnection) -> None:
        self.encoding = Encoding(socket.subprotocol)
        self._socket = socket
        self._waiting: asyncio.Queue[Sent] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            sent = await self._waiting.get()
            await self._socket.send(sent.payload.decode() if self.encoding is Encoding.JSON else sent.payload)

    def write(self, *frames: Sent) -> None:
        for frame in frames:
            self._waiting.put_nowait(frame)

    def waiting(self) -> int:
        return 0

    def when_clear(self, room: Callable[[], None] | None) -> None:
        """It is always."""

    async def receive(self) -> str | bytes | None:
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            self._writer.cancel()
            return None

    async def close(self, code: int) -> None:
        while not self._waiting.empty():  # noqa: ASYNC110 - a queue tells nobody that it is empty
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        self._writer.cancel()
        await self._socket.close(code)


@asynccontextmanager
async def served(hub: StreamHub, encoding: str) -> AsyncIterator[tuple[str, list[ServerConnection]]]:
    sockets: list[ServerConnection] = []

    async def handle(socket: ServerConnection) -> None:
        sockets.append(socket)
        await hub.serve(End(socket))

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol(encoding)]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/", sockets


async def _next(frames: AsyncIterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        async for frame in frames:
            if frame["type"] == kind:
                return frame
    raise AssertionError(f"the stream ended without {kind}")


@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
async def test_a_lost_connection_is_made_again_and_resumed(encoding: str) -> None:
    clock = ManualClock()
    hub = a_hub(clock, [])
    hub.tick(tick(clock, state("bl-01", alt_rel_m=1.0)))
    async with served(hub, encoding) as (url, sockets):
        stream = LiveStream(url, Subscribe(rate_hz=10), packed=encoding == MSGPACK)
        frames = stream.frames()
        await _next(frames, "snapshot")
        sockets[0].transport.abort()
        await _next(frames, "lost")
        assert not stream.connected
        hub.event(FleetEvent(clock.now(), "info", "statustext", "missed"))
        clock.advance(1)
        hub.tick(tick(clock, state("bl-01", alt_rel_m=2.5, mode="RTL")))
        await _next(frames, "resumed")
        assert (await _next(frames, "event"))["event"]["text"] == "missed"
        told = (await _next(frames, "tick"))["vehicles"][0]
        assert (told["alt_rel_m"], told["mode"], told["vehicle_id"]) == (2.5, "RTL", "bl-01")
        assert stream.vehicles["bl-01"] is told
        await frames.aclose()


async def test_what_the_platform_refuses_is_not_asked_again() -> None:
    hub = a_hub(ManualClock(), [])
    async with served(hub, MSGPACK) as (url, sockets), asyncio.timeout(5):
        told = [frame async for frame in LiveStream(url, Subscribe(fields=["speed"])).frames()]
        assert [frame["type"] for frame in told] == ["bye"]
        assert len(sockets) == 1


async def test_another_subscription_is_said_on_the_same_connection() -> None:
    hub = a_hub(ManualClock(), [state("bl-01"), state("bl-02")])
    async with served(hub, MSGPACK) as (url, sockets):
        stream = LiveStream(url)
        frames = stream.frames()
        await _next(frames, "snapshot")
        await stream.subscribe(Subscribe(vehicles=["bl-02"]))
        assert [each["vehicle_id"] for each in (await _next(frames, "snapshot"))["vehicles"]] == ["bl-02"]
        assert len(sockets) == 1
        await frames.aclose()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Subscribe(vehicles=["bl-01"]), Subscribe(vehicles=["bl-02"])),
        (Subscribe(units=["north"]), Subscribe(units=["south"])),
        (Subscribe(fields=["position"]), Subscribe(fields=["battery"])),
    ],
)
async def test_another_subscription_does_not_go_on_where_the_one_before_it_was(
    before: Subscribe, after: Subscribe
) -> None:
    hub = a_hub(ManualClock(), [state("bl-01", unit="north"), state("bl-02", unit="south")])
    async with served(hub, MSGPACK) as (url, sockets), asyncio.timeout(10):
        stream, fresh = LiveStream(url, before), LiveStream(url, after)
        frames, others = stream.frames(), fresh.frames()
        await _next(frames, "snapshot")
        sockets[0].transport.abort()
        await _next(frames, "lost")
        await stream.subscribe(after)
        assert (await anext(frames))["type"] == "snapshot"
        await _next(others, "snapshot")
        assert stream.vehicles == fresh.vehicles
        sockets[1].transport.abort()
        await _next(frames, "lost")
        assert (await anext(frames))["type"] == "resumed"
        await frames.aclose()
        await others.aclose()


async def test_another_area_goes_on_where_the_stream_was_and_has_all_rows_there() -> None:
    clock = ManualClock()
    west, east = state("bl-01", lat_deg=31.1, lon_deg=121.1), state("bl-02", lat_deg=31.1, lon_deg=121.9)
    hub = a_hub(clock, [west, east])
    hub.tick(tick(clock, west, east))
    async with served(hub, MSGPACK) as (url, sockets), asyncio.timeout(10):
        stream = LiveStream(url, Subscribe(area=(121.0, 31.0, 121.2, 31.2)))
        frames = stream.frames()
        assert [each.get("lon_deg") for each in (await _next(frames, "snapshot"))["vehicles"]] == [121.1, None]
        sockets[0].transport.abort()
        await _next(frames, "lost")
        await stream.subscribe(Subscribe(area=(121.8, 31.0, 122.0, 31.2)))
        await _next(frames, "resumed")
        assert [each["lon_deg"] for each in (await _next(frames, "tick"))["vehicles"]] == [121.9]
        await frames.aclose()


async def test_news_that_were_had_are_not_had_again_with_another_subscription() -> None:
    clock = ManualClock()
    hub = a_hub(clock, [state("bl-01"), state("bl-02")])
    async with served(hub, MSGPACK) as (url, sockets), asyncio.timeout(10):
        stream, other = LiveStream(url, Subscribe(vehicles=["bl-01"])), LiveStream(url, Subscribe(vehicles=["bl-02"]))
        frames, others = stream.frames(), other.frames()
        await _next(frames, "snapshot")
        await _next(others, "snapshot")
        # The first one will get that very snapshot when it comes back, and what came since.
        hub.event(FleetEvent(clock.now(), "warning", "statustext", "had"))
        assert (await _next(frames, "event"))["event"]["text"] == "had"
        sockets[0].transport.abort()
        await _next(frames, "lost")
        await stream.subscribe(Subscribe(vehicles=["bl-02"]))
        await _next(frames, "snapshot")
        hub.event(FleetEvent(clock.now(), "warning", "statustext", "new"))
        assert (await _next(frames, "event"))["event"]["text"] == "new"
        await frames.aclose()
        await others.aclose()


def test_a_position_before_the_snapshot_of_another_subscription_does_not_count() -> None:
    def frame(kind: str, seq: int) -> str:
        about = {"type": kind, "epoch": "e", "seq": seq, "at": "2026-03-01T00:00:00Z", "fields": [], "rows": []}
        return json.dumps({**about, "vehicles": [], "changed": [], "gone": []})

    view = View()
    view.connected()
    view.anew()
    view.take(frame("snapshot", 1))
    view.take(frame("tick", 2))
    assert view.position is None  # of the first subscription still
    view.take(frame("snapshot", 3))
    assert view.position == Resume("e", 3)
    view.anew()
    view.take(frame("tick", 4))
    assert view.position is None
    view.take(frame("snapshot", 5))
    view.take(frame("tick", 6))
    assert view.position == Resume("e", 6)
