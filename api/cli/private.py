"""A platform of one's own for the length of a command: temporary data, free ports, ended with the command."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from api.client import PlatformError
from api.fleet_process import STATE_FILE, FleetProcess, running_state
from api.folder import PLATFORM_FILE

START_DEADLINE_S = 90.0
STOP_PATIENCE_S = 20.0


class _Announcement(msgspec.Struct, frozen=True):
    pid: int
    url: str


@asynccontextmanager
async def private_platform(*, speedup: float, sitl: bool) -> AsyncIterator[str]:
    """The URL of a fresh platform with a fleet. Raises PlatformError when it does not start.

    It is told to end when its standard input closes, so it goes even when this process is killed; and it has a
    session of its own, so that Ctrl-C is this command's to handle.
    """
    with tempfile.TemporaryDirectory(prefix="bailu-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder)
        command = [sys.executable, "-m", "api.cli.main", "up", "--port", "0", "--data-dir", folder]
        command += ["--speedup", f"{speedup:g}", "--until-stdin-closes", *(["--sitl"] if sitl else [])]
        log = data_dir / "platform.log"
        child = spawn(command, log)
        try:
            yield await address_of(child, data_dir, log)
        finally:
            await _stop(child, data_dir)


def spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A platform in a session of its own; it says into `log`, and ends when its standard input does."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=out, start_new_session=True
        )


async def address_of(child: subprocess.Popen[bytes], data_dir: Path, log: Path) -> str:
    """The URL of a platform that `spawn` started, as soon as it serves. Raises PlatformError when it does not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_DEADLINE_S):
            while child.poll() is None:
                with contextlib.suppress(OSError, msgspec.DecodeError):
                    text = (data_dir / PLATFORM_FILE).read_bytes()
                    return msgspec.json.decode(text, type=_Announcement).url
                await asyncio.sleep(0.05)
    said = _read(log).strip().splitlines() or ["it said nothing"]
    raise PlatformError(f"The private platform did not start: {said[-1].removeprefix('bailu: ')}")


def _read(log: Path) -> str:
    return log.read_text(errors="replace")


async def _stop(child: subprocess.Popen[bytes], data_dir: Path) -> None:
    """Ends the platform by its id; and its fleet, should the platform not have got to it."""
    fleet = running_state(data_dir / STATE_FILE)
    child.terminate()
    try:
        await asyncio.shield(asyncio.to_thread(child.wait, STOP_PATIENCE_S))
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin is not None:
        child.stdin.close()
    if fleet is not None:
        await FleetProcess(data_dir / STATE_FILE, fleet, None).stop()
