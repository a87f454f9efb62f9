"""`bailu vehicle logs`: which logs a vehicle has on board."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from api.cli.text import out, plainly
from api.client import Platform


@plainly
def logs(
    vehicle: Annotated[str, typer.Argument(metavar="VEHICLE", help="A vehicle's id, such as bl-01.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = "http://127.0.0.1:8420",
) -> None:
    """List the autopilot's own logs on board: number, end, size. The vehicle has to be heard, and disarmed."""
    listed = asyncio.run(_asked(url, vehicle))
    if as_json:
        out.out(json.dumps(listed, ensure_ascii=False), highlight=False)
        return
    _tell(listed)


async def _asked(url: str, vehicle: str) -> dict[str, Any]:
    async with Platform(url) as platform:
        return await platform.get(f"/vehicles/{vehicle}/logs")


def _tell(listed: dict[str, Any]) -> None:
    if not listed["logs"]:
        out.print(f"{listed['vehicle_id']} has no logs on board.", highlight=False)
        return
    table = Table("log", "ended", "size", box=None)
    for each in listed["logs"]:
        table.add_row(str(each["id"]), each["ended_at"] or "unknown", f"{each['size_bytes'] / 1e6:.1f} MB")
    out.print(table)
    if listed["on_board"] > len(listed["logs"]):
        out.print(f"The newest {len(listed['logs'])} of {listed['on_board']} logs.", highlight=False)
