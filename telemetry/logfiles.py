"""The `.tlog` files being written: whole records only, whatever the disk or a kill left of the last one."""

from __future__ import annotations

import mmap
import os
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from telemetry.tlog import record_length

# So many files are synced at each flush, the longest unsynced first. What the kernel holds survives a kill anyway;
# a power cut takes what was not synced, and thousands of syncs a second would take the disk.
SYNCED_AT_ONCE = 32


def whole_length(path: Path) -> int:
    """Length of the file up to the end of its last whole record; 0 for a file that is none or is not there."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                return 0
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
                return _whole_length(data, size)
    except FileNotFoundError:
        return 0


def _whole_length(data: mmap.mmap, size: int) -> int:
    at = 0
    while (length := record_length(data, at, size)) is not None and at + length <= size:
        at += length
    return at


@dataclass(slots=True)
class _Open:
    """`length`: of what is written for good. `identity`: device and inode, so that it is seen when it is gone."""

    descriptor: int
    length: int
    identity: tuple[int, int]


class LogFiles:
    """Open logs by path; belongs to the writing thread."""

    def __init__(self) -> None:
        self._open: dict[Path, _Open] = {}
        self._unsynced: deque[Path] = deque()
        self._made: set[Path] = set()

    def append(self, path: Path, records: bytes) -> None:
        """Writes whole records at the end, or nothing of them. Raises OSError."""
        file = self._opened(path)
        try:
            _write(file.descriptor, records, file.length)
        except OSError:
            # A torn record would make all later ones unreadable.
            with suppress(OSError):
                os.ftruncate(file.descriptor, file.length)
            self._forget(path)
            raise
        file.length += len(records)
        if path not in self._unsynced:
            self._unsynced.append(path)

    def sync(self) -> None:
        """Puts on the disk what waits for it the longest.

        Raises the first OSError when all were tried; a file that failed is opened anew later.
        """
        _each([self._unsynced.popleft() for _ in range(min(SYNCED_AT_ONCE, len(self._unsynced)))], self._sync)

    def close(self, paths: Iterable[Path]) -> None:
        """Syncs and closes; unknown paths are none. Raises the first OSError when all were tried, and are closed."""
        _each([path for path in paths if path in self._open], self._close)

    def _opened(self, path: Path) -> _Open:
        if path in self._open and _identity(path) != self._open[path].identity:
            self._forget(path)  # it was taken away: what is written to it is lost
        if path not in self._open:
            self._make(path.parent)
            length = whole_length(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.ftruncate(descriptor, length)
            found = os.fstat(descriptor)
            self._open[path] = _Open(descriptor, length, (found.st_dev, found.st_ino))
        return self._open[path]

    def _make(self, folder: Path) -> None:
        """Once only: where a disk was unmounted later, no folder takes its place."""
        if folder not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)

    def _close(self, path: Path) -> None:
        self._sync(path)
        self._forget(path)

    def _sync(self, path: Path) -> None:
        if path not in self._open:
            return
        try:
            os.fdatasync(self._open[path].descriptor)
        except OSError:
            # After a failed sync nothing is known of what was written through this descriptor.
            self._forget(path)
            raise

    def _forget(self, path: Path) -> None:
        if path in self._unsynced:
            self._unsynced.remove(path)
        os.close(self._open.pop(path).descriptor)


def _each(paths: Iterable[Path], do: Callable[[Path], None]) -> None:
    """Does it with every path; one that fails does not keep the others. Raises the first OSError in the end."""
    failed: list[OSError] = []
    for path in paths:
        try:
            do(path)
        except OSError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _write(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written
