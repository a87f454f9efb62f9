"""What the vehicles' side promises: links that lose frames, commands, heartbeats, fences and kills, in figures."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure
from bench.vehicles import commands, diversions, fence, heartbeats, hostile, kills, returns, sitl, uploads


def vehicles() -> Iterator[Figure]:
    """Every figure of the vehicles' side; the whole takes hours on two cores."""
    yield from fence.fence()
    yield from diversions.diversions()
    yield from uploads.uploads()
    yield from returns.returns()
    yield from commands.commands()
    yield from heartbeats.heartbeats()
    yield from hostile.hostile()
    yield from kills.kills()
    yield from sitl.sitl()
