"""The platform killed again and again with a fleet in the air: how soon it commands, what was lost, who went home."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Figure
from telemetry.packets import Heartbeat, StatusText
from telemetry.wire import Decoder, Encoder, MavAddress
from tests.platform import Platform, example

Json = dict[str, Any]
# Where each vehicle hovers, long enough for one fleet's share of the kills.
_POSTS = {
    "bl-01": ("dock-xiayang", [[121.1245, 31.1395], [121.1250, 31.1390]]),
    "bl-03": ("dock-zhujiajiao", [[121.0505, 31.1085], [121.0508, 31.1070]]),
}
_HOLD_S = 280
# A fleet's batteries last for so many kills; then another one takes off.
_KILLS_PER_FLEET = 40
_COMMANDING_WITHIN_S = 120.0
# The heart's 3.4 s and the vehicles' 5 s, and more on a machine with too much to do.
_FAILSAFE_WITHIN_S = 30.0
_SEED = 5


@dataclass
class Story:
    """What was acknowledged, and what became of it. `missing`: acknowledged and not there any more."""

    commanding_s: list[float] = field(default_factory=list)
    acknowledged: dict[str, dict[str, str]] = field(default_factory=dict)  # path of the list: id → state
    missing: set[str] = field(default_factory=set)
    failsafes: Counter[str] = field(default_factory=Counter)

    def acknowledge(self, path: str, number: str, state: str) -> None:
        self.acknowledged.setdefault(path, {})[number] = state

    @property
    def count(self) -> int:
        return sum(len(each) for each in self.acknowledged.values())


def kills(count: int = 200) -> Iterator[Figure]:
    """Restarts to commanding, failsafes, and acknowledged records that are gone."""
    story = Story()
    with tempfile.TemporaryDirectory() as folder:
        rng, left, unheeded = random.Random(_SEED), count, 0
        while left:
            run = min(left, _KILLS_PER_FLEET)
            with in_the_air(Path(folder), story) as platform:
                for _ in range(run):
                    kill_once(platform, story, rng)
                left -= run
                if not left:
                    unheeded = stay_away(platform, story)
    yield Figure("vehicles.kills.commanding-p50", statistics.median(story.commanding_s), "s", 3.0)
    yield Figure("vehicles.kills.commanding-worst", max(story.commanding_s), "s", 3.0)
    yield Figure("vehicles.kills.gcs-failsafes", sum(story.failsafes.values()), "", 0.0)
    yield Figure("vehicles.kills.unheeded-failsafes", unheeded, "")
    yield Figure("vehicles.kills.acknowledged", story.count, "")
    yield Figure("vehicles.kills.acknowledged-missing", len(story.missing), "", 0.0)


# --- one kill ---


def kill_once(platform: Platform, story: Story, rng: random.Random) -> None:
    """A command in flight, a kill at a moment of chance, and the way back to commanding."""
    in_flight = threading.Thread(target=_command_in_flight, args=(platform, story, rng.choice([*_POSTS])))
    in_flight.start()
    time.sleep(rng.uniform(0.0, 0.6))
    assert platform.process is not None
    if rng.random() < 0.25:  # the machine's memory is full, say: the heart dies as well
        for child in _children(platform.process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    platform.process.kill()
    killed_s = time.monotonic()
    platform.process.wait(10)
    in_flight.join()
    platform.close()
    _up(platform)
    story.commanding_s.append(_until_commanding(platform, story, killed_s))
    _look_for_acknowledged(platform, story)


def stay_away(platform: Platform, story: Story) -> int:
    """Kills the platform for good; how many failsafes are heard then. None would mean that nobody listened."""
    before = sum(story.failsafes.values())
    assert platform.process is not None
    platform.process.kill()
    platform.process.wait(10)
    end_s = time.monotonic() + _FAILSAFE_WITHIN_S
    while sum(story.failsafes.values()) < before + len(_POSTS) and time.monotonic() < end_s:
        time.sleep(0.1)
    after = sum(story.failsafes.values())
    story.failsafes.clear()
    story.failsafes["before"] = before
    return after - before


def _command_in_flight(platform: Platform, story: Story, vehicle_id: str) -> None:
    with suppress(httpx.TransportError), httpx.Client(base_url=f"{platform.url}/api/v1", timeout=10) as client:
        _command(client, story, vehicle_id)


def _until_commanding(platform: Platform, story: Story, killed_s: float) -> float:
    """Seconds from the kill until every vehicle has done what it was told."""
    with httpx.Client(base_url=f"{platform.url}/api/v1", timeout=10) as client:
        for vehicle_id in _POSTS:
            while not _commanded(client, story, vehicle_id):
                assert time.monotonic() - killed_s < _COMMANDING_WITHIN_S, platform.log.read_text()[-3000:]
                time.sleep(0.02)
        return time.monotonic() - killed_s


def _commanded(client: httpx.Client, story: Story, vehicle_id: str) -> bool:
    try:
        return _command(client, story, vehicle_id)
    except httpx.TransportError:
        return False


def _command(client: httpx.Client, story: Story, vehicle_id: str) -> bool:
    """Pauses a vehicle on its mission, resumes one that is paused; whether it was done and acknowledged."""
    mode = client.get(f"/vehicles/{vehicle_id}").json().get("mode")
    kind = "resume" if mode in ("BRAKE", "LOITER") else "pause"
    answer = client.post(f"/vehicles/{vehicle_id}/commands", json={"kind": kind})
    if answer.status_code != 200:
        return False
    record = answer.json()
    story.acknowledge(f"/vehicles/{vehicle_id}/commands", record["id"], record["state"])
    return True


def _look_for_acknowledged(platform: Platform, story: Story) -> None:
    for path, acknowledged in story.acknowledged.items():
        there = _listed(platform, path)
        for number in [*acknowledged][-400:]:
            if there.get(number) != acknowledged[number]:
                story.missing.add(number)


def _listed(platform: Platform, path: str) -> dict[str, str]:
    """What the platform says that there is, by id: the state of a command, the revision of a mission."""
    response = httpx.get(f"{platform.url}/api/v1{path}", params={"limit": 500}, timeout=10)
    assert response.status_code == 200, response.text
    return {_id_of(item): str(item.get("state", "")) for item in response.json()["items"]}


def _id_of(item: Json) -> str:
    return str(item.get("id") or item.get("mission_id"))


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


# --- a fleet in the air ---


@contextmanager
def in_the_air(folder: Path, story: Story) -> Iterator[Platform]:
    """A platform and, in a process of their own, vehicles at their posts; their failsafes are overheard."""
    port = _free_port()
    platform = Platform(folder / "data", speedup=1.0)
    note = folder / "fleet.json"
    note.unlink(missing_ok=True)
    os.environ["BAILU_LINKS"] = f'[{{ name = "fleet", url = "udpin:127.0.0.1:{port}" }}]'
    fleet = platform.bailu("sim", "--speedup", "1", "--tcp-base-port", "0", "--state-file", str(note))
    over = threading.Event()
    try:
        _up(platform)
        platform.until_served()
        listeners = [threading.Thread(target=_overhear, args=(each, story, over)) for each in _tcp_ports(note)]
        for listener in listeners:
            listener.start()
        sorties = [_launched(platform, story, vehicle_id, *post) for vehicle_id, post in _POSTS.items()]
        for sortie_id in sorties:
            platform.until_state(sortie_id, "on_mission")
        yield platform
    finally:
        over.set()
        del os.environ["BAILU_LINKS"]
        platform.close()
        for process in (platform.process, fleet):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(10)


def _up(platform: Platform) -> None:
    platform.process = platform.bailu("up", "--no-sim", "--port", str(platform.port), "--speedup", "1")


def _launched(platform: Platform, story: Story, vehicle_id: str, dock_id: str, points: list[list[float]]) -> str:
    """The sortie of a vehicle that begins to climb."""
    feature = example("patterns/watch", dock_id=dock_id, hold_s=_HOLD_S, alt_rel_m=50)
    feature["geometry"]["coordinates"] = points
    platform.until_ready(vehicle_id)
    # As delivered an autopilot has no failsafe for a silent ground station: then there would be nothing to hear.
    platform.post(f"/vehicles/{vehicle_id}/safety-profile/apply", {})
    mission = platform.post_patiently("/missions", feature)
    story.acknowledge("/missions", mission["mission_id"], "")
    response = platform.launch(mission, vehicle_id)
    assert response.status_code == 202, response.text
    return str(response.json()["sortie_id"])


def _tcp_ports(note: Path) -> list[int]:
    end_s = time.monotonic() + 30.0
    while not note.exists():
        assert time.monotonic() < end_s, "the fleet did not start"
        time.sleep(0.1)
    return [int(port) for port in json.loads(note.read_text())["tcp_ports"].values()]


def _overhear(port: int, story: Story, over: threading.Event) -> None:
    """Another ground station, not the vehicle's own: hears its words and keeps nothing alive."""
    decoder, beat = Decoder(), Encoder(MavAddress(200, 1)).frame(_STATION, MavAddress(0, 0))
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(beat)
        line.settimeout(0.5)
        while not over.is_set():
            data = b""
            with suppress(TimeoutError):
                data = line.recv(65_536)
                if not data:
                    return
            for frame in decoder.feed(data):
                if isinstance(frame.packet, StatusText) and _is_failsafe(frame.packet.text):
                    story.failsafes[frame.packet.text] += 1


def _is_failsafe(text: str) -> bool:
    """Of ArduCopter: `GCS Failsafe`, with what it does about it; `GCS Failsafe Cleared` is its end."""
    return "GCS Failsafe" in text and "Cleared" not in text


_STATION = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
