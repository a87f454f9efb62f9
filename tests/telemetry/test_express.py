"""How the express way is had, and that vehicles which somebody waits for never go on it. What it decides is compared
in `test_quick_way`."""

from __future__ import annotations

import asyncio
import logging
import struct
import subprocess
import sys
from collections import Counter

import pytest

from core.ids import SortieId, VehicleId
from telemetry.express import loading, way
from telemetry.framing import Header, build
from telemetry.links.port import Peer
from telemetry.links.udp import UdpLink
from telemetry.packets import GlobalPosition, Timesync
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.wire import CRC_EXTRA, Decoder
from tests.telemetry.test_quick_way import DOCK, FRAME, HOME, MESSAGES, PAYLOADS, Air, ExpressFleet, World, run

# What changes nothing that is read at once, when it comes a second time.
CALM = sorted({each for each in MESSAGES if each not in (2, 253)})


class Flown:
    """A fleet of one vehicle on the express way, and how many of its frames went there."""

    def __init__(self) -> None:
        self.world = World(ExpressFleet, [VehicleConfig(VehicleId("v"), "v", ("a",), 1, DOCK, FRAME)])
        self.air, self.sequence = Air(1), -1
        self.payloads = {each: PAYLOADS[each](self.air.rng) for each in MESSAGES}
        self.payloads[33] = struct.pack("<IiiiihhhH", 60_000, 311_000_000, 1_211_000_000, 0, 0, 0, 0, 0, 9_000)
        self.hear(0)
        self.world.look()
        (token,) = [
            frame.packet.ts1
            for *_, data in self.world.sent
            for frame in Decoder().feed(data)
            if isinstance(frame.packet, Timesync)
        ]
        self.hear(111, struct.pack("<qq", 9, token))
        for each in CALM * 2:
            self.hear(each)

    @property
    def vehicle(self) -> Vehicle:
        (vehicle,) = self.world.fleet.vehicles.values()
        return vehicle

    def hear(self, message_id: int, payload: bytes | None = None) -> bool:
        """One frame; whether it went the express way."""
        self.sequence = (self.sequence + 1) % 256
        payload = self.payloads[message_id] if payload is None else payload
        frame = build(Header(self.sequence, 1, 1, message_id), payload, CRC_EXTRA[message_id])
        link = self.world.fleet.links[0]
        assert isinstance(link, UdpLink)
        seen, on_data = list[bytes](), link._on_data

        def one_by_one(peer: Peer, data: bytes) -> None:
            seen.append(data)
            on_data(peer, data)

        link._on_data = one_by_one
        self.world.receive(HOME, frame)
        link._on_data = on_data
        return not seen

    def taken(self) -> set[int]:
        """Which messages go the express way now."""
        for each in CALM:
            self.hear(each)
        return {each for each in CALM if self.hear(each)}


def test_all_that_comes_all_the_time_goes_on_it() -> None:
    assert Flown().taken() == set(CALM)


def test_what_somebody_waits_for_does_not_go_on_it_until_nobody_does() -> None:
    flown, heard = Flown(), Counter[str]()
    with flown.vehicle.listening(lambda packet: heard.update([type(packet).__name__]), GlobalPosition):
        assert flown.taken() == set(CALM) - {33}
    assert heard == {"GlobalPosition": 2}
    with flown.vehicle.inbox():
        assert flown.taken() == set()
    assert flown.taken() == set(CALM)


def test_who_flies_for_us_does_not_go_on_it() -> None:
    """Each of its frames is recorded, and its fence is looked at with each position."""
    flown = Flown()
    flown.vehicle.assign(SortieId("s"))
    assert flown.taken() == set()
    flown.vehicle.assign(None)
    assert flown.taken() == set(CALM)


def test_news_are_read_at_once() -> None:
    flown = Flown()
    assert flown.hear(245)
    assert not flown.hear(245, struct.pack("<BB", 0, 4))
    assert flown.vehicle.slow.landed == "landing"
    assert not flown.hear(0, struct.pack("<IBBBBB", 9, 2, 3, 0x81, 4, 3))
    assert (flown.vehicle.slow.armed, flown.vehicle.slow.mode) == (True, "LAND")
    assert not flown.hear(253)
    assert flown.taken() == set(CALM)


def test_what_comes_after_a_silence_or_again_is_looked_at_and_what_is_lost_is_counted() -> None:
    flown = Flown()
    flown.world.clock.advance(1.6)
    assert not flown.hear(30)
    assert flown.hear(30)
    flown.sequence += 3
    assert all(flown.hear(30) for _ in range(20))
    assert flown.world.health()[0].lost_share == pytest.approx(3 / (flown.sequence + 1), abs=1e-4)
    flown.sequence -= 6
    assert not flown.hear(30)  # it came before
    assert flown.world.health()[0].duplicates == 1


def test_a_sender_that_says_too_much_is_refused_as_ever() -> None:
    quiet, loud = Flown(), Flown()
    for _ in range(2_000):
        loud.hear(30)
    refused = loud.world.health()[0].refused
    assert refused > 400
    assert quiet.world.health()[0].refused == 0
    loud.world.clock.advance(1.0)
    assert loud.hear(30)


def test_who_was_forgotten_in_between_has_its_seat_again() -> None:
    flown = Flown()
    fleet = flown.world.fleet
    del fleet._channels[HOME], fleet._by_peer[HOME[0]][HOME[1]]
    assert flown.taken() == set(CALM)
    assert fleet._express is not None
    assert len(fleet._express._seats) == 1


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_everybody_gets_a_new_seat_when_all_are_taken(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "SEATS", 2)
    quick, *others = run(seed, monkeypatch)
    for other in others:
        assert (quick.events, quick.sent, quick.health()) == (other.events, other.sent, other.health())


@pytest.mark.thorough
def test_it_is_compiled_in_a_process_of_its_own_and_found_on_disk() -> None:
    assert asyncio.run(loading.loaded()) is not None
    assert subprocess.run([sys.executable, "-m", "telemetry.express"], check=False).returncode == 0


async def test_where_it_cannot_be_compiled_all_goes_on_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with caplog.at_level(logging.WARNING):
        assert await loading.loaded() is None
    assert "taken one by one" in caplog.text


@pytest.mark.thorough
def test_who_has_little_to_take_never_waits_for_the_compiler() -> None:
    code = "import api.runtime, telemetry.gateway, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
