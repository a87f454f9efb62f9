"""What `struct` and numpy read of the messages that come all the time is what the codec reads."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import framing
from telemetry.board import ATTITUDE as LEANING
from telemetry.board import BATTERY, LEAN, PLACE, POSITION, POWER, Board
from telemetry.fold import attitude_numbers, position_numbers, power_numbers
from telemetry.framing import Framer, Header, build, mirrored_crc, plain_frame
from telemetry.packets import Attitude, GlobalPosition, SysStatus
from telemetry.quick import ATTITUDE, GLOBAL_POSITION_INT, READERS, SYS_STATUS
from telemetry.wire import CRC_EXTRA, LANES, _decoded_by_codec, read_payload

# Newer dialects add fields at a message's end.
payloads = st.binary(min_size=1, max_size=80).map(lambda payload: payload[:1] + payload[1:].rstrip(b"\0"))


@pytest.mark.parametrize("message_id", sorted(READERS))
@settings(max_examples=40)
@given(payload=payloads)
def test_every_field_is_the_codec_s(message_id: int, payload: bytes) -> None:
    """By their words, for a NaN is not equal to itself."""
    assert repr(read_payload(message_id, payload)) == repr(_decoded_by_codec(message_id, payload, None))


def test_many_read_at_once_are_what_each_is_by_itself() -> None:
    """But for the last digit of what is rounded: a half may go either way."""
    rng, board = random.Random(5), Board()
    rows = [board.seat(20.0) for _ in range(300)]
    waiting = []
    for row in rows:
        position = struct.pack(
            "<IiiiihhhH", 1, rng.randrange(-(9 * 10**8), 9 * 10**8), rng.randrange(-(18 * 10**8), 18 * 10**8),
            *(rng.randrange(-(10**6), 10**6) for _ in range(2)), *(rng.randrange(-3_000, 3_000) for _ in range(3)),
            rng.choice((0xFFFF, rng.randrange(36_000))),
        )[: rng.choice((28, 28, 13))]  # fmt: skip
        attitude = struct.pack("<I6f", 1, *(rng.uniform(-4, 4) for _ in range(6)))[: rng.choice((28, 9))]
        power = struct.pack(
            "<3IHHh12xb", 0, 0, 0, 0, rng.choice((0xFFFF, 24_811)), rng.choice((-1, 1_211)), rng.choice((-1, 77))
        )
        waiting.append((position, attitude, power))
        for slot, payload in zip((POSITION, LEANING, BATTERY), waiting[-1], strict=True):
            board.keep(slot, row, payload)
    read = board.all(np.array(rows))
    for row, (position, attitude, power) in zip(read, waiting, strict=True):
        at, lean, charge = (
            READERS[kind](each)
            for kind, each in ((GLOBAL_POSITION_INT, position), (ATTITUDE, attitude), (SYS_STATUS, power))
        )
        assert isinstance(at, GlobalPosition)
        assert isinstance(lean, Attitude)
        assert isinstance(charge, SysStatus)
        assert _told(row[PLACE]) == pytest.approx(_told(position_numbers(at, 20.0)), abs=0.1001, rel=1e-15)
        assert _told(row[PLACE])[:5] == _told(position_numbers(at, 20.0))[:5]
        assert _told(row[LEAN]) == pytest.approx(_told(attitude_numbers(lean)), abs=0.1001)
        assert _told(row[POWER]) == _told(power_numbers(charge))


def _told(numbers: object) -> list[float]:
    """None and NaN are both nothing."""
    return [-1e9 if value is None or value != value else value for value in numbers]  # type: ignore[attr-defined] # noqa: PLR0124


@given(data=st.binary(max_size=300), crc=st.integers(0, 0xFFFF))
def test_the_checksum_does_not_depend_on_what_is_installed(data: bytes, crc: int) -> None:
    assert framing._crc(data, crc) == mirrored_crc(data, crc)  # type: ignore[attr-defined]
    assert mirrored_crc(b"123456789") == 0x6F91  # CRC RevEng, CRC-16/MCRF4XX


@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 7))
def test_a_plain_frame_is_one_that_the_framer_finds_whole(payload: bytes, at: int, bit: int) -> None:
    frame = build(Header(1, 2, 1, ATTITUDE), payload, CRC_EXTRA[ATTITUDE])
    damaged = bytearray(frame)
    damaged[at % len(frame)] ^= 1 << bit
    for data in (frame, bytes(damaged), frame + b"\0", frame[:-1], b"", frame + frame):
        whole = [each.data for each in Framer(CRC_EXTRA).feed(data)] == [data]
        assert (plain_frame(data, LANES) is not None) == whole
