"""Transports on loopback and a pty: both ways, gone and back, bounded, and clear words when they cannot be opened."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from core.clock import SystemClock
from telemetry.links import Link, LinkChange, LinkCondition, LinkConfig, LinkError, Peer, make_link
from telemetry.links.meter import Meter
from telemetry.links.stream import MAX_UNSENT
from telemetry.links.tcp import MAX_PEERS, TcpClientLink, TcpServerLink
from telemetry.links.urls import NetworkAddress
from telemetry.packets import Heartbeat
from telemetry.wire import Encoder, MavAddress

Got = asyncio.Queue[tuple[Peer, bytes]]
BEAT = Encoder(MavAddress(11, 1)).frame(Heartbeat(True, False, 0, 3), MavAddress(0, 0))


@asynccontextmanager
async def serving(link: Link) -> AsyncIterator[Link]:
    await link.open()
    task = asyncio.create_task(link.run())
    await asyncio.sleep(0)  # one that was cancelled before it began would close nothing
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])


def a_link(url: str, got: Got | None = None, changes: list[LinkChange] | None = None) -> Link:
    def take(peer: Peer, data: bytes) -> None:
        if got is not None:
            got.put_nowait((peer, data))

    return make_link(LinkConfig("x", url), take, on_change=None if changes is None else changes.append)


async def until(holds: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "no link URL"),
        ("udp:127.0.0.1:1", "no link URL"),
        ("udpin:127.0.0.1", "lacks its host or port"),
        ("udpin:a b:1", "lacks its host or port"),
        ("tcp:127.0.0.1:99999", "no port 99999"),
        ("tcp:127.0.0.1:0", "no port 0"),
        ("serial:/dev/tty", "lacks its device or baud rate"),
        ("serial:/dev/ttyS0:0", "0 is no baud rate"),
        ("replay:", "names no file"),
        ("replay:a.tlog:0", "more than 0"),
    ],
)
def test_a_url_that_is_not_understood_is_refused_with_what_is_wrong(url: str, why: str) -> None:
    with pytest.raises(LinkError, match=why):
        a_link(url)


async def test_udp_carries_both_ways() -> None:
    got, back = Got(), Got()
    async with serving(a_link("udpin:127.0.0.1:0", got)) as server:
        host, port = server.address
        async with serving(a_link(f"udpout:{host}:{port}", back)) as client:
            await until(lambda: client.health().state is LinkCondition.UP)
            client.send(client.address, b"up")
            peer, data = await asyncio.wait_for(got.get(), 2)
            server.send(peer, b"down")
            assert (data, (await asyncio.wait_for(back.get(), 2))[1]) == (b"up", b"down")
            client.send(client.address, b"x" * 1501)
            client.send(client.address, b"next")
            assert (await asyncio.wait_for(got.get(), 2))[1] == b"next"
            health = server.health()
    assert (health.oversized, health.rx_bytes, health.tx_bytes, health.connects) == (1, 1507, 4, 1)


async def test_a_port_in_use_is_named() -> None:
    async with serving(a_link("udpin:127.0.0.1:0")) as first:
        with pytest.raises(LinkError, match=f"'x'.*{first.address[1]}"):
            await a_link(f"udpin:127.0.0.1:{first.address[1]}").open()
    async with serving(a_link("tcpin:127.0.0.1:0")) as first:
        with pytest.raises(LinkError, match=f"'x'.*{first.address[1]}"):
            await a_link(f"tcpin:127.0.0.1:{first.address[1]}").open()


async def test_a_flood_from_one_sender_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.links.quota.DATAGRAMS_AT_ONCE", 20.0)
    monkeypatch.setattr("telemetry.links.quota.DATAGRAMS_PER_S", 1.0)
    got = Got()
    async with serving(a_link("udpin:127.0.0.1:0", got)) as server:
        with a_sender() as rogue, a_sender() as good:
            for _ in range(100):
                rogue.sendto(b"flood", server.address)
            good.sendto(b"good", server.address)
            said = [(await asyncio.wait_for(got.get(), 5))[1] for _ in range(21)]
            assert (said[-1], server.health().refused) == (b"good", 80)


def a_sender() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


async def test_a_tcp_link_comes_back_by_itself_and_says_so_once() -> None:
    got = Got()
    changes: list[LinkChange] = []
    accept = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept.wait()
        writer.write(b"hello")
        with suppress(ConnectionError):
            await writer.drain()
            await reader.read(10)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    where = NetworkAddress("tcp", *server.sockets[0].getsockname()[:2])
    clock = SystemClock()
    meter = Meter(LinkConfig("sitl", "tcp"), clock, changes.append)
    link = TcpClientLink(
        "sitl", where, lambda p, d: got.put_nowait((p, d)), meter=meter, clock=clock, rng=random.Random(1)
    )
    accept.set()
    async with serving(link):
        for _ in range(2):
            assert (await asyncio.wait_for(got.get(), 5))[1] == b"hello"
            link.send(link.address, b"bye")
        await until(lambda: link.health().connects >= 3, 6)
        assert link.descriptor(link.address) is None or os.fstat(link.descriptor(link.address) or 0)
    server.close()
    assert [change.up for change in changes[:4]] == [False, True, False, True]


async def test_a_server_is_called_again_after_it_was_away_at_the_start() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    changes: list[LinkChange] = []
    async with serving(a_link(f"tcp:127.0.0.1:{port}", changes=changes)) as link:
        await until(lambda: link.health().why is not None)
        assert link.health().state is LinkCondition.DOWN
        async with serving(a_link(f"tcpin:127.0.0.1:{port}")):
            await until(lambda: link.health().state is LinkCondition.UP, 8)
    assert [change.up for change in changes] == [False, True]


async def test_peers_of_a_tcp_server_are_told_apart_and_bounded() -> None:
    got = Got()
    async with serving(a_link("tcpin:127.0.0.1:0", got)) as server:
        peers = [await asyncio.open_connection(*server.address) for _ in range(MAX_PEERS + 1)]
        for n, (_, writer) in enumerate(peers):
            writer.write(bytes([n]))
        said = [await asyncio.wait_for(got.get(), 2) for _ in range(MAX_PEERS)]
        assert len({peer for peer, _ in said}) == MAX_PEERS
        assert server.health().refused == 1
        for peer, data in said:
            server.send(peer, data * 2)
            assert server.descriptor(peer) is not None
        reached = 0
        for n, (reader, writer) in enumerate(peers):
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                reached += await asyncio.wait_for(reader.readexactly(2), 2) == bytes([n, n])
            writer.close()
        assert reached == MAX_PEERS
        await until(lambda: all(server.descriptor(peer) is None for peer, _ in said))


async def test_a_peer_that_does_not_read_costs_a_bound_and_hinders_nobody() -> None:
    got = Got()
    async with serving(a_link("tcpin:127.0.0.1:0", got)) as server:
        deaf = socket.create_connection(server.address)
        deaf.sendall(b"deaf")
        deaf_peer, _ = await asyncio.wait_for(got.get(), 2)
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"good")
        good_peer, _ = await asyncio.wait_for(got.get(), 2)
        for _ in range(2000):
            server.send(deaf_peer, b"x" * 10_000)
        assert server.health().unsent > 100
        server.send(good_peer, b"well?")
        assert await asyncio.wait_for(reader.readexactly(5), 2) == b"well?"
        assert server.health().tx_bytes < 2000 * 10_000
        writer.close()
        deaf.close()
    assert MAX_UNSENT < 1_000_000


async def test_a_half_open_peer_makes_room_after_a_while() -> None:
    clock = SystemClock()
    meter = Meter(LinkConfig("x", "tcpin"), clock, lambda change: None)
    link = TcpServerLink(
        "x", NetworkAddress("tcpin", "127.0.0.1", 0), lambda p, d: None, meter=meter, clock=clock, silent_s=0.2
    )
    async with serving(link):
        reader, writer = await asyncio.open_connection(*link.address)
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 2) == b"", "the silent peer was not sent away"
        writer.close()


async def test_a_serial_line_carries_both_ways_and_returns_after_it_was_unplugged(tmp_path: Path) -> None:
    """The device is a name that leads to a pty; unplugging closes the far end, plugging in makes another pty."""
    device = tmp_path / "ttyRADIO"
    got = Got()
    changes: list[LinkChange] = []
    async with serving(a_link(f"serial:{device}:57600", got, changes)) as link:
        await until(lambda: link.health().why is not None)
        for _ in range(2):
            ours, theirs = os.openpty()
            tty.setraw(theirs)
            device.symlink_to(os.ttyname(theirs))
            await until(lambda: link.health().state is LinkCondition.UP, 8)
            os.close(theirs)
            os.write(ours, BEAT)
            came = b""
            while len(came) < len(BEAT):
                came += (await asyncio.wait_for(got.get(), 2))[1]
            assert came == BEAT
            link.send(link.address, b"down")
            assert await asyncio.to_thread(os.read, ours, 10) == b"down"
            assert link.descriptor(link.address) is not None
            device.unlink()
            os.close(ours)
            await until(lambda: link.health().state is LinkCondition.DOWN)
            assert link.descriptor(link.address) is None
    assert [change.up for change in changes] == [False, True, False, True, False]


async def test_a_recording_is_played_at_its_pace_and_hears_nothing(tmp_path: Path) -> None:
    tlog = tmp_path / "old.tlog"
    tlog.write_bytes(b"".join(struct.pack(">Q", int(at * 1e6)) + BEAT for at in (100.0, 101.0, 102.0)) + b"\0" * 9)
    got = Got()
    async with serving(a_link(f"replay:{tlog}:10", got)) as link:
        loop = asyncio.get_running_loop()
        times = []
        for n in range(3):
            peer, data = await asyncio.wait_for(got.get(), 2)
            times.append(loop.time())
            assert (peer, data) == ((str(tlog), 0), BEAT)
            assert n == 2 or link.health().state is LinkCondition.REPLAYING
        link.send(link.address, b"anybody?")
        assert link.descriptor(link.address) is None
        assert times[2] - times[0] == pytest.approx(0.2, abs=0.15)
        await until(lambda: link.health().state is LinkCondition.DOWN)
        assert link.health().tx_bytes == 0


async def test_a_file_that_is_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"'x'.*none\.tlog"):
        await a_link(f"replay:{tmp_path / 'none.tlog'}").open()
