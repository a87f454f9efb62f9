"""A vehicle flies what was approved, or is stopped: foreign writing is noticed, looked at and told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from core.clock import SystemClock
from core.errors import UploadMismatch
from missions.items import items_hash
from missions.model import MissionItem, Onboard, SortieState
from missions.ports import Store
from telemetry.custody import Signs, keep_custody
from telemetry.launch import Launch
from telemetry.logbook import Logbook
from telemetry.packets import (
    Heartbeat,
    Inbound,
    MissionCurrent,
    MissionType,
    Mode,
    Outbound,
    Overheard,
    ParamValue,
    StatusText,
)
from telemetry.vehicle import Vehicle
from telemetry.wire import Decoder, Encoder, MavAddress
from tests.samples import a_plan
from tests.telemetry.air import Air
from tests.telemetry.test_flight import SORTIE, GrudgingStore, a_vehicle
from tests.telemetry.test_transfers import mission, square_fence

FENCE, MISSION = square_fence(), mission(5)
PLAN = replace(
    a_plan(),
    items=MISSION,
    hash=items_hash(MISSION, kind="mission"),
    fence_items=FENCE,
    fence_hash=items_hash(FENCE, kind="fence"),
    rally_items=(),
    rally_hash="",
)
FOREIGN = StatusText(6, "Flight plan received")


@pytest.mark.parametrize(
    ("packets", "is_sign"),
    [
        ((Overheard("MISSION_REQUEST", 42, MissionType.MISSION),), True),
        ((Overheard("MISSION_COUNT", 42, MissionType.MISSION),), False),
        ((Overheard("COMMAND_ACK", 42, None),), False),
        ((FOREIGN,), True),
        ((StatusText(6, "EKF3 IMU0 is using GPS"),), False),
        ((MissionCurrent(3, 20), MissionCurrent(4, 20)), False),
        ((MissionCurrent(3, 20), MissionCurrent(3, 12)), True),
        ((MissionCurrent(3, 20, (7, 1, 1)), MissionCurrent(3, 20, (8, 1, 1))), True),
        ((ParamValue("MIS_TOTAL", 20.0), ParamValue("MIS_TOTAL", 3.0)), True),
        ((ParamValue("RTL_ALT", 20.0), ParamValue("RTL_ALT", 3.0)), False),
    ],
)
def test_somebody_who_writes_leaves_a_sign_and_somebody_who_reads_does_not(
    packets: tuple[Inbound, ...], *, is_sign: bool
) -> None:
    signs = Signs()
    assert ([signs.of(packet) for packet in packets][-1] is not None) is is_sign


def holding(items: tuple[MissionItem, ...]) -> Vehicle:
    """A vehicle that holds `items` and PLAN's fence, over a perfect line, and shows what it is told."""
    air, vehicle = Air(delay_s=0.0), a_vehicle()
    air.upload(items)
    air.upload(FENCE, MissionType.FENCE)
    decoder, encoder = Decoder(), Encoder(MavAddress(255, 190))
    channel = air.vehicle.open_channel()

    def transmit(packet: Outbound) -> None:
        for frame in decoder.feed(air.vehicle.receive(channel, encoder.frame(packet, MavAddress(11, 1)))):
            vehicle.hear(frame.packet)

    vehicle.attach(transmit)
    return vehicle


def logbook_of(told: list[Any], state: SortieState = SortieState.ON_MISSION) -> Logbook:
    sortie = replace(SORTIE, state=state, onboard=Onboard.VERIFIED)
    return Logbook(sortie, store=cast("Store", GrudgingStore()), publish=told.append, clock=SystemClock())


@asynccontextmanager
async def guarded(vehicle: Vehicle, logbook: Logbook) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_custody(vehicle, logbook, lambda: PLAN))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def codes(told: list[Any]) -> list[str]:
    return [event.code for event in told if hasattr(event, "code")]


async def until(told: list[Any], count: int) -> None:
    async with asyncio.timeout(5):
        while len(codes(told)) < count:  # noqa: ASYNC110 - a list that grows
            await asyncio.sleep(0.01)


async def test_a_foreign_mission_in_flight_is_noticed_told_and_stopped() -> None:
    told, vehicle = list[Any](), holding(mission(4))
    vehicle.hear(Heartbeat(is_autopilot=True, armed=True, custom_mode=Mode.AUTO, system_status=4))
    sent = list[Outbound]()
    forward = vehicle._transmit
    assert forward is not None

    def brakes(packet: Outbound) -> None:
        sent.append(packet)
        forward(packet)
        if getattr(packet, "params", None) == (1, Mode.BRAKE):
            for _ in range(2):
                vehicle.hear(Heartbeat(is_autopilot=True, armed=True, custom_mode=Mode.BRAKE, system_status=4))

    vehicle.attach(brakes)
    logbook = logbook_of(told)
    async with guarded(vehicle, logbook):
        vehicle.hear(FOREIGN)
        await until(told, 3)
    assert codes(told) == ["foreign-write", "mission-changed", "stopped"]
    assert logbook.sortie.onboard is Onboard.MIXED


async def test_a_sign_without_a_change_is_told_as_that() -> None:
    told, vehicle = list[Any](), holding(MISSION)
    vehicle.hear(Heartbeat(is_autopilot=True, armed=True, custom_mode=Mode.AUTO, system_status=4))
    async with guarded(vehicle, logbook_of(told)):
        vehicle.hear(FOREIGN)
        await until(told, 2)
    assert codes(told) == ["foreign-write", "mission-held"]


async def test_what_we_write_ourselves_is_no_foreign_sign() -> None:
    told, vehicle = list[Any](), holding(MISSION)
    async with guarded(vehicle, logbook_of(told)):
        with vehicle.writing():
            vehicle.hear(FOREIGN)
        vehicle.hear(FOREIGN)
        await asyncio.sleep(0.05)
    assert codes(told) == []


async def test_a_pilot_who_flies_by_hand_is_told_and_not_stopped() -> None:
    told, vehicle = list[Any](), holding(mission(4))
    vehicle.hear(Heartbeat(is_autopilot=True, armed=True, custom_mode=Mode.LOITER, system_status=4))
    async with guarded(vehicle, logbook_of(told)):
        vehicle.hear(FOREIGN)
        await until(told, 2)
        await asyncio.sleep(0.05)
    assert codes(told) == ["foreign-write", "mission-changed"]


@pytest.mark.parametrize(("held", "may"), [(MISSION, True), (mission(4), False), (mission(5, shift_e7=1), False)])
async def test_the_last_look_before_arming_finds_what_was_changed_since_the_upload(
    held: tuple[MissionItem, ...], *, may: bool
) -> None:
    vehicle = holding(held)
    launch = Launch(
        vehicle, PLAN, cast("Logbook", None),
        journal=cast("Store", None), airspaces=cast("Store", None), clock=SystemClock(),
    )  # fmt: skip
    if may:
        await launch._look_again()
        return
    with pytest.raises(UploadMismatch, match="mission"):
        await launch._look_again()
