"""`bailu import` and `bailu export`: zones and missions from and to the files of other programs."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.cli.options import Config
from api.cli.text import err, fail, plainly
from api.docks import docks_by_id
from api.settings import load
from core.errors import InvalidRequest
from core.ids import DockId
from geofence.formats.crs import Crs
from geofence.formats.intake import MOST_BYTES, Options
from geofence.formats.report import Format, Report
from geofence.geojson import zone_collection
from geofence.qingpu import default_airspace, default_terrain
from geofence.zones import Role
from missions.fleet import default_airframe
from missions.formats.files import Imported, read_file, write_mission, write_zones
from missions.model import Dock, Plan
from missions.planner import Conditions, plan
from missions.request import parse_request

File = Annotated[Path, typer.Argument(help="KML, KMZ, GeoJSON, .plan, .waypoints, .fen, .poly, ED-269 or ED-318.")]
CrsOption = Annotated[
    Crs | None,
    typer.Option("--crs", help="What the coordinates count from. Shifted Chinese maps are converted only by this."),
]
RoleOption = Annotated[Role | None, typer.Option("--role", help="What zones are, for formats that do not say it.")]


@plainly
def import_file(
    file: File,
    *,
    crs: CrsOption = None,
    role: RoleOption = None,
    form: Annotated[Format | None, typer.Option("--format", help="What the file is. [default: by content]")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the GeoJSON goes. [default: stdout]")] = None,
) -> None:
    """Read zones or a mission from a file and write them as GeoJSON; the report of what was changed is on stderr."""
    found = _read(file, Options(crs=crs, role=role, source=file.name), form)
    _tell(found, file)
    document = found.mission if found.mission is not None else zone_collection(found.zones)
    _write(msgspec.json.format(msgspec.json.encode(document)) + b"\n", out)


@plainly
def export_file(
    file: File,
    *,
    form: Annotated[Format, typer.Option("--format", help="kml, kmz, geojson, plan or wpl; for missions also wpml.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where the file goes. [default: stdout]")] = None,
    crs: CrsOption = None,
    role: RoleOption = None,
    config: Config = None,
) -> None:
    """Write zones, or the plan of a mission, in another format.

    A mission is planned first, from one of the configured docks, among the zones that a fresh installation has; one
    with conflicts is not written.
    Missions of a running platform are exported by its API, against the zones published there.
    """
    found = _read(file, Options(crs=crs, role=role, source=file.name), None)
    if found.mission is not None and form is not Format.GEOJSON:
        made = _planned(found.mission, docks_by_id(load(config, os.environ)))
        data, report = write_mission(made, form, name=file.stem)
    elif found.mission is not None:
        data, report = msgspec.json.encode(found.mission), found.report
    else:
        data, report = write_zones(found.zones, form, name=file.stem)
    _tell_notes(report)
    _write(data, out)


def _read(file: Path, options: Options, form: Format | None) -> Imported:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise fail(f"{file}: {error.strerror or error}") from None
    try:
        return read_file(data, options, name=file.name, form=form)
    except InvalidRequest as refused:
        raise fail(f"{file}: {_first(refused)}") from None


def _first(refused: InvalidRequest) -> str:
    """The first thing wrong, and how many more there are."""
    first, *more = refused.errors
    rest = f" (and {len(more)} more)" if more else ""
    return f"{first.pointer or '/'}: {first.detail}{rest}"


def _planned(feature: object, docks: Mapping[DockId, Dock]) -> Plan:
    request = parse_request(feature, tuple(docks.values()))
    made = plan(
        request,
        docks[request.dock_id],
        default_airspace(),
        default_airframe(),
        Conditions(datetime.now(UTC), terrain=default_terrain()),
    )
    if made.conflicts:
        rest = f" (and {len(made.conflicts) - 1} more)" if len(made.conflicts) > 1 else ""
        raise fail(f"the mission has conflicts and is not written: {made.conflicts[0].detail}{rest}")
    return made


def _tell(found: Imported, file: Path) -> None:
    roles = Counter(zone.role for zone in found.zones)
    what = [f"{count} {role}" for role, count in roles.items()]
    if found.mission is not None:
        what.append(f"a mission of {len(found.mission.get('geometry', {}).get('coordinates', []))} places")
    what += [f"{len(found.rally)} rally points"] if found.rally else []
    told = f"{file.name}: {found.report.format} in {found.report.crs.upper()}, {', '.join(what)}."
    err.print(told, markup=False)
    if found.mission is not None and found.zones:
        err.print(f"The {len(found.zones)} zones beside the mission are not in the output.", markup=False)
    _tell_notes(found.report)


def _tell_notes(report: Report) -> None:
    for note in report.notes:
        area = "" if note.area_m2 is None else f" ({note.area_m2:+,.1f} m²)"
        err.print(f"  {note.change}{area} {note.path or '/'}: {note.detail}", markup=False, soft_wrap=True)
    if report.unsaid:
        err.print(f"  … and {report.unsaid} more.", markup=False)


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise fail(f"{out}: {error.strerror or error}") from None
    err.print(f"Written: {out}", markup=False)
