"""Room on the disk that is kept free for the journal: given up when the disk is full, taken again when it is not."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

FILE = "reserve"
# How often it is looked whether there is room again; only while it is given up, and somebody writes.
_LOOK_EVERY_S = 10.0
_BLOCK = 1 << 20


class Reserve:
    """A file of real blocks beside the journal. Belongs to the writing thread.

    What fills the disk cannot have them. Telemetry gives up all rows long before (`operations.recording.shedding`):
    what is given up here is there for sorties, commands and alarms.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        """`size_bytes` 0: there is none."""
        self._path = path
        self._size_bytes = size_bytes
        self._look_s = 0.0
        self.is_held = False

    def release(self) -> bool:
        """Gives it up; whether there was anything to give."""
        if not self.is_held:
            return False
        self.is_held = False
        self._look_s = time.monotonic() + _LOOK_EVERY_S
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def hold(self) -> None:
        """Takes the room if there is twice as much of it. A disk that does not give it is as it was."""
        if self.is_held or not self._size_bytes or time.monotonic() < self._look_s:
            return
        self._look_s = time.monotonic() + _LOOK_EVERY_S
        try:
            if self._blocks() or shutil.disk_usage(self._path.parent).free >= 2 * self._size_bytes:
                self._take()
        except OSError:
            self.release()

    def _blocks(self) -> bool:
        """Whether an earlier run left it."""
        return self._path.exists() and self._path.stat().st_size >= self._size_bytes

    def _take(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.is_held = True
        try:
            _allocate(descriptor, self._size_bytes)
        finally:
            os.close(descriptor)


def _allocate(descriptor: int, size_bytes: int) -> None:
    """Blocks for so many bytes from the beginning on; macOS has no call for it, and is written to."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
        return
    for at in range(0, size_bytes, _BLOCK):
        os.pwrite(descriptor, bytes(min(_BLOCK, size_bytes - at)), at)
