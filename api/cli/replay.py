"""`bailu replay`: a recorded sortie, or some hours of the whole fleet, played as they were flown."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.live import Live

from api.cli.text import out, plainly
from api.cli.watch import table
from api.client import Platform, PlatformError

Json = dict[str, Any]
URL = "http://127.0.0.1:8420"
_LOOK_S = 0.5


@plainly
def replay(
    sortie: Annotated[str | None, typer.Argument(metavar="[SORTIE]", help="A sortie's id.")] = None,
    *,
    from_at: Annotated[
        datetime | None, typer.Option("--from", help="Of all vehicles, from when (local time).")
    ] = None,
    to_at: Annotated[datetime | None, typer.Option("--to", help="Until when.")] = None,
    speed: Annotated[float, typer.Option(min=1, max=60, help="Seconds of the recording in one of ours.")] = 1.0,
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = URL,
) -> None:
    """Play a recording as a live table until its end or Ctrl-C; its stream is there for others meanwhile."""
    asked: Json = {"speed": speed}
    if sortie is not None:
        asked["sortie_id"] = sortie
    for name, at in (("from", from_at), ("to", to_at)):
        if at is not None:
            asked[name] = at.astimezone().isoformat()
    with suppress(KeyboardInterrupt):
        asyncio.run(_replay(url, asked))


async def _replay(url: str, asked: Json) -> None:
    async with Platform(url) as platform:
        made = await platform.post("/replays", asked)
        path = f"/replays/{made['replay_id']}"
        out.print(f"{made['from']} … {made['to']} on {platform.url}{made['stream']}", highlight=False, markup=False)
        try:
            shown = asyncio.create_task(_show(platform, made))
            while not (await platform.get(path))["over"] and not shown.done():  # noqa: ASYNC110 - no event comes
                await asyncio.sleep(_LOOK_S)
            shown.cancel()
            with suppress(asyncio.CancelledError):
                await shown
        finally:
            with suppress(PlatformError):  # it has ended by itself
                await platform.call("DELETE", path)


async def _show(platform: Platform, made: Json) -> None:
    vehicles: dict[str, Json] = {}
    with Live(console=out, refresh_per_second=5, screen=False) as live:
        async for frame in platform.frames(rate_hz=2.0, replay=made["replay_id"]):
            if frame["type"] == "snapshot":
                vehicles.clear()
            vehicles.update((each["vehicle_id"], each) for each in frame.get("vehicles", []))
            at = max((each["last_heard_at"] or "" for each in vehicles.values()), default="")
            live.update(table(vehicles, f"{made['speed']:g}× · {at[:19]}"))
