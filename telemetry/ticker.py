"""What a tick says: all quick numbers, and only those whole records of which anything else changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import numpy as np

from core.ids import VehicleId
from telemetry.board import HEARD, PLACED, Board
from telemetry.columns import COLUMN, Rows, slow_names
from telemetry.identity import Identity
from telemetry.messages import FleetTick, LinkState, VehicleState
from telemetry.vehicle import LOST_AFTER_S, STALE_AFTER_S, Vehicle, stands_ready

# All records are told again after so long: a receiver that lost a tick, or has just come, knows all then.
FULL_EVERY_S = 1.0
_HEARD, _PLACED = COLUMN["heard_age_s"], COLUMN["position_age_s"]

_slow_of = attrgetter(*slow_names(VehicleState))
Member = tuple[Identity, Vehicle]


class Ticker:
    """Makes the ticks of one gateway; remembers what the last one said."""

    def __init__(self, gateway: str, board: Board) -> None:
        self.number = 0
        self._gateway = gateway
        self._board = board
        self._ids: tuple[VehicleId, ...] = ()
        self._full_s: float | None = None
        self._said: dict[VehicleId, VehicleState] = {}
        self._members: Sequence[Member] = ()
        self._seats = np.empty(0, np.intp)  # their rows on the board
        self._grades: list[int] = []
        self._shown: dict[VehicleId, tuple[int, bool, bool]] = {}  # how it is heard, whether signed, ambiguous

    def tick(
        self, members: Sequence[Member], now_s: float, at: datetime
    ) -> tuple[FleetTick, list[tuple[Vehicle, LinkState]]]:
        """The next tick, of all vehicles as they are now, and those that are heard better or worse than before."""
        if members is not self._members or len(members) != len(self._seats):
            self._seats = np.array([vehicle.row for _, vehicle in members], np.intp)
        rows = self._board.all(self._seats)
        rows[:, _HEARD] = np.round(now_s - self._board.times_of(self._seats, HEARD), 3)
        rows[:, _PLACED] = np.round(now_s - self._board.times_of(self._seats, PLACED), 3)
        grades = _grades(rows)
        links, changed = [], []
        for at_row in self._suspects(members, grades):
            (identity, vehicle), grade = members[at_row], grades[at_row]
            signed, ambiguous = _trust(identity, now_s)
            shown, was = (grade, signed, ambiguous), self._shown.get(vehicle.id)
            if was == shown and not vehicle.is_changed:
                continue
            self._shown[vehicle.id], vehicle.is_changed = shown, False
            age_s = float(rows[at_row, _HEARD])
            link = vehicle.link_after(age_s)
            if was is None or was[0] != grade:
                links.append((vehicle, link))
            state = _record(vehicle, link, signed=signed, ambiguous=ambiguous)
            if self._is_news(state):
                self._said[vehicle.id] = _dated(state, age_s, at)
                changed.append(vehicle.id)
        return self._compose(tuple(vehicle.id for _, vehicle in members), rows, changed, now_s, at), links

    def _suspects(self, members: Sequence[Member], grades: Sequence[int]) -> list[int]:
        """Those whose record may be another one than it was: of most vehicles only numbers change."""
        same = members is self._members and len(self._grades) == len(grades)
        before = self._grades if same else [-1] * len(grades)
        self._members, self._grades = members, list(grades)
        return [
            at_row
            for at_row, ((identity, vehicle), grade, was) in enumerate(zip(members, grades, before, strict=True))
            if grade != was or vehicle.is_changed or identity.is_special
        ]

    def _is_news(self, state: VehicleState) -> bool:
        said = self._said.get(state.vehicle_id)
        told: Any = None if said is None else _slow_of(said)
        return bool(told != _slow_of(state))

    def _compose(
        self, ids: tuple[VehicleId, ...], rows: Rows, changed: Iterable[VehicleId], now_s: float, at: datetime
    ) -> FleetTick:
        full = self._full_s is None or now_s - self._full_s >= FULL_EVERY_S or ids != self._ids
        if full:
            self._full_s = now_s
            self._said = {each: self._said[each] for each in ids}
            self._shown = {each: self._shown[each] for each in ids}
        told = tuple(self._said[each] for each in (ids if full else changed))
        self._ids, self.number = ids, self.number + 1
        return FleetTick(self._gateway, at, self.number, ids, rows.astype("<f8").tobytes(), told, full)


def _grades(rows: Rows) -> list[int]:
    """How well each is heard: 0 never, 1 within the time, 2 late, 3 lost."""
    age_s = rows[:, _HEARD]
    grades = 1 + (age_s > STALE_AFTER_S).astype(np.int8) + (age_s > LOST_AFTER_S)
    graded: list[int] = np.where(np.isnan(age_s), 0, grades).tolist()
    return graded


def _trust(identity: Identity, now_s: float) -> tuple[bool, bool]:
    """Whether it signs, and whether another one answers under its name."""
    active = identity.active
    signed = active is not None and active.signed_s is not None and active.signs(now_s)
    return signed, bool(identity.rivals) and identity.is_ambiguous(now_s)


def _record(vehicle: Vehicle, link: LinkState, *, signed: bool, ambiguous: bool) -> VehicleState:
    ready = link is LinkState.LIVE and not ambiguous and stands_ready(vehicle.slow)
    return replace(vehicle.slow, link=link, signed=signed, ambiguous=ambiguous, ready=ready)


def _dated(state: VehicleState, age_s: float, at: datetime) -> VehicleState:
    return state if age_s != age_s else replace(state, last_heard_at=at - timedelta(seconds=age_s))  # noqa: PLR0124
