"""The real service as a child process with vehicles over sockets, driven over its public API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.stopping import STOP_WITHIN_S
from simulator.sitl import SitlNotFound, find_binary

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
Json = dict[str, Any]
# A busy machine takes a moment to see that a process has ended.
ENDS_WITHIN_S = STOP_WITHIN_S + 5.0
_FINISHED = ("closed", "refused", "aborted", "lost")


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """A UDP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[str]) -> int:
    """Ends a process as systemd would, and its exit code."""
    if process.poll() is None:
        process.terminate()
    return process.wait(ENDS_WITHIN_S)


def why_no_sitl() -> str | None:
    """Why ArduPilot SITL cannot be flown here, for a skip that nobody overlooks; None when it can."""
    try:
        find_binary(os.environ)
    except SitlNotFound as error:
        return f"NOT TESTED ON A REAL ARDUPILOT: {error}"
    return None


def example(name: str, **properties: Any) -> Json:
    """A mission of `examples/`, with some of its properties replaced."""
    feature: Json = json.loads((EXAMPLES / f"{name}.geojson").read_text())
    feature["properties"] |= properties
    return feature


@dataclass
class Platform:
    """`bailu up` on its own data folder and port. `sitl`: ArduPilot processes instead of the embedded fleet.

    `vehicles` False: it starts none, they come from elsewhere. `settings`: BAILU_* variables beside those of whoever
    runs the tests.
    """

    data_dir: Path
    speedup: float = 10.0
    sitl: bool = False
    vehicles: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    within: tuple[str, ...] = ()  # what to put before its command line, as for a disk of its own
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    _client: httpx.Client | None = None
    _looked_at: dict[str, int] = field(default_factory=dict)  # by sortie: how many of its steps were waited for

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir / "test-output.log"

    def start(self, *, within_s: float = 120.0) -> None:
        """Starts it and waits until it serves."""
        fleet = ["--no-sim"] if not self.vehicles else ["--sitl"] if self.sitl else []
        self.process = self.bailu("up", "--port", str(self.port), "--speedup", str(self.speedup), *fleet)
        self.until_served(within_s=within_s)

    def bailu(self, command: str, *options: str) -> subprocess.Popen[str]:
        """One `bailu` process on this platform's data folder; what it prints goes to the log."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        line = [*self.within, sys.executable, "-m", "api.cli.main", command, *options]
        environ = os.environ | self.settings | {"NO_COLOR": "1", "BAILU_DATA_DIR": str(self.data_dir)}
        with self.log.open("a") as log:
            return subprocess.Popen(line, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, text=True, env=environ)

    def until_served(self, *, within_s: float = 120.0) -> None:
        """Until the API answers."""
        self.until(self._serves, within_s=within_s, what="the service to answer")
        self._client = self.another_client()

    def another_client(self) -> httpx.Client:
        """A connection of one's own, for a request that takes long beside others."""
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=120)

    def _serves(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"bailu up ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
        try:
            return httpx.get(f"{self.url}/api/v1/health", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Kills the platform as a power cut would; its vehicles fly on."""
        assert self.process is not None
        self.close()
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        assert self.process is not None
        self.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(ENDS_WITHIN_S)

    def close(self) -> None:
        """Lets go of the connection; the processes stay."""
        if self._client is not None:
            self._client.close()

    # --- the public API ---

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        assert self._client is not None
        return self._client.request(method, path, json=body, headers=named)

    def get(self, path: str) -> Json:
        response = self.request("GET", path)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def post(self, path: str, body: Any, **headers: str) -> Json:
        """A request that must succeed."""
        response = self.request("POST", path, body, **headers)
        assert response.status_code < 300, response.text
        answer: Json = response.json()
        return answer

    def post_patiently(self, path: str, body: Any, *, within_s: float = 120.0) -> Json:
        """A request that makes something, asked again while the platform has too much to do, as it tells one to."""
        answer: Json = {}

        def made() -> bool:
            response = self.request("POST", path, body)
            assert response.status_code in (201, 503), response.text
            answer.update(response.json())
            return response.status_code == 201

        self.until(made, within_s=within_s, what=f"an answer to POST {path}")
        return answer

    def vehicle(self, vehicle_id: str) -> Json:
        return self.get(f"/vehicles/{vehicle_id}")

    def sortie(self, sortie_id: str) -> Json:
        return self.get(f"/sorties/{sortie_id}")

    def launch(self, mission: Json, vehicle_id: str, *, key: str = "") -> httpx.Response:
        body = {"mission_id": mission["mission_id"], "revision": mission["revision"], "vehicle_id": vehicle_id}
        return self.request("POST", "/sorties", body, Idempotency_Key=key or str(uuid.uuid4()))

    def launched(self, feature: Json, vehicle_id: str) -> str:
        """Stores the mission and launches it, again while the platform says that it is too busy; the sortie's id."""
        mission, answers = self.post_patiently("/missions", feature), list[httpx.Response]()
        key = str(uuid.uuid4())

        def answered() -> bool:
            answers.append(self.launch(mission, vehicle_id, key=key))
            return answers[-1].status_code != 503

        self.until(answered, within_s=120.0, what=f"the launch of {vehicle_id}")
        assert answers[-1].status_code == 202, answers[-1].text
        return str(answers[-1].json()["sortie_id"])

    # --- waiting, always with an end ---

    def until(self, holds: Callable[[], bool], *, within_s: float, what: str) -> None:
        end = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end, f"waited {within_s} s for {what}\n{self._tail()}"
            time.sleep(0.1)

    def until_ready(self, vehicle_id: str, *, within_s: float = 120.0) -> None:
        """Until the autopilot says that it could take off."""
        self.until(lambda: self.vehicle(vehicle_id)["ready"] is True, within_s=within_s, what=f"{vehicle_id} ready")

    def until_state(self, sortie_id: str, *states: str, within_s: float = 120.0) -> Json:
        """The sortie when it is in one of the states, or was since the last call: one may be over before we look."""
        found: Json = {}

        def reached() -> bool:
            found.update(self.sortie(sortie_id))
            before = self._looked_at.get(sortie_id, 0)
            entered = [each["to_state"] in states for each in found["transitions"][before:]]
            if True in entered:
                self._looked_at[sortie_id] = before + entered.index(True) + 1
                return True
            assert found["state"] in states or found["state"] not in _FINISHED, found
            return found["state"] in states

        self.until(reached, within_s=within_s, what=f"sortie {' or '.join(states)}")
        return found

    def until_reached(self, sortie_id: str, waypoints: int = 1, *, within_s: float = 240.0) -> None:
        """Until so many waypoints are behind it; a sortie that ended before is told at once."""

        def reached() -> bool:
            found = self.sortie(sortie_id)
            behind: int = found["waypoints_reached"]
            assert behind >= waypoints or found["state"] not in _FINISHED, found
            return behind >= waypoints

        self.until(reached, within_s=within_s, what=f"waypoint {waypoints}")

    def _tail(self) -> str:
        return self.log.read_text()[-3000:] if self.log.exists() else ""


@contextmanager
def running_platform(data_dir: Path, **options: Any) -> Iterator[Platform]:
    """A platform while the context is open; whatever happens, nothing of it is left behind."""
    platform = Platform(data_dir, **options)
    try:
        platform.start()
        yield platform
    finally:
        if platform.process is not None and platform.process.poll() is None:
            platform.stop()
        _end_fleet(data_dir)


def _end_fleet(data_dir: Path) -> None:
    """Ends a fleet that a killed platform left flying, by the process id that it noted."""
    note = data_dir / "fleet.json"
    if note.exists():
        with suppress(ProcessLookupError):
            os.kill(int(json.loads(note.read_text())["pid"]), signal.SIGTERM)
