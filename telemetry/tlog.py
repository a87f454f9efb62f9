"""A `.tlog` read back: the frames of a record with the time at which each was received."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

from telemetry.wire import Decoder, Frame

MOST_BYTES = 1_000_000_000
_TIME_BYTES = 8


class BadLog(ValueError):
    """The file is no `.tlog`; the text names it and says why."""


def read_tlog(path: Path) -> Iterator[tuple[float, Frame]]:
    """Unix time in seconds and frame of each record, in order; damaged frames are left out. Raises BadLog."""
    decoder = Decoder()
    for at_s, raw in read_records(path):
        for frame in decoder.feed(raw):
            yield at_s, frame


def read_records(path: Path) -> Iterator[tuple[float, bytes]]:
    """Unix time in seconds and bytes of each record, in order; a record cut off at the end is left out.

    Raises BadLog. Source: pymavlink, mavutil.mavlogfile: big-endian µs of eight bytes before each frame.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadLog(f"{path}: is larger than {MOST_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise BadLog(f"{path}: {error.strerror}") from error
    at = 0
    while at + _TIME_BYTES + 3 <= len(data):
        (micros,) = struct.unpack_from(">Q", data, at)
        length = _frame_length(data, at + _TIME_BYTES)
        if length is None:
            raise BadLog(f"{path}: no MAVLink frame at byte {at + _TIME_BYTES}")
        end = at + _TIME_BYTES + length
        if end > len(data):
            return
        yield micros / 1e6, data[at + _TIME_BYTES : end]
        at = end


def record_length(data: bytes | mmap, at: int, size: int) -> int | None:
    """Length of the record that begins there, the whole of which may reach beyond `size`; None: none begins."""
    if at + _TIME_BYTES + 3 > size:
        return None
    length = _frame_length(data, at + _TIME_BYTES)
    return None if length is None else _TIME_BYTES + length


def _frame_length(data: bytes | mmap, at: int) -> int | None:
    """Length of the frame that begins there, by its head (MAVLink 1 and 2 packet formats); None: none does."""
    match data[at]:
        case 0xFD:
            return data[at + 1] + 12 + (13 if data[at + 2] & 1 else 0)
        case 0xFE:
            return data[at + 1] + 8
    return None
