"""The rules of the proof, one by one, on plans made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.zones import PolygonShape
from missions.model import MissionItem
from missions.prove import conflicts_of
from missions.prove.fence import read_fence
from missions.prove.findings import MOST_NAMED
from missions.prove.flight import NotFlyable
from tests.missions.prove.builder import (
    Case,
    a_plan,
    airspace,
    band,
    block,
    circle_zone,
    places,
    polygon_zone,
)

SQUARE = [(100.0, 500.0, 60.0), (400.0, 500.0, 60.0), (400.0, 700.0, 60.0), (100.0, 700.0, 60.0)]


def test_a_plan_that_breaks_nothing_is_valid() -> None:
    proof = Case(a_plan(SQUARE), airspace(polygon_zone("far", block(1500.0, 0.0, 50.0)))).proof()
    assert proof.valid, [check for check in proof.checks if not check.ok]


def test_a_plan_without_items_is_not_valid() -> None:
    plan = replace(a_plan(SQUARE), items=(), hash="")
    assert "items" in Case(plan, airspace()).failed()


def test_a_path_never_comes_closer_than_the_margin() -> None:
    leg_y, half, margin = 500.0, 30.0, 12.0
    for gap, broken in ((margin + 0.05, False), (margin - 0.05, True)):
        zone = polygon_zone("zone", block(250.0, leg_y - half - gap, half), margin_m=margin)
        case = Case(a_plan([(100.0, leg_y, 60.0), (400.0, leg_y, 60.0)]), airspace(zone))
        assert ("leg-exclusion" in case.failed()) is broken


def test_a_return_flies_at_the_autopilots_speed_however_slow_the_mission() -> None:
    """RTL_SPEED 0 is WPNAV_SPEED, 10 m/s: 10 m of budget, where 4 m/s ask for 8.8 m."""
    path = [(-300.0, 600.0, 60.0), (300.0, 600.0, 60.0)]
    zone = circle_zone("zone", 0.0, 600.0 + 20.0 + 9.4, 20.0, margin_m=2.0)
    failed = Case(a_plan(path, speed_mps=4.0, fence_width_m=7.0), airspace(zone)).failed()
    assert "return-exclusion" in failed
    assert "leg-exclusion" not in failed


def test_a_zone_under_the_return_altitude_is_flown_over() -> None:
    """From a low leg RTL climbs first; the zone between the leg and home is then below it."""
    path = [(-300.0, 600.0, 30.0), (300.0, 600.0, 30.0)]
    zone = circle_zone("zone", 0.0, 300.0, 30.0, band=band(None, 40.0))
    low, high = (Case(a_plan(path, return_alt_rel_m=alt), airspace(zone)).failed() for alt in (30.0, 60.0))
    assert "return-exclusion" in low
    assert "return-exclusion" not in high


def test_a_sloping_leg_passes_over_what_is_below_its_height_there() -> None:
    """From 40 m to 90 m over 500 m: at three quarters of the way it is at 77 m."""
    path = [(0.0, 500.0, 40.0), (500.0, 500.0, 90.0)]
    clear, met = (
        Case(a_plan(path), airspace(circle_zone("zone", 375.0, 500.0, 10.0, band=band(None, top)))).failed()
        for top in (68.0, 74.0)
    )
    assert "leg-exclusion" not in clear
    assert "leg-exclusion" in met


def test_a_hole_of_an_exclusion_is_free() -> None:
    outer, hole = block(250.0, 500.0, 400.0), block(250.0, 500.0, 300.0)
    shape = PolygonShape(places(outer), (places(hole),))
    ring = replace(polygon_zone("ring", outer), shape=shape)
    case = Case(a_plan([(100.0, 500.0, 60.0), (400.0, 500.0, 60.0)]), airspace(ring))
    assert "leg-exclusion" in case.failed()  # the first leg crosses it on the way there
    inside = replace(case.airspace, zones=(case.airspace.zones[0], replace(ring, band=band(None, 40.0))))
    assert "leg-exclusion" not in Case(case.plan, inside).failed()


def test_a_proof_names_the_zone_the_leg_and_the_place() -> None:
    zone = polygon_zone("school", block(250.0, 500.0, 30.0), margin_m=20.0)
    proof = Case(a_plan([(100.0, 500.0, 60.0), (400.0, 500.0, 60.0)]), airspace(zone)).proof()
    check = next(check for check in proof.checks if check.rule == "leg-exclusion")
    assert (check.ok, check.zone_id, check.leg, check.gap_m, check.needed_m) == (False, "school", (1, 2), 0.0, 20.0)
    assert check.geometry is not None
    assert shapely.from_geojson(json.dumps(check.geometry)).distance(shapely.Point(121.1226, 31.1545)) < 0.001
    assert "school" in check.detail


def test_conflicts_tell_what_a_proof_found() -> None:
    zone = polygon_zone("school", block(250.0, 500.0, 30.0), margin_m=20.0)
    case = Case(a_plan([(100.0, 500.0, 60.0), (400.0, 500.0, 60.0)]), airspace(zone))
    conflicts = conflicts_of(case.proof(), case.airspace.zones)
    assert {"leg-crosses-exclusion", "return-crosses-exclusion", "fence-not-feasible"} <= {
        one.code for one in conflicts
    }
    first = next(one for one in conflicts if one.code == "leg-crosses-exclusion")
    assert (first.pointer, first.zone_name, first.leg) == ("/geometry", "school", (1, 2))
    assert first.detail == "The leg 1 → 2 runs through school; it must stay 20 m away."


def test_a_valid_proof_has_no_conflicts() -> None:
    assert conflicts_of(Case(a_plan(SQUARE), airspace()).proof()) == ()


def test_a_crowd_of_zones_is_named_up_to_a_bound() -> None:
    """A proof among thousands of zones stays readable: the worst are named, the rest counted."""
    crowd = [polygon_zone(f"zone-{at}", block(100.0 + 5.0 * at, 500.0, 2.0)) for at in range(60)]
    checks = Case(a_plan(SQUARE), airspace(*crowd)).proof().checks
    named = [check for check in checks if check.rule == "leg-exclusion"]
    assert len(named) == MOST_NAMED
    assert "40 more zones" in named[-1].detail


@pytest.mark.parametrize("count", [0.0, -1.0, 2.0, 3.5, 256.0, float("nan"), float("inf")])
def test_a_fence_that_counts_its_vertices_wrongly_is_no_fence(count: float) -> None:
    plan = a_plan(SQUARE)
    items = (replace(plan.fence_items[0], params=(count, *plan.fence_items[0].params[1:])), *plan.fence_items[1:])
    with pytest.raises(NotFlyable, match="not complete"):
        read_fence(items)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_items_make_the_proof_stumble(data: st.DataObject) -> None:
    """Whatever comes over the wire gets a verdict; a changed item never goes unseen."""
    plan = a_plan(SQUARE, rally=[(250.0, 300.0, 30.0)])
    field = data.draw(st.sampled_from(("items", "fence_items", "rally_items")))
    items = list(getattr(plan, field))
    at = data.draw(st.integers(0, len(items) - 1))
    number = st.one_of(st.floats(), st.sampled_from((0.0, 1.0, -1.0, 3.0)))
    items[at] = MissionItem(
        data.draw(st.sampled_from((at, 0, 5))),
        data.draw(st.sampled_from((0, 3, 10))),
        data.draw(st.sampled_from((16, 20, 21, 22, 93, 178, 206, 2000, 5001, 5002, 5003, 5100, 0, 65535))),
        tuple(data.draw(number) for _ in range(4)),  # type: ignore[arg-type]
        data.draw(st.integers(-(2**31), 2**31 - 1)),
        data.draw(st.integers(-(2**31), 2**31 - 1)),
        data.draw(number),
    )
    changed = replace(plan, **{field: tuple(items)})  # type: ignore[arg-type]
    assert not Case(changed, airspace()).proof().valid
