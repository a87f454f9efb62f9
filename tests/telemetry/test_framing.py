"""Frames out of any bytes at all: what is whole comes through, what is damaged never does."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as dialect

from telemetry import allowed, wire
from telemetry.framing import Framer, Header, build, checksum
from telemetry.wire import CRC_EXTRA

COUNT = dialect.MAVLINK_MSG_ID_MISSION_COUNT
HEADER = Header(7, 11, 1, COUNT)


def genuine(payload: bytes = b"\x0c\x00\xff\xbe\x01") -> bytes:
    return build(HEADER, payload, CRC_EXTRA[COUNT])


def mavlink1(seq: int = 3) -> bytes:
    codec = dialect.MAVLink(None, srcSystem=11, srcComponent=1)
    return bytes(dialect.MAVLink_mission_count_message(255, 190, seq, 0).pack(codec, force_mavlink1=True))


@given(st.binary(max_size=300), st.integers(0, 255))
def test_the_checksum_is_that_of_the_reference(data: bytes, extra: int) -> None:
    reference = dialect.x25crc(data)
    reference.accumulate(bytes((extra,)))
    assert checksum(data, extra) == reference.crc


@given(st.binary(min_size=1, max_size=255))
def test_a_built_frame_reads_the_same_in_the_reference(payload: bytes) -> None:
    (message,) = dialect.MAVLink(None).parse_buffer(build(HEADER, payload, CRC_EXTRA[COUNT]))
    expected = payload[:9].ljust(9, b"\0")
    assert int.from_bytes(expected[:2], "little") == message.count
    assert (message.get_seq(), message.get_srcSystem(), message.get_srcComponent()) == (7, 11, 1)


@given(st.lists(st.binary(max_size=40), max_size=6), st.randoms(use_true_random=False))
def test_frames_are_found_however_their_bytes_are_cut(noise: list[bytes], rng: random.Random) -> None:
    clean = [bytes(byte for byte in part if byte not in (0xFD, 0xFE)) for part in noise]
    data = b"".join(part + genuine() for part in clean)
    framer, found = Framer(CRC_EXTRA), []
    while data:
        cut = rng.randint(1, 30)
        found += list(framer.feed(data[:cut]))
        data = data[cut:]
    assert [frame.data for frame in found] == [genuine()] * len(noise)


def test_no_frame_with_up_to_three_flipped_bits_gets_through() -> None:
    """CRC-16 finds any three flipped bits within 4095 bytes; pymavlink lets those through that hit the message id."""
    rng, framer, good = random.Random(11), Framer(CRC_EXTRA), genuine()
    for _ in range(20_000):
        damaged = bytearray(good)
        for bit in rng.sample(range(8 * len(good)), rng.randint(1, 3)):
            damaged[bit // 8] ^= 1 << bit % 8
        assert list(framer.feed(bytes(damaged))) == [], damaged.hex()
        assert [frame.data for frame in framer.feed(good)] == [good], damaged.hex()


def test_a_datagram_that_was_cut_short_does_not_hold_up_the_next_one() -> None:
    for length in range(1, len(genuine())):
        framer = Framer(CRC_EXTRA)
        assert list(framer.feed(genuine()[:length])) == []
        assert [frame.data for frame in framer.feed(genuine())] == [genuine()]
        assert framer.damaged == 1


def test_a_damaged_length_swallows_no_good_frame() -> None:
    damaged = bytearray(genuine())
    damaged[1] = 200
    found = list(Framer(CRC_EXTRA).feed(bytes(damaged) + genuine() * 20))
    assert len(found) == 20


def test_a_frame_of_an_unknown_message_is_damage_even_with_a_checksum() -> None:
    for number in (9_999, 50_000, 16_000_000):
        framer = Framer(CRC_EXTRA)
        assert list(framer.feed(build(Header(1, 11, 1, number), b"\x01\x02", 33))) == []
        assert framer.damaged == 1


def test_mavlink_1_is_read_in_step_and_not_out_of_noise() -> None:
    framer = Framer(CRC_EXTRA)
    assert [frame.is_mavlink1 for frame in framer.feed(mavlink1(1) + mavlink1(2) + genuine())] == [True, True, False]
    assert list(framer.feed(b"\x00" + mavlink1(3))) == []
    assert len(list(framer.feed(mavlink1(4)))) == 1


@pytest.mark.parametrize("flags", [2, 3, 4, 128])
def test_a_frame_with_an_unknown_incompatibility_flag_is_dropped(flags: int) -> None:
    data = bytearray(genuine())
    data[2] = flags
    data[-2:] = checksum(bytes(data[1:-2]), CRC_EXTRA[COUNT]).to_bytes(2, "little")
    assert list(Framer(CRC_EXTRA).feed(bytes(data))) == []


def test_what_is_held_is_never_more_than_a_frame() -> None:
    rng, framer = random.Random(5), Framer(CRC_EXTRA)
    for _ in range(2_000):
        list(framer.feed(rng.randbytes(rng.randint(0, 700)) + b"\xfd\xff\x01"[: rng.randint(0, 3)]))
        assert sys.getsizeof(framer.held) < 400


def test_the_list_of_accepted_messages_is_what_the_decoder_reads() -> None:
    assert set(wire._READERS) == allowed.ACCEPTED
    assert not (allowed.ACCEPTED | allowed.SENT) & allowed.NEVER_RECORDED
