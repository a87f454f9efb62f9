"""`bailu patrol`: one mission from a file to the landing, over the public API like any other client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.cli import flight
from api.cli.options import Sitl, Speedup, Url
from api.cli.private import private_platform
from api.cli.text import err, fail, plainly
from api.client import Platform, PlatformError
from simulator.sitl import find_binary

CONFLICTS_EXIT = 2
INTERRUPTED_EXIT = 130


@plainly
def patrol(
    file: Annotated[Path, typer.Argument(help="The mission as a GeoJSON Feature (Polygon or LineString).")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON on stdout.")] = False,
    sitl: Sitl = False,
    speedup: Speedup = None,
    url: Url = None,
    vehicle: Annotated[
        str | None, typer.Option("--vehicle", help="Which one. [default: the one at the dock]")
    ] = None,
) -> None:
    """Fly one mission and report how it went; without --url on a private platform with simulated vehicles.

    Exit code 0: completed. 1: anything else. 2: the plan has conflicts, nothing flew. Ctrl-C in flight commands the
    return; a second Ctrl-C leaves the vehicle to the platform.
    """
    feature = flight.read_feature(file)
    if sitl:
        find_binary(os.environ)
    if url is not None and speedup is not None:
        raise fail("--speedup belongs to a private platform; the one at --url has its own.")
    code = asyncio.run(_patrol(feature, file, as_json=as_json, sitl=sitl, speedup=speedup, url=url, wanted=vehicle))
    if code:
        raise typer.Exit(code)


async def _patrol(
    feature: object,
    file: Path,
    *,
    as_json: bool,
    sitl: bool,
    speedup: float | None,
    url: str | None,
    wanted: str | None,
) -> int:
    try:
        async with _platform(url, speedup or 1.0, sitl) as address, Platform(address) as platform:
            pace = float((await platform.get("/health"))["speedup"])
            result = await _Patrol(platform, pace).fly(feature, file, wanted)
    except flight.PlanRefused as refused:
        _tell_conflicts(refused.conflicts)
        return _end({"outcome": "conflicts", "conflicts": refused.conflicts}, as_json, CONFLICTS_EXIT)
    except PlatformError as error:
        fail(str(error))
        return _end({"outcome": "error", "problem": error.problem or {"detail": str(error)}}, as_json, 1)
    except asyncio.CancelledError:
        return _end({"outcome": "interrupted"}, as_json, INTERRUPTED_EXIT)
    _tell_summary(result)
    return _end(result, as_json, 0 if result["outcome"] == "completed" else 1)


@asynccontextmanager
async def _platform(url: str | None, speedup: float, sitl: bool) -> AsyncIterator[str]:
    if url is not None:
        yield url
        return
    err.print("Starting a private platform …")
    async with private_platform(speedup=speedup, sitl=sitl) as address:
        yield address


class _Patrol:
    """One run: what Ctrl-C means depends on how far it is."""

    def __init__(self, platform: Platform, speedup: float) -> None:
        self._platform = platform
        self._speedup = speedup
        self._flying = flight.Progress()
        self._returning: asyncio.Task[None] | None = None

    async def fly(self, feature: object, file: Path, wanted: str | None) -> dict[str, Any]:
        """The summary of a flight that ended, however it went."""
        with self._on_interrupt():
            mission = await flight.make_mission(self._platform, feature, file)
            plan = mission["latest"]["plan"]
            vehicle_id = await flight.choose_vehicle(self._platform, plan["dock_id"], wanted)
            err.print(
                f"Mission {mission['mission_id']}: {plan['waypoints_total']} waypoints, {plan['length_m']:.0f} m"
            )
            err.print(flight.proof_line(flight.proof(plan)), markup=False)
            vehicle = await flight.wait_ready(self._platform, vehicle_id)
            self._flying.sortie = await flight.launch(self._platform, mission, vehicle_id)
            err.print(f"Sortie {self._flying.sortie['sortie_id']}: {vehicle_id} ({vehicle['firmware']})")
            sortie = await self._follow(plan)
        return flight.summary(sortie, mission, self._flying.vehicle or vehicle, self._speedup)

    async def _follow(self, plan: dict[str, Any]) -> dict[str, Any]:
        columns = (TextColumn("{task.description:<12}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err) as bar:
            task = bar.add_task("planned", total=plan["waypoints_total"])

            def show(progress: flight.Progress) -> None:
                sortie = progress.sortie
                bar.update(task, completed=sortie["waypoints_reached"], description=sortie["state"])

            deadline_s = flight.deadline_s(plan, self._speedup)
            return await flight.follow(self._platform, self._flying, deadline_s=deadline_s, show=show)

    @contextlib.contextmanager
    def _on_interrupt(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        this = asyncio.current_task()
        assert this is not None
        loop.add_signal_handler(signal.SIGINT, self._interrupted, this)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _interrupted(self, main: asyncio.Task[Any]) -> None:
        """First in flight: the vehicle is called back. Before that, or again: leave."""
        if not self._flying.sortie or self._returning is not None:
            main.cancel()
            return
        err.print("Calling the vehicle back; Ctrl-C again leaves without waiting for it.")
        self._returning = asyncio.create_task(self._call_back(), name="return")

    async def _call_back(self) -> None:
        try:
            await self._platform.post(f"/vehicles/{self._flying.sortie['vehicle_id']}/commands", {"kind": "return"})
        except PlatformError as error:
            err.print(f"The vehicle was not called back: {error}")


def _end(result: dict[str, Any], as_json: bool, code: int) -> int:
    if as_json:
        print(json.dumps(result, ensure_ascii=False), flush=True)
    return code


def _tell_conflicts(conflicts: list[dict[str, Any]]) -> None:
    fail(f"the plan has {len(conflicts)} conflict(s), nothing was stored:")
    for conflict in conflicts:
        err.print(f"  {conflict['code']} ({conflict['pointer']}): {conflict['detail']}", markup=False)


def _tell_summary(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['vehicle_id']} · {result['outcome']}", show_header=False)
    told = ("autopilot", "upload_verified", "breaches", "duration_s", "planned_duration_s", "distance_m",
            "planned_distance_m", "battery_used_pct", "sortie_id")  # fmt: skip
    table.add_row("waypoints", f"{result['waypoints_reached']} of {result['waypoints_total']}")
    for name in told:
        table.add_row(name, str(result[name]))
    if result["problem"]:
        table.add_row("problem", str(result["problem"].get("detail")))
    err.print(table)
