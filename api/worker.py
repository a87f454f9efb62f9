"""What a worker process does first. Standard library only: it steps back before it imports the rest."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def begin() -> None:
    """Ctrl-C is the parent's to handle; and a parent that was killed takes the worker with it.

    Planning is heavy and can wait: it leaves the processor to the gateway, which is to command soon after a restart.
    """
    os.nice(5)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
