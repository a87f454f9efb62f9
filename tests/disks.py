"""Small disks of one's own, and how to fill them for real."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

# Of this process and its children only.
_MOUNT = 'mount -t tmpfs -o size="$1"m tmpfs "$2" && shift 2 && exec "$@"'


def own_disk(folder: Path, size_mib: int) -> tuple[str, ...]:
    """What to put before a command so that `folder` is a small disk to it."""
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh", str(size_mib), str(folder))


def why_no_disk(folder: Path) -> str | None:
    """Why a disk of one's own cannot be had here, for a skip that nobody overlooks; None when it can."""
    try:
        tried = subprocess.run([*own_disk(folder, 1), "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f"NOT TESTED ON A DISK THAT FAILS: {error}"
    return f"NOT TESTED ON A DISK THAT FAILS: {tried.stderr.strip()}" if tried.returncode else None


def fill(filler: Path, free_bytes: int = 0) -> None:
    """Writes to `filler` until its disk has no more than `free_bytes` left."""
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        while (room := _free(filler.parent) - free_bytes) > 0:
            os.write(descriptor, bytes(min(room, 1 << 16)))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
