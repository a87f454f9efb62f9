"""`bailu vehicle safety`: what a vehicle is set to against the safety profile, and setting what differs."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from api.cli.text import out, plainly
from api.client import Platform

NOT_MET_EXIT = 2


@plainly
def safety(
    vehicle: Annotated[str, typer.Argument(metavar="VEHICLE", help="A vehicle's id, such as bl-01.")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Set what differs, and read it back.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = "http://127.0.0.1:8420",
) -> None:
    """Compare a vehicle's failsafes, arming checks and battery levels with the safety profile.

    Exit code 0: all of them hold. 2: some do not, and are named. 1: the vehicle or the platform does not answer.
    """
    state = asyncio.run(_asked(url, vehicle, apply=apply))
    if as_json:
        out.out(json.dumps(state, ensure_ascii=False), highlight=False)
    else:
        _tell(state)
    if not state["ok"]:
        raise typer.Exit(NOT_MET_EXIT)


async def _asked(url: str, vehicle: str, *, apply: bool) -> dict[str, Any]:
    path = f"/vehicles/{vehicle}/safety-profile"
    async with Platform(url) as platform:
        return await (platform.post(f"{path}/apply", {}) if apply else platform.get(path))


def _tell(state: dict[str, Any]) -> None:
    table = Table("", "parameter", "held", "wanted", "so that it", box=None)
    for each in state["settings"]:
        wanted = "" if each["ok"] else _value(each["wanted"])
        table.add_row("ok" if each["ok"] else "NO", each["parameter"], _value(each["held"]), wanted, each["why"])
    out.print(table)
    if state["changed"]:
        out.print(f"Set and read back: {', '.join(state['changed'])}.", highlight=False)
    wrong = sum(not each["ok"] for each in state["settings"])
    if wrong:
        again = (
            "" if state["changed"] else f" Set what can be set: bailu vehicle safety {state['vehicle_id']} --apply"
        )
        out.print(f"{wrong} of {len(state['settings'])} settings do not hold.{again}", highlight=False)


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
