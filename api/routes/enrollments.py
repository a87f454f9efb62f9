"""Who the vehicles are: enrolments without their keys, and who speaks without being enrolled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from api.enrolling import places_exist
from api.etags import etag, revision_of
from api.schemas.enrollments import EnrollmentChange, EnrollmentIn, EnrollmentList, EnrollmentOut, UnenrolledOut
from api.services import Asker, Services, Wired
from core.errors import FieldError, GatewayUnavailable, InvalidRequest, NotFound, RevisionRequired
from core.ids import DockId, VehicleId
from missions.enrollment import Enrollment
from telemetry.messages import UNENROLLED_ASKED, UnenrolledList, UnenrolledQuestion

router = APIRouter(tags=["enrollments"])

_ANSWER_WITHIN_S = 5.0


@router.get("/enrollments")
async def list_enrollments(
    services: Wired,
    asker: Asker,
    retired: Annotated[bool, Query()] = False,
    unit: Annotated[str | None, Query(description="Only those of this unit.")] = None,
) -> EnrollmentList:
    """Every vehicle that was enrolled here; those of the settings file are in the list of vehicles only."""
    found = await services.store.enrollments(retired=retired, unit=unit)
    return EnrollmentList(items=[EnrollmentOut.of(each) for each in found if asker.may_know(each.unit)])


@router.get("/enrollments/{vehicle_id}")
async def one_enrollment(vehicle_id: VehicleId, services: Wired, response: Response) -> EnrollmentOut:
    """One of them, a retired one as well; the ETag is what a change must name."""
    found = await _enrollment(services, vehicle_id)
    response.headers["ETag"] = etag(found.row_revision)
    return EnrollmentOut.of(found)


@router.post("/enrollments", status_code=201)
async def enroll_vehicle(asked: EnrollmentIn, services: Wired, response: Response) -> EnrollmentOut:
    """Enrols a vehicle that does not sign; the gateway knows it within two seconds."""
    if any(each.id == asked.id for each in await services.store.enrollments(retired=True)):
        raise InvalidRequest((FieldError("/id", f"{asked.id!r} is enrolled already, or was"),))
    enrollment = Enrollment(
        id=VehicleId(asked.id),
        name=asked.name,
        links=tuple(asked.links),
        system_id=asked.system_id,
        dock_id=DockId(asked.dock_id),
        airframe=asked.airframe,
        enrolled_at=services.clock.now(),
        uid=asked.uid,
        category=asked.category,
        registration=asked.registration,
        unit=asked.unit,
    )
    return await _saved(services, enrollment, response)


@router.patch("/enrollments/{vehicle_id}")
async def change_enrollment(
    vehicle_id: VehicleId,
    asked: EnrollmentChange,
    services: Wired,
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> EnrollmentOut:
    """Changes what is named, on top of the revision that If-Match names.

    A vehicle that flies takes it on landing, but for its unit, which counts within two seconds; as long as it is on a
    sortie it is not retired, and its links, system id and autopilot stay (409).
    """
    found = await _enrollment(services, vehicle_id)
    if if_match is None:
        raise RevisionRequired("enrollment", vehicle_id)
    changes: dict[str, Any] = asked.model_dump(exclude_unset=True, exclude={"retired"})
    if "links" in changes and changes["links"] is not None:
        changes["links"] = tuple(changes["links"])
    _not_emptied(changes)
    if asked.retired is not None:
        changes["retired_at"] = services.clock.now() if asked.retired else None
    changed = replace(found, **changes, row_revision=revision_of(if_match) + 1)
    return await _saved(services, changed, response)


@router.get("/unenrolled")
async def list_unenrolled(services: Wired) -> UnenrolledOut:
    """Autopilots that speak on our links without being enrolled, the one heard last first."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            found = await services.bus.request(UNENROLLED_ASKED, UnenrolledQuestion(), UnenrolledList)
    except TimeoutError as error:
        raise GatewayUnavailable(UNENROLLED_ASKED) from error
    return UnenrolledOut(items=list(found.vehicles))


def _not_emptied(changes: dict[str, Any]) -> None:
    """What every vehicle has cannot be taken away. Raises InvalidRequest."""
    always = ("name", "links", "system_id", "dock_id", "airframe", "signing", "unit")
    wrong = [FieldError(f"/{name}", "cannot be null") for name in always if name in changes and changes[name] is None]
    if wrong:
        raise InvalidRequest(tuple(wrong))


async def _enrollment(services: Services, vehicle_id: VehicleId) -> Enrollment:
    for each in await services.store.enrollments(retired=True):
        if each.id == vehicle_id:
            return each
    raise NotFound("enrollment", vehicle_id)


async def _saved(services: Services, enrollment: Enrollment, response: Response) -> EnrollmentOut:
    if enrollment.retired_at is None:
        links = [link.name for link in services.settings.links]
        places_exist(enrollment, docks=services.docks, links=links)
    saved = await services.store.save_enrollment(enrollment)
    response.headers["ETag"] = etag(saved.row_revision)
    return EnrollmentOut.of(saved)
