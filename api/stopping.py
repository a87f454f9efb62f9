"""How a process ends: in order, and a role of the platform within a bound that no disk, peer or error can stretch."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

# Well below what systemd grants (TimeoutStopSec in deploy/systemd). To be cut off is to crash: what was acknowledged
# is on the disk, commands are reconciled at the next start, and the heart beats on for some seconds.
STOP_WITHIN_S = 15.0


def stop_signal() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    _on_signal(stop.set)
    return stop


@asynccontextmanager
async def bounded_stop(within_s: float = STOP_WITHIN_S) -> AsyncIterator[asyncio.Event]:
    """As `stop_signal`, and `within_s` after the signal, or after the context ended otherwise, the process is gone.

    Open it before anything is begun, and inside of what closes it again. When the time is over, standard error says
    where every thread stands, and the process ends with status 1. Whatever hangs cannot hold that up: the time runs
    in a thread that needs nothing of Python (faulthandler).
    """
    stop = asyncio.Event()

    def begin() -> None:
        if not stop.is_set():  # a second signal grants no more time
            faulthandler.dump_traceback_later(within_s, exit=True)
            stop.set()

    _on_signal(begin)
    try:
        yield stop
    finally:
        begin()


def _on_signal(begin: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, begin)
