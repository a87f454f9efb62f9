"""Docks, airspace versions and the district's outline."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.schemas.places import (
    AirspaceIn,
    AirspaceOut,
    AirspaceVersion,
    AirspaceVersionList,
    District,
    DockList,
    DockOut,
    ZoneCollection,
    ZoneFeature,
)
from api.services import Asker, Wired
from core.errors import NotFound
from geofence.geojson import parse_zones
from geofence.qingpu import district_feature_collection
from geofence.zones import Airspace

router = APIRouter(tags=["places"])


@router.get("/docks")
async def list_docks(services: Wired) -> DockList:
    """Where vehicles stand, and which."""
    docks = services.docks.values()
    return DockList(items=[DockOut.of(dock, [each.id for each in services.vehicles_at(dock.id)]) for dock in docks])


@router.get("/airspace")
async def newest_airspace(services: Wired) -> AirspaceOut:
    """The newest version: what plans are proven against."""
    return AirspaceOut.of(await services.store.airspace())


@router.get("/airspace/versions")
async def list_airspace_versions(services: Wired) -> AirspaceVersionList:
    """Every version, newest first, without its zones."""
    versions = await services.store.airspace_versions()
    return AirspaceVersionList(items=[AirspaceVersion.of(version) for version in versions])


@router.get("/airspace/versions/{version}")
async def one_airspace_version(version: int, services: Wired) -> AirspaceOut:
    """One version, as it was published."""
    return AirspaceOut.of(await services.store.airspace(version))


@router.post("/airspace/versions", status_code=201)
async def publish_airspace(asked: AirspaceIn, services: Wired, asker: Asker, response: Response) -> AirspaceOut:
    """Publishes a whole new version; plans made before are checked against it at launch."""
    zones = parse_zones(asked.zones.model_dump(mode="json", exclude_none=True), "/zones")
    new = Airspace(
        version=0,
        zones=zones,
        combination=asked.combination,
        ceiling_agl_m=asked.ceiling_agl_m,
        published_at=services.clock.now(),
        published_by=asker.operator_id,
        note=asked.note,
    )
    published = await services.store.publish_airspace(new)
    response.headers["Location"] = f"/api/v1/airspace/versions/{published.version}"
    return AirspaceOut.of(published)


@router.get("/zones")
async def list_zones(services: Wired) -> ZoneCollection:
    """The zones of the newest airspace version, for a client that only wants to draw them."""
    return AirspaceOut.of(await services.store.airspace()).zones


@router.get("/zones/{zone_id}")
async def one_zone(zone_id: str, services: Wired) -> ZoneFeature:
    """One zone of the newest airspace version."""
    zones = AirspaceOut.of(await services.store.airspace()).zones
    found = next((zone for zone in zones.features if zone.id == zone_id), None)
    if found is None:
        raise NotFound("zone", zone_id)
    return found


@router.get("/district")
async def district() -> District:
    """The schematic outline: a base map that needs no tile server."""
    return District.model_validate(district_feature_collection())
