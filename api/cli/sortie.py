"""`bailu sortie …`: flights of a running platform: shown, held, sent elsewhere, brought home, continued."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.cli.text import err, out, plainly
from api.client import Platform, PlatformError
from core.ids import new_id

app = typer.Typer(name="sortie", help="Flights: show them, and command those in the air.", no_args_is_help=True)

Json = dict[str, Any]
# Holding, loading and reading back over a bad link.
EXECUTE_TIMEOUT_S = 360.0
URL = "http://127.0.0.1:8420"
Url = Annotated[str, typer.Option("--url", help="A running platform.")]
Sortie = Annotated[
    str, typer.Argument(metavar="SORTIE", help="A sortie's id, or the id of the vehicle that flies it.")
]
Preview = Annotated[bool, typer.Option("--preview", help="Plan it and show what it would be; fly nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]
Alt = Annotated[float | None, typer.Option("--alt", help="Metres above home. [default: as high as it is]")]


@app.command("list")
@plainly
def list_(*, limit: Annotated[int, typer.Option(min=1, max=1000)] = 20, url: Url = URL) -> None:
    """The newest sorties."""
    found = _with(url, lambda platform: platform.get(f"/sorties?limit={limit}"))
    table = Table("sortie", "vehicle", "mission", "state", "waypoints", "outcome", box=None)
    for each in found["items"]:
        reached = f"{each['waypoints_reached']}/{each['waypoints_total']}"
        names = (each["sortie_id"], each["vehicle_id"], each["mission_name"], each["state"], reached)
        table.add_row(*names, each["outcome"] or "")
    out.print(table)


@app.command()
@plainly
def show(sortie: Sortie, *, as_json: AsJson = False, url: Url = URL) -> None:
    """One sortie: how it goes now, and all its steps with who made them and why."""

    async def read(platform: Platform) -> tuple[Json, Json]:
        found = await _find(platform, sortie)
        return found, await platform.get(f"/sorties/{found['sortie_id']}/diversions")

    found, diversions = _with(url, read)
    if as_json:
        out.out(json.dumps(found, ensure_ascii=False), highlight=False)
        return
    for line in lines_of(found, diversions["items"]):
        out.print(line, highlight=False)


def lines_of(sortie: Json, diversions: list[Json]) -> list[str]:
    """A sortie as lines for people."""
    said = [
        f"{sortie['sortie_id']} · {sortie['mission_name']} · {sortie['vehicle_id']} · [bold]{sortie['state']}[/bold]",
        f"waypoints {sortie['waypoints_reached']}/{sortie['waypoints_total']}, on board: {sortie['onboard']}",
    ]
    if sortie["held"]:
        said.append(f"held: {sortie['held']['text']}")
    if sortie["break_point"]:
        at = sortie["break_point"]
        place = f"{at['place']['lat_deg']:.6f}, {at['place']['lon_deg']:.6f}"
        said.append(f"broken off before waypoint {at['waypoint']} at {place}, {at['alt_rel_m']:.1f} m")
    said += _live_lines(sortie.get("live"))
    said += [f"{step['at']}  {step['to_state']:<10} {step['by']}: {step['why']}" for step in sortie["transitions"]]
    said += [f"diversion {each['kind']}: {each['state']} {each['result']}".rstrip() for each in diversions]
    return said


def _live_lines(live: Json | None) -> list[str]:
    if live is None:
        return []
    said = [f"link {live['link']}, mode {live['mode']}, battery {live['battery_pct']} %, fence {live['fence']}"]
    progress = live["progress"]
    if progress and progress["eta_landing_s"] is not None:
        landing = f"lands in {progress['eta_landing_s']:.0f} s"
        if progress["eta_next_s"] is not None:
            landing = f"next waypoint in {progress['eta_next_s']:.0f} s, {landing}"
        if progress["lands_with_pct"] is not None:
            left = f"{progress['lands_with_pct']:.0f} % (95 of 100: {progress['lands_with_p95_pct']:.0f} %)"
            landing = f"{landing} with {left}"
        said.append(landing)
    return said


def _simple(kind: str, text: str) -> None:
    """A command without parameters under its own name."""

    @app.command(kind, help=text)
    @plainly
    def command(sortie: Sortie, *, url: Url = URL) -> None:
        _command(sortie, {"kind": kind}, url)


_simple("pause", "Stop the mission, to go on with it later.")
_simple("resume", "Go on with what it flies.")
_simple("hold", "Stop here, whatever it does, a return or a landing too.")
_simple("return", "Home, by the way that was proven.")
_simple("land", "Down, here.")
_simple("abort", "Before take-off: do not fly.")


@app.command()
@plainly
def track(
    sortie: Annotated[str, typer.Argument(metavar="SORTIE", help="A sortie's id.")],
    *,
    form: Annotated[str, typer.Option("--format", help="geojson, kml, csv, mf-json or parquet.")] = "geojson",
    level: Annotated[str | None, typer.Option(help="raw, 1s, 10s or 60s. [default: the finest there is]")] = None,
    to: Annotated[Path | None, typer.Option("-o", "--output", help="[default: SORTIE.FORMAT]")] = None,
    url: Url = URL,
) -> None:
    """Save what was recorded of a flight."""
    path = to or Path(f"{sortie}.{form}")
    asked = f"/sorties/{sortie}/track?format={form}" + (f"&level={level}" if level else "")
    size = _with(url, lambda platform: platform.download(asked, path))
    out.print(f"{path}: {size} bytes", highlight=False)


@app.command()
@plainly
def speed(
    sortie: Sortie,
    mps: Annotated[float, typer.Argument(help="Metres per second over ground.")],
    *,
    preview: Preview = False,
    proven: Annotated[bool, typer.Option("--plan", help="Plan and prove it anew: for more than was proven.")] = False,
    url: Url = URL,
) -> None:
    """Fly slower than proven at once, or faster by a new plan."""
    if proven or preview:
        _divert(sortie, {"kind": "change-speed", "speed_mps": mps}, preview, url)
        return
    _command(sortie, {"kind": "change-speed", "parameters": {"speed_mps": mps}}, url)


@app.command()
@plainly
def goto(
    sortie: Sortie,
    lat: Annotated[float, typer.Argument(min=-85, max=85)],
    lon: Annotated[float, typer.Argument(min=-180, max=180)],
    *,
    alt: Alt = None,
    hold_s: Annotated[float | None, typer.Option("--hold", help="Seconds to stay. [default: 120]")] = None,
    look_at: Annotated[tuple[float, float] | None, typer.Option(help="What to look at: LAT LON.")] = None,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Go to a point and look, by a way that is proven; then home, unless it is sent elsewhere."""
    asked = {"kind": "goto", "lat_deg": lat, "lon_deg": lon, "alt_rel_m": alt, "hold_s": hold_s}
    if look_at is not None:
        asked |= {"look_lat_deg": look_at[0], "look_lon_deg": look_at[1]}
    _divert(sortie, asked, preview, url)


@app.command()
@plainly
def orbit(
    sortie: Sortie,
    lat: Annotated[float, typer.Argument(min=-85, max=85)],
    lon: Annotated[float, typer.Argument(min=-180, max=180)],
    *,
    radius: Annotated[float, typer.Option(help="Metres.")],
    turns: Annotated[float, typer.Option()] = 1.0,
    alt: Alt = None,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Circle a point and look at it."""
    asked = {"kind": "orbit", "lat_deg": lat, "lon_deg": lon, "radius_m": radius, "turns": turns, "alt_rel_m": alt}
    _divert(sortie, asked, preview, url)


@app.command()
@plainly
def altitude(
    sortie: Sortie,
    alt_rel_m: Annotated[float, typer.Argument(help="Metres above home, of the next waypoint.")],
    *,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Fly what is left at another height."""
    _divert(sortie, {"kind": "change-altitude", "alt_rel_m": alt_rel_m}, preview, url)


@app.command()
@plainly
def skip(
    sortie: Sortie,
    waypoint: Annotated[int | None, typer.Argument(min=0, help="0…; absent: where its mission was left.")] = None,
    *,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Go on with its mission from a waypoint."""
    _divert(sortie, {"kind": "skip", "waypoint": waypoint}, preview, url)


@app.command()
@plainly
def replace(
    sortie: Sortie,
    mission: Annotated[str, typer.Argument(help="A stored mission.")],
    *,
    revision: Annotated[int | None, typer.Option(min=1, help="[default: the newest]")] = None,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Fly another mission instead, from where it is."""
    _divert(sortie, {"kind": "replace", "mission_id": mission, "revision": revision}, preview, url)


@app.command("continue")
@plainly
def continue_(
    sortie: Annotated[str, typer.Argument(metavar="SORTIE", help="The id of a sortie that was broken off.")],
    *,
    vehicle: Annotated[str | None, typer.Option(help="[default: the one that broke it off]")] = None,
    preview: Preview = False,
    url: Url = URL,
) -> None:
    """Launch a new sortie that goes on where this one was broken off."""
    if preview:
        path = f"/sorties/{sortie}/continue/preview"
        would = _with(url, lambda it: it.post(path, {"vehicle_id": vehicle}))
        _tell_plan(f"{would['vehicle_id']} would fly {would['name']}", would["plan"])
        return
    key = {"Idempotency-Key": new_id("continue")}
    made = _with(url, lambda it: it.post(f"/sorties/{sortie}/continue", {"vehicle_id": vehicle}, key))
    out.print(f"{made['sortie_id']} is {made['state']}; it goes on where {sortie} was broken off.", highlight=False)


def _command(sortie: str, body: Json, url: str) -> None:
    async def send(platform: Platform) -> Json:
        found = await _find(platform, sortie)
        key = {"Idempotency-Key": new_id("sortie")}
        return await platform.post(f"/vehicles/{found['vehicle_id']}/commands", body, key)

    done = _with(url, send)
    out.print(f"{done['kind']}: {done['state']}, {done['result']}", highlight=False)


def _divert(sortie: str, asked: Json, preview: bool, url: str) -> None:
    async def send(platform: Platform) -> Json:
        found = await _find(platform, sortie)
        told = {name: value for name, value in asked.items() if value is not None}
        return await platform.post(
            f"/sorties/{found['sortie_id']}/diversions", told | {"execute": not preview}, timeout_s=EXECUTE_TIMEOUT_S
        )

    made = _with(url, send)
    _tell_plan(f"{made['diversion_id']} ({made['kind']}): {made['state']}", made["plan"])


def _tell_plan(what: str, plan: Json) -> None:
    """One line, and one for each reason against it; with those the command ends with exit code 2."""
    length = f"{plan['length_m']:.0f} m, {plan['duration_s']:.0f} s, battery {plan['battery_p95_pct']:.0f} %"
    out.print(f"{what}; {length} with reserve", highlight=False)
    for conflict in plan["conflicts"]:
        err.print(f"  {conflict['detail']}")
    if plan["conflicts"]:
        raise typer.Exit(2)


async def _find(platform: Platform, name: str) -> Json:
    """The sortie of that id, or the one that the vehicle of that id flies. Raises PlatformError."""
    try:
        return await platform.get(f"/sorties/{name}")
    except PlatformError as error:
        if not str(error.problem.get("type", "")).endswith("not-found"):
            raise
    flying = (await platform.get(f"/vehicles/{name}"))["sortie_id"]
    if flying is None:
        raise PlatformError(f"Vehicle {name} flies no sortie.")
    return await platform.get(f"/sorties/{flying}")


def _with(url: str, work: Callable[[Platform], Awaitable[Any]]) -> Any:
    """Does `work` with the platform at `url`."""

    async def run() -> Any:
        async with Platform(url) as platform:
            return await work(platform)

    return asyncio.run(run())
