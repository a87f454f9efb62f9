"""The platform on a full disk, with a vehicle in the air: it flies on, says so, and records again by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from telemetry.logfiles import whole_length
from telemetry.tlog import read_tlog
from tests.api.test_metrics import read
from tests.disks import fill, own_disk, why_no_disk
from tests.platform import Platform, example, running_platform

pytestmark = pytest.mark.system
Json = dict[str, Any]
_DISK_MIB, _FLOOR_MIB = 96, 32


@contextmanager
def watched(platform: Platform, path: str = "/api/v1/stream") -> Iterator[list[Json]]:
    """What a viewer is told, as it comes."""
    frames: list[Json] = []
    with connect(platform.url.replace("http", "ws") + path, proxy=None) as stream:
        stream.send(json.dumps({"type": "subscribe", "rate_hz": 10}))

        def listen() -> None:
            try:
                frames.extend(json.loads(message) for message in stream)
            except ConnectionClosed:
                return

        listener = threading.Thread(target=listen)
        listener.start()
        yield frames
    listener.join(10)


def counted(platform: Platform, name: str) -> float:
    found = read(httpx.get(f"{platform.url}/metrics", timeout=10).text)
    return sum(value for (each, _), value in found.items() if each == name)


def replayed(platform: Platform, sortie_id: str) -> list[Json]:
    """The news of a replay from its beginning to its end."""
    made = platform.post("/replays", {"sortie_id": sortie_id, "speed": 20})
    path = f"/replays/{made['replay_id']}"
    platform.request("PATCH", path, {"playing": False, "at": made["from"]})
    with watched(platform, made["stream"]) as frames:
        platform.until(lambda: bool(frames), within_s=10, what="the replay to be shown")
        platform.request("PATCH", path, {"playing": True})
        platform.until(lambda: bool(platform.get(path)["over"]), within_s=60, what="the replay to be over")
        platform.until(lambda: frames[-1]["type"] == "tick", within_s=10, what="its last tick")
        news = [each for each in frames if each["type"] in ("sortie", "command", "event")]
    platform.request("DELETE", path)
    return news


def degraded(platform: Platform) -> bool:
    return bool(platform.get("/health")["degraded"])


def _tells_all_of_it(again: list[dict[str, Any]], transitions: list[str]) -> None:
    """The replay has what happened while the disk was full."""
    assert all(each["replayed"] for each in again)
    steps = [each["sortie"]["state"] for each in again if each["type"] == "sortie"]
    assert steps == transitions[-len(steps) :]
    assert "paused" in steps
    assert steps[-1] == "closed"
    commands = [(each["command"]["kind"], each["command"]["state"]) for each in again if each["type"] == "command"]
    asked = [("pause", "issued"), ("pause", "done"), ("resume", "issued"), ("resume", "done")]
    assert [each for each in commands if each[0] in ("pause", "resume")] == asked
    events = [each["event"]["code"] for each in again if each["type"] == "event"]
    assert {"recording-degraded", "recording-restored"} <= {*events}, "both were kept, on the full disk too"


def test_on_a_full_disk_people_see_and_command_and_the_record_goes_on_when_there_is_room(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if why := why_no_disk(data):
        pytest.skip(why)
    settings = {"BAILU_DISK_FLOOR_MIB": str(_FLOOR_MIB)}
    with running_platform(data, speedup=8.0, settings=settings, within=own_disk(data, _DISK_MIB)) as platform:
        assert platform.process is not None
        disk = Path(f"/proc/{platform.process.pid}/root{data}")  # as the platform sees it
        platform.until_ready("bl-01")
        post = example("patterns/watch", dock_id="dock-xiayang", hold_s=60, alt_rel_m=50)
        post["geometry"]["coordinates"] = [[121.1245, 31.1395], [121.1250, 31.1390]]
        sortie_id = platform.launched(post, "bl-01")
        platform.until_state(sortie_id, "on_mission")
        with watched(platform) as frames:
            fill(disk / "filler")
            platform.until(lambda: degraded(platform), within_s=15, what="somebody to say that the disk is full")
            platform.until(
                lambda: counted(platform, "bailu_recorder_shed_level") == 3, within_s=15, what="rows to be given up"
            )
            assert counted(platform, "bailu_recorder_degraded") == 1

            for kind, state in (("pause", "paused"), ("resume", "on_mission")):
                answer = platform.request("POST", "/vehicles/bl-01/commands", {"kind": kind})
                assert answer.status_code == 200, answer.text
                assert answer.json()["state"] == "done"
                platform.until_state(sortie_id, state)
            before = len([each for each in frames if each["type"] == "tick" and each["rows"]])
            platform.until(
                lambda: len([each for each in frames if each["type"] == "tick" and each["rows"]]) > before + 10,
                within_s=10,
                what="the live picture to go on",
            )
            assert counted(platform, "bailu_recorder_lost_rows_total") > 0

            (disk / "filler").unlink()
            platform.until(lambda: not degraded(platform), within_s=30, what="everything to be recorded again")
            platform.until_state(sortie_id, "closed", within_s=300)
            told = [each["event"] for each in frames if each["type"] == "event"]
        codes = [each["code"] for each in told if each["code"].startswith("recording-")]
        assert codes == ["recording-degraded", "recording-restored"]
        sortie = platform.sortie(sortie_id)
        assert sortie["outcome"] == "completed"
        transitions = [each["to_state"] for each in sortie["transitions"]]
        assert {"paused", "on_mission", "returning", "landed", "closed"} <= {*transitions}
        _tells_all_of_it(replayed(platform, sortie_id), transitions)
        log = tmp_path / "flight.tlog"
        log.write_bytes(platform.request("GET", f"/sorties/{sortie_id}/tlog").content)
        assert whole_length(log) == log.stat().st_size
        times = [at_s for at_s, _ in read_tlog(log)]
        assert max(later - before_s for before_s, later in pairwise(times)) > 1.0, "there is a gap"
        assert times[-1] - times[0] > 10
