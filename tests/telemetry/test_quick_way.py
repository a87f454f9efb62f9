"""The quick way and the express way of what comes all the time decide, count, record and tell exactly as the careful
one does."""

from __future__ import annotations

import math
import random
import secrets
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

from core.clock import ManualClock
from core.errors import VehicleAmbiguous
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.enrollment import SigningPolicy
from missions.model import Airframe, Dock
from telemetry.board import SEEN_BYTES, Seen, numbers_of
from telemetry.channels import Channel
from telemetry.columns import FAST
from telemetry.express.kernel import take
from telemetry.fleet import Fleet
from telemetry.framing import Header, build, build_signed
from telemetry.links import LinkConfig, LinkHealth, Peer
from telemetry.links.batch import Batch
from telemetry.links.udp import UdpLink
from telemetry.messages import FleetEvent, VehicleState
from telemetry.packets import Heartbeat, Inbound, MissionCurrent, Timesync
from telemetry.signing import ticks_at
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.wire import CRC_EXTRA, Decoder

DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
KEY = bytes(range(32))
PEERS: tuple[Peer, ...] = (("10.0.0.1", 1), ("10.0.0.2", 2), ("10.0.0.3", 3))
LINKS = ("a", "b")
HOME = ("a", PEERS[0])  # where most of it is said
_DIGIT = {"course_deg": 0.1001, "ground_speed_mps": 0.01001, "roll_deg": 0.1001, "pitch_deg": 0.1001}
POLICIES = (SigningPolicy.OFF, SigningPolicy.PREFER, SigningPolicy.REQUIRE)


class CarefulFleet(Fleet):
    """Takes every frame the careful way."""

    def _pass(self, channel: Channel, data: bytes, now_s: float) -> bool:
        return False


class ExpressFleet(Fleet):
    """Takes what it can the express way."""


class Delivered(Batch):
    """A batch that the test fills."""

    def put(self, peer: Peer, sent: Sequence[bytes]) -> None:
        self.count = len(sent)
        for at, data in enumerate(sent):
            self.datagrams.data[at, : len(data)] = np.frombuffer(data, np.uint8)
            self.datagrams.sizes[at] = len(data)
            address = b"\2\0" + peer[1].to_bytes(2, "big") + socket.inet_aton(peer[0]) + bytes(8)
            self.datagrams.peers[at] = np.frombuffer(address, np.uint8)

    def receive(self, sock: socket.socket) -> int:
        return self.count


@dataclass
class World:
    """One fleet and everything that it says."""

    kind: type[Fleet]
    configs: list[VehicleConfig]
    clock: ManualClock = field(default_factory=ManualClock)
    events: list[FleetEvent] = field(default_factory=list)
    recorded: list[tuple[VehicleId, bytes]] = field(default_factory=list)
    heard: list[tuple[VehicleId, Inbound]] = field(default_factory=list)
    sent: list[tuple[str, Peer, bytes]] = field(default_factory=list)
    drawn: Iterator[int] = field(default_factory=lambda: count(1))
    placed: list[tuple[VehicleState, Seen, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fleet = self.kind(
            "test",
            [LinkConfig(name, "udpin:127.0.0.1:0") for name in LINKS],
            self.configs,
            clock=self.clock,
            pace=1.0,
            on_frame=lambda vehicle, raw: self.recorded.append((vehicle.id, raw)),
            on_event=self.events.append,
        )
        for link in self.fleet.links:
            link.send = self._sender(link.name)  # type: ignore[method-assign]
        for number, vehicle in enumerate(self.fleet.vehicles.values()):
            if number != 2:
                vehicle.placed = self.place
        if self.kind is ExpressFleet:
            self.fleet.speed_up(take, self)

    def place(self, vehicle: Vehicle) -> None:
        """What a recorder does, of one."""
        self.placed.append((vehicle.slow, vehicle.seen(), vehicle.silence_s(Heartbeat)))

    def room(self) -> int:
        """How many positions are taken at a time; none for a while, as when a disk is full."""
        return 0 if len(self.placed) % 50 > 45 else 2

    def places(self, slow: Iterable[VehicleState], seen: bytes, heartbeat_ages_s: Iterable[float]) -> None:
        """What a recorder does, of many."""
        for number, (state, age_s) in enumerate(zip(slow, heartbeat_ages_s, strict=True)):
            one = seen[number * SEEN_BYTES : (number + 1) * SEEN_BYTES]
            self.placed.append((state, one, math.inf if math.isnan(age_s) else age_s))

    def receive(self, place: tuple[str, Peer], *sent: bytes) -> None:
        """Datagrams of one peer come on a link."""
        link = next(each for each in self.fleet.links if each.name == place[0])
        assert isinstance(link, UdpLink)
        now_s = self.clock.mono_s()
        if self.kind is not ExpressFleet:
            for data in sent:
                link._received(data, place[1], now_s)
            return
        assert link._take_many is not None
        batch = link._batch = Delivered(8, 2_048)
        link._take_many = partial(link._take_many.func, link._take_many.args[0], batch.datagrams)  # type: ignore[attr-defined]
        batch.put(place[1], sent)
        with socket.socket() as sock:
            assert link._drain(sock) == len(sent)

    def _sender(self, name: str):  # type: ignore[no-untyped-def]
        return lambda peer, data: self.sent.append((name, peer, data))

    def draw(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is random is the same in each world."""
        monkeypatch.setattr(secrets, "randbits", lambda _: next(self.drawn) << 1)

    def listen(self, at: int) -> None:
        vehicle = list(self.fleet.vehicles.values())[at]
        vehicle.listen(lambda packet: self.heard.append((vehicle.id, packet)), MissionCurrent)

    def fly(self, at: int) -> None:
        list(self.fleet.vehicles.values())[at].is_recorded = True

    def land(self, at: int) -> None:
        list(self.fleet.vehicles.values())[at].is_recorded = False

    def look(self) -> tuple[VehicleState, ...]:
        now_s = self.clock.mono_s()
        self.fleet._ask_proofs(now_s)
        for identity in tuple(self.fleet._directory.identities.values()):
            # Nothing is sent to two who answer under one name.
            try:
                self.fleet._keep(identity, now_s)
            except VehicleAmbiguous:
                continue
        self.fleet.tick()
        return self.fleet.states()

    def health(self) -> list[LinkHealth]:
        return list(self.fleet.health())


PAYLOADS = {
    0: lambda rng: struct.pack("<IBBBBB", rng.choice((3, 4, 6)), 2, 3, rng.choice((0x81, 1)), rng.choice((3, 4)), 3),
    1: lambda rng: struct.pack(
        "<3IHHhHHHHHHb", rng.choice((0x1210FC2F, 0x100000, 0)), rng.choice((0x1210FC2F, 0)), 0x1210FC2F, 1,
        rng.choice((24_000, 23_900, 0xFFFF)), rng.choice((-1, 100, 200)), *[0] * 6, rng.choice((-1, 80, 79)),
    ),
    2: lambda rng: struct.pack("<QI", 1, rng.choice((1_000, 2_000, 60_000))),
    24: lambda rng: struct.pack(
        "<QiiiHHHHBB", rng.randrange(2**40), 1, 2, 3, rng.choice((80, 0xFFFF)), 1, 2, 3, rng.choice((2, 3)),
        rng.choice((14, 255)),
    ),
    30: lambda rng: struct.pack("<I6f", 5, rng.uniform(-3, 3), rng.uniform(-3, 3), rng.uniform(-3, 3), 0, 0, 0),
    33: lambda rng: struct.pack(
        "<IiiiihhhH", rng.choice((1_000, 2_000, 60_000, 61_000)),
        *rng.choice(((311_000_000, 1_211_000_000), (0, 0), (910_000_000, 1), (0, 7))),
        *(rng.randrange(-9_000, 9_000) for _ in range(2)), *(rng.choice((0, 30, -800, 777)) for _ in range(3)),
        rng.choice((0xFFFF, 9_000)),
    ),
    42: lambda rng: struct.pack("<HHBB", rng.choice((1, 2)), rng.choice((0, 5, 0xFFFF)), 0, 0),
    65: lambda rng: struct.pack("<I18HBB", 1, *[1_500] * 18, rng.choice((0, 8)), 1),
    74: lambda rng: struct.pack("<4fhH", rng.random(), 1, 2, 3, 4, 5),
    193: lambda rng: struct.pack("<5fH", rng.random(), 0, 0, 0, 0, rng.choice((0x33F, 0x80))),
    241: lambda rng: struct.pack("<QfffIII", 1, rng.choice((1.0, 20.0)), 0, 0, 0, 0, 0),
    242: lambda rng: struct.pack("<iii", rng.choice((310_000_000, 311_000_000)), 1_210_000_000, 4_000) + bytes(40),
    245: lambda rng: struct.pack("<BB", 0, rng.choice((1, 2, 9))),
    253: lambda rng: struct.pack("<B50s", rng.choice((1, 6)), b"text"),
}  # fmt: skip
MESSAGES = (0, 0, 1, 1, 2, 24, 30, 30, 33, 33, 33, 42, 42, 65, 74, 193, 241, 242, 245, 253)


Worlds = tuple[World, World, World]


class Air:
    """What is said under which name: sequences per speaker, forged, doubled, damaged, signed and glued frames."""

    def __init__(self, seed: int, *, calm: float = 0.0) -> None:
        """`calm`: how rare trouble is; mostly it is very rare."""
        self.rng = random.Random(seed)
        self.calm = calm
        self._sequences: dict[tuple[str, Peer, int], int] = {}
        self._said: dict[int, bytes] = {}
        self._last: dict[tuple[str, Peer], bytes] = {}

    def payload(self, message_id: int) -> bytes:
        """What is said: mostly the same again in a calm air."""
        if not self.rarely() or message_id not in self._said:
            self._said[message_id] = PAYLOADS[message_id](self.rng)
        return self._said[message_id]

    def rarely(self) -> bool:
        """Whether it goes well without looking."""
        return self.rng.random() < self.calm

    def say(self, place: tuple[str, Peer], system_id: int, message_id: int, payload: bytes, stamp: int) -> bytes:
        rng, key = self.rng, (*place, system_id)
        sequence = self._sequences[key] = (
            self._sequences.get(key, -1) + (1 if self.rarely() else rng.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 5)))
        ) % 256
        header = Header(sequence, system_id, 1 if self.rarely() else rng.choice((*[1] * 12, 154)), message_id)
        extra = CRC_EXTRA[message_id]
        if not self.rarely() and rng.random() < 0.06:
            key_used = KEY if rng.random() < 0.8 else bytes(32)
            frame = build_signed(header, payload, extra, key=key_used, link_id=1, timestamp=stamp)
        else:
            frame = build(header, payload, extra)
        return self._damaged(place, frame)

    def _damaged(self, place: tuple[str, Peer], frame: bytes) -> bytes:
        rng, last = self.rng, self._last.get(place, b"")
        self._last[place] = frame
        match 60 if self.rarely() else rng.randrange(60):
            case 0:
                at = rng.randrange(len(frame))
                return frame[:at] + bytes((frame[at] ^ 1 << rng.randrange(8),)) + frame[at + 1 :]
            case 1:
                return frame[: rng.randrange(len(frame))]
            case 2:
                return last + frame
            case 3:
                return rng.randbytes(rng.randrange(20)) + frame
            case 4:
                return last
        return frame


def a_fleet_of(rng: random.Random, *, calm: bool = False) -> list[VehicleConfig]:
    def one(number: int, system_id: int) -> VehicleConfig:
        policy = SigningPolicy.OFF if calm else rng.choice((SigningPolicy.OFF, *POLICIES))
        return VehicleConfig(
            VehicleId(f"v{number}"), f"v{number}", rng.choice((("a",), ("a", "b"))), system_id, DOCK, FRAME,
            signing=policy, key=None if policy is SigningPolicy.OFF else KEY,
            uid=rng.choice((None, None, f"{1:016x}")),
        )  # fmt: skip

    return [one(0, 1), one(1, 2), one(2, rng.choice((1, 3)))]


def plain(state: VehicleState) -> VehicleState:
    """Without the numbers that are only nearly the same: what rounds at a half may round either way."""
    nothing: dict[str, Any] = dict.fromkeys(FAST)
    return replace(state, **nothing)


def nearly(a: VehicleState, b: VehicleState) -> bool:
    """Whether the quick numbers are the same, but for those that are rounded: by one of the last digit at most."""
    return all(_near(getattr(a, name), getattr(b, name), _DIGIT.get(name, 0.0)) for name in FAST)


def _near(a: float | None, b: float | None, off: float) -> bool:
    return a == b or (a is not None and b is not None and abs(a - b) <= off)


def stepped(air: Air, worlds: Worlds, stamp: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = air.rng
    place, system_id = (rng.choice(LINKS), rng.choice(PEERS)), rng.choice((1, 1, 1, 2, 2, 3, 9))
    if air.rarely():
        place, system_id = HOME, rng.choice((1, 2))
    elif rng.random() < 0.75:
        place = HOME
    if not air.rarely() and rng.random() < (
        0.5 if len(worlds[0].fleet.vehicles) == 3 and worlds[0].clock.mono_s() < 8.0 else 0.15
    ):
        asked = [data for *where, data in worlds[0].sent[-40:] if tuple(where) == place]
        tokens = [
            frame.packet.ts1 for data in asked for frame in Decoder().feed(data) if isinstance(frame.packet, Timesync)
        ]
        if rng.random() < 0.7 and tokens:
            message_id, payload = 111, struct.pack("<qq", 9, rng.choice(tokens[-3:]))
        else:
            message_id, payload = 148, struct.pack("<QQ4I", 0, rng.choice((1, 1, 1, 1, 2)), 0x040700FF, 0, 0, 0)
    else:
        message_id = rng.choice(MESSAGES)
        payload = air.payload(message_id)
    sent = [air.say(place, system_id, message_id, payload, stamp)]
    while rng.random() < 0.4 and len(sent) < 8:
        message_id = rng.choice(MESSAGES)
        sent.append(air.say(place, rng.choice((system_id, 1, 2)), message_id, air.payload(message_id), stamp))
    for world in worlds:
        world.draw(monkeypatch)
        world.receive(place, *sent)


def prove(air: Air, worlds: Worlds, system_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest vehicle comes, and answers what it is asked."""
    beat, number = PAYLOADS[0](air.rng), air.rng.randrange(256)
    for world in worlds:
        world.clock.advance(1.1)
        world.draw(monkeypatch)
        world.receive(HOME, build(Header(number, system_id, 1, 0), beat, CRC_EXTRA[0]))
        world.look()
        tokens = [
            frame.packet.ts1
            for *where, data in world.sent
            for frame in Decoder().feed(data)
            if tuple(where) == HOME and isinstance(frame.packet, Timesync)
        ]
        answers = [(111, struct.pack("<qq", 9, token)) for token in tokens[-3:]]
        for message_id, payload in (*answers, (148, struct.pack("<QQ4I", 0, 1, 0x040700FF, 0, 0, 0))):
            frame = build(Header(number, system_id, 1, message_id), payload, CRC_EXTRA[message_id])
            world.receive(HOME, frame)


def change(worlds: Worlds, configs: list[VehicleConfig], number: int) -> None:
    """Somebody listens and somebody flies from some time on; later one is enrolled anew and one is retired."""
    for world in worlds:
        if number == 60:
            world.listen(1)
            world.fly(0)
        if number == 160:
            world.land(0)
        if number == 250:
            world.fleet.enroll(replace(configs[0], name="another", uid=None))
            world.fleet.retire(configs[1].id)


def run(seed: int, monkeypatch: pytest.MonkeyPatch) -> Worlds:
    calm = (0.0, 0.97, 0.995)[seed % 3]
    configs = a_fleet_of(random.Random(seed), calm=calm > 0.0)
    worlds = (World(Fleet, configs), World(CarefulFleet, configs), World(ExpressFleet, configs))
    air = Air(seed, calm=calm)
    for system_id in (1, 2, 1, 2):
        prove(air, worlds, system_id, monkeypatch)
    for number in range(400):
        longest_s = 0.2 if air.rarely() else 0.5 if number % 7 else 3.0
        after_s = air.rng.choice((0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.2, longest_s))
        for world in worlds:
            world.clock.advance(after_s)
        stepped(air, worlds, ticks_at(worlds[0].clock.now()) + number, monkeypatch)
        change(worlds, configs, number)
        if number % 5 == 0:
            seen = []
            for world in worlds:
                world.draw(monkeypatch)
                seen.append(world.look())
            for quick, careful, express in zip(*seen, strict=True):
                assert plain(quick) == plain(careful)
                assert nearly(quick, careful), (quick, careful)
                assert express == quick
    return worlds


def kept(fleet: Fleet) -> list[object]:
    return [
        (
            each.id,
            each.active and each.active.place,
            sorted(each.rivals.items()),
            [(path.place, path.heard_s, path.steady_s, path.signed_s, path.uid) for path in each.paths.values()],
        )
        for each in fleet._directory.identities.values()
    ]


def recorded_of(world: World) -> list[tuple[VehicleState, float]]:
    return [(slow, age_s) for slow, _, age_s in world.placed]


@pytest.mark.parametrize("seed", range(24))
def test_the_quick_way_decides_as_the_careful_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, *others = run(seed, monkeypatch)
    for other in others:
        assert quick.events == other.events
        assert quick.recorded == other.recorded
        assert quick.heard == other.heard
        assert quick.sent == other.sent
        assert quick.health() == other.health()
        assert quick.fleet.unenrolled() == other.fleet.unenrolled()
        assert kept(quick.fleet) == kept(other.fleet)
        assert [(slow, age_s) for slow, _, age_s in quick.placed] == [
            (slow, age_s) for slow, _, age_s in other.placed
        ]
        seen, also = (numbers_of([one for _, one, _ in world.placed]) for world in (quick, other))
        assert np.allclose(seen, also, rtol=0.0, atol=0.1001, equal_nan=True)


def test_most_frames_of_a_quiet_fleet_go_the_quick_way() -> None:
    """Else the test above would compare the careful way with itself."""
    world = World(Fleet, [VehicleConfig(VehicleId("v"), "v", ("a",), 1, DOCK, FRAME)])
    taken = []
    passed = world.fleet._pass

    def watched(channel: Channel, data: bytes, now_s: float) -> bool:
        taken.append(passed(channel, data, now_s))
        return taken[-1]

    world.fleet._pass = watched  # type: ignore[method-assign]
    air, place = Air(1), ("a", PEERS[0])
    beat = PAYLOADS[0](air.rng)
    world.fleet._received(*place, build(Header(0, 1, 1, 0), beat, CRC_EXTRA[0]))
    world.look()
    (token,) = [
        frame.packet.ts1
        for _, _, data in world.sent
        for frame in Decoder().feed(data)
        if isinstance(frame.packet, Timesync)
    ]
    world.fleet._received(*place, build(Header(1, 1, 1, 111), struct.pack("<qq", 9, token), CRC_EXTRA[111]))
    for number in range(2, 102):
        message_id = air.rng.choice([each for each in MESSAGES if each not in (2, 253)])
        payload = PAYLOADS[message_id](air.rng)
        world.fleet._received(*place, build(Header(number, 1, 1, message_id), payload, CRC_EXTRA[message_id]))
    assert sum(taken) == 99  # all but the first two, and the one that finds out whose the place is
