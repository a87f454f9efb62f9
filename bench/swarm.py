"""Vehicles that only speak: `python -m bench.swarm PORT… --vehicles N` sends what so many autopilots stream.

Each vehicle has a socket, a system id and a sequence of its own, and answers what identity asks (TIMESYNC,
AUTOPILOT_VERSION). The mix is the performance guide's (section 1), with the two messages of half a hertz that the
gateway would ask for if they did not come. One JSON line at the end: how many frames were sent, how late at the most.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pymavlink.dialects.v20 import ardupilotmega as dialect

from telemetry.framing import Framer, Header, build
from telemetry.wire import CRC_EXTRA

# Messages a second of one vehicle, by name.
MIX_HZ: dict[str, float] = {
    "ATTITUDE": 10.0,
    "GLOBAL_POSITION_INT": 5.0,
    "VFR_HUD": 5.0,
    "SYS_STATUS": 2.0,
    "GPS_RAW_INT": 2.0,
    "MISSION_CURRENT": 2.0,
    "HEARTBEAT": 1.0,
    "BATTERY_STATUS": 1.0,
    "EXTENDED_SYS_STATE": 0.6,
    "EKF_STATUS_REPORT": 0.6,
    "STATUSTEXT": 0.2,
}
MESSAGES_PER_S = sum(MIX_HZ.values())
SLOT_S = 0.01
_CYCLE_S = 5.0
_SLOTS = round(_CYCLE_S / SLOT_S)
_REQUEST_MESSAGE = 512
IDS = {kind.msgname: number for number, kind in dialect.mavlink_map.items()}
# Who a vehicle is: system ids 1 to this many on each port.
PER_PORT = 200


@dataclass(slots=True)
class Speaker:
    """One vehicle: where it is, what it says next."""

    number: int
    system_id: int
    sock: socket.socket
    sequence: int = 0
    framer: Framer = field(default_factory=lambda: Framer(CRC_EXTRA))

    def say(self, message_id: int, payload: bytes) -> int:
        """Sends one frame; 1 when it went out."""
        header = Header(self.sequence, self.system_id, 1, message_id)
        self.sequence = (self.sequence + 1) % 256
        try:
            self.sock.send(build(header, payload, CRC_EXTRA[message_id]))
        except (BlockingIOError, ConnectionRefusedError):
            return 0
        return 1


class Who(Protocol):
    """What a payload depends on besides time."""

    number: int


Payload = Callable[[Who, float], bytes]
W = TypeVar("W")


def _attitude(who: Who, at_s: float) -> bytes:
    sway = math.sin(at_s + who.number)
    return struct.pack("<I6f", _boot_ms(at_s), 0.1 * sway, -0.05 * sway, sway, 0.01, 0.02, 0.03)


def _position(who: Who, at_s: float) -> bytes:
    angle = at_s / 10.0 + who.number
    lat, lon = 31.0 + who.number % 40 * 0.003, 121.0 + who.number // 40 * 0.003
    north, east = -math.sin(angle), math.cos(angle)
    place = (round((lat + 0.0008 * math.cos(angle)) * 1e7), round((lon + 0.0008 * math.sin(angle)) * 1e7))
    course = math.degrees(math.atan2(east, north)) % 360.0
    return struct.pack(
        "<IiiiihhhH", _boot_ms(at_s), *place, 64_000, 60_000, round(north * 800), round(east * 800), 0,
        round(course * 100) % 36_000,
    )  # fmt: skip


def stamped(who: Who, at_s: float) -> bytes:
    """A position whose longitude tells when it was sent: 1e-7° for each millisecond since the full minute."""
    payload = bytearray(_position(who, at_s))
    struct.pack_into("<i", payload, 8, 1_210_000_000 + round(time.time() % 60.0 * 1_000))
    return bytes(payload)


def _vfr(_: Who, at_s: float) -> bytes:
    return struct.pack("<4fhH", 8.0, 8.0 + 0.1 * math.sin(at_s), 64.0, 0.0, 90, 45)


def _sys_status(_: Who, at_s: float) -> bytes:
    sensors = 0x1210_FC2F
    return struct.pack(
        "<3IHHhHHHHHHb", sensors, sensors, sensors, 300, 24_800 - round(at_s) % 500, 1_210, *[0] * 6, 80
    )


def _gps(who: Who, at_s: float) -> bytes:
    return struct.pack("<QiiiHHHHBB", round(at_s * 1e6), 310_000_000, 1_210_000_000, 64_000, 80, 120, 800, 9_000, 3,
                       14 + who.number % 3)  # fmt: skip


def _mission(_: Who, at_s: float) -> bytes:
    return struct.pack("<HHBB", 2 + round(at_s) // 20 % 8, 12, 3, 1)


def _heartbeat(_: Who, __: float) -> bytes:
    return struct.pack("<IBBBBB", 3, 2, 3, 0x81, 4, 3)


def _battery(_: Who, at_s: float) -> bytes:
    return struct.pack(
        "<iih10HhBBBb", 2_000 + round(at_s), -1, 2_500, *[4_130] * 6, *[0xFFFF] * 4, 1_210, 0, 0, 1, 80
    )


def _text(who: Who, _: float) -> bytes:
    return struct.pack("<B50s", 6, b"Mission: %d WP" % (who.number % 10))


PAYLOADS: dict[str, Payload] = {
    "ATTITUDE": _attitude,
    "GLOBAL_POSITION_INT": _position,
    "VFR_HUD": _vfr,
    "SYS_STATUS": _sys_status,
    "GPS_RAW_INT": _gps,
    "MISSION_CURRENT": _mission,
    "HEARTBEAT": _heartbeat,
    "BATTERY_STATUS": _battery,
    "EXTENDED_SYS_STATE": lambda _, __: b"\0\2",
    "EKF_STATUS_REPORT": lambda _, __: struct.pack("<5fH", 0.1, 0.1, 0.1, 0.1, 0.1, 0x33F),
    "STATUSTEXT": _text,
}


def _boot_ms(at_s: float) -> int:
    return round((at_s + 60.0) * 1000)


def schedule(speakers: Sequence[W], rng: random.Random) -> list[list[tuple[W, str]]]:
    """Who says what in each slot of a cycle: every stream at its rate, all of them out of step."""
    slots: list[list[tuple[W, str]]] = [[] for _ in range(_SLOTS)]
    for speaker in speakers:
        for name, hz in MIX_HZ.items():
            phase_s, times = rng.random() / hz, round(hz * _CYCLE_S)
            for turn in range(times):
                slots[int((phase_s + turn * _CYCLE_S / times) / SLOT_S) % _SLOTS].append((speaker, name))
    return slots


def speakers(ports: Sequence[int], count: int) -> Iterator[Speaker]:
    """`count` vehicles, up to `PER_PORT` of them on each port."""
    for number in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(("127.0.0.1", ports[number // PER_PORT]))
        yield Speaker(number, number % PER_PORT + 1, sock)


def answer(speaker: Speaker, data: bytes) -> int:
    """What a question of the gateway is answered with; how many frames went out."""
    said = 0
    for frame in speaker.framer.feed(data):
        payload = frame.payload.ljust(33, b"\0")
        if frame.message_id == IDS["TIMESYNC"]:
            (ts1,) = struct.unpack_from("<q", payload, 8)
            said += speaker.say(frame.message_id, struct.pack("<qq", time.monotonic_ns(), ts1))
        elif frame.message_id == IDS["COMMAND_LONG"]:
            asked, (command,) = struct.unpack_from("<f", payload)[0], struct.unpack_from("<H", payload, 28)
            if command == _REQUEST_MESSAGE and asked == IDS["AUTOPILOT_VERSION"]:
                version = struct.pack("<QQ4I", 0, speaker.number + 1, 0x040700FF, 0, 0, 0)
                said += speaker.say(IDS["AUTOPILOT_VERSION"], version)
    return said


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--stamp", action="store_true", help="longitudes tell when they were sent")
    asked = parser.parse_args(arguments)
    payloads = PAYLOADS | {"GLOBAL_POSITION_INT": stamped} if asked.stamp else PAYLOADS
    fleet = list(speakers(asked.ports, asked.vehicles))
    slots = schedule(fleet, random.Random(1))
    poll, by_fd = select.epoll(), {each.sock.fileno(): each for each in fleet}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    began_s = time.monotonic()
    sent, late_s, turn = 0, 0.0, 0
    while turn * SLOT_S < asked.seconds:
        at_s = turn * SLOT_S
        wait_s = began_s + at_s - time.monotonic()
        late_s = max(late_s, -wait_s)
        for speaker, name in slots[turn % _SLOTS]:
            sent += speaker.say(IDS[name], payloads[name](speaker, at_s))
        for fd, _ in poll.poll(max(0.0, began_s + at_s + SLOT_S - time.monotonic()), maxevents=256):
            try:
                sent += answer(by_fd[fd], by_fd[fd].sock.recv(2048))
            except (BlockingIOError, ConnectionRefusedError):
                continue
        time.sleep(max(0.0, began_s + at_s + SLOT_S - time.monotonic()))
        turn += 1
    print(json.dumps({"sent": sent, "late_s": round(late_s, 3), "cpu_s": time.process_time()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
