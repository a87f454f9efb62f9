"""Fleet plans over HTTP: previews only, ready to be posted, away from the loop."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from missions.model import SortieState
from tests.api.conftest import World
from tests.missions.fleets.test_preview import a_body
from tests.samples import a_sortie

pytestmark = pytest.mark.thorough


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


def a_watch(first: int, count: int, dock: str = "dock-xiayang") -> dict[str, Any]:
    points = a_body(9)["points"] | {"coordinates": a_body(9)["points"]["coordinates"][first : first + count]}
    told = {"name": "w", "pattern": "watch", "alt_rel_m": 60, "speed_mps": 8, "tour": "as-drawn", "dock_id": dock}
    return {"type": "Feature", "geometry": points, "properties": told}


async def a_running_plan(world: World, *, reached: int) -> list[dict[str, Any]]:
    """bl-02 flies the first three points and is past `reached` waypoints; bl-01 is to fly three others."""
    flown, waiting = await world.mission(a_watch(0, 3)), await world.mission(a_watch(3, 3))
    told: dict[str, Any] = {"mission_id": flown, "waypoints_reached": reached, "state": SortieState.ON_MISSION}
    sortie = a_sortie("sortie-2", vehicle="bl-02", **told)
    await world.store.add_sortie(sortie, idempotency_key="k", request_digest="d")
    return [{"sortie_id": "sortie-2"}, {"mission_id": waiting, "vehicle_id": "bl-01"}]


async def test_what_a_dropped_vehicle_has_left_goes_to_the_others_in_their_order(world: World) -> None:
    world.tick()
    flights = await a_running_plan(world, reached=1)
    answer = await world.http.post("/fleet-plans/reassign", json={"dropped": "bl-02", "flights": flights})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    everything = a_body(9)["points"]["coordinates"]
    (tour,) = made["tours"]
    assert (tour["vehicle_id"], made["lost"], made["unchanged"]) == ("bl-01", [], [])
    assert sorted(tour["taken"]) == sorted(everything[1:3])
    assert [point for point in tour["points"] if point not in tour["taken"]] == everything[3:6]
    planned = (await world.http.post("/plans", json=tour["feature"])).json()["plan"]
    assert (planned["conflicts"], tour["conflicts"]) == ([], [])
    assert planned["waypoints_total"] >= 5


async def test_nothing_changes_when_the_dropped_vehicle_had_seen_everything(world: World) -> None:
    world.tick()
    flights = await a_running_plan(world, reached=99)
    made = (await world.http.post("/fleet-plans/reassign", json={"dropped": "bl-02", "flights": flights})).json()
    assert (made["tours"], made["unchanged"], made["added_m"]) == ([], ["bl-01"], 0.0)


async def test_points_that_no_battery_reaches_are_named_as_lost(world: World) -> None:
    world.tick(battery_pct=26.0)
    flights = await a_running_plan(world, reached=0)
    made = (await world.http.post("/fleet-plans/reassign", json={"dropped": "bl-02", "flights": flights})).json()
    assert made["tours"] == []
    assert [each["position"] for each in made["lost"]] == a_body(9)["points"]["coordinates"][:3]
    assert all("enough left" in each["reason"] for each in made["lost"])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"dropped": "bl-02", "flights": []}, 422, "/flights"),
        ({"dropped": "bl-02"}, 422, "/flights"),
        ({"dropped": "bl-02", "flights": [{"mission_id": "m"}]}, 422, "/flights/0"),
        ({"dropped": "bl-02", "flights": [{"sortie_id": "nowhere"}]}, 404, "nowhere"),
        ({"dropped": "bl-03", "flights": [{"sortie_id": "sortie-2"}]}, 422, "/dropped"),
        ({"dropped": "bl-02", "flights": [{"sortie_id": "sortie-2"}]}, 422, "/spares"),
        ({"dropped": "bl-02", "flights": [{"sortie_id": "sortie-2"}], "spares": ["bl-99"]}, 404, "bl-99"),
    ],
)
async def test_what_cannot_be_reassigned_says_why(body: dict[str, Any], status: int, said: str, world: World) -> None:
    await a_running_plan(world, reached=0)
    answer = await world.http.post("/fleet-plans/reassign", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.text
