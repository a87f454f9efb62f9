"""Fleet plans over HTTP: previews only, ready to be posted, away from the loop."""

from __future__ import annotations

import subprocess
import sys

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
