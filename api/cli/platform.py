"""`bailu up`, `bailu gateway` and `bailu api`: the platform in one process, or its two roles as processes.

What they need is imported late: after a kill the former heart is asked first to go on for a moment.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api.cli.options import Config, DataDir, Port, Sitl, Speedup, WithStdin
from api.cli.text import plainly
from api.folder import GATEWAY_LOCK, locked
from api.settings import Settings, load
from simulator.sitl import find_binary
from telemetry.heart.door import DOOR_FILE, announce


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
    with _sole_gateway(settings):
        from api.cli import running  # noqa: PLC0415

        running.run(lambda: running.up(settings, config, None if no_sim else kind, until_stdin_closes))


@plainly
def gateway(config: Config = None, data_dir: DataDir = None, speedup: Speedup = None) -> None:
    """Run the vehicles' side alone; `bailu api` processes on the same data folder join it."""
    settings = load(config, os.environ, data_dir=data_dir, speedup=speedup)
    with _sole_gateway(settings):
        from api.cli import running  # noqa: PLC0415

        running.run(lambda: running.gateway(settings))


@plainly
def api(config: Config = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Run the people's side alone: console and API, joined to the gateway of the same data folder."""
    settings = load(config, os.environ, port=port, data_dir=data_dir)
    with _without_collections():
        from api.cli import running  # noqa: PLC0415

        running.run(lambda: running.api(settings))


@contextmanager
def _sole_gateway(settings: Settings) -> Iterator[None]:
    """The data folder is ours; the heart of a gateway that was killed here knows that we come."""
    with locked(settings.data_dir / GATEWAY_LOCK), _without_collections():
        announce(settings.data_dir / DOOR_FILE)
        yield


@contextmanager
def _without_collections() -> Iterator[None]:
    """Nobody looks for garbage until the start is over (`runtime.settle`): there is little, and a tenth of the time
    would go into looking."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
