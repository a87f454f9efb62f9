"""The platform at work: both roles in one process, or one of them. Whatever can wait comes after commanding."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import ModuleType

from rich.panel import Panel

from adapters.bus_local import LocalBus
from adapters.bus_socket import connected_bus, hosted_bus
from adapters.sqlite import SqliteStore, open_store
from api import logs, runtime
from api.cli.text import out
from api.fleet_process import STATE_FILE, FleetError, FleetProcess, running_state, start_fleet, write_state
from api.folder import PLATFORM_FILE
from api.settings import Settings
from api.stopping import bounded_stop
from core.clock import SystemClock
from telemetry.gateway import RunningGateway

run = runtime.run


async def up(settings: Settings, config: Path | None, kind: str | None, until_stdin_closes: bool) -> None:
    """Both roles in one process, and the fleet `kind`; the vehicles' side is at work before the other is imported."""
    logs.configure(settings.log)
    clock = SystemClock()
    async with AsyncExitStack() as stack, bounded_stop() as stop:
        # First of all: a taken port is told before anything has begun.
        listening = stack.enter_context(runtime.listen(settings.host, settings.port))
        store = await stack.enter_async_context(open_store(settings.database, reserve_bytes=settings.reserve_bytes))
        bus = LocalBus()
        settings, joined = _prepare_fleet(settings, kind)
        settings = runtime.flown_by(settings, joined.state.kind if joined else kind)
        role = runtime.gateway_role(settings, bus=bus, store=store, clock=clock, time_scale=settings.speedup)
        gateway = await stack.enter_async_context(role)
        await runtime.seed_airspace(store)
        coming = asyncio.create_task(asyncio.to_thread(_people_side))
        fleet = await _fleet(settings, config, kind, gateway, joined)
        if fleet is not None:
            stack.push_async_callback(fleet.stop)
        people_side = await coming
        await stack.enter_async_context(_traces(settings))
        api_role = people_side.api_role(settings, listening=listening, bus=bus, store=store, clock=clock)
        serving = await stack.enter_async_context(api_role)
        stack.enter_context(_announced(settings, serving.url))
        _panel(serving.url, settings, fleet)
        runtime.settle()
        await runtime.until_first(
            stop.wait(), gateway.wait(), serving.wait(), _fleet_ended(fleet), _stdin(until_stdin_closes)
        )
        logs.say("Stopping …")


def _people_side() -> ModuleType:
    """FastAPI and every route's schemas take longer to import than all before: meanwhile vehicles are flown."""
    from api import serving  # noqa: PLC0415

    return serving


def _traces(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Where spans go, if anywhere; imported with the people's side, which makes them."""
    from api.tracing import exported  # noqa: PLC0415

    return exported(settings.trace_endpoint)


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
        logs.say(f"The fleet's process {fleet.state.pid} has ended; its vehicles go offline.")
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


async def gateway(settings: Settings) -> None:
    """The vehicles' side alone."""
    logs.configure(settings.log)
    async with AsyncExitStack() as stack, bounded_stop() as stop:
        store = await stack.enter_async_context(open_store(settings.database, reserve_bytes=settings.reserve_bytes))
        bus = await stack.enter_async_context(hosted_bus(settings.bus_socket))
        role = runtime.gateway_role(settings, bus=bus, store=store, clock=SystemClock(), time_scale=settings.speedup)
        running = await stack.enter_async_context(role)
        await runtime.seed_airspace(store)
        where = ", ".join(f"{name} {host}:{port}" for name, (host, port) in running.link_addresses.items())
        wait = await _gateway_port(settings, running, store, stack)
        logs.say(f"The gateway is up: {where}; bus {settings.bus_socket}")
        runtime.settle()
        await runtime.until_first(stop.wait(), running.wait(), wait)


async def _gateway_port(
    settings: Settings, running: RunningGateway, store: SqliteStore, stack: AsyncExitStack
) -> Awaitable[object]:
    """Serves metrics and health of a gateway that runs apart, when asked to; a wait that ends when that ends."""
    if settings.metrics_port is None:
        return asyncio.Event().wait()
    from api.gateway_port import gateway_app  # noqa: PLC0415
    from api.webserver import serving  # noqa: PLC0415

    app = gateway_app(settings, gateway=running.gateway, store=store, clock=SystemClock())
    listening = stack.enter_context(runtime.listen(settings.host, settings.metrics_port))
    server = await stack.enter_async_context(serving(app, listening))
    logs.say(f"Metrics and health: {server.url}metrics")
    return server.wait()


async def api(settings: Settings) -> None:
    """The people's side alone."""
    logs.configure(settings.log)
    people_side = _people_side()
    async with AsyncExitStack() as stack, bounded_stop() as stop:
        listening = stack.enter_context(runtime.listen(settings.host, settings.port))
        store = await stack.enter_async_context(open_store(settings.database))
        await runtime.seed_airspace(store)
        bus = await stack.enter_async_context(connected_bus(settings.bus_socket))
        await stack.enter_async_context(_traces(settings))
        role = people_side.api_role(settings, listening=listening, bus=bus, store=store, clock=SystemClock())
        serving = await stack.enter_async_context(role)
        _panel(serving.url, settings, None)
        runtime.settle()
        await runtime.until_first(stop.wait(), serving.wait())
