"""Transports on loopback: both ways, gone and back, and clear words when they cannot be opened."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from telemetry.links import LinkConfig, LinkError, Peer, TcpClientLink, make_link


@pytest.mark.parametrize(
    "url", ["", "udp:127.0.0.1:1", "udpin:127.0.0.1", "tcp:127.0.0.1:99999", "serial:/dev/tty", "udpin:a b:1"]
)
def test_a_url_that_is_not_understood_is_refused_with_the_ones_that_are(url: str) -> None:
    with pytest.raises(LinkError, match="udpin:HOST:PORT"):
        make_link(LinkConfig("x", url), lambda peer, data: None)


async def test_udp_carries_both_ways() -> None:
    got: asyncio.Queue[tuple[Peer, bytes]] = asyncio.Queue()
    back: asyncio.Queue[tuple[Peer, bytes]] = asyncio.Queue()
    server = make_link(LinkConfig("in", "udpin:127.0.0.1:0"), lambda peer, data: got.put_nowait((peer, data)))
    await server.open()
    host, port = server.address
    client = make_link(LinkConfig("out", f"udpout:{host}:{port}"), lambda peer, data: back.put_nowait((peer, data)))
    await client.open()
    tasks = [asyncio.create_task(link.run()) for link in (server, client)]
    client.send(client.address, b"up")
    peer, data = await asyncio.wait_for(got.get(), 2)
    server.send(peer, b"down")
    assert (data, (await asyncio.wait_for(back.get(), 2))[1]) == (b"up", b"down")
    client.send(client.address, b"x" * 1501)
    client.send(client.address, b"next")
    assert (await asyncio.wait_for(got.get(), 2))[1] == b"next"
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_port_in_use_is_named() -> None:
    first = make_link(LinkConfig("one", "udpin:127.0.0.1:0"), lambda peer, data: None)
    await first.open()
    second = make_link(LinkConfig("two", f"udpin:127.0.0.1:{first.address[1]}"), lambda peer, data: None)
    with pytest.raises(LinkError, match=f"'two'.*{first.address[1]}"):
        await second.open()
    task = asyncio.create_task(first.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_a_tcp_link_comes_back_by_itself() -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        with suppress(ConnectionError):
            await reader.read(10)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    peer = server.sockets[0].getsockname()[:2]
    link = TcpClientLink("sitl", peer, lambda _, data: got.put_nowait(data), rng=random.Random(1))
    task = asyncio.create_task(link.run())
    for _ in range(2):
        assert await asyncio.wait_for(got.get(), 5) == b"hello"
        link.send(peer, b"bye")
    task.cancel()
    await asyncio.wait([task])
    server.close()
