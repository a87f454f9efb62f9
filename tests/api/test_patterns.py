"""What a form is made from: patterns with their parameters, templates with their defaults."""

from __future__ import annotations

from missions.model import Pattern
from tests.api.conftest import World


async def test_every_pattern_is_listed_with_its_parameters(world: World) -> None:
    items = {item["pattern"]: item for item in (await world.http.get("/patterns")).json()["items"]}
    assert items.keys() == set(Pattern)
    width = next(each for each in items["corridor"]["parameters"] if each["name"] == "width_m")
    assert (width["unit"], width["low"], width["high"], width["default"]) == ("m", 1, 2000, 60)
    assert items["watch"]["geometry"] == ["MultiPoint", "Point"]


async def test_every_template_is_listed_with_what_it_takes_for_each_class_of_vehicle(world: World) -> None:
    items = {item["id"]: item for item in (await world.http.get("/templates")).json()["items"]}
    river = items["river-patrol"]
    assert river["defaults"]["quad-3kg"]["banks"] is True
    assert river["defaults"].keys() == {"quad-3kg", "hexa-7kg"}


async def test_a_template_and_a_geometry_are_enough_to_plan(world: World) -> None:
    line = {"type": "LineString", "coordinates": [[121.1245, 31.1395], [121.1255, 31.1405]]}
    feature = {"type": "Feature", "geometry": line, "properties": {"template": "river-patrol"}}
    answer = await world.http.post("/plans", json=feature)
    assert answer.status_code == 200, answer.text
