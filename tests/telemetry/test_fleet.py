"""The fleet against simulated vehicles, in simulated time and without sockets: who is heard, and who is sent what."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from core.clock import ManualClock
from core.errors import VehicleAmbiguous
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.enrollment import SigningPolicy
from missions.model import Airframe, Dock
from simulator.protocol.channel import Channel
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle as Craft
from telemetry import fleet as fleet_module
from telemetry.fleet import Fleet
from telemetry.framing import Header, build
from telemetry.links import LinkConfig, Peer
from telemetry.messages import FleetEvent, LinkState
from telemetry.packets import Cmd, CommandLong, SysStatus
from telemetry.quick import STATUSTEXT
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.wire import CRC_EXTRA, Decoder, Frame

DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
KEY = bytes(range(32))
ONE, TWO = ("10.0.0.1", 14550), ("10.0.0.2", 14550)
STEP_S = 0.04
ATTITUDE = 30


def a_craft(name: str) -> tuple[Craft, Channel]:
    craft = Craft(VehicleSpec(11, name, 31.139, 121.124))
    return craft, craft.open_channel(secure=False)


class Sky:
    """A fleet on one listening port, and the vehicles that speak to it by their addresses."""

    def __init__(self, **changes: object) -> None:
        self.clock = ManualClock()
        self.events: list[FleetEvent] = []
        self.sent: list[Peer] = []
        self.crafts: dict[Peer, tuple[Craft, Channel]] = {}
        facts: dict[str, object] = {"id": VehicleId("bl-1"), "name": "one", "links": ("field",), "system_id": 11}
        config = VehicleConfig(**(facts | {"dock": DOCK, "airframe": FRAME} | changes))  # type: ignore[arg-type]
        self.fleet = Fleet(
            "test",
            [LinkConfig("field", "udpin:127.0.0.1:0")],
            [config],
            clock=self.clock,
            pace=1.0,
            on_frame=lambda *_: None,
            on_event=self.events.append,
        )
        self.fleet.links[0].send = self._deliver  # type: ignore[method-assign]

    @property
    def vehicle(self) -> Vehicle:
        return self.fleet.vehicles[VehicleId("bl-1")]

    def _deliver(self, peer: Peer, data: bytes) -> None:
        self.sent.append(peer)
        if peer in self.crafts:
            craft, channel = self.crafts[peer]
            self.fleet._received("field", peer, craft.receive(channel, data))

    def run(self, seconds: float) -> None:
        for number in range(round(seconds / STEP_S)):
            self.clock.advance(STEP_S)
            for peer, (craft, channel) in tuple(self.crafts.items()):
                craft.step(STEP_S)
                self.fleet._received("field", peer, channel.take())
            self.fleet._ask_proofs(self.clock.mono_s())
            if number % 5 == 0:
                self.fleet._keep_all(self.clock.mono_s())
                self.fleet.tick()

    def codes(self) -> set[str]:
        return {event.code for event in self.events}


def test_a_vehicle_that_changes_its_address_is_heard_again_within_a_second() -> None:
    sky = Sky()
    sky.crafts[ONE] = a_craft("one")
    sky.run(5)
    assert sky.vehicle.snapshot().link is LinkState.LIVE
    sky.crafts[TWO] = sky.crafts.pop(ONE)
    sky.run(1.0)
    age_s = sky.vehicle.snapshot().position_age_s
    assert age_s is not None
    assert age_s < 0.5
    sky.sent.clear()
    sky.vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))
    assert sky.sent == [TWO]


def test_what_brings_a_vehicle_home_goes_out_wherever_it_has_proven_to_be() -> None:
    sky = Sky()
    craft, channel = a_craft("one")
    sky.crafts = {ONE: (craft, channel), TWO: (craft, craft.open_channel(secure=False))}
    sky.run(5)
    sky.sent.clear()
    sky.vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))
    assert len(sky.sent) == 1
    sky.sent.clear()
    sky.vehicle.send_everywhere(CommandLong(Cmd.DO_SET_MODE, (1.0, 6.0)))
    assert sorted(sky.sent) == [ONE, TWO]


def test_two_autopilots_under_one_name_are_told_within_two_seconds_and_neither_is_commanded() -> None:
    sky = Sky()
    sky.crafts[ONE] = a_craft("one")
    sky.run(5)
    sky.crafts[TWO] = a_craft("two")
    sky.run(2.0)
    assert "duplicate-system-id" in sky.codes()
    assert sky.fleet.states()[0].ambiguous
    with pytest.raises(VehicleAmbiguous):
        sky.vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))
    del sky.crafts[TWO]
    sky.run(6.0)
    sky.vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))


def test_a_second_autopilot_beside_an_enrolled_one_is_a_stranger_and_disturbs_nobody() -> None:
    first = a_craft("one")
    known = Sky()
    known.crafts[ONE] = first
    known.run(3)
    sky = Sky(uid=known.vehicle.state.uid)
    sky.crafts[TWO] = a_craft("two")
    sky.run(3)
    assert sky.vehicle.snapshot().link is LinkState.NEVER
    assert [each.why for each in sky.fleet.unenrolled()] == ["another-autopilot"]
    sky.crafts[ONE] = first
    sky.run(3)
    assert sky.vehicle.snapshot().link is LinkState.LIVE
    sky.vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))


def test_an_unknown_system_is_listed_with_its_autopilot_and_told_once() -> None:
    sky = Sky(system_id=12)
    sky.crafts[ONE] = a_craft("one")
    sky.run(6)
    (stranger,) = sky.fleet.unenrolled()
    assert (stranger.link, stranger.address, stranger.system_id) == ("field", "10.0.0.1:14550", 11)
    assert stranger.uid
    assert stranger.firmware
    assert [event.code for event in sky.events].count("unenrolled") == 1


def test_a_place_too_many_is_not_heard_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "_MAX_CHANNELS", 1)
    sky = Sky()
    sky.crafts = {ONE: a_craft("one"), TWO: a_craft("one")}
    sky.run(2)
    assert (sky.fleet.refused()["places"] > 0, "ambiguous" in sky.codes()) == (True, False)
    assert sky.vehicle.snapshot().link is LinkState.LIVE


def test_places_that_have_proven_nothing_cannot_talk_so_much_that_nobody_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_module, "_UNPROVEN_PER_S", 5.0)
    read: list[bytes] = []
    feed = Decoder.feed

    def counted(self: Decoder, data: bytes) -> Iterator[Frame]:
        read.append(data)
        return feed(self, data)

    monkeypatch.setattr(Decoder, "feed", counted)
    sky = Sky()
    sky.crafts[ONE] = a_craft("one")

    def flood(peer: Peer, count: int) -> None:
        for number in range(count):
            attitude = build(Header(number % 256, 11, 1, ATTITUDE), bytes(range(28)), CRC_EXTRA[ATTITUDE])
            sky.fleet._received("field", peer, attitude)

    for _ in range(75):
        flood(TWO, 20)
        if not sky.vehicle.heard_s > 0.0:
            flood(ONE, 20)
        sky.run(STEP_S)
    assert sky.vehicle.snapshot().link is LinkState.LIVE
    shed, asked = sky.fleet.refused()["unproven"], sum(each[7:8] == bytes([ATTITUDE]) for each in read)
    assert shed >= 75 * 20 - 25
    assert asked <= 5 + 3.0 * 5
    sky.fleet._directory.version += 1  # what is known of its frames beforehand counts no more
    flood(ONE, 200)
    assert sky.fleet.refused()["unproven"] == shed, "a vehicle that was heard once is not shed"


def test_the_same_words_twice_are_told_twice() -> None:
    sky = Sky()
    sky.crafts[ONE] = a_craft("one")
    sky.run(5)
    payload = struct.pack("<B50s", 4, b"Bad AHRS")
    for sequence in range(3):
        frame = build(Header(sequence, 11, 1, STATUSTEXT), payload, CRC_EXTRA[STATUSTEXT])
        sky.fleet._received("field", ONE, frame)
    assert sky.vehicle.state.last_texts[-3:] == ("Bad AHRS",) * 3


def test_a_signed_vehicle_is_spoken_to_signed_and_unsigned_words_under_its_name_are_nothing() -> None:
    sky = Sky(signing=SigningPolicy.REQUIRE, key=KEY)
    craft, channel = a_craft("one")
    craft.signing.setup(KEY, sky.fleet.signing.clock.next())
    sky.crafts[ONE] = craft, channel
    sky.crafts[TWO] = a_craft("two")
    sky.run(9)
    (state,) = sky.fleet.states()
    assert (state.link, state.signed, state.ambiguous) == (LinkState.LIVE, True, False)
    assert state.lat_deg is not None
    assert channel.unsigned == 0


def test_a_reboot_in_flight_is_an_emergency_and_one_on_the_ground_is_not() -> None:
    for armed, code in ((True, "reboot-in-flight"), (False, "rebooted")):
        sky = Sky()
        craft, _ = sky.crafts[ONE] = a_craft("one")
        sky.run(8)
        if armed:
            sky.fleet._notices._of(sky.vehicle.id).armed_s = sky.clock.mono_s()
        craft._reboot()
        sky.run(4)
        assert code in sky.codes()


def test_a_stream_whose_request_was_lost_is_asked_for_again() -> None:
    sky = Sky()
    craft, _ = sky.crafts[ONE] = a_craft("one")
    obey, lost = craft.receive, list[bytes]()

    def receive(channel: Channel, data: bytes) -> bytes:
        # SET_MESSAGE_INTERVAL for SYS_STATUS (1): COMMAND_LONG (76) begins with its first parameter.
        if not lost and data[7:10] == b"\x4c\x00\x00" and data[10:14] == struct.pack("<f", 1.0):
            lost.append(data)
            return b""
        return obey(channel, data)

    craft.receive = receive  # type: ignore[method-assign]
    sky.run(8.0)
    assert len(lost) == 1
    assert sky.vehicle.silence_s(SysStatus) < 1.0


def test_what_a_vehicle_tells_no_more_is_named_with_its_time_until_it_comes_again() -> None:
    sky = Sky()
    craft, channel = a_craft("one")
    sky.crafts[ONE] = craft, channel
    take, deaf = channel.take, False

    def without_batteries() -> bytes:
        data, kept = take(), b""
        while data:
            size = data[1] + 12
            kept += b"" if deaf and data[7:10] == b"\x01\x00\x00" else data[:size]
            data = data[size:]
        return kept

    channel.take = without_batteries  # type: ignore[method-assign]
    sky.run(10)
    assert (sky.vehicle.snapshot().ready, sky.vehicle.snapshot().quiet) == (True, ())
    deaf, since = True, sky.clock.now()
    sky.run(5)
    assert sky.vehicle.snapshot().quiet == ()
    sky.run(3)
    (quiet,) = sky.vehicle.snapshot().quiet
    assert (quiet.what, sky.vehicle.snapshot().ready) == ("battery", False)
    assert abs((quiet.since - since).total_seconds()) < 0.6
    deaf = False
    sky.run(2)
    assert (sky.vehicle.snapshot().ready, sky.vehicle.snapshot().quiet) == (True, ())
    deaf = True
    del sky.crafts[ONE]
    sky.run(20)
    sky.crafts[ONE] = craft, channel
    sky.run(5)
    assert sky.vehicle.snapshot().quiet == (), "who was away has as long to tell everything once more"


def test_a_fleet_that_comes_all_at_once_is_asked_for_its_streams_in_turn() -> None:
    sky, many = Sky(), 70
    for number in range(12, 12 + many):
        links = ("field",)
        sky.fleet.enroll(VehicleConfig(VehicleId(f"bl-{number}"), "one of many", links, number, DOCK, FRAME))
        craft = Craft(VehicleSpec(number, f"craft {number}", 31.139, 121.124))
        sky.crafts[f"10.0.0.{number}", 14550] = craft, craft.open_channel(secure=False)
    asked: list[VehicleId] = []
    sky.fleet._ask_streams = lambda vehicle: asked.append(vehicle.id)  # type: ignore[method-assign]
    most = 0
    for _ in range(20):
        before = len(asked)
        sky.run(0.2)
        most = max(most, len(asked) - before)
    assert most <= 20, "more would hold up everything else"
    assert len(set(asked)) == many, "and nobody waits behind those that never answer"
