"""The machine: its clock, its limits, its processors."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import geofence
from api.doctor.finding import Finding, Patient, failure, good, warning
from api.readiness import OLDEST
from telemetry.links.udp import RECEIVE_BUFFER_BYTES

# adjtimex(2): the offset of `status` in struct timex where `long` has 64 bits, and what it tells.
_TIMEX_BYTES, _STATUS_AT, _UNSYNCHRONISED = 208, 40, 0x40
_WATCHED_S = 0.5
_UNEVEN_S = 0.05
# Three vehicles need a few dozen descriptors; a thousand viewers one each.
_FEW_FILES, _ENOUGH_FILES = 256, 4_096
_SMALLEST_BUFFER = 425_984  # twice the usual default: what it doubles to for a burst of fifty vehicles


def clock(_: Patient) -> Iterator[Finding]:
    """The wall clock: set, even, kept by somebody, and what it calls local time."""
    now = datetime.now().astimezone()
    if now < OLDEST:
        yield failure("clock", f"it says {now:%Y-%m-%d %H:%M}", "Set the machine's clock: timedatectl set-ntp true")
    wall_s, mono_s = time.time(), time.monotonic()
    time.sleep(_WATCHED_S)
    uneven_s = (time.time() - wall_s) - (time.monotonic() - mono_s)
    if abs(uneven_s) > _UNEVEN_S:
        yield failure(
            "clock", f"it jumped by {uneven_s:+.3f} s while it was watched",
            "Let one program set the clock (chrony, systemd-timesyncd), by slewing.",
        )  # fmt: skip
    yield from synchronised(is_synchronised())
    yield good("time zone", f"{now.tzname()} (UTC{now:%z}); records are in UTC")


def synchronised(kept: bool | None) -> Iterator[Finding]:
    if kept is None:
        yield warning("clock", "this system does not tell whether it is synchronised", "See that something keeps it.")
    elif kept:
        yield good("clock", "it runs evenly and is synchronised")
    else:
        yield warning(
            "clock", "the kernel says that nobody synchronises it",
            "timedatectl set-ntp true, or start chrony; in a virtual machine let its host do it.",
        )  # fmt: skip


def is_synchronised() -> bool | None:
    """What the kernel says of its clock's discipline; None where it cannot be asked. It is asked, not adjusted."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: change nothing
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return not int.from_bytes(timex.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder) & _UNSYNCHRONISED


def python(_: Patient) -> Iterator[Finding]:
    yield good(
        "python", f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}"
    )


def open_files(_: Patient) -> Iterator[Finding]:
    yield from files_finding(*resource.getrlimit(resource.RLIMIT_NOFILE))


def files_finding(soft: int, hard: int) -> Iterator[Finding]:
    """`soft` is what holds for the process now, `hard` how far it could be raised."""
    remedy = "Raise it: ulimit -n 8192, or LimitNOFILE=8192 in the systemd unit."
    found = f"{soft} open files allowed (at most {hard})"
    if soft < _FEW_FILES:
        yield failure("open files", found, remedy)
    elif soft < _ENOUGH_FILES:
        yield warning("open files", f"{found}: fewer viewers than the platform could serve", remedy)
    else:
        yield good("open files", found)


def receive_buffer(patient: Patient) -> Iterator[Finding]:
    """How much a UDP link may leave unread in the kernel; the largest that it asks for is `RECEIVE_BUFFER_BYTES`."""
    file = patient.proc / "sys/net/core/rmem_max"
    if not file.exists():
        return
    largest = int(file.read_text())
    remedy = f"sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES} (and in /etc/sysctl.d to keep it)"
    found = f"net.core.rmem_max is {largest >> 10} KiB"
    if largest < RECEIVE_BUFFER_BYTES and os.geteuid() != 0:
        some = "a burst of a large fleet may be lost" if largest >= _SMALLEST_BUFFER else "bursts will be lost"
        yield warning("receive buffer", f"{found}: {some}", remedy)
    else:
        yield good("receive buffer", found)


def processors(_: Patient) -> Iterator[Finding]:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count == 1:
        yield warning("processors", "one", "Planning and flying share it: two are the least for a fleet.")
    else:
        yield good("processors", f"{count}")


def kernel_cache(patient: Patient) -> Iterator[Finding]:
    """Where the compiled search of ways is kept; without such a folder each start compiles it anew."""
    told = patient.environ.get("NUMBA_CACHE_DIR")
    folder = Path(told) if told else Path(geofence.__path__[0]) / "__pycache__"
    yield from cache_finding(folder, may_write=lambda: os.access(_nearest(folder), os.W_OK))


def cache_finding(folder: Path, *, may_write: Callable[[], bool]) -> Iterator[Finding]:
    if may_write():
        yield good("compiled kernels", f"kept in {folder}")
    else:
        yield warning(
            "compiled kernels", f"{folder} cannot be written: the first plan after each start takes seconds longer",
            "Set NUMBA_CACHE_DIR to a folder that the platform may write.",
        )  # fmt: skip


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())
