"""The fleet's members as they come, change and leave while the gateway runs, and what signing must not forget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import Protocol

from core.errors import Overloaded
from core.ids import VehicleId
from missions.ports import SigningStore
from telemetry.fleet import Fleet
from telemetry.signing import SAVE_EVERY_S
from telemetry.vehicle import Vehicle, VehicleConfig

log = logging.getLogger("bailu.members")

LOOK_EVERY_S = 1.0


class Roster(Protocol):
    """Who the vehicles are, as it changes."""

    async def changed(self) -> Sequence[VehicleConfig] | None:
        """All vehicles when any enrolment changed since the last call, the first one included; else None."""
        ...


Host = Callable[[Vehicle], AbstractAsyncContextManager[None]]


class Members:
    """Hosts every vehicle of the fleet, and follows the roster.

    `host`: what the gateway does for a vehicle as long as it is a member. `is_busy`: it flies for us; its enrolment
    is left alone until that is over, but for its unit. `keyed`: told of each member, as it comes and as it changes,
    why its signing key cannot be read; "" when it can.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        roster: Roster | None,
        host: Host,
        is_busy: Callable[[VehicleId], bool],
        keyed: Callable[[Vehicle, str], None] = lambda *_: None,
    ) -> None:
        self._fleet = fleet
        self._roster = roster
        self._host = host
        self._is_busy = is_busy
        self._keyed = keyed
        self._hosted: dict[VehicleId, AsyncExitStack] = {}
        self._wanted: dict[VehicleId, VehicleConfig] = {}

    async def open(self) -> None:
        """Takes in those who are members at the start."""
        for vehicle in tuple(self._fleet.vehicles.values()):
            await self._take_in(vehicle)
        await self.look()

    async def close(self) -> None:
        for stack in self._hosted.values():
            await stack.aclose()
        self._hosted.clear()

    async def run(self) -> None:
        """Looks every second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Overloaded as error:
                log.warning("enrolments cannot be read just now: %s", error.detail)

    async def look(self) -> None:
        """Brings the fleet up to date with the roster, but for vehicles that fly for us: those at a later look."""
        if self._roster is None:
            return
        changed = await self._roster.changed()
        if changed is not None:
            self._wanted = {config.id: config for config in changed}
        for vehicle_id in [each for each in self._hosted if each not in self._wanted and not self._is_busy(each)]:
            await self._hosted.pop(vehicle_id).aclose()
            self._fleet.retire(vehicle_id)
        for config in self._wanted.values():
            await self._follow(config)

    async def _follow(self, config: VehicleConfig) -> None:
        vehicle = self._fleet.vehicles.get(config.id)
        if vehicle is None:
            await self._take_in(self._fleet.enroll(config))
            return
        if vehicle.config.unit != config.unit:
            vehicle.enroll(replace(vehicle.config, unit=config.unit))  # who may see it is no matter of its flight
        if vehicle.config != config and not self._is_busy(config.id):
            self._keyed(self._fleet.enroll(config), config.key_trouble)

    async def _take_in(self, vehicle: Vehicle) -> None:
        stack = self._hosted[vehicle.id] = AsyncExitStack()
        await stack.enter_async_context(self._host(vehicle))
        self._keyed(vehicle, vehicle.config.key_trouble)


async def remember(fleet: Fleet, store: SigningStore) -> None:
    """Saves what signing must not forget, now and every 20 s until cancelled, and once more then."""
    try:
        while True:
            await _save(fleet, store)
            await asyncio.sleep(SAVE_EVERY_S)
    finally:
        await _save(fleet, store)


async def _save(fleet: Fleet, store: SigningStore) -> None:
    try:
        await store.remember_signing(fleet.signing.memory())
    except Overloaded as error:
        # The margin at the next start covers a minute; a longer outage of the disk is told by everything else.
        log.warning("the signing time was not saved: %s", error.detail)
