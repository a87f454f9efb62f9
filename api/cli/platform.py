"""`bailu up`, `bailu gateway` and `bailu api`: the platform in one process, or its two roles as processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel

from adapters.bus_local import LocalBus
from adapters.bus_socket import connected_bus, hosted_bus
from adapters.sqlite import open_store
from api import runtime
from api.cli.options import Config, DataDir, Port, Sitl, Speedup, WithStdin
from api.cli.text import err, out, plainly
from api.fleet_process import STATE_FILE, FleetError, FleetProcess, running_state, start_fleet, write_state
from api.settings import Settings, load
from core.clock import SystemClock
from simulator.sitl import find_binary
from telemetry.gateway import RunningGateway

PLATFORM_FILE = "platform.json"
GATEWAY_LOCK = "gateway.lock"


@plainly
def up(
    *,
    config: Config = None,
    port: Port = None,
    data_dir: DataDir = None,
    speedup: Speedup = None,
    no_sim: Annotated[bool, typer.Option("--no-sim", help="Start no vehicles: real ones will come.")] = False,
    sitl: Sitl = False,
    until_stdin_closes: WithStdin = False,
) -> None:
    """Run the whole platform here: console, API, gateway and a simulated fleet."""
    settings = load(config, os.environ, port=port, data_dir=data_dir, speedup=speedup)
    kind = "sitl" if sitl else "sim"
    if sitl:
        find_binary(os.environ)
    with runtime.locked(settings.data_dir / GATEWAY_LOCK):
        runtime.run(lambda: _up(settings, config, None if no_sim else kind, until_stdin_closes))


async def _up(settings: Settings, config: Path | None, kind: str | None, until_stdin_closes: bool) -> None:
    stop = runtime.stop_signal()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        # First of all: a taken port is told before anything has begun.
        listening = stack.enter_context(runtime.listen(settings.host, settings.port))
        store = await stack.enter_async_context(open_store(settings.database))
        await runtime.seed_airspace(store)
        bus = LocalBus()
        settings, joined = _prepare_fleet(settings, kind)
        settings = runtime.flown_by(settings, joined.state.kind if joined else kind)
        role = runtime.gateway_role(settings, bus=bus, store=store, clock=clock, time_scale=settings.speedup)
        gateway = await stack.enter_async_context(role)
        fleet = await _fleet(settings, config, kind, gateway, joined)
        if fleet is not None:
            stack.push_async_callback(fleet.stop)
        serving = await stack.enter_async_context(
            runtime.api_role(settings, listening=listening, bus=bus, store=store, clock=clock)
        )
        stack.enter_context(_announced(settings, serving.url))
        _panel(serving.url, settings, fleet)
        runtime.settle()
        await runtime.until_first(
            stop.wait(), gateway.wait(), serving.wait(), _fleet_ended(fleet), _stdin(until_stdin_closes)
        )
        err.print("Stopping …")


def _prepare_fleet(settings: Settings, kind: str | None) -> tuple[Settings, FleetProcess | None]:
    """The settings for this start, and the fleet that a former start left flying, when there is one."""
    if kind is None:
        return settings, None
    path = settings.data_dir / STATE_FILE
    state = running_state(path)
    if state is None:
        return runtime.free_udp_links(settings), None
    if state.system_ids != {each.system_id for each in settings.vehicles}:
        raise FleetError(
            f"Process {state.pid} flies other vehicles than are configured: stop it with kill {state.pid}."
        )
    settings = runtime.with_udp_port(settings, state.udp_port)
    return settings.model_copy(update={"speedup": state.speedup}), FleetProcess(path, state, None)


async def _fleet(
    settings: Settings, config: Path | None, kind: str | None, gateway: RunningGateway, joined: FleetProcess | None
) -> FleetProcess | None:
    """The fleet to fly with: the one that was left flying, or a new one that sends to the gateway's first link."""
    if kind is None or joined is not None:
        return joined
    host, port = gateway.link_addresses[settings.links[0].name]
    arguments = ["--udp-to", f"{host}:{port}", "--speedup", f"{settings.speedup:g}"]
    if config is not None:
        arguments += ["--config", str(config)]
    return await start_fleet(settings.data_dir, kind, arguments)


async def _fleet_ended(fleet: FleetProcess | None) -> None:
    """A fleet that ends is like vehicles that are switched off: told once, the platform goes on."""
    if fleet is not None:
        await fleet.wait()
        err.print(f"The fleet's process {fleet.state.pid} has ended; its vehicles go offline.")
    await asyncio.Event().wait()


async def _stdin(watched: bool) -> None:
    """Returns when whoever started us has gone; never when stdin is not watched."""
    if not watched:
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


@contextlib.contextmanager
def _announced(settings: Settings, url: str) -> Iterator[None]:
    """Tells other programs where the platform is, as long as it is there."""
    path = settings.data_dir / PLATFORM_FILE
    write_state(path, {"pid": os.getpid(), "url": url})
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _panel(url: str, settings: Settings, fleet: FleetProcess | None) -> None:
    """The one address, and what flies."""
    lines = [f"[bold]{url}[/bold]", f"数据 data: {settings.data_dir.resolve()}"]
    if fleet is None:
        lines.append(f"等待飞行器 waiting for vehicles on {', '.join(link.url for link in settings.links)}")
    else:
        how = "re-joined, it kept flying" if fleet.was_joined else "started"
        lines.append(f"机队 fleet: {fleet.state.kind} at {fleet.state.speedup:g}×, process {fleet.state.pid} ({how})")
    out.print(Panel("\n".join(lines), title="白鹭 Bailu", expand=False))


@plainly
def gateway(config: Config = None, data_dir: DataDir = None, speedup: Speedup = None) -> None:
    """Run the vehicles' side alone; `bailu api` processes on the same data folder join it."""
    settings = load(config, os.environ, data_dir=data_dir, speedup=speedup)
    with runtime.locked(settings.data_dir / GATEWAY_LOCK):
        runtime.run(lambda: _gateway(settings))


async def _gateway(settings: Settings) -> None:
    stop = runtime.stop_signal()
    async with open_store(settings.database) as store, hosted_bus(settings.bus_socket) as bus:
        await runtime.seed_airspace(store)
        async with runtime.gateway_role(
            settings, bus=bus, store=store, clock=SystemClock(), time_scale=settings.speedup
        ) as running:
            where = ", ".join(f"{name} {host}:{port}" for name, (host, port) in running.link_addresses.items())
            err.print(f"The gateway is up: {where}; bus {settings.bus_socket}")
            runtime.settle()
            await runtime.until_first(stop.wait(), running.wait())


@plainly
def api(config: Config = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Run the people's side alone: console and API, joined to the gateway of the same data folder."""
    settings = load(config, os.environ, port=port, data_dir=data_dir)
    runtime.run(lambda: _api(settings))


async def _api(settings: Settings) -> None:
    stop = runtime.stop_signal()
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(runtime.listen(settings.host, settings.port))
        store = await stack.enter_async_context(open_store(settings.database))
        await runtime.seed_airspace(store)
        bus = await stack.enter_async_context(connected_bus(settings.bus_socket))
        role = runtime.api_role(settings, listening=listening, bus=bus, store=store, clock=SystemClock())
        serving = await stack.enter_async_context(role)
        _panel(serving.url, settings, None)
        await runtime.until_first(stop.wait(), serving.wait())
