"""Running the two roles: what both need, and the vehicles' side."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from adapters.keyring import KeyRing, KeyRingError, open_ring
from adapters.sqlite import SqliteStore
from api.docks import docks_by_id
from api.enrolling import StoredRoster
from api.folder import StartError
from api.settings import LinkSetting, RecordingSetting, Settings, WatchSetting
from core.bus import Bus
from core.clock import Clock
from core.errors import NotFound
from core.ids import DockId, VehicleId
from geofence.qingpu import default_airspace
from missions.energy import AIRFRAMES
from missions.fleet import SITL_AIRFRAME
from operations.recording.retention import KeepPolicy
from telemetry.alarms.rules import Limits
from telemetry.fencing import FenceAction, FencePolicy
from telemetry.forwarding.collector import running_collector
from telemetry.gateway import Keeping, RunningGateway, running_gateway
from telemetry.links import LinkConfig
from telemetry.vehicle import VehicleConfig
from telemetry.watchman import WatchPolicy

# Longer than the hub waits for a stalled viewer, so that the hub cuts first and counts it.
UNREAD_FOR_MS = 30_000


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a role on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def settle() -> None:
    """The start is over. What there is now stays: collections that looked at it would hold the loop up too long."""
    gc.collect()
    gc.freeze()
    gc.enable()


async def until_first(*waits: Awaitable[object]) -> None:
    """Waits until one of `waits` is over; raises what it raised."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(each) for each in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def vehicle_configs(settings: Settings) -> list[VehicleConfig]:
    """The configured vehicles with their docks and airframes. Raises StartError for one that is not known."""
    docks = docks_by_id(settings)
    configs = []
    for each in settings.vehicles:
        if each.dock not in docks:
            raise StartError(f"Vehicle {each.id}: there is no dock {each.dock!r}; known are {', '.join(docks)}.")
        if each.airframe not in AIRFRAMES:
            known = ", ".join(AIRFRAMES)
            raise StartError(f"Vehicle {each.id}: there is no airframe {each.airframe!r}; known are {known}.")
        dock, airframe = docks[DockId(each.dock)], AIRFRAMES[each.airframe]
        known_as = VehicleId(each.id), each.name, each.links, each.system_id
        configs.append(VehicleConfig(*known_as, dock, airframe, unit=each.unit))
    return configs


async def seed_airspace(store: SqliteStore) -> None:
    """Publishes the default airspace into a fresh store."""
    try:
        await store.airspace()
    except NotFound:
        await store.publish_airspace(default_airspace())


def keys_of(settings: Settings) -> KeyRing:
    """What locks vehicles' signing keys and targets' secrets. Raises StartError."""
    try:
        return open_ring(settings.data_dir, settings.key_file)
    except KeyRingError as error:
        raise StartError(str(error)) from error


def _ring_or_why_not(settings: Settings) -> KeyRing | KeyRingError:
    """What opens vehicles' signing keys. Without it those that need none are flown all the same: no StartError."""
    try:
        return open_ring(settings.data_dir, settings.key_file)
    except KeyRingError as error:
        return error


@asynccontextmanager
async def gateway_role(
    settings: Settings, *, bus: Bus, store: SqliteStore, clock: Clock, time_scale: float
) -> AsyncIterator[RunningGateway]:
    """The vehicles' side. Raises LinkError and StartError."""
    configured = vehicle_configs(settings)
    ring = _ring_or_why_not(settings)
    collecting = running_collector(bus=bus, outbox=store.forwarding, clock=clock)
    async with (
        collecting,
        running_gateway(
            name=socket.gethostname(),
            links=[LinkConfig(link.name, link.url) for link in settings.links],
            vehicles=configured,
            bus=bus,
            store=store,
            alarms=store,
            clock=clock,
            data_dir=settings.data_dir,
            tick_hz=settings.tick_hz,
            time_scale=time_scale,
            gcs_system_id=settings.gcs_system_id,
            watch=_watch_policy(settings.watch),
            roster=StoredRoster(configured, store, ring, docks_by_id(settings)),
            signing_store=store,
            records=store.records,
            floor_bytes=settings.disk_floor_mib << 20,
            keeping=Keeping(_keep_policy(settings.recording), store),
        ) as gateway,
    ):
        yield gateway


def _keep_policy(asked: RecordingSetting) -> KeepPolicy:
    return KeepPolicy(asked.raw_days, asked.level_days, round(asked.max_gib * 2**30))


def _watch_policy(asked: WatchSetting) -> WatchPolicy:
    fence = FencePolicy(FenceAction(asked.fence_ahead), FenceAction(asked.fence_breach))
    return WatchPolicy(fence, Limits(asked.battery_low_pct, asked.battery_critical_pct))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 is any free one. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A connection that is closed while its far end does not read would wait for ever to be flushed (tcp(7)).
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_FOR_MS)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise StartError(
            f"Port {port} on {host} cannot be used ({error.strerror}): choose another one with --port, "
            "or stop the program that has it."
        ) from error
    return listening


def free_udp_links(settings: Settings) -> Settings:
    """The settings with a free port for the default link when somebody else has its usual one."""
    if not settings.has_default_fleet:
        return settings
    (link,) = settings.links
    host, port = udp_address(link)
    return settings if _is_free(host, port) else with_udp_port(settings, 0)


def flown_by(settings: Settings, kind: str | None) -> Settings:
    """The settings with the airframe of the default fleet when `kind` flies it: SITL's copter draws more power."""
    if kind != "sitl" or not settings.has_default_fleet:
        return settings
    vehicles = tuple(each.model_copy(update={"airframe": SITL_AIRFRAME}) for each in settings.vehicles)
    return settings.model_copy(update={"vehicles": vehicles})


def with_udp_port(settings: Settings, port: int) -> Settings:
    """The settings with the first link at another port."""
    first, *rest = settings.links
    host, _ = udp_address(first)
    links: Sequence[LinkSetting] = (LinkSetting(name=first.name, url=f"udpin:{host}:{port}"), *rest)
    return settings.model_copy(update={"links": tuple(links)})


def udp_address(link: LinkSetting) -> tuple[str, int]:
    _, _, rest = link.url.partition(":")
    host, _, port = rest.rpartition(":")
    return host, int(port)


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
