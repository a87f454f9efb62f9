"""Our own flights and who of them comes too near to whom."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.schemas.traffic import TrafficConflictList
from api.services import Asker, Wired
from api.traffic import TrafficWatch
from telemetry.stream.narrowing import conflict_for

router = APIRouter(tags=["traffic"])


@router.get("/traffic/conflicts")
async def traffic_conflicts(request: Request, services: Wired, asker: Asker) -> TrafficConflictList:
    """The present ones; the stream tells when one begins, changes and ends."""
    watch = request.app.state.traffic
    assert isinstance(watch, TrafficWatch)
    conflicts, units = watch.conflicts, asker.units
    if units is not None:
        told = (conflict_for(each, units, services.hub.unit) for each in conflicts)
        conflicts = tuple(each for each in told if each is not None)
    return TrafficConflictList(looked_at=watch.looked_at, items=list(conflicts))
