"""How links do, over the API and on the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.cli.links import table
from core.clock import ManualClock
from telemetry.links import LinkCondition, LinkHealth
from telemetry.messages import LinksTick
from tests.api.conftest import World

AT = ManualClock().now()
RADIO = LinkHealth(
    "radio", "serial:/dev/ttyUSB0:57600", LinkCondition.UP, AT, connects=1, rx_bytes=123, frames=7, lost_share=0.125
)


async def test_the_links_of_every_gateway_are_listed_as_they_last_were(world: World) -> None:
    assert (await world.http.get("/links")).json() == {"gateways": []}
    down = replace(RADIO, state=LinkCondition.DOWN, why="unplugged")
    for tick in (
        LinksTick("north", AT, (RADIO,), heart=True),
        LinksTick("north", AT, (down,), heart=True),
        LinksTick("south", AT, (), heart=False),
    ):
        world.hub.links_tick(tick)
    gateways = (await world.http.get("/links")).json()["gateways"]
    (north, south) = gateways
    assert (north["gateway"], north["heart"], south["heart"]) == ("north", True, False)
    (link,) = north["links"]
    assert (link["name"], link["state"], link["why"], link["lost_share"]) == ("radio", "down", "unplugged", 0.125)


@pytest.mark.parametrize(("share", "shown"), [(None, "–"), (0.125, "12.5 %")])
def test_what_is_not_known_yet_is_a_dash(share: float | None, shown: str) -> None:
    link = {name: getattr(RADIO, name) for name in RADIO.__slots__} | {"state": "up", "lost_share": share}
    rows = table({"gateway": "north", "at": AT.isoformat(), "links": [link], "heart": True})
    cells = [str(next(iter(column.cells))) for column in rows.columns]
    assert f"{shown}\n0 bad" in cells
    assert "123 B\n0 B" in cells
