"""The people's side at work: console, API and streams on a bound socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.forwarding import Doors, Openers
from adapters.forwarding.vault import Vault
from adapters.sqlite import SqliteStore
from adapters.sqlite.spool import open_spool
from adapters.terrain import TileFolder
from api.docks import docks_by_id
from api.forwarder import running_forwarder
from api.forwarding import ForwardingDesk
from api.launch import close_orphans
from api.main import create_app, stream_hub
from api.planning import running_planner
from api.replays import running_replays
from api.reviews import running_reviewer
from api.runtime import keys_of
from api.services import services_on
from api.settings import Settings
from api.traffic import running_watch
from api.webserver import Serving, serving
from core.bus import Bus
from core.clock import Clock
from geofence.qingpu import default_terrain
from geofence.terrain import Terrain
from operations.forwarding.ports import Waits
from telemetry.forwarding.forwarder import Ways
from telemetry.stream.feed import running_hub


def terrain_of(settings: Settings) -> Terrain:
    """The configured tiles, looked at once so that an empty folder is told at the start; else the schematic plane.

    Raises TerrainUnusable.
    """
    if settings.terrain_dir is None:
        return default_terrain()
    tiles = TileFolder(settings.terrain_dir)
    tiles.open()
    return tiles


def _openers(settings: Settings) -> Openers:
    told = settings.forwarding
    return Openers(Doors(allow_private=told.allow_private, ca_file=told.ca_file))


@asynccontextmanager
async def api_role(
    settings: Settings, *, listening: socket.socket, bus: Bus, store: SqliteStore, clock: Clock
) -> AsyncIterator[Serving]:
    """The people's side on a bound socket, really serving when the context opens."""
    # Whose these are is in the store, which may say another unit than the settings: the first tick tells.
    enrolled_since = {each.id for each in await store.enrollments(retired=True)}
    hub = stream_hub(settings, clock, but=enrolled_since)
    vault = Vault(keys_of(settings))
    async with running_planner() as planner, open_spool(settings.data_dir) as spool:
        app = create_app(
            settings,
            clock=clock,
            store=store,
            bus=bus,
            planner=planner,
            hub=hub,
            docks=docks_by_id(settings),
            terrain=terrain_of(settings),
            forwarding_desk=ForwardingDesk(store.forwarding, spool, vault, clock),
        )
        ways = Ways(store.forwarding, store.forwarding, spool, bus, clock, _openers(settings), vault.unlock, Waits())
        await close_orphans(services_on(app))
        async with (
            serving(app, listening) as server,
            running_hub(hub, bus=bus, store=store),
            running_reviewer(app.state.reviewer),
            running_replays(app.state.replays),
            running_watch(app.state.traffic),
            running_forwarder(ways, settings.data_dir, app.state.traffic),
        ):
            planner.warm_up()
            yield server
