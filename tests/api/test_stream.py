"""The WebSocket over a real socket: the contract's frames, its door, and a viewer that stops reading."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.runtime import listen
from api.webserver import Serving, serving
from core.ids import VehicleId
from telemetry.messages import FleetEvent
from tests.api.conftest import World
from tests.samples import a_sortie


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


async def test_a_viewer_gets_a_snapshot_then_ticks_sorties_and_events(world: World, served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        snapshot = await _next(viewer)
        assert (snapshot["type"], snapshot["seq"], snapshot["server_time"]) == ("snapshot", 1, "2026-01-01T00:00:00Z")
        assert [each["vehicle_id"] for each in snapshot["vehicles"]] == ["bl-01", "bl-02", "bl-03"]
        world.clock.advance(1)
        world.tick(mode="LOITER")
        frame = await _next(viewer)
        assert (frame["type"], frame["seq"], frame["vehicles"][0]["mode"]) == ("tick", 2, "LOITER")
        world.hub.sortie_changed(a_sortie(problem={"slug": "vehicle-busy", "title": "t", "detail": "d"}))
        frame = await _next(viewer)
        assert (frame["type"], frame["sortie"]["sortie_id"]) == ("sortie", "sortie-1")
        assert frame["sortie"]["problem"] == {"type": "urn:bailu:problem:vehicle-busy", "title": "t", "detail": "d"}
        world.hub.event(FleetEvent(world.clock.now(), "info", "statustext", "hello", VehicleId("bl-01")))
        frame = await _next(viewer)
        assert (frame["event"]["text"], frame["event"]["sortie_id"], frame["seq"]) == ("hello", None, 4)
        await viewer.send(json.dumps({"type": "subscribe", "vehicles": ["bl-03"], "rate_hz": 1}))
        frame = await _next(viewer)
        assert (frame["type"], [each["vehicle_id"] for each in frame["vehicles"]]) == ("snapshot", ["bl-03"])


async def test_a_bad_message_gets_a_problem_and_1003(served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        await _next(viewer)
        await viewer.send('{"type":"shout"}')
        frame = await _next(viewer)
        assert (frame["type"], frame["problem"]["type"]) == ("problem", "urn:bailu:problem:invalid-request")
        with pytest.raises(ConnectionClosed) as closed:
            await _next(viewer)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_a_server_that_stops_closes_with_1001(world: World, served: Serving) -> None:
    async with connect(_stream(served), proxy=None) as viewer:
        await _next(viewer)
        await world.hub.close()
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
        await _next(well)
        while world.hub.viewer_count < 2:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        for number in range(60):
            world.clock.advance(0.3)
            world.tick(last_texts=("x" * 100_000, str(number)))
            assert (await _next(well))["vehicles"][0]["last_texts"][1] == str(number)
            await asyncio.sleep(0)
        world.clock.advance(30)
        world.hub.beat()
        async with asyncio.timeout(3):
            while world.hub.viewer_count > 1:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        assert world.hub.drops["viewers cut, stalled"] == 1
    stuck.close()
