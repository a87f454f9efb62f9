"""The platform of a drill: `bailu up` as a process of its own, that can be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from api.cli.private import address_of, spawn
from api.drills.flying import HOST, Address, airframe_of
from api.drills.scenario import Kind, Scenario
from api.folder import PLATFORM_FILE

STOP_WITHIN_S = 20.0
LOOK_EVERY_S = 0.5
LINK = "drill"


def free_udp_port() -> int:
    """A port that was free a moment ago: the gateway binds it again after each restart."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def free_tcp_port() -> int:
    """As `free_udp_port`."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def settings_text(scenario: Scenario, default: Kind, gateway: Address) -> str:
    """`bailu.toml` of the drill: one link, the docks, and its vehicles."""
    lines = [f"speedup = {scenario.speedup:g}", "[[links]]", f"name = {_toml(LINK)}"]
    lines.append(f"url = {_toml(f'udpin:{gateway[0]}:{gateway[1]}')}")
    for dock in scenario.docks:
        lines += ["[[docks]]", f"id = {_toml(dock.id)}", f"name = {_toml(dock.name)}"]
        lines += [f"lat_deg = {dock.place.lat_deg}", f"lon_deg = {dock.place.lon_deg}"]
        lines += [f"ground_amsl_m = {dock.ground_amsl_m}", f"height_agl_m = {dock.height_agl_m}"]
    for part in scenario.vehicles:
        told = {"id": part.id, "name": part.name, "link": LINK, "dock": part.dock}
        told["airframe"] = airframe_of(part.kind or default)
        lines += ["[[vehicles]]", *(f"{name} = {_toml(value)}" for name, value in told.items())]
        lines.append(f"system_id = {part.system_id}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A basic string; TOML takes JSON's escapes (TOML 1.0, String)."""
    return json.dumps(text)


class PlatformProcess:
    """`start` it, hit it, and `stop` it with all that it started, whatever was done to it."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "platform.log"
        self.url = ""
        self._config = folder / "bailu.toml"
        self._config.write_text(settings, encoding="utf-8")
        self._port = free_tcp_port()
        self._children: list[subprocess.Popen[bytes]] = []
        self._frozen = False
        self._killed = False

    @property
    def pid(self) -> int:
        return self._children[-1].pid

    async def wait_broken(self) -> None:
        """Returns when it has ended without being killed by the drill."""
        while self._killed or self._children[-1].poll() is None:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(LOOK_EVERY_S)

    def last_words(self) -> str:
        """What it said last."""
        return (self.log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]

    async def start(self) -> None:
        """Starts it and waits until it serves. Raises PlatformError."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / PLATFORM_FILE).unlink(missing_ok=True)
        command = [sys.executable, "-m", "api.cli.main", "up", "--config", str(self._config), "--no-sim"]
        command += ["--port", str(self._port), "--data-dir", str(self.data_dir), "--until-stdin-closes"]
        child = spawn(command, self.log)
        self._children.append(child)
        self._killed = False
        self.url = await address_of(child, self.data_dir, self.log)

    def kill(self) -> None:
        """As a power cut would."""
        self._killed = True
        child = self._children[-1]
        child.kill()
        child.wait()

    def freeze(self) -> None:
        """It stays, and does nothing."""
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)
        self._frozen = False

    async def stop(self) -> None:
        """Kindly, then at once; processes of a killed one as well."""
        if not self._children:
            return
        if self._frozen:
            self.thaw()
        child = self._children[-1]
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.shield(asyncio.to_thread(child.wait, STOP_WITHIN_S))
        for each in self._children:
            # It has a session of its own, so its group is what it started and no more.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()
            if each.stdin is not None:
                each.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
