"""Rows on their way to the store: kept as they came, and made columns of all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from core.ids import VehicleId
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
# What seldom changes, as a row has it.
_SLOW: dict[str, Callable[[VehicleState], object]] = {
    "landed": lambda state: state.landed.encode(),
    "mode": lambda state: (state.mode or "").encode("ascii", "replace"),
    "hdop": lambda state: _or(state.hdop, math.nan),
    "vibration_mps2": lambda state: _or(state.vibration_mps2, math.nan),
    "mission_seq": lambda state: _or(state.mission_seq, -1),
    "gps_fix": lambda state: _or(state.gps_fix, -1),
    "satellites": lambda state: _or(state.satellites, -1),
    "armed": lambda state: _or(state.armed, -1),
}
_SLOW_ROW = np.dtype([(name, KEYED[name]) for name in _SLOW])


class Intake:
    """Rows that wait for the next write, which takes all of them."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, VehicleState, Seen, float, float]] = []
        # By vehicle, the record that was written last and what rows have of it: the next one is mostly the same.
        self._said: dict[VehicleId, tuple[VehicleState, tuple[object, ...]]] = {}

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
        return Batch(self._put_slow(rows, slow), rows)

    def _put_slow(self, rows: Rows, records: Sequence[VehicleState]) -> tuple[str, ...]:
        """Puts in what seldom changes: read once per record, not per row. Gives the names that keys stand for."""
        known = {id(each): each for each in records}
        index = {number: at for at, number in enumerate(known)}
        which = np.fromiter((index[id(each)] for each in records), np.intp, len(records))
        slow = np.array([self._slow_of(each) for each in known.values()], _SLOW_ROW)[which]
        for name in _SLOW:
            rows[name] = slow[name]
        names: dict[str, int] = {}
        keys = [(_key(names, each.vehicle_id), _key(names, each.sortie_id)) for each in known.values()]
        rows["vehicle"], rows["sortie"] = np.array(keys)[which].T
        self._said = {each.vehicle_id: self._said[each.vehicle_id] for each in known.values()}
        return tuple(names)

    def _slow_of(self, state: VehicleState) -> tuple[object, ...]:
        said = self._said.get(state.vehicle_id)
        if said is None or said[0] is not state:
            said = self._said[state.vehicle_id] = state, tuple(read(state) for read in _SLOW.values())
        return said[1]


def _key(names: dict[str, int], name: str | None) -> int:
    return -1 if name is None else names.setdefault(name, len(names))


def _put_quick(rows: Rows, seen: Sequence[Seen]) -> None:
    numbers = numbers_of(seen)
    for name in _QUICK:
        rows[name] = numbers[:, COLUMN[name]]
    for name in ("lat", "lon"):
        rows[f"{name}_e7"] = np.round(numbers[:, COLUMN[f"{name}_deg"]] * 1e7)


def _or(value: float | None, absent: float) -> float:
    return absent if value is None else value
