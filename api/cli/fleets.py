"""`bailu sim` and `bailu sitl`: the vehicles' side of a test, as a process that speaks only MAVLink."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Config, DataDir, Speedup, StateFile
from api.cli.text import err, plainly
from api.docks import docks_by_id
from api.fleet_process import FleetState, process_start, write_state
from api.runtime import run, udp_address, until_first, vehicle_configs
from api.settings import Settings, load
from api.stopping import stop_signal
from simulator.fleet import Fleet, running_fleet
from simulator.instances import BASE_PORT
from simulator.sitl import SitlFleet, find_binary, running_sitl_fleet
from simulator.sockets import PortTaken
from simulator.spec import VehicleSpec

# Nobody listens and nothing flies: a fleet whose platform was killed does not stay for ever.
LONELY_AFTER_S = 600.0
LOOK_EVERY_S = 5.0

UdpTo = Annotated[
    str | None, typer.Option("--udp-to", metavar="HOST:PORT", help="Send MAVLink there. [default: the first link]")
]


@plainly
def sim(
    *,
    count: Annotated[
        int | None, typer.Option("--count", min=1, max=200, help="So many vehicles. [default: the configured fleet]")
    ] = None,
    speedup: Speedup = None,
    udp_to: UdpTo = None,
    tcp_base_port: Annotated[
        int,
        typer.Option("--tcp-base-port", min=0, max=65_000, help="TCP of the first vehicle, then +10; 0: free ones."),
    ] = BASE_PORT,
    config: Config = None,
    state_file: StateFile = None,
) -> None:
    """Run the simulated vehicles alone, for this or any other MAVLink ground station."""
    settings = load(config, os.environ, speedup=speedup)
    specs = counted_specs(count, settings) if count else specs_of(settings)
    target = parse_target(udp_to) if udp_to else udp_address(settings.links[0])
    # The platform's own fleet takes free ports where the usual ones are taken; a person is told instead.
    bases = (tcp_base_port, 0) if state_file else (tcp_base_port,)
    run(lambda: _sim(specs, settings.speedup, target, bases, state_file))


async def _sim(
    specs: Sequence[VehicleSpec],
    speedup: float,
    target: tuple[str, int],
    bases: Sequence[int],
    state_file: Path | None,
) -> None:
    for base in bases:
        try:
            await _fly(
                running_fleet(specs, speedup=speedup, tcp_base_port=base, udp_targets=[target]), target, state_file
            )
        except PortTaken:
            if base == bases[-1]:
                raise
        else:
            return


async def _fly(fleet: AbstractAsyncContextManager[Fleet], target: tuple[str, int], state_file: Path | None) -> None:
    stop = stop_signal()
    async with fleet as flying:
        ports = {system_id: port for system_id, (_, port) in flying.tcp_addresses.items()}
        _announce("sim", target, ports, flying.speedup, state_file)
        await until_first(stop.wait(), flying.wait_closed(), _lonely(flying))


async def _lonely(fleet: Fleet) -> None:
    """Returns when no ground station was heard for long and nothing is armed."""
    while not _is_lonely(fleet):  # noqa: ASYNC110 - silence is no event
        await asyncio.sleep(LOOK_EVERY_S)
    err.print("No ground station was heard for ten minutes and nothing flies: the fleet ends.")


def _is_lonely(fleet: Fleet) -> bool:
    return fleet.silence_s() > LONELY_AFTER_S and not fleet.any_armed()


@plainly
def sitl(
    speedup: Speedup = None,
    udp_to: UdpTo = None,
    config: Config = None,
    data_dir: DataDir = None,
    state_file: StateFile = None,
) -> None:
    """Run the same fleet as real ArduPilot SITL processes (BAILU_SITL_BINARY, or arducopter on PATH)."""
    settings = load(config, os.environ, speedup=speedup, data_dir=data_dir)
    target = parse_target(udp_to) if udp_to else udp_address(settings.links[0])
    work_dir = (state_file.parent if state_file else settings.data_dir).resolve() / "sitl"
    run(lambda: _sitl(settings, find_binary(os.environ), target, work_dir, state_file))


async def _sitl(
    settings: Settings, binary: Path, target: tuple[str, int], work_dir: Path, state_file: Path | None
) -> None:
    specs = specs_of(settings)
    stop = stop_signal()
    async with running_sitl_fleet(
        specs,
        binary=binary,
        speedup=settings.speedup,
        udp_target=target,
        work_dir=work_dir,
    ) as fleet:
        _announce("sitl", target, sitl_ports(fleet), settings.speedup, state_file)
        await until_first(stop.wait(), _abandoned(target))


async def _abandoned(target: tuple[str, int]) -> None:
    """Returns when nobody has listened on `target` for long: SITL cannot tell us whether it hears anybody."""
    silent_s = 0.0
    while silent_s < LONELY_AFTER_S:
        await asyncio.sleep(LOOK_EVERY_S)
        silent_s = 0.0 if udp_is_bound(target[1]) else silent_s + LOOK_EVERY_S
    err.print("No platform was there for ten minutes: the fleet ends.")


def udp_is_bound(port: int) -> bool:
    """Whether any process of this machine listens on a UDP port (proc(5), net/udp: local address in hexadecimal)."""
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in lines)


def sitl_ports(fleet: SitlFleet) -> dict[int, int]:
    return {system_id: process.tcp_addresses[0][1] for system_id, process in fleet.processes.items()}


def specs_of(settings: Settings) -> list[VehicleSpec]:
    """The configured vehicles as simulated ones, each on its dock. Raises StartError."""
    return [
        VehicleSpec(
            system_id=each.system_id,
            name=each.id,
            lat_deg=each.dock.place.lat_deg,
            lon_deg=each.dock.place.lon_deg,
            alt_amsl_m=each.dock.alt_amsl_m,
            seed=each.system_id,
            battery_wh=each.airframe.battery_wh,
        )
        for each in vehicle_configs(settings)
    ]


def counted_specs(count: int, settings: Settings) -> list[VehicleSpec]:
    """`count` vehicles in a row of 20 m steps beside the first dock, system ids from 1."""
    dock = next(iter(docks_by_id(settings).values()))
    return [
        VehicleSpec(
            system_id=number,
            name=f"sim-{number:03}",
            lat_deg=dock.place.lat_deg,
            lon_deg=dock.place.lon_deg + 0.0002 * (number - 1),
            alt_amsl_m=dock.alt_amsl_m,
            seed=number,
        )
        for number in range(1, count + 1)
    ]


def parse_target(text: str) -> tuple[str, int]:
    """HOST:PORT. Raises typer.BadParameter."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= 65_535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--udp-to")
    return host, int(port)


def _announce(
    kind: str, target: tuple[str, int], ports: dict[int, int], speedup: float, state_file: Path | None
) -> None:
    host, port = target
    if state_file is not None:
        started = process_start(os.getpid()) or ""
        write_state(state_file, FleetState(os.getpid(), started, kind, host, port, ports, speedup))
    listening = ", ".join(f"{system_id} on {tcp}" for system_id, tcp in ports.items())
    err.print(f"{len(ports)} vehicles fly at {speedup:g}×, UDP to {host}:{port}, TCP of system {listening}")
