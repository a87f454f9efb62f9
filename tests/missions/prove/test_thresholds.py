"""Where a rule begins to bite: just inside it holds, just outside it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shapely

from core.altitude import Datum
from missions.model import OnboardFence, ReturnMode
from missions.prove import Autopilot, prove
from missions.prove.parts import Parts
from missions.prove.rules import Movement
from missions.prove.subject import Circumstances, lay_out
from tests.missions.prove.builder import (
    QUAD,
    WINDOW,
    Case,
    a_plan,
    airspace,
    band,
    block,
    circle_zone,
    polygon_zone,
    refenced,
)
from tests.missions.prove.mutations.cases import terrain_of

PATH = [(-200.0, 300.0, 60.0), (200.0, 300.0, 60.0)]


@pytest.mark.parametrize(("top_m", "broken"), [(54.98, False), (55.02, True)])
def test_a_zone_below_counts_from_five_metres_under_the_leg(top_m: float, broken: bool) -> None:
    zone = circle_zone("zone", 0.0, 300.0, 20.0, band=band(None, top_m))
    assert ("leg-exclusion" in Case(a_plan(PATH), airspace(zone)).failed()) is broken


@pytest.mark.parametrize(("limit_m", "broken"), [(65.02, False), (64.98, True)])
def test_the_limit_is_kept_by_five_metres(limit_m: float, broken: bool) -> None:
    assert ("ceiling" in Case(a_plan(PATH), airspace(ceiling_agl_m=limit_m)).failed()) is broken


@pytest.mark.parametrize(("ceiling_m", "broken"), [(64.9, True), (65.0, False), (120.0, False), (120.1, True)])
def test_the_fence_ceiling_lies_between_the_flight_and_the_limit(ceiling_m: float, broken: bool) -> None:
    plan = a_plan(PATH)
    assert plan.fence is not None
    case = Case(replace(plan, fence=OnboardFence(plan.fence.polygons, ceiling_m)), airspace())
    assert ("fence-ceiling" in case.failed()) is broken


@pytest.mark.parametrize(("slack_m", "broken"), [(5.03, False), (4.97, True)])
def test_the_fence_leaves_five_metres(slack_m: float, broken: bool) -> None:
    top = 300.0 + slack_m
    ring = [(-400.0, -100.0), (400.0, -100.0), (400.0, top), (-400.0, top)]
    assert ("fence-holds-flight" in Case(refenced(a_plan(PATH), ring), airspace()).failed()) is broken


@pytest.mark.parametrize(("east_west", "broken"), [(True, True), (False, False)])
def test_the_lesser_of_both_metrics_counts(east_west: bool, broken: bool) -> None:
    """3 cm over a margin of 100 m: ArduPilot reads 9 cm less from east to west, and more from north to south."""
    gap, half = 100.03, 20.0
    path = (
        [(300.0, -200.0, 60.0), (300.0, 200.0, 60.0)] if east_west else [(-200.0, 300.0, 60.0), (200.0, 300.0, 60.0)]
    )
    at = (300.0 + gap + half, 0.0) if east_west else (0.0, 300.0 + gap + half)
    zone = polygon_zone("zone", block(*at, half), margin_m=100.0)
    assert ("leg-exclusion" in Case(a_plan(path), airspace(zone)).failed()) is broken


def test_a_zone_told_above_ground_reaches_higher_on_a_hill() -> None:
    """Trees of 40 m: below a flight at 60 m over flat ground, not on a hill of 20 m."""
    zone = circle_zone("trees", 0.0, 300.0, 250.0, band=band(None, 40.0, Datum.AGL))
    case = Case(a_plan(PATH), airspace(zone))
    assert "leg-exclusion" not in terrain_of(case, 4.0).failed()
    assert "leg-exclusion" in terrain_of(case, 4.0, 20.0, (0.0, 300.0)).failed()


@pytest.mark.parametrize(("autopilot", "broken"), [(Autopilot(), True), (Autopilot(return_cone=300.0), False)])
def test_within_its_cone_a_return_stays_low(autopilot: Autopilot, broken: bool) -> None:
    """Within 37 m of home RTL need not climb from 30 m to 110 m, so it meets a zone at 39 m there."""
    path = [(60.0, 0.0, 30.0), (60.0, 35.0, 30.0), (-60.0, 35.0, 30.0), (-60.0, 0.0, 30.0)]
    zone = circle_zone("zone", 0.0, 22.0, 1.0, band=band(38.0, 40.0), margin_m=0.0)
    plan = a_plan(path, return_alt_rel_m=110.0)
    proof = prove(plan, airspace(zone), QUAD, window=WINDOW, terrain=None, autopilot=autopilot)
    assert any(check.rule == "return-exclusion" and not check.ok for check in proof.checks) is broken


@pytest.mark.parametrize(("limit_m", "broken"), [(300.0, True), (0.0, False)])
def test_beyond_the_rally_limit_it_may_fly_home(limit_m: float, broken: bool) -> None:
    """RALLY_LIMIT_KM 0.3: from 340 m away the autopilot passes a nearer rally point and flies home, into a zone."""
    path = [(600.0, -400.0, 60.0), (900.0, 0.0, 60.0), (900.0, 100.0, 60.0), (600.0, 500.0, 60.0)]
    zone = polygon_zone("zone", block(400.0, 22.0, 5.0), margin_m=0.0)
    plan = a_plan(path, rally=[(560.0, 48.0, 30.0)])
    autopilot = Autopilot(rally_limit_m=limit_m)
    proof = prove(plan, airspace(zone), QUAD, window=WINDOW, terrain=None, autopilot=autopilot)
    assert any(check.rule == "return-exclusion" and not check.ok for check in proof.checks) is broken


@pytest.mark.parametrize(("count", "broken"), [(99, False), (100, True)])
def test_smart_rtl_remembers_a_hundred_waypoints(count: int, broken: bool) -> None:
    path = [(-300.0, 100.0 + 5.0 * number, 60.0) for number in range(count)]
    case = Case(a_plan(path, returns=ReturnMode.RETRACE), airspace())
    assert ("retrace-buffer" in case.failed()) is broken


def turns(path: list[tuple[float, float, float]]) -> Parts:
    given = Circumstances(QUAD, WINDOW, None, Autopilot())
    return next(parts for parts in lay_out(a_plan(path), given).parts if parts.movement is Movement.TURN)


def test_a_turn_takes_in_the_inside_of_its_corner() -> None:
    """A right angle may be cut as far as the waypoint radius, 2 m, allows."""
    corner = turns([(0.0, 300.0, 60.0), (200.0, 300.0, 60.0), (200.0, 500.0, 60.0)]).true[1]
    assert corner.distance(shapely.Point(200.0 - 1.41, 300.0 + 1.41)) < 0.02
    assert corner.distance(shapely.Point(200.0 - 4.0, 300.0 + 4.0)) > 1.0
    assert corner.area == pytest.approx(8.0, abs=0.1)


def test_a_turn_over_a_short_leg_takes_in_the_waypoint_behind() -> None:
    path = [(0.0, 300.0, 60.0), (200.0, 300.0, 60.0), (200.0, 301.5, 60.0), (0.0, 301.5, 60.0)]
    hook = turns(path).true[1]
    assert hook.distance(shapely.Point(198.0, 301.5)) < 0.02
    assert hook.area > 3.0


def test_straight_on_there_is_nothing_to_cut() -> None:
    assert turns([(0.0, 300.0, 60.0), (200.0, 300.0, 60.0), (400.0, 300.0, 60.0)]).true[1].area < 0.01
