"""One supervisor for every link: serve until lost, wait, try again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from telemetry.links.meter import Meter

# Full jitter: a fleet of links does not knock in step (AWS Architecture Blog, "Exponential Backoff And Jitter").
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
SHORTEST_PAUSE_S = 0.05
# An attempt that held so long was a success: the next loss begins with short pauses again.
_HELD_S = 5.0


class LinkLost(Exception):
    """A link that was up carries nothing any more; the text says why."""


def pause_s(failures: int, rng: random.Random) -> float:
    """How long to wait after so many failures in a row, one at least."""
    longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 10))
    return rng.uniform(SHORTEST_PAUSE_S, longest_s)


async def supervise(meter: Meter, serve: Callable[[], Awaitable[None]], rng: random.Random | None = None) -> None:
    """Calls `serve` again whenever it fails with what a link may fail with. Ends only by cancellation."""
    rng, failures = rng or random.Random(), 0
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await serve()
        except (OSError, TimeoutError, LinkLost) as error:
            meter.down(_reason(error))
        failures = 1 if loop.time() - began_s > _HELD_S else failures + 1
        await asyncio.sleep(pause_s(failures, rng))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or "no answer"
