"""Manoeuvres of a flying sortie: planned from where its vehicle is, previewed, executed, kept with the sortie."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from api import continuing, diversions
from api.routes.vehicles import KEY_PATTERN, IdempotencyKey
from api.schemas.diversions import ContinuationOut, ContinueIn, DiversionIn, DiversionList, DiversionOut
from api.schemas.missions import PlanOut
from api.schemas.sorties import SortieOut
from api.services import Asker, Services, Wired
from core.ids import DiversionId, SortieId, VehicleId
from missions.manoeuvre import Diversion

router = APIRouter(tags=["sorties"])


@router.post("/sorties/{sortie_id}/diversions", status_code=201)
async def plan_diversion(
    *,
    sortie_id: SortieId,
    asked: DiversionIn,
    services: Wired,
    asker: Asker,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> DiversionOut:
    """A preview from where the vehicle is now, conflicts included; with `execute` it is flown at once.

    To execute, the vehicle holds and the plan begins where it stands then.
    """
    if asked.execute:
        made = await diversions.at_once(services, asker, sortie_id, asked.asked(), idempotency_key)
    else:
        made = await diversions.planned(services, asker, sortie_id, asked.asked())
    response.headers["Location"] = f"/api/v1/sorties/{sortie_id}/diversions/{made.id}"
    return await _out(services, made)


@router.get("/sorties/{sortie_id}/diversions")
async def list_diversions(sortie_id: SortieId, services: Wired) -> DiversionList:
    """All that was planned in the air of this sortie, flown or not."""
    await services.store.sortie(sortie_id)
    return DiversionList(items=[await _out(services, each) for each in await services.store.diversions(sortie_id)])


@router.get("/sorties/{sortie_id}/diversions/{diversion_id}")
async def one_diversion(sortie_id: SortieId, diversion_id: DiversionId, services: Wired) -> DiversionOut:
    """One of them, as it stands now."""
    return await _out(services, await diversions.one(services, sortie_id, diversion_id))


@router.post("/sorties/{sortie_id}/diversions/{diversion_id}/execute")
async def execute_diversion(
    sortie_id: SortieId,
    diversion_id: DiversionId,
    services: Wired,
    asker: Asker,
    idempotency_key: IdempotencyKey = None,
) -> DiversionOut:
    """Holds, loads the plan, reads it back and starts it; answers when the vehicle flies it.

    Where the vehicle does not hold where the preview begins, it is planned anew from there first. Whatever fails
    leaves the vehicle holding. Asked again under the same Idempotency-Key it sends nothing and tells how that went.
    """
    made = await diversions.execute(services, asker, sortie_id, diversion_id, idempotency_key)
    return await _out(services, made)


@router.post("/sorties/{sortie_id}/continue/preview")
async def preview_continuation(sortie_id: SortieId, asked: ContinueIn, services: Wired) -> ContinuationOut:
    """What going on would fly now, conflicts included; nothing is stored, and nothing is sent."""
    sortie = await services.store.sortie(sortie_id)
    vehicle_id = VehicleId(asked.vehicle_id) if asked.vehicle_id else sortie.vehicle_id
    made = await continuing.previewed(services, sortie, vehicle_id)
    plan = PlanOut.of(made.plan, made.request.dock_id)
    return ContinuationOut(vehicle_id=vehicle_id, name=made.request.name, plan=plan)


@router.post("/sorties/{sortie_id}/continue", status_code=202)
async def continue_sortie(
    *,
    sortie_id: SortieId,
    asked: ContinueIn,
    services: Wired,
    asker: Asker,
    response: Response,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", pattern=KEY_PATTERN)],
) -> SortieOut:
    """A new sortie that flies what this one broke off, from that very point, with a take-off of its own."""
    sortie = await services.store.sortie(sortie_id)
    vehicle_id = VehicleId(asked.vehicle_id) if asked.vehicle_id else sortie.vehicle_id
    made = await continuing.go_on(services, asker, sortie, vehicle_id, idempotency_key)
    response.headers["Location"] = f"/api/v1/sorties/{made.id}"
    return SortieOut.of(made)


async def _out(services: Services, diversion: Diversion) -> DiversionOut:
    sortie = await services.store.sortie(diversion.sortie_id)
    own = await services.store.revision(sortie.mission_id, sortie.revision)
    return DiversionOut.of(diversion, own.request.dock_id)
