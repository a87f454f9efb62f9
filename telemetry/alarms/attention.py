"""Which vehicles of a tick are worth a look at all: of a thousand that are well, alarm rules find nothing to say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from core.ids import VehicleId
from missions.model import Sortie
from telemetry.alarms.rules import OLD_POSITION_S, Limits
from telemetry.columns import COLUMN, Rows
from telemetry.messages import FleetTick

# What the rules read off a record besides its quick numbers.
_read = attrgetter(
    "link",
    "name",
    "armed",
    "gps_fix",
    "satellites",
    "hdop",
    "position_ok",
    "vibration_mps2",
    "fence_enabled",
    "fence_breached",
    "quiet",
)


class Attention:
    """Remembers what was looked at, so that only what is new, or bad, is looked at again."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._before: dict[VehicleId, object] = {}
        self._sorties: dict[VehicleId, Sortie] = {}

    def due(
        self,
        tick: FleetTick,
        rows: Rows,
        sorties: Mapping[VehicleId, Sortie],
        noted: Collection[VehicleId],
        resting: Collection[VehicleId] = frozenset(),
    ) -> set[VehicleId]:
        """Who is to be looked at in this tick.

        `noted`: those with something open, or beginning. `resting`: who is looked at only for what is new.
        """
        found = {vehicle_id for vehicle_id in noted if vehicle_id in self._before}
        found |= {tick.ids[number] for number in np.flatnonzero(self._bad(rows)).tolist()}
        found.difference_update(resting)
        for state in tick.changed:
            now = _read(state)
            if self._before.get(state.vehicle_id) != now:
                self._before[state.vehicle_id] = now
                found.add(state.vehicle_id)
        if tick.full and len(self._before) > len(tick.ids):
            here = set(tick.ids)
            self._before = {vehicle_id: seen for vehicle_id, seen in self._before.items() if vehicle_id in here}
        found |= {each for each, sortie in sorties.items() if self._sorties.get(each) is not sortie}
        found |= self._sorties.keys() - sorties.keys()
        self._sorties = dict(sorties)
        return found

    def _bad(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whose quick numbers are beyond a limit, (N,); what is not known is not."""
        low = rows[:, COLUMN["battery_pct"]] <= self._limits.low_pct
        old: npt.NDArray[np.bool_] = rows[:, COLUMN["position_age_s"]] > OLD_POSITION_S
        return low | old
