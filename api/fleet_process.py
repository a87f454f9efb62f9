"""The simulated fleet as a process of its own: it outlives the platform, as real vehicles would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

STATE_FILE = "fleet.json"
LOG_FILE = "fleet.log"
START_DEADLINE_S = 60.0
STOP_PATIENCE_S = 10.0


class FleetError(Exception):
    """The fleet cannot be started or joined; the text says why."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """What the fleet's process tells the platform. `started` with `pid` names one process for good."""

    pid: int
    started: str
    kind: str  # sim · sitl
    udp_host: str
    udp_port: int
    tcp_ports: dict[int, int]  # by system id
    speedup: float

    @property
    def system_ids(self) -> frozenset[int]:
        return frozenset(self.tcp_ports)


def process_start(pid: int) -> str | None:
    """When a process started, in words that only equal themselves; None when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # Field 22, starttime (proc(5)); the name before it may contain anything but its closing parenthesis is last.
        return stat.read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def write_state(path: Path, state: object) -> None:
    """Replaces `path` at once: a reader sees the old or the new state, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(state) if isinstance(state, FleetState) else state))
    beside.replace(path)


def running_state(path: Path) -> FleetState | None:
    """The fleet that `path` tells of, if its process still runs."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=FleetState)
    except (OSError, msgspec.DecodeError):
        return None
    return state if process_start(state.pid) == state.started else None


class FleetProcess:
    """The fleet of a platform: `child` is None when it was found running and joined."""

    def __init__(self, path: Path, state: FleetState, child: subprocess.Popen[bytes] | None) -> None:
        self.state = state
        self._path = path
        self._child = child

    @property
    def was_joined(self) -> bool:
        return self._child is None

    async def wait(self) -> None:
        """Returns when the fleet's process has ended by itself."""
        while self._is_alive():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """Ends the fleet's process by its id, kindly first."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_PATIENCE_S):
                while self._is_alive():  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.05)
        self._signal(signal.SIGKILL)
        self._path.unlink(missing_ok=True)

    def _is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return process_start(self.state.pid) == self.state.started

    def _signal(self, number: signal.Signals) -> None:
        if self._is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.state.pid, number)


async def start_fleet(data_dir: Path, kind: str, arguments: Sequence[str]) -> FleetProcess:
    """Starts `bailu sim` or `bailu sitl` in its own session and waits until it flies. Raises FleetError."""
    path = data_dir / STATE_FILE
    path.unlink(missing_ok=True)
    log = data_dir / LOG_FILE
    command = [sys.executable, "-m", "api.cli.main", kind, "--state-file", str(path), *arguments]
    child = _spawn(command, log)
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            while (state := running_state(path)) is None or state.pid != child.pid:
                if child.poll() is not None:
                    raise FleetError(f"The fleet did not start: {_last_line(log)}")
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        child.kill()
        raise FleetError(f"The fleet did not start within {START_DEADLINE_S:.0f} s; see {log}.") from error
    except BaseException:
        child.terminate()
        raise
    return FleetProcess(path, state, child)


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def _last_line(log: Path) -> str:
    lines: list[Any] = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
