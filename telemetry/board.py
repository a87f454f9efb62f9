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
# For the express way (`telemetry.express`): `waited` says which kinds of packets somebody waits for, a bit for each,
# or that all has to be read at once; `FLIES` and `LOGS` whether it is armed and not on the ground, and whether its
# positions are recorded.
ALL = 0xFFFF_FFFF
FLIES, LOGS = 0, 1
# What is used of a message that mostly says the same, if it is no longer.
LONGEST_KNOWN = 64
_UNKNOWN = 255
_ROWS_AT_FIRST = 8
_NOBODY = {
    "octets": (np.uint8, SEEN_BYTES, 0),
    "times": (np.float64, TIMES, np.nan),
    "changes": (np.int64, 1, 0),
    "waited": (np.uint32, 1, ALL),
    "flags": (np.uint8, 2, 0),
    "boot_ms": (np.int64, 1, -1),
    "flew_s": (np.float64, 1, -np.inf),
    "known_size": (np.uint8, len(KINDS), _UNKNOWN),
    "known": (np.uint8, len(KINDS) * LONGEST_KNOWN, 0),
}


class Ground(NamedTuple):
    """The board's memory, for who takes messages a batch at a time.

    `octets`: of `SEEN`. `times`: rows of `TIMES`. `changes`: counts what came that way. `boot_ms`: the newest time
    since boot, -1 while each one has to be looked at. `flew_s`: when it told its place in flight. `known_size`
    and `known`: what was used of the last message of each kind, if no longer than `LONGEST_KNOWN`.
    """

    octets: npt.NDArray[np.uint8]
    times: Rows
    changes: npt.NDArray[np.int64]
    waited: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    boot_ms: npt.NDArray[np.int64]
    flew_s: Rows
    known_size: npt.NDArray[np.uint8]
    known: npt.NDArray[np.uint8]


class Board:
    """A row of `columns.FAST` for each vehicle, without its ages, and when it said what. One task owns it."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._used = 0
        self._hold({name: _rows(_ROWS_AT_FIRST, *of) for name, of in _NOBODY.items()})

    def _hold(self, rows: dict[str, np.ndarray[Any, Any]]) -> None:
        self._rows = rows
        self._seen: np.ndarray[Any, Any] = rows["octets"].reshape(-1).view(SEEN)
        count = len(self._seen)
        self.ground = Ground(
            octets=rows["octets"].reshape(-1),
            times=rows["times"],
            changes=rows["changes"].reshape(-1),
            waited=rows["waited"].reshape(-1),
            flags=rows["flags"],
            boot_ms=rows["boot_ms"].reshape(-1),
            flew_s=rows["flew_s"].reshape(-1),
            known_size=rows["known_size"],
            known=rows["known"].reshape(count, len(KINDS), LONGEST_KNOWN),
        )
        # The same memory for who looks at one vehicle: numpy takes ten times as long for a single number.
        self.octets: memoryview[int] = self.ground.octets.data
        self.times: memoryview[float] = cast("memoryview[float]", self.ground.times.reshape(-1).data)
        self.changes: memoryview[int] = self.ground.changes.data
        self.waited: memoryview[int] = self.ground.waited.data
        self.flags: memoryview[int] = self.ground.flags.reshape(-1).data
        self.boot_ms: memoryview[int] = self.ground.boot_ms.data
        self.flew_s: memoryview[float] = cast("memoryview[float]", self.ground.flew_s.data)

    def seat(self, pad_agl_m: float) -> int:
        """The row of one more vehicle, whose home is `pad_agl_m` above the ground."""
        if self._free:
            row = self._free.pop()
        else:
            row, self._used = self._used, self._used + 1
            if row >= len(self._seen):
                more = {name: _rows(row, *of) for name, of in _NOBODY.items()}
                self._hold({name: np.concatenate([each, more[name]]) for name, each in self._rows.items()})
        for name, (_, _, nothing) in _NOBODY.items():
            self._rows[name][row] = nothing
        self._seen["numbers"][row], self._seen["pad_m"][row] = np.nan, pad_agl_m
        return row

    def pad(self, row: int, pad_agl_m: float) -> None:
        """Its dock is another one."""
        self._seen["pad_m"][row] = pad_agl_m

    def leave(self, row: int) -> None:
        """The vehicle is gone."""
        self.waited[row], self._seen["waits"][row] = ALL, 0
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

    def know(self, row: int, kind: int, used: bytes | None) -> None:
        """What was used of the last message of a kind; None: it was read in another way."""
        size = _UNKNOWN if used is None or len(used) > LONGEST_KNOWN else len(used)
        self.ground.known_size[row, kind] = size
        if used is not None and size != _UNKNOWN:
            self.ground.known[row, kind, :size] = np.frombuffer(used, np.uint8)

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
        times: Rows = self.ground.times[rows, which]
        return times


def _rows(count: int, kind: Any, width: int, nothing: float) -> np.ndarray[Any, Any]:
    return np.full((count, width), nothing, kind)


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
