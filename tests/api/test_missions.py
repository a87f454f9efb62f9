"""Plans, missions, revisions: what is stored, what is refused, who wins when two change one thing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World
from tests.samples import a_feature


def too_high() -> dict[str, Any]:
    return a_feature(alt_rel_m=300.0)


async def test_a_plan_starts_and_ends_at_home_and_stores_nothing(world: World) -> None:
    answer = await world.http.post("/plans", json=a_feature())
    assert answer.status_code == 200, answer.text
    plan = answer.json()["plan"]
    path = plan["path"]["coordinates"]
    assert path[0] == path[-1] == [plan["home"]["lon_deg"], plan["home"]["lat_deg"], 0.0]
    assert plan["waypoints_total"] == len(plan["waypoints"]) == len(path) - 2
    assert plan["conflicts"] == []
    assert plan["fence"]["polygons"]
    assert len(plan["hash"]) == len(plan["fence_hash"]) == 64
    assert (await world.http.get("/missions")).json() == {"items": []}


async def test_a_plan_with_conflicts_shows_them_with_their_place(world: World) -> None:
    answer = await world.http.post("/plans", json=too_high())
    assert answer.status_code == 200
    plan = answer.json()["plan"]
    assert "altitude-above-limit" in {conflict["code"] for conflict in plan["conflicts"]}
    assert plan["fence"] is None
    assert set(plan["conflicts"][0]) == {
        "code", "detail", "pointer", "zone_id", "zone_name", "leg", "geometry", "encounter",
    }  # fmt: skip


async def test_a_mission_with_conflicts_is_refused_and_not_stored(world: World) -> None:
    answer = await world.http.post("/missions", json=too_high())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:bailu:problem:mission-conflict")
    assert answer.json()["conflicts"][0]["pointer"] == "/properties/alt_rel_m"
    assert (await world.http.get("/missions")).json() == {"items": []}


async def test_a_mission_is_stored_with_its_plan_and_who_made_it(world: World) -> None:
    made = await world.http.post("/missions", json=a_feature())
    assert made.status_code == 201
    mission = made.json()
    assert made.headers["location"] == f"/api/v1/missions/{mission['mission_id']}"
    again = await world.http.get(f"/missions/{mission['mission_id']}")
    assert again.json() == mission
    assert again.headers["etag"] == made.headers["etag"] == '"1"'
    assert (mission["created_by"], mission["latest"]["created_by"]) == ("local", "local")
    (listed,) = (await world.http.get("/missions")).json()["items"]
    assert listed == {key: mission[key] for key in mission if key != "latest"}


async def test_what_is_read_can_be_sent_again(world: World) -> None:
    mission = (await world.http.post("/missions", json=a_feature())).json()
    again = await world.http.post("/plans", json=mission["latest"]["feature"])
    assert again.json()["plan"] == mission["latest"]["plan"]


async def test_a_feature_may_carry_an_id_and_a_box_and_null_for_what_belongs_to_other_patterns(world: World) -> None:
    feature = a_feature(spacing_m=None, heading_deg=None) | {"id": "x", "bbox": [1, 2, 3, 4]}
    assert (await world.http.post("/plans", json=feature)).status_code == 200


async def test_everything_wrong_with_a_feature_is_told_at_once(world: World) -> None:
    feature = a_feature(spacing_m=40, alt_rel_m="high", _fields_set=1) | {"cls": 1}
    feature["geometry"]["coordinates"][0] = [1]
    answer = await world.http.post("/plans", json=feature)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/cls", "/geometry/coordinates/0",
        "/properties/alt_rel_m", "/properties/spacing_m", "/properties/_fields_set",
    }  # fmt: skip


@pytest.mark.parametrize("body", [[], "x", 3, None, [{"type": "Feature"}]])
async def test_what_is_no_object_is_refused(world: World, body: Any) -> None:
    assert (await world.http.post("/plans", json=body)).status_code == 422


async def test_a_survey_becomes_rows(world: World) -> None:
    feature = a_feature(pattern="survey", spacing_m=30)
    (lon, lat), *_ = feature["geometry"]["coordinates"]
    ring = [[lon, lat], [lon + 0.002, lat], [lon + 0.002, lat + 0.002], [lon, lat + 0.002], [lon, lat]]
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    plan = (await world.http.post("/plans", json=feature)).json()["plan"]
    assert plan["waypoints_total"] > 4


async def test_of_two_changes_to_one_revision_the_second_is_told(world: World) -> None:
    mission_id = await world.mission(a_feature())
    path = f"/missions/{mission_id}/revisions"
    first = await world.http.post(path, json=a_feature(name="新"), headers={"If-Match": '"1"'})
    assert (first.status_code, first.json()["revision"], first.headers["etag"]) == (201, 2, '"2"')
    second = await world.http.post(path, json=a_feature(), headers={"If-Match": '"1"'})
    assert (second.status_code, second.json()["current"], second.json()["given"]) == (412, 2, 1)
    assert (await world.http.get(f"/missions/{mission_id}")).json()["name"] == "新"
    assert (await world.http.get(f"{path}/1")).json()["feature"]["properties"]["name"] == a_feature()["properties"][
        "name"
    ]


@pytest.mark.parametrize(
    ("if_match", "status"),
    [(None, 428), ("one", 422), ('"-1"', 422), ("*", 422), ('"7"', 412), ("1", 201), ('W/"1"', 201)],
)
async def test_a_change_names_the_revision_that_it_is_based_on(
    world: World, if_match: str | None, status: int
) -> None:
    mission_id = await world.mission(a_feature())
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await world.http.post(f"/missions/{mission_id}/revisions", json=a_feature(), headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_mission_that_is_not_there_is_not_found_whatever_is_sent(world: World) -> None:
    assert (await world.http.get("/missions/nope")).status_code == 404
    assert (await world.http.get("/missions/nope/revisions/1")).status_code == 404
    assert (await world.http.post("/missions/nope/revisions", json=a_feature())).status_code == 404
