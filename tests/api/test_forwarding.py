"""Forwarding rules at the door: made, changed and shown; a secret goes in and never comes out."""

from __future__ import annotations

from typing import Any

import pytest

from operations.alarms import AlarmKind
from operations.forwarding.ports import Fresh, Item, Progress, State
from operations.forwarding.rules import RuleId, What
from tests.api.conftest import World

HTTP = {"kind": "http", "url": "https://city.example/in", "signing_key": "s3cret-key", "token": "s3cret-token"}
MQTT = {"kind": "mqtt", "url": "mqtts://broker.example", "username": "bailu", "password": "s3cret-word"}


def rule(**changes: Any) -> dict[str, Any]:
    return {"id": "to-city", "name": "城运中心", "what": ["alarms", "telemetry"], "target": HTTP} | changes


async def test_a_rule_is_made_shown_changed_paused_and_removed(world: World) -> None:
    made = await world.http.post("/forwarding/rules", json=rule(rate_hz=0.5))
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    shown = (await world.http.get("/forwarding/rules/to-city")).json()
    assert (shown["rate_hz"], shown["what"], shown["paused"]) == (0.5, ["alarms", "telemetry"], False)
    paused = await world.http.patch("/forwarding/rules/to-city", json={"paused": True}, headers={"If-Match": '"1"'})
    assert paused.json()["revision"] == 2
    (listed,) = (await world.http.get("/forwarding/rules")).json()["items"]
    assert (listed["status"]["state"], listed["rate_hz"]) == ("paused", 0.5)
    assert (await world.http.delete("/forwarding/rules/to-city")).status_code == 204
    assert (await world.http.get("/forwarding/rules")).json()["items"] == []
    assert (await world.http.delete("/forwarding/rules/to-city")).status_code == 404


async def test_no_answer_holds_a_secret_and_neither_does_the_database(world: World) -> None:
    told = [await world.http.post("/forwarding/rules", json=rule())]
    told.append(await world.http.post("/forwarding/rules", json=rule(id="mq", target=MQTT)))
    told += [await world.http.get("/forwarding/rules"), await world.http.get("/forwarding/rules/mq")]
    assert all(each.is_success and "s3cret" not in each.text for each in told)
    assert told[-1].json()["target"]["secrets"] == ["password"]
    files = [each.read_bytes() for each in world.settings.data_dir.iterdir() if each.is_file()]
    assert not any(b"s3cret" in each for each in files)


async def test_a_secret_stays_with_the_host_that_it_was_given_for(world: World) -> None:
    await world.http.post("/forwarding/rules", json=rule())
    moved = {"kind": "http", "url": "https://city.example/elsewhere"}
    answer = await world.http.patch("/forwarding/rules/to-city", json={"target": moved}, headers={"If-Match": '"1"'})
    assert answer.json()["target"]["secrets"] == ["token", "signing_key"]
    for url in ("https://evil.example/in", "http://city.example/in", "https://city.example:444/in"):
        target = {"kind": "http", "url": url}
        answer = await world.http.patch(
            "/forwarding/rules/to-city", json={"target": target}, headers={"If-Match": "2"}
        )
        assert answer.status_code == 422
        assert {each["pointer"] for each in answer.json()["errors"]} == {"/target/token", "/target/signing_key"}
    bare = {"kind": "http", "url": "https://other.example/in", "token": None, "signing_key": "another"}
    answer = await world.http.patch("/forwarding/rules/to-city", json={"target": bare}, headers={"If-Match": "2"})
    assert answer.json()["target"]["secrets"] == ["signing_key"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"what": []}, "/what"),
        ({"what": ["alarms", "alarms"]}, "/what"),
        ({"rate_hz": 20}, "/rate_hz"),
        ({"spool_bytes": 10}, "/spool_bytes"),
        ({"name": ""}, "/name"),
        ({"target": {"kind": "http", "url": "ftp://city.example"}}, "/target/url"),
        ({"target": {"kind": "http", "url": "https://user:word@city.example"}}, "/target/url"),
        ({"target": {"kind": "http", "url": "http://169.254.169.254/latest"}}, "/target/url"),
        ({"target": {"kind": "http", "url": "http://[fe80::1]/"}}, "/target/url"),
        ({"target": {"kind": "http", "url": "http://[::ffff:169.254.1.1]/"}}, "/target/url"),
        ({"target": {"kind": "mqtt", "url": "mqtt://b.x", "state_topic": "bailu/+/state"}}, "/target/state_topic"),
        ({"target": {"kind": "mqtt", "url": "mqtt://b.example", "state_topic": "a/{name}"}}, "/target/state_topic"),
        ({"target": {"kind": "mqtt", "url": "mqtt://b.example", "password": "x"}}, "/target/username"),
        ({"filter": {"area": {"type": "Polygon", "coordinates": [[[121, 31], [121, 31], [121, 31], [121, 31]]]}}},
         "/filter/area/coordinates/0"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_its_place_and_nothing_is_stored(
    world: World, change: dict[str, Any], pointer: str
) -> None:
    answer = await world.http.post("/forwarding/rules", json=rule(**change))
    assert answer.status_code == 422, answer.text
    assert any(each["pointer"].startswith(pointer) for each in answer.json()["errors"]), answer.text
    assert (await world.http.get("/forwarding/rules")).json()["items"] == []


async def test_a_change_names_the_revision_that_it_is_based_on(world: World) -> None:
    await world.http.post("/forwarding/rules", json=rule())
    assert (await world.http.post("/forwarding/rules", json=rule())).status_code == 422
    bare = await world.http.patch("/forwarding/rules/to-city", json={"rate_hz": 2})
    stale = await world.http.patch("/forwarding/rules/to-city", json={"rate_hz": 2}, headers={"If-Match": '"7"'})
    assert (bare.status_code, stale.status_code) == (428, 412)


async def test_the_standing_of_a_rule_is_told_with_it(world: World) -> None:
    await world.http.post("/forwarding/rules", json=rule())
    desk = world.app.state.forwarding
    (stored,) = await desk.rules.rules()
    kept = Item(What.ALARMS, None, None, b"{}", world.clock.now())
    world.clock.advance(30)
    await desk.spool.add([Fresh(stored, 5, (kept, kept), missed=3)], now=world.clock.now(), places={})
    told = Progress(State.AWAY, 7, None, "HTTP 503", world.clock.now())
    await desk.spool.report({RuleId("to-city"): told})
    status = (await world.http.get("/forwarding/rules/to-city")).json()["status"]
    assert (status["state"], status["lag_s"], status["waiting_events"], status["lost_events"]) == ("away", 30.0, 2, 3)
    assert (status["sent_telemetry"], status["last_error"]) == (7, "HTTP 503")
    assert status["spool_bytes"] > 0


async def test_what_waited_for_a_removed_rule_is_not_for_the_next_one_of_its_name(world: World) -> None:
    await world.http.post("/forwarding/rules", json=rule())
    desk = world.app.state.forwarding
    (stored,) = await desk.rules.rules()
    kept = Item(What.ALARMS, None, None, b"{}", world.clock.now())
    await desk.spool.add([Fresh(stored, 5, (kept,))], now=world.clock.now(), places={})
    await world.http.delete("/forwarding/rules/to-city")
    await world.http.post("/forwarding/rules", json=rule())
    status = (await world.http.get("/forwarding/rules/to-city")).json()["status"]
    assert (status["waiting_events"], status["spool_bytes"]) == (0, 0)


async def test_a_rule_narrowed_to_alarms_of_one_kind_in_an_area_comes_back_as_it_was_told(world: World) -> None:
    area = {"type": "Polygon", "coordinates": [[[121.0, 31.1], [121.1, 31.1], [121.1, 31.2], [121.0, 31.1]]]}
    told = {"units": ["dock-xiayang"], "vehicle_ids": ["bl-01"], "severities": ["critical"], "area": area}
    told["codes"] = [str(AlarmKind.FENCE_BREACH)]
    made = (await world.http.post("/forwarding/rules", json=rule(filter=told))).json()
    assert made["filter"] == told
