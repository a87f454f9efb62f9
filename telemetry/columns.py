"""The quick numbers of all vehicles as one array: what a tick carries, and how a record is made of its row again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.ids import VehicleId

if TYPE_CHECKING:
    from telemetry.messages import FleetTick, VehicleState

Rows = npt.NDArray[np.float64]

# The quick numeric fields of a `VehicleState`, in the order of an array's columns. NaN stands for None.
FAST: tuple[str, ...] = (
    "heard_age_s",
    "position_age_s",
    "lat_deg",
    "lon_deg",
    "alt_amsl_m",
    "alt_rel_m",
    "alt_agl_m",
    "heading_deg",
    "course_deg",
    "ground_speed_mps",
    "climb_mps",
    "north_mps",
    "east_mps",
    "roll_deg",
    "pitch_deg",
    "battery_pct",
    "battery_v",
    "battery_a",
)
COLUMN: dict[str, int] = {name: at for at, name in enumerate(FAST)}
# Follows from the age of the last word, so that it is no change of its own.
DERIVED = "last_heard_at"

_fast_of = attrgetter(*FAST)


def row_of(state: VehicleState) -> list[float]:
    """The quick numbers of one record."""
    return [math.nan if value is None else value for value in _fast_of(state)]


def packed(states: Iterable[VehicleState]) -> bytes:
    """The rows of `states` as `FleetTick.fast` carries them."""
    return np.array([row_of(state) for state in states], dtype="<f8").tobytes()


def rows(fast: bytes) -> Rows:
    """The array that `packed` made: N × `len(FAST)`, read-only."""
    return np.frombuffer(fast, dtype="<f8").reshape(-1, len(FAST))


def merged(state: VehicleState, row: Sequence[float] | Rows, at: datetime | None = None) -> VehicleState:
    """`state` with the quick numbers of `row`. `at`: of the row's tick, which tells when it was heard last."""
    values: dict[str, Any] = dict(zip(FAST, (None if v != v else v for v in _listed(row)), strict=True))  # noqa: PLR0124 - NaN
    if at is not None and values["heard_age_s"] is not None:
        values[DERIVED] = at - timedelta(seconds=values["heard_age_s"])
    return replace(state, **values)


def _listed(row: Sequence[float] | Rows) -> Sequence[float]:
    return row.tolist() if isinstance(row, np.ndarray) else row


def slow_names(record: type) -> tuple[str, ...]:
    """The fields of `record` (a `VehicleState`) whose change puts the whole record into a tick."""
    return tuple(each.name for each in fields(record) if each.name not in COLUMN and each.name != DERIVED)


class FleetView:
    """The records of one gateway's vehicles, put together from its ticks.

    A vehicle whose record was in no tick yet is not shown: the next full tick brings it. One that is missing from a
    tick is retired, and gone.
    """

    def __init__(self) -> None:
        self._slow: dict[VehicleId, VehicleState] = {}
        self._tick: FleetTick | None = None
        self._number: dict[VehicleId, int] = {}

    def take(self, tick: FleetTick) -> None:
        """Takes over a tick; cheap, for nothing is put together before it is asked for."""
        self._slow.update((state.vehicle_id, state) for state in tick.changed)
        if tick.full:
            known = set(tick.ids)
            self._slow = {vehicle_id: state for vehicle_id, state in self._slow.items() if vehicle_id in known}
        if self._tick is None or self._tick.ids != tick.ids:
            self._number = {vehicle_id: number for number, vehicle_id in enumerate(tick.ids)}
        self._tick = tick

    def slow(self) -> Mapping[VehicleId, VehicleState]:
        """Whole records as they were when anything but their quick numbers last changed."""
        return self._slow

    def state(self, vehicle_id: VehicleId) -> VehicleState | None:
        """One record as of the last tick; None when it is not known."""
        slow, number = self._slow.get(vehicle_id), self._number.get(vehicle_id)
        if self._tick is None or slow is None or number is None:
            return None
        return merged(slow, rows(self._tick.fast)[number], self._tick.at)

    def states(self) -> tuple[VehicleState, ...]:
        """All records as of the last tick, in its order."""
        tick = self._tick
        if tick is None:
            return ()
        table = zip(tick.ids, rows(tick.fast).tolist(), strict=True)
        slow = self._slow
        return tuple(merged(slow[each], row, tick.at) for each, row in table if each in slow)
