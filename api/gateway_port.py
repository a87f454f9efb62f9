"""What a gateway that runs apart answers on a port of its own: its metrics, that it lives, whether it is ready."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import problems, readiness
from api.guard import Guard
from api.metrics.collecting import process_readings
from api.metrics.exposition import CONTENT_TYPE, exposed
from api.requests import RequestMeter, Requests
from api.services import bailu_version
from api.settings import Settings
from core.clock import Clock
from core.errors import PreflightCheck
from core.metrics import Measured
from telemetry.metering import MetricsTold


class Examined(Protocol):
    """What a gateway tells of itself (`telemetry.gateway.Gateway`)."""

    @property
    def name(self) -> str: ...

    @property
    def is_beating(self) -> bool: ...

    @property
    def is_recording(self) -> bool: ...

    def silent_s(self) -> float: ...

    def metrics(self) -> MetricsTold: ...


class ProbedStore(Measured, readiness.Writable, Protocol):
    """The store, as far as it is looked at here."""


def gateway_app(settings: Settings, *, gateway: Examined, store: ProbedStore, clock: Clock) -> Starlette:
    """`/metrics`, `/api/v1/health` and `/api/v1/ready` of the vehicles' side alone."""
    requests, clock_watch, started_at = RequestMeter(), readiness.ClockWatch(clock), clock.now()

    async def metrics(_: Request) -> Response:
        own = process_readings("gateway", store, requests)
        return Response(exposed(own, [gateway.metrics()]), media_type=CONTENT_TYPE)

    async def health(_: Request) -> Response:
        degraded = readiness.not_recording({gateway.name: gateway.is_recording})
        told = {"status": "ok", "version": bailu_version(), "started_at": started_at, "degraded": degraded}
        return _json(told)

    async def ready(request: Request) -> Response:
        checks = await _checks()
        if readiness.failing(checks):
            return problems.response(problems.NotReady(checks), request.url.path)
        return _json({"ready": True, "checks": checks})

    async def _checks() -> tuple[PreflightCheck, ...]:
        asked = await asyncio.gather(
            readiness.within("store", readiness.store_writes(store)),
            readiness.disk_has_room(settings.data_dir, settings.disk_floor_mib),
        )
        heart = readiness.heart_check({gateway.name: gateway.is_beating})
        return (*asked, readiness.tick_check(gateway.silent_s()), heart, clock_watch.check())

    routes = [Route("/metrics", metrics), Route("/api/v1/health", health), Route("/api/v1/ready", ready)]
    app = Starlette(routes=routes)
    app.add_middleware(Guard, operator_id=settings.operator_id)
    app.add_middleware(Requests, meter=requests)
    return app


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
