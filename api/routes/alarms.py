"""Alarms: what is open, what was, and taking note."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from api.schemas.alarms import AlarmList
from api.services import Asker, Principal, Services, Wired
from core.errors import NotFound
from core.ids import AlarmId, VehicleId
from operations.alarms import Alarm
from telemetry.messages import ALARM_CHANGED, AlarmChanged

router = APIRouter(tags=["alarms"])

# An alarm that was told is stored within milliseconds, unless the store is away.
_LOOKS, _LOOK_EVERY_S = 40, 0.05


@router.get("/alarms")
async def list_alarms(
    services: Wired,
    asker: Asker,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    open_only: bool = False,
    vehicle_id: VehicleId | None = None,
) -> AlarmList:
    """Newest first."""
    found = await services.store.alarms(limit=limit, open_only=open_only, vehicle_id=vehicle_id)
    return AlarmList(items=[each for each in found if asker.may_know(services.hub.unit(each.vehicle_id))])


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge_alarm(alarm_id: AlarmId, services: Wired, asker: Asker) -> Alarm:
    """Takes note: the first to do so stays. The alarm is open until its condition is over."""
    alarm = await _noted(services, asker, alarm_id)
    services.hub.alarm(alarm)
    services.bus.publish(ALARM_CHANGED, AlarmChanged(alarm))  # for the viewers of other processes
    return alarm


async def _noted(services: Services, asker: Principal, alarm_id: AlarmId) -> Alarm:
    """Takes note of an alarm; viewers are told of one while it is stored, and who is quick may be here before it is.
    Raises NotFound."""
    for _ in range(_LOOKS):
        try:
            if asker.units is not None:
                await _own(services, asker, alarm_id)
            return await services.store.acknowledge_alarm(alarm_id, asker.operator_id, services.clock.now())
        except NotFound:
            told = services.hub.told_alarm(alarm_id)
            if told is None or not asker.may_know(services.hub.unit(told.vehicle_id)):
                raise
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotFound("alarm", alarm_id)


async def _own(services: Services, asker: Principal, alarm_id: AlarmId) -> None:
    """Raises NotFound when it is another unit's."""
    open_ones = await services.store.alarms(limit=1_000, open_only=True)
    mine = (each.id for each in open_ones if asker.may_know(services.hub.unit(each.vehicle_id)))
    if alarm_id not in mine:
        raise NotFound("alarm", alarm_id)
