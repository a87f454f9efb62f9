"""The memory that the express way works on: plain arrays, read and written by Python as well."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from telemetry.board import SEEN_BYTES
from telemetry.lanes import How, Lane
from telemetry.wire import LANES as LANES_BY_ID

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Octets = npt.NDArray[np.uint8]

# Columns of `Seats.seats`: while which version of the directory it holds, the row on the board, the sequence number
# that is due (-1: it is shut), the sender's bucket, the link, the link's count of frames when the last one came, and
# which of the last numbers came (`links.meter.SequenceWatch`).
VERSION, ROW, EXPECTED, BUCKET, LINK, USED, SEEN, SEAT_COLUMNS = range(8)
# Columns of `Rules.lanes`.
HOW, EXTRA, KIND, BEGIN_1, END_1, BEGIN_2, END_2, LANE_COLUMNS = range(8)
# `HOW`: nothing is read · as `telemetry.lanes.How`.
_HOW = {None: 0, How.PASS: 0, How.PLACE: 1, How.LEAN: 2, How.POWER: 3, How.REPEAT: 4}
PASS, PLACE, LEAN, POWER, REPEAT = range(5)
# Columns of `counts`, which one call adds up.
FRAMES, OCTETS, LOGGED, LOST, COUNTS = range(5)
_WHOLE = 255  # no payload is longer
# A seat's place in the table is looked for among so many.
SEATS, TABLE = 8_192, 32_768
LOG = 128


class Rules(NamedTuple):
    """What is done with each message. `lane_of`: by message id, a row of `lanes`, 0 for none. `crc`: of each byte."""

    lane_of: npt.NDArray[np.uint16]
    lanes: Ints
    crc: Ints


class Seats(NamedTuple):
    """Who speaks where. `keys` and `at`: a hash table from address, port and system id to a row of `seats`."""

    keys: Ints
    at: npt.NDArray[np.int32]
    seats: Ints
    heard_s: Floats


class Log(NamedTuple):
    """Positions that are to be recorded: whose, the age of its heartbeat, and what was known of it."""

    rows: Ints
    ages_s: Floats
    seen: Octets


def rules() -> Rules:
    """Of every message that has a lane and is not always read at once."""
    lane_of = np.zeros(1 << 16, np.uint16)
    lanes = [[0] * LANE_COLUMNS]
    for octets, lane in LANES_BY_ID.items():
        message_id = int.from_bytes(octets, "little")
        if lane.how in _HOW and message_id < len(lane_of):
            lane_of[message_id] = _numbered(lanes, lane)
    return Rules(lane_of, np.array(lanes, np.int64), _crc_table())


def _numbered(lanes: list[list[int]], lane: Lane) -> int:
    spans = lane.spans or ((0, _WHOLE),)
    (first, second), how = (*spans, (0, 0))[:2], _HOW[lane.how]
    row = [how, lane.extra[0], lane.number, *first, *second]
    if row not in lanes:
        lanes.append(row)
    return lanes.index(row)


def _crc_table() -> Ints:
    """CRC-16/MCRF4XX of one byte."""
    table = np.arange(256, dtype=np.int64)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ 0x8408, table >> 1)
    return table


def key_of(address: int, system_id: int) -> int:
    """`address`: of the sender, 32 bits and 16 of the port."""
    return address << 8 | system_id


def slot_of(key: int) -> int:
    """Where a key is looked for first; the kernel does the same."""
    return ((key ^ key >> 21) & 0x3FFFFFFF) * 0x9E3779B1 >> 24 & TABLE - 1


def empty_seats() -> Seats:
    """A table in which nobody sits."""
    return Seats(
        np.zeros(TABLE, np.int64),
        np.full(TABLE, -1, np.int32),
        np.full((SEATS, SEAT_COLUMNS), -1, np.int64),
        np.full(SEATS, -np.inf),
    )


def empty_log() -> Log:
    """A log of nothing."""
    return Log(np.zeros(LOG, np.int64), np.zeros(LOG), np.zeros((LOG, SEEN_BYTES), np.uint8))
