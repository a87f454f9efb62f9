"""The logs that a vehicle has on board."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from api.services import Wired
from core.errors import GatewayUnavailable
from core.ids import VehicleId
from telemetry.messages import LogList, LogsQuestion, logs_subject

router = APIRouter(tags=["vehicles"])

# Longer than the gateway itself tries.
_DEADLINE_S = 60.0


@router.get("/vehicles/{vehicle_id}/logs")
async def vehicle_logs(vehicle_id: VehicleId, services: Wired) -> LogList:
    """Read from the vehicle now, the newest 500 at most. Only from one that is disarmed: another lists nothing."""
    services.hub.vehicle(vehicle_id)
    subject = logs_subject(vehicle_id)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await services.bus.request(subject, LogsQuestion(vehicle_id), LogList)
    except TimeoutError as error:
        raise GatewayUnavailable(subject) from error
