"""Where a successor meets the heart that a killed gateway left beating. Standard library only: it is asked first."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("bailu.heart")

DOOR_FILE = "heart.sock"
# What a visitor may say. Whoever comes in has the data folder's lock, so the core is dead.
SOON = b"soon\n"  # a successor starts: one more while, please
NOW = b"now\n"  # it needs the ports
# How long a predecessor may take to let go of the ports.
SUCCEED_S = 1.0


def announce(door: Path, within_s: float = SUCCEED_S) -> bool:
    """Tells the former gateway's heart that a successor starts; whether there is one.

    It goes on for as long as if it had been fed now, once: what starts again and again without coming up must not
    keep the vehicles from their failsafe. Call it as early as can be, with the data folder's lock.
    """
    return _visited(door, SOON, within_s)


def succeed(door: Path, within_s: float = SUCCEED_S) -> bool:
    """Ends the heart that a killed gateway of this data folder left; whether there was one.

    Call it before binding: its copies of the sockets hold the ports. The caller holds the data folder's lock.
    """
    return _visited(door, NOW, within_s)


def _visited(door: Path, word: bytes, within_s: float) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor, address(door) as place:
        visitor.settimeout(within_s)
        try:
            visitor.connect(place)
            visitor.sendall(word)
            visitor.recv(1)  # ends when it was heard; after NOW, when the heart has ended
        except TimeoutError:
            log.warning("the former gateway's heart does not answer")
        except (ConnectionResetError, BrokenPipeError):
            pass
        except OSError:
            return False
    return True


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for `path` that fits the 108 bytes of a Unix socket's address, however deep the data folder lies."""
    if len(os.fsencode(path)) < 100 or not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
