"""What a socket adds to the bus: ends that vanish, come back, stall, or speak nonsense."""

from __future__ import annotations

import asyncio
import re
import socket
import stat
import struct
from pathlib import Path

import pytest
import uvloop

from adapters.bus_frames import MAX_FRAME_BYTES, Failure, Message, decode_failure
from adapters.bus_peer import NEWS_BOUND, Peer
from adapters.bus_socket import BusSocketError, connected_bus, hosted_bus
from core.errors import BailuError, GatewayUnavailable
from tests.adapters.test_bus import Answer, Question, socket_ends, take


async def test_without_a_host_requests_fail_at_once_and_publishing_is_harmless(tmp_path: Path) -> None:
    async with connected_bus(tmp_path / "bus") as peer:
        peer.publish("a", Answer("nobody hears it"))
        with pytest.raises(GatewayUnavailable):
            await peer.request("a", Question(1), Answer)


async def test_a_gateway_that_vanishes_fails_what_waits_and_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    asked = asyncio.Event()

    async def never(_: Question) -> Answer:
        asked.set()
        await asyncio.Event().wait()
        return Answer("never")

    async with connected_bus(path) as peer, peer.subscribe("fleet.tick", Answer, bound=4) as ticks:
        async with hosted_bus(path) as host, host.serve("a", Question, never):
            await peer.wait_connected()
            waiting = asyncio.create_task(peer.request("a", Question(1), Answer))
            await asked.wait()
        with pytest.raises(GatewayUnavailable):
            await waiting
        async with asyncio.timeout(3), hosted_bus(path) as host:
            await peer.wait_connected()
            while host.subscriber_count == 0:  # noqa: ASYNC110 - the far end tells nobody
                await asyncio.sleep(0.01)
            host.publish("fleet.tick", Answer("again"))
            assert await take(ticks, 1) == [Answer("again")]


async def test_a_peer_that_does_not_read_loses_messages_which_are_counted_and_blocks_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bus"
    async with socket_ends(path) as (host, lively):
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(_frame(b"\x93\xa3sub\x01\xa1a"))
        async with lively.subscribe("b", Answer, bound=4) as messages:
            while host.subscriber_count < 2:  # noqa: ASYNC110 - the far end tells nobody
                await asyncio.sleep(0.01)
            for _ in range(NEWS_BOUND + 200):
                host.publish("a", Answer("x" * 10_000))
                await asyncio.sleep(0)
            host.publish("b", Answer("through"))
            assert await take(messages, 1) == [Answer("through")]
        writer.close()
        async with asyncio.timeout(2):
            while host.subscriber_count:  # noqa: ASYNC110 - the far end tells nobody
                await asyncio.sleep(0.01)
    lost = re.search(r"too slow for (\d+) published messages", caplog.text)
    assert lost
    assert 0 < int(lost[1]) <= NEWS_BOUND + 200


def _frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    "garbage",
    [_frame(b"\xc1"), _frame(b"\x92\xa3sub\x01"), struct.pack(">I", MAX_FRAME_BYTES + 1), _frame(b"")],
    ids=["not msgpack", "a member short", "over the bound", "empty"],
)
async def test_nonsense_ends_that_connection_and_no_other(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "bus"
    async with socket_ends(path) as (host, peer):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(garbage)
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        writer.close()
        async with peer.subscribe("a", Answer, bound=1) as messages:
            host.publish("a", Answer("still here"))
            assert await take(messages, 1) == [Answer("still here")]


async def test_the_socket_is_the_owners_alone_and_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    path.write_text("left by a dead process")
    async with hosted_bus(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_a_socket_that_cannot_be_opened_says_where_and_why(tmp_path: Path) -> None:
    with pytest.raises(BusSocketError, match="cannot listen on"):
        async with hosted_bus(tmp_path / ("x" * 200)):
            pass


@pytest.mark.parametrize(
    "failure",
    [Failure(1, "no-such-slug", b"\x80"), Failure(1, "vehicle-busy", b"\x80"), Failure(1, "vehicle-busy", b"\xc1")],
    ids=["unknown slug", "facts missing", "facts garbled"],
)
def test_an_error_that_we_do_not_know_is_a_bare_one(failure: Failure) -> None:
    assert type(decode_failure(failure)) is BailuError


def test_a_far_end_that_dies_while_it_is_written_to_takes_nobody_with_it() -> None:
    """On the loop of the service: uvloop refuses to write to a transport that the far end's death has closed."""

    async def dies_under_way() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        peer = Peer(reader, writer)
        theirs.close()
        writer.transport.abort()
        await asyncio.sleep(0.01)
        peer.post(Message(1, "Answer", b"{}"))
        await asyncio.wait_for(peer.run(lambda _: None), 2)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(dies_under_way())
