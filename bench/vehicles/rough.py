"""`python -m bench.vehicles.rough COMMAND …`: bailu with a core that is held up on purpose in every way that we know.

Garbage is made and collected without a pause in a thread, and the event loop stands still for two seconds at a time.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from types import FrameType

from api.cli.main import app

STALL_S = 2.0
STALL_EVERY_S = 7.0


def _storm() -> None:
    """Cycles of garbage, and full collections over them."""
    while True:
        cycles: list[object] = []
        for _ in range(2_000):
            one: list[object] = []
            one.append(one)
            cycles.append(one)
        cycles.append(cycles)
        del cycles
        gc.collect()
        time.sleep(0.01)


def _stall(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a signal handler gets
    """Runs between two instructions of the event loop's thread, as a long computation would."""
    time.sleep(STALL_S)


def main() -> None:
    """Runs bailu as its own command line would."""
    threading.Thread(target=_storm, daemon=True).start()
    signal.signal(signal.SIGALRM, _stall)
    signal.setitimer(signal.ITIMER_REAL, STALL_EVERY_S, STALL_EVERY_S)
    app()


if __name__ == "__main__":
    main()
