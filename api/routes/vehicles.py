"""Vehicles as they are now, and commands to them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query

from api.schemas.places import VehicleList
from api.schemas.sorties import CommandIn, CommandList
from api.services import Asker, Wired
from api.tracing import span
from core.errors import GatewayUnavailable
from core.ids import VehicleId
from missions.model import CommandRecord
from telemetry.commands import LIFE_S
from telemetry.messages import CommandDone, VehicleCommand, VehicleState, command_subject

router = APIRouter(tags=["vehicles"])

# Longer than a gateway needs to give up by itself: its reason is better than our silence.
COMMAND_DEADLINE_S = 60.0
KEY_PATTERN = r"^[\x21-\x7e]{1,128}$"
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=KEY_PATTERN)]


@router.get("/vehicles")
async def list_vehicles(services: Wired, asker: Asker) -> VehicleList:
    """Every enrolled vehicle; ages are as of now."""
    return VehicleList(items=[each for each in services.hub.vehicles() if asker.may_know(each.unit)])


@router.get("/vehicles/{vehicle_id}")
async def one_vehicle(vehicle_id: VehicleId, services: Wired) -> VehicleState:
    """One vehicle as it is now."""
    return services.hub.vehicle(vehicle_id)


@router.get("/vehicles/{vehicle_id}/commands")
async def list_commands(
    vehicle_id: VehicleId, services: Wired, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> CommandList:
    """The vehicle's command journal, newest first."""
    services.hub.vehicle(vehicle_id)
    return CommandList(items=list(await services.store.commands(vehicle_id, limit=limit)))


@router.post("/vehicles/{vehicle_id}/commands")
async def send_command(
    vehicle_id: VehicleId, asked: CommandIn, services: Wired, asker: Asker, idempotency_key: IdempotencyKey = None
) -> CommandRecord:
    """Carries a command out; answers once its effect was seen."""
    services.hub.vehicle(vehicle_id)
    subject = command_subject(vehicle_id)
    command = VehicleCommand(
        vehicle_id,
        asked.kind,
        asker.operator_id,
        idempotency_key,
        dict(asked.parameters),
        deadline_at=services.clock.now() + timedelta(seconds=LIFE_S),
    )
    try:
        with span("command", kind=asked.kind, vehicle_id=vehicle_id):
            async with asyncio.timeout(COMMAND_DEADLINE_S):
                done = await services.bus.request(subject, command, CommandDone)
    except TimeoutError as error:
        raise GatewayUnavailable(subject) from error
    return done.record
