"""Who is in a zone that is closed to flights: the airspace in force against all vehicles, every tick."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.clock import Clock
from core.errors import NotFound, Overloaded
from core.ids import VehicleId, ZoneId
from geofence.presence import Heights, Presence
from geofence.zones import Airspace
from telemetry.columns import COLUMN, Rows

log = logging.getLogger("bailu.watch")

# So often the store is asked which version is in force: one small read. That another process published it, that its
# time came, or that a message got lost makes no difference.
LOOK_EVERY_S = 0.5
# Zones of a version begin and end: so often they are counted anew. One that begins meanwhile counts from before.
_COUNT_EVERY_S = 5.0
_COUNTED_AHEAD = timedelta(seconds=2 * _COUNT_EVERY_S)


class Airspaces(Protocol):
    """Where the airspace in force is kept."""

    async def airspace_at(self, at: datetime) -> Airspace: ...


class Trespass:
    """Keeps the closed zones of the airspace in force at hand; `inside` is asked each tick."""

    def __init__(self, store: Airspaces, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._presence = Presence(())
        self._version: tuple[int, tuple[ZoneId, ...]] | None = None
        self._count_s = -math.inf  # when they are counted anew, unless the version is another one
        self._is_known = True

    async def run(self) -> None:
        """Looks which zones count until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_EVERY_S)

    async def refresh(self) -> None:
        """Takes over the zones that count now. Those that were known stay when the store does not answer."""
        now = self._clock.now()
        try:
            airspace = await self._store.airspace_at(now)
        except (NotFound, Overloaded) as error:
            self._tell(error.detail)
            return
        self._tell("")
        now_s = self._clock.mono_s()
        if now_s < self._count_s and self._version is not None and self._version[0] == airspace.version:
            return
        self._count_s = now_s + _COUNT_EVERY_S
        zones = Presence.counting(airspace, now, lasting=_COUNTED_AHEAD)
        version = airspace.version, tuple(zone.id for zone in zones)
        if version != self._version:
            self._presence = await asyncio.to_thread(Presence, zones)
            self._version = version

    def _tell(self, trouble: str) -> None:
        """Once when it is not known any more which zones count, and once when it is."""
        if trouble and self._is_known:
            log.error("the zones in force are not known at the moment, those known before count: %s", trouble)
        elif not trouble and not self._is_known:
            log.warning("the zones in force are known again")
        self._is_known = not trouble

    def inside(self, ids: tuple[VehicleId, ...], rows: Rows, flies: npt.NDArray[np.bool_]) -> Mapping[VehicleId, str]:
        """The vehicles of those that fly (N,) which are in closed zones, and the names of these."""
        asked = np.flatnonzero(flies)
        if not len(asked) or not self._presence.zones:
            return {}
        chosen = rows[asked]
        heights = Heights(*(chosen[:, COLUMN[name]] for name in ("alt_amsl_m", "alt_rel_m", "alt_agl_m")))
        vehicle, zone = self._presence.look(chosen[:, COLUMN["lat_deg"]], chosen[:, COLUMN["lon_deg"]], heights)
        found: dict[VehicleId, str] = {}
        for number, zone_number in zip(asked[vehicle].tolist(), zone.tolist(), strict=True):
            label = self._presence.zones[zone_number].label
            found[ids[number]] = f"{found[ids[number]]}, {label}" if ids[number] in found else label
        return found
