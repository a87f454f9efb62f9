"""Traces: what takes long is a span within its request's, and nothing of it is imported or sent unless asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest
from opentelemetry import trace

from api import tracing
from api.folder import StartError
from api.planning import _Worker
from core.errors import VehicleOffline
from tests.api.conftest import VEHICLE, World
from tests.samples import a_feature


@dataclass
class FakeTracer:
    """Remembers each span with those around it, and what left it as an error."""

    spans: list[tuple[Sequence[str], dict[str, Any], str | None]] = field(default_factory=list)
    around: tuple[str, ...] = ()

    def __call__(self, *_: object) -> FakeTracer:
        return self

    @contextmanager
    def start_as_current_span(self, name: str, *, attributes: dict[str, Any]) -> Iterator[None]:
        outer, self.around = self.around, (*self.around, name)
        error = None
        try:
            yield
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            self.spans.append((self.around, attributes, error))
            self.around = outer


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> FakeTracer:
    fake = FakeTracer()
    monkeypatch.setattr(trace, "get_tracer", fake)
    return fake


async def test_a_command_to_a_vehicle_is_a_span_with_its_kind_and_vehicle(world: World, tracer: FakeTracer) -> None:
    world.tick()
    answer = await world.http.post(f"/vehicles/{VEHICLE}/commands", json={"kind": "return"})
    assert answer.status_code == 200
    assert tracer.spans == [(("command",), {"bailu.kind": "return", "bailu.vehicle_id": VEHICLE}, None)]


async def test_a_command_that_fails_is_a_span_with_the_error(world: World, tracer: FakeTracer) -> None:
    world.gateway.refusal = VehicleOffline(VEHICLE, None)
    await world.http.post(f"/vehicles/{VEHICLE}/commands", json={"kind": "return"})
    assert [error for _, _, error in tracer.spans] == ["VehicleOffline"]


async def test_a_launch_is_a_span(world: World, tracer: FakeTracer) -> None:
    mission_id = await world.mission(a_feature())
    world.tick()
    await world.launch(mission_id)
    assert ("launch",) in [names for names, _, _ in tracer.spans]


def _job() -> int:
    return 42


async def test_a_plan_is_a_span_with_what_was_done(tracer: FakeTracer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def alone(_: _Worker, job: Any, *arguments: Any) -> Any:
        return job(*arguments)

    monkeypatch.setattr(_Worker, "_alone", alone)
    assert await _Worker(deadline_s=1.0).run(_job) == 42
    assert tracer.spans == [(("plan",), {"bailu.job": "job"}, None)]


async def test_without_an_endpoint_nothing_is_set_up() -> None:
    before = trace.get_tracer_provider()
    async with tracing.exported(None):
        assert trace.get_tracer_provider() is before


@pytest.mark.skipif(find_spec("opentelemetry.sdk") is not None, reason="the SDK is installed here")
async def test_an_endpoint_without_the_sdk_is_told_with_what_to_install() -> None:
    with pytest.raises(StartError, match=r"bailu\[otel\]"):
        async with tracing.exported("http://127.0.0.1:4318"):
            pass
