"""Bytes to packets and back: checked against pymavlink's own encoder, and on damage."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as dialect

from telemetry.packets import (
    CommandAck,
    CommandInt,
    CommandLong,
    GlobalPosition,
    Heartbeat,
    LogEntry,
    LogRequestList,
    MissionClearAll,
    MissionCount,
    MissionItemInt,
    MissionType,
    Outbound,
    Overheard,
    ParamRequest,
    ParamRequestList,
    ParamSet,
    StatusText,
    SysStatus,
)
from telemetry.wire import Decoder, Encoder, MavAddress

VEHICLE = MavAddress(11, 1)
coordinate = st.integers(min_value=-1_800_000_000, max_value=1_800_000_000)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def vehicle_bytes(message: object) -> bytes:
    codec = dialect.MAVLink(None, srcSystem=VEHICLE.system_id, srcComponent=VEHICLE.component_id)
    return bytes(message.pack(codec))  # type: ignore[attr-defined]


@given(
    seq=st.integers(0, 700),
    x=coordinate,
    y=coordinate,
    z=float32,
    params=st.tuples(float32, float32, float32, float32),
    kind=st.sampled_from(MissionType),
)
def test_a_mission_item_survives_the_wire_exactly(
    seq: int, x: int, y: int, z: float, params: tuple[float, float, float, float], kind: MissionType
) -> None:
    item = MissionItemInt(seq, 3, 16, params, x, y, z, kind)
    frames = list(Decoder().feed(Encoder(VEHICLE).frame(item, MavAddress(255, 190))))
    assert [frame.packet for frame in frames] == [item]
    assert frames[0].source == VEHICLE


def test_units_of_a_position_are_those_of_the_names() -> None:
    message = dialect.MAVLink_global_position_int_message(
        1234, 311_500_000, 1_211_200_000, 45_600, 41_500, 300, -400, -150, 27_050
    )
    (frame,) = Decoder().feed(vehicle_bytes(message))
    assert frame.packet == GlobalPosition(1234, 31.15, 121.12, 45.6, 41.5, 3.0, -4.0, -1.5, 270.5)


def test_fields_that_mavlink_marks_unknown_are_none() -> None:
    message = dialect.MAVLink_sys_status_message(0, 0, 0, 0, 0xFFFF, -1, -1, 0, 0, 0, 0, 0, 0)
    (frame,) = Decoder().feed(vehicle_bytes(message))
    assert frame.packet == SysStatus(None, None, None, None, None)


def test_a_frame_split_over_two_reads_is_one_frame() -> None:
    data = vehicle_bytes(dialect.MAVLink_statustext_message(4, b"PreArm: Battery low"))
    decoder = Decoder()
    assert list(decoder.feed(data[:7])) == []
    assert [frame.packet for frame in decoder.feed(data[7:])] == [StatusText(4, "PreArm: Battery low")]


def test_no_single_flipped_bit_gets_through() -> None:
    rng = random.Random(7)
    data = vehicle_bytes(dialect.MAVLink_mission_count_message(255, 190, 12, 1))
    for _ in range(500):
        damaged = bytearray(data)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        frames = list(Decoder().feed(bytes(damaged)))
        # Only a flip in a header byte that the receiver ignores (compatibility flags) may leave the frame as it was.
        assert all(frame.packet == MissionCount(12, MissionType.FENCE) for frame in frames), damaged.hex()


@given(st.binary(max_size=600))
def test_any_bytes_at_all_are_survived(data: bytes) -> None:
    decoder = Decoder()
    list(decoder.feed(data))
    # A damaged start may swallow up to one whole frame; a genuine one after that is heard again.
    genuine = vehicle_bytes(dialect.MAVLink_mission_count_message(255, 190, 3, 0))
    heard = [frame.packet for _ in range(30) for frame in decoder.feed(genuine)]
    assert MissionCount(3, MissionType.MISSION) in heard


def test_an_unknown_message_is_damage_and_not_a_frame() -> None:
    data = bytearray(vehicle_bytes(dialect.MAVLink_mission_count_message(255, 190, 3, 0)))
    data[7:10] = (9_999).to_bytes(3, "little")
    decoder = Decoder()
    assert list(decoder.feed(bytes(data))) == []
    assert decoder.bad_frames == 1


def test_sequence_numbers_rise_by_one_and_wrap() -> None:
    encoder, decoder = Encoder(MavAddress(255, 190)), Decoder()
    beat = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
    sequences = [f.sequence for _ in range(300) for f in decoder.feed(encoder.frame(beat, VEHICLE))]
    assert sequences == [i % 256 for i in range(300)]


def test_what_we_send_reads_right_in_pymavlink() -> None:
    codec = dialect.MAVLink(None)
    encoder = Encoder(MavAddress(255, 190))
    (arm,) = codec.parse_buffer(encoder.frame(CommandLong(400, (1.0,), confirmation=2), VEHICLE))
    (param,) = codec.parse_buffer(encoder.frame(ParamSet("FENCE_ENABLE", 1.0), VEHICLE))
    assert (arm.command, arm.param1, arm.param7, arm.confirmation, arm.target_system) == (400, 1.0, 0.0, 2, 11)
    assert (param.param_id, param.param_value, param.target_component) == ("FENCE_ENABLE", 1.0, 1)


def test_a_word_to_another_ground_station_is_overheard_and_no_answer_to_us() -> None:
    ours, theirs = MavAddress(255, 190), 42
    for message, packet in (
        (dialect.MAVLink_mission_ack_message(theirs, 0, 0, 1), Overheard("MISSION_ACK", theirs, MissionType.FENCE)),
        (dialect.MAVLink_command_ack_message(400, 0, 0, 0, theirs, 0), Overheard("COMMAND_ACK", theirs, None)),
        (dialect.MAVLink_command_ack_message(400, 0, 0, 0, 255, 190), CommandAck(400, 0)),
        (dialect.MAVLink_command_ack_message(400, 0), CommandAck(400, 0)),
    ):
        assert [frame.packet for frame in Decoder(ours).feed(vehicle_bytes(message))] == [packet]


def test_a_log_without_a_time_has_none() -> None:
    (frame,) = Decoder().feed(vehicle_bytes(dialect.MAVLink_log_entry_message(3, 9, 9, 0, 4096)))
    assert frame.packet == LogEntry(3, 9, 9, None, 4096)


@pytest.mark.parametrize(
    ("packet", "name"),
    [
        (CommandInt(192, 3, (-1.0, 1.0, 0.0, 0.0), 311_390_000, 1_211_240_000, 40.0), "COMMAND_INT"),
        (MissionClearAll(MissionType.RALLY), "MISSION_CLEAR_ALL"),
        (LogRequestList(1, 20), "LOG_REQUEST_LIST"),
        (ParamRequestList(), "PARAM_REQUEST_LIST"),
        (ParamRequest("", 17), "PARAM_REQUEST_READ"),
    ],
)
def test_every_request_reaches_the_vehicle_it_is_for(packet: Outbound, name: str) -> None:
    (message,) = dialect.MAVLink(None).parse_buffer(Encoder(MavAddress(255, 190)).frame(packet, MavAddress(11, 1)))
    assert (message.get_type(), message.target_system, message.target_component) == (name, 11, 1)
