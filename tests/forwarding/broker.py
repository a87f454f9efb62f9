"""A real Mosquitto of the test's own: on a free port of this machine, killed and started again as the test likes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

# Debian puts it where only administrators look.
BINARY = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PASSWD = shutil.which("mosquitto_passwd")
NOT_TESTED = "NOT TESTED AGAINST A REAL BROKER: there is no mosquitto here (apt-get install mosquitto)"


@dataclass
class Broker:
    """Mosquitto with its sessions and messages on the disk, so that a kill loses what only a crash loses."""

    folder: Path
    port: int
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        kept = ["persistence true", f"persistence_location {self.folder}/", "autosave_on_changes true"]
        kept += ["autosave_interval 1", "user root" if os.geteuid() == 0 else ""]
        config.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", *kept, *(self.lines or ["allow_anonymous true"])])
        )
        assert BINARY is not None
        self.process = subprocess.Popen(
            [BINARY, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end_s = time.monotonic() + 5
        while time.monotonic() < end_s:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def freeze(self) -> None:
        """It reads nothing any more: what is sent now is in nobody's hands."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def reread(self) -> None:
        """It reads its access rules again (mosquitto(8), SIGHUP)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)


def broker_in(folder: Path, *lines: str) -> Broker:
    """A broker that is at work. `lines`: of its configuration. Skips the test, loudly, where there is none."""
    if BINARY is None:
        pytest.skip(NOT_TESTED)
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = Broker(folder, port, list(lines))
    broker.start()
    return broker


@dataclass
class Heard:
    topic: str
    event: dict[str, Any]
    retain: bool
    qos: int
    content_type: str | None


class Listener:
    """Subscribes to everything with a session that outlives connections, and notes what comes."""

    def __init__(self, broker: Broker, **more: Any) -> None:
        self._broker = broker
        self._more = more
        self.heard: list[Heard] = []
        self.ready = asyncio.Event()

    @property
    def alarm_ids(self) -> list[str]:
        return [each.event["data"]["alarm_id"] for each in self.heard if "alarm_id" in each.event["data"]]

    def has(self, alarm_id: str) -> bool:
        return alarm_id in self.alarm_ids

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.02)

    async def _listen(self) -> None:
        more: dict[str, Any] = {"clean_session": False, "identifier": "listener"} | self._more
        async with aiomqtt.Client("127.0.0.1", self._broker.port, **more) as client:
            await client.subscribe("bailu/#", qos=1)
            self.ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                content_type = getattr(message.properties, "ContentType", None)
                self.heard.append(
                    Heard(str(message.topic), json.loads(message.payload), message.retain, message.qos, content_type)
                )


@asynccontextmanager
async def listening(broker: Broker, **more: Any) -> AsyncIterator[Listener]:
    listener = Listener(broker, **more)
    task = asyncio.create_task(listener.run())
    async with asyncio.timeout(5):
        await listener.ready.wait()
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
