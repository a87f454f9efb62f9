"""The watch over a whole fleet: looking only at who is worth it finds what looking at everybody finds."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.clock import ManualClock, SystemClock
from core.errors import Overloaded
from core.geo import LatLon
from core.ids import SortieId, VehicleId, ZoneId
from geofence.window import Validity
from geofence.zones import Airspace, CircleShape, Role, Zone
from missions.model import Sortie, SortieState
from operations.alarms import Alarm, AlarmKind, Severity
from telemetry.alarms.attention import Attention
from telemetry.alarms.book import AlarmBook
from telemetry.alarms.rules import Limits, Watched, sightings
from telemetry.columns import FleetView, rows
from telemetry.messages import LinkState, VehicleState
from telemetry.trespass import Trespass
from tests.samples import a_sortie
from tests.telemetry.test_alarms import WELL, flying, kinds
from tests.telemetry.ticks import Ticker

CHANGES: tuple[dict[str, Any], ...] = (
    {"link": LinkState.LOST},
    {"link": LinkState.STALE},
    {"position_age_s": 3.5},
    {"battery_pct": 29.0},
    {"battery_pct": 12.0},
    {"battery_pct": None},
    {"gps_fix": 1},
    {"satellites": 5},
    {"hdop": 2.4},
    {"position_ok": False},
    {"vibration_mps2": 35.0},
    {"fence_enabled": False},
    {"fence_breached": True},
    {"armed": False},
    *({} for _ in range(14)),
)


def told(alarms: list[Alarm]) -> list[tuple[VehicleId, AlarmKind, Severity, str, bool]]:
    return sorted((each.vehicle_id, each.kind, each.severity, each.text, each.is_open) for each in alarms)


@pytest.mark.parametrize("seed", range(8))
def test_who_is_not_looked_at_would_have_raised_nothing(seed: int) -> None:
    rng, clock, limits = random.Random(seed), ManualClock(), Limits()
    ids = [VehicleId(f"bl-{number:02}") for number in range(12)]
    states = {each: replace(WELL, vehicle_id=each, name=each) for each in ids}
    sorties: dict[VehicleId, Sortie] = {}
    of_all, of_due, attention = AlarmBook(clock, limits), AlarmBook(clock, limits), Attention(limits)
    ticker, view, looks = Ticker("gateway"), FleetView(), 0

    def watched(state: VehicleState) -> Watched:
        sortie = sorties.get(state.vehicle_id)
        return Watched(state, sortie.state if sortie else None, "a pilot")

    for _ in range(150):
        for each in rng.sample(ids, rng.choice((0, 0, 1, 2))):
            states[each] = replace(WELL, vehicle_id=each, name=each, **rng.choice(CHANGES))
        if rng.random() < 0.1:
            each = rng.choice(ids)
            now = rng.choice((SortieState.ON_MISSION, SortieState.HELD, None))
            sorties.pop(each, None)
            if now is not None:
                sorties[each] = replace(a_sortie(f"s-{each}"), id=SortieId(f"s-{each}"), vehicle_id=each, state=now)
        tick = ticker.tick(tuple(states.values()), clock.mono_s(), clock.now())
        view.take(tick)
        due = attention.due(tick, tick.rows(), sorties, of_due.noted())
        looks += len(due)
        found = [known for each in due if (known := view.state(each)) is not None]
        everybody = told(of_all.look(watched(state) for state in view.states()))
        assert told(of_due.look(watched(state) for state in found)) == everybody
        clock.advance(0.1)
    assert of_all.open(), "something is always wrong in this fleet"
    assert looks < 0.9 * 150 * len(ids)


def test_of_a_fleet_that_is_well_nobody_is_looked_at_twice() -> None:
    clock, attention, ticker = ManualClock(), Attention(Limits()), Ticker("gateway")
    states = [replace(WELL, vehicle_id=VehicleId(f"bl-{number}")) for number in range(100)]
    looked = []
    for _ in range(30):
        states = [replace(state, lat_deg=31.0 + clock.mono_s() / 1e5) for state in states]
        tick = ticker.tick(states, clock.mono_s(), clock.now())
        looked.append(len(attention.due(tick, tick.rows(), {}, set())))
        clock.advance(0.1)
    assert (looked[0], sum(looked[1:])) == (100, 0)


class Kept:
    """A store with one version."""

    def __init__(self, *zones: Zone) -> None:
        self.airspace = Airspace(1, zones)
        self.is_away = False

    async def airspace_at(self, at: datetime) -> Airspace:
        assert at.tzinfo is not None
        if self.is_away:
            raise Overloaded("The disk does not answer")
        return self.airspace


def closed(name: str, lat_deg: float) -> Zone:
    return Zone(ZoneId(name), name, Role.EXCLUSION, CircleShape(LatLon(lat_deg, 121.0), 100.0))


async def test_who_flies_in_a_closed_zone_is_named_with_it_and_a_store_that_is_away_changes_nothing() -> None:
    store = Kept(closed("school", 31.0), closed("fair", 31.0005))
    trespass = Trespass(store, ManualClock())
    ids = tuple(VehicleId(name) for name in ("in-both", "in-one", "outside", "on-the-ground"))
    lats = (31.0003, 31.0012, 31.01, 31.0)
    fleet = [replace(WELL, vehicle_id=each, lat_deg=lat, lon_deg=121.0) for each, lat in zip(ids, lats, strict=True)]
    table = rows(Ticker("g").tick(fleet, 0.0, ManualClock().now()).fast)
    flies = np.array([True, True, True, False])
    assert trespass.inside(ids, table, flies) == {}  # nothing is known yet
    await trespass.refresh()
    found = {"in-both": "school, fair", "in-one": "fair"}
    assert trespass.inside(ids, table, flies) == found
    store.is_away = True
    await trespass.refresh()
    assert trespass.inside(ids, table, flies) == found
    store.is_away, store.airspace = False, Airspace(2, (closed("school", 31.0),))
    await trespass.refresh()
    assert trespass.inside(ids, table, flies) == {"in-both": "school"}


def in_zones(trespass: Trespass) -> str:
    """The closed zones that a vehicle at 31.0° north is in."""
    state = replace(WELL, vehicle_id=VehicleId("one"), lat_deg=31.0, lon_deg=121.0)
    table = rows(Ticker("g").tick([state], 0.0, ManualClock().now()).fast)
    return trespass.inside((VehicleId("one"),), table, np.array([True])).get(VehicleId("one"), "")


async def test_a_new_version_of_the_airspace_counts_within_a_second() -> None:
    store = Kept()
    trespass = Trespass(store, SystemClock())
    looking = asyncio.create_task(trespass.run())
    async with asyncio.timeout(5):
        while trespass._version is None:  # noqa: ASYNC110 - the watch has no event for it
            await asyncio.sleep(0.01)
    store.airspace = Airspace(2, (closed("fire", 31.0),))
    began_s = time.monotonic()
    async with asyncio.timeout(5):
        while not in_zones(trespass):  # noqa: ASYNC110 - nor for this
            await asyncio.sleep(0.01)
    assert time.monotonic() - began_s < 1.0
    looking.cancel()


async def test_a_zone_counts_at_every_instant_of_its_time() -> None:
    clock = ManualClock()
    begins_at, ends_at = (clock.now() + timedelta(seconds=each) for each in (12.3, 40.2))
    zone = replace(closed("fair", 31.0), validity=Validity(begins_at, ends_at))
    trespass = Trespass(Kept(zone), clock)
    counted = []
    for _ in range(140):
        await trespass.refresh()
        assert in_zones(trespass) == "fair" or not begins_at <= clock.now() < ends_at
        counted.append(bool(in_zones(trespass)))
        clock.advance(0.5)
    assert [counted[0], counted[-1]] == [False, False]


async def test_a_store_that_does_not_answer_is_told_of_once_and_so_is_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, clock = Kept(), ManualClock()
    trespass = Trespass(store, clock)
    for away in (True, True, False, False, True):
        store.is_away = away
        await trespass.refresh()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "ERROR"]


def test_flying_in_a_closed_zone_is_critical() -> None:
    inside = replace(flying(), zones="school")
    assert kinds(inside) == {AlarmKind.ZONE_ENTERED: Severity.CRITICAL}
    (sighting,) = sightings(inside, Limits())
    assert "closed to flights: school" in sighting.text
    assert kinds(replace(inside, state=replace(WELL, armed=False))) == {}
