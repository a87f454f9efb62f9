"""A few vehicles whose news are timed from the frame that tells them to the client that hears of them.

`python -m bench.stream.probing JSON` speaks for them, follows the first one through the public client, begins to
measure when a line comes on its input, and prints one JSON object when it is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import sys
import time
from dataclasses import dataclass, field

import msgspec

from bench import swarm
from telemetry.client import LiveStream
from telemetry.client.view import Record
from telemetry.stream.contract import Subscribe
from telemetry.wire import CRC_EXTRA

_FENCE_STATUS = 162
_PAYLOADS = swarm.PAYLOADS | {"GLOBAL_POSITION_INT": swarm.stamped}
_FOLLOWED_HZ = 20.0
# Each vehicle leaves its fence once in a cycle, for so long; an alarm ends a second after it is back.
_CYCLE_S, _OUTSIDE_S = 4.0, 1.5
_FIRST_E7 = 310_000_000
# No vehicle's clock is the platform's: what it says comes before and after the platform's ticks in turn.
_SLOT_S = 1.0137 * swarm.SLOT_S
# What is on its way when the time is up.
_GRACE_S = 2.0
_SOCKET_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Probing:
    """What is probed: `count` vehicles that speak to a port, and the stream on another one."""

    host: str
    http: int
    udp: int
    count: int
    measure_s: float


def probe_id(number: int) -> str:
    """The id of the vehicle with system id `number` + 1."""
    return f"p{number:03}"


@dataclass(slots=True)
class Timed:
    """When what was sent, and how long it took until it was heard of."""

    positions_s: dict[int, float] = field(default_factory=dict)
    breaches_s: dict[str, float] = field(default_factory=dict)
    follow_s: list[float] = field(default_factory=list)
    alarms_s: list[float] = field(default_factory=list)
    breaches: int = 0

    def take(self, frame: Record, now_s: float) -> None:
        """A frame of the stream came."""
        if frame["type"] == "update":
            for record in frame["vehicles"]:
                said = round((record.get("lat_deg") or 0.0) * 1e7)
                if (sent_s := self.positions_s.pop(said, None)) is not None:
                    self.follow_s.append(now_s - sent_s)
        elif frame["type"] == "alarm" and frame["alarm"]["kind"] == "fence-breach":
            sent = self.breaches_s.pop(frame["alarm"]["vehicle_id"], None)
            if sent is not None and frame["alarm"]["ended_at"] is None:
                self.alarms_s.append(now_s - sent)


class Voices:
    """What the vehicles say, each in its turn; a slot is a hundredth of a second."""

    def __init__(self, asked: Probing, timed: Timed) -> None:
        self._timed = timed
        self._fleet = list(swarm.speakers([asked.udp], asked.count))
        self._slots = swarm.schedule(self._fleet, random.Random(2))
        self._sent = 0
        self.measures = False

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers what the gateway asks."""
        for each in self._fleet:
            loop.add_reader(each.sock, self._answer, each)

    def say(self, turn: int) -> None:
        """Everything of one slot."""
        at_s = turn * swarm.SLOT_S
        for speaker, name in self._slots[turn % len(self._slots)]:
            if name != "GLOBAL_POSITION_INT" or speaker.number:
                speaker.say(swarm.IDS[name], _PAYLOADS[name](speaker, at_s))
        if turn % round(1 / _FOLLOWED_HZ / swarm.SLOT_S) == 0:
            self._place(at_s)
        for speaker in self._fleet:
            phase = (turn + speaker.number * round(_CYCLE_S / swarm.SLOT_S) // len(self._fleet)) % round(
                _CYCLE_S / swarm.SLOT_S
            )
            if self.measures and phase == 0:
                self._timed.breaches += 1
                self._timed.breaches_s[probe_id(speaker.number)] = time.monotonic()
                speaker.say(_FENCE_STATUS, _fence(at_s, outside=True))
            elif phase == round(_OUTSIDE_S / swarm.SLOT_S):
                speaker.say(_FENCE_STATUS, _fence(at_s, outside=False))

    def _place(self, at_s: float) -> None:
        """The followed one's place, each with a latitude of its own."""
        self._sent += 1
        payload = bytearray(_PAYLOADS["GLOBAL_POSITION_INT"](self._fleet[0], at_s))
        struct.pack_into("<i", payload, 4, _FIRST_E7 + self._sent)
        if self.measures:
            self._timed.positions_s[_FIRST_E7 + self._sent] = time.monotonic()
        self._fleet[0].say(swarm.IDS["GLOBAL_POSITION_INT"], bytes(payload))

    def _answer(self, speaker: swarm.Speaker) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            swarm.answer(speaker, speaker.sock.recv(_SOCKET_BYTES))


def _fence(at_s: float, *, outside: bool) -> bytes:
    assert _FENCE_STATUS in CRC_EXTRA
    return struct.pack("<IHBB", round(at_s * 1e3), int(outside), int(outside), 0)


async def probed(asked: Probing) -> dict[str, object]:
    """Speaks until it was told to begin and its time is up; what it timed, in seconds."""
    timed = Timed()
    voices = Voices(asked, timed)
    loop = asyncio.get_running_loop()
    voices.listen(loop)
    loop.add_reader(sys.stdin, lambda: setattr(voices, "measures", bool(sys.stdin.readline())))
    ids = [probe_id(number) for number in range(asked.count)]
    wants = Subscribe(vehicles=ids, rate_hz=0.2, follow=ids[0])
    stream = LiveStream(f"ws://{asked.host}:{asked.http}/api/v1/stream", wants)
    hearing = asyncio.create_task(_hear(stream, timed))
    began_s, turn, until_s = loop.time(), 0, float("inf")
    while loop.time() < until_s + _GRACE_S:
        voices.say(turn)
        turn += 1
        if voices.measures and until_s == float("inf"):
            until_s = loop.time() + asked.measure_s
        if loop.time() >= until_s:
            voices.measures = False
        await asyncio.sleep(max(0.0, began_s + turn * _SLOT_S - loop.time()))
    hearing.cancel()
    return {
        "follow_s": timed.follow_s,
        "alarms_s": timed.alarms_s,
        "lost_alarms": timed.breaches - len(timed.alarms_s),
        "lost_follow": len(timed.positions_s),
    }


async def _hear(stream: LiveStream, timed: Timed) -> None:
    async for frame in stream.frames():
        timed.take(frame, time.monotonic())


if __name__ == "__main__":
    print(json.dumps(asyncio.run(probed(msgspec.json.decode(sys.argv[1], type=Probing)))))
