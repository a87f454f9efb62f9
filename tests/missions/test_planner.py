from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.onboard import ARDUCOPTER_LIMITS, FenceLimits, fence_bytes
from geofence.qingpu import default_airspace
from missions.fleet import default_airframe, default_docks
from missions.items import items_hash
from missions.model import MissionRequest, Pattern, Plan, ReturnMode
from missions.planner import Conditions, plan
from missions.request import parse_request
from missions.wind import Wind

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCKS = {dock.id: dock for dock in default_docks()}
AIRSPACE = default_airspace()
QUAD = default_airframe()
CONDITIONS = Conditions(datetime(2026, 3, 1, tzinfo=UTC))


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


def asked(name: str) -> MissionRequest:
    return parse_request(load(name), tuple(DOCKS.values()))


def planned(request: MissionRequest) -> Plan:
    return plan(request, DOCKS[request.dock_id], AIRSPACE, QUAD, CONDITIONS)


def codes(found: Plan) -> list[str]:
    return [conflict.code for conflict in found.conflicts]


GOOD = ("river-corridor.geojson", "farmland-survey.geojson")


@pytest.mark.parametrize("name", GOOD)
def test_the_examples_plan_without_conflict(name: str) -> None:
    found = planned(asked(name))
    assert codes(found) == []
    assert found.fence is not None
    assert fence_bytes(found.fence) <= ARDUCOPTER_LIMITS.bytes
    assert found.hash == items_hash(found.items, kind="mission")
    assert found.fence_hash == items_hash(found.fence_items, kind="fence")
    assert len(found.items) == len(found.waypoints) + 4
    assert found.battery_needed_pct < 95.0


@pytest.mark.parametrize("name", GOOD)
def test_the_same_request_gives_the_same_plan(name: str) -> None:
    assert planned(asked(name)) == planned(asked(name))


def test_the_survey_example_covers_a_quarter_of_a_square_kilometre_with_an_inner_corner() -> None:
    request = asked("farmland-survey.geojson")
    area = shapely.Polygon(LocalFrame(request.ring[0]).to_xy(request.ring))
    assert 200_000 < area.area < 300_000
    assert area.convex_hull.area > 1.05 * area.area


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("self-crossing", "/geometry/coordinates/0"), ("latitude-first", "/geometry/coordinates/0/0")],
)
def test_a_malformed_example_is_refused_with_a_pointer(name: str, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(f"bad/{name}.geojson")
    assert [error.pointer for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("outside-district", "area-outside-airspace"),
        ("through-the-school", "leg-crosses-exclusion"),
        ("too-high-from-the-roof", "altitude-above-limit"),
    ],
)
def test_a_plan_with_a_conflict_has_no_fence_and_no_hash(name: str, code: str) -> None:
    found = planned(asked(f"bad/{name}.geojson"))
    assert code in codes(found)
    assert (found.fence, found.hash, found.fence_hash, found.items) == (None, "", "", ())
    json.dumps([conflict.geometry for conflict in found.conflicts])


def test_what_the_airframe_cannot_do_is_a_conflict() -> None:
    request = asked("river-corridor.geojson")
    assert codes(planned(replace(request, speed_mps=15.5))) == ["speed-above-limit"]
    small = replace(QUAD, battery_wh=60.0)
    assert codes(plan(request, DOCKS[request.dock_id], AIRSPACE, small, CONDITIONS)) == ["battery-not-enough"]


def test_too_fine_a_survey_is_a_conflict_not_an_error() -> None:
    found = planned(replace(asked("farmland-survey.geojson"), parameters={"spacing_m": 5.0, "heading_deg": 0.0}))
    assert codes(found) == ["battery-not-enough"]


def test_an_airspace_without_inclusion_forbids_everything() -> None:
    nothing = replace(AIRSPACE, zones=())
    request = asked("river-corridor.geojson")
    assert "leg-leaves-inclusion" in codes(plan(request, DOCKS[request.dock_id], nothing, QUAD, CONDITIONS))


def test_every_default_dock_can_be_flown_from() -> None:
    for dock in DOCKS.values():
        line = (
            LatLon(dock.place.lat_deg + 0.001, dock.place.lon_deg),
            LatLon(dock.place.lat_deg - 0.002, dock.place.lon_deg),
        )
        request = MissionRequest("t", dock.id, Pattern.ROUTE, 60.0, 8.0, line=line)
        assert codes(planned(request)) == [], dock.id


places = st.builds(LatLon, st.floats(31.10, 31.18), st.floats(121.07, 121.17))


@settings(max_examples=60, deadline=None)
@given(st.lists(places, min_size=2, max_size=8, unique=True), st.sampled_from(list(DOCKS)), st.floats(5, 115))
def test_any_route_has_conflicts_or_a_fence_and_hashes(line: list[LatLon], dock_id: Any, alt_m: float) -> None:
    found = planned(MissionRequest("t", dock_id, Pattern.ROUTE, alt_m, 10.0, line=tuple(line)))
    assert bool(found.conflicts) != bool(found.fence)
    assert bool(found.fence) == bool(found.hash) == bool(found.fence_hash)
    assert found.waypoints[0].alt_rel_m == pytest.approx(alt_m, abs=0.0051)


def test_where_no_fence_fits_the_longest_beginning_that_has_one_is_proposed() -> None:
    request = asked("river-corridor.geojson")
    tight = replace(CONDITIONS, limits=FenceLimits(items=4, bytes=560))
    zigzag = tuple(replace(at, lat_deg=at.lat_deg + 0.0012 * (index % 2)) for index, at in enumerate(request.line))
    request = replace(request, line=zigzag, returns=ReturnMode.RETRACE)
    found = plan(request, DOCKS[request.dock_id], AIRSPACE, QUAD, tight)
    assert codes(found) == ["fence-not-feasible"]
    (proposal,) = found.proposals
    kept = len(proposal.change["geometry"]["coordinates"])
    assert 2 <= kept < len(zigzag)
    shorter = replace(request, line=zigzag[:kept])
    assert codes(plan(shorter, DOCKS[request.dock_id], AIRSPACE, QUAD, tight)) == []


def test_a_forecast_wind_costs_time_and_energy_and_too_much_is_a_conflict() -> None:
    request = asked("river-corridor.geojson")
    calm, windy = (planned(replace(request, wind=wind)) for wind in (None, Wind(6.0, 270.0, 1.0)))
    assert codes(windy) == []
    assert windy.energy_wh > calm.energy_wh
    assert windy.battery_p95_pct - windy.battery_needed_pct > calm.battery_p95_pct - calm.battery_needed_pct
    assert codes(planned(replace(request, wind=Wind(25.0, 0.0)))) == ["too-much-wind"]
