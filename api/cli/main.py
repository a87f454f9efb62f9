"""The `bailu` command."""

from __future__ import annotations

import logging

import typer

from api.cli import (
    calibrate,
    drill,
    faults,
    files,
    fleet,
    fleets,
    info,
    links,
    patrol,
    plan,
    platform,
    sortie,
    vehicle,
    vehicle_safety,
    watch,
    zones,
)

app = typer.Typer(
    name="bailu",
    help="白鹭 Bailu: the open drone middle-platform, on ArduPilot. `bailu up` starts everything on this machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _common() -> None:
    """白鹭 Bailu: the open drone middle-platform, on ArduPilot. `bailu up` starts everything on this machine."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


for command in (
    platform.up,
    plan.plan,
    fleet.fleet,
    patrol.patrol,
    watch.watch,
    links.links,
    platform.gateway,
    platform.api,
    fleets.sim,
    fleets.sitl,
    calibrate.calibrate,
    drill.drill,
    faults.faults,
    info.openapi,
    info.version,
):
    app.command()(command)
app.command("import")(files.import_file)
app.command("export")(files.export_file)
app.add_typer(sortie.app)
app.add_typer(zones.app)
vehicle.app.command()(vehicle_safety.safety)
app.add_typer(vehicle.app)

if __name__ == "__main__":
    app()
