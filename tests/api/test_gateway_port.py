"""A gateway that runs apart answers for itself: its metrics, that it lives, and what keeps it from being ready."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from api.gateway_port import gateway_app
from api.settings import Settings
from core.clock import ManualClock
from core.errors import Overloaded
from core.metrics import Reading, Spread
from telemetry.metering import GatewayMeter, MetricsTold
from tests.api.test_metrics import read, told


@dataclass
class FakeGateway:
    name: str = "roof"
    is_beating: bool = True
    is_recording: bool = True
    silence_s: float = 0.1

    def silent_s(self) -> float:
        return self.silence_s

    def metrics(self) -> MetricsTold:
        return told(GatewayMeter(ManualClock()), gateway=self.name)


@dataclass
class FakeStore:
    refuses: bool = False

    async def prove_writable(self) -> None:
        if self.refuses:
            raise Overloaded("The disk does not take the data (full)")

    def readings(self) -> Iterator[Reading]:
        yield Reading("bailu_store_waiting", 3, ("write",))

    def spreads(self) -> Iterator[Spread]:
        yield from ()


@dataclass
class Apart:
    http: httpx.AsyncClient
    gateway: FakeGateway = field(default_factory=FakeGateway)
    store: FakeStore = field(default_factory=FakeStore)


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[Apart]:
    gateway, store = FakeGateway(), FakeStore()
    app = gateway_app(Settings(data_dir=tmp_path), gateway=gateway, store=store, clock=ManualClock())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8421") as http:
        yield Apart(http, gateway, store)


async def test_its_metrics_are_its_own_and_its_process_s(apart: Apart) -> None:
    found = read((await apart.http.get("/metrics")).text)
    assert found["bailu_link_frames_total", frozenset({("gateway", "roof"), ("link", "fleet")})] == 7
    assert found["bailu_store_waiting", frozenset({("thread", "write")})] == 3
    assert any(name == "bailu_info" and ("role", "gateway") in labels for name, labels in found)


async def test_it_lives_and_is_ready(apart: Apart) -> None:
    assert (await apart.http.get("/api/v1/health")).json()["status"] == "ok"
    ready = await apart.http.get("/api/v1/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)


async def test_one_that_does_not_record_everything_lives_and_says_so(apart: Apart) -> None:
    assert (await apart.http.get("/api/v1/health")).json()["degraded"] == []
    apart.gateway.is_recording = False
    health = (await apart.http.get("/api/v1/health")).json()
    assert (health["status"], health["degraded"]) == ("ok", ["recording: not everything of roof is recorded"])


async def test_each_thing_that_breaks_is_named(apart: Apart) -> None:
    apart.gateway.is_beating, apart.gateway.silence_s, apart.store.refuses = False, 9.0, True
    ready = await apart.http.get("/api/v1/ready")
    assert (ready.status_code, ready.json()["type"]) == (503, "urn:bailu:problem:not-ready")
    assert {check["check"] for check in ready.json()["checks"] if not check["ok"]} == {"store", "heart", "gateway"}
    assert (await apart.http.get("/api/v1/health")).status_code == 200


async def test_another_site_s_page_cannot_read_it(apart: Apart) -> None:
    assert (await apart.http.get("/metrics", headers={"Host": "evil.example"})).status_code == 403
