"""A UDP link reads all there is at once, and says what the kernel had no room for."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress

import pytest

from core.clock import SystemClock
from telemetry.links import LinkConfig, Peer
from telemetry.links import make_link as make
from telemetry.links import udp as module
from telemetry.links.batch import Batch

BURST = 400


async def taken(monkeypatch: pytest.MonkeyPatch, buffer_bytes: int, sent: int) -> tuple[list[bytes], int]:
    """What a listener gets of so many datagrams that came while nobody read, and how many it says were dropped."""
    monkeypatch.setattr(module, "RECEIVE_BUFFER_BYTES", buffer_bytes)
    got: list[bytes] = []

    def take(_: Peer, data: bytes) -> None:
        got.append(data)

    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), take, clock=SystemClock())
    await link.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for number in range(sent):
            far.sendto(number.to_bytes(40, "little"), link.address)
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(3.0):
            while len(got) + link.health().dropped < sent:  # noqa: ASYNC110 - the kernel sets no event
                await asyncio.sleep(0.002)
        return got, link.health().dropped
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_burst_is_taken_whole_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 32)
    got, dropped = await taken(monkeypatch, module.RECEIVE_BUFFER_BYTES, 150)
    assert (got, dropped) == ([number.to_bytes(40, "little") for number in range(150)], 0)


async def test_what_the_kernel_had_no_room_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    got, dropped = await taken(monkeypatch, 4_096, BURST)
    assert 0 < len(got) < BURST
    assert len(got) + dropped == BURST


async def test_a_frame_that_makes_somebody_raise_leaves_the_link_hearing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY", 1)  # read by the clock from the first datagram on, and rarely
    monkeypatch.setattr(module, "CALM_S", 0.1)
    raised, got = list[object](), list[bytes]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: raised.append(told["exception"]))

    def take(_: Peer, data: bytes) -> None:
        if data == b"bad":
            raise RuntimeError("a listener's fault")
        got.append(data)

    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), take, clock=SystemClock())
    await link.open()
    task = asyncio.create_task(link.run())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for data in (b"one", b"bad", b"two", b"three"):
            far.sendto(data, link.address)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(3.0):
            while len(got) < 3:  # noqa: ASYNC110 - the kernel sets no event
                await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.wait([task])
    assert (got, len(raised)) == ([b"one", b"two", b"three"], 1)


async def test_what_a_batch_s_taker_leaves_is_taken_one_by_one_in_its_turn() -> None:
    """One that makes somebody raise costs none of the others."""
    raised, got = list[object](), list[tuple[str, bytes]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: raised.append(told["exception"]))

    def take(_: Peer, data: bytes) -> None:
        if data == b"bad":
            raise RuntimeError("a listener's fault")
        got.append(("one", data))

    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), take, clock=SystemClock())
    assert isinstance(link, module.UdpLink)
    batch = Batch(4, module.BUFFER_BYTES)

    def take_many(begin: int, count: int, _: float) -> int:
        while begin < count and (data := batch.data(begin)).startswith(b"many"):
            got.append(("many", data))
            begin += 1
        return begin

    link.in_batches(batch, take_many)
    await link.open()
    said = (b"many 1", b"many 2", b"bad", b"three", b"many 4", b"five", b"x" * 1_501, b"", b"many 6")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for data in said:
            far.sendto(data, link.address)
    task = asyncio.create_task(link.run())
    async with asyncio.timeout(3.0):
        while len(got) < 7:  # noqa: ASYNC110 - the kernel sets no event
            await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.wait([task])
    assert got == [
        ("many", b"many 1"), ("many", b"many 2"), ("one", b"three"), ("many", b"many 4"), ("one", b"five"),
        ("one", b""), ("many", b"many 6"),
    ]  # fmt: skip
    assert (len(raised), link.health().oversized) == (1, 1)


async def test_who_leaves_most_of_a_batch_is_not_asked_for_the_rest_of_it() -> None:
    got, asked = list[bytes](), list[int]()
    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), lambda _, data: got.append(data), clock=SystemClock())
    assert isinstance(link, module.UdpLink)

    def take_many(begin: int, _: int, __: float) -> int:
        asked.append(begin)
        return begin

    link.in_batches(Batch(64, module.BUFFER_BYTES), take_many)
    await link.open()
    said = [bytes((number,)) for number in range(50)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for data in said:
            far.sendto(data, link.address)
    task = asyncio.create_task(link.run())
    async with asyncio.timeout(3.0):
        while len(got) < 50:  # noqa: ASYNC110 - the kernel sets no event
            await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.wait([task])
    assert got == said
    assert asked[:8] == list(range(8))
    assert len([each for each in asked if each]) == 7


def test_a_batch_tells_who_sent_what_and_takes_no_more_than_it_has_room_for() -> None:
    batch = Batch(2, 16)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.1", 0))
        assert batch.receive(near) == 0
        for data in (b"one", b"more than there is room for", b"three"):
            far.sendto(data, near.getsockname())
        assert batch.receive(near) == 2
        told = [(batch.data(at), batch.peer(at)) for at in range(2)]
        assert told == [(b"one", far.getsockname()), (b"more than there ", far.getsockname())]
        assert (batch.receive(near), batch.data(0)) == (1, b"three")
    with pytest.raises(OSError, match="Bad file descriptor"):
        batch.receive(near)


async def test_a_busy_link_is_read_by_the_clock_and_without_delay_while_somebody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_BUSY", 1)
    monkeypatch.setattr(module, "CALM_S", 3.0)
    got = list[bytes]()
    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), lambda _, data: got.append(data), clock=SystemClock())
    await link.open()
    task = asyncio.create_task(link.run())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:

        async def heard(count: int, within_s: float) -> int:
            far.sendto(b"word", link.address)
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while len(got) < count:  # noqa: ASYNC110 - the kernel sets no event
                        await asyncio.sleep(0.002)
            return len(got)

        assert await heard(1, 2.0) == 1
        assert await heard(2, 0.3) == 1  # it waits for the clock
        link.hurry(60.0)
        assert await heard(3, 10.0) == 3
        assert [await heard(count, 2.0) for count in range(4, 8)] == [4, 5, 6, 7]
    task.cancel()
    await asyncio.wait([task])


async def test_a_crowded_link_is_read_more_often_until_it_is_calm_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_BUSY": 1, "CALM_S": 0.6, "CROWDED_S": 0.01, "_MANY": 5.0, "_FEW": 0.0}.items():
        monkeypatch.setattr(module, name, value)
    got = list[float]()
    link = make(LinkConfig("x", "udpin:127.0.0.1:0"), lambda *_: got.append(time.monotonic()), clock=SystemClock())
    await link.open()
    task = asyncio.create_task(link.run())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:

        async def waited_s(words: int) -> float:
            before, began_s = len(got), time.monotonic()
            for _ in range(words):
                far.sendto(b"word", link.address)
            async with asyncio.timeout(5.0):
                while len(got) < before + words:  # noqa: ASYNC110 - the kernel sets no event
                    await asyncio.sleep(0.002)
            return got[-1] - began_s

        await waited_s(1)
        assert await waited_s(30) > 0.1
        assert sorted([await waited_s(1) for _ in range(5)])[2] < 0.1
        monkeypatch.setattr(module, "_FEW", 30.0)
        await waited_s(1)
        assert sorted([await waited_s(1) for _ in range(3)])[1] > 0.1
    task.cancel()
    await asyncio.wait([task])
