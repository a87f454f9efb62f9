"""The latest of every vehicle: one slot each, filled by ticks, read by every target at its own rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.ids import VehicleId
from operations.forwarding.matching import NOWHERE, LonLat, Matcher, Whereabouts
from operations.forwarding.ports import Item
from operations.forwarding.rules import What
from telemetry.columns import COLUMN
from telemetry.forwarding.envelopes import TelemetryData, telemetry_bytes
from telemetry.messages import FleetTick, LinkState, VehicleState

_HEARD, _LAT, _LON = COLUMN["heard_age_s"], COLUMN["lat_deg"], COLUMN["lon_deg"]
_QUICK = (
    "heard_age_s", "position_age_s", "lat_deg", "lon_deg", "alt_amsl_m", "alt_rel_m", "alt_agl_m", "heading_deg",
    "course_deg", "ground_speed_mps", "climb_mps", "battery_pct", "battery_v",
)  # fmt: skip
_QUICK_AT = tuple((name, COLUMN[name]) for name in _QUICK)
MAX_VEHICLES = 4_096
_HEARD_NOW = (LinkState.LIVE, LinkState.STALE)


class _Slot:
    """One vehicle as it was last told of, its JSON made when the first target asks for it."""

    __slots__ = ("at", "encoded", "heard_at_s", "number", "row", "state")

    def __init__(self, state: VehicleState, row: list[float], at: datetime, number: int) -> None:
        self.state, self.row, self.at, self.number = state, row, at, number
        heard_s = row[_HEARD]
        self.heard_at_s = -math.inf if math.isnan(heard_s) else at.timestamp() - heard_s
        self.encoded: bytes | None = None


class Sky:
    """All vehicles of all gateways. `source`: whose telemetry it is, for the envelopes."""

    def __init__(self, source: str, known: Mapping[VehicleId, tuple[str | None, LonLat]]) -> None:
        self._source = source
        self._slow: dict[VehicleId, VehicleState] = {}
        self._slots: dict[VehicleId, _Slot] = {}
        self._ticks: dict[str, FleetTick] = {}
        self._unread: set[str] = set()
        self._played: set[VehicleId] = set()
        # Where vehicles were last, those of an earlier run as well: an alarm of one that is not heard has a place.
        self._places: dict[VehicleId, tuple[str | None, LonLat]] = dict(known)
        self._number = 0

    @property
    def is_known(self) -> bool:
        """Whether a gateway has told of all its vehicles."""
        return bool(self._slow)

    def take(self, tick: FleetTick) -> None:
        """The newest tick of a gateway; what nobody read in between is gone, and cost next to nothing."""
        self._slow.update((state.vehicle_id, state) for state in tick.changed)
        before = self._ticks.get(tick.gateway)
        if before is not None and before.ids != tick.ids:
            for gone in set(before.ids) - set(tick.ids):
                self._slow.pop(gone, None)
                self._slots.pop(gone, None)
        self._ticks[tick.gateway] = tick
        self._unread.add(tick.gateway)

    def _settle(self) -> None:
        """Fills the slots from what came since somebody last looked."""
        for gateway in self._unread:
            self._number += 1
            tick = self._ticks[gateway]
            for vehicle_id, row in zip(tick.ids, tick.rows().tolist(), strict=True):
                self._fill(vehicle_id, row, tick.at)
        self._unread.clear()

    def _fill(self, vehicle_id: VehicleId, row: list[float], at: datetime) -> None:
        state = self._slow.get(vehicle_id)
        if state is None or self._is_played(state):
            self._slots.pop(vehicle_id, None)
            return
        if vehicle_id not in self._slots and len(self._slots) >= MAX_VEHICLES:
            return
        self._slots[vehicle_id] = _Slot(state, row, at, self._number)
        if not math.isnan(row[_LAT]):
            self._places[vehicle_id] = (state.unit, (row[_LON], row[_LAT]))

    def _is_played(self, state: VehicleState) -> bool:
        """Whether it comes from a recording, or did last: nobody's flight, though others would take it for one."""
        if state.link is LinkState.REPLAYED:
            self._played.add(state.vehicle_id)
        elif state.link in _HEARD_NOW:
            self._played.discard(state.vehicle_id)
        return state.vehicle_id in self._played

    def whereabouts(self, vehicle_id: VehicleId | None) -> Whereabouts:
        """Of a vehicle that is flown here, or of none."""
        if vehicle_id is None:
            return NOWHERE
        self._settle()
        unit, place = self._places.get(vehicle_id, (None, None))
        state = self._slow.get(vehicle_id)
        return Whereabouts(unit if state is None else state.unit, place)

    def places(self) -> Mapping[VehicleId, tuple[str | None, LonLat]]:
        """Where each vehicle is or was last, for those who come after a restart."""
        self._settle()
        return dict(self._places)

    def fresh(self, matcher: Matcher, seen: dict[VehicleId, tuple[float, object]]) -> Iterator[Item]:
        """The vehicles of a rule of which anything is newer than in `seen`, which is brought up to now."""
        self._settle()
        for vehicle_id, slot in self._slots.items():
            mark = (slot.heard_at_s, (slot.state.link, slot.state.mode, slot.state.landed, slot.state.sortie_id))
            before = seen.get(vehicle_id)
            if before is not None and before[1] == mark[1] and mark[0] <= before[0] + _SAME_WORD_S:
                continue
            whereabouts = self.whereabouts(vehicle_id)
            if matcher.takes_vehicle(vehicle_id, whereabouts):
                seen[vehicle_id] = mark
                yield Item(What.TELEMETRY, whereabouts.unit, vehicle_id, self._encoded(slot), slot.at)

    def _encoded(self, slot: _Slot) -> bytes:
        """Once for all targets."""
        if slot.encoded is None:
            slot.encoded = telemetry_bytes(_data(slot), self._source, slot.number)
        return slot.encoded


# The time of a vehicle's last word is told by its age, which is rounded to the millisecond.
_SAME_WORD_S = 0.005


def _data(slot: _Slot) -> TelemetryData:
    state, row = slot.state, slot.row
    quick: dict[str, Any] = {name: None if math.isnan(row[at]) else row[at] for name, at in _QUICK_AT}
    progress = state.progress
    return TelemetryData(
        vehicle_id=state.vehicle_id,
        name=state.name,
        unit=state.unit,
        at=slot.at,
        link=str(state.link),
        mode=state.mode,
        armed=state.armed,
        landed=str(state.landed),
        gps_fix=state.gps_fix,
        satellites=state.satellites,
        sortie_id=state.sortie_id,
        waypoints_reached=progress.waypoints_reached if progress else None,
        waypoints_total=progress.waypoints_total if progress else None,
        **quick,
    )


def late(item: Item) -> Item:
    """A report that is kept for later: marked, so that nobody takes it for now."""
    assert item.body.endswith(_NOW)
    return Item(item.what, item.unit, item.vehicle_id, item.body[: -len(_NOW)] + _LATE, item.at)


_NOW, _LATE = b'"backfill":false}}', b'"backfill":true}}'
