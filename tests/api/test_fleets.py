"""Fleet plans over HTTP: previews only, ready to be posted, away from the loop."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import World
from tests.missions.fleets.test_preview import a_body


async def test_a_fleet_plan_gives_missions_that_plan_without_conflicts(world: World) -> None:
    answer = await world.http.post("/fleet-plans", json=a_body(6, seconds=0.5))
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert sorted(point for tour in made["tours"] for point in tour["points"]) == list(range(6))
    assert (made["unvisited"], made["exact"]) == ([], True)
    for tour in made["tours"]:
        planned = await world.http.post("/plans", json=tour["feature"])
        assert planned.status_code == 200, planned.text
        assert planned.json()["plan"]["conflicts"] == []
        assert len(tour["points"]) <= planned.json()["plan"]["waypoints_total"]
    assert (await world.http.get("/missions")).json() == {"items": []}


async def test_what_is_wrong_is_pointed_at(world: World) -> None:
    answer = await world.http.post("/fleet-plans", json=a_body(vehicle_ids=["nobody"], speed_mps=-1))
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/vehicle_ids/0", "/speed_mps"}


def test_the_solver_is_imported_where_fleets_are_planned_and_not_before() -> None:
    code = "import sys, missions.fleets.preview; sys.exit('pyvrp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


AREA = {
    "type": "Polygon",
    "coordinates": [
        [[121.118, 31.14], [121.123, 31.14], [121.123, 31.144], [121.118, 31.144], [121.118, 31.14]],
        [[121.120, 31.142], [121.121, 31.142], [121.121, 31.143], [121.120, 31.143], [121.120, 31.142]],
    ],
}


def an_area(**changes: Any) -> dict[str, Any]:
    body = {"name": "普查", "task": "area", "area": AREA, "alt_rel_m": 80, "speed_mps": 10, "spacing_m": 40}
    return body | {"vehicle_ids": ["bl-01"], "seconds": 0.5} | changes


async def test_an_area_becomes_routes_that_plan_without_conflicts(world: World) -> None:
    answer = await world.http.post("/fleet-plans", json=an_area(trigger_m=20, longest_s=600))
    assert answer.status_code == 200, answer.text
    made = answer.json()
    first, second = made["tours"]
    assert second["begins_s"] == pytest.approx(first["flight_s"] + 300.0)
    assert (made["uncovered"], made["grounded"], made["unvisited"]) == ([], [], [])
    for tour in made["tours"]:
        planned = (await world.http.post("/plans", json=tour["feature"])).json()["plan"]
        assert (planned["conflicts"], tour["conflicts"]) == ([], [])
        assert planned["duration_s"] == tour["forecast"]["duration_s"]
        assert tour["forecast"]["proven"]
    (vehicle,) = made["vehicles"]
    assert (vehicle["flights"], vehicle["ends_s"]) == (2, made["period_s"])
    assert vehicle["energy_wh"] == pytest.approx(sum(tour["forecast"]["energy_wh"] for tour in made["tours"]))


async def test_points_are_watched_again_and_again_with_departures_and_what_was_wanted(world: World) -> None:
    body = a_body(5, seconds=0.5, task="recurrent", horizon_s=3600, periods_s=[400, 900, 900, 900, 60])
    departs_at = world.clock.now() + timedelta(hours=1)
    answer = await world.http.post("/fleet-plans", json=body | {"departs_at": departs_at.isoformat()})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert len(made["tours"]) > 2
    assert {point["point"]: point["kept"] for point in made["watched"]}[4] is False
    for tour in made["tours"]:
        told = datetime.fromisoformat(tour["feature"]["properties"]["departs_at"])
        assert told == departs_at + timedelta(seconds=tour["begins_s"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"task": "dance"}, "/task"),
        ({"area": None}, "/area"),
        ({"points": AREA}, "/points"),
        ({"alt_rel_m": None}, "/alt_rel_m"),
        ({"alt_agl_m": 50}, "/alt_agl_m"),
        ({"spacing_m": 1}, "/spacing_m"),
        ({"spacing_m": 40, "camera": "nobody's"}, "/camera"),
        ({"rounds": 0}, "/rounds"),
        ({"departs_at": "tomorrow"}, "/departs_at"),
    ],
)
async def test_what_is_wrong_with_an_area_is_pointed_at(change: dict[str, Any], pointer: str, world: World) -> None:
    body = {name: value for name, value in an_area(**change).items() if value is not None}
    answer = await world.http.post("/fleet-plans", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
