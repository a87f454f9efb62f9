"""Any file that carries zones, a mission or both, in and out: what the command line and the API offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from core.ids import ZoneId
from geofence.formats.intake import Intake, Options, refusal
from geofence.formats.kml_write import packed, write_kml
from geofence.formats.plan import has_fence
from geofence.formats.read import Opened, opened, zones_in
from geofence.formats.report import Change, Format, Report
from geofence.formats.wpl import FENCE_COMMANDS, read_rows
from geofence.geojson import zone_collection
from geofence.zones import PolygonShape, Role, Zone
from missions.formats.document import MissionFile, route_feature
from missions.formats.kml import has_route, read_route, write_route
from missions.formats.plan import read_plan, write_plan
from missions.formats.wpl import read_wpl, write_wpl, write_wpl_fence
from missions.formats.wpml import write_wpml
from missions.model import Plan, Waypoint

ZONE_FORMATS = (Format.GEOJSON, Format.KML, Format.KMZ, Format.PLAN, Format.WPL)
MISSION_FORMATS = (Format.PLAN, Format.WPL, Format.KML, Format.WPML)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave: zones, a mission feature (None: the file has no mission), rally points, and the report."""

    zones: tuple[Zone, ...]
    mission: dict[str, Any] | None
    rally: tuple[Waypoint, ...]
    report: Report


def read_file(data: bytes, options: Options, *, name: str = "", form: Format | None = None) -> Imported:
    """Everything in a file of any format that is known. Raises InvalidRequest with the paths of what is wrong.

    `name` helps only where content leaves a doubt; `form` is what the caller says that the file is.
    """
    file = opened(data, name=name, form=form)
    stem = name.rpartition("/")[2].partition(".")[0]
    match file.form:
        case Format.PLAN | Format.WPL:
            return _with_mission(file, options, stem)
        case Format.KML | Format.KMZ if has_route(file.content):
            intake = Intake(options)
            return Imported((), read_route(file.content, stem, intake), (), intake.report(file.form))
        case Format.GEOJSON if _is_mission(file.content):
            return Imported((), dict(file.content), (), Intake(options).report(Format.GEOJSON))
        case _:
            zones, report = zones_in(file, options)
            return Imported(zones, None, (), report)


def write_zones(zones: Sequence[Zone], form: Format, *, name: str = "") -> tuple[bytes, Report]:
    """The zones as a file of one of `ZONE_FORMATS`, with what it cannot hold. Raises InvalidRequest for another."""
    nothing_lost = Intake(Options())
    match form:
        case Format.GEOJSON:
            return msgspec.json.encode(zone_collection(tuple(zones))), nothing_lost.report(form)
        case Format.KML:
            return write_kml(zones, name=name), nothing_lost.report(form)
        case Format.KMZ:
            return packed([("doc.kml", write_kml(zones, name=name))]), nothing_lost.report(form)
        case Format.PLAN:
            return write_plan((), (), zones)
        case Format.WPL:
            return write_wpl_fence(zones)
        case _:
            raise refusal("", f"zones are written as {', '.join(ZONE_FORMATS)}, not as {form}")


def write_mission(plan: Plan, form: Format, *, name: str = "") -> tuple[bytes, Report]:
    """A plan as a file of one of `MISSION_FORMATS`: exactly the items that would be uploaded, where it has items.

    Raises InvalidRequest for another format and for a plan with conflicts.
    """
    if plan.conflicts or not plan.items:
        raise refusal("", "the plan has conflicts; only one that may fly is exported")
    intake = Intake(Options())
    match form:
        case Format.PLAN:
            return write_plan(plan.items, plan.rally, _fence_of(plan), speed_mps=plan.speed_mps)
        case Format.WPL:
            told = "the fence and the rally points: this format has them in files of their own"
            intake.note("", Change.LEFT_OUT, told)
            return write_wpl(plan.items), intake.report(form)
        case Format.KML:
            return write_route(plan, name), intake.report(form)
        case Format.WPML:
            return write_wpml(plan)
        case _:
            raise refusal("", f"a mission is written as {', '.join(MISSION_FORMATS)}, not as {form}")


def _with_mission(file: Opened, options: Options, stem: str) -> Imported:
    """A file that may hold a mission, fences and rally points. Raises InvalidRequest when it holds none of them."""
    reading: tuple[MissionFile, Intake]
    if file.form is Format.PLAN:
        reading = read_plan(file.content, options)
        fenced = has_fence(file.content)
    else:
        reading = read_wpl(file.content, options)
        fenced = any(row.command in FENCE_COMMANDS for row in read_rows(file.content))
    found, intake = reading
    flown = len(found.items) > 2 or not (fenced or found.rally)
    mission = route_feature(found, stem, intake) if flown and found.items else None
    if mission is None and not found.zones and not found.rally:
        raise refusal("", "the file has no mission, no fence and no rally point")
    return Imported(found.zones, mission, found.rally, intake.report(file.form))


def _is_mission(document: object) -> bool:
    properties = document.get("properties") if isinstance(document, Mapping) else None
    return isinstance(properties, Mapping) and "pattern" in properties


def _fence_of(plan: Plan) -> list[Zone]:
    """The polygons of the plan's on-board fence as zones."""
    return [
        Zone(
            ZoneId(f"fence-{number}"),
            "fence",
            Role.INCLUSION if polygon.inclusion else Role.EXCLUSION,
            PolygonShape(polygon.ring),
        )
        for number, polygon in enumerate(plan.fence.polygons if plan.fence else (), start=1)
    ]
