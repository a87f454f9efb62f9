"""The quick numbers of all vehicles in one array, and the newest raw messages that have yet to be read into it.

A message that nobody waits for is kept as it came, the newest of each kind and vehicle, and read at the next tick:
all vehicles at once, or one vehicle when somebody looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.columns import COLUMN, FAST, Rows
from telemetry.fold import COURSE_FROM_MPS, attitude_numbers, position_numbers, power_numbers
from telemetry.packets import Attitude, GlobalPosition, SysStatus
from telemetry.quick import ATTITUDE, GLOBAL_POSITION_INT, READERS, SYS_STATUS

PLACE = slice(COLUMN["lat_deg"], COLUMN["east_mps"] + 1)
LEAN = slice(COLUMN["roll_deg"], COLUMN["pitch_deg"] + 1)
POWER = slice(COLUMN["battery_pct"], COLUMN["battery_a"] + 1)

_POSITION_WIRE = np.dtype(
    [
        ("boot_ms", "<u4"), ("lat", "<i4"), ("lon", "<i4"), ("alt", "<i4"), ("rel", "<i4"),
        ("vx", "<i2"), ("vy", "<i2"), ("vz", "<i2"), ("hdg", "<u2"),
    ]
)  # fmt: skip
_ATTITUDE_WIRE = np.dtype([("boot_ms", "<u4"), ("roll", "<f4"), ("pitch", "<f4"), ("rest", "V16")])
_POWER_WIRE = np.dtype([("bits", "V14"), ("v", "<u2"), ("a", "<i2"), ("counts", "V12"), ("pct", "i1")])

_ROW_BYTES = 8 * len(FAST)

Pending = dict[int, bytes]
# Payloads that wait to be read (GLOBAL_POSITION_INT, ATTITUDE, SYS_STATUS), the row as it was before them (float64),
# and how high home is above the ground.
Seen = tuple[bytes | None, bytes | None, bytes | None, bytes, float]


class Board:
    """A row of `columns.FAST` for each vehicle; ages are put in at the tick. One task owns it."""

    def __init__(self) -> None:
        self.positions: Pending = {}
        self.attitudes: Pending = {}
        self.powers: Pending = {}
        self._free: list[int] = []
        self._used = 0
        self._hold(np.full((8, len(FAST)), np.nan), np.zeros(8))

    def _hold(self, rows: Rows, pads_m: npt.NDArray[np.float64]) -> None:
        self._rows, self._pads_m = rows, pads_m
        # The same memory for who looks at one vehicle: numpy takes ten times as long for a single row.
        self._octets, self._pad_m = rows.data.cast("B"), pads_m.data

    def seat(self, pad_agl_m: float) -> int:
        """The row of one more vehicle, whose home is `pad_agl_m` above the ground."""
        if self._free:
            row = self._free.pop()
        else:
            row, self._used = self._used, self._used + 1
            if row >= len(self._rows):
                more = np.full_like(self._rows, np.nan)
                self._hold(np.vstack([self._rows, more]), np.concatenate([self._pads_m, np.zeros(len(more))]))
        self._pads_m[row] = pad_agl_m
        return row

    def pad(self, row: int, pad_agl_m: float) -> None:
        """Its dock is another one."""
        self._pads_m[row] = pad_agl_m

    def leave(self, row: int) -> None:
        """The vehicle is gone."""
        for pending in (self.positions, self.attitudes, self.powers):
            pending.pop(row, None)
        self._rows[row] = np.nan
        self._free.append(row)

    # --- one vehicle ---

    def put(self, row: int, packet: GlobalPosition | Attitude | SysStatus) -> None:
        """Takes over a packet that was read already; one of its kind that waits is older."""
        match packet:
            case GlobalPosition():
                self.positions.pop(row, None)
                self._rows[row, PLACE] = _numbers(position_numbers(packet, float(self._pads_m[row])))
            case Attitude():
                self.attitudes.pop(row, None)
                self._rows[row, LEAN] = _numbers(attitude_numbers(packet))
            case SysStatus():
                self.powers.pop(row, None)
                self._rows[row, POWER] = _numbers(power_numbers(packet))

    def one(self, row: int) -> list[float]:
        """The numbers of one vehicle as of now."""
        for pending, kind in (
            (self.positions, GLOBAL_POSITION_INT),
            (self.attitudes, ATTITUDE),
            (self.powers, SYS_STATUS),
        ):
            payload = pending.get(row)
            if payload is not None:
                packet = READERS[kind](payload)
                assert isinstance(packet, GlobalPosition | Attitude | SysStatus)
                self.put(row, packet)
        numbers: list[float] = self._rows[row].tolist()
        return numbers

    def peek(self, row: int) -> Seen:
        """What is known of one vehicle now, unread: nothing is computed for whoever keeps it for later."""
        return (
            self.positions.get(row),
            self.attitudes.get(row),
            self.powers.get(row),
            self._octets[row * _ROW_BYTES : (row + 1) * _ROW_BYTES].tobytes(),
            self._pad_m[row],
        )

    def set(self, row: int, numbers: Sequence[float]) -> None:
        """Replaces the numbers of one vehicle."""
        for pending in (self.positions, self.attitudes, self.powers):
            pending.pop(row, None)
        self._rows[row] = numbers

    # --- all of them ---

    def all(self, rows: Sequence[int]) -> Rows:
        """A copy of these rows as of now."""
        self.read()
        taken: Rows = self._rows[np.array(rows, dtype=np.intp)]
        return taken

    def read(self) -> None:
        """Reads everything that waits."""
        if self.positions:
            rows, wire = _taken(self.positions, _POSITION_WIRE)
            self._rows[rows, PLACE] = places(wire, self._pads_m[rows])
        if self.attitudes:
            rows, wire = _taken(self.attitudes, _ATTITUDE_WIRE)
            self._rows[rows, LEAN] = leans(wire)
        if self.powers:
            rows, wire = _taken(self.powers, _POWER_WIRE)
            self._rows[rows, POWER] = powers(wire)


def numbers_of(seen: Sequence[Seen]) -> Rows:
    """The rows of what was seen, read all at once."""
    positions, attitudes, batteries, known, pads_m = zip(*seen, strict=True)
    numbers = np.frombuffer(b"".join(known)).reshape(-1, len(FAST)).copy()
    rows, wire = _taken({n: each for n, each in enumerate(positions) if each is not None}, _POSITION_WIRE)
    numbers[rows, PLACE] = places(wire, np.array(pads_m)[rows])
    rows, wire = _taken({n: each for n, each in enumerate(attitudes) if each is not None}, _ATTITUDE_WIRE)
    numbers[rows, LEAN] = leans(wire)
    rows, wire = _taken({n: each for n, each in enumerate(batteries) if each is not None}, _POWER_WIRE)
    numbers[rows, POWER] = powers(wire)
    return numbers


def _taken(pending: Pending, kind: np.dtype[np.void]) -> tuple[np.ndarray, np.ndarray]:
    """What waits, as an array, and whose it is; nothing waits any more."""
    size = kind.itemsize
    rows = np.fromiter(pending, dtype=np.intp, count=len(pending))
    joined = b"".join([payload[:size].ljust(size, b"\0") for payload in pending.values()])
    pending.clear()
    return rows, np.frombuffer(joined, dtype=kind)


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
