"""`bailu zones` against a platform that serves: what it says, and failures in one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.zones import app
from api.reviews import running_reviewer
from api.runtime import listen
from api.webserver import serving
from tests.api.conftest import World
from tests.api.test_airspace import circle, collection
from tests.samples import REQUEST, a_feature


@pytest.fixture
async def url(world: World) -> AsyncIterator[str]:
    async with serving(world.app, listen("127.0.0.1", 0)) as server, running_reviewer(world.app.state.reviewer):
        yield server.url


def file_of(tmp_path: Path, *zones: dict[str, Any]) -> str:
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps(collection(*zones)), encoding="utf-8")
    return str(path)


async def run(*arguments: str) -> Any:
    """The command in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(arguments)))


async def test_a_zone_is_added_and_taken_out_and_the_harm_is_told(world: World, url: str, tmp_path: Path) -> None:
    await world.mission(a_feature())
    zone = circle("event", radius_m=20, band={}, kind="temporary-event")
    zone["geometry"]["coordinates"] = [REQUEST.line[1].lon_deg, REQUEST.line[1].lat_deg]
    added = await run("add", file_of(tmp_path, zone), "--note", "活动", "--url", url)
    assert added.exit_code == 0, added.output
    assert "airspace version 2 with 9 zones" in added.stdout
    told = " ".join(added.stderr.split())
    assert "24 h" in told
    assert "(planned)" in told
    again = await run("add", file_of(tmp_path, zone), "--note", "n", "--url", url)
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "zones.geojson: /add/features/0/id: airspace version 2 has 'event'" in again.stderr
    assert (await run("add", file_of(tmp_path, zone), "--note", "n", "--replace", "--url", url)).exit_code == 0
    removed = await run("remove", "event", "--note", "over", "--url", url)
    assert "airspace version 4 with 8 zones" in removed.stdout
    listed = await run("list", "--url", url)
    assert "airspace version 4" in listed.stdout
    assert "qingpu" in listed.stdout


async def test_a_whole_airspace_is_published_and_refusals_name_the_place(
    world: World, url: str, tmp_path: Path
) -> None:
    zones = (await world.http.get("/zones")).json()["features"]
    at = "2026-01-02T00:00:00+00:00"
    made = await run("publish", file_of(tmp_path, *zones), "--note", "same", "--effective-at", at, "--url", url)
    assert made.exit_code == 0, made.output
    assert "version 2 with 8 zones, from 2026-01-02" in made.stdout
    wrong = await run("publish", file_of(tmp_path, circle("only")), "--note", "n", "--url", url)
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert wrong.stderr.startswith("bailu: ")
    assert "no zone is an inclusion" in wrong.stderr
    missing = await run("publish", str(tmp_path / "nope.geojson"), "--note", "n", "--url", url)
    assert "nope.geojson: No such file" in missing.stderr


async def test_a_platform_that_is_not_there_is_named(tmp_path: Path) -> None:
    answer = await run("list", "--url", "http://127.0.0.1:9")
    assert (answer.exit_code, "does not answer" in answer.stderr) == (1, True)
