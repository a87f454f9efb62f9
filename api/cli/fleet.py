"""`bailu fleet`: a task for several vehicles planned and drawn on this machine; nothing is stored, nothing flies."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.options import Config
from api.cli.text import err, fail, out, plainly
from api.docks import docks_by_id
from api.planning import FLEET_BUDGET_S
from api.schemas.fleets import FleetPlanOut
from api.settings import Settings, load
from api.sketch.fleet import facts, fleet_html, troubles
from core.clock import SystemClock
from core.errors import BailuError
from core.ids import DockId, VehicleId
from geofence.qingpu import default_airspace, default_terrain
from missions.energy import AIRFRAMES
from missions.fleets.preview import FleetPreview, FleetTask, preview
from missions.fleets.request import FleetRequest, FleetVehicle, parse_fleet_request

INCOMPLETE_EXIT = 2


@plainly
def fleet(
    file: Annotated[Path, typer.Argument(help="What the fleet is to do, as JSON: a body of POST /fleet-plans.")],
    *,
    html_file: Annotated[Path | None, typer.Option("--html", help="Draw all tours into this page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as the API answers it.")] = False,
    config: Config = None,
) -> None:
    """Plan a patrol, an area or a recurring watch for the configured vehicles, and draw all tours in one picture.

    Exit code 0: all of it can be flown. 2: something is left undone, and named. 1: it could not be read.
    """
    asked = _read(file, _fleet(load(config, os.environ)))
    airspace = default_airspace()
    end_s = time.monotonic() + FLEET_BUDGET_S
    task = FleetTask(asked, airspace, asked.departs_at or SystemClock().now(), default_terrain())
    made = preview(task, lambda: end_s - time.monotonic())
    if html_file:
        _write(html_file, fleet_html(made, asked, airspace))
    if as_json:
        out.out(FleetPlanOut.of(made, asked).model_dump_json(), highlight=False)
    else:
        _tell(made, asked)
    if troubles(made):
        raise typer.Exit(INCOMPLETE_EXIT)


def _fleet(settings: Settings) -> tuple[FleetVehicle, ...]:
    docks = docks_by_id(settings)
    return tuple(
        FleetVehicle(VehicleId(each.id), docks[DockId(each.dock)], AIRFRAMES[each.airframe])
        for each in settings.vehicles
        if each.dock in docks
    )


def _read(file: Path, vehicles: tuple[FleetVehicle, ...]) -> FleetRequest:
    try:
        return parse_fleet_request(json.loads(file.read_text(encoding="utf-8")), vehicles)
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise fail(f"{file} is not JSON: {error}.") from None
    except BailuError as error:
        raise fail(f"{file}: {error.detail}") from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    err.print(f"drawn: {file}")


def _tell(made: FleetPreview, asked: FleetRequest) -> None:
    heading, *rows = facts(made, asked)
    table = Table(*heading, title=asked.name, title_justify="left", box=None)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    for grounded in made.grounded:
        out.print(f"{grounded.vehicle_id} is not sent: {grounded.conflict.detail}", highlight=False)
    for line in troubles(made):
        out.print(f"[red]✗[/red] {line}", highlight=False)
    out.print(
        "[green]all of it can be flown[/green]" if not troubles(made) else "[red]not all of it can be done[/red]"
    )
