"""Plans, missions and their revisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.etags import etag, revision_of
from api.proofs import objections
from api.reservations import refusal_of, reserve, withheld
from api.schemas.missions import (
    MissionFeature,
    MissionList,
    MissionOut,
    MissionSummary,
    PlanOut,
    PlanPreview,
    RevisionOut,
)
from api.services import Asker, Principal, Services, Wired
from core.errors import MissionConflict, RevisionRequired
from core.ids import MissionId, OperatorId, new_id
from missions.model import Mission, MissionRequest, Plan, Revision
from missions.request import parse_request

router = APIRouter(tags=["missions"])


async def _plan(services: Services, feature: MissionFeature) -> tuple[MissionRequest, Plan]:
    """What was asked for, and the plan against the airspace in force at its departure, conflicts included."""
    airframes = {dock_id: services.airframe_at(dock_id).name for dock_id in services.docks}
    request = parse_request(feature.told(), tuple(services.docks.values()), airframes)
    dock = services.dock(request.dock_id)
    airspace = await services.store.airspace_at(request.departs_at or services.clock.now())
    made = await services.planner.plan(request, dock, airspace, services.airframe_at(dock.id), services.conditions())
    return request, made


async def _approved(
    services: Services, asker: Principal, feature: MissionFeature, mission_id: MissionId, number: int
) -> Revision:
    """A revision that may fly as far as airspace and vehicle go. Raises MissionConflict."""
    request, plan = await _plan(services, feature)
    if conflicts := objections(plan):
        raise MissionConflict(conflicts, plan.proposals)
    return Revision(mission_id, number, request, plan, services.clock.now(), asker.operator_id)


@router.post("/plans")
async def preview_plan(feature: MissionFeature, services: Wired) -> PlanPreview:
    """What a request would become; conflicts are in the plan, nothing is stored."""
    request, plan = await _plan(services, feature)
    draft = Revision(MissionId(""), 0, request, plan, services.clock.now(), OperatorId(""))
    refusal = None if plan.conflicts else await refusal_of(services, draft)
    return PlanPreview(plan=PlanOut.of(withheld(plan, refusal) if refusal else plan, request.dock_id))


@router.post("/missions", status_code=201)
async def create_mission(feature: MissionFeature, services: Wired, asker: Asker, response: Response) -> MissionOut:
    """Plans and stores a mission; a plan with conflicts is refused and nothing is stored."""
    first = await _approved(services, asker, feature, MissionId(new_id("mission")), 1)
    mission = Mission(first.mission_id, first.request.name, 1, first.created_at, asker.operator_id)
    await reserve(services, first, lambda: services.store.add_mission(mission, first))
    response.headers["Location"] = f"/api/v1/missions/{mission.id}"
    response.headers["ETag"] = etag(1)
    return MissionOut.with_latest(mission, first)


@router.get("/missions")
async def list_missions(services: Wired, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> MissionList:
    """Newest first."""
    missions = await services.store.missions(limit=limit)
    return MissionList(items=[MissionSummary.of(mission) for mission in missions])


@router.get("/missions/{mission_id}")
async def one_mission(mission_id: MissionId, services: Wired, response: Response) -> MissionOut:
    """A mission with its newest revision; the ETag is what a change must name."""
    mission = await services.store.mission(mission_id)
    latest = await services.store.revision(mission_id, mission.revision)
    response.headers["ETag"] = etag(mission.revision)
    return MissionOut.with_latest(mission, latest)


@router.get("/missions/{mission_id}/revisions/{revision}")
async def one_revision(mission_id: MissionId, revision: int, services: Wired) -> RevisionOut:
    """One revision, as it was stored."""
    return RevisionOut.of(await services.store.revision(mission_id, revision))


@router.post("/missions/{mission_id}/revisions", status_code=201)
async def add_revision(
    *,
    mission_id: MissionId,
    feature: MissionFeature,
    services: Wired,
    asker: Asker,
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> RevisionOut:
    """A new revision on top of the one that If-Match names."""
    await services.store.mission(mission_id)
    if if_match is None:
        raise RevisionRequired("mission", mission_id)
    based_on = revision_of(if_match)
    revision = await _approved(services, asker, feature, mission_id, based_on + 1)
    await reserve(services, revision, lambda: services.store.add_revision(revision, based_on=based_on))
    response.headers["Location"] = f"/api/v1/missions/{mission_id}/revisions/{revision.revision}"
    response.headers["ETag"] = etag(revision.revision)
    return RevisionOut.of(revision)
