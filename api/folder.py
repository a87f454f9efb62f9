"""The data folder: one gateway at a time, and why a role cannot start. Standard library only: it comes first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GATEWAY_LOCK = "gateway.lock"
PLATFORM_FILE = "platform.json"  # where the platform that runs here is reached


class StartError(Exception):
    """A role cannot start; the text says why and what to do."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of a data folder, so that one gateway writes it. Raises StartError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise StartError(
                f"Another Bailu (process {owner}) uses the data folder {path.parent}: stop it, or choose another "
                "folder with --data-dir."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
