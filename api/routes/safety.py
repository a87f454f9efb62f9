"""The safety profile of a vehicle: what it is set to against what it should be, and setting what differs."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from api.services import Asker, Services, Wired
from core.errors import GatewayUnavailable
from core.ids import OperatorId, VehicleId
from telemetry.messages import SafetyRequest, SafetyState, safety_subject

router = APIRouter(tags=["vehicles"])

# Some fifty parameters over a bad link, twice; the gateway gives up by itself before that.
_DEADLINE_S = 150.0


@router.get("/vehicles/{vehicle_id}/safety-profile")
async def safety_profile(vehicle_id: VehicleId, services: Wired, asker: Asker) -> SafetyState:
    """Read from the vehicle now: each setting, what it should be, and what it is for."""
    return await _asked(services, vehicle_id, asker.operator_id, apply=False)


@router.post("/vehicles/{vehicle_id}/safety-profile/apply")
async def apply_safety_profile(vehicle_id: VehicleId, services: Wired, asker: Asker) -> SafetyState:
    """Sets what differs, reads it back, and answers with what is held then. Only for a vehicle that is disarmed."""
    return await _asked(services, vehicle_id, asker.operator_id, apply=True)


async def _asked(services: Services, vehicle_id: VehicleId, by: OperatorId, *, apply: bool) -> SafetyState:
    services.hub.vehicle(vehicle_id)
    subject = safety_subject(vehicle_id)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await services.bus.request(subject, SafetyRequest(vehicle_id, by, apply), SafetyState)
    except TimeoutError as error:
        raise GatewayUnavailable(subject) from error
