"""Who is in a zone that is closed to flights: the airspace in force against all vehicles, every tick."""

from __future__ import annotations

import asyncio
import logging
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

# The zones that count are taken from the store so often; one that begins meanwhile is counted from the look before.
LOOK_EVERY_S = 5.0
_AGAIN_AFTER = timedelta(seconds=2 * LOOK_EVERY_S)


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
            log.warning("the zones in force are not known at the moment: %s", error.detail)
            return
        zones = Presence.counting(airspace, now, lasting=_AGAIN_AFTER)
        version = airspace.version, tuple(zone.id for zone in zones)
        if version != self._version:
            self._presence = await asyncio.to_thread(Presence, zones)
            self._version = version

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
