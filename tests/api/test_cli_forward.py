"""`bailu forward` against a platform that serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.forward import app
from api.runtime import listen
from api.webserver import serving
from operations.forwarding.ports import Progress, State
from operations.forwarding.rules import RuleId
from tests.api.conftest import World


@pytest.fixture
async def url(world: World) -> AsyncIterator[str]:
    async with serving(world.app, listen("127.0.0.1", 0)) as server:
        yield server.url


async def run(*arguments: str, **env: str) -> Any:
    """The command in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(arguments), env=env))


async def test_a_rule_is_added_listed_paused_resumed_shown_and_removed(url: str, tmp_path: Path) -> None:
    area = tmp_path / "town.geojson"
    ring = [[121.0, 31.1], [121.1, 31.1], [121.1, 31.2], [121.0, 31.1]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    area.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": polygon}))
    told = ("--id", "town", "--what", "alarms", "--what", "events", "--severity", "critical", "--area", str(area))
    secrets = json.dumps({"password": "s3cret"})
    target = ("mqtt://broker.example", "--username", "bailu", "--mqtt-version", "3.1.1")
    added = await run("add", *target, *told, "--url", url, BAILU_FORWARD_SECRETS=secrets)
    assert added.exit_code == 0, added.output
    assert "town: alarms, events → mqtt://broker.example" in added.stdout
    assert "in the clear" in added.stderr
    assert (await run("pause", "town", "--url", url)).exit_code == 0
    assert "paused" in (await run("list", "--url", url)).stdout
    assert (await run("resume", "town", "--url", url)).exit_code == 0
    shown = json.loads((await run("show", "town", "--url", url)).stdout)
    assert (shown["paused"], shown["revision"], shown["filter"]["area"]) == (False, 3, polygon)
    assert (shown["target"]["version"], shown["target"]["secrets"]) == ("3.1.1", ["password"])
    assert (await run("remove", "town", "--url", url)).exit_code == 0
    gone = await run("show", "town", "--url", url)
    assert (gone.exit_code, gone.stderr.count("\n")) == (1, 1)


async def test_a_target_that_is_away_is_an_exit_code(world: World, url: str) -> None:
    assert (
        await run("add", "https://city.example/in", "--id", "city", "--what", "alarms", "--url", url)
    ).exit_code == 0
    assert (await run("list", "--url", url)).exit_code == 0
    away = {RuleId("city"): Progress(State.AWAY, error="HTTP 503", error_at=world.clock.now())}
    await world.app.state.forwarding.spool.report(away)
    listed = await run("list", "--url", url)
    assert listed.exit_code == 2
    assert "HTTP 503" in listed.stdout


async def test_what_is_wrong_is_told_in_one_sentence(url: str, tmp_path: Path) -> None:
    wrong = await run("add", "ftp://city.example", "--what", "alarms", "--url", url)
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert "/target/url: must begin with https:// or http://" in wrong.stderr
    secrets = tmp_path / "secrets.json"
    secrets.write_text("token=x")
    unread = await run("add", "https://a.example", "--what", "alarms", "--secrets", str(secrets), "--url", url)
    assert "is not JSON" in unread.stderr
