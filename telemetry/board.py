"""The quick numbers of all vehicles in one array, and the newest raw messages that have yet to be read into it.

A message that nobody waits for is kept as it came, the newest of each kind and vehicle, and read at the next tick:
all vehicles at once, or one vehicle when somebody looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from telemetry import quick
from telemetry.columns import COLUMN, FAST, Rows
from telemetry.fold import COURSE_FROM_MPS, attitude_numbers, position_numbers, power_numbers
from telemetry.packets import KINDS, Attitude, GlobalPosition, SysStatus
from telemetry.quick import GLOBAL_POSITION_INT, READERS, SYS_STATUS

PLACE = slice(COLUMN["lat_deg"], COLUMN["east_mps"] + 1)
LEAN = slice(COLUMN["roll_deg"], COLUMN["pitch_deg"] + 1)
POWER = slice(COLUMN["battery_pct"], COLUMN["battery_a"] + 1)

_POSITION_WIRE = np.dtype(
    [
        ("boot_ms", "<u4"), ("lat", "<i4"), ("lon", "<i4"), ("alt", "<i4"), ("rel", "<i4"),
        ("vx", "<i2"), ("vy", "<i2"), ("vz", "<i2"), ("hdg", "<u2"),
    ]
)  # fmt: skip
_ATTITUDE_WIRE = np.dtype([("boot_ms", "<u4"), ("roll", "<f4"), ("pitch", "<f4")])
_POWER_WIRE = np.dtype([("bits", "V14"), ("v", "<u2"), ("a", "<i2"), ("counts", "V12"), ("pct", "i1")])

# What is known of one vehicle: its row as it was read last (`columns.FAST` without ages), how high home is above the
# ground, the newest message of each kind, and which of those wait to be read.
SEEN = np.dtype(
    {
        "names": ["numbers", "pad_m", "position", "attitude", "power", "waits"],
        "formats": [("<f8", len(FAST)), "<f8", _POSITION_WIRE, _ATTITUDE_WIRE, _POWER_WIRE, ("u1", 3)],
        "offsets": [0, 144, 152, 180, 192, 223],
        "itemsize": 232,
    }
)
SEEN_BYTES = SEEN.itemsize
# An item of `SEEN`, as bytes.
Seen = bytes


class Slot(NamedTuple):
    """Where the newest message of a kind is in a `SEEN`. `waits`: where it says that it is unread."""

    begins: int
    size: int
    waits: int


POSITION, ATTITUDE, BATTERY = Slot(152, 28, 223), Slot(180, 12, 224), Slot(192, 31, 225)
_READ_AS = ((POSITION, GLOBAL_POSITION_INT), (ATTITUDE, quick.ATTITUDE), (BATTERY, SYS_STATUS))

# Times of a vehicle on the monotonic clock, NaN for never: when it was heard, when its place was, and from
# `FIRST_KIND` on when each kind of packet came (`packets.KINDS`).
HEARD, PLACED, FIRST_KIND = 0, 1, 2
TIMES = FIRST_KIND + len(KINDS)
_ROWS_AT_FIRST = 8


class Board:
    """A row of `columns.FAST` for each vehicle, without its ages, and when it said what. One task owns it."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._used = 0
        self._hold(np.zeros(_ROWS_AT_FIRST * SEEN_BYTES, np.uint8), np.full((_ROWS_AT_FIRST, TIMES), np.nan))

    def _hold(self, octets: npt.NDArray[np.uint8], times: Rows) -> None:
        self._seen: np.ndarray[Any, Any] = octets.view(SEEN)
        self._times = times
        # The same memory for who looks at one vehicle: numpy takes ten times as long for a single number.
        self.octets: memoryview[int] = octets.data
        self.times: memoryview[float] = cast("memoryview[float]", times.reshape(-1).data)

    def seat(self, pad_agl_m: float) -> int:
        """The row of one more vehicle, whose home is `pad_agl_m` above the ground."""
        if self._free:
            row = self._free.pop()
        else:
            row, self._used = self._used, self._used + 1
            if row >= len(self._seen):
                octets, times = self._seen.view(np.uint8), self._times
                self._hold(
                    np.concatenate([octets, np.zeros_like(octets)]), np.vstack([times, np.full_like(times, np.nan)])
                )
        self._seen[row] = np.zeros((), SEEN)
        self._seen["numbers"][row] = self._times[row] = np.nan
        self._seen["pad_m"][row] = pad_agl_m
        return row

    def pad(self, row: int, pad_agl_m: float) -> None:
        """Its dock is another one."""
        self._seen["pad_m"][row] = pad_agl_m

    def leave(self, row: int) -> None:
        """The vehicle is gone."""
        self._seen["waits"][row] = 0
        self._free.append(row)

    # --- one vehicle ---

    def keep(self, slot: Slot, row: int, payload: bytes) -> None:
        """Keeps a message until somebody looks; one of its kind that waits is older."""
        begins, size, waits = slot
        at = row * SEEN_BYTES
        self.octets[at + begins : at + begins + size] = (
            payload if len(payload) == size else payload[:size].ljust(size, b"\0")
        )
        self.octets[at + waits] = 1

    def put(self, row: int, packet: GlobalPosition | Attitude | SysStatus) -> None:
        """Takes over a packet that was read already; one of its kind that waits is older."""
        numbers = self._seen["numbers"][row]
        match packet:
            case GlobalPosition():
                slot = POSITION
                numbers[PLACE] = _numbers(position_numbers(packet, float(self._seen["pad_m"][row])))
            case Attitude():
                slot = ATTITUDE
                numbers[LEAN] = _numbers(attitude_numbers(packet))
            case SysStatus():
                slot = BATTERY
                numbers[POWER] = _numbers(power_numbers(packet))
        self.octets[row * SEEN_BYTES + slot.waits] = 0

    def one(self, row: int) -> list[float]:
        """The numbers of one vehicle as of now."""
        at = row * SEEN_BYTES
        for slot, kind in _READ_AS:
            if self.octets[at + slot.waits]:
                packet = READERS[kind](bytes(self.octets[at + slot.begins : at + slot.begins + slot.size]))
                assert isinstance(packet, GlobalPosition | Attitude | SysStatus)
                self.put(row, packet)
        numbers: list[float] = self._seen["numbers"][row].tolist()
        return numbers

    def peek(self, row: int) -> Seen:
        """What is known of one vehicle now, unread: nothing is computed for whoever keeps it for later."""
        return bytes(self.octets[row * SEEN_BYTES : (row + 1) * SEEN_BYTES])

    def set(self, row: int, numbers: Sequence[float]) -> None:
        """Replaces the numbers of one vehicle."""
        self._seen["waits"][row] = 0
        self._seen["numbers"][row] = numbers

    # --- all of them ---

    def all(self, rows: npt.NDArray[np.intp]) -> Rows:
        """A copy of these rows as of now."""
        self.read()
        taken: Rows = self._seen["numbers"][rows]
        return taken

    def read(self) -> None:
        """Reads everything that waits."""
        used = self._seen[: self._used]
        _read(used, used["numbers"])
        used["waits"] = 0

    def times_of(self, rows: npt.NDArray[np.intp], which: int) -> Rows:
        """When each of these was heard, or placed; NaN: never."""
        times: Rows = self._times[rows, which]
        return times


def numbers_of(seen: Sequence[Seen]) -> Rows:
    """The rows of what was seen, read all at once."""
    found = np.frombuffer(b"".join(seen), SEEN)
    numbers = found["numbers"].copy()
    _read(found, numbers)
    return numbers


def seen_with(numbers: Sequence[float]) -> Seen:
    """What is known of a vehicle whose numbers are these, with nothing unread."""
    found = np.zeros(1, SEEN)
    found["numbers"] = numbers
    return found.tobytes()


def _read(seen: np.ndarray[Any, Any], numbers: Rows) -> None:
    """Puts into `numbers` what waits in `seen`."""
    waits = seen["waits"]
    if len(rows := np.flatnonzero(waits[:, 0])):
        numbers[rows, PLACE] = places(seen["position"][rows], seen["pad_m"][rows])
    if len(rows := np.flatnonzero(waits[:, 1])):
        numbers[rows, LEAN] = leans(seen["attitude"][rows])
    if len(rows := np.flatnonzero(waits[:, 2])):
        numbers[rows, POWER] = powers(seen["power"][rows])


def places(wire: np.ndarray, pads_m: np.ndarray) -> Rows:
    """The columns of `PLACE` of so many GLOBAL_POSITION_INT."""
    north, east = wire["vx"] / 100, wire["vy"] / 100
    speed, rel_m = np.hypot(north, east), wire["rel"] / 1000
    course = np.round(np.degrees(np.arctan2(east, north)) % 360.0, 1)
    found = np.empty((len(wire), PLACE.stop - PLACE.start))
    columns: tuple[npt.NDArray[Any], ...] = (
        wire["lat"] / 1e7,
        wire["lon"] / 1e7,
        wire["alt"] / 1000,
        rel_m,
        rel_m + pads_m,
        np.where(wire["hdg"] == 0xFFFF, np.nan, wire["hdg"] / 100),
        np.where(speed >= COURSE_FROM_MPS, course, np.nan),
        np.round(speed, 2),
        wire["vz"] / -100,
        north,
        east,
    )
    for at, column in enumerate(columns):
        found[:, at] = column
    return found


def leans(wire: np.ndarray) -> Rows:
    """The columns of `LEAN` of so many ATTITUDE."""
    lean = np.stack([wire["roll"], wire["pitch"]], axis=1).astype(np.float64)
    return np.round(np.degrees(lean), 1).astype(np.float64)


def powers(wire: np.ndarray) -> Rows:
    """The columns of `POWER` of so many SYS_STATUS."""
    found = np.empty((len(wire), 3))
    found[:, 0] = np.where(wire["pct"] < 0, np.nan, wire["pct"])
    found[:, 1] = np.where(wire["v"] == 0xFFFF, np.nan, wire["v"] / 1000)
    found[:, 2] = np.where(wire["a"] < 0, np.nan, wire["a"] / 100)
    return found


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
