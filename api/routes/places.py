"""Docks, kinds of zones, airspace versions and the district's outline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from api.airspace import Publication, Publisher
from api.etags import etag, revision_of
from api.openapi import body_of
from api.schemas.places import (
    AirspaceChangeIn,
    AirspaceIn,
    AirspaceOut,
    AirspaceVersion,
    AirspaceVersionList,
    ChangesOut,
    District,
    DockList,
    DockOut,
    KindList,
    PublicationOut,
    ZoneCollection,
    ZoneFeature,
    airspace_json,
    changes_json,
    zones_json,
)
from api.schemas.reviews import AirspaceReviewOut, review_json
from api.services import Asker, Services, Wired
from core.errors import FieldError, InvalidRequest, NotFound, RevisionRequired
from core.ids import DockId
from geofence.geojson import zone_feature
from geofence.publication import in_force, schedule
from geofence.qingpu import district_feature_collection
from geofence.zones import Airspace

router = APIRouter(tags=["places"])


async def _publisher(request: Request) -> Publisher:
    publisher = request.app.state.publisher
    assert isinstance(publisher, Publisher)
    return publisher


Published = Annotated[Publisher, Depends(_publisher)]
# SQLite's integers end at 2^63 - 1.
Version = Annotated[int, Path(ge=1, le=2**31)]


@router.get("/docks")
async def list_docks(services: Wired, asker: Asker) -> DockList:
    """Where vehicles stand, and which."""

    def known_at(dock_id: DockId) -> list[str]:
        return [each.vehicle_id for each in services.vehicles_at(dock_id) if asker.may_know(each.unit)]

    return DockList(items=[DockOut.of(dock, known_at(dock.id)) for dock in services.docks.values()])


@router.get("/zone-kinds")
async def list_zone_kinds() -> KindList:
    """The classes of zones, with what the regulation says of them."""
    return KindList.known()


@router.get("/airspace", response_model=AirspaceOut)
async def airspace_in_force(services: Wired, at: datetime | None = None) -> Response:
    """The version in force now, or `at` another time: what plans are proven against. The ETag names it."""
    airspace = await _in_force(services, at)
    return await _json(airspace_json, airspace, ETag=etag(airspace.version))


@router.get("/airspace/versions")
async def list_airspace_versions(services: Wired) -> AirspaceVersionList:
    """Every version, newest first, without its zones."""
    versions = await services.store.airspace_versions()
    now = services.clock.now()
    present = in_force(versions, now)
    ahead = [each.version for each in schedule(versions, now) if each != present]
    items = [AirspaceVersion.of(version) for version in versions]
    return AirspaceVersionList(items=items, in_force=present.version if present else None, ahead=ahead)


@router.get("/airspace/versions/{version}", response_model=AirspaceOut)
async def one_airspace_version(version: Version, services: Wired) -> Response:
    """One version, as it was published."""
    return await _json(airspace_json, await services.store.airspace(version), ETag=etag(version))


@router.get("/airspace/versions/{version}/changes", response_model=ChangesOut)
async def airspace_changes(
    version: Version, services: Wired, since: Annotated[int | None, Query(ge=1, le=2**31)] = None
) -> Response:
    """What a version changed `since` another one, by default the one published before it."""
    after = await services.store.airspace(version)
    before = await services.store.airspace(version - 1 if since is None else since)
    return await _json(changes_json, before, after)


@router.get("/airspace/versions/{version}/review", response_model=AirspaceReviewOut)
async def airspace_review(version: Version, services: Wired) -> Response:
    """Which missions the version makes unflyable, where, and what is proposed for those in the air.

    Not found until the sorties were looked at, a second or so after the publication; `complete` when all were.
    """
    return await _json(review_json, await services.store.review(version))


@router.post("/airspace/versions", status_code=201, response_model=PublicationOut, openapi_extra=body_of(AirspaceIn))
async def publish_airspace(
    request: Request, publisher: Published, asker: Asker, response: Response
) -> PublicationOut:
    """Publishes a whole new version; planned and airborne missions are reviewed against it at once."""
    return _told(await publisher.publish(request.body, asker.operator_id), response)


@router.post(
    "/airspace/changes", status_code=201, response_model=PublicationOut, openapi_extra=body_of(AirspaceChangeIn)
)
async def change_airspace(
    *,
    request: Request,
    publisher: Published,
    asker: Asker,
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> PublicationOut:
    """Puts single zones in and takes others out, from now on; If-Match names the version in force."""
    if if_match is None:
        raise RevisionRequired("airspace", "in force")
    return _told(await publisher.change(request.body, revision_of(if_match), asker.operator_id), response)


@router.get("/zones", response_model=ZoneCollection)
async def list_zones(services: Wired) -> Response:
    """The zones of the version in force, for a client that only wants to draw them."""
    return await _json(zones_json, await _in_force(services))


@router.get("/zones/{zone_id}", response_model=ZoneFeature)
async def one_zone(zone_id: str, services: Wired) -> Response:
    """One zone of the version in force."""
    airspace = await _in_force(services)
    found = next((zone for zone in airspace.zones if zone.id == zone_id), None)
    if found is None:
        raise NotFound("zone", zone_id)
    return Response(msgspec.json.encode(zone_feature(found)), media_type="application/json")


@router.get("/district")
async def district() -> District:
    """The schematic outline: a base map that needs no tile server."""
    return District.model_validate(district_feature_collection())


async def _in_force(services: Services, at: datetime | None = None) -> Airspace:
    """Raises InvalidRequest for a time without an offset."""
    if at is not None and at.tzinfo is None:
        raise InvalidRequest((FieldError("", "at (query): the time has no offset from UTC, as in +08:00"),))
    return await services.store.airspace_at(at or services.clock.now())


async def _json(encode: Callable[..., bytes], *values: object, **headers: str) -> Response:
    """What `encode` makes of `values`, made in a thread."""
    return Response(await asyncio.to_thread(encode, *values), media_type="application/json", headers=headers)


def _told(publication: Publication, response: Response) -> PublicationOut:
    response.headers["Location"] = f"/api/v1/airspace/versions/{publication.version.version}"
    response.headers["ETag"] = etag(publication.version.version)
    return PublicationOut.made(publication)
