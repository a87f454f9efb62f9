"""`bailu watch`: the live fleet as a table, over the public stream."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.live import Live
from rich.table import Table

from api.cli.text import out, plainly
from api.client import Platform

COLUMNS = ("vehicle", "link", "age", "mode", "state", "altitude", "speed", "battery", "position")


@plainly
def watch(
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = "http://127.0.0.1:8420",
) -> None:
    """Show the fleet as a live table until Ctrl-C; reconnects by itself."""
    asyncio.run(_watch(url))


async def _watch(url: str) -> None:
    vehicles: dict[str, dict[str, Any]] = {}
    note = "connecting …"
    async with Platform(url) as platform:
        with Live(console=out, refresh_per_second=5, screen=False) as live:
            async for frame in platform.frames(rate_hz=2.0):
                note = _take(vehicles, frame, note)
                live.update(table(vehicles, f"{platform.url} · {note}"))
                if frame["type"] == "event":
                    event = frame["event"]
                    live.console.print(f"{event['at'][:19]} {event['severity']} {event['text']}", markup=False)


def _take(vehicles: dict[str, dict[str, Any]], frame: dict[str, Any], note: str) -> str:
    """Takes a frame in; gives the line above the table."""
    if frame["type"] == "lost":
        return f"not connected, what is shown is old ({frame['why']})"
    if frame["type"] == "snapshot":
        vehicles.clear()
    for vehicle_id in frame.get("left", []):
        vehicles.pop(vehicle_id, None)
    for vehicle in frame.get("vehicles", []):
        vehicles[vehicle["vehicle_id"]] = vehicle
    return str(frame["at"])[:19] if frame["type"] in ("tick", "snapshot") else note


def table(vehicles: dict[str, dict[str, Any]], title: str) -> Table:
    """One row per vehicle; a dash is what is not known."""
    rows = Table(title=title, box=SIMPLE)
    for name in COLUMNS:
        rows.add_column(name, no_wrap=True)
    for state in vehicles.values():
        armed = {True: "armed", False: "disarmed", None: "–"}[state["armed"]]
        place = (state["lat_deg"], state["lon_deg"])
        rows.add_row(
            f"{state['vehicle_id']} {state['name']}",
            state["link"],
            _number(state["heard_age_s"], ".1f", "s"),
            state["mode"] or "–",
            armed,
            _number(state["alt_rel_m"], ".0f", "m"),
            _number(state["ground_speed_mps"], ".1f", "m/s"),
            _number(state["battery_pct"], ".0f", "%"),
            "–" if None in place else f"{place[0]:.5f} {place[1]:.5f}",
        )
    return rows


def _number(value: float | None, form: str, unit: str) -> str:
    return "–" if value is None else f"{value:{form}} {unit}"
