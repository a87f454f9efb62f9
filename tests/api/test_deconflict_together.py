"""Many launches at once, asked of two services on one store: what is let go never shares its air."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.bus_local import LocalBus
from adapters.forwarding.vault import Vault
from adapters.keyring import open_ring
from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.spool import open_spool
from api import proposing
from api.forwarding import ForwardingDesk
from api.intents import planned_intent
from api.launch import Launch, launch
from api.main import create_app, enrolled, stream_hub
from api.planning import ThreadPlanner
from api.services import Principal, Services, services_on
from api.settings import Settings, VehicleSetting
from core.clock import ManualClock
from core.errors import MissionConflict
from core.geo import LatLon
from core.ids import DockId, MissionId, VehicleId
from geofence.frame import LocalFrame
from geofence.qingpu import default_airspace, default_terrain
from missions.deconflict import Schedule
from missions.fleet import default_airframe
from missions.model import Dock, Mission, MissionRequest, Pattern, Revision, Sortie
from missions.planner import Conditions, plan
from telemetry.messages import FleetTick, LaunchAccepted, LaunchRequest, LinkState, launch_subject
from tests.samples import OPERATOR

pytestmark = pytest.mark.thorough

COUNT = 8
FRAME = LocalFrame(LatLon(31.155, 121.075))


def place(angle: float, radius_m: float) -> LatLon:
    (at,) = FRAME.to_places(np.array([[radius_m * math.cos(angle), radius_m * math.sin(angle)]]))
    return at


def around(rng: random.Random) -> list[tuple[Dock, MissionRequest]]:
    """Docks round one place, and from each a mission over it in one of three layers."""
    found = []
    for number in range(COUNT):
        angle, name = rng.uniform(0.0, 2.0 * math.pi), DockId(f"dock-{number}")
        line = (place(angle, 150.0), place(angle + math.pi, 150.0))
        alt_m = rng.choice((40.0, 60.0, 80.0))
        request = MissionRequest(f"m-{number}", name, Pattern.ROUTE, alt_m, 8.0, line=line)
        found.append((Dock(name, name, name, place(angle, 300.0), 4.0), request))
    return found


async def stored(store: SqliteStore, dock: Dock, request: MissionRequest, clock: ManualClock) -> Revision:
    made = plan(request, dock, default_airspace(), default_airframe(), Conditions(clock.now()))
    assert made.conflicts == ()
    revision = Revision(MissionId(request.name), 1, request, made, clock.now(), OPERATOR)
    await store.add_mission(Mission(revision.mission_id, request.name, 1, clock.now(), OPERATOR), revision)
    return revision


def slowed(store: SqliteStore, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storing a sortie takes a while before and after: others get in between."""
    add_sortie = store.add_sortie

    async def sometime(sortie: Sortie, **key: Any) -> Sortie:
        await asyncio.sleep(rng.uniform(0.0, 0.02))
        kept = await add_sortie(sortie, **key)
        await asyncio.sleep(rng.uniform(0.0, 0.02))
        return kept

    monkeypatch.setattr(store, "add_sortie", sometime)


@pytest.mark.parametrize("seed", range(5))
async def test_of_many_launches_at_once_no_two_that_go_share_their_air(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(proposing, "MOST_REPLANS", 0)
    rng, clock, bus = random.Random(seed), ManualClock(), LocalBus()
    drawn = around(rng)
    docks = {dock.id: dock for dock, _ in drawn}
    vehicles = tuple(
        VehicleSetting(id=f"v-{number}", name="v", link="fleet", system_id=number + 1, dock=f"dock-{number}")
        for number in range(COUNT)
    )
    settings = Settings(data_dir=tmp_path, vehicles=vehicles)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await store.publish_airspace(default_airspace())
        revisions = [await stored(store, dock, request, clock) for dock, request in drawn]

        async def accept(request: LaunchRequest) -> LaunchAccepted:
            return LaunchAccepted(await store.sortie(request.sortie_id))

        for vehicle in vehicles:
            await stack.enter_async_context(bus.serve(launch_subject(VehicleId(vehicle.id)), LaunchRequest, accept))
        hub = stream_hub(settings, clock)
        known: dict[str, Any] = {"link": LinkState.LIVE, "battery_pct": 98.0, "armed": False, "heard_age_s": 0.1}
        states = []
        for each in enrolled(settings):
            assert each.dock_id is not None
            at = docks[each.dock_id].place
            states.append(replace(each, **known, lat_deg=at.lat_deg, lon_deg=at.lon_deg))
        hub.tick(FleetTick.of("test", clock.now(), states))
        slowed(store, rng, monkeypatch)
        spool = await stack.enter_async_context(open_spool(tmp_path))
        desk = ForwardingDesk(store.forwarding, spool, Vault(open_ring(tmp_path)), clock)

        def service() -> Services:
            app = create_app(
                settings, clock=clock, store=store, bus=bus, planner=ThreadPlanner(), hub=hub, docks=docks,
                terrain=default_terrain(), forwarding_desk=desk,
            )  # fmt: skip
            return services_on(app)

        two = (service(), service())

        async def asked(number: int) -> Sortie | MissionConflict:
            wanted = Launch(MissionId(f"m-{number}"), 1, VehicleId(f"v-{number}"))
            try:
                return await launch(two[number % 2], Principal(OPERATOR, "-"), wanted, f"key-{number}")
            except MissionConflict as refused:
                return refused

        answers = await asyncio.gather(*(asked(number) for number in range(COUNT)))
    gone = [each for each in answers if isinstance(each, Sortie)]
    plans = {each.mission_id: each for each in revisions}
    taken = [planned_intent(each, plans[each.mission_id], clock.now()) for each in gone]
    assert 1 <= len(gone) < COUNT
    for one, other in combinations(taken, 2):
        assert Schedule([one]).conflicts(other) == ()
