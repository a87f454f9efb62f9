"""Our own flights and who of them comes too near to whom."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.schemas.traffic import TrafficConflictList
from api.traffic import TrafficWatch

router = APIRouter(tags=["traffic"])


@router.get("/traffic/conflicts")
async def traffic_conflicts(request: Request) -> TrafficConflictList:
    """The present ones; the stream tells when one begins, changes and ends."""
    watch = request.app.state.traffic
    assert isinstance(watch, TrafficWatch)
    return TrafficConflictList(looked_at=watch.looked_at, items=list(watch.conflicts))
