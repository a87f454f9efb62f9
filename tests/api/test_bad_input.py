"""Each kind of bad mission: a problem document that points at the member, and nothing stored."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.api.conftest import World
from tests.platform import example

SURVEY = "farmland-survey"
CORNERS = [[121.1255, 31.1225], [121.132, 31.1228], [121.1318, 31.1253], [121.1255, 31.125]]


def survey(*corners: list[float], **properties: Any) -> dict[str, Any]:
    """The survey example over `corners` (the plain field when there are none), closed."""
    feature = copy.deepcopy(example(SURVEY, **properties))
    ring = list(corners) or CORNERS
    feature["geometry"]["coordinates"] = [[*ring, ring[0]]]
    return feature


CASES: list[tuple[str, dict[str, Any], int, str]] = [
    ("self-crossing", survey(CORNERS[0], CORNERS[2], CORNERS[1], CORNERS[3]), 422, "/geometry/coordinates/0"),
    ("latitude first", survey(*[[lat, lon] for lon, lat in CORNERS]), 422, "/geometry/coordinates/0/0"),
    ("out of range", survey(CORNERS[0], [181.0, 31.1], CORNERS[2]), 422, "/geometry/coordinates/0/1/0"),
    ("unknown pattern", survey(pattern="zigzag"), 422, "/properties/pattern"),
    ("unknown member", survey(colour="red"), 422, "/properties/colour"),
    ("unknown dock", survey(dock_id="dock-nowhere"), 422, "/properties/dock_id"),
    ("outside the airspace", survey([121.5, 31.2], [121.502, 31.2], [121.502, 31.202]), 409, "/geometry"),
    ("above the limit", survey(alt_rel_m=130), 409, "/properties/alt_rel_m"),
]


@pytest.mark.parametrize(("name", "feature", "status", "pointer"), CASES, ids=[case[0] for case in CASES])
async def test_the_member_that_is_wrong_is_pointed_at_and_nothing_is_stored(
    world: World, name: str, feature: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await world.http.post("/missions", json=feature)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:bailu:problem:{'invalid-request' if status == 422 else 'mission-conflict'}"
    assert pointer in [each["pointer"] for each in problem.get("errors", problem.get("conflicts"))]
    assert (await world.http.get("/missions")).json()["items"] == []


async def test_zones_are_a_resource_of_their_own(world: World) -> None:
    zones = (await world.http.get("/zones")).json()
    first = zones["features"][0]
    assert (await world.http.get(f"/zones/{first['id']}")).json() == first
    missing = await world.http.get("/zones/none")
    assert (missing.status_code, missing.json()["kind"]) == (404, "zone")
