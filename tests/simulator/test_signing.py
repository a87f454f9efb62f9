"""The simulated autopilot signs and verifies as ArduCopter does; the ground station is pymavlink's own codec."""

from __future__ import annotations

from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.protocol.channel import Channel
from simulator.protocol.signing import EPOCH_S, MAX_STREAMS, MINUTE
from simulator.vehicle import Vehicle
from tests.simulator.station import spec

KEY = bytes(range(32))
NOW = (1_767_225_600 - EPOCH_S) * 100_000


class Ground:
    """pymavlink with or without a key on one channel of a vehicle."""

    def __init__(self, vehicle: Vehicle, channel: Channel, *, link_id: int = 0, at: int = NOW) -> None:
        self.vehicle, self.channel = vehicle, channel
        self.codec = mav.MAVLink(None, srcSystem=255, srcComponent=190)
        self.codec.robust_parsing = True
        self.codec.signing.link_id, self.codec.signing.timestamp = link_id, at

    def use_key(self, key: bytes) -> None:
        self.codec.signing.secret_key, self.codec.signing.sign_outgoing = key, True

    def say(self, message: Any) -> list[Any]:
        data = message.pack(self.codec)
        self.codec.seq = (self.codec.seq + 1) % 256
        return self.codec.parse_buffer(self.vehicle.receive(self.channel, data)) or []

    def echoes(self) -> bool:
        return any(m.get_type() == "TIMESYNC" for m in self.say(mav.MAVLink_timesync_message(0, 77)))


def a_pair() -> tuple[Vehicle, Ground, Ground]:
    """A vehicle with a key, its USB line and its radio line."""
    vehicle = Vehicle(spec())
    usb, radio = (
        Ground(vehicle, vehicle.open_channel()),
        Ground(vehicle, vehicle.open_channel(secure=False), link_id=1),
    )
    usb.say(mav.MAVLink_setup_signing_message(1, 1, KEY, NOW - 2 * MINUTE))
    return vehicle, usb, radio


def test_without_a_key_it_takes_anything_and_signs_nothing() -> None:
    vehicle = Vehicle(spec())
    ground = Ground(vehicle, vehicle.open_channel(secure=False))
    assert ground.echoes()
    ground.use_key(KEY)
    assert not ground.echoes()  # our codec wants a signature by now; the vehicle has no key to sign with


def test_with_a_key_a_radio_line_takes_signed_frames_only_and_answers_signed() -> None:
    _, usb, radio = a_pair()
    assert not radio.echoes()
    assert usb.echoes()  # USB takes unsigned frames always
    radio.use_key(KEY)
    assert radio.echoes()


def test_a_frame_is_taken_once_and_a_stream_of_the_past_not_at_all() -> None:
    vehicle, _, radio = a_pair()
    radio.use_key(KEY)
    frame = mav.MAVLink_timesync_message(0, 5).pack(radio.codec)
    assert vehicle.receive(radio.channel, frame)
    assert not vehicle.receive(radio.channel, frame)
    late = Ground(vehicle, radio.channel, link_id=9, at=NOW - 2 * MINUTE)
    late.use_key(KEY)
    assert not late.echoes()


def test_there_are_sixteen_streams_and_the_next_is_refused_until_a_restart() -> None:
    vehicle, _, radio = a_pair()
    heard = []
    for link_id in range(20):
        ground = Ground(vehicle, radio.channel, link_id=link_id, at=NOW + link_id)
        ground.use_key(KEY)
        heard.append(ground.echoes())
    assert sum(heard) == MAX_STREAMS
    assert heard[:MAX_STREAMS] == [True] * MAX_STREAMS
    vehicle.signing.boot()
    ground = Ground(vehicle, radio.channel, link_id=19, at=NOW + 3 * MINUTE)
    ground.use_key(KEY)
    assert ground.echoes()


def test_after_a_restart_its_time_is_a_minute_ahead_of_the_stored_one() -> None:
    vehicle, _, radio = a_pair()
    radio.use_key(KEY)
    assert radio.echoes()
    vehicle.signing.save(31.0)
    before = vehicle.signing.stored
    vehicle.signing.boot()
    assert vehicle.signing.stamp(5) == before + MINUTE


def test_zeros_switch_signing_off() -> None:
    _, usb, radio = a_pair()
    usb.say(mav.MAVLink_setup_signing_message(1, 1, bytes(32), 0))
    assert radio.echoes()


def test_an_armed_vehicle_takes_no_key() -> None:
    vehicle, usb, _ = a_pair()
    vehicle.aircraft.armed = True
    usb.say(mav.MAVLink_setup_signing_message(1, 1, bytes(range(1, 33)), NOW))
    assert vehicle.signing.key == KEY
