"""Operations on real processes: metrics of both roles, readiness that follows what breaks, logs for programs."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.api.test_metrics import read
from tests.platform import Platform, free_port, free_udp_port, stop

pytestmark = pytest.mark.system


def failing(url: str) -> set[str]:
    """What is in the way; empty when it is ready."""
    answer = httpx.get(f"{url}/api/v1/ready", timeout=10)
    return {check["check"] for check in answer.json()["checks"] if not check["ok"]}


def live(url: str) -> set[float]:
    """How many vehicles are heard well, by what is told of it; empty when no gateway answered the scrape."""
    told = read(httpx.get(f"{url}/metrics", timeout=10).text)
    return {value for (_, labels), value in told.items() if ("link_state", "live") in labels}


def test_the_roles_apart_are_measured_ready_and_say_what_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics_port = free_port()
    monkeypatch.setenv("BAILU_LINKS", f'[{{ name = "fleet", url = "udpin:127.0.0.1:{free_udp_port()}" }}]')
    monkeypatch.setenv("BAILU_METRICS_PORT", str(metrics_port))
    monkeypatch.setenv("BAILU_LOG", '{ level = "info" }')
    platform = Platform(tmp_path / "data", speedup=5.0)
    gateway_url = f"http://127.0.0.1:{metrics_port}"
    gateway = platform.bailu("gateway", "--speedup", "5")
    sim = platform.bailu("sim", "--speedup", "5", "--tcp-base-port", "0")
    try:
        platform.process = platform.bailu("api", "--port", str(platform.port))
        platform.until_served()
        platform.until_ready("bl-01")
        platform.until(lambda: failing(platform.url) == set(), within_s=20, what="the api, ready")
        assert failing(gateway_url) == set()

        # All three in time: ready is said of the first, and a scrape goes without a gateway that is slow to answer.
        platform.until(lambda: live(platform.url) == {3.0}, within_s=30, what="the fleet in the api's metrics")
        alone = {name for name, _ in read(httpx.get(f"{gateway_url}/metrics", timeout=10).text)}
        frames = alone & {"bailu_link_frames_total", "bailu_stream_viewers"}
        assert frames == {"bailu_link_frames_total"}

        gateway.kill()
        gateway.wait(10)
        platform.until(lambda: {"gateway", "bus"} <= failing(platform.url), within_s=15, what="the loss to be told")
        told = read(httpx.get(f"{platform.url}/metrics", timeout=10).text)
        assert {value for (name, _), value in told.items() if name == "bailu_gateway_up"} == {0.0}
        assert httpx.get(f"{platform.url}/api/v1/health", timeout=10).status_code == 200

        gateway = platform.bailu("gateway", "--speedup", "5")
        platform.until(lambda: failing(platform.url) == set(), within_s=30, what="the platform, ready again")
    finally:
        platform.close()
        codes = [stop(process) for process in (gateway, sim, platform.process) if process is not None]
    assert codes == [0, 0, 0]
    lines = [json.loads(line) for line in platform.log.read_text().splitlines() if line.startswith("{")]
    assert any(line["event"].startswith("The gateway is up") for line in lines)
    assert any(line["logger"] == "bailu.access" and line["request_id"] for line in lines)
