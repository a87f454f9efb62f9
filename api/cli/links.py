"""`bailu links`: how the links of a running platform do."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from api.cli.text import err, out, plainly
from api.client import Platform, PlatformError

COLUMNS = ("link", "state", "in/out", "frames", "lost", "echo", "kept out")
DOWN_EXIT = 2


@plainly
def links(
    url: Annotated[str, typer.Option("--url", help="A running platform.")] = "http://127.0.0.1:8420",
) -> None:
    """Show how every link does: state, traffic, damage, loss, round trip.

    Exit code 0: all are up and heartbeats go out. 2: not all of that. 1: the platform does not answer.
    """
    gateways = asyncio.run(_asked(url))
    for gateway in gateways:
        out.print(table(gateway))
        for link in gateway["links"]:
            if link["why"]:
                out.print(f"{link['name']}: {link['why']}", markup=False, highlight=False)
        if not gateway["heart"]:
            err.print(f"No heartbeats go out from {gateway['gateway']}: its vehicles act on their own.")
    if not all(map(_is_well, gateways)):
        raise typer.Exit(DOWN_EXIT)


async def _asked(url: str) -> list[dict[str, Any]]:
    async with Platform(url) as platform:
        gateways: list[dict[str, Any]] = (await platform.get("/links"))["gateways"]
    if not gateways:
        raise PlatformError(f"{platform.url} has not heard of any gateway yet")
    return gateways


def _is_well(gateway: dict[str, Any]) -> bool:
    return bool(gateway["heart"]) and all(link["state"] != "down" for link in gateway["links"])


def table(gateway: dict[str, Any]) -> Table:
    """Two lines per link, narrow enough for any terminal; a dash is what is not known yet."""
    rows = Table(title=f"{gateway['gateway']} · {gateway['at'][:19]}", box=SIMPLE)
    for name in COLUMNS:
        rows.add_column(name, no_wrap=True)
    for link in gateway["links"]:
        lost, rtt_s = link["lost_share"], link["rtt_s"]
        rows.add_row(
            f"{link['name']}\n{link['url']}",
            link["state"],
            f"{_size(link['rx_bytes'])}\n{_size(link['tx_bytes'])}",
            f"{link['frames']}\n{link['duplicates']} twice",
            ("–" if lost is None else f"{100 * lost:.1f} %") + f"\n{link['bad_crc']} bad",
            "–" if rtt_s is None else f"{1000 * rtt_s:.0f} ms",
            f"{link['oversized'] + link['refused']}\n{link['unsent']} unsent",
        )
    return rows


def _size(count: int) -> str:
    return (
        f"{count} B"
        if count < 10_000
        else f"{count / 1000:.0f} kB"
        if count < 10_000_000
        else f"{count / 1e6:.0f} MB"
    )
