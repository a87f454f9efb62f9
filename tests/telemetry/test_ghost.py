"""Ghosts: two beliefs of a silent vehicle, on its way and on its way home, less certain with every second."""

from __future__ import annotations

from dataclasses import replace

from core.geo import LatLon, ground_distance_m
from core.ids import VehicleId
from missions.model import ReturnMode
from telemetry.ghost import GCS_FAILSAFE_S, Course, ghosts_of
from telemetry.messages import Ghost, VehicleState
from tests.geofence.places import at
from tests.samples import AT, a_plan

HOME = at(0, 0)
# Up to 50 m, 400 m east, 400 m north.
COURSE = Course(((1, HOME, 50.0), (2, at(400, 0), 50.0), (3, at(400, 400), 50.0)), HOME, 8.0, ReturnMode.DIRECT, 60.0)


def lost(place: LatLon, age_s: float, *, mode: str = "AUTO", seq: int = 2) -> VehicleState:
    state = VehicleState(VehicleId("v"), "v", None, 1, "fleet", "quad", mode=mode, mission_seq=seq, armed=True)
    return replace(
        state, lat_deg=place.lat_deg, lon_deg=place.lon_deg, alt_rel_m=50.0, position_age_s=age_s, heard_age_s=age_s
    )


def away_m(ghost: Ghost, place: LatLon) -> float:
    return ground_distance_m(LatLon(ghost.lat_deg, ghost.lon_deg), place)


def test_on_its_mission_it_may_fly_on_or_be_on_its_way_home() -> None:
    onward, homeward = ghosts_of(lost(at(200, 0), 20.0), COURSE, AT)
    assert (onward.belief, homeward.belief) == ("mission", "failsafe")
    assert away_m(onward, at(360, 0)) < 1.0
    # 5 s on, then up 10 m in 4 s, then 11 s home.
    assert away_m(homeward, at(240 - 88, 0)) < 1.0
    assert homeward.alt_rel_m == 60.0
    assert "RTL" in homeward.text


def test_it_flies_round_its_corners() -> None:
    onward, _ = ghosts_of(lost(at(360, 0), 10.0), COURSE, AT)
    assert away_m(onward, at(400, 40)) < 1.0


def test_where_it_retraces_it_comes_back_along_its_path() -> None:
    retracing = replace(COURSE, returns=ReturnMode.RETRACE)
    _, homeward = ghosts_of(lost(at(400, 100), GCS_FAILSAFE_S + 30.0, seq=3), retracing, AT)
    # 40 m on, 140 m back to the corner, 100 m along the first leg.
    assert away_m(homeward, at(300, 0)) < 1.0


def test_at_the_end_of_its_way_home_it_stands_there() -> None:
    _, homeward = ghosts_of(lost(at(200, 0), 600.0), COURSE, AT)
    assert away_m(homeward, HOME) < 1.0
    assert homeward.alt_rel_m == 0.0


def test_the_longer_the_silence_the_less_is_known() -> None:
    radii = [ghosts_of(lost(at(200, 0), age_s), COURSE, AT)[0].radius_m for age_s in (1.0, 5.0, 20.0, 60.0)]
    assert radii == sorted(radii)
    assert radii[0] < 6.0
    assert radii[-1] > 50.0


def test_where_nothing_is_known_it_may_be_anywhere_that_it_can_reach() -> None:
    (ghost,) = ghosts_of(lost(at(200, 0), 10.0, mode="STABILIZE"), COURSE, AT)
    assert (ghost.belief, ghost.radius_m) == ("unknown", 203.0)


def test_one_that_holds_may_hold_still_or_be_on_its_way_home() -> None:
    held, homeward = ghosts_of(lost(at(200, 0), 30.0, mode="BRAKE"), COURSE, AT)
    assert away_m(held, at(200, 0)) < 0.1
    assert away_m(homeward, at(200, 0)) > 100.0
    assert len(ghosts_of(lost(at(200, 0), 30.0, mode="BRAKE"), None, AT)) == 1


def test_a_vehicle_never_seen_has_no_ghost() -> None:
    assert ghosts_of(VehicleState(VehicleId("v"), "v", None, 1, "fleet", "quad"), COURSE, AT) == ()


def test_a_plan_gives_its_course() -> None:
    plan = a_plan()
    course = Course.of(plan)
    assert [place for _, place, _ in course.path if place in {step.place for step in plan.waypoints}]
    assert course.home == plan.home
