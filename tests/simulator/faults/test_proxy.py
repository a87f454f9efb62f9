"""The proxies carry real sockets' bytes, each client on a line of its own, and change while they run."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
import uvloop

from simulator.faults.impairment import Faults
from simulator.faults.line import Direction, LinkFaults
from simulator.faults.tcp import TcpProxy
from simulator.faults.udp import UdpProxy
from simulator.protocol.codec import Codec, dialect

HOST = "127.0.0.1"
CUT = LinkFaults(Faults(cut=True), Faults(cut=True))


class Datagrams(asyncio.DatagramProtocol):
    """Keeps what comes; `answers` sends it back."""

    def __init__(self, *, answers: bool = False) -> None:
        self.got: list[tuple[bytes, tuple[str, int]]] = []
        self._answers = answers
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.append((data, addr))
        if self._answers:
            self.transport.sendto(b"re " + data, addr)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port


async def bound(*, answers: bool = False) -> Datagrams:
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Datagrams(answers=answers), local_addr=(HOST, 0)
    )
    return protocol


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not holds():  # noqa: ASYNC110 - sockets of the test set no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def udp(faults: LinkFaults | None = None) -> AsyncIterator[tuple[UdpProxy, tuple[str, int], Datagrams]]:
    server = await bound(answers=True)
    proxy = UdpProxy(server.address, seed=1, faults=faults)
    try:
        yield proxy, await proxy.open((HOST, 0)), server
    finally:
        await proxy.close()
        server.transport.close()


def frame(system_id: int) -> bytes:
    return Codec(system_id).encode(dialect.MAVLink_heartbeat_message(2, 3, 0, 0, 3, 3))


async def test_two_clients_are_two_to_the_target_and_each_gets_its_own_answers() -> None:
    async with udp() as (_, address, server):
        clients = [await bound(), await bound()]
        for n, client in enumerate(clients):
            client.transport.sendto(b"hello %d" % n, address)
        await until(lambda: all(client.got for client in clients))
        assert [[data for data, _ in client.got] for client in clients] == [[b"re hello 0"], [b"re hello 1"]]
        assert len({source for _, source in server.got}) == 2
        for client in clients:
            client.transport.close()


async def test_a_rebound_client_comes_from_another_port_and_still_gets_answers() -> None:
    async with udp() as (proxy, address, server):
        client = await bound()
        client.transport.sendto(b"a", address)
        await until(lambda: len(client.got) == 1)
        proxy.rebind()
        client.transport.sendto(b"b", address)
        await until(lambda: len(client.got) == 2)
        (_, before), (_, after) = server.got
        assert before != after == proxy.lines[0].source
        client.transport.close()


async def test_faults_are_set_for_one_vehicle_in_one_direction_while_the_link_is_there() -> None:
    async with udp() as (proxy, address, server):
        clients = {system_id: await bound() for system_id in (11, 12)}
        proxy.set(LinkFaults(back=Faults(cut=True)), system_id=11)
        for system_id, client in clients.items():
            client.transport.sendto(frame(system_id), address)
        await until(lambda: len(server.got) == 2 and len(clients[12].got) == 1)
        await asyncio.sleep(0.02)
        assert clients[11].got == []
        assert proxy.counts(Direction.BACK, system_id=11)["cut"] == 1
        proxy.set(LinkFaults())
        clients[11].transport.sendto(frame(11), address)
        await until(lambda: len(clients[11].got) == 1)
        for client in clients.values():
            client.transport.close()


async def test_a_delay_is_waited_for_and_later_datagrams_may_overtake() -> None:
    slow = LinkFaults(forth=Faults(delay_s=0.05))
    async with udp(slow) as (proxy, address, server):
        client = await bound()
        began = asyncio.get_running_loop().time()
        client.transport.sendto(b"slow", address)
        await until(lambda: proxy.counts(Direction.FORTH)["sent"] == 1)
        proxy.set(LinkFaults())
        client.transport.sendto(b"fast", address)
        await until(lambda: len(server.got) == 2)
        assert [data for data, _ in server.got] == [b"fast", b"slow"]
        assert asyncio.get_running_loop().time() - began >= 0.048
        client.transport.close()


async def a_target_that_comes_late() -> None:
    """Nobody listens at first; from then on both ways work."""
    target = free_address()
    proxy = UdpProxy(target)
    address = await proxy.open((HOST, 0))
    client = await bound()
    for _ in range(3):
        client.transport.sendto(b"anybody?", address)
        await asyncio.sleep(0.01)
    _, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Datagrams(answers=True), local_addr=target
    )
    client.transport.sendto(b"now?", address)
    await until(lambda: [data for data, _ in client.got] == [b"re now?"])
    await proxy.close()
    server.transport.close()
    client.transport.close()
    await asyncio.sleep(0)


def free_address() -> tuple[str, int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return HOST, int(probe.getsockname()[1])


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_target_that_comes_late_is_reached_on_either_event_loop(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(a_target_that_comes_late())


async def test_a_taken_port_is_told() -> None:
    async with udp() as (_, address, _server):
        with pytest.raises(OSError, match="in use"):
            await UdpProxy((HOST, 1)).open(address)


@asynccontextmanager
async def tcp(
    faults: LinkFaults | None = None,
) -> AsyncIterator[tuple[TcpProxy, asyncio.StreamReader, asyncio.StreamWriter, bytearray]]:
    """A proxy before a server that keeps what it gets and echoes it, and one connection through it."""
    got = bytearray()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                got.extend(data)
                writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo, HOST, 0) as server:
        proxy = TcpProxy(server.sockets[0].getsockname()[:2], seed=1, faults=faults)
        reader, writer = await asyncio.open_connection(*await proxy.open((HOST, 0)))
        try:
            yield proxy, reader, writer, got
        finally:
            writer.close()
            await proxy.close()


async def test_a_stream_passes_in_order_however_it_is_delayed() -> None:
    frames = b"".join(frame(n) for n in range(1, 60))
    jittery = Faults(jitter_s=0.01, reorder=0.3, reorder_by_s=0.01)
    async with tcp(LinkFaults(jittery, jittery)) as (_, reader, writer, _got):
        writer.write(frames)
        assert await asyncio.wait_for(reader.readexactly(len(frames)), 3) == frames


async def test_bytes_that_look_like_the_beginning_of_a_frame_are_not_kept_for_ever() -> None:
    async with tcp() as (_, reader, writer, _got):
        writer.write(b"GET \xfd")
        assert await asyncio.wait_for(reader.readexactly(5), 3) == b"GET \xfd"


async def test_of_a_stream_whole_frames_are_lost() -> None:
    frames = [frame(n) for n in range(1, 101)]
    async with tcp(LinkFaults(forth=Faults(loss=0.3))) as (proxy, _, writer, got):
        writer.write(b"".join(frames))
        await until(lambda: proxy.counts(Direction.FORTH)["sent"] == 100)
        await until(lambda: len(got) == proxy.counts(Direction.FORTH)["arrived"] * len(frames[0]))
        arrived = [bytes(got[at : at + len(frames[0])]) for at in range(0, len(got), len(frames[0]))]
        assert arrived == [each for each in frames if each in arrived]
        assert 55 < len(arrived) < 85


async def test_what_is_sent_over_a_cut_stream_arrives_when_it_is_healed() -> None:
    async with tcp() as (proxy, reader, writer, got):
        writer.write(b"one")
        await reader.readexactly(3)
        proxy.set(CUT)
        writer.write(b"two")
        await asyncio.sleep(0.03)
        assert got == b"one"
        proxy.set(LinkFaults())
        assert await asyncio.wait_for(reader.readexactly(3), 3) == b"two"


@pytest.mark.parametrize("reset", [False, True])
async def test_connections_are_ended_kindly_or_by_a_reset(reset: bool) -> None:
    async with tcp() as (proxy, reader, writer, _):
        writer.write(b"x")
        await reader.readexactly(1)
        proxy.end_connections(reset=reset)
        if reset:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), 3)
        else:
            assert await asyncio.wait_for(reader.read(1), 3) == b""
        await until(lambda: proxy.lines == ())


async def test_a_client_is_closed_when_there_is_no_target() -> None:
    proxy = TcpProxy((HOST, 1))
    reader, writer = await asyncio.open_connection(*await proxy.open((HOST, 0)))
    assert await asyncio.wait_for(reader.read(1), 6) == b""
    assert proxy.refused_clients == 1
    writer.close()
    await proxy.close()
