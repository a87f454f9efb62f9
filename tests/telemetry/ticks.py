"""Ticks made of whole records, as tests have them: the same promises as the gateway's, without vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from core.ids import VehicleId
from telemetry.columns import packed, slow_names
from telemetry.messages import FleetTick, VehicleState

# All records are told again after so long: a receiver that lost a tick, or has just come, knows all then.
FULL_EVERY_S = 1.0

_slow_of = attrgetter(*slow_names(VehicleState))


class Ticker:
    """Makes the ticks of one gateway; remembers what the last one said."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._number = 0
        self._full_s: float | None = None
        self._said: dict[VehicleId, tuple[Any, ...]] = {}

    def tick(self, states: Sequence[VehicleState], now_s: float, at: datetime) -> FleetTick:
        """The next tick, of all vehicles as they are now."""
        said = {state.vehicle_id: _slow_of(state) for state in states}
        due = self._full_s is None or now_s - self._full_s >= FULL_EVERY_S
        full = due or said.keys() != self._said.keys()
        if full:
            self._full_s = now_s
        changed = [state for state in states if full or said[state.vehicle_id] != self._said[state.vehicle_id]]
        self._said, self._number = said, self._number + 1
        return FleetTick(self._gateway, at, self._number, tuple(said), packed(states), tuple(changed), full)
