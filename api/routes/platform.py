"""Who I am, and whether the platform is well."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from api import readiness
from api.problems import NotReady
from api.schemas.places import Health, Me, Readiness
from api.services import Asker, Services, Wired, bailu_version
from core.errors import PreflightCheck

router = APIRouter(tags=["platform"])


@router.get("/me")
async def me(asker: Asker) -> Me:
    """The operator that requests are recorded under."""
    units = None if asker.units is None else sorted(asker.units)
    return Me(operator_id=asker.operator_id, name=asker.name, units=units)


@router.get("/health")
async def health(services: Wired) -> Health:
    """That the process answers: nothing else is asked, so that nothing else makes anybody restart it. What gateways
    told of themselves is told on."""
    degraded = readiness.not_recording({tick.gateway: tick.recording for tick in services.hub.links()})
    return Health(
        version=bailu_version(),
        started_at=services.started_at,
        speedup=services.settings.speedup,
        degraded=degraded,
    )


@router.get("/ready")
async def ready(services: Wired, request: Request) -> Readiness:
    """Whether flights can be launched and kept safe now; 503 names what is in the way."""
    checks = await _checks(services, request.app.state.clock_watch)
    if readiness.failing(checks):
        raise NotReady(checks)
    return Readiness(ready=True, checks=list(checks))


async def _checks(services: Services, clock_watch: readiness.ClockWatch) -> tuple[PreflightCheck, ...]:
    settings, hub = services.settings, services.hub
    beating = {tick.gateway: tick.heart for tick in hub.links()}
    asked = await asyncio.gather(
        readiness.within("store", readiness.store_writes(services.store)),
        readiness.within("airspace", _airspace(services)),
        readiness.within("bus", readiness.bus_answers(services.bus, beating)),
        readiness.disk_has_room(settings.data_dir, settings.disk_floor_mib),
    )
    gateway, heart = readiness.tick_check(hub.silent_s()), readiness.heart_check(beating)
    return (*asked, gateway, heart, clock_watch.check())


async def _airspace(services: Services) -> str:
    airspace = await services.store.airspace_at(services.clock.now())
    return f"airspace version {airspace.version} is in force"
