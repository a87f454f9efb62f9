"""Metrics: the names are the documented ones, a scrape tells what was counted, no visitor makes a series."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.bus_frames import Encoded, decode_message, encode_message
from api.metrics.catalog import CATALOG, GATEWAY_NAMES, Kind, labels_of
from api.metrics.exposition import exposed
from core.clock import ManualClock
from core.errors import VehicleOffline
from core.ids import AlarmId, VehicleId
from core.metrics import SHORT_S, Histogram, Reading
from missions.model import SortieState
from operations.alarms import Alarm, AlarmKind, Severity
from operations.recording.shedding import Shed
from telemetry.links.port import LinkCondition, LinkHealth
from telemetry.messages import LinkState, LinksTick
from telemetry.metering import (
    GatewayMeter,
    MetricsQuestion,
    MetricsTold,
    alarm_readings,
    link_readings,
    metrics_subject,
    recorder_readings,
    sortie_readings,
    stranger_readings,
    told_of,
    vehicle_readings,
)
from telemetry.recorder import Recorder
from tests.api.conftest import World

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 1, 1, tzinfo=UTC)
HEALTH = LinkHealth("fleet", "udpin:127.0.0.1:14550", LinkCondition.UP, AT, lost_share=0.02, rtt_s=0.05, frames=7)
ALARM = Alarm(AlarmId("a-1"), AlarmKind.GPS, Severity.WARNING, "no fix", VehicleId("bl-01"), None, AT)
RULE = {
    "id": "to-city",
    "name": "城运中心",
    "what": ["alarms"],
    "target": {"kind": "http", "url": "https://city.example/in"},
}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Samples:
    """Every sample of an exposition, by name and labels."""
    families = text_string_to_metric_families(text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def a_recorder(folder: Path) -> Recorder:
    """One that wrote seven rows and gave up three."""
    recorder = Recorder(None, data_dir=folder, clock=ManualClock())
    recorder.written_rows, recorder.lost.rows, recorder.shed = 7, 3, Shed.FINE_ROWS
    return recorder


class _Fleet:
    name = "roof"
    vehicles: ClassVar[dict[str, object]] = {}

    def health(self) -> tuple[LinkHealth, ...]:
        return (HEALTH,)

    def refused(self) -> dict[str, int]:
        return {"places": 3, "candidates": 0}


def told(meter: GatewayMeter, *, gateway: str = "roof") -> MetricsTold:
    """What a gateway with one link and nothing else tells."""
    readings = (
        *link_readings([HEALTH]),
        *stranger_readings(_Fleet().refused()),
        *vehicle_readings([LinkState.LIVE, LinkState.LIVE, LinkState.LOST]),
        *sortie_readings([SortieState.ON_MISSION]),
        *meter.readings(),
        *recorder_readings(a_recorder(Path())),
        Reading("bailu_follow_refused_total", 5),
        Reading("bailu_gateway_heart_beating", 1),
        *alarm_readings([ALARM]),
    )
    return MetricsTold(gateway, readings, tuple(meter.spreads()))


def a_meter() -> GatewayMeter:
    """Ten ticks, the last one late, a command that was done and one that was not."""
    clock = ManualClock()
    meter = GatewayMeter(clock)
    for _ in range(9):
        meter.tick(took_s=0.004, late_s=-0.0001)
    meter.tick(took_s=0.3, late_s=0.2)
    with meter.command("return"):
        clock.advance(0.2)
    with pytest.raises(VehicleOffline), meter.command("land"):
        raise VehicleOffline("bl-01", None)
    return meter


def joined(world: World) -> None:
    """The world's hub has heard of a gateway."""
    world.hub.links_tick(LinksTick("roof", world.clock.now(), (HEALTH,), heart=True))


async def _told(_: MetricsQuestion) -> MetricsTold:
    return told(a_meter())


async def scrape(world: World) -> str:
    response = await world.http.get("http://127.0.0.1:8420/metrics")
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return response.text


def test_the_documented_names_are_those_that_exist() -> None:
    rows = re.findall(
        r"^\| `(bailu_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", (ROOT / "docs" / "metrics.md").read_text(), re.M
    )
    documented = [(name, kind, re.findall(r"`(\w+)`", labels), tells) for name, kind, labels, tells in rows]
    assert documented == [(m.name, str(m.kind), [*labels_of(m)], m.help) for m in CATALOG.values()]


def test_names_follow_the_rules_of_prometheus() -> None:
    for metric in CATALOG.values():
        assert re.fullmatch(r"bailu_[a-z0-9_]+", metric.name)
        assert not metric.name.endswith(("_count", "_sum", "_bucket")), metric.name
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds"), metric.name


async def test_a_scrape_tells_every_documented_name_and_no_other(world: World) -> None:
    joined(world)
    await world.http.get("/me")
    world.hub.drops["viewers cut, stalled"] += 1
    world.hub.starts["resumed"] += 1
    await world.http.post("/forwarding/rules", json=RULE)
    async with world.bus.serve(metrics_subject("roof"), MetricsQuestion, _told):
        text = await scrape(world)
    named = {name for name in re.findall(r"^# HELP (\w+) ", text, re.M) if not name.startswith("process_")}
    assert named == set(CATALOG)
    assert "process_cpu_seconds_total " in text


async def test_what_a_gateway_counted_is_told_under_its_name(world: World) -> None:
    joined(world)
    async with world.bus.serve(metrics_subject("roof"), MetricsQuestion, _told):
        found = read(await scrape(world))

    def of(name: str, **labels: str) -> float:
        return found[name, frozenset({"gateway": "roof", **labels}.items())]

    assert of("bailu_link_frames_total", link="fleet") == 7
    assert (of("bailu_link_state", link="fleet", state="up"), of("bailu_link_state", link="fleet", state="down")) == (
        1,
        0,
    )
    assert (of("bailu_vehicles", link_state="live"), of("bailu_vehicles", link_state="stale")) == (2, 0)
    assert (
        of("bailu_strangers_refused_total", bound="places"),
        of("bailu_strangers_refused_total", bound="candidates"),
    ) == (3, 0)
    assert of("bailu_follow_refused_total") == 5
    assert of("bailu_alarm_open", kind="gps", severity="warning") == 1
    assert of("bailu_alarm_open", kind="gps", severity="critical") == 0
    assert (of("bailu_recorder_rows_total"), of("bailu_recorder_lost_rows_total")) == (7, 3)
    assert of("bailu_recorder_shed_level") == 2
    assert of("bailu_command_total", kind="land", result="vehicle-offline") == 1
    assert of("bailu_command_duration_seconds_bucket", kind="return", le="0.25") == 1
    assert of("bailu_tick_lateness_seconds_bucket", le="0.001") == 9
    assert of("bailu_tick_lateness_seconds_count") == 10
    assert of("bailu_tick_lateness_seconds_sum") == pytest.approx(0.2)
    assert of("bailu_tick_duration_seconds_sum") == pytest.approx(0.336)
    assert found["bailu_gateway_up", frozenset({("gateway", "roof")})] == 1


def test_what_a_gateway_tells_crosses_a_socket_as_it_is() -> None:
    recorder = a_recorder(Path())
    beat = told_of(
        _Fleet(), a_meter(), recorder, sorties=[], alarms=[ALARM], follows_refused=5, is_beating=True  # type: ignore[arg-type]
    )  # fmt: skip
    assert Reading("bailu_follow_refused_total", 5) in beat.readings
    assert decode_message(encode_message(beat), MetricsTold) == beat


async def test_a_gateway_of_another_version_is_not_up_and_breaks_nothing(world: World) -> None:
    joined(world)

    async def otherwise(_: MetricsQuestion) -> Encoded:
        return encode_message(MetricsTold("roof", (Reading("bailu_sorties", "many"),), ()))  # type: ignore[arg-type]

    async with world.bus.serve(metrics_subject("roof"), MetricsQuestion, otherwise):
        found = read(await scrape(world))
    assert found["bailu_gateway_up", frozenset({("gateway", "roof")})] == 0


async def test_a_gateway_that_does_not_answer_is_down_and_the_rest_is_told(world: World) -> None:
    joined(world)
    found = read(await scrape(world))
    assert found["bailu_gateway_up", frozenset({("gateway", "roof")})] == 0
    assert not [name for name, _ in found if name in GATEWAY_NAMES]
    assert found["bailu_stream_viewers", frozenset()] == 0


async def test_writes_of_the_store_and_requests_are_counted(world: World) -> None:
    before = read(await scrape(world))
    await world.store.prove_writable()
    await world.http.get("/missions/nowhere-1")
    await world.http.get("/missions/nowhere-2")
    await world.http.get("http://127.0.0.1:8420/not/there")
    after = read(await scrape(world))
    writes = "bailu_store_job_duration_seconds_count", frozenset({("thread", "write")})
    assert after[writes] == before[writes] + 1
    asked = {labels: count for (name, labels), count in after.items() if name == "bailu_http_requests_total"}
    route = "/missions/{mission_id}"
    assert asked[frozenset({"method": "GET", "route": route, "status": "404"}.items())] == 2
    assert asked[frozenset({"method": "GET", "route": "other", "status": "404"}.items())] == 1
    assert not any("nowhere" in str(labels) or "not/there" in str(labels) for labels in asked)


async def test_a_forwarding_rule_is_told_with_how_its_target_does(world: World) -> None:
    await world.http.post("/forwarding/rules", json=RULE | {"paused": True})
    found = read(await scrape(world))
    state = {dict(labels)["state"]: value for (name, labels), value in found.items() if name == "bailu_forward_state"}
    assert state == {"idle": 0, "connected": 0, "away": 0, "paused": 1}
    assert found["bailu_forward_sent_total", frozenset({("rule", "to-city"), ("what", "events")})] == 0


def test_a_name_that_is_not_documented_cannot_be_told() -> None:
    with pytest.raises(KeyError):
        exposed([Reading("bailu_new", 1)], [])


def test_a_newer_gateway_may_tell_more_than_the_door_knows() -> None:
    newer = replace(told(a_meter()), readings=(Reading("bailu_link_of_tomorrow", 1, ("fleet",)),))
    assert b"tomorrow" not in exposed([], [newer])


def test_buckets_rise_to_the_count() -> None:
    histogram = Histogram(SHORT_S)
    for value in (0.0005, 0.002, 0.3, 7.0):
        histogram.observe(value)
    text = exposed([histogram.read("bailu_store_job_duration_seconds", ("write",))], []).decode()
    buckets = [float(value) for value in re.findall(r"_bucket\{.*\} (\S+)$", text, re.M)]
    assert buckets == [1, 2, 2, 2, 2, 2, 2, 2, 3, 4]
