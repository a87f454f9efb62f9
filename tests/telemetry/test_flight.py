"""A flight's record when the store says no."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.bus_local import LocalBus
from core.clock import ManualClock, SystemClock
from core.errors import Overloaded, PreflightFailed, StaleRevision
from core.geo import LatLon
from core.ids import DockId, MissionId, OperatorId, SortieId, VehicleId
from geofence.qingpu import default_airspace
from geofence.zones import Airspace
from missions.items import items_hash
from missions.model import (
    Airframe,
    Dock,
    MissionItem,
    MissionRequest,
    Onboard,
    Pattern,
    Revision,
    Sortie,
    SortieState,
)
from missions.ports import Store
from missions.prove import summary_of
from operations.alarms import AlarmStore
from telemetry import logbook as module
from telemetry.flight import Flight
from telemetry.gateway import Gateway
from telemetry.launch import Launch
from telemetry.logbook import Logbook
from telemetry.messages import FleetEvent
from telemetry.packets import Cmd, CommandAck, ExtendedSysState, Heartbeat, HomePosition, MissionCurrent, Outbound
from telemetry.recorder import Recorder
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.watchman import WatchPolicy
from telemetry.wire import Decoder, Encoder, MavAddress
from tests.samples import a_plan
from tests.telemetry.air import Air
from tests.telemetry.test_preflight import PLAN
from tests.telemetry.test_transfers import mission

NOW = ManualClock().now()
DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
REVISION = Revision(
    MissionId("m"), 1, MissionRequest("m", DOCK.id, Pattern.ROUTE, 30, 8), PLAN, NOW, OperatorId("local")
)
SORTIE = Sortie(
    SortieId("s"), MissionId("m"), 1, "m", VehicleId("bl-01"), SortieState.APPROVED, NOW, OperatorId("local")
)


class GrudgingStore:
    """Answers the first saves with errors, then takes them."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.saved: list[Sortie] = []

    async def save_sortie(self, sortie: Sortie) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.saved.append(sortie)

    async def diversions(self, _: SortieId) -> tuple[()]:
        return ()


def a_flight(
    vehicle: Vehicle, store: GrudgingStore, tmp_path: Path, sortie: Sortie, told: list[Any],
    revision: Revision = REVISION,
) -> Flight:  # fmt: skip
    return Flight(
        vehicle, revision, sortie,
        store=cast("Store", store), publish=told.append, clock=SystemClock(),
        recorder=Recorder(None, data_dir=tmp_path, clock=SystemClock()),
    )  # fmt: skip


def a_vehicle() -> Vehicle:
    return Vehicle(VehicleConfig(VehicleId("bl-01"), "one", ("x",), 11, DOCK, FRAME), clock=SystemClock())


def flight(store: GrudgingStore, tmp_path: Path, sortie: Sortie = SORTIE) -> tuple[Flight, list[Outbound]]:
    sent: list[Outbound] = []
    vehicle = a_vehicle()
    vehicle.attach(sent.append)
    return a_flight(vehicle, store, tmp_path, sortie, []), sent


async def test_a_sortie_that_somebody_else_closed_does_not_start(tmp_path: Path) -> None:
    store = GrudgingStore(StaleRevision("sortie", "s", 2, 1))
    made, sent = flight(store, tmp_path)
    await made.fly()
    assert (sent, store.saved) == ([], [])


async def test_a_launch_that_cannot_be_recorded_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STORE_AGAIN_S", 0.01)
    store = GrudgingStore(Overloaded("The disk does not take the data"), Overloaded("The database is busy"))
    made, sent = flight(store, tmp_path)
    await made.fly()
    assert sent == []
    assert [saved.state for saved in store.saved] == [SortieState.REFUSED]
    assert store.saved[0].problem is not None
    assert store.saved[0].problem["slug"] == "overloaded"


async def test_in_the_air_the_record_is_kept_until_the_store_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STORE_AGAIN_S", 0.01)
    store = GrudgingStore(*(Overloaded("The disk does not take the data") for _ in range(3)))
    made, _ = flight(store, tmp_path, replace(SORTIE, state=SortieState.LANDING))
    await made._close("it landed and disarmed")
    assert [saved.state for saved in store.saved] == [SortieState.LANDED, SortieState.CLOSED]


@pytest.mark.parametrize(("held", "code"), [(mission(5), "reattached"), (mission(6), "mission-changed")])
async def test_a_vehicle_found_again_in_the_air_is_asked_what_it_flies(
    tmp_path: Path, held: tuple[MissionItem, ...], code: str
) -> None:
    air, told, vehicle = Air(delay_s=0.0), list[Any](), a_vehicle()
    air.upload(held)
    decoder, encoder = Decoder(), Encoder(MavAddress(255, 190))
    channel = air.vehicle.open_channel()

    def transmit(packet: Outbound) -> None:
        for frame in decoder.feed(air.vehicle.receive(channel, encoder.frame(packet, MavAddress(11, 1)))):
            vehicle.hear(frame.packet)

    vehicle.attach(transmit)
    for packet in (Heartbeat(True, True, 3, 4), MissionCurrent(3, None), ExtendedSysState(2)):
        vehicle.hear(packet)
    sortie = replace(SORTIE, state=SortieState.ON_MISSION)
    plan = replace(PLAN, items=mission(5), hash=items_hash(mission(5), kind="mission"), fence_hash="")
    flight = a_flight(vehicle, GrudgingStore(), tmp_path, sortie, told, replace(REVISION, plan=plan))
    await flight._reattach()
    assert [event.code for event in told if isinstance(event, FleetEvent)] == [code]
    assert (flight.sortie.onboard is Onboard.VERIFIED) is (code == "reattached")


DISARMED = Heartbeat(True, False, 4, 4)
ON_GROUND = (DISARMED, MissionCurrent(0, None), ExtendedSysState(1))
LONG_AGO = NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("sortie", "end"),
    [
        (SORTIE, SortieState.REFUSED),  # stored, never handed over: it has no transition yet
        (replace(SORTIE, state=SortieState.ON_MISSION, created_at=LONG_AGO), SortieState.CLOSED),
    ],
)
async def test_after_a_restart_a_sortie_waits_for_its_vehicle_however_old_it_is(
    tmp_path: Path, sortie: Sortie, end: SortieState
) -> None:
    store, vehicle = GrudgingStore(), a_vehicle()
    task = asyncio.create_task(a_flight(vehicle, store, tmp_path, sortie, []).find_again())
    await asyncio.sleep(0.15)
    assert not task.done()
    for packet in ON_GROUND:
        vehicle.hear(packet)
    await asyncio.wait_for(task, 2)
    assert store.saved[-1].state is end


async def test_a_sortie_that_the_api_closed_meanwhile_does_not_take_the_gateway_down(tmp_path: Path) -> None:
    gateway = Gateway(
        name="g", links=[], vehicles=[], bus=LocalBus(), store=cast("Store", None), clock=SystemClock(),
        alarms=cast("AlarmStore", None), data_dir=tmp_path, tick_hz=1.0, time_scale=1.0, watch=WatchPolicy(),
    )  # fmt: skip
    vehicle = a_vehicle()
    for packet in ON_GROUND:
        vehicle.hear(packet)
    flight = a_flight(vehicle, GrudgingStore(StaleRevision("sortie", "s", 2, 1)), tmp_path, SORTIE, [])
    gateway._flights._aloft[vehicle.id] = flight
    await gateway._flights._run(flight, again=True)
    assert gateway._flights.of(vehicle.id) is None


@pytest.mark.parametrize(("result", "shown", "stands"), [(0, DISARMED, True), (4, None, False)])
async def test_only_a_vehicle_that_shows_itself_disarmed_counts_as_not_started(
    tmp_path: Path, result: int, shown: Heartbeat | None, stands: bool
) -> None:
    vehicle = a_vehicle()
    vehicle.hear(Heartbeat(True, True, 3, 4))

    def answer(packet: Outbound) -> None:
        vehicle.hear(CommandAck(Cmd.COMPONENT_ARM_DISARM, result))
        if shown:
            vehicle.hear(shown)

    vehicle.attach(answer)
    logbook = Logbook(SORTIE, store=cast("Store", GrudgingStore()), publish=lambda _: None, clock=SystemClock())
    launch = Launch(
        vehicle, PLAN, logbook, journal=cast("Store", None), airspaces=cast("Store", None), clock=SystemClock()
    )
    assert await launch.stands_disarmed() is stands


@pytest.mark.parametrize(("lat_deg", "may"), [(31.139, True), (31.13904, True), (31.1392, False)])
async def test_a_vehicle_whose_home_was_fixed_elsewhere_does_not_start(lat_deg: float, *, may: bool) -> None:
    vehicle = a_vehicle()
    vehicle.hear(HomePosition(lat_deg, 121.124, 4.0))
    launch = Launch(
        vehicle,
        PLAN,
        cast("Logbook", None),
        journal=cast("Store", None),
        airspaces=cast("Store", None),
        clock=SystemClock(),
    )
    if may:
        await launch._refuse_elsewhere()
        return
    with pytest.raises(PreflightFailed, match="its home is 22 m from the plan's"):
        await launch._refuse_elsewhere()


async def test_the_home_that_arming_sets_counts_not_the_one_before() -> None:
    vehicle = a_vehicle()
    vehicle.hear(HomePosition(31.1392, 121.124, 4.0))
    launch = Launch(
        vehicle,
        PLAN,
        cast("Logbook", None),
        journal=cast("Store", None),
        airspaces=cast("Store", None),
        clock=SystemClock(),
    )
    asyncio.get_running_loop().call_later(0.05, vehicle.hear, HomePosition(31.139, 121.124, 4.0))
    await launch._refuse_elsewhere()


async def test_nothing_takes_off_that_hears_no_heartbeat() -> None:
    store, vehicle, sent = GrudgingStore(), a_vehicle(), list[Outbound]()
    vehicle.attach(sent.append)
    logbook = Logbook(SORTIE, store=cast("Store", store), publish=lambda _: None, clock=SystemClock())
    launch = Launch(
        vehicle, PLAN, logbook, journal=cast("Store", None), airspaces=cast("Store", None), clock=SystemClock(),
        is_beating=lambda: False,
    )  # fmt: skip
    (failed,) = [check for check in launch._now() if check.check == "heartbeat"]
    assert (failed.ok, failed.required) == (False, True)
    assert "does not beat" in failed.detail


async def test_a_heart_that_stops_during_the_upload_stops_the_launch_before_arming(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def done(*_: object, **__: object) -> None: ...

    vehicle = a_vehicle()
    for method in ("command", "until"):
        monkeypatch.setattr(vehicle, method, done)
    launch = Launch(
        vehicle, PLAN, cast("Logbook", None), journal=cast("Store", None), airspaces=cast("Store", None),
        clock=SystemClock(), is_beating=lambda: False,
    )  # fmt: skip
    monkeypatch.setattr(launch, "_look_again", done)
    with pytest.raises(PreflightFailed, match="does not beat"):
        await launch._start()  # the journal, which is written before arming, would be missed


@pytest.mark.parametrize(("in_force", "may"), [(1, True), (2, False)])
async def test_an_airspace_that_comes_into_force_during_the_upload_stops_the_launch(
    in_force: int, *, may: bool
) -> None:
    class Airspaces:
        async def airspace_at(self, at: datetime) -> Airspace:
            return replace(default_airspace(), version=in_force)

    proof = a_plan().proof
    assert proof is not None
    sortie = replace(SORTIE, proof=summary_of(proof))
    logbook = Logbook(sortie, store=cast("Store", GrudgingStore()), publish=lambda _: None, clock=SystemClock())
    launch = Launch(
        a_vehicle(),
        PLAN,
        logbook,
        journal=cast("Store", None),
        airspaces=cast("Store", Airspaces()),
        clock=SystemClock(),
    )
    if may:
        await launch._look_at_airspace()
        return
    with pytest.raises(PreflightFailed, match="airspace version 2 came into force"):
        await launch._look_at_airspace()
