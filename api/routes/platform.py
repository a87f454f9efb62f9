"""Who I am, and whether the platform is well."""

from __future__ import annotations

import math

from fastapi import APIRouter, Response

from api.schemas.places import Health, Me, Readiness
from api.services import Asker, Services, Wired, bailu_version
from core.errors import BailuError, PreflightCheck

router = APIRouter(tags=["platform"])

# Gateways tick ten times a second.
SILENT_AFTER_S = 3.0


@router.get("/me")
async def me(asker: Asker) -> Me:
    """The operator that requests are recorded under."""
    return Me(operator_id=asker.operator_id, name=asker.name)


@router.get("/health")
async def health(services: Wired) -> Health:
    """That the process answers."""
    return Health(version=bailu_version(), started_at=services.started_at, speedup=services.settings.speedup)


@router.get("/readiness", responses={503: {"model": Readiness}})
async def readiness(services: Wired, response: Response) -> Readiness:
    """Whether flights can be launched now, and what is in the way."""
    checks = [await _store_check(services), _gateway_check(services)]
    ready = all(check.ok for check in checks)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks=checks)


async def _store_check(services: Services) -> PreflightCheck:
    try:
        airspace = await services.store.airspace_at(services.clock.now())
    except BailuError as error:
        return PreflightCheck("store", False, error.detail)
    return PreflightCheck("store", True, f"the store answers, the airspace in force is version {airspace.version}")


def _gateway_check(services: Services) -> PreflightCheck:
    silent_s = services.hub.silent_s()
    if math.isinf(silent_s):
        return PreflightCheck("gateway", False, "no gateway was heard yet")
    if silent_s > SILENT_AFTER_S:
        return PreflightCheck("gateway", False, f"no gateway was heard for {silent_s:.0f} s")
    return PreflightCheck("gateway", True, "a gateway is heard")
