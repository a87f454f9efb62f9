"""Drills are judged by what was seen: each expectation holds or says what was seen instead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from api.drills.record import Record, Seen
from api.drills.report import as_json, junit
from api.drills.runner import Report
from api.drills.scenario import Answer, Bounds, Expectation, Kind, Never, Scenario, Trigger
from api.drills.verdicts import Evidence, judge

LINES = (
    Seen(1.0, "a", "state", "on_mission"),
    Seen(2.0, "a", "mode", "AUTO"),
    Seen(3.0, "a", "text", "GCS Failsafe"),
    Seen(4.0, "a", "mode", "RTL"),
    Seen(5.0, "a", "event", "link-lost", "a is not heard any more."),
    Seen(9.0, "a", "state", "closed"),
)
EVIDENCE = Evidence(
    lines=LINES,
    sortie={"outcome": "aborted", "upload_verified": True, "problem": None},
    figures={"breaches": 1.0},
    answers={"look": "done"},
    launched_at_s=1.0,
)
NAMED = Expectation("it", "a")


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ({"outcome": "aborted"}, {"outcome": "completed"}),
        ({"states": ("on_mission", "closed")}, {"states": ("closed", "on_mission")}),
        ({"modes": ("AUTO", "RTL")}, {"modes": ("AUTO", "LAND")}),
        ({"texts": ("Failsafe",)}, {"texts": ("Battery",)}),
        ({"events": ("link-lost",)}, {"events": ("link-lost", "link-back")}),
        ({"gcs_failsafe": True}, {"gcs_failsafe": False}),
        ({"upload_verified": True}, {"upload_verified": False}),
        ({"within_s": 8.0}, {"within_s": 7.9}),
        ({"figures": {"breaches": Bounds(1, 1)}}, {"figures": {"breaches": Bounds(at_most=0)}}),
        ({"figures": {"breaches": Bounds(at_least=1)}}, {"figures": {"duration_s": Bounds(at_least=0)}}),
        ({"answers": (Answer("look", "done"),)}, {"answers": (Answer("look", "failed"),)}),
        ({"never": Never(modes=("LAND",))}, {"never": Never(modes=("RTL",))}),
        ({"never": Never(texts=("Crash",))}, {"never": Never(texts=("GCS",))}),
        ({"never": Never(events=("link-back",))}, {"never": Never(events=("not heard",))}),
        ({"never": Never(states=("paused",))}, {"never": Never(states=("closed",))}),
    ],
)
def test_each_expectation_holds_when_it_was_so_and_fails_when_not(
    holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    assert judge(replace(NAMED, **holds), EVIDENCE).ok
    verdict = judge(replace(NAMED, **fails), EVIDENCE)
    assert not verdict.ok
    assert verdict.checks[0].seen


def test_a_vehicle_that_never_flew_meets_no_expectation_of_a_flight() -> None:
    nothing = Evidence((), None, {}, {}, None)
    for told in ({"outcome": "completed"}, {"within_s": 1.0}, {"upload_verified": True}, {"states": ("closed",)}):
        assert not judge(replace(NAMED, **told), nothing).ok


def report() -> Report:
    scenario = Scenario("S & co", "", 1, 5.0, 60.0, (), (), (), ())
    verdicts = (judge(replace(NAMED, outcome="aborted"), EVIDENCE), judge(replace(NAMED, outcome="lost"), EVIDENCE))
    seen = (*LINES, Seen(9.5, "a", "text", "\x00\x1b[31m<&>"))
    return Report(scenario, Kind.EMBEDDED, seen, {"a": {"breaches": 1.0}}, verdicts, 1.5, {"a": "4.7"})


def test_junit_has_a_case_per_expectation_and_carries_any_words() -> None:
    root = Xml.fromstring(junit([report()], [("broken.yaml", "no dock\nat all")]))
    suite, error = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("S & co", "2", "1")
    good, bad = suite.findall("testcase")
    assert good.find("failure") is None
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "outcome lost; seen: aborted"
    assert "[31m<&>" in (suite.findtext("system-out") or "")
    assert (error.get("errors"), error.find("testcase/error") is not None) == ("1", True)


def test_json_tells_verdicts_figures_and_timeline() -> None:
    told = as_json(report())
    assert (told["ok"], told["vehicle"], told["seed"]) == (False, "embedded", 1)
    assert [each["ok"] for each in told["verdicts"]] == [True, False]
    assert told["timeline"][0] == {"at_s": 1.0, "vehicle": "a", "what": "state", "value": "on_mission", "detail": ""}


async def test_whoever_waits_for_something_is_woken_by_it_also_when_it_was_before() -> None:
    record = Record(("a", "b"), lambda: 0.0, lambda _: None)
    waiting = asyncio.create_task(record.until(Trigger("state", "paused", "a")))
    await asyncio.sleep(0)
    record.add("b", "state", "paused")
    record.add("a", "mode", "paused")
    await asyncio.sleep(0)
    assert not waiting.done()
    record.add("a", "state", "paused")
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(record.until(Trigger("state", "paused", "b")), 1)
    record.add("", "event", "airspace-review", "1 flight")
    await asyncio.wait_for(record.until(Trigger("event", "airspace-review", "a")), 1)


def test_only_what_is_new_of_a_sortie_is_told() -> None:
    record = Record(("a",), lambda: 0.0, lambda _: None)
    steps = [{"to_state": state, "why": ""} for state in ("preflight", "uploading")]
    record.sortie("a", {"sortie_id": "s", "transitions": steps[:1], "waypoints_reached": 0})
    record.sortie("a", {"sortie_id": "s", "transitions": steps, "waypoints_reached": 2})
    record.sortie("a", {"sortie_id": "s", "transitions": steps[:1], "waypoints_reached": 0})
    assert [(line.what, line.value) for line in record.seen] == [
        ("state", "preflight"), ("state", "uploading"), ("waypoint", "1"), ("waypoint", "2"),
    ]  # fmt: skip
