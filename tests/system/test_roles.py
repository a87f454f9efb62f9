"""Gateway, api and vehicles as processes of their own, joined by the data folder and UDP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.platform import Platform, free_udp_port, stop
from tests.sitl.stage import asked, hop

pytestmark = pytest.mark.system
VEHICLE = "bl-03"


def _steps(viewer: ClientConnection) -> list[tuple[str, str]]:
    """What is told of commands until one ended."""
    steps: list[tuple[str, str]] = []
    while not steps or steps[-1][1] == "issued":
        frame = json.loads(viewer.recv(30))
        if frame["type"] == "command":
            steps.append((frame["command"]["kind"], frame["command"]["state"]))
    return steps


def test_the_roles_apart_fly_a_patrol_and_a_restarted_api_finds_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_udp_port()
    monkeypatch.setenv("BAILU_LINKS", f'[{{ name = "fleet", url = "udpin:127.0.0.1:{port}" }}]')
    platform = Platform(tmp_path / "data", speedup=10.0)
    running = [
        platform.bailu("gateway", "--speedup", "10"),
        platform.bailu("sim", "--speedup", "10", "--tcp-base-port", "0"),
    ]
    try:
        platform.process = platform.bailu("api", "--port", str(platform.port))
        platform.until_served()
        platform.until_ready(VEHICLE)
        sortie_id = platform.launched(hop(), VEHICLE)
        platform.until_state(sortie_id, "on_mission")
        asked(platform, "pause")  # it waits in the air, however long a restart takes here
        platform.kill()
        platform.process = platform.bailu("api", "--port", str(platform.port))
        platform.until_served()
        platform.until(lambda: platform.vehicle(VEHICLE)["armed"] is True, within_s=60, what="the vehicle, flying")
        with connect(platform.url.replace("http", "ws") + "/api/v1/stream", proxy=None) as viewer:
            viewer.send('{"type":"subscribe"}')
            before = json.loads(viewer.recv(10))["commands"]
            platform.post(f"/vehicles/{VEHICLE}/commands", {"kind": "return"})
            assert [step for step in _steps(viewer) if step[0] == "return"] == [
                ("return", "issued"), ("return", "done"),
            ]  # fmt: skip
        kinds = {each["kind"]: each["state"] for each in before if each["vehicle_id"] == VEHICLE}
        assert kinds == {"arm": "done", "start": "done", "pause": "done"}
        assert platform.until_state(sortie_id, "closed")["outcome"] == "aborted"
        assert stop(running[0]) == 0
        refused = platform.launch(platform.post("/missions", hop()), VEHICLE)
        assert refused.status_code in (409, 503), refused.text
    finally:
        platform.close()
        codes = [stop(process) for process in [*running, platform.process] if process is not None]
    assert codes == [0, 0, 0]
