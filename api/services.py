"""What the routes work with, handed over by the composition root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, Request
from starlette.requests import HTTPConnection

from api.deconflict import Deconfliction
from api.planning import Planner
from api.settings import Settings
from core.bus import Bus
from core.clock import Clock
from core.errors import NotFound
from core.ids import DockId, OperatorId
from core.metrics import Measured
from geofence.terrain import Terrain
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Airframe, Dock, Sortie
from missions.planner import Conditions
from missions.ports import EnrollmentStore, Store
from operations.alarms import AlarmStore
from operations.recording.ports import HistoryStore, HoldStore, RecordStore
from telemetry.messages import VehicleState
from telemetry.stream.hub import StreamHub


class ApiStore(Store, AlarmStore, EnrollmentStore, HoldStore, HistoryStore, Measured, Protocol):
    """The store, and what only the door asks of it."""

    @property
    def records(self) -> RecordStore: ...

    async def prove_writable(self) -> None:
        """Writes and syncs something that changes nothing. Raises Overloaded when that cannot be done."""
        ...

    async def sortie_for_key(self, idempotency_key: str, request_digest: str) -> Sortie | None:
        """The sortie that the key made before. Raises IdempotencyKeyReused when its digest was another."""
        ...


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. One operator of this process for now; every row that is written carries the id.

    `units`: whose vehicles they may know of; None: all.
    """

    operator_id: OperatorId
    name: str
    units: frozenset[str] | None = None

    def may_know(self, unit: str | None) -> bool:
        """Whether vehicles of a unit are theirs to know; None: whose it is nobody knows."""
        return self.units is None or unit in self.units


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a route may touch."""

    settings: Settings
    clock: Clock
    store: ApiStore
    bus: Bus
    planner: Planner
    hub: StreamHub
    docks: Mapping[DockId, Dock]
    terrain: Terrain
    deconfliction: Deconfliction
    started_at: datetime

    @property
    def records(self) -> RecordStore:
        return self.store.records

    def dock(self, dock_id: DockId) -> Dock:
        if dock_id not in self.docks:
            raise NotFound("dock", dock_id)
        return self.docks[dock_id]

    def conditions(self) -> Conditions:
        """What a plan is made for now."""
        return Conditions(self.clock.now(), terrain=self.terrain)

    def vehicles_at(self, dock_id: str) -> Sequence[VehicleState]:
        """The vehicles of a dock, enrolled in the settings or in the store."""
        return [vehicle for vehicle in self.hub.vehicles() if vehicle.dock_id == dock_id]

    def airframe_at(self, dock_id: str) -> Airframe:
        """What a plan from the dock is made for: its first vehicle's airframe."""
        known = [AIRFRAMES[each.airframe] for each in self.vehicles_at(dock_id) if each.airframe in AIRFRAMES]
        return known[0] if known else default_airframe()


def services_on(app: FastAPI) -> Services:
    """What `app` was wired with."""
    services = app.state.services
    assert isinstance(services, Services)
    return services


def services_of(connection: HTTPConnection) -> Services:
    app = connection.app
    assert isinstance(app, FastAPI)
    return services_on(app)


async def _services(request: Request) -> Services:
    return services_of(request)


def principal_in(services: Services) -> Principal:
    """The one operator that there is."""
    settings = services.settings
    units = None if settings.operator_units is None else frozenset(settings.operator_units)
    return Principal(OperatorId(settings.operator_id), settings.operator_name, units)


async def _principal(services: Annotated[Services, Depends(_services)]) -> Principal:
    return principal_in(services)


Wired = Annotated[Services, Depends(_services)]
Asker = Annotated[Principal, Depends(_principal)]


def bailu_version() -> str:
    return version("bailu")
