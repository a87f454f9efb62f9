"""`bailu plan`: a mission file planned and drawn on this machine; nothing is stored and nothing flies."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from api.cli import flight
from api.cli.options import Config
from api.cli.text import err, fail, out, plainly
from api.docks import docks_by_id
from api.settings import load
from api.sketch.page import facts, html, svg
from core.clock import SystemClock
from core.errors import BailuError
from geofence.geojson import parse_zones
from geofence.qingpu import default_airspace, default_terrain
from geofence.zones import Airspace
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Airframe, Plan
from missions.planner import Conditions
from missions.planner import plan as make_plan
from missions.request import parse_request

CONFLICTS_EXIT = 2


@plainly
def plan(
    file: Annotated[Path, typer.Argument(help="The mission as a GeoJSON Feature.")],
    *,
    airspace_file: Annotated[
        Path | None, typer.Option("--airspace", help="Zones as GeoJSON. [default: the schematic district]")
    ] = None,
    airframe_name: Annotated[str | None, typer.Option("--airframe", help="Which vehicle class.")] = None,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Draw the plan into this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a page with drawing and proof.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as one line of JSON.")] = False,
    config: Config = None,
) -> None:
    """Plan a mission from a configured dock, prove it, and draw it for people who would rather look than read.

    Exit code 0: clear to fly. 2: the plan has conflicts (it is drawn all the same). 1: it could not be read.
    """
    docks = docks_by_id(load(config, os.environ))
    request = parse_request(flight.read_feature(file), tuple(docks.values()))
    dock = docks[request.dock_id]
    airspace = _airspace(airspace_file)
    made = make_plan(
        request, dock, airspace, _airframe(airframe_name), Conditions(SystemClock().now(), terrain=default_terrain())
    )
    _write(svg_file, svg(made, airspace))
    _write(html_file, html(made, airspace, request.name))
    if as_json:
        out.out(msgspec.json.encode(made).decode(), highlight=False)
    else:
        _tell(made, request.name)
    if made.conflicts:
        raise typer.Exit(CONFLICTS_EXIT)


def _airspace(file: Path | None) -> Airspace:
    if file is None:
        return default_airspace()
    try:
        return Airspace(version=0, zones=parse_zones(json.loads(file.read_text(encoding="utf-8"))))
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise fail(f"{file} is not JSON: {error}.") from None
    except BailuError as error:
        raise fail(f"{file}: {error.detail}") from None


def _airframe(name: str | None) -> Airframe:
    if name is None:
        return default_airframe()
    if name not in AIRFRAMES:
        raise fail(f"There is no airframe {name!r}; known are {', '.join(AIRFRAMES)}.")
    return AIRFRAMES[name]


def _write(file: Path | None, text: str) -> None:
    if file is None:
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    err.print(f"drawn: {file}")


def _tell(made: Plan, name: str) -> None:
    table = Table(title=name, show_header=False, title_justify="left", box=None)
    for what, value in facts(made):
        table.add_row(what, value)
    out.print(table)
    if made.proof:
        held = sum(check.ok for check in made.proof.checks)
        out.print(f"proof: {held} of {len(made.proof.checks)} checks hold")
    for conflict in made.conflicts:
        out.print(f"[red]✗[/red] {conflict.code}: {conflict.detail}", highlight=False)
    out.print("[green]clear to fly[/green]" if not made.conflicts else "[red]not to be flown[/red]")
