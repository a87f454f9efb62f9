"""Sorties: launching them, following them, reading what was recorded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import FileResponse

from api.launch import Launch, launch
from api.routes.vehicles import KEY_PATTERN
from api.schemas.sorties import LaunchIn, SortieList, SortieNow, SortieOut
from api.services import Asker, Principal, Services, Wired
from core.errors import NotFound
from core.ids import MissionId, SortieId, VehicleId
from missions.model import Sortie
from telemetry.recorder import tlog_path
from telemetry.stream.narrowing import sortie_for

router = APIRouter(tags=["sorties"])


@router.post("/sorties", status_code=202)
async def start_sortie(
    asked: LaunchIn,
    services: Wired,
    asker: Asker,
    response: Response,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", pattern=KEY_PATTERN)],
) -> SortieOut:
    """Launches a stored revision; a repeated Idempotency-Key gives the sortie that it made before."""
    wanted = Launch(MissionId(asked.mission_id), asked.revision, VehicleId(asked.vehicle_id))
    sortie = await launch(services, asker, wanted, idempotency_key)
    response.headers["Location"] = f"/api/v1/sorties/{sortie.id}"
    return SortieOut.of(sortie)


@router.get("/sorties")
async def list_sorties(services: Wired, asker: Asker, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> SortieList:
    """Newest first; of the newest `limit` those that the asker may know."""
    newest = await services.store.sorties(limit=limit)
    mine = (each for each in newest if asker.may_know(services.hub.unit(each.vehicle_id)))
    return SortieList(items=[SortieOut.of(await _as_known(services, each, asker)) for each in mine])


@router.get("/sorties/{sortie_id}")
async def one_sortie(sortie_id: SortieId, services: Wired, asker: Asker) -> SortieNow:
    """A sortie as it was last saved, and how its flight goes now."""
    sortie = await _as_known(services, await services.store.sortie(sortie_id), asker)
    vehicle = next((each for each in services.hub.vehicles() if each.vehicle_id == sortie.vehicle_id), None)
    return SortieNow.at(sortie, vehicle)


@router.get(
    "/sorties/{sortie_id}/tlog",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def sortie_tlog(sortie_id: SortieId, services: Wired) -> FileResponse:
    """The telemetry log: every frame that was received, as MAVLink ground stations store it."""
    await services.store.sortie(sortie_id)
    path = tlog_path(services.settings.data_dir, sortie_id)
    if not path.is_file():
        raise NotFound("telemetry log of sortie", sortie_id)
    return FileResponse(path, media_type="application/octet-stream", filename=f"{sortie_id}.tlog")


async def _as_known(services: Services, sortie: Sortie, asker: Principal) -> Sortie:
    if asker.units is None:
        return sortie
    return sortie_for(sortie, await services.store.sortie(sortie.continues) if sortie.continues else None)
