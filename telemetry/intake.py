"""Rows on their way to the store: packed one by one as positions come, made columns of many at once."""

from __future__ import annotations

import struct
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from core.ids import SortieId, VehicleId
from operations.recording.ports import Batch
from operations.recording.rows import KEYED, Rows
from telemetry.messages import VehicleState

# What is a number in the record and in the row, under the same name.
_NUMBERS = (
    "lat_deg", "lon_deg", "alt_amsl_m", "alt_rel_m", "alt_agl_m", "ground_speed_mps", "north_mps", "east_mps",
    "climb_mps", "heading_deg", "course_deg", "roll_deg", "pitch_deg", "battery_pct", "battery_v", "battery_a",
    "hdop", "vibration_mps2",
)  # fmt: skip
_WHOLE = ("mission_seq", "gps_fix", "satellites", "armed")
_SAME = tuple(name for name in _NUMBERS if name not in ("lat_deg", "lon_deg"))
_NAN = float("nan")
_numbers_of = attrgetter(*_NUMBERS)
_whole_of = attrgetter(*_WHOLE)

_PACK = struct.Struct(f"<qii{len(_NUMBERS) + 2}d{len(_WHOLE)}h10s12s").pack
_PACKED = np.dtype(
    [
        ("at_us", "<i8"),
        ("vehicle", "<i4"),
        ("sortie", "<i4"),
        *[(name, "<f8") for name in (*_NUMBERS, "lost_share", "heartbeat_age_s")],
        *[(name, "<i2") for name in _WHOLE],
        ("landed", "S10"),
        ("mode", "S12"),
    ]
)
_US = 1_000_000


class Intake:
    """Rows that wait for the next write, which takes all of them."""

    def __init__(self) -> None:
        self._packed = bytearray()
        self._index: dict[str, int] = {}
        self._words: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._packed) // _PACKED.itemsize

    def put(
        self, state: VehicleState, at_us: int, *, heartbeat_age_s: float, lost_share: float | None = None
    ) -> None:
        """A row of `state`, which has a position."""
        whole = _whole_of(state)
        self._packed += _PACK(
            at_us,
            self._number(state.vehicle_id),
            -1 if state.sortie_id is None else self._number(state.sortie_id),
            *[_NAN if value is None else value for value in _numbers_of(state)],
            _NAN if lost_share is None else lost_share,
            heartbeat_age_s,
            *[-1 if value is None else value for value in whole],
            self._word(state.landed),
            self._word(state.mode or ""),
        )

    def take(self) -> Batch | None:
        """All that waits, and nothing waits then; None when nothing did."""
        if not self._packed:
            return None
        packed, self._packed = self._packed, bytearray()
        index, self._index = self._index, {}
        return Batch(tuple(index), columns(np.frombuffer(packed, _PACKED)))

    def _number(self, name: VehicleId | SortieId) -> int:
        return self._index.setdefault(name, len(self._index))

    def _word(self, word: str) -> bytes:
        found = self._words.get(word)
        return found if found is not None else self._words.setdefault(word, word.encode("ascii", "replace"))


def columns(packed: npt.NDArray[Any]) -> Rows:
    """The rows of what was packed."""
    rows = np.empty(len(packed), KEYED)
    for name in ("at_us", "vehicle", "sortie", *_SAME, "lost_share", "heartbeat_age_s", *_WHOLE, "landed", "mode"):
        rows[name] = packed[name]
    for name in ("lat", "lon"):
        rows[f"{name}_e7"] = np.round(packed[f"{name}_deg"] * 1e7)
    return rows
