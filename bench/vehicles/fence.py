"""A hundred vehicles fly, one after the other leaves its fence: how soon the platform's command is on its way.

The platform is `bailu gateway` in a process of its own, with its store on the disk. The vehicles are the far end of
real UDP: they say where they are ten times a second, and answer what the platform asks of them.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from adapters.sqlite import open_store
from bench.figure import Figure
from core.geo import to_e7
from core.ids import MissionId, SortieId, VehicleId
from geofence.qingpu import default_airspace
from missions.fleet import default_docks
from missions.model import Plan, SortieState
from tests.samples import a_mission, a_revision, a_sortie

_AUTO, _RTL, _SMART_RTL = 3, 6, 21
_POSITION_S, _HEARTBEAT_S = 0.1, 1.0
# A vehicle that was called back flies its mission again after so long, and may leave its fence again.
_AGAIN_S = 3.0
_BETWEEN_S = 0.2
# Flights are found again, and what the vehicles hold is read back: mission, fence and rally points.
_ATTACH_DEADLINE_S, _KINDS, _SETTLE_S = 120.0, 3, 3.0


def fence(vehicles: int = 100, crossings: int = 500) -> Iterator[Figure]:
    """From the first position outside, as it is sent, to the command to return, as it is received."""
    took_ms = asyncio.run(_measured(vehicles, crossings))
    yield Figure(f"vehicles.fence.{vehicles}.crossings", float(len(took_ms)), "crossings", float(crossings), "higher")
    yield Figure(f"vehicles.fence.{vehicles}.to-return.p50", float(np.median(took_ms)), "ms")
    yield Figure(f"vehicles.fence.{vehicles}.to-return.p99", float(np.percentile(took_ms, 99)), "ms", 50.0)
    yield Figure(f"vehicles.fence.{vehicles}.to-return.worst", max(took_ms), "ms", 100.0)


async def _measured(vehicles: int, crossings: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        plan = await _seeded(Path(folder), vehicles)
        port = _free_port()
        with _gateway(Path(folder), vehicles, port):
            return await _crossings(plan, vehicles, port, crossings)


async def _seeded(folder: Path, vehicles: int) -> Plan:
    """A store with one sortie in the air for each vehicle; the plan that all of them fly."""
    async with open_store(folder / "bailu.db") as store:
        await store.publish_airspace(default_airspace())
        revision = a_revision()
        for number in range(1, vehicles + 1):
            mission_id = MissionId(f"m-{number}")
            await store.add_mission(a_mission(mission_id), replace(revision, mission_id=mission_id))
            sortie = replace(
                a_sortie(f"s-{number}"),
                id=SortieId(f"s-{number}"),
                mission_id=mission_id,
                vehicle_id=VehicleId(f"v-{number}"),
                state=SortieState.ON_MISSION,
                mission_hash=revision.plan.hash,
                fence_hash=revision.plan.fence_hash,
                rally_hash=revision.plan.rally_hash,
            )
            await store.add_sortie(sortie, idempotency_key=f"k-{number}", request_digest="-")
        return revision.plan


@contextmanager
def _gateway(folder: Path, vehicles: int, port: int) -> Iterator[None]:
    config = folder / "bailu.toml"
    lines = ["[[links]]", 'name = "fleet"', f'url = "udpin:127.0.0.1:{port}"']
    for number in range(1, vehicles + 1):
        lines += ["[[vehicles]]", f'id = "v-{number}"', f'name = "{number}"', 'link = "fleet"']
        lines += [f"system_id = {number}", f'dock = "{default_docks()[0].id}"']
    config.write_text("\n".join(lines))
    command = [sys.executable, "-m", "api.cli.main", "gateway", "--config", str(config), "--data-dir", str(folder)]
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        try:
            yield
        except TimeoutError as error:
            raise AssertionError((folder / "gateway.log").read_text()[-2_000:]) from error
        assert process.poll() is None, (folder / "gateway.log").read_text()
    finally:
        process.terminate()
        process.wait(20)


class _Craft(asyncio.DatagramProtocol):
    """One vehicle's end of the link."""

    def __init__(self, number: int, plan: Plan) -> None:
        self._codec = mavlink.MAVLink(None, srcSystem=number, srcComponent=1)
        self._codec.robust_parsing = True
        self._plan = plan
        self._mode = _AUTO
        self._transport: asyncio.DatagramTransport | None = None
        self._outside_at_s: float | None = None
        self.read_back: set[int] = set()
        self.ready_s = 0.0
        self.took_ms: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - one peer
        now_s = time.perf_counter()
        for message in self._codec.parse_buffer(data) or ():
            if message.get_type() == "COMMAND_LONG":
                self._obey(message, now_s)
            elif message.get_type() == "TIMESYNC" and message.tc1 == 0:
                self._send(mavlink.MAVLink_timesync_message(time.monotonic_ns(), message.ts1))
            elif message.get_type() in ("MISSION_REQUEST_LIST", "MISSION_REQUEST_INT"):
                self._tell(message)
            elif message.get_type() == "MISSION_ACK":
                self.read_back.add(message.mission_type)

    def _tell(self, message: mavlink.MAVLink_message) -> None:
        """What it holds: the plan that it flies."""
        held = (self._plan.items, self._plan.fence_items, self._plan.rally_items)[message.mission_type]
        if message.get_type() == "MISSION_REQUEST_LIST":
            self._send(mavlink.MAVLink_mission_count_message(255, 190, len(held), message.mission_type))
        elif message.seq < len(held):
            item = held[message.seq]
            values = (item.seq, item.frame, item.command, 0, 1, *item.params, item.x_e7, item.y_e7, item.z_m)
            self._send(mavlink.MAVLink_mission_item_int_message(255, 190, *values, message.mission_type))

    def _obey(self, message: mavlink.MAVLink_command_long_message, now_s: float) -> None:
        if message.command == mavlink.MAV_CMD_DO_SET_MODE:
            self._mode = int(message.param2)
            if self._mode in (_RTL, _SMART_RTL) and self._outside_at_s is not None:
                self.took_ms.append((now_s - self._outside_at_s) * 1_000.0)
                self._outside_at_s, self.ready_s = None, now_s + _AGAIN_S
            self.heartbeat()
        self._send(mavlink.MAVLink_command_ack_message(message.command, 0))

    def heartbeat(self) -> None:
        if self._mode != _AUTO and time.perf_counter() > self.ready_s - _AGAIN_S / 2:
            self._mode = _AUTO
        self._send(mavlink.MAVLink_heartbeat_message(2, 3, 0x81 | 8, self._mode, 4, 3))
        self._send(mavlink.MAVLink_mission_current_message(3))
        self._send(mavlink.MAVLink_extended_sys_state_message(0, 2))

    def position(self) -> None:
        step = self._plan.waypoints[0]
        outside = 0.02 if self._outside_at_s is not None else 0.0
        lat, lon = to_e7(step.place.lat_deg + outside), to_e7(step.place.lon_deg)
        boot_ms, alt_mm = int(time.monotonic() * 1000) & 0xFFFFFFFF, int(step.alt_rel_m * 1000)
        self._send(mavlink.MAVLink_global_position_int_message(boot_ms, lat, lon, alt_mm, alt_mm, 0, 0, 0, 0))

    def leave(self) -> None:
        """Leaves its fence, and says so at once."""
        self._outside_at_s = time.perf_counter()
        self.position()

    @property
    def may_leave(self) -> bool:
        return self._outside_at_s is None and self._mode == _AUTO and time.perf_counter() > self.ready_s

    def _send(self, message: mavlink.MAVLink_message) -> None:
        if self._transport is not None:
            self._transport.sendto(message.pack(self._codec))
            self._codec.seq = (self._codec.seq + 1) % 256


async def _crossings(plan: Plan, vehicles: int, port: int, crossings: int) -> list[float]:
    loop = asyncio.get_running_loop()
    fleet = [_Craft(number, plan) for number in range(1, vehicles + 1)]
    for craft in fleet:
        await loop.create_datagram_endpoint(partial(_same, craft), remote_addr=("127.0.0.1", port))
    flying = asyncio.create_task(_fly(fleet))
    rng = np.random.default_rng(1)
    try:
        async with asyncio.timeout(_ATTACH_DEADLINE_S):
            while not all(len(craft.read_back) == _KINDS for craft in fleet):  # noqa: ASYNC110 - frames set no event
                await asyncio.sleep(0.1)
        await asyncio.sleep(_SETTLE_S)
        async with asyncio.timeout(_ATTACH_DEADLINE_S + 4.0 * crossings * _BETWEEN_S):
            while sum(len(craft.took_ms) for craft in fleet) < crossings:
                free = [craft for craft in fleet if craft.may_leave]
                if free:
                    free[int(rng.integers(len(free)))].leave()
                await asyncio.sleep(float(rng.uniform(0.5, 1.5)) * _BETWEEN_S)
    finally:
        flying.cancel()
    return [took for craft in fleet for took in craft.took_ms]


async def _fly(fleet: list[_Craft]) -> None:
    """Positions at 10 Hz and heartbeats at 1 Hz of all, spread over time as those of a real fleet are."""
    step_s, number = _POSITION_S / len(fleet), 0
    due_s = time.perf_counter()
    while True:
        craft = fleet[number % len(fleet)]
        craft.position()
        if (number // len(fleet)) % round(_HEARTBEAT_S / _POSITION_S) == 0:
            craft.heartbeat()
        number += 1
        due_s += step_s
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))


def _same(craft: _Craft) -> _Craft:
    return craft


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
