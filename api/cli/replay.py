"""`bailu replay`: a recorded sortie, or some hours of the whole fleet, played as they were flown."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.live import Live

from api.cli.text import fail, out, plainly
from api.cli.watch import table
from api.client import Platform, PlatformError

Json = dict[str, Any]
URL = "http://127.0.0.1:8420"
_LOOK_S = 0.5


def _moment(text: str) -> datetime:
    """A time that is the same one everywhere. Raises typer.BadParameter."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-03-01T08:30:00Z") from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no zone, such as Z or +08:00")
    return at


@plainly
def replay(
    sortie: Annotated[str | None, typer.Argument(metavar="[SORTIE]", help="A sortie's id.")] = None,
    *,
    from_at: Annotated[
        datetime | None, typer.Option("--from", help="Of all vehicles, from when (local time).")
    ] = None,
    to_at: Annotated[datetime | None, typer.Option("--to", help="Until when.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=_moment, metavar="TIME", help="Begin at this moment of it (ISO 8601 with a zone)."),
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=60, help="Seconds of the recording in one of ours.")] = 1.0,
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = URL,
) -> None:
    """Play a recording as a live table, with what happened, until its end or Ctrl-C; others may see it meanwhile."""
    asked: Json = {"speed": speed}
    if sortie is not None:
        asked["sortie_id"] = sortie
    for name, end in (("from", from_at), ("to", to_at)):
        if end is not None:
            asked[name] = end.astimezone().isoformat()
    with suppress(KeyboardInterrupt):
        asyncio.run(_replay(url, asked, at))


async def _replay(url: str, asked: Json, at: datetime | None) -> None:
    async with Platform(url) as platform:
        made = await platform.post("/replays", asked)
        path = f"/replays/{made['replay_id']}"
        out.print(f"{made['from']} … {made['to']} on {platform.url}{made['stream']}", highlight=False, markup=False)
        try:
            if at is not None:
                made = await platform.call("PATCH", path, {"at": _within(made, at)})
            shown = asyncio.create_task(_show(platform, made))
            while not (await platform.get(path))["over"] and not shown.done():  # noqa: ASYNC110 - no event comes
                await asyncio.sleep(_LOOK_S)
            shown.cancel()
            with suppress(asyncio.CancelledError):
                await shown
        finally:
            with suppress(PlatformError):  # it has ended by itself
                await platform.call("DELETE", path)


def _within(made: Json, at: datetime) -> str:
    """The moment to go to. Raises typer.Exit outside of the recording: the platform would go to its nearest end."""
    if not datetime.fromisoformat(made["from"]) <= at <= datetime.fromisoformat(made["to"]):
        raise fail(f"{at.isoformat()} is outside of the recording, {made['from']} … {made['to']}")
    return at.isoformat()


def told(frame: Json) -> str | None:
    """A line of what happened, with its time in the recording; None for a frame that is no news."""
    match frame["type"]:
        case "event":
            event = frame["event"]
            return f"{event['at'][:19]} {event['severity']}: {event['text']}"
        case "sortie":
            sortie = frame["sortie"]
            at = sortie["transitions"][-1]["at"] if sortie["transitions"] else sortie["created_at"]
            return f"{at[:19]} {sortie['vehicle_id']} sortie {sortie['state']}"
        case "alarm":
            alarm = frame["alarm"]
            at, now = (alarm["ended_at"], "is over") if alarm["ended_at"] else (alarm["began_at"], "begins")
            return f"{at[:19]} {alarm['vehicle_id']} alarm {now}: {alarm['text']}"
        case "command":
            command = frame["command"]
            at = command["finished_at"] or command["issued_at"]
            return (
                f"{at[:19]} {command['vehicle_id']} {command['kind']} of {command['issued_by']}: {command['state']}"
            )
        case _:
            return None


async def _show(platform: Platform, made: Json) -> None:
    vehicles: dict[str, Json] = {}
    at: str = made["at"]
    with Live(console=out, refresh_per_second=5, screen=False) as live:
        async for frame in platform.frames(rate_hz=2.0, replay=made["replay_id"]):
            if frame["type"] == "snapshot":
                vehicles.clear()
            vehicles.update((each["vehicle_id"], each) for each in frame.get("vehicles", []))
            if (line := told(frame)) is not None:
                live.console.print(line, markup=False, highlight=False)
            at = frame.get("at", at)
            live.update(table(vehicles, f"{made['speed']:g}× · {at[:19]}"))
