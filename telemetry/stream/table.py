"""The fleet as a table: whole numbers of every vehicle, and at which sequence each last changed. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from core.ids import SortieId, VehicleId
from telemetry.columns import packed, rows, slow_names
from telemetry.messages import FleetTick, LinkState, VehicleState
from telemetry.stream.audience import AREA_MARGIN_DEG, Area, Audience, Scope
from telemetry.stream.fields import LAT, LON, NAMES, NONE, Whole, whole

Numbers = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

SLOW = slow_names(VehicleState)
# A vehicle whose numbers stand still is told again this often for its age alone.
AGE_TOLD_S = 0.5
# Numbers are never given twice in an epoch; this many vehicles that left are remembered.
GONE_KEPT = 4_096

_slow_of = attrgetter(*SLOW)
_LINK, _SORTIE, _UNIT, _ON = (SLOW.index(name) for name in ("link", "sortie_id", "unit", "link_name"))


@dataclass(frozen=True, slots=True)
class Move:
    """A vehicle came to a unit; `before`: from which one, None when it was not known."""

    vehicle_id: VehicleId
    before: str | None
    after: str


class Table:
    """Vehicles by number. What is told twice with the same content changes nothing."""

    def __init__(self) -> None:
        self.ids: list[VehicleId] = []
        self.number: dict[VehicleId, int] = {}
        self.quick: Whole = np.empty((0, len(NAMES)), dtype=np.int64)
        self.heard_s = self.position_s = np.empty(0)
        self.row_seq = np.empty(0, dtype=np.int64)
        self.slow_seq = np.empty(0, dtype=np.int64)
        self.alive: Mask = np.empty(0, dtype=np.bool_)
        self._told_heard_s = self._told_position_s = np.empty(0)
        self._said: list[tuple[Any, ...]] = []
        self._field_seq: list[dict[str, int]] = []
        self._gone: deque[tuple[int, int, VehicleId, str]] = deque(maxlen=GONE_KEPT)
        self._moves: list[Move] = []
        self._gateways: dict[str, tuple[tuple[VehicleId, ...], Numbers]] = {}
        self._members = 0  # counts comings and goings
        self._scopes: dict[Scope, tuple[int, Mask]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    # --- what comes in -------------------------------------------------------------------------------------------

    def enrol(self, states: Iterable[VehicleState], seq: int) -> None:
        """Vehicles that nothing was heard of yet."""
        for state in states:
            self._say(self._number_of(state.vehicle_id), state, seq)

    def take(self, tick: FleetTick, seq: int, mono_s: float) -> None:
        """Takes a gateway's tick in as of `mono_s`."""
        numbers = self._numbers(tick, seq)
        for state in tick.changed:
            self._say(self.number[state.vehicle_id], state, seq)
        fast = tick.rows()
        quick = whole(fast)
        heard_s, position_s = mono_s - fast[:, 0], mono_s - fast[:, 1]
        changed = (quick != self.quick[numbers]).any(axis=1)
        changed |= _moved(heard_s, self._told_heard_s[numbers]) | _moved(position_s, self._told_position_s[numbers])
        self.quick[numbers], self.heard_s[numbers], self.position_s[numbers] = quick, heard_s, position_s
        those = numbers[changed]
        self.row_seq[those] = seq
        self._told_heard_s[those], self._told_position_s[those] = heard_s[changed], position_s[changed]

    def set_link(self, number: int, link: LinkState, seq: int) -> None:
        """Says what became of a vehicle's link while its gateway is silent."""
        said = list(self._said[number])
        said[_LINK] = link
        self._keep(number, tuple(said), seq)

    def _numbers(self, tick: FleetTick, seq: int) -> Numbers:
        known = self._gateways.get(tick.gateway)
        if known is not None and known[0] == tick.ids:
            return known[1]
        numbers = np.array([self._number_of(each) for each in tick.ids], dtype=np.intp)
        self._gateways[tick.gateway] = (tick.ids, numbers)
        if known is not None:
            self._forget(set(known[0]).difference(*(ids for ids, _ in self._gateways.values())), seq)
        return numbers

    def _number_of(self, vehicle_id: VehicleId) -> int:
        if vehicle_id not in self.number:
            self.number[vehicle_id] = len(self.ids)
            self.ids.append(vehicle_id)
            self._said.append(())
            self._field_seq.append({})
            self._grow()
        return self.number[vehicle_id]

    def _grow(self) -> None:
        if len(self.ids) <= len(self.row_seq):
            return
        more = max(64, len(self.row_seq))
        never = np.full(more, np.nan)
        self.quick = np.vstack((self.quick, np.full((more, len(NAMES)), NONE)))
        for name in ("heard_s", "position_s", "_told_heard_s", "_told_position_s"):
            setattr(self, name, np.concatenate((getattr(self, name), never)))
        for name in ("row_seq", "slow_seq"):
            setattr(self, name, np.concatenate((getattr(self, name), np.zeros(more, dtype=np.int64))))
        self.alive = np.concatenate((self.alive, np.zeros(more, dtype=np.bool_)))

    def _forget(self, gone: set[VehicleId], seq: int) -> None:
        for vehicle_id in gone:
            number = self.number.pop(vehicle_id)
            self.alive[number] = False
            self._gone.append((seq, number, vehicle_id, self._said[number][_UNIT]))
            self._said[number], self._field_seq[number] = (), {}
            self._members += 1

    def _say(self, number: int, state: VehicleState, seq: int) -> None:
        self._keep(number, _slow_of(state), seq)

    def _keep(self, number: int, said: tuple[Any, ...], seq: int) -> None:
        before = self._said[number]
        if said == before:
            return
        self.slow_seq[number] = seq
        if not before:
            self._field_seq[number] = dict.fromkeys(SLOW, seq)
            self.row_seq[number] = seq
            self.alive[number] = True
            self._members += 1
            self._moves.append(Move(self.ids[number], None, said[_UNIT]))
        else:
            marks = self._field_seq[number]
            marks.update((name, seq) for name, new, old in zip(SLOW, said, before, strict=True) if new != old)
            if said[_UNIT] != before[_UNIT]:
                self._members += 1
                self._moves.append(Move(self.ids[number], before[_UNIT], said[_UNIT]))
            if said[_SORTIE] != before[_SORTIE]:
                self.row_seq[number] = seq  # those who look at the sortie only have not had its row
        self._said[number] = said

    def moves(self) -> list[Move]:
        """Who came to which unit since this was asked last."""
        moves, self._moves = self._moves, []
        return moves

    # --- what is asked -------------------------------------------------------------------------------------------

    def in_scope(self, scope: Scope) -> Mask:
        """The vehicles of which the scope may know. Made anew only when vehicles come, go or change their unit."""
        known = self._scopes.get(scope)
        if known is not None and known[0] == self._members:
            return known[1]
        if len(self._scopes) > 4_096:
            self._scopes.clear()
        mask = self.alive.copy()
        if scope != Scope():
            held = [
                bool(said) and scope.holds(vehicle_id, said[_UNIT])
                for vehicle_id, said in zip(self.ids, self._said, strict=True)
            ]
            mask[: len(held)] &= np.array(held, dtype=np.bool_)
        self._scopes[scope] = (self._members, mask)
        return mask

    def rows_since(self, audience: Audience, since: int) -> Numbers:
        """Whose rows an audience is to be told that has all until `since`."""
        mask = self.in_scope(audience.scope) & (self.row_seq > since)
        if audience.area is not None:
            mask &= self._in_area(audience.area)
        if audience.sortie_id is not None:
            mask &= self._on_sortie(audience.sortie_id)
        return np.flatnonzero(mask)

    def records_since(self, scope: Scope, since: int) -> list[int]:
        """Whose slow fields changed after `since`."""
        changed: list[int] = np.flatnonzero(self.in_scope(scope) & (self.slow_seq > since)).tolist()
        return changed

    def gone_since(self, scope: Scope, since: int) -> list[int]:
        """Numbers of vehicles of the scope that left after `since`."""
        return [number for seq, number, each, unit in self._gone if seq > since and scope.holds(each, unit)]

    def oldest_gone(self) -> int:
        """The sequence after which goings are all remembered."""
        return self._gone[0][0] if len(self._gone) == GONE_KEPT else 0

    def record(self, number: int, since: int = 0) -> dict[str, Any]:
        """The slow fields that changed after `since`, with the vehicle's number."""
        marks = self._field_seq[number]
        told = {name: said for name, said in zip(SLOW, self._said[number], strict=True) if marks[name] > since}
        return {"number": number, **_builtins(told)}

    def difference(self, number: int, state: VehicleState) -> dict[str, Any]:
        """The slow fields of `state` that are not as the table has them, with the vehicle's number."""
        pairs = zip(SLOW, _slow_of(state), self._said[number], strict=True)
        return {"number": number, **_builtins({name: new for name, new, old in pairs if new != old})}

    def listed(self, numbers: Numbers, mono_s: float) -> list[list[int | None]]:
        """Whole rows as of `mono_s`."""
        ages = np.column_stack((mono_s - self.heard_s[numbers], mono_s - self.position_s[numbers]))
        ages_ms = np.rint(np.maximum(ages, 0.0) * 1e3)
        ages_ms[np.isnan(ages_ms)] = NONE
        told = np.column_stack((numbers, ages_ms.astype(np.int64), self.quick[numbers]))
        listed: list[list[int | None]] = told.tolist()
        for at in np.flatnonzero((told == NONE).any(axis=1)).tolist():
            listed[at] = [None if each == NONE else each for each in listed[at]]
        return listed

    def link(self, number: int) -> LinkState:
        link: LinkState = self._said[number][_LINK]
        return link

    def unit(self, vehicle_id: VehicleId) -> str | None:
        """The unit of a vehicle; None: it is not known (any more)."""
        number = self.number.get(vehicle_id)
        return None if number is None or not self._said[number] else str(self._said[number][_UNIT])

    def owners_by_link(self) -> dict[str, frozenset[str]]:
        """Whose vehicles are on each link."""
        owners: dict[str, set[str]] = {}
        for said in self._said:
            if said:
                owners.setdefault(said[_ON], set()).add(said[_UNIT])
        return {link: frozenset(units) for link, units in owners.items()}

    def numbers_of(self, gateway: str) -> list[int]:
        return self._gateways[gateway][1].tolist() if gateway in self._gateways else []

    def _in_area(self, area: Area) -> Mask:
        lat, lon = self.quick[:, LAT], self.quick[:, LON]
        west, south, east, north = (round(edge * 1e7) for edge in area)
        margin = round(AREA_MARGIN_DEG * 1e7)
        level = (lat >= south - margin) & (lat <= north + margin) & (lat != NONE)
        if west <= east:
            inside: Mask = level & (lon >= west - margin) & (lon <= east + margin)
            return inside
        across: Mask = level & ((lon >= west - margin) | (lon <= east + margin))
        return across

    def _on_sortie(self, sortie_id: SortieId) -> Mask:
        mask = np.zeros(len(self.alive), dtype=np.bool_)
        mask[: len(self.ids)] = [bool(said) and said[_SORTIE] == sortie_id for said in self._said]
        return mask


def told_row(number: int, state: VehicleState) -> list[int | None]:
    """One record as a row, for those who follow the vehicle."""
    values = whole(rows(packed((state,))))[0].tolist()
    ages = [None if age is None else round(age * 1e3) for age in (state.heard_age_s, state.position_age_s)]
    return [number, *ages, *(None if each == NONE else each for each in values)]


def _moved(now_s: npt.NDArray[np.float64], told_s: npt.NDArray[np.float64]) -> Mask:
    moved: Mask = (now_s - told_s > AGE_TOLD_S) | (np.isnan(told_s) & ~np.isnan(now_s))
    return moved


def _builtins(told: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return plain
