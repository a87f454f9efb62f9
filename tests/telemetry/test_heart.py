"""The heart: right bytes, a watchdog that is fed or stops, and a process that uses the links' own sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from telemetry.heart.beating import FED_WITHIN_S, Beating, Signing, Target
from telemetry.heart.door import announce, succeed
from telemetry.heart.frame import heartbeat
from telemetry.heart.keeper import Beat, BeatSigning, Heart
from telemetry.links import Link, LinkConfig, Peer, make_link
from telemetry.packets import Heartbeat
from telemetry.wire import Decoder, Encoder, MavAddress

US = (254, 25)


def test_the_heart_writes_the_frame_that_the_codec_writes() -> None:
    codec = Encoder(MavAddress(*US))
    beat = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
    for sequence in range(256):
        assert heartbeat(sequence, *US) == codec.frame(beat, MavAddress(0, 0))


def test_a_signed_beat_is_signed_as_mavlink_says_and_its_stamp_only_grows() -> None:
    key = bytes(range(32))
    target = Target(1, None, 1.0, US, Signing(key, 7, mono_s=100.0, stamp=5_000_000))
    stamps = []
    for now_s in (100.0, 101.0, 101.0, 100.5):
        frame = target.frame(now_s)
        assert frame[2] == 1
        assert frame[21] == 7
        assert frame[-6:] == sha256(key + frame[:-6]).digest()[:6]
        stamps.append(int.from_bytes(frame[22:28], "little"))
    assert stamps == [5_000_000, 5_100_000, 5_100_001, 5_100_002]


def a_beating(*every_s: float) -> Beating:
    beating = Beating()
    for number, seconds in enumerate(every_s):
        beating.targets[number] = Target(1, None, seconds, US, None)
    return beating


def test_an_unfed_heart_stops_and_a_fed_one_goes_on_at_once() -> None:
    beating = a_beating(1.0)
    assert beating.due(0.0) == [], "nobody fed it yet"
    beating.feed(0.0)
    times = [t / 10 for t in range(60) if beating.due(t / 10)]
    assert times == [0.0, 1.0, 2.0, 3.0]
    assert max(times) <= FED_WITHIN_S
    beating.feed(5.95)
    assert beating.due(6.0)
    assert 3.0 <= FED_WITHIN_S <= 3.5, "the guide's limits"


def test_a_successor_gets_the_dead_core_s_heart_one_more_while_and_only_one() -> None:
    beating = a_beating(1.0)
    beating.spare(0.0)
    assert not beating.beats(0.0), "a heart that was never fed is not begun by a visitor"
    beating.feed(0.0)
    beating.spare(3.0)
    assert beating.beats(3.0 + FED_WITHIN_S - 0.01)
    beating.spare(6.0)
    assert not beating.beats(3.0 + FED_WITHIN_S + 0.01)


def test_a_feed_that_arrives_late_is_as_old_as_it_says() -> None:
    beating = a_beating(1.0)
    beating.feed(10.0)
    beating.feed(9.0)
    assert not beating.beats(10.0 + FED_WITHIN_S + 0.01)


def test_a_beat_that_is_late_is_not_made_up_for() -> None:
    beating = a_beating(1.0)
    times = []
    for now_s in (0.0, 2.7, 2.8, 3.6, 3.7):
        beating.feed(now_s)
        times += [now_s] * len(beating.due(now_s))
    assert times == [0.0, 2.7, 3.7]


@asynccontextmanager
async def beating_heart(tmp_path: Path, every_s: float = 0.05) -> AsyncIterator[Heart]:
    heart = Heart(tmp_path / "heart.sock", every_s=every_s, on_trouble=lambda text: None)
    task = asyncio.create_task(heart.run())
    try:
        yield heart
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


async def a_udp_link() -> tuple[Link, asyncio.Task[None]]:
    link = make_link(LinkConfig("fleet", "udpin:127.0.0.1:0"), lambda peer, data: None)
    await link.open()
    return link, asyncio.create_task(link.run())


async def heard(sock: socket.socket) -> tuple[bytes, Peer]:
    data, peer = await asyncio.get_running_loop().sock_recvfrom(sock, 2000)
    return data, peer[:2]


def a_vehicle_socket() -> socket.socket:
    vehicle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    vehicle.bind(("127.0.0.1", 0))
    vehicle.setblocking(False)
    return vehicle


async def test_beats_come_from_the_address_that_the_vehicle_knows_and_only_to_whom_they_are_meant(
    tmp_path: Path,
) -> None:
    link, task = await a_udp_link()
    with a_vehicle_socket() as one, a_vehicle_socket() as two:
        async with beating_heart(tmp_path) as heart:
            heart.keep([Beat(link, one.getsockname(), US)])
            heart.feed()
            await until(lambda: heart.pid is not None)
            heart.feed()
            heart.keep([Beat(link, one.getsockname(), US)])
            sequence = []
            for _ in range(3):
                data, sender = await asyncio.wait_for(heard(one), 5)
                assert sender == link.address
                (frame,) = Decoder().feed(data)
                assert (frame.source.system_id, frame.source.component_id) == US
                sequence.append(frame.sequence)
            assert sequence == [0, 1, 2]
            with pytest.raises(BlockingIOError):
                two.recv(100)
            heart.keep([Beat(link, two.getsockname(), US)])
            await asyncio.wait_for(heard(two), 5)
            await until(lambda: heart.sent > 0)
    task.cancel()
    await asyncio.wait([task])


async def test_signed_and_plain_vehicles_on_one_link_get_their_own_beats(tmp_path: Path) -> None:
    link, task = await a_udp_link()
    with a_vehicle_socket() as plain, a_vehicle_socket() as signed:
        signing = BeatSigning(bytes(32), 3, time.monotonic(), 1_000)
        async with beating_heart(tmp_path) as heart:
            await until(lambda: heart.pid is not None)
            heart.feed()
            heart.keep([Beat(link, plain.getsockname(), US), Beat(link, signed.getsockname(), US, signing)])
            assert len((await asyncio.wait_for(heard(plain), 5))[0]) == 21
            assert len((await asyncio.wait_for(heard(signed), 5))[0]) == 34
    task.cancel()
    await asyncio.wait([task])


async def test_a_vehicle_whose_signing_time_runs_ahead_gets_beats_of_that_time(tmp_path: Path) -> None:
    link, task = await a_udp_link()
    with a_vehicle_socket() as vehicle:

        def beat(ahead_s: float) -> Beat:
            now_s = time.monotonic()
            stamp = int((now_s + ahead_s) * 100_000)
            return Beat(link, vehicle.getsockname(), US, BeatSigning(bytes(32), 3, now_s, stamp))

        async def stamped_ahead_s() -> tuple[float, int]:
            """By how much the next beat is stamped ahead of the monotonic clock; its sequence number."""
            data = (await asyncio.wait_for(heard(vehicle), 5))[0]
            return int.from_bytes(data[-12:-6], "little") / 100_000 - time.monotonic(), data[4]

        async with beating_heart(tmp_path) as heart:
            await until(lambda: heart.pid is not None)
            heart.feed()
            heart.keep([beat(0.0)])
            before_s, first = await stamped_ahead_s()
            heart.keep([beat(3.0)])  # as good as the same
            heart.keep([beat(900.0)])
            async with asyncio.timeout(5):
                while (after := await stamped_ahead_s())[0] < 800.0:
                    assert after[0] < 1.0
            heart.keep([beat(100.0)])  # time never goes back
            again_s, last = await stamped_ahead_s()
    assert abs(before_s) < 2.0
    assert min(after[0], again_s) > 890.0
    assert last > first  # it is the same stream
    task.cancel()
    await asyncio.wait([task])


async def test_a_heart_that_died_is_replaced_and_knows_where_to_beat(tmp_path: Path) -> None:
    link, task = await a_udp_link()
    troubles: list[str] = []
    with a_vehicle_socket() as vehicle:
        async with beating_heart(tmp_path) as heart:
            heart._on_trouble = troubles.append
            await until(lambda: heart.pid is not None)
            first = heart.pid
            heart.keep([Beat(link, vehicle.getsockname(), US)])
            heart.feed()
            await asyncio.wait_for(heard(vehicle), 5)
            assert first is not None
            os.kill(first, 9)
            await until(lambda: heart.pid not in (None, first))
            while True:
                try:
                    vehicle.recv(100)
                except BlockingIOError:
                    break
            heart.feed()
            await asyncio.wait_for(heard(vehicle), 5)
    assert "status -9" in troubles[0]
    task.cancel()
    await asyncio.wait([task])


async def test_a_reconnected_stream_gets_its_beats_on_the_new_connection(tmp_path: Path) -> None:
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: accepted.put_nowait((r, w)), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    link = make_link(LinkConfig("sitl", f"tcp:{host}:{port}"), lambda peer, data: None)
    task = asyncio.create_task(link.run())
    async with beating_heart(tmp_path) as heart:
        await until(lambda: heart.pid is not None)
        for _ in range(2):
            reader, writer = await asyncio.wait_for(accepted.get(), 5)
            await until(lambda: link.descriptor(link.address) is not None)
            heart.feed()
            heart.keep([Beat(link, link.address, US)])
            assert (await asyncio.wait_for(reader.readexactly(21), 5))[:2] == b"\xfd\x09"
            writer.close()
            await until(lambda: link.descriptor(link.address) is None)
            heart.keep([Beat(link, link.address, US)])
    task.cancel()
    await asyncio.wait([task])
    server.close()


async def test_a_successor_ends_the_heart_that_a_killed_gateway_left(tmp_path: Path) -> None:
    assert not succeed(tmp_path / "heart.sock")
    async with beating_heart(tmp_path) as heart:
        await until(lambda: heart.pid is not None and (tmp_path / "heart.sock").exists())
        first = heart.pid
        assert await asyncio.to_thread(succeed, tmp_path / "heart.sock")
        await until(lambda: heart.pid != first)
    assert not (tmp_path / "heart.sock").exists()


async def test_a_heart_that_hears_of_a_successor_beats_on_for_it(tmp_path: Path) -> None:
    door = tmp_path / "heart.sock"
    assert not announce(door)
    link, task = await a_udp_link()
    with a_vehicle_socket() as vehicle:
        async with beating_heart(tmp_path) as heart:
            await until(lambda: heart.pid is not None)
            heart.keep([Beat(link, vehicle.getsockname(), US)])
            heart._say({"do": "feed", "at_s": time.monotonic() - FED_WITHIN_S + 0.5})
            await asyncio.wait_for(heard(vehicle), 5)
            first = heart.pid
            assert await asyncio.to_thread(announce, door)
            await asyncio.sleep(0.7)
            with suppress(BlockingIOError):
                while vehicle.recv(100):
                    pass
            await asyncio.wait_for(heard(vehicle), 1)
            assert heart.pid == first
            assert await asyncio.to_thread(succeed, door)
            await until(lambda: heart.pid != first)
    task.cancel()
    await asyncio.wait([task])
