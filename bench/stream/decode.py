"""What it costs to read what vehicles say: our way and pymavlink's, on the same bytes, in turns."""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from pymavlink.dialects.v20 import ardupilotmega as dialect

from bench import swarm
from bench.figure import Figure
from core.clock import SystemClock
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.model import Airframe, Dock
from telemetry.board import Board
from telemetry.framing import Header, build, plain_frame
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.wire import CRC_EXTRA, LANES, Decoder, read_payload

_VEHICLES, _SECONDS, _ROUNDS = 1000, 1.0, 9
_TICK = round(swarm.MESSAGES_PER_S * _VEHICLES / 10)  # messages between two ticks
_DOCK = Dock(DockId("dock"), "dock", "dock", LatLon(31.0, 121.0), 4.0, 20.0)
_FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)


class _Voice:
    """A speaker without a socket."""

    def __init__(self, number: int) -> None:
        self.number, self.system_id, self.sequence = number, number % swarm.PER_PORT + 1, 0


def datagrams() -> list[tuple[int, bytes]]:
    """A second of a thousand vehicles, a frame each, on links of two hundred."""
    voices = [_Voice(number) for number in range(_VEHICLES)]
    turns = enumerate(swarm.schedule(voices, random.Random(1)))
    said = []
    for turn, slot in islice(turns, round(_SECONDS / swarm.SLOT_S)):
        for voice, name in slot:
            header = Header(voice.sequence, voice.system_id, 1, swarm.IDS[name])
            voice.sequence = (voice.sequence + 1) % 256
            payload = swarm.PAYLOADS[name](voice, turn * swarm.SLOT_S)
            said.append((voice.number, build(header, payload, CRC_EXTRA[header.message_id])))
    return said


def ours(data: Sequence[tuple[int, bytes]]) -> float:
    """Seconds of CPU to check every frame and bring all vehicles' records up to date, at ten ticks a second."""
    board, clock = Board(), SystemClock()
    vehicles = [_vehicle(number, clock, board) for number in range(_VEHICLES)]
    _take(data, vehicles, board)  # everything was said once: from now on it is as it always is
    began_s = time.process_time()
    _take(data, vehicles, board)
    return time.process_time() - began_s


def _take(data: Sequence[tuple[int, bytes]], vehicles: Sequence[Vehicle], board: Board) -> None:
    decoder = Decoder()
    for number, (who, frame) in enumerate(data):
        lane = plain_frame(frame, LANES)
        if lane is None:
            for each in decoder.feed(frame):
                vehicles[who].hear(each.packet)
            continue
        vehicle, payload = vehicles[who], frame[10:-2]
        if not vehicle.take(lane, payload, 0.0):
            vehicle.hear(read_payload(int.from_bytes(frame[7:10], "little"), payload))
            vehicle.knows(lane, payload)
        if number % _TICK == 0:
            board.read()
    board.read()


def packets(data: Sequence[tuple[int, bytes]]) -> float:
    """Seconds of CPU to make a packet of every message that we know, at once."""
    decoder = Decoder()
    began_s = time.process_time()
    for _, datagram in data:
        deque(decoder.feed(datagram), maxlen=0)
    return time.process_time() - began_s


def theirs(data: Sequence[tuple[int, bytes]]) -> float:
    """Seconds of CPU for pymavlink's `parse_buffer`, a call per datagram, with fastcrc as it is installed."""
    codec = dialect.MAVLink(None)
    codec.robust_parsing = True
    began_s = time.process_time()
    for _, datagram in data:
        codec.parse_buffer(datagram)
    return time.process_time() - began_s


def _vehicle(number: int, clock: SystemClock, board: Board) -> Vehicle:
    config = VehicleConfig(VehicleId(f"v{number}"), f"v{number}", ("x",), 1, _DOCK, _FRAME)
    return Vehicle(config, clock=clock, board=board)


def decode() -> Iterator[Figure]:
    """Messages a second of one core, ours over pymavlink's: median of the ratios inside each round."""
    data = datagrams()
    ways: tuple[Callable[[Sequence[tuple[int, bytes]]], float], ...] = (theirs, ours, packets)
    rounds = [[way(data) for way in ways] for _ in range(_ROUNDS)]
    theirs_s, ours_s, packets_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure("stream.decode.ratio", statistics.median(a / b for a, b, _ in rounds), "x", 4.0, better="higher")
    yield Figure("stream.decode.ours", ours_s / len(data) * 1e6, "us")
    yield Figure("stream.decode.pymavlink", theirs_s / len(data) * 1e6, "us")
    yield Figure("stream.decode.packets", packets_s / len(data) * 1e6, "us")
