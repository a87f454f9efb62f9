"""The latest of every vehicle: one slot each, whatever came in between, and never a recording that is played."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.ids import VehicleId
from operations.forwarding.matching import Matcher
from operations.forwarding.rules import Filter, What
from telemetry.forwarding.sky import Sky, late
from telemetry.messages import FleetTick, LinkState, VehicleState
from tests.forwarding.stage import NOW, rule, vehicle

ALL = Matcher(rule(what=(What.TELEMETRY,)))


def tick(number: int, *states: VehicleState) -> FleetTick:
    return FleetTick.of("g", NOW + timedelta(seconds=number / 10), states, number)


def told(sky: Sky, seen: dict[VehicleId, tuple[float, object]], matcher: Matcher = ALL) -> list[dict[str, Any]]:
    return [json.loads(item.body)["data"] for item in sky.fresh(matcher, seen)]


def test_only_the_latest_is_told_and_only_once() -> None:
    sky, seen = Sky("urn:x", {}), dict[VehicleId, tuple[float, object]]()
    for number in range(5):
        sky.take(tick(number, vehicle(battery_pct=80.0 - number)))
    assert [each["battery_pct"] for each in told(sky, seen)] == [76.0]
    assert told(sky, seen) == []


def test_a_vehicle_that_said_nothing_since_is_told_only_when_its_link_is_another() -> None:
    sky, seen = Sky("urn:x", {}), dict[VehicleId, tuple[float, object]]()
    sky.take(tick(0, vehicle(heard_age_s=0.0)))
    assert len(told(sky, seen)) == 1
    sky.take(tick(10, vehicle(heard_age_s=1.0)))
    assert told(sky, seen) == []
    sky.take(tick(20, vehicle(heard_age_s=2.0, link=LinkState.STALE)))
    assert [each["link"] for each in told(sky, seen)] == ["stale"]


def test_what_is_not_known_is_null_and_not_a_number() -> None:
    sky = Sky("urn:x", {})
    sky.take(tick(0, vehicle(alt_rel_m=None, ground_speed_mps=math.nan)))
    (data,) = told(sky, {})
    assert (data["alt_rel_m"], data["ground_speed_mps"], data["unit"]) == (None, None, "town-xiayang")


def test_a_retired_vehicle_is_told_no_more_and_keeps_its_place_for_alarms() -> None:
    sky = Sky("urn:x", {})
    sky.take(tick(0, vehicle(), vehicle("bl-02")))
    assert len(told(sky, {})) == 2
    sky.take(tick(1, vehicle()))
    assert [each["vehicle_id"] for each in told(sky, {})] == ["bl-01"]
    assert sky.whereabouts(VehicleId("bl-02")).place == (121.12, 31.15)


def test_a_recording_that_is_played_is_never_told() -> None:
    sky = Sky("urn:x", {})
    sky.take(tick(0, vehicle(), vehicle("bl-02", link=LinkState.REPLAYED)))
    assert [each["vehicle_id"] for each in told(sky, {})] == ["bl-01"]
    sky.take(tick(1, vehicle(), vehicle("bl-02", link=LinkState.LOST)))
    assert [each["vehicle_id"] for each in told(sky, {})] == ["bl-01"], (
        "the recording is over, and it was never there"
    )
    sky.take(tick(2, vehicle(), vehicle("bl-02")))
    assert len(told(sky, {})) == 2


def test_places_of_an_earlier_run_count_until_a_vehicle_is_heard() -> None:
    sky = Sky("urn:x", {VehicleId("bl-01"): ("town", (121.0, 31.0))})
    assert sky.whereabouts(VehicleId("bl-01")).place == (121.0, 31.0)
    sky.take(tick(0, vehicle()))
    assert sky.whereabouts(VehicleId("bl-01")).place == (121.12, 31.15)


def test_a_rule_is_told_of_its_vehicles_only_and_a_late_report_says_so() -> None:
    sky = Sky("urn:x", {})
    sky.take(tick(0, vehicle(), vehicle("bl-02", unit="town-yingpu")))
    narrow = Matcher(replace(ALL.rule, filter=Filter(units=("town-yingpu",))))
    (item,) = sky.fresh(narrow, {})
    assert item.vehicle_id == "bl-02"
    assert json.loads(item.body)["data"]["backfill"] is False
    assert json.loads(late(item).body)["data"]["backfill"] is True
