"""The WebSocket over a real socket: the contract's frames, its door, and a viewer that stops reading."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import uvloop
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.runtime import listen
from api.webserver import Serving, serving
from api.websocket import accepted
from core.clock import ManualClock
from core.ids import VehicleId
from missions.fleet import default_docks
from telemetry.client import View
from telemetry.messages import FleetEvent
from telemetry.stream.contract import JSON, MSGPACK
from telemetry.stream.hub import FAREWELL_S
from telemetry.stream.viewer import CLEAR_BYTES
from tests.api.conftest import World
from tests.samples import a_sortie
from tests.telemetry.test_stream import a_hub


@pytest.fixture
async def served(world: World) -> AsyncIterator[Serving]:
    async with serving(world.app, listen("127.0.0.1", 0)) as server:
        yield server


def _stream(served: Serving) -> str:
    return served.url.replace("http", "ws") + "api/v1/stream"


async def _next(viewer: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(2):
        frame: dict[str, Any] = json.loads(await viewer.recv())
        return frame


async def _subscribed(viewer: ClientConnection, **wants: object) -> dict[str, Any]:
    await viewer.send(json.dumps({"type": "subscribe", **wants}))
    return await _next(viewer)


async def test_a_viewer_gets_a_snapshot_then_ticks_sorties_and_events(world: World, served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        snapshot = await _subscribed(viewer)
        assert (snapshot["type"], snapshot["at"]) == ("snapshot", "2026-01-01T00:00:00.000Z")
        assert [each["vehicle_id"] for each in snapshot["vehicles"]] == ["bl-01", "bl-02", "bl-03"]
        world.clock.advance(1)
        world.tick(mode="LOITER")
        frame = await _next(viewer)
        assert (frame["type"], frame["changed"][0]["mode"]) == ("tick", "LOITER")
        world.hub.sortie_changed(a_sortie(problem={"slug": "vehicle-busy", "title": "t", "detail": "d"}))
        frame = await _next(viewer)
        assert (frame["type"], frame["sortie"]["sortie_id"]) == ("sortie", "sortie-1")
        assert frame["sortie"]["problem"] == {"type": "urn:bailu:problem:vehicle-busy", "title": "t", "detail": "d"}
        world.hub.event(FleetEvent(world.clock.now(), "info", "statustext", "hello", VehicleId("bl-01")))
        frame = await _next(viewer)
        assert (frame["event"]["text"], frame["event"]["sortie_id"]) == ("hello", None)
        frame = await _subscribed(viewer, vehicles=["bl-03"], rate_hz=1)
        assert (frame["type"], [each["vehicle_id"] for each in frame["vehicles"]]) == ("snapshot", ["bl-03"])


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
async def test_both_encodings_say_the_same_compressed_or_not(
    world: World, served: Serving, encoding: str, compression: str | None
) -> None:
    world.tick(last_texts=("x" * 600,))
    world.hub.sortie_changed(a_sortie())
    async with connect(
        _stream(served), proxy=None, subprotocols=[Subprotocol(encoding)], compression=compression
    ) as viewer:
        assert viewer.subprotocol == encoding
        await viewer.send('{"type":"subscribe"}')
        message = await viewer.recv()
        assert isinstance(message, str) is (encoding == JSON)
        snapshot = json.loads(message) if isinstance(message, str) else msgspec.msgpack.decode(message)
        told = View()
        told.take(message)
    assert snapshot["sorties"][0]["created_at"].endswith("Z")
    assert told.vehicles["bl-01"]["last_texts"] == ["x" * 600]
    assert told.vehicles["bl-01"]["battery_pct"] == 98.0
    assert told.vehicles["bl-01"]["lat_deg"] == pytest.approx(default_docks()[0].place.lat_deg, abs=1e-7)


async def test_a_bad_message_gets_a_problem_and_1003(served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        await _subscribed(viewer)
        await viewer.send('{"type":"shout"}')
        frame = await _next(viewer)
        assert (frame["type"], frame["problem"]["type"]) == ("bye", "urn:bailu:problem:invalid-request")
        with pytest.raises(ConnectionClosed) as closed:
            await _next(viewer)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_a_server_that_stops_closes_with_1001(world: World, served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        await _subscribed(viewer)
        await world.hub.close()
        frame = await _next(viewer)
        assert (frame["type"], frame["code"]) == ("bye", 1001)
        assert 0 < frame["retry_after_s"] <= 3
        with pytest.raises(ConnectionClosed) as closed:
            await _next(viewer)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_another_sites_page_may_not_listen(served: Serving) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(_stream(served), proxy=None, origin="http://evil.example"):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403


async def test_a_viewer_that_stops_reading_is_cut_while_others_go_on(world: World, served: Serving) -> None:
    """With real buffers of the kernel: what does not fit waits in one frame, not in a queue."""
    stuck = socket.create_connection(("127.0.0.1", int(served.url.rsplit(":", 1)[1].strip("/"))))
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(
        b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with connect(_stream(served), proxy=None) as well:
        await _subscribed(well, rate_hz=10)
        while world.hub.viewer_count < 2:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.1)  # the one that says nothing is given everything
        for number in range(60):
            world.clock.advance(0.1)
            world.tick(last_texts=("x" * 100_000, str(number)))
            assert (await _next(well))["changed"][0]["last_texts"][1] == str(number)
            world.hub.beat()
        world.clock.advance(10)
        world.hub.beat()
        await asyncio.sleep(0.05)
        assert world.hub.viewer_count == 2
        world.clock.advance(10)
        world.hub.beat()
        async with asyncio.timeout(3):
            while world.hub.viewer_count > 1:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        assert world.hub.drops["viewers cut, stalled"] == 1
    stuck.close()


def _small(served: Serving) -> socket.socket:
    """A connection whose far end takes little before it is read."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    small.connect(("127.0.0.1", int(served.url.rsplit(":", 1)[1].strip("/"))))
    return small


def test_a_viewer_whose_connection_breaks_is_forgotten_on_the_loop_of_the_service() -> None:
    """uvloop raises where asyncio lets one ask a closed transport for something."""
    hub, app = a_hub(ManualClock()), FastAPI()

    @app.websocket("/")
    async def stream(websocket: WebSocket) -> None:
        await hub.serve(await accepted(websocket))

    async def run() -> None:
        async with serving(app, listen("127.0.0.1", 0)) as server:
            async with connect(server.url.replace("http", "ws"), proxy=None) as viewer:
                await _subscribed(viewer)
                assert hub.viewer_count == 1
                viewer.transport.abort()
            async with asyncio.timeout(3):
                while hub.viewer_count:  # noqa: ASYNC110 - the server tells nobody
                    await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def test_a_farewell_waits_behind_what_a_slow_viewer_still_has_to_read(world: World, served: Serving) -> None:
    async with connect(_stream(served), proxy=None, compression=None, sock=_small(served), max_queue=1) as slow:
        await _subscribed(slow)
        (viewer,) = world.hub._viewers
        while viewer.far.waiting() <= CLEAR_BYTES:
            world.hub.event(FleetEvent(world.clock.now(), "warning", "statustext", "x" * 5_000))
            await asyncio.sleep(0.001)
        closing = asyncio.create_task(world.hub.close())
        await asyncio.sleep(1.5 * FAREWELL_S)
        frames = [frame async for frame in _until_closed(slow)]
        await closing
    assert (frames[-1]["type"], slow.close_code) == ("bye", 1001)


async def _until_closed(viewer: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    async with asyncio.timeout(5):
        async for message in viewer:
            yield json.loads(message)


async def test_a_viewer_that_reads_late_is_told_all_news_in_order_as_fast_as_it_takes_them(
    world: World, served: Serving
) -> None:
    """Nothing ticks here: that its transport is clear again is what it goes on by."""
    texts = [f"{number} {'x' * 900}" for number in range(4_000)]
    async with connect(_stream(served), proxy=None, compression=None, sock=_small(served), max_queue=1) as late:
        await _subscribed(late)
        for number, text in enumerate(texts):
            world.hub.event(FleetEvent(world.clock.now(), "warning", "statustext", text, VehicleId("bl-01")))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert world.hub.frames_sent < len(texts) // 2, "the rest waits in the hub"
        told = [(await _next(late))["event"]["text"] for _ in texts]
    assert told == texts
