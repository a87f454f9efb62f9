"""Rows on their way to the store: kept as they came, and made columns of all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from operations.recording.ports import Batch
from operations.recording.rows import KEYED, Rows
from telemetry.board import Seen, numbers_of
from telemetry.columns import COLUMN
from telemetry.messages import VehicleState

# Quick numbers that a row has under the same name.
_QUICK = (
    "alt_amsl_m", "alt_rel_m", "alt_agl_m", "ground_speed_mps", "north_mps", "east_mps", "climb_mps", "heading_deg",
    "course_deg", "roll_deg", "pitch_deg", "battery_pct", "battery_v", "battery_a",
)  # fmt: skip
_SLOW = ("hdop", "vibration_mps2")
_WHOLE = ("mission_seq", "gps_fix", "satellites", "armed")


class Intake:
    """Rows that wait for the next write, which takes all of them."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, VehicleState, Seen, float, float]] = []

    def __len__(self) -> int:
        return len(self._taken)

    def put(
        self,
        slow: VehicleState,
        seen: Seen,
        at_us: int,
        *,
        heartbeat_age_s: float = math.nan,
        lost_share: float = math.nan,
    ) -> None:
        """A row of a vehicle that has a position. `slow`: its record, of which the quick numbers are in `seen`."""
        self._taken.append((at_us, slow, seen, heartbeat_age_s, lost_share))

    def take(self) -> Batch | None:
        """All that waits, and nothing waits then; None when nothing did."""
        if not self._taken:
            return None
        taken, self._taken = self._taken, []
        at_us, slow, seen, ages_s, shares = zip(*taken, strict=True)
        rows = np.empty(len(taken), KEYED)
        rows["at_us"], rows["heartbeat_age_s"], rows["lost_share"] = at_us, ages_s, shares
        rows["heartbeat_age_s"][np.isinf(rows["heartbeat_age_s"])] = np.nan  # none was ever heard
        _put_quick(rows, seen)
        return Batch(_put_slow(rows, slow), rows)


def _put_quick(rows: Rows, seen: Sequence[Seen]) -> None:
    numbers = numbers_of(seen)
    for name in _QUICK:
        rows[name] = numbers[:, COLUMN[name]]
    for name in ("lat", "lon"):
        rows[f"{name}_e7"] = np.round(numbers[:, COLUMN[f"{name}_deg"]] * 1e7)


def _put_slow(rows: Rows, records: Sequence[VehicleState]) -> tuple[str, ...]:
    """Puts in what seldom changes: looked up once per record, not per row. Gives the names that keys stand for."""
    known = {id(each): each for each in records}
    index = {number: at for at, number in enumerate(known)}
    which = np.fromiter((index[id(each)] for each in records), np.intp, len(records))
    names: dict[str, int] = {}

    def put(name: str, value: Callable[[VehicleState], object]) -> None:
        rows[name] = np.array([value(each) for each in known.values()], KEYED[name])[which]

    put("vehicle", lambda state: names.setdefault(state.vehicle_id, len(names)))
    put("sortie", lambda state: -1 if state.sortie_id is None else names.setdefault(state.sortie_id, len(names)))
    put("landed", lambda state: state.landed.encode())
    put("mode", lambda state: (state.mode or "").encode("ascii", "replace"))
    for name in _SLOW:
        put(name, lambda state, name=name: _or(getattr(state, name), math.nan))  # type: ignore[misc]
    for name in _WHOLE:
        put(name, lambda state, name=name: _or(getattr(state, name), -1))  # type: ignore[misc]
    return tuple(names)


def _or(value: float | None, absent: float) -> float:
    return absent if value is None else value
