"""Plans of every pattern in awkward airspaces, flown by brute force; planner and proof must agree on each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import ZoneId
from core.members import Problems
from geofence.frame import LocalFrame
from geofence.zones import Airspace, CircleShape, Role, Zone
from missions import options
from missions.model import Pattern, Plan, ReturnMode
from missions.patterns.catalog import CATALOG, read_parameters
from tests.missions.adversary import World, offences, world
from tests.missions.prove.builder import Case, a_plan, airspace, district

pytestmark = pytest.mark.thorough

SEEDS = range(2_000, 2_016)


def plans(seeds: range) -> list[tuple[World, Plan]]:
    found = []
    for seed in seeds:
        place = world(seed)
        try:
            found.append((place, place.planned()))
        except InvalidRequest:  # what the pattern cannot do with its parameters
            continue
    return found


@pytest.fixture(scope="module")
def made() -> list[tuple[World, Plan]]:
    return plans(SEEDS)


def test_nothing_that_a_plan_without_conflict_may_fly_comes_too_near_to_anything(
    made: list[tuple[World, Plan]],
) -> None:
    flown = [(place, plan) for place, plan in made if not plan.conflicts]
    assert len(flown) >= len(SEEDS) / 3
    assert {plan.returns for _, plan in flown} == set(ReturnMode)
    assert any(plan.rally for _, plan in flown)
    assert {place.request.name: offences(plan, place) for place, plan in flown if offences(plan, place)} == {}


def test_what_the_planner_finds_clear_the_proof_finds_clear(made: list[tuple[World, Plan]]) -> None:
    # A plan has a proof only when nothing spoke against it before.
    against = [check for _, plan in made if plan.proof for check in plan.proof.checks if not check.ok]
    assert against == []


def test_without_the_planners_own_check_the_proof_alone_lets_nothing_bad_fly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "offences", lambda *_: ())
    blind = plans(range(2_100, 2_106))
    assert any(plan.conflicts for _, plan in blind)
    assert [offences(plan, place) for place, plan in blind if not plan.conflicts and offences(plan, place)] == []


def test_the_brute_force_sees_zones_that_a_plan_was_not_told_of() -> None:
    seen = 0
    for seed in range(2_000, 2_005):
        place = world(seed)
        told = tuple(zone for zone in place.airspace.zones if zone.id in ("inside", "ring"))
        try:
            plan = replace(place, airspace=replace(place.airspace, zones=told)).planned()
        except InvalidRequest:
            continue
        seen += not plan.conflicts and bool(offences(plan, place))
    assert seen >= 1


EDGES = {
    "date line": (10.0, 179.9995),
    "beyond it": (10.0, -179.9995),
    "pole": (89.0, 15.6),
    "south pole": (-86.0, 0.0),
}


@pytest.mark.parametrize("name", list(EDGES))
def test_where_degrees_are_no_neighbours_a_plan_is_refused(name: str) -> None:
    place = world(2_000)
    home = LatLon(*EDGES[name])
    moved = replace(place, home=home, dock=replace(place.dock, place=home))
    with pytest.raises(InvalidRequest, match="degrees of latitude"):
        moved.planned()


def test_far_from_the_dock_a_plan_is_refused() -> None:
    place = world(2_000)
    there = LatLon(place.home.lat_deg + 1.0, place.home.lon_deg)
    with pytest.raises(InvalidRequest, match="111 km from the dock"):
        replace(place, request=replace(place.request, rally=(there,))).planned()


def test_the_proof_alone_refuses_a_flight_over_the_date_line() -> None:
    home = LatLon(10.0, 179.9995)
    plan = a_plan([(0.0, 300.0, 40.0)], home=home)
    zones = replace(airspace(), zones=(replace(district(), shape=CircleShape(home, 3_000.0)),))
    assert "reach" in Case(plan, zones).failed()


def test_an_area_of_more_rows_than_a_plan_holds_is_refused_before_they_are_ordered() -> None:
    place = world(2_000)
    corners = LocalFrame(place.home).to_places(
        np.array([(-400.0, -400.0), (400.0, -400.0), (400.0, 400.0), (-400.0, 400.0)])
    )
    spec = CATALOG[Pattern.SURVEY]
    parameters = read_parameters(spec, {"spacing_m": 5.0}, "", Problems()) | {"spacing_m": 1.0}
    request = replace(
        place.request, pattern=Pattern.SURVEY, line=(), points=(), ring=corners, parameters=parameters, alt_m=40.0
    )
    wide = Zone(ZoneId("inside"), "inside", Role.INCLUSION, CircleShape(place.home, 3_000.0))
    with pytest.raises(InvalidRequest, match="a plan has at most 600"):
        replace(place, airspace=Airspace(1, (wide,)), request=request).planned()
