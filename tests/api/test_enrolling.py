"""Signing keys that cannot be read: the vehicle is not heard, somebody is told what to do, and all else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.bus_local import LocalBus
from adapters.keyring import KeyRing, KeyRingError
from adapters.sqlite import SqliteStore, open_store
from api.enrolling import StoredRoster
from api.main import stream_hub
from api.settings import Settings
from core.clock import SystemClock
from core.ids import DockId, VehicleId
from missions.enrollment import Enrollment, SigningPolicy, WrappedKeys
from missions.fleet import default_docks
from operations.alarms import Alarm
from telemetry import members
from telemetry.gateway import running_gateway
from telemetry.stream.feed import running_hub

DOCKS = {dock.id: dock for dock in default_docks()}
SIGNS = Enrollment(
    VehicleId("bl-11"), "十一", ("a",), 11, DockId("dock-xiayang"), "quad-3kg", datetime(2026, 11, 1, tzinfo=UTC),
    signing=SigningPolicy.REQUIRE, has_key=True,
)  # fmt: skip
KEY = bytes(range(32))
FORMER, OURS = KeyRing(b"f" * 32, "former"), KeyRing(b"o" * 32, "keys.key")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path / "bailu.db") as opened:
        yield opened


def keys(ring: KeyRing, *, of: Enrollment = SIGNS) -> WrappedKeys:
    return WrappedKeys(ring.wrap(of.id, KEY), None)


def roster(store: SqliteStore, ring: KeyRing | KeyRingError = OURS) -> StoredRoster:
    return StoredRoster([], store, ring, DOCKS)


async def test_a_key_that_opens_is_the_vehicles_and_nothing_is_told(store: SqliteStore) -> None:
    await store.save_enrollment(SIGNS, keys(OURS))
    (config,) = await roster(store).changed() or ()
    assert (config.key, config.key_trouble) == (KEY, "")


@pytest.mark.parametrize("ring", [OURS, KeyRingError("The key file cannot be read.")])
async def test_a_key_that_does_not_open_is_told_with_what_to_do(
    store: SqliteStore, ring: KeyRing | KeyRingError
) -> None:
    await store.save_enrollment(SIGNS, keys(FORMER))
    (config,) = await roster(store, ring).changed() or ()
    assert config.key is None
    assert "rotate-key bl-11 --lost" in config.key_trouble or "cannot be read" in config.key_trouble


async def test_one_that_does_not_sign_needs_no_key(store: SqliteStore) -> None:
    off = replace(SIGNS, signing=SigningPolicy.OFF)
    await store.save_enrollment(off, keys(FORMER))
    await store.save_enrollment(replace(off, id=VehicleId("bl-12"), system_id=12, has_key=False))
    for ring in (OURS, KeyRingError("lost")):
        configs = await roster(store, ring).changed() or ()
        assert [config.key_trouble for config in configs] == ["", ""]


async def test_a_vehicle_that_changes_its_unit_is_another_units_on_the_stream_without_a_restart(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "LOOK_EVERY_S", 0.05)
    off = replace(SIGNS, signing=SigningPolicy.OFF, has_key=False, unit="north")
    await store.save_enrollment(off)
    bus, clock = LocalBus(), SystemClock()
    hub = stream_hub(Settings(data_dir=tmp_path, vehicles=()), clock)
    gateway = running_gateway(
        name="g", links=[], vehicles=[], bus=bus, store=store, alarms=store, clock=clock, data_dir=tmp_path,
        roster=roster(store),
    )  # fmt: skip

    async def until(unit: str) -> None:
        async with asyncio.timeout(5):
            while hub.unit(SIGNS.id) != unit:  # noqa: ASYNC110 - told with the next tick
                await asyncio.sleep(0.02)

    async with gateway, running_hub(hub, bus=bus, store=store):
        await until("north")
        await store.save_enrollment(replace(off, unit="south", row_revision=2))
        await until("south")
        assert hub.vehicle(SIGNS.id).unit == "south"


async def alarms(store: SqliteStore, *, open_only: bool) -> list[Alarm]:
    return list(await store.alarms(limit=10, open_only=open_only))


async def test_a_lost_key_is_a_critical_alarm_until_there_is_another_one(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "LOOK_EVERY_S", 0.05)
    await store.save_enrollment(SIGNS, keys(FORMER))

    async def until(wanted: int) -> list[Alarm]:
        async with asyncio.timeout(5):
            while len(found := await alarms(store, open_only=True)) != wanted:  # noqa: ASYNC110 - stored by a task
                await asyncio.sleep(0.02)
        return found

    gateway = running_gateway(
        name="g", links=[], vehicles=[], bus=LocalBus(), store=store, alarms=store, clock=SystemClock(),
        data_dir=tmp_path, roster=roster(store),
    )  # fmt: skip
    async with gateway:
        (told,) = await until(1)
        assert (told.kind, told.severity, told.vehicle_id) == ("signing-key", "critical", SIGNS.id)
        assert "bailu vehicle rotate-key bl-11 --lost" in told.text
        await store.save_enrollment(replace(SIGNS, row_revision=2), keys(OURS))
        assert await until(0) == []
