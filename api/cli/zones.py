"""`bailu zones`: the airspace of a running platform: list it, replace it, put single zones in and take them out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.cli.flight import read_feature
from api.cli.text import err, out, plainly
from api.client import Platform, PlatformError

Json = dict[str, Any]

app = typer.Typer(
    name="zones",
    help="The airspace of a running platform: list, publish, add, remove.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DEFAULT_URL = "http://127.0.0.1:8420"
REVIEW_WITHIN_S = 5.0
LOOK_EVERY_S = 0.2

Url = Annotated[str, typer.Option("--url", help="The running platform.")]
Note = Annotated[str, typer.Option("--note", help="Why, in a sentence; it is kept with the version.")]
File = Annotated[Path, typer.Argument(help="Zones as a GeoJSON FeatureCollection.", dir_okay=False)]
EffectiveAt = Annotated[
    str | None, typer.Option("--effective-at", help="As 2026-11-23T08:00:00+08:00. [default: at once]")
]
Replace = Annotated[bool, typer.Option("--replace", help="Zones of the same id are replaced.")]


@app.command("list")
@plainly
def list_zones(url: Url = DEFAULT_URL) -> None:
    """Show the zones in force."""
    airspace = _asked(url, lambda platform: platform.get("/airspace"))
    table = Table("id", "zone", "role", "kind", "margin m", title=f"airspace version {airspace['version']}")
    for zone in airspace["zones"]["features"]:
        told = zone["properties"]
        table.add_row(zone["id"], told["name"], told["role"], told["kind"], f"{told['margin_m']:g}")
    out.print(table)


@app.command()
@plainly
def publish(file: File, *, note: Note, effective_at: EffectiveAt = None, url: Url = DEFAULT_URL) -> None:
    """Replace the whole airspace by the zones of FILE."""
    body = {"note": note, "zones": read_feature(file), "effective_at": effective_at}
    _publish(url, lambda platform: platform.post("/airspace/versions", body), file)


@app.command()
@plainly
def add(file: File, *, note: Note, replace: Replace = False, url: Url = DEFAULT_URL) -> None:
    """Put the zones of FILE into the airspace in force, from now on."""
    zones = read_feature(file)
    _publish(url, lambda platform: _added(platform, note, zones, replace=replace), file)


@app.command()
@plainly
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids of the zones.")], *, note: Note, url: Url = DEFAULT_URL
) -> None:
    """Take zones out of the airspace in force, from now on."""

    async def removed(platform: Platform) -> Json:
        present = await platform.get("/airspace/versions")
        return await _change(platform, present["in_force"], {"note": note, "remove": ids})

    _publish(url, removed, None)


async def _added(platform: Platform, note: str, zones: object, *, replace: bool) -> Json:
    present = await platform.get("/airspace")
    known = {zone["id"] for zone in present["zones"]["features"]}
    asked = zones.get("features", []) if isinstance(zones, dict) else []
    ids = [each["id"] for each in asked if isinstance(each, dict) and each.get("id") in known] if replace else []
    return await _change(platform, present["version"], {"note": note, "add": zones, "remove": ids})


async def _change(platform: Platform, base: int, body: Json) -> Json:
    return await platform.post("/airspace/changes", body, {"If-Match": f'"{base}"'})


def _asked(url: str, ask: Callable[[Platform], Awaitable[Json]]) -> Json:
    async def asked() -> Json:
        async with Platform(url) as platform:
            return await ask(platform)

    return asyncio.run(asked())


def _publish(url: str, ask: Callable[[Platform], Awaitable[Json]], file: Path | None) -> None:
    """Publishes, and tells what that means for missions. Raises PlatformError that names the place in the file."""

    async def published(platform: Platform) -> Json:
        made = await ask(platform)
        return made | {"found": await _reviewed(platform, made["version"])}

    try:
        _tell(_asked(url, published))
    except PlatformError as error:
        wrong = error.problem.get("errors")
        if not wrong:
            raise
        found = "; ".join(f"{each['pointer'] or '/'}: {each['detail']}" for each in wrong)
        raise PlatformError(f"{file}: {found}" if file else found, error.problem) from error


async def _reviewed(platform: Platform, version: int) -> Json | None:
    """The review once it is complete, as far as it is after a while; None when nothing was heard of it."""
    found: Json | None = None
    try:
        async with asyncio.timeout(REVIEW_WITHIN_S):
            while found is None or not found["complete"]:
                try:
                    found = await platform.get(f"/airspace/versions/{version}/review")
                except PlatformError as error:
                    if error.problem.get("status") != 404:
                        raise
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        pass
    return found


def _tell(made: Json) -> None:
    starts = f", from {made['effective_at']} on" if made["effective_at"] else ""
    print(f"airspace version {made['version']} with {made['zones_count']} zones{starts}")
    for warning in made["warnings"]:
        err.print(f"[yellow]{warning['detail']}[/yellow]")
    found = made["found"]
    if found is None or not found["complete"]:
        err.print("[yellow]Missions are still being reviewed.[/yellow]")
    for each in found["failing"] if found else ():
        who = f"{each['vehicle_id']} in the air" if each["sortie_id"] else "planned"
        what = each["proposal"]["kind"] if each["proposal"] else "make a new revision"
        reason = each["conflicts"][0]["detail"]
        err.print(f"[red]{each['mission_name']} ({who}): {reason} Proposed: {what}.[/red]")
