"""Health and readiness tell the truth: each thing that breaks is named, and comes back."""

from __future__ import annotations

import asyncio
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import readiness
from api.readiness import ClockWatch
from core.clock import ManualClock
from core.errors import Overloaded
from telemetry.messages import LinksTick, Pulse, pulse_subject
from tests.api.conftest import World
from tests.docs.reading import ROOT, first_cells

OPERATIONS = ROOT / "docs" / "operations.md"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
async def well(world: World) -> AsyncIterator[World]:
    """A platform that lacks nothing: its gateway ticks, its heart beats, its bus answers."""
    world.tick()
    beating(world)
    async with world.bus.serve(pulse_subject("roof"), Pulse, _answer):
        yield world


async def _answer(pulse: Pulse) -> Pulse:
    return pulse


def beating(world: World, heart: bool = True) -> None:
    world.hub.links_tick(LinksTick("roof", world.clock.now(), (), heart=heart))


async def failing(world: World) -> dict[str, str]:
    """What is in the way, by check; {} when it is ready."""
    answer = await world.http.get("/ready")
    body: dict[str, Any] = answer.json()
    if answer.status_code == 200:
        assert body["ready"] is True
        assert all(check["ok"] for check in body["checks"])
        return {}
    assert (answer.status_code, body["type"]) == (503, "urn:bailu:problem:not-ready")
    assert answer.headers["content-type"] == "application/problem+json"
    found = {check["check"]: check["detail"] for check in body["checks"] if not check["ok"]}
    assert body["detail"] == " · ".join(f"{check}: {detail}" for check, detail in found.items())
    return found


async def test_a_platform_that_lacks_nothing_is_ready(well: World) -> None:
    assert await failing(well) == {}


async def test_every_check_is_documented_with_what_to_do(well: World) -> None:
    checks = (await well.http.get("/ready")).json()["checks"]
    documented = first_cells(OPERATIONS, "## What a failing check of /ready means")
    assert sorted(documented) == sorted(check["check"] for check in checks)


async def test_health_asks_nothing_but_the_process(world: World) -> None:
    answer = await world.http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_health_tells_on_whose_record_has_gaps(world: World) -> None:
    for recording in (True, False, True):
        world.hub.links_tick(LinksTick("roof", world.clock.now(), (), heart=True, recording=recording))
        body = (await world.http.get("/health")).json()
        assert body["status"] == "ok"
        assert body["degraded"] == ([] if recording else ["recording: not everything of roof is recorded"])


async def test_a_gateway_that_was_never_heard_or_has_fallen_silent_is_named(world: World) -> None:
    assert await failing(world) == {"gateway": "no gateway was heard yet"}
    world.tick()
    assert await failing(world) == {}
    world.clock.advance(10)
    assert await failing(world) == {"gateway": "no gateway was heard for 10 s"}


async def test_a_heart_that_does_not_beat_is_named(well: World) -> None:
    beating(well, heart=False)
    assert set(await failing(well)) == {"heart"}
    beating(well)
    assert await failing(well) == {}


async def test_a_bus_that_nobody_answers_on_is_named(world: World) -> None:
    world.tick()
    beating(world)
    assert set(await failing(world)) == {"bus"}


async def test_a_bus_that_hangs_is_named_within_the_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "WITHIN_S", 0.05)
    world.tick()
    beating(world)

    async def never(_: Pulse) -> Pulse:
        await asyncio.Event().wait()
        raise AssertionError

    async with world.bus.serve(pulse_subject("roof"), Pulse, never):
        assert await failing(world) == {"bus": "no answer within 0.05 s"}


async def test_a_store_that_takes_nothing_is_named(well: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full() -> None:
        raise Overloaded("The disk does not take the data (full)")

    monkeypatch.setattr(well.store, "prove_writable", full)
    assert await failing(well) == {"store": "The disk does not take the data (full); try again shortly."}


async def test_a_disk_below_its_floor_is_named_and_one_at_it_is_not(
    well: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, 255 << 20))
    assert await failing(well) == {"disk": "255 MiB are free; the floor is 256 MiB"}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, 256 << 20))
    assert await failing(well) == {}


async def test_a_data_folder_that_has_gone_is_named(tmp_path: Path) -> None:
    check = await readiness.disk_has_room(tmp_path / "gone", 0)
    assert (check.ok, "No such file" in check.detail) == (False, True)


class _Hands(ManualClock):
    """A clock whose wall hand can be set."""

    stepped = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.stepped


def test_a_clock_that_stepped_is_told_for_a_minute() -> None:
    clock = _Hands()
    watch = ClockWatch(clock)
    clock.advance(3600)
    assert watch.check().ok
    clock.stepped = timedelta(seconds=-2)
    assert (watch.check().ok, watch.check().detail) == (False, "the machine's clock stepped by -2.0 s")
    clock.advance(59)
    assert not watch.check().ok
    clock.advance(2)
    assert watch.check().ok


def test_a_clock_that_was_never_set_is_named() -> None:
    check = ClockWatch(ManualClock(datetime(1970, 1, 1, tzinfo=UTC))).check()
    assert (check.ok, check.detail) == (False, "the machine's clock says 1970-01-01")


async def test_proving_that_the_store_writes_changes_nothing_and_goes_to_the_disk(world: World) -> None:
    file = world.settings.database
    wal = file.with_name(file.name + "-wal")
    before = wal.stat().st_size
    await asyncio.gather(world.store.prove_writable(), world.store.prove_writable())
    assert wal.stat().st_size > before
    assert (await world.store.airspace()).version == 1
