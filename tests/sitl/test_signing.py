"""Signing on both autopilots: enrolled at the bench, commanded signed, deaf to the unsigned; and so are we."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.ids import VehicleId
from missions.energy import AIRFRAMES
from missions.enrollment import SigningMemory, SigningPolicy
from missions.fleet import default_docks
from simulator.fleet import running_fleet
from simulator.sitl import find_binary, running_sitl_fleet
from simulator.spec import VehicleSpec
from telemetry.fleet import Fleet
from telemetry.links import LinkConfig, LinkError
from telemetry.messages import LinkState
from telemetry.packets import Cmd, CommandAck, CommandLong
from telemetry.provisioning import Bench, bench
from telemetry.signing import Signer, SigningBook, SigningClock, ticks_at
from telemetry.vehicle import VehicleConfig
from telemetry.wire import Encoder, MavAddress

pytestmark = pytest.mark.system

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
DOCK = default_docks()[0]
SPEC = VehicleSpec(41, "signs", DOCK.place.lat_deg, DOCK.place.lon_deg, DOCK.alt_amsl_m)


class SetBack(SystemClock):
    """The machine's clock, set back by an hour."""

    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


@asynccontextmanager
async def line(autopilot: str, work_dir: Path, udp_port: int) -> AsyncIterator[str]:
    """A vehicle, and the URL of its line that needs signatures once there is a key (SERIAL1 on a real one)."""
    if autopilot == "ardupilot":
        target = ("127.0.0.1", udp_port)
        fleet = running_sitl_fleet([SPEC], binary=find_binary(os.environ), udp_target=target, work_dir=work_dir)
        async with fleet as running:
            host, port = running.processes[SPEC.system_id].tcp_addresses[0]
            yield f"tcp:{host}:{port}"
    else:
        async with running_fleet([SPEC], tcp_base_port=None, udp_targets=[("127.0.0.1", udp_port)]):
            yield f"udpin:127.0.0.1:{udp_port}"


def config(url: str, policy: SigningPolicy) -> tuple[list[LinkConfig], list[VehicleConfig]]:
    airframe = next(iter(AIRFRAMES.values()))
    vehicle = VehicleConfig(
        VehicleId("bl-41"), "signs", ("line",), SPEC.system_id, DOCK, airframe, signing=policy, key=KEY
    )
    return [LinkConfig("line", url)], [vehicle]


@asynccontextmanager
async def gateway(url: str, policy: SigningPolicy, book: SigningBook, clock: SystemClock) -> AsyncIterator[Fleet]:
    links, vehicles = config(url, policy)
    fleet = Fleet(
        "test",
        links,
        vehicles,
        clock=clock,
        pace=1.0,
        on_frame=lambda *_: None,
        on_event=lambda _: None,
        signing=book,
    )
    await eventually_open(fleet)
    tasks = [asyncio.create_task(job) for job in (fleet.links[0].run(), fleet.knock(), fleet.keep_streams())]
    try:
        yield fleet
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def eventually_open(fleet: Fleet) -> None:
    for _ in range(50):
        try:
            return await fleet.links[0].open()
        except LinkError:
            await asyncio.sleep(0.1)
    raise AssertionError("the port stays taken")


async def until(holds: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - a state to be looked at
            await asyncio.sleep(0.05)


@contextmanager
def heard(fleet: Fleet) -> Iterator[list[object]]:
    """What the vehicle says meanwhile."""
    (vehicle,) = fleet.vehicles.values()
    packets: list[object] = []
    vehicle.listen(hear := packets.append)
    try:
        yield packets
    finally:
        vehicle.unlisten(hear)


async def obeys(fleet: Fleet, send: Callable[[CommandLong], None], within_s: float = 3.0) -> bool:
    """Whether a command that changes nothing is acknowledged: the pre-arm checks are run."""
    command = CommandLong(Cmd.RUN_PREARM_CHECKS)
    with heard(fleet) as packets:
        end_s = asyncio.get_running_loop().time() + within_s
        while asyncio.get_running_loop().time() < end_s:
            send(command)
            await asyncio.sleep(0.3)
            if any(isinstance(packet, CommandAck) and packet.command == command.command for packet in packets):
                return True
    return False


def raw_sender(
    fleet: Fleet, key: bytes | None, stamp: Callable[[], int], link_id: int
) -> Callable[[CommandLong], None]:
    """Puts frames onto the line that our own gateway would not send."""
    encoder, (channel,) = Encoder(MavAddress(255, 190)), fleet._channels.values()
    signer = Signer(key, link_id, stamp) if key else None

    def send(command: CommandLong) -> None:
        channel.link.send(channel.peer, encoder.frame(command, MavAddress(SPEC.system_id, 1), signer))

    return send


async def provisioned(url: str, job: Callable[[Bench], Awaitable[None]], signing: SigningClock) -> None:
    async with bench(url, clock=SystemClock(), signing=signing) as table:
        await job(table)


async def at_the_bench(table: Bench) -> None:
    found = await table.find(60.0)
    assert (found.system_id, found.armed) == (SPEC.system_id, False)
    assert found.uid
    assert await table.answers_unsigned()
    assert not await table.signs(KEY)
    await table.provision(KEY)
    assert not await table.signs(OTHER)
    assert not await table.answers_unsigned()


async def test_a_vehicle_signs_after_the_bench_and_neither_side_takes_anything_else(
    autopilot: str, tmp_path: Path, unused_udp_port: int
) -> None:
    clock = SystemClock()
    async with line(autopilot, tmp_path, unused_udp_port) as url:
        first = SigningBook(clock)
        await provisioned(url, at_the_bench, first.clock)
        async with gateway(url, SigningPolicy.REQUIRE, first, clock) as fleet:
            await until(lambda: fleet.states()[0].lat_deg is not None, 30.0)
            (state,) = fleet.states()
            assert (state.link, state.signed) == (LinkState.LIVE, True)
            (vehicle,) = fleet.vehicles.values()
            assert await obeys(fleet, vehicle.send)
            assert not await obeys(fleet, raw_sender(fleet, None, lambda: 0, 1))
            ahead = ticks_at(clock.now()) + 10**9
            assert not await obeys(fleet, raw_sender(fleet, OTHER, lambda: ahead, 7))
            assert await obeys(fleet, vehicle.send)
            _unsigned_is_refused_by_us(fleet)
        memory = first.memory()
        await _survives(url, memory)


def _unsigned_is_refused_by_us(fleet: Fleet) -> None:
    """The vehicle's own words without their signatures are nobody's."""
    (place,), (vehicle,) = fleet._channels.keys(), fleet.vehicles.values()
    before = vehicle.heard_s
    fleet._received(*place, Encoder(MavAddress(SPEC.system_id, 1)).frame(CommandLong(400), MavAddress(0, 0)))
    assert vehicle.heard_s == before


async def _survives(url: str, memory: SigningMemory) -> None:
    """A platform that starts again, and one whose clock was set back by an hour, are believed at once."""
    for clock in (SystemClock(), SetBack()):
        async with gateway(url, SigningPolicy.REQUIRE, SigningBook(clock, memory), clock) as fleet:
            await until(lambda fleet=fleet: fleet.states()[0].signed, 10.0)  # type: ignore[misc]
            (vehicle,) = fleet.vehicles.values()
            assert await obeys(fleet, vehicle.send)
            memory = fleet.signing.memory()
