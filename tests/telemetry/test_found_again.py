"""A sortie that a restart left in the air: it is somebody's at once, and what brings it home does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.bus_local import LocalBus
from core.clock import SystemClock
from core.errors import BailuError, IllegalTransition, VehicleBusy, VehicleOffline, VehicleRejected
from core.ids import DiversionId, MissionId, OperatorId, SortieId
from missions.items import items_hash
from missions.manoeuvre import Diversion, DiversionState
from missions.model import CommandKind, CommandRecord, Plan, ReturnMode, Revision, Sortie, SortieState
from missions.ports import Store
from operations.alarms import AlarmStore
from telemetry import flight as module
from telemetry.gateway import FENCE_WATCH, Gateway
from telemetry.messages import FLEET_EVENT, FleetEvent, SafetyRequest, SafetyState, VehicleCommand, safety_subject
from telemetry.packets import (
    Cmd,
    CommandAck,
    CommandLong,
    ExtendedSysState,
    Heartbeat,
    MissionCurrent,
    Mode,
    Outbound,
)
from telemetry.vehicle import Vehicle
from telemetry.watchman import Watchman, WatchPolicy
from tests.telemetry.test_flight import REVISION, SORTIE, a_vehicle
from tests.telemetry.test_preflight import PLAN
from tests.telemetry.test_transfers import mission

OPERATOR = OperatorId("op")
FLOWN = replace(PLAN, items=mission(5), hash=items_hash(mission(5), kind="mission"))
IN_AIR = (Heartbeat(True, True, Mode.AUTO, 4), MissionCurrent(2, None), ExtendedSysState(2))


@dataclass
class Shelf:
    """What the platform had stored when it was killed. `plan`: of every revision."""

    sorties_left: tuple[Sortie, ...] = ()
    plan: Plan = FLOWN
    saved: list[Sortie] = field(default_factory=list)
    journal: dict[str, CommandRecord] = field(default_factory=dict)
    diverted: Diversion | None = None

    async def diversion(self, diversion_id: DiversionId) -> Diversion:
        await asyncio.sleep(0.01)
        assert self.diverted is not None
        assert self.diverted.id == diversion_id
        return self.diverted

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> tuple[Sortie, ...]:
        assert limit
        assert unfinished_only
        return self.sorties_left

    async def revision(self, mission_id: MissionId, revision: int) -> Revision:
        return replace(REVISION, mission_id=mission_id, revision=revision, plan=self.plan)

    async def save_sortie(self, sortie: Sortie) -> None:
        self.saved.append(sortie)

    async def diversions(self, _: SortieId) -> tuple[Diversion, ...]:
        return () if self.diverted is None else (self.diverted,)

    async def begin_command(self, record: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        assert idempotency_key is None
        self.journal[record.id] = record
        return record

    async def commands(self, *_: Any, limit: int) -> tuple[()]:
        assert limit
        return ()

    async def finish_command(self, record: CommandRecord) -> None:
        self.journal[record.id] = record


def a_sortie(number: str, state: SortieState) -> Sortie:
    return replace(SORTIE, id=SortieId(number), state=state)


def obedient(vehicle: Vehicle, sent: list[Outbound]) -> None:
    """A vehicle that changes its mode as it is told, and answers nothing else: what it holds cannot be read."""

    def answer(packet: Outbound) -> None:
        sent.append(packet)
        if isinstance(packet, CommandLong) and packet.command == Cmd.DO_SET_MODE:
            vehicle.hear(CommandAck(packet.command, 0))
            vehicle.hear(Heartbeat(True, True, int(packet.params[1]), 4))

    vehicle.attach(answer)


@asynccontextmanager
async def restarted(tmp_path: Path, shelf: Shelf, vehicle: Vehicle) -> AsyncIterator[Gateway]:
    """A gateway that has just taken the vehicle up again."""
    gateway = Gateway(
        name="g", links=[], vehicles=[], bus=LocalBus(), store=cast("Store", shelf), clock=SystemClock(),
        alarms=cast("AlarmStore", None), data_dir=tmp_path, tick_hz=1.0, time_scale=1.0, watch=WatchPolicy(),
    )  # fmt: skip
    await gateway._flights.remember_unfinished()
    try:
        async with gateway._group:
            await gateway._flights.take_up(vehicle)
            yield gateway
            raise _Over
    except* _Over:
        pass


class _Over(Exception):
    pass


def modes_asked(sent: list[Outbound]) -> list[float]:
    return [each.params[1] for each in sent if isinstance(each, CommandLong) and each.command == Cmd.DO_SET_MODE]


@pytest.mark.parametrize(("returns", "mode"), [(ReturnMode.DIRECT, Mode.RTL), (ReturnMode.RETRACE, Mode.SMART_RTL)])
async def test_a_return_just_after_a_restart_waits_for_the_vehicle_s_voice_alone_and_goes_the_proven_way(
    tmp_path: Path, returns: ReturnMode, mode: Mode
) -> None:
    vehicle, sent = a_vehicle(), list[Outbound]()
    shelf = Shelf((a_sortie("s", SortieState.ON_MISSION),), replace(FLOWN, returns=returns))
    async with restarted(tmp_path, shelf, vehicle) as gateway:
        asked = asyncio.create_task(
            gateway._flights.command(vehicle, VehicleCommand(vehicle.id, CommandKind.RETURN, OPERATOR))
        )
        await asyncio.sleep(0.05)
        assert sent == []
        obedient(vehicle, sent)
        vehicle.hear(IN_AIR[0])
        done = await asyncio.wait_for(asked, 2)
        assert done.record.state == "done"
        assert done.record.sortie_id == "s"
        assert set(modes_asked(sent)) == {mode}


@pytest.mark.parametrize("state", [DiversionState.LOADING, DiversionState.FLYING])
async def test_a_diverted_vehicle_is_never_held_to_the_fence_of_the_plan_that_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: DiversionState
) -> None:
    vehicle, watched = a_vehicle(), list[str]()
    obedient(vehicle, [])
    for packet in IN_AIR:
        vehicle.hear(packet)
    monkeypatch.setattr(Watchman, "follow", lambda _, __, plan: watched.append(plan.hash))
    plan = replace(FLOWN, hash="of the diversion")
    diversion = Diversion(
        DiversionId("d"), SortieId("s"), CommandKind.GOTO, plan, SORTIE.created_at, OPERATOR, state=state
    )
    diverted = replace(a_sortie("s", SortieState.DIVERTED), diversion_id=diversion.id)
    async with restarted(tmp_path, Shelf((diverted,), diverted=diversion), vehicle):
        assert watched == [plan.hash]
        await asyncio.sleep(0.05)
        assert set(watched) == {plan.hash}, "it is still asked what it holds"


async def test_what_may_wait_waits_until_the_flight_is_found_and_says_so_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FOUND_WITHIN_S", 0.1)
    vehicle = a_vehicle()
    shelf = Shelf((a_sortie("s", SortieState.PAUSED),))
    async with restarted(tmp_path, shelf, vehicle) as gateway:
        obedient(vehicle, [])
        for packet in IN_AIR:
            vehicle.hear(packet)
        with pytest.raises(VehicleBusy, match="found again"):
            await gateway._flights.command(vehicle, VehicleCommand(vehicle.id, CommandKind.RESUME, OPERATOR))
        flight = gateway._flights.of(vehicle.id)
        assert flight is not None
        flight._found.set()
        with pytest.raises(BailuError) as refused:
            await gateway._flights.command(vehicle, VehicleCommand(vehicle.id, CommandKind.RESUME, OPERATOR))
        assert not isinstance(refused.value, VehicleBusy) or "found again" not in refused.value.detail


async def test_a_record_behind_what_the_vehicle_does_does_not_refuse_a_stop(tmp_path: Path) -> None:
    vehicle = a_vehicle()
    async with restarted(tmp_path, Shelf((a_sortie("s", SortieState.PAUSED),)), vehicle) as gateway:
        obedient(vehicle, [])
        for packet in IN_AIR:
            vehicle.hear(packet)
        done = await gateway._flights.command(vehicle, VehicleCommand(vehicle.id, CommandKind.PAUSE, OPERATOR))
        assert done.record.state == "done"


async def test_of_two_sorties_left_on_a_vehicle_the_flying_one_is_followed_and_the_other_is_over(
    tmp_path: Path,
) -> None:
    vehicle = a_vehicle()
    shelf = Shelf((a_sortie("new", SortieState.APPROVED), a_sortie("flies", SortieState.ON_MISSION)))
    async with restarted(tmp_path, shelf, vehicle) as gateway:
        assert gateway._flights.sorties()[vehicle.id].id == "flies"
        assert [(each.id, each.state) for each in shelf.saved] == [("new", SortieState.REFUSED)]


async def test_a_vehicle_that_flies_is_not_taken_for_a_sortie_that_was_never_handed_over(tmp_path: Path) -> None:
    vehicle = a_vehicle()
    shelf = Shelf((a_sortie("s", SortieState.APPROVED),))
    obedient(vehicle, [])
    for packet in IN_AIR:
        vehicle.hear(packet)
    async with restarted(tmp_path, shelf, vehicle) as gateway:
        flight = gateway._flights.of(vehicle.id)
        assert flight is not None
        async with asyncio.timeout(2):
            while gateway._flights.of(vehicle.id) is not None:  # noqa: ASYNC110 - flights set no event
                await asyncio.sleep(0.005)
        assert flight.sortie.state is SortieState.REFUSED
        with pytest.raises(IllegalTransition, match="without a sortie"):
            await gateway._flights.command(vehicle, VehicleCommand(vehicle.id, CommandKind.RESUME, OPERATOR))


async def test_a_hosted_vehicle_is_asked_for_its_safety_profile_over_the_bus(tmp_path: Path) -> None:
    vehicle = a_vehicle()
    async with restarted(tmp_path, Shelf(), vehicle) as gateway, gateway._host(vehicle):
        with pytest.raises(VehicleOffline):
            await gateway._bus.request(
                safety_subject(vehicle.id), SafetyRequest(vehicle.id, OPERATOR, apply=False), SafetyState
            )


async def test_a_command_of_the_fence_watch_that_is_not_carried_out_is_told_as_critical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle = a_vehicle()
    gateway = Gateway(
        name="g", links=[], vehicles=[], bus=LocalBus(), store=cast("Store", Shelf()), clock=SystemClock(),
        alarms=cast("AlarmStore", None), data_dir=tmp_path, tick_hz=1.0, time_scale=1.0, watch=WatchPolicy(),
    )  # fmt: skip

    async def refused(*_: object) -> None:
        raise VehicleRejected(vehicle.id, "DO_SET_MODE", "DENIED", ())

    monkeypatch.setattr(gateway._flights, "command", refused)
    request = VehicleCommand(vehicle.id, CommandKind.RETURN, FENCE_WATCH)
    async with gateway._bus.subscribe(FLEET_EVENT, FleetEvent, bound=4) as told:
        await gateway._on_fence_watch(vehicle, request, "it left its fence")
        async with asyncio.timeout(5):
            event = await anext(aiter(told))
    assert (event.severity, event.code, event.vehicle_id) == ("critical", "fence-unheeded", vehicle.id)
    assert "was not brought to return by the fence watch: " in event.text
