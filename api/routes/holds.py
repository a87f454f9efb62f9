"""Holds: a case keeps the record of a sortie from being deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.schemas.geojson import Strict
from api.services import Asker, Wired
from core.ids import SortieId
from operations.recording.ports import Deleted, Hold

router = APIRouter(tags=["records"])


class HoldIn(Strict):
    """Why it is held: the case, so that somebody can ask whether it is over."""

    reason: str = Field(min_length=1, max_length=500)


class HoldList(BaseModel):
    items: list[Hold]


class DeletionList(BaseModel):
    items: list[Deleted]


@router.get("/holds")
async def list_holds(
    services: Wired, released: Annotated[bool, Query(description="With those that are released.")] = False
) -> HoldList:
    """Oldest first."""
    return HoldList(items=list(await services.store.holds(open_only=not released)))


@router.put("/sorties/{sortie_id}/hold")
async def hold_record(sortie_id: SortieId, asked: HoldIn, services: Wired, asker: Asker) -> Hold:
    """Nothing recorded of the sortie is deleted from now on. One that is held already stays held as it is."""
    await services.store.sortie(sortie_id)
    return await services.store.hold(Hold(sortie_id, asked.reason, asker.operator_id, services.clock.now()))


@router.delete("/sorties/{sortie_id}/hold", status_code=204)
async def release_record(sortie_id: SortieId, services: Wired, asker: Asker) -> Response:
    """From now on its record is deleted when its time comes."""
    await services.store.release(sortie_id, asker.operator_id, services.clock.now())
    return Response(status_code=204)


@router.get("/deletions")
async def list_deletions(services: Wired, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> DeletionList:
    """What was deleted of records, when and why; newest first."""
    return DeletionList(items=list(await services.records.deletions(limit=limit)))
