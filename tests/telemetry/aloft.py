"""A sortie in the air, in one process: our flight on one side, a simulated vehicle in AUTO on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.clock import SystemClock
from core.errors import NotFound
from core.geo import LatLon
from core.ids import DiversionId, MissionId, OperatorId, SortieId, VehicleId
from geofence.frame import LocalFrame
from geofence.qingpu import default_airspace
from geofence.zones import Airspace
from missions.items import fence_items, items_hash, mission_items
from missions.manoeuvre import Diversion
from missions.model import (
    Beginning,
    CommandKind,
    FencePolygon,
    MissionItem,
    Onboard,
    OnboardFence,
    Plan,
    Proof,
    Revision,
    Sortie,
    SortieState,
    Waypoint,
)
from missions.ports import Store
from simulator.flight.modes import Mode
from simulator.vehicle import Vehicle as Simulated
from telemetry.flight import Flight
from telemetry.messages import FleetEvent
from telemetry.packets import Cmd, CommandLong, Outbound
from telemetry.recorder import Recorder
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.wire import STREAM_RATES_HZ, Decoder, Encoder, MavAddress
from tests.simulator.station import RawItem, Station, spec
from tests.telemetry.test_flight import DOCK, FRAME, REVISION, SORTIE

OWN = MavAddress(255, 190)
PACE = 25.0
_STEP_S = 0.2
HERE = LocalFrame(DOCK.place)
OPERATOR = OperatorId("op")


def place(east_m: float, north_m: float) -> LatLon:
    return HERE.to_places(np.array([[east_m, north_m]]))[0]


def plan_of(*points: tuple[float, float], alt_m: float = 30.0, begins_at: Beginning | None = None) -> Plan:
    """A plan over points in metres from the dock, in a fence of 400 m each way, with a proof that says yes."""
    steps = tuple(Waypoint(place(*point), alt_m) for point in points)
    corners = tuple(place(x, y) for x, y in ((-400, -400), (400, -400), (400, 400), (-400, 400)))
    fence = OnboardFence((FencePolygon(corners, inclusion=True),), 100.0)
    items: tuple[MissionItem, ...] = mission_items(DOCK.place, DOCK.alt_amsl_m, steps, 8.0)
    if begins_at is not None:
        items = tuple(replace(item, seq=seq) for seq, item in enumerate(i for i in items if i.command != 22))
    walls = fence_items(fence)
    now = SystemClock().now()
    hashes = items_hash(items, kind="mission"), items_hash(walls, kind="fence")
    proof = Proof(True, 1, *hashes, now - timedelta(hours=1), now + timedelta(hours=1), ())
    base = REVISION.plan
    return replace(
        base, waypoints=steps, fence=fence, items=items, fence_items=walls, hash=hashes[0], fence_hash=hashes[1],
        proof=proof, begins_at=begins_at, battery_needed_pct=20.0, duration_s=200.0,
        offsets_s=tuple(20.0 * (n + 1) for n in range(len(steps))),
    )  # fmt: skip


@dataclass
class MemoryStore:
    """What a flight keeps, in lists."""

    saved: list[Sortie] = field(default_factory=list)
    kept: dict[DiversionId, Diversion] = field(default_factory=dict)

    async def save_sortie(self, sortie: Sortie) -> None:
        self.saved.append(sortie)

    async def save_diversion(self, diversion: Diversion) -> None:
        assert diversion.row_revision == self.kept[diversion.id].row_revision + 1
        self.kept[diversion.id] = diversion

    async def diversion(self, diversion_id: DiversionId) -> Diversion:
        if diversion_id not in self.kept:
            raise NotFound("diversion", diversion_id)
        return self.kept[diversion_id]

    async def diversions(self, _: SortieId) -> tuple[Diversion, ...]:
        return tuple(self.kept.values())

    async def airspace_at(self, _: datetime) -> Airspace:
        return replace(default_airspace(), version=1)


@dataclass
class Aloft:
    """The flight, its vehicle as we see it, and the vehicle as it is."""

    flight: Flight
    vehicle: Vehicle
    station: Station
    store: MemoryStore
    told: list[Any]
    flown: set[str] = field(default_factory=set)  # hashes of what was ever on board in AUTO
    sent: list[Outbound] = field(default_factory=list)

    @property
    def mode(self) -> str:
        return str(self.station.craft.mode.name)

    @property
    def on_board(self) -> str:
        """The hash of the mission that the vehicle really holds."""
        items = self.station.craft.mission.items
        wire = [
            MissionItem(seq, int(each.frame), int(each.command), each.params, each.x, each.y, each.z)
            for seq, each in enumerate(items)
        ]
        return items_hash(wire, kind="mission")

    def codes(self) -> list[str]:
        return [each.code for each in self.told if isinstance(each, FleetEvent)]

    async def until(self, holds: Any, what: str, within_s: float = 8.0) -> None:
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110 - the simulation has no event for it
                await asyncio.sleep(0.005)
        assert holds(), what

    def diversion(self, *points: tuple[float, float], kind: CommandKind = CommandKind.GOTO, **changes: Any) -> str:
        """A stored diversion from where the vehicle holds."""
        state = self.vehicle.state
        assert state.lat_deg is not None
        assert state.lon_deg is not None
        here = LatLon(state.lat_deg, state.lon_deg)
        east, north = HERE.to_xy([here])[0].tolist()
        begins = Beginning(here, state.alt_rel_m or 0.0)
        plan = plan_of((east, north), *points, begins_at=begins)
        made = Diversion(
            DiversionId(f"d-{len(self.store.kept)}"), self.flight.sortie.id, kind, plan, SystemClock().now(), OPERATOR
        )
        self.store.kept[made.id] = replace(made, **changes)
        return made.id

    async def paused(self) -> None:
        await self.flight.carry_out(CommandKind.HOLD, OPERATOR, {})
        await self.until(lambda: self.flight.sortie.state is SortieState.PAUSED, "a pause")
        await self.until(lambda: (self.vehicle.state.ground_speed_mps or 0.0) < 0.3, "standing still")


def raw(plan: Plan) -> list[RawItem]:
    return [(item.frame, item.command, item.params, item.x_e7, item.y_e7, item.z_m) for item in plan.items]


@asynccontextmanager
async def aloft(tmp_path: Path, own: Plan | None = None, **changes: Any) -> AsyncIterator[Aloft]:
    """A vehicle on its way to the first waypoint of `own`, and its flight. `changes`: of the sortie."""
    own = own or plan_of((0.0, 120.0), (120.0, 120.0), (120.0, 0.0))
    station = Station(Simulated(replace(spec(), lat_deg=DOCK.place.lat_deg, lon_deg=DOCK.place.lon_deg))).ready()
    station.upload(raw(own))
    station.set_mode(int(Mode.GUIDED))
    station.command(Cmd.COMPONENT_ARM_DISARM, 1)
    station.command(Cmd.MISSION_START)
    station.run_until(lambda: station.craft.body.north_m > 20)
    store, told = MemoryStore(), list[Any]()
    config = VehicleConfig(VehicleId("bl-01"), "one", ("x",), station.me, DOCK, FRAME)
    vehicle = Vehicle(config, clock=SystemClock(), pace=PACE)
    sortie = replace(
        SORTIE, state=SortieState.ON_MISSION, waypoints_total=3, mission_hash=own.hash, fence_hash=own.fence_hash,
        onboard=Onboard.VERIFIED, mission_id=MissionId("m"),
    )  # fmt: skip
    revision: Revision = replace(REVISION, plan=own)
    flight = Flight(
        vehicle, revision, replace(sortie, **changes),
        store=cast("Store", store), publish=told.append, clock=SystemClock(),
        recorder=Recorder(None, data_dir=tmp_path, clock=SystemClock()),
    )  # fmt: skip
    rig = Aloft(flight, vehicle, station, store, told)
    async with asyncio.TaskGroup() as group:
        air = group.create_task(_air(rig))
        await rig.until(lambda: vehicle.state.mode == "AUTO" and vehicle.state.mission_seq, "the vehicle, heard")
        follow = group.create_task(flight._follow())
        try:
            yield rig
        finally:
            for task in (follow, air):
                task.cancel()


async def _air(rig: Aloft) -> None:
    """Carries frames both ways and lets the vehicle's time pass."""
    encoder, decoder = Encoder(OWN), Decoder(OWN)
    simulated = rig.station.vehicle
    channel = simulated.open_channel()

    def hear(data: bytes) -> None:
        for frame in decoder.feed(data):
            rig.vehicle.hear(frame.packet)

    def transmit(packet: Outbound) -> None:
        rig.sent.append(packet)
        hear(simulated.receive(channel, encoder.frame(packet, MavAddress(rig.station.me, 1))))
        _note(rig)

    rig.vehicle.attach(transmit)
    for message_id, rate_hz in STREAM_RATES_HZ.items():
        transmit(CommandLong(Cmd.SET_MESSAGE_INTERVAL, (message_id, 1e6 / rate_hz)))
    while True:
        rig.station.run(_STEP_S)
        hear(channel.take())
        _note(rig)
        await asyncio.sleep(_STEP_S / PACE)


def _note(rig: Aloft) -> None:
    if rig.station.craft.mode is Mode.AUTO:
        rig.flown.add(rig.on_board)
