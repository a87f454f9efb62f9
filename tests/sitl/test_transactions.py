"""Transactions on both autopilots, the same code: over a line that loses 30 % each way; refusals in its own words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import VehicleRejected
from core.ids import VehicleId
from missions.energy import AIRFRAMES
from missions.fleet import default_docks
from missions.items import items_hash
from simulator.faults.impairment import Faults
from simulator.faults.line import LinkFaults
from simulator.faults.udp import UdpProxy
from simulator.fleet import running_fleet
from simulator.sitl import find_binary, running_sitl_fleet
from simulator.spec import VehicleSpec
from telemetry.commands import set_mode
from telemetry.exchange import download, list_logs, list_params, put, read_params, set_params
from telemetry.fleet import Fleet
from telemetry.links import LinkConfig
from telemetry.messages import LinkState
from telemetry.packets import Cmd, CommandInt, MissionType, Mode
from telemetry.profile import NAMES, changes, compared
from telemetry.vehicle import Vehicle, VehicleConfig
from tests.telemetry.test_transfers import mission, square_fence

pytestmark = pytest.mark.system

DOCK = default_docks()[0]
SPEC = VehicleSpec(52, "loses", DOCK.place.lat_deg, DOCK.place.lon_deg, DOCK.alt_amsl_m)
CLEAN = LinkFaults()
# Lost, doubled and overtaken each way, 100 ms for a round trip.
WAY = Faults(loss=0.3, delay_s=0.04, jitter_s=0.02, duplicate=0.05)
BAD = LinkFaults(WAY, WAY)


@asynccontextmanager
async def spoken_to(autopilot: str, work_dir: Path, faults: LinkFaults) -> AsyncIterator[Vehicle]:
    """A vehicle behind a bad line, heard and asked for its streams; real time."""
    config = VehicleConfig(
        VehicleId("bl-52"), "loses", ("line",), SPEC.system_id, DOCK, next(iter(AIRFRAMES.values()))
    )
    fleet = Fleet(
        "test", [LinkConfig("line", "udpin:127.0.0.1:0")], [config],
        clock=SystemClock(), pace=1.0, on_frame=lambda *_: None, on_event=lambda _: None,
    )  # fmt: skip
    await fleet.links[0].open()
    host, port = fleet.links[0].address[:2]
    proxy = UdpProxy((str(host), int(port)), seed=7, faults=faults)
    target = await proxy.open(("127.0.0.1", 0))
    tasks = [asyncio.create_task(job) for job in (fleet.links[0].run(), fleet.knock(), fleet.keep_streams())]
    try:
        async with autopilot_at(autopilot, work_dir, target):
            (vehicle,) = fleet.vehicles.values()
            await until(lambda: vehicle.link is LinkState.LIVE and vehicle.state.mission_seq is not None, 60.0)
            yield vehicle
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await proxy.close()


@asynccontextmanager
async def autopilot_at(autopilot: str, work_dir: Path, target: tuple[str, int]) -> AsyncIterator[None]:
    if autopilot == "ardupilot":
        binary = find_binary(os.environ)
        async with running_sitl_fleet([SPEC], binary=binary, udp_target=target, work_dir=work_dir):
            yield
    else:
        async with running_fleet([SPEC], tcp_base_port=None, udp_targets=[target]):
            yield


async def until(holds: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - a state to be looked at
            await asyncio.sleep(0.05)


async def test_two_hundred_items_arrive_and_read_back_equal_whatever_the_line_loses(
    autopilot: str, tmp_path: Path
) -> None:
    items, fence = mission(198), square_fence()
    async with spoken_to(autopilot, tmp_path, BAD) as vehicle:
        began_s = vehicle.clock.mono_s()
        held = await put(vehicle, MissionType.MISSION, items)
        took_s = vehicle.clock.mono_s() - began_s
        print(f"{autopilot}: 200 items uploaded and read back in {took_s:.1f} s")
        assert held == items_hash(items, kind="mission")
        assert took_s < 90.0
        await put(vehicle, MissionType.FENCE, fence)
        await put(vehicle, MissionType.MISSION, ())
        assert len(await download(vehicle, MissionType.MISSION)) <= 1
        assert items_hash(await download(vehicle, MissionType.FENCE), kind="fence") == items_hash(fence, kind="fence")


async def test_the_safety_profile_is_held_after_it_was_set_over_a_bad_line(autopilot: str, tmp_path: Path) -> None:
    async with spoken_to(autopilot, tmp_path, BAD) as vehicle:
        before = compared(await read_params(vehicle, NAMES), gcs_system_id=255, reserve=0.25)
        wrong = changes(before)
        assert {"FS_GCS_ENABLE", "BATT_FS_LOW_ACT", "BATT_LOW_MAH"} <= set(wrong)
        await set_params(vehicle, wrong)
        after = compared(await read_params(vehicle, NAMES), gcs_system_id=255, reserve=0.25)
        print(f"{autopilot}: {len(wrong)} of {len(before)} settings set: {', '.join(wrong)}")
        assert [line.parameter for line in after if not line.ok] == []


async def test_lists_are_complete_and_commands_are_told_in_the_autopilots_words(
    autopilot: str, tmp_path: Path
) -> None:
    async with spoken_to(autopilot, tmp_path, CLEAN) as vehicle:
        listed = await list_params(vehicle)
        print(f"{autopilot}: {len(listed)} parameters")
        some = dict(list(listed.items())[::25])
        assert await read_params(vehicle, some) == some
        if autopilot == "ardupilot":
            logs = await list_logs(vehicle)
            print(f"{autopilot}: {len(logs)} logs")
        await set_mode(vehicle, Mode.GUIDED, urgent=True)
        assert vehicle.state.mode == "GUIDED"
        with pytest.raises(VehicleRejected) as caught:
            # Disarmed on the ground it takes off nowhere, whatever stands in the way of arming.
            await vehicle.command(Cmd.MISSION_START, 1.0, 1.0)
        print(f"{autopilot}: {caught.value.detail}")
        assert caught.value.mav_result in ("DENIED", "FAILED")
        with pytest.raises(VehicleRejected):
            await vehicle.order(CommandInt(Cmd.DO_SET_MISSION_CURRENT, 0, (60_000.0, 0.0, 0.0, 0.0), 0, 0, 0.0))
