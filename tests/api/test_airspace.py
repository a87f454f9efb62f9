"""Airspace versions over HTTP: publishing, changing single zones, what is in force when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api import airspace as publishing
from api.schemas.places import AirspaceIn, AirspaceOut, ChangesOut
from geofence.kinds import zone_kinds
from tests.api.conftest import World

Json = dict[str, Any]


def circle(name: str, **properties: Any) -> Json:
    told = {"name": name, "role": "exclusion", "radius_m": 400, "band": {"datum": "amsl", "ceiling_m": 90}}
    place = {"type": "Point", "coordinates": [121.1, 31.1]}
    return {"type": "Feature", "id": name, "geometry": place, "properties": told | properties}


def collection(*features: Json) -> Json:
    return {"type": "FeatureCollection", "features": list(features)}


async def present(world: World, **query: str) -> Json:
    answer = await world.http.get("/airspace", params=query)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    assert answer.headers["etag"] == f'"{body["version"]}"'
    AirspaceOut.model_validate_json(answer.content)
    return body


async def publish(world: World, *extra: Json, **members: Any) -> httpx.Response:
    """The zones in force and `extra` as a whole new version."""
    zones = (await present(world))["zones"]["features"]
    return await world.http.post(
        "/airspace/versions", json={"note": "n", "zones": collection(*zones, *extra)} | members
    )


async def change(world: World, base: int, **members: Any) -> httpx.Response:
    return await world.http.post("/airspace/changes", json={"note": "n"} | members, headers={"If-Match": f'"{base}"'})


def ids(airspace: Json) -> set[str]:
    return {feature["id"] for feature in airspace["zones"]["features"]}


async def test_a_published_airspace_is_the_one_in_force_and_the_old_one_stays(world: World) -> None:
    before = await present(world)
    made = await publish(world, circle("event"), note="活动")
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["version"], body["published_by"], body["published_at"]) == (2, "local", "2026-01-01T00:00:00Z")
    assert (body["zones_count"], body["ahead"], body["warnings"], body["note"]) == (9, [], [], "活动")
    after = await present(world)
    assert after == (await world.http.get(made.headers["location"][7:])).json()
    assert (after["version"], ids(after) - ids(before)) == (2, {"event"})
    assert before == (await world.http.get("/airspace/versions/1")).json()
    versions = (await world.http.get("/airspace/versions")).json()
    assert [(each["version"], each["zones_count"]) for each in versions["items"]] == [(2, 9), (1, 8)]
    assert (versions["in_force"], versions["ahead"]) == (2, [])


async def test_a_version_published_ahead_waits_for_its_time(world: World) -> None:
    tomorrow = world.clock.now() + timedelta(days=1)
    assert (await publish(world, circle("later"), effective_at=tomorrow.isoformat())).status_code == 201
    assert (await present(world))["version"] == 1
    assert (await present(world, at=tomorrow.isoformat()))["version"] == 2
    assert (await present(world, at=(tomorrow - timedelta(seconds=1)).isoformat()))["version"] == 1
    versions = (await world.http.get("/airspace/versions")).json()
    assert (versions["in_force"], versions["ahead"]) == (1, [2])
    world.clock.advance(86_400)
    assert (await present(world))["version"] == 2
    assert "later" in {zone["id"] for zone in (await world.http.get("/zones")).json()["features"]}


async def test_a_change_reaches_the_versions_ahead_too(world: World) -> None:
    tomorrow = (world.clock.now() + timedelta(days=1)).isoformat()
    assert (await publish(world, circle("later"), effective_at=tomorrow)).status_code == 201
    made = await change(world, 1, add=collection(circle("now")), remove=["school-yingpu"])
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["version"], [each["version"] for each in body["ahead"]], body["warnings"]) == (3, [4], [])
    today = await present(world)
    assert (today["version"], today["effective_at"]) == (3, None)
    assert {"now"} == ids(today) & {"now", "later", "school-yingpu"}
    then = await present(world, at=tomorrow)
    assert (then["version"], then["effective_at"]) == (4, "2026-01-02T00:00:00Z")
    assert {"now", "later"} == ids(then) & {"now", "later", "school-yingpu"}


async def test_a_change_that_does_not_fit_a_version_ahead_is_refused_whole(world: World) -> None:
    tomorrow = (world.clock.now() + timedelta(days=1)).isoformat()
    assert (await publish(world, circle("z"), effective_at=tomorrow)).status_code == 201
    refused = await change(world, 1, add=collection(circle("z", radius_m=500)))
    assert refused.status_code == 422
    assert "version 2" in refused.json()["errors"][0]["detail"]
    assert len((await world.http.get("/airspace/versions")).json()["items"]) == 2


async def test_a_change_names_the_version_that_it_is_based_on(world: World) -> None:
    without = await world.http.post("/airspace/changes", json={"note": "n", "remove": ["water-source"]})
    assert (without.status_code, without.json()["type"]) == (428, "urn:bailu:problem:revision-required")
    assert (await change(world, 1, remove=["water-source"])).status_code == 201
    stale = await change(world, 1, remove=["school-yingpu"])
    assert (stale.status_code, stale.json()["current"], stale.json()["given"]) == (412, 2, 1)
    assert "school-yingpu" in ids(await present(world))


async def test_of_many_changes_on_one_base_exactly_one_wins(world: World) -> None:
    asked = [change(world, 1, add=collection(circle(f"z{n}"))) for n in range(publishing.MOST_WAITING)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * (publishing.MOST_WAITING - 1)
    assert len((await world.http.get("/airspace/versions")).json()["items"]) == 2


async def test_more_publications_than_may_wait_are_told_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MOST_WAITING", 2)
    answers = await asyncio.gather(*(publish(world, circle(f"z{n}")) for n in range(6)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(503) >= 1
    assert statuses.count(201) >= 2
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)


@pytest.mark.parametrize(
    ("members", "pointer", "words"),
    [
        ({"zones": collection(circle("z", radius_m=None))}, "/zones/features/0/properties/radius_m", "number"),
        ({"zones": collection(circle("z", kind="volcano"))}, "/zones/features/0/properties/kind", "airport"),
        ({"zones": collection(circle("z"))}, "/zones/features", "inclusion"),
        ({"note": ""}, "/note", "blank"),
        ({"effective_at": "tomorrow"}, "/effective_at", "time"),
        ({"effective_at": "2026-01-01T08:00:00"}, "/effective_at", "offset"),
        ({"ceiling_agl_m": 5_000}, "/ceiling_agl_m", "1000"),
        ({"combination": "xor"}, "/combination", "union"),
        ({"colour": 1}, "/colour", "not known"),
    ],
)
async def test_what_is_wrong_with_a_version_is_pointed_at(
    world: World, members: Json, pointer: str, words: str
) -> None:
    answer = await publish(world, **members)
    assert answer.status_code == 422, answer.text
    found = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert words in found[pointer]
    assert len((await world.http.get("/airspace/versions")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({}, ""),
        ({"remove": []}, ""),
        ({"remove": [7]}, "/remove/0"),
        ({"remove": ["nope"]}, "/remove/0"),
        ({"remove": ["qingpu"]}, ""),
        ({"add": collection(circle("water-source"))}, "/add/features/0/id"),
        ({"add": collection({"type": "Feature"})}, "/add/features/0/id"),
    ],
)
async def test_what_is_wrong_with_a_change_is_pointed_at(world: World, members: Json, pointer: str) -> None:
    answer = await change(world, 1, **members)
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b'{"note": "\xff"}', b"null"])
async def test_a_body_that_is_not_json_is_refused_with_a_problem(world: World, body: bytes) -> None:
    answer = await world.http.post("/airspace/versions", content=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:bailu:problem:invalid-request")


async def test_an_airspace_may_be_larger_than_other_bodies_but_not_of_any_size(world: World) -> None:
    blank = b" " * (2 << 20)
    assert (await world.http.post("/airspace/versions", content=b"{" + blank + b"}")).status_code == 422
    assert (await world.http.post("/missions", content=b"{" + blank + b"}")).status_code == 413

    async def endless() -> Any:
        for _ in range(17):
            yield b" " * (1 << 20)

    for content in (b" " * (17 << 20), endless()):
        answer = await world.http.post("/airspace/changes", content=content, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 16 << 20)


async def test_a_publisher_is_told_of_notice_too_short_and_of_versions_that_are_lost(world: World) -> None:
    soon = (world.clock.now() + timedelta(hours=3)).isoformat()
    made = await publish(world, circle("fair", kind="temporary-event"), effective_at=soon)
    (warning,) = made.json()["warnings"]
    assert (warning["code"], warning["zone_id"]) == ("short-notice", "fair")
    assert "3 h" in warning["detail"]
    assert "24 h" in warning["detail"]
    again = await publish(world)
    assert [each["code"] for each in again.json()["warnings"]] == ["version-superseded"]


async def test_what_a_version_changed_is_told(world: World) -> None:
    assert (await change(world, 1, add=collection(circle("a")), remove=["water-source"])).status_code == 201
    replaced = circle("a", radius_m=100)
    assert (await change(world, 2, add=collection(replaced), remove=["a"])).status_code == 201
    told = await world.http.get("/airspace/versions/3/changes")
    ChangesOut.model_validate_json(told.content)
    (changed,) = told.json()["changed"]
    assert [changed[when]["properties"]["radius_m"] for when in ("before", "after")] == [400, 100]
    whole = (await world.http.get("/airspace/versions/3/changes", params={"since": 1})).json()
    assert [zone["id"] for zone in whole["added"]] == ["a"]
    assert [zone["id"] for zone in whole["removed"]] == ["water-source"]
    assert (whole["changed"], whole["rules"]) == ([], [])
    assert (await world.http.get("/airspace/versions/1/changes")).status_code == 404


async def test_the_kinds_are_told_with_their_articles(world: World) -> None:
    body = (await world.http.get("/zone-kinds")).json()
    assert [kind["id"] for kind in body["items"]] == list(zone_kinds())
    assert body["sources"][0]["effective_on"] == "2024-01-01"


async def test_what_is_in_force_reads_back_as_a_version(world: World) -> None:
    zones = (await present(world))["zones"]
    body = {"note": "again", "zones": zones}
    AirspaceIn.model_validate(body)
    assert (await world.http.post("/airspace/versions", json=body)).status_code == 201
    assert (await present(world))["zones"] == zones


async def test_a_time_without_an_offset_is_no_time(world: World) -> None:
    answer = await world.http.get("/airspace", params={"at": "2026-01-01T08:00:00"})
    assert (answer.status_code, answer.json()["errors"][0]["detail"][:10]) == (422, "at (query)")
