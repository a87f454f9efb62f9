"""`bailu forward`: which other systems are told what, and how far each of them is."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from api.cli.text import err, fail, out, plainly
from api.client import Platform

app = typer.Typer(rich_markup_mode=None, help="Tell other systems what happens: forwarding rules.")

Url = Annotated[str, typer.Option("--url", help="A running platform.")]
RuleName = Annotated[str, typer.Argument(help="The id of a rule, as `bailu forward list` has it.")]
HERE = "http://127.0.0.1:8420"
KINDS = {"https": "http", "http": "http", "wss": "websocket", "ws": "websocket", "mqtts": "mqtt", "mqtt": "mqtt"}
AWAY_EXIT = 2


@app.command("add")
@plainly
def add(
    target: Annotated[str, typer.Argument(help="https://, wss:// or mqtts:// address, or one without the s.")],
    *,
    what: Annotated[
        list[str],
        typer.Option("--what", help="telemetry, events, alarms, sorties, commands or traffic; repeat for more."),
    ],
    name: Annotated[str | None, typer.Option("--name", help="For people. [default: the host]")] = None,
    rule_id: Annotated[str | None, typer.Option("--id", help="Its id. [default: a fresh one]")] = None,
    vehicle: Annotated[list[str] | None, typer.Option("--vehicle", help="Only of this vehicle; repeatable.")] = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", help="Only of this unit; repeatable.")] = None,
    code: Annotated[list[str] | None, typer.Option("--code", help="Only events of this kind; repeatable.")] = None,
    severity: Annotated[list[str] | None, typer.Option("--severity", help="info, warning, critical.")] = None,
    area: Annotated[
        Path | None, typer.Option("--area", help="Only what is in this GeoJSON polygon.", exists=True, dir_okay=False)
    ] = None,
    rate_hz: Annotated[float, typer.Option("--rate-hz", help="Of telemetry, 0.1 to 10.")] = 1.0,
    backfill: Annotated[bool, typer.Option("--backfill", help="Keep telemetry too while it is away.")] = False,
    username: Annotated[str | None, typer.Option("--username", help="MQTT.")] = None,
    mqtt_version: Annotated[str | None, typer.Option("--mqtt-version", help="5 or 3.1.1. [default: 5]")] = None,
    retain: Annotated[bool, typer.Option("--retain", help="MQTT: keep states for those who come late.")] = False,
    confirm: Annotated[str | None, typer.Option("--confirm", help="WebSocket: ack or pong. [default: ack]")] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets", help="JSON: password, token, signing_key; or in BAILU_FORWARD_SECRETS.", dir_okay=False
        ),
    ] = None,
    url: Url = HERE,
) -> None:
    """Add a rule. Secrets come from a file or the environment: a command line can be read by others."""
    kind = KINDS.get(target.partition(":")[0], "http")
    told = {"version": mqtt_version, "username": username, "retain_state": retain or None, "confirm": confirm}
    told |= _secrets(secrets)
    narrow = {"vehicle_ids": vehicle, "units": unit, "codes": code, "severities": severity, "area": _polygon(area)}
    asked = {
        "id": rule_id,
        "name": name or target.partition("://")[2].partition("/")[0],
        "what": what,
        "target": {"kind": kind, "url": target} | _given(told),
        "filter": _given(narrow),
        "rate_hz": rate_hz,
        "backfill": backfill,
    }
    made = asyncio.run(_asked(url, "POST", "/forwarding/rules", _given(asked)))
    out.print(f"{made['id']}: {', '.join(made['what'])} → {made['target']['url']}", markup=False, highlight=False)
    if made["target"]["overheard"]:
        err.print(f"Its secrets cross the network in the clear: prefer {kind} with TLS.")


@app.command("list")
@plainly
def list_rules(url: Url = HERE) -> None:
    """Show every rule and how far it is. Exit code 2: a target is away."""
    rules = asyncio.run(_asked(url, "GET", "/forwarding/rules"))["items"]
    out.print(table(rules))
    if any(each["status"]["state"] == "away" for each in rules):
        raise typer.Exit(AWAY_EXIT)


@app.command("show")
@plainly
def show(rule_id: RuleName, url: Url = HERE) -> None:
    """Show a rule as JSON: what was asked for, and its standing."""
    print(json.dumps(asyncio.run(_asked(url, "GET", _path(rule_id))), ensure_ascii=False, indent=2))


@app.command("pause")
@plainly
def pause(rule_id: RuleName, url: Url = HERE) -> None:
    """Send nothing for now; events are kept."""
    asyncio.run(_paused(url, rule_id, paused=True))


@app.command("resume")
@plainly
def resume(rule_id: RuleName, url: Url = HERE) -> None:
    """Send again, what was kept first."""
    asyncio.run(_paused(url, rule_id, paused=False))


@app.command("remove")
@plainly
def remove(rule_id: RuleName, url: Url = HERE) -> None:
    """End a rule; what waits for its target is forgotten."""
    asyncio.run(_asked(url, "DELETE", _path(rule_id)))


def table(rules: list[dict[str, Any]]) -> Table:
    """Two lines per rule, narrow enough for any terminal."""
    rows = Table(box=SIMPLE)
    for name in ("rule", "state", "sent", "waiting", "lost", "lag"):
        rows.add_column(name)
    for rule in rules:
        status = rule["status"]
        rows.add_row(
            f"{rule['id']} · {rule['name']}\n{rule['target']['url']}",
            status["state"] + (f"\n{status['last_error']}" if status["state"] == "away" else ""),
            f"{status['sent_events']}\n{status['sent_telemetry']} reports",
            f"{status['waiting_events']}\n{status['spool_bytes'] / 1000:.0f} kB",
            f"{status['lost_events'] + status['dead']}\n{status['lost_telemetry']} reports",
            f"{status['lag_s']:.0f} s",
        )
    return rows


async def _paused(url: str, rule_id: str, *, paused: bool) -> None:
    async with Platform(url) as platform:
        rule = await platform.get(_path(rule_id))
        based_on = {"If-Match": f'"{rule["revision"]}"'}
        await platform.call("PATCH", _path(rule_id), {"paused": paused}, based_on)


async def _asked(url: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    async with Platform(url) as platform:
        return await platform.call(method, path, body)


def _path(rule_id: str) -> str:
    return f"/forwarding/rules/{rule_id}"


def _given(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


def _secrets(file: Path | None) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8") if file else os.environ.get("BAILU_FORWARD_SECRETS", "{}")
    where = str(file) if file else "BAILU_FORWARD_SECRETS"
    return _json(text, where)


def _polygon(file: Path | None) -> dict[str, Any] | None:
    """The geometry of a GeoJSON file that holds one polygon."""
    if file is None:
        return None
    told = _json(file.read_text(encoding="utf-8"), str(file))
    if told.get("type") == "FeatureCollection" and len(told.get("features", [])) == 1:
        told = told["features"][0]
    return told.get("geometry", told) if told.get("type") == "Feature" else told


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise fail(f"{where} is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise fail(f"{where} is not a JSON object")
    return told
