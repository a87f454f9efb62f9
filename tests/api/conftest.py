"""The application in process: a real store in a temporary folder, a local bus, a gateway that is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from adapters.bus_local import LocalBus
from adapters.forwarding.vault import Vault
from adapters.keyring import open_ring
from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.spool import open_spool
from api.forwarding import ForwardingDesk
from api.main import create_app, enrolled, stream_hub
from api.planning import ThreadPlanner
from api.settings import Settings
from core.clock import ManualClock
from core.ids import CommandId, VehicleId
from geofence.qingpu import default_airspace, default_terrain
from missions.fleet import default_docks
from missions.model import CommandRecord
from telemetry.messages import (
    CommandDone,
    FleetTick,
    LaunchAccepted,
    LaunchRequest,
    LinkState,
    VehicleCommand,
    command_subject,
    launch_subject,
)
from telemetry.stream.hub import StreamHub

VEHICLE = VehicleId("bl-01")


@dataclass
class FakeGateway:
    """Serves one vehicle on the bus: accepts everything, or raises what a test puts into `refusal`."""

    bus: LocalBus
    store: SqliteStore
    clock: ManualClock
    launches: list[LaunchRequest] = field(default_factory=list)
    commands: list[VehicleCommand] = field(default_factory=list)
    refusal: Exception | None = None
    before_answer: Callable[[], Awaitable[None]] | None = None
    on_command: Callable[[VehicleCommand], Awaitable[None]] | None = None

    async def open(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self.bus.serve(launch_subject(VEHICLE), LaunchRequest, self._launch))
        await stack.enter_async_context(self.bus.serve(command_subject(VEHICLE), VehicleCommand, self._command))

    async def _launch(self, request: LaunchRequest) -> LaunchAccepted:
        self.launches.append(request)
        if self.before_answer:
            await self.before_answer()
        if self.refusal:
            raise self.refusal
        return LaunchAccepted(await self.store.sortie(request.sortie_id))

    async def _command(self, command: VehicleCommand) -> CommandDone:
        self.commands.append(command)
        if self.refusal:
            raise self.refusal
        if self.on_command:
            await self.on_command(command)
        return CommandDone(
            CommandRecord(
                CommandId("c-1"), command.vehicle_id, None, command.kind, self.clock.now(), command.by, "done", "ok"
            )
        )


@dataclass
class World:
    """Everything that a test of the API holds in its hand."""

    app: FastAPI
    http: httpx.AsyncClient
    settings: Settings
    clock: ManualClock
    store: SqliteStore
    bus: LocalBus
    hub: StreamHub
    gateway: FakeGateway

    def tick(self, **changes: Any) -> None:
        """The vehicle stands on its dock, is heard and charged, but for `changes`."""
        dock = default_docks()[0]
        known: dict[str, Any] = {
            "link": LinkState.LIVE,
            "heard_age_s": 0.1,
            "last_heard_at": self.clock.now(),
            "lat_deg": dock.place.lat_deg,
            "lon_deg": dock.place.lon_deg,
            "battery_pct": 98.0,
            "armed": False,
        }
        states = [replace(each, **known | changes) for each in enrolled(self.settings) if each.vehicle_id == VEHICLE]
        self.hub.tick(FleetTick.of("test", self.clock.now(), states))

    async def mission(self, feature: dict[str, Any]) -> str:
        response = await self.http.post("/missions", json=feature)
        assert response.status_code == 201, response.text
        return str(response.json()["mission_id"])

    async def launch(self, mission_id: str, *, key: str = "key-1", vehicle: str = VEHICLE) -> httpx.Response:
        body = {"mission_id": mission_id, "revision": 1, "vehicle_id": vehicle}
        return await self.http.post("/sorties", json=body, headers={"Idempotency-Key": key})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(Settings(data_dir=tmp_path)) as made:
        yield made


@asynccontextmanager
async def a_world(settings: Settings) -> AsyncIterator[World]:
    """The application as these settings have it; nothing runs that a test does not run itself."""
    clock, bus = ManualClock(), LocalBus()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await store.publish_airspace(default_airspace())
        hub = stream_hub(settings, clock)
        gateway = FakeGateway(bus, store, clock)
        await gateway.open(stack)
        docks = {dock.id: dock for dock in default_docks()}
        spool = await stack.enter_async_context(open_spool(settings.data_dir))
        app = create_app(
            settings,
            clock=clock,
            store=store,
            bus=bus,
            planner=ThreadPlanner(),
            hub=hub,
            docks=docks,
            terrain=default_terrain(),
            forwarding_desk=ForwardingDesk(store.forwarding, spool, Vault(open_ring(settings.data_dir)), clock),
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8420/api/v1")
        http = await stack.enter_async_context(client)
        yield World(app, http, settings, clock, store, bus, hub, gateway)
