"""Files of other programs: read without storing anything, and written from what is stored."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.imports import Importer, report_json
from api.schemas.files import ImportOut, ReportOut
from api.services import Wired
from core.ids import MissionId
from geofence.formats.crs import Crs
from geofence.formats.intake import Options
from geofence.formats.report import Format, Report
from geofence.zones import Role
from missions.formats.files import write_mission, write_zones

router = APIRouter(tags=["files"])

_MEDIA_TYPES = {
    Format.GEOJSON: "application/geo+json",
    Format.KML: "application/vnd.google-earth.kml+xml",
    Format.KMZ: "application/vnd.google-earth.kmz",
    Format.PLAN: "application/json",
    Format.WPL: "text/plain",
    Format.WPML: "application/vnd.google-earth.kmz",
}
_SUFFIXES = {Format.WPL: "waypoints", Format.WPML: "kmz"}
_BODY = {
    "requestBody": {
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "required": True,
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, or its report", "content": {"application/octet-stream": {}}}
}


class ZoneFormat(StrEnum):
    """What zones are written as."""

    GEOJSON = "geojson"
    KML = "kml"
    KMZ = "kmz"
    PLAN = "plan"
    WPL = "wpl"


class MissionFormat(StrEnum):
    """What a mission is written as."""

    PLAN = "plan"
    WPL = "wpl"
    KML = "kml"
    WPML = "wpml"


async def _importer(request: Request) -> Importer:
    importer = request.app.state.importer
    assert isinstance(importer, Importer)
    return importer


@router.post("/imports", response_model=ImportOut, openapi_extra=_BODY)
async def import_file(
    *,
    request: Request,
    importer: Annotated[Importer, Depends(_importer)],
    filename: Annotated[str, Query(max_length=200)] = "",
    file_format: Annotated[Format | None, Query(alias="format")] = None,
    crs: Crs | None = None,
    role: Role | None = None,
) -> Response:
    """Reads a file sent as the body and answers what it holds; nothing is stored.

    `format` absent: told by content. `crs` is needed where the format fixes none, and converts shifted Chinese maps
    (gcj02, bd09); `role` is needed where the format names none.
    """
    options = Options(crs=crs, role=role, source=filename)
    told = await importer.read(request.body, options, name=filename, form=file_format)
    return Response(told, media_type="application/json")


@router.get("/airspace/versions/{version}/export", response_model=ReportOut, responses=_FILE)
async def export_airspace(
    services: Wired,
    version: Annotated[int, Path(ge=1, le=2**31)],
    file_format: Annotated[ZoneFormat, Query(alias="format")],
    *,
    report: bool = False,
) -> Response:
    """The zones of a version as a file; with `report` what the format cannot hold of them, instead of the file."""
    airspace = await services.store.airspace(version)
    name = f"airspace-{version}"
    made = await asyncio.to_thread(write_zones, airspace.zones, Format(file_format), name=name)
    return _file(made, name, Format(file_format), report=report)


@router.get("/missions/{mission_id}/export", response_model=ReportOut, responses=_FILE)
async def export_mission(
    services: Wired,
    mission_id: MissionId,
    file_format: Annotated[MissionFormat, Query(alias="format")],
    *,
    report: bool = False,
) -> Response:
    """A mission's newest revision as a file: the very items that would be uploaded; `report` as for zones."""
    mission = await services.store.mission(mission_id)
    revision = await services.store.revision(mission_id, mission.revision)
    made = await asyncio.to_thread(write_mission, revision.plan, Format(file_format), name=mission.name)
    return _file(made, f"{mission_id}-{mission.revision}", Format(file_format), report=report)


def _file(made: tuple[bytes, Report], name: str, form: Format, *, report: bool) -> Response:
    data, told = made
    if report:
        return Response(report_json(told), media_type="application/json")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{_SUFFIXES.get(form, form)}"'}
    return Response(data, media_type=_MEDIA_TYPES[form], headers=headers)
