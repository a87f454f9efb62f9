"""The data folder: its disk, its databases, its key, and who uses it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from adapters.keyring import KEY_BYTES, KEY_FILE
from adapters.sqlite.examine import Examined, Unreadable, examine
from adapters.sqlite.migrate import MIGRATIONS, TELEMETRY_MIGRATIONS
from adapters.sqlite.records import FILE as TELEMETRY_FILE
from api.doctor.finding import Finding, Patient, failure, good, warning

_SYNCS = 9
_SLOW_SYNC_S, _HOPELESS_SYNC_S = 0.05, 0.5
_LARGE_WAL_BYTES = 256 << 20
_BUS_WITHIN_S = 1.0


def disk(patient: Patient) -> Iterator[Finding]:
    """Room, and how long a synced write takes: what is acknowledged waits for that."""
    folder, floor_mib = patient.settings.data_dir, patient.settings.disk_floor_mib
    above = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        yield failure(
            "data folder", f"{above} cannot be written", "Give it to the user who runs Bailu, or --data-dir."
        )
        return
    yield good("data folder", f"{folder.absolute()}" + ("" if above == folder.absolute() else ": made at the start"))
    yield from room(shutil.disk_usage(above).free >> 20, floor_mib)
    yield from sync_finding(synced_s(above))


def room(free_mib: int, floor_mib: int) -> Iterator[Finding]:
    remedy = "Free space or move the data folder; docs/operations.md tells what may be deleted."
    if free_mib < floor_mib:
        yield failure("disk", f"{free_mib} MiB are free, less than disk_floor_mib ({floor_mib})", remedy)
    elif free_mib < 4 * floor_mib:
        yield warning("disk", f"only {free_mib} MiB are free", remedy)
    else:
        yield good("disk", f"{free_mib} MiB are free")


def synced_s(folder: Path) -> float:
    """Median seconds of a write of 4 KiB with fsync, to a file without a name or one that is gone at the end."""
    with tempfile.TemporaryFile(dir=folder) as file:
        taken = []
        for _ in range(_SYNCS):
            began_s = time.perf_counter()
            os.write(file.fileno(), bytes(4096))
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began_s)
    return median(taken)


def sync_finding(seconds: float) -> Iterator[Finding]:
    found = f"a synced write takes {1000 * seconds:.1f} ms"
    remedy = "Put the data folder on a local disk (no network share, no SD card)."
    if seconds > _HOPELESS_SYNC_S:
        yield failure("disk speed", found, remedy)
    elif seconds > _SLOW_SYNC_S:
        yield warning("disk speed", f"{found}: commands wait for it", remedy)
    else:
        yield good("disk speed", found)


def store(patient: Patient) -> Iterator[Finding]:
    """Both databases: open, whole, of a version that this program knows."""
    main = patient.settings.database
    for path, package in ((main, MIGRATIONS), (main.with_name(TELEMETRY_FILE), TELEMETRY_MIGRATIONS)):
        yield from database(path, package)


def database(path: Path, package: str) -> Iterator[Finding]:
    if not path.exists():
        yield good("store", f"{path.name}: made at the first start")
        return
    try:
        yield from stored(path.name, examine(path, package))
    except Unreadable as error:
        yield failure("store", f"{path.name}: {error}", "Restore it from a backup (docs/operations.md).")


def stored(name: str, seen: Examined) -> Iterator[Finding]:
    if seen.damage:
        yield failure(
            "store", f"{name} is damaged: {'; '.join(seen.damage)}",
            "Stop the platform, keep a copy, restore the last backup (docs/operations.md).",
        )  # fmt: skip
    elif seen.version > seen.known:
        yield failure(
            "store", f"{name} has schema version {seen.version}; this Bailu knows up to {seen.known}",
            "Run the newer Bailu that made it.",
        )  # fmt: skip
    elif seen.version < seen.known:
        yield good("store", f"{name} is whole; the next start takes it from version {seen.version} to {seen.known}")
    else:
        yield good("store", f"{name} is whole, at version {seen.version}")
    if seen.wal_bytes > _LARGE_WAL_BYTES:
        yield warning(
            "store", f"{name}: its log has {seen.wal_bytes >> 20} MiB",
            "Something reads for very long: restart the platform, which folds the log in.",
        )  # fmt: skip


def key_file(patient: Patient) -> Iterator[Finding]:
    """The key that locks the vehicles' signing keys: never made here, never shown."""
    told = patient.settings.key_file
    path = told or patient.settings.data_dir / KEY_FILE
    if not path.exists():
        if told:
            yield failure(
                "key file", f"{path} does not exist", "Put the key back, or take key_file out of the settings."
            )
        else:
            yield good("key file", "made at the first start; back it up apart from the data")
        return
    mode, size = stat.S_IMODE(path.stat().st_mode), path.stat().st_size
    if not os.access(path, os.R_OK):
        yield failure("key file", f"{path} cannot be read", f"chown it to the user who runs Bailu: {path}")
    elif mode & 0o077:
        yield failure("key file", f"{path} can be read by others (mode {mode:o})", f"chmod 600 {path}")
    elif size != KEY_BYTES:
        yield failure("key file", f"{path} has {size} bytes; a key has {KEY_BYTES}", "Put the right file back.")
    else:
        yield good("key file", f"{path}, for its owner only")


def bus(patient: Patient) -> Iterator[Finding]:
    """The socket on which `bailu gateway` waits for `bailu api`."""
    path = patient.settings.bus_socket
    if not path.exists():
        yield good("bus", "no `bailu gateway` runs on this data folder")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(_BUS_WITHIN_S)
        try:
            visitor.connect(str(path))
        except OSError as error:
            yield warning(
                "bus", f"nobody answers on {path} ({error.strerror or 'no answer'}): a killed gateway left it",
                "Start `bailu gateway` again; it takes the socket over.",
            )  # fmt: skip
        else:
            yield good("bus", f"a gateway answers on {path}")
