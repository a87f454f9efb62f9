"""Alarms: what is open, what was, and taking note."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.schemas.alarms import AlarmList
from api.services import Asker, Wired
from core.ids import AlarmId, VehicleId
from operations.alarms import Alarm

router = APIRouter(tags=["alarms"])


@router.get("/alarms")
async def list_alarms(
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    open_only: bool = False,
    vehicle_id: VehicleId | None = None,
) -> AlarmList:
    """Newest first."""
    found = await services.store.alarms(limit=limit, open_only=open_only, vehicle_id=vehicle_id)
    return AlarmList(items=list(found))


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge_alarm(alarm_id: AlarmId, services: Wired, asker: Asker) -> Alarm:
    """Takes note: the first to do so stays. The alarm is open until its condition is over."""
    alarm = await services.store.acknowledge_alarm(alarm_id, asker.operator_id, services.clock.now())
    services.hub.alarm(alarm)
    return alarm
