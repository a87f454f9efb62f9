"""The composition root: `create_app` wires what it is given and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from fastapi import Depends, FastAPI

from api import console, problems
from api.airspace import Publisher
from api.deconflict import Deconfliction
from api.forwarding import ForwardingDesk
from api.guard import Guard
from api.imports import Importer
from api.openapi import described
from api.planning import Planner
from api.readiness import ClockWatch
from api.replays import Replays
from api.requests import RequestMeter, Requests
from api.reviews import Fleet, Reviewer
from api.rights import within_rights
from api.routes import (
    alarms,
    diversions,
    enrollments,
    files,
    fleets,
    flight_logs,
    forwarding,
    holds,
    links,
    metrics,
    missions,
    patterns,
    places,
    platform,
    replays,
    safety,
    sorties,
    stream,
    tracks,
    traffic,
    vehicles,
)
from api.schemas.sorties import sortie_json
from api.services import ApiStore, Services, bailu_version
from api.settings import Settings
from api.traffic import Ears, TrafficWatch
from core.bus import Bus
from core.clock import Clock
from core.errors import BailuError, NotFound
from core.ids import DockId, VehicleId
from geofence.terrain import Terrain
from missions.model import Dock
from telemetry.messages import VehicleState
from telemetry.stream.hub import Encoders, StreamHub

API = "/api/v1"
STREAM = f"{API}/stream"
# The unit of a vehicle that left: who may know of some units only is not shown its recordings.
NOBODYS = ""


def stream_hub(
    settings: Settings, clock: Clock, *, but: Collection[VehicleId] = (), is_replay: bool = False
) -> StreamHub:
    """A hub that knows the settings' vehicles, nothing was heard of them yet; `but`: those enrolled since."""
    encoders = Encoders(sortie=sortie_json, problem=_problem_json)
    states = [each for each in enrolled(settings) if each.vehicle_id not in but]
    return StreamHub(states, clock=clock, encoders=encoders, is_replay=is_replay)


def replays_of(settings: Settings, clock: Clock, store: ApiStore, live: StreamHub) -> Replays:
    """Replays whose vehicles have the names that they have today."""
    nobody = settings.model_copy(update={"vehicles": ()})

    def describe(vehicle_id: VehicleId) -> VehicleState:
        try:
            known = live.vehicle(vehicle_id)
        except NotFound:
            return VehicleState(vehicle_id, vehicle_id, None, 0, "", "", unit=NOBODYS)
        return VehicleState(
            vehicle_id, known.name, known.dock_id, known.system_id, "", known.airframe, unit=known.unit
        )

    def new_hub(reel_clock: Clock) -> StreamHub:
        return stream_hub(nobody, reel_clock, is_replay=True)

    return Replays(store, store.records, clock, new_hub=new_hub, describe=describe)


def _problem_json(error: BailuError) -> bytes:
    return msgspec.json.encode(problems.document(error, STREAM))


def enrolled(settings: Settings) -> Iterable[VehicleState]:
    """The configured vehicles before the first tick."""
    for vehicle in settings.vehicles:
        yield VehicleState(
            vehicle_id=VehicleId(vehicle.id),
            name=vehicle.name,
            dock_id=DockId(vehicle.dock),
            system_id=vehicle.system_id,
            link_name=vehicle.link,
            airframe=vehicle.airframe,
            unit=vehicle.unit,
        )


def create_app(
    settings: Settings,
    *,
    clock: Clock,
    store: ApiStore,
    bus: Bus,
    planner: Planner,
    hub: StreamHub,
    docks: Mapping[DockId, Dock],
    terrain: Terrain,
    forwarding_desk: ForwardingDesk,
) -> FastAPI:
    """The HTTP and WebSocket application over what it is given; it starts and stops nothing."""
    app = bare_app(settings.operator_id)
    app.state.services = Services(
        settings=settings,
        clock=clock,
        store=store,
        bus=bus,
        planner=planner,
        hub=hub,
        docks=docks,
        terrain=terrain,
        deconfliction=Deconfliction(store, clock),
        started_at=clock.now(),
    )
    app.state.clock_watch = ClockWatch(clock)
    app.state.importer = Importer()
    app.state.replays = replays_of(settings, clock, store, hub)
    app.state.forwarding = forwarding_desk
    fleet = Fleet(hub.vehicles, docks, app.state.services.airframe_at, terrain)
    app.state.reviewer = Reviewer(store, clock, bus, planner, fleet)
    ears = Ears(hub.traffic, hub.event)
    app.state.traffic = TrafficWatch(app.state.services.deconfliction, clock, hub.engaged, ears)
    app.state.publisher = Publisher(store, clock, planner, published=app.state.reviewer.ask)
    console.mount(app)
    return app


def bare_app(operator_id: str = "local") -> FastAPI:
    """The routes without anything behind them: enough to describe the API."""
    app = FastAPI(
        title="Bailu 白鹭",
        version=bailu_version(),
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for module in (
        platform,
        alarms,
        places,
        links,
        vehicles,
        safety,
        flight_logs,
        enrollments,
        patterns,
        missions,
        fleets,
        files,
        sorties,
        tracks,
        holds,
        replays,
        diversions,
        forwarding,
        traffic,
        stream,
    ):
        app.include_router(module.router, prefix=API, dependencies=[Depends(within_rights)])
    app.include_router(metrics.router, dependencies=[Depends(within_rights)])
    problems.install(app)
    app.add_middleware(Guard, operator_id=operator_id)
    app.state.requests = RequestMeter()
    app.add_middleware(Requests, meter=app.state.requests)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app
