"""Enrolments at work: who the vehicles are now, as configured and as enrolled since; the latter win."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from adapters.keyring import KeyRing, KeyRingError
from core.errors import FieldError, InvalidRequest
from core.ids import DockId
from missions.energy import AIRFRAMES
from missions.enrollment import Enrollment, SigningPolicy
from missions.model import Dock
from missions.ports import EnrollmentStore
from telemetry.vehicle import VehicleConfig

log = logging.getLogger("bailu.enrolling")


class StoredRoster:
    """See `telemetry.members.Roster`: the settings' vehicles, and what the store says of them and of others.

    A `ring` that is an error opens no key: the vehicles that do not sign are flown all the same.
    """

    def __init__(
        self,
        configured: Sequence[VehicleConfig],
        store: EnrollmentStore,
        ring: KeyRing | KeyRingError,
        docks: Mapping[DockId, Dock],
    ) -> None:
        self._configured = configured
        self._store = store
        self._ring = ring
        self._docks = docks
        self._version = -1

    async def changed(self) -> Sequence[VehicleConfig] | None:
        version = await self._store.enrollments_version()
        if version == self._version:
            return None
        vehicles = {config.id: config for config in self._configured}
        for enrollment in await self._store.enrollments(retired=True):
            vehicles.pop(enrollment.id, None)
            if enrollment.retired_at is None and (config := await self._config(enrollment)) is not None:
                vehicles[enrollment.id] = config
        self._version = version
        return tuple(vehicles.values())

    async def _config(self, enrollment: Enrollment) -> VehicleConfig | None:
        dock, airframe = self._docks.get(enrollment.dock_id), AIRFRAMES.get(enrollment.airframe)
        if dock is None or airframe is None:
            missing = f"dock {enrollment.dock_id!r}" if dock is None else f"airframe {enrollment.airframe!r}"
            log.error("vehicle %s is left out: there is no %s any more", enrollment.id, missing)
            return None
        key, trouble = await self._key(enrollment)
        return VehicleConfig(
            id=enrollment.id,
            name=enrollment.name,
            links=enrollment.links,
            system_id=enrollment.system_id,
            dock=dock,
            airframe=airframe,
            uid=enrollment.uid,
            signing=enrollment.signing,
            key=key,
            category=enrollment.category,
            registration=enrollment.registration,
            key_trouble=trouble,
            unit=enrollment.unit,
        )

    async def _key(self, enrollment: Enrollment) -> tuple[bytes | None, str]:
        """The vehicle's key, or why there is none; without it a vehicle that has to sign is not heard."""
        stored = await self._store.enrollment_keys(enrollment.id)
        try:
            if isinstance(self._ring, KeyRingError):
                if stored.current is None:
                    return None, ""
                raise self._ring
            current, _ = self._ring.open(enrollment.id, stored)
        except KeyRingError as error:
            log.error("%s", error)
            return None, str(error) if enrollment.signing is not SigningPolicy.OFF else ""
        return current, ""


def places_exist(enrollment: Enrollment, *, docks: Mapping[DockId, Dock], links: Sequence[str]) -> None:
    """That dock, airframe and links exist here. Raises InvalidRequest that names each that does not."""
    wrong = []
    if enrollment.dock_id not in docks:
        wrong.append(FieldError("/dock_id", f"there is no dock {enrollment.dock_id!r}; known are {', '.join(docks)}"))
    if enrollment.airframe not in AIRFRAMES:
        known = ", ".join(AIRFRAMES)
        wrong.append(FieldError("/airframe", f"there is no airframe {enrollment.airframe!r}; known are {known}"))
    for number, link in enumerate(enrollment.links):
        if link not in links:
            known = ", ".join(links)
            wrong.append(FieldError(f"/links/{number}", f"there is no link {link!r}; configured are {known}"))
    if wrong:
        raise InvalidRequest(tuple(wrong))
