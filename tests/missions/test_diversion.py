"""Plans from the air: where they begin, what they do there, what is left of a mission, and what may not be flown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.errors import InvalidRequest
from core.geo import LatLon, ground_distance_m
from core.ids import DockId, ZoneId
from geofence.frame import LocalFrame
from geofence.zones import Airspace, CircleShape, Role, Zone
from missions.diversion import (
    Aloft,
    Broken,
    begins_here,
    changed,
    goto,
    orbit,
    replaced,
    rest_of,
    skip_to,
)
from missions.fleet import default_airframe
from missions.items import DO_SET_CAM_TRIGG_DIST, DO_SET_ROI_LOCATION, NAV_DELAY, NAV_TAKEOFF, NAV_WAYPOINT
from missions.model import ActionKind, Dock, MissionRequest, Parameter, Pattern, Plan, ReturnMode, Waypoint
from missions.planner import Conditions, plan
from missions.remainder import corners_within
from missions.volumes import Part, Rank, intent_of
from tests.geofence.places import circle_zone
from tests.samples import AT

HOME = LatLon(31.15, 121.12)
DOCK = Dock(DockId("dock"), "dock", "dock", HOME, 4.0)
FRAME = LocalFrame(HOME)
INSIDE = Zone(ZoneId("all"), "all", Role.INCLUSION, CircleShape(HOME, 3_000.0), margin_m=10.0)
OPEN = Airspace(1, (INSIDE,))
NOW = Conditions(AT)
AIRFRAME = default_airframe()


def at(x_m: float, y_m: float) -> LatLon:
    return FRAME.to_places(np.array([[x_m, y_m]]))[0]


def among(*zones: Zone) -> Airspace:
    return replace(OPEN, zones=(INSIDE, *zones))


def block(x_m: float, y_m: float, radius_m: float, **changes: object) -> Zone:
    return replace(circle_zone("block", at(x_m, y_m), radius_m), **changes)  # type: ignore[arg-type]


# East, north, back west; a picture every 20 m on the way; watched at the second corner.
ASKED = MissionRequest(
    "patrol", DOCK.id, Pattern.ROUTE, 60.0, 8.0, line=(at(400, 0), at(400, 400), at(0, 400)),
    parameters={"trigger_m": 20.0, "gimbal_deg": -60.0},
)  # fmt: skip
PLAN = plan(ASKED, DOCK, OPEN, AIRFRAME, NOW)
WATCHED: dict[str, Parameter] = {"hold_s": 30.0, "look_deg": 45.0, "photo": True, "rounds": 1, "tour": "as-given"}
WATCH = plan(
    replace(
        ASKED, pattern=Pattern.WATCH, line=(), points=(at(400, 0), at(400, 400)),
        parameters=WATCHED,
    ),
    DOCK, OPEN, AIRFRAME, NOW,
)  # fmt: skip


def aloft(x_m: float = 400.0, y_m: float = 200.0, reached: int = 1, **changes: object) -> Aloft:
    made = Aloft(at(x_m, y_m), 60.0, 80.0, PLAN, reached, DOCK, AIRFRAME)
    return replace(made, **changes)  # type: ignore[arg-type]


def commands(made: Plan) -> list[int]:
    return [item.command for item in made.items]


def xyz(step: Waypoint) -> list[float]:
    return [*FRAME.to_xy([step.place])[0].round(1).tolist(), step.alt_rel_m]


def test_the_missions_to_begin_with_are_clear() -> None:
    assert PLAN.conflicts == WATCH.conflicts == ()
    assert (PLAN.returns, PLAN.homeward) == (ReturnMode.DIRECT, 0)


Diverting = Callable[[Aloft, Airspace], Plan]
ALL: list[Diverting] = [
    lambda held, air: goto(held, at(100, 300), air, NOW),
    lambda held, air: orbit(held, at(200, 300), air, NOW, radius_m=40.0),
    lambda held, air: skip_to(held, 2, air, NOW),
    lambda held, air: changed(held, air, NOW, alt_rel_m=80.0, speed_mps=5.0),
    lambda held, air: replaced(held, replace(ASKED, line=(at(0, 300), at(-200, 300))), air, NOW),
]


@pytest.mark.parametrize("divert", ALL, ids=["goto", "orbit", "skip", "changed", "replaced"])
def test_every_diversion_begins_where_the_vehicle_holds_and_returns_to_its_own_home(divert: Diverting) -> None:
    held = aloft()
    made = divert(held, OPEN)
    assert made.conflicts == ()
    assert made.proof is not None
    assert made.proof.valid
    assert NAV_TAKEOFF not in commands(made)
    assert (made.items[1].command, made.items[1].z_m) == (NAV_WAYPOINT, 60.0)
    assert made.waypoints[0].place == held.beginning.place
    assert (made.home, made.home_amsl_m) == (HOME, 4.0)
    assert made.return_alt_rel_m >= PLAN.return_alt_rel_m
    assert made.fence is not None
    assert made.offsets_s[0] == 0.0
    assert begins_here(made, at(402, 200), 58.0)
    assert not begins_here(made, at(404, 200), 60.0)
    assert not begins_here(made, at(400, 200), 64.0)


@pytest.mark.parametrize("divert", ALL, ids=["goto", "orbit", "skip", "changed", "replaced"])
def test_what_the_battery_does_not_hold_any_more_is_refused(divert: Diverting) -> None:
    made = divert(aloft(), OPEN)
    enough, poor = (aloft(battery_pct=made.battery_p95_pct + more_pct) for more_pct in (0.01, -0.5))
    assert divert(enough, OPEN).conflicts == ()
    refused = divert(poor, OPEN)
    assert {conflict.code for conflict in refused.conflicts} == {"battery-not-enough"}
    assert refused.items == refused.fence_items == ()


def test_what_lies_behind_costs_nothing_any_more() -> None:
    whole, rest = PLAN, skip_to(aloft(398.0, 0.0, 1), 1, OPEN, NOW)
    assert rest.duration_s < whole.duration_s - 40.0
    assert rest.energy_wh < whole.energy_wh
    assert rest.length_m == pytest.approx(whole.length_m - 400.0, abs=3.0)


def test_who_is_sent_to_a_point_looks_from_there_for_as_long_as_it_is_told_and_returns() -> None:
    made = goto(aloft(), at(100, 300), OPEN, NOW, look_at=at(120, 320), hold_s=40.0, alt_rel_m=50.0)
    assert xyz(made.waypoints[-1]) == [100.0, 300.0, 50.0]
    aims = [item for item in made.items if item.command == DO_SET_ROI_LOCATION]
    stays = [item for item in made.items if item.command == NAV_DELAY]
    assert (len(aims), [item.params[0] for item in stays]) == (1, [40.0])
    longer = goto(aloft(), at(100, 300), OPEN, NOW, look_at=at(120, 320), hold_s=100.0, alt_rel_m=50.0)
    assert longer.duration_s == pytest.approx(made.duration_s + 60.0, abs=0.1)


def test_the_way_to_a_point_leads_round_a_zone() -> None:
    made = goto(aloft(), at(100, 200), among(block(250, 200, 50.0)), NOW)
    assert made.conflicts == ()
    assert made.length_m > 310.0 + ground_distance_m(at(100, 200), HOME)


def test_a_point_within_a_zone_is_refused_and_the_nearest_free_one_is_proposed() -> None:
    made = goto(aloft(), at(250, 240), among(block(250, 200, 50.0)), NOW)
    assert {conflict.zone_id for conflict in made.conflicts} == {"block"}
    assert made.items == ()
    assert 1 <= len(made.proposals) <= 3
    (near,) = [each for each in made.proposals if each.kind == "nearby"]
    lon, lat = near.change["target"]
    assert ground_distance_m(LatLon(lat, lon), at(250, 240)) < 30.0
    assert goto(aloft(), LatLon(lat, lon), among(block(250, 200, 50.0)), NOW).conflicts == ()


def test_a_stay_that_the_battery_does_not_last_for_comes_with_the_one_that_it_does() -> None:
    held = aloft(battery_pct=goto(aloft(), at(100, 300), OPEN, NOW, hold_s=100.0).battery_p95_pct)
    made = goto(held, at(100, 300), OPEN, NOW, hold_s=300.0)
    (shorter,) = [each for each in made.proposals if each.kind == "shorter-hold"]
    assert 80.0 <= shorter.change["hold_s"] <= 100.0
    assert goto(held, at(100, 300), OPEN, NOW, **shorter.change).conflicts == ()


def test_a_circle_is_flown_whole_or_not_at_all() -> None:
    assert orbit(aloft(), at(200, 300), among(block(160, 300, 10.0)), NOW, radius_m=70.0).conflicts == ()
    clipped = orbit(aloft(), at(200, 300), among(block(250, 300, 5.0)), NOW, radius_m=60.0)
    assert clipped.items == ()
    assert {conflict.zone_id for conflict in clipped.conflicts} == {"block"}
    radii = [each.change["radius_m"] for each in clipped.proposals if each.kind == "radius"]
    assert radii
    for radius_m in radii:
        assert orbit(aloft(), at(200, 300), among(block(250, 300, 5.0)), NOW, radius_m=radius_m).conflicts == ()


def test_a_circle_begins_at_its_nearest_place_and_closes() -> None:
    made = orbit(aloft(400.0, 300.0), at(200, 300), OPEN, NOW, radius_m=50.0)
    rim = [step for step in made.waypoints[1:] if abs(ground_distance_m(step.place, at(200, 300)) - 50.0) < 0.1]
    assert xyz(rim[0]) == xyz(rim[-1]) == [250.0, 300.0, 60.0]


def test_skipping_leaves_out_what_lies_before_and_films_as_the_mission_would() -> None:
    made = skip_to(aloft(300.0, 0.0, 0), 2, OPEN, NOW)
    assert [xyz(step)[:2] for step in made.waypoints] == [[300.0, 0.0], [0.0, 400.0]]
    later = skip_to(aloft(300.0, 0.0, 0), 1, OPEN, NOW)
    distances = [item.params[0] for item in later.items if item.command == DO_SET_CAM_TRIGG_DIST]
    assert distances[:2] == [0.0, 20.0]  # off from where it is, on from the waypoint


@pytest.mark.parametrize("waypoint", [-1, 3, 99])
def test_there_is_no_skipping_to_a_waypoint_that_is_none(waypoint: int) -> None:
    with pytest.raises(InvalidRequest, match="/waypoint"):
        skip_to(aloft(), waypoint, OPEN, NOW)


def test_a_change_of_height_goes_up_on_the_spot_and_on_from_there_on_the_same_line() -> None:
    made = changed(aloft(), OPEN, NOW, alt_rel_m=75.0, speed_mps=5.0)
    assert [xyz(step) for step in made.waypoints[:3]] == [
        [400.0, 200.0, 60.0],
        [400.0, 200.0, 75.0],
        [400.0, 400.0, 75.0],
    ]
    assert (made.speed_mps, made.return_alt_rel_m) == (5.0, 75.0)
    assert any(action.kind is ActionKind.PHOTO_EVERY and action.value for action in made.waypoints[1].actions)


def test_a_height_that_a_zone_bars_is_refused_and_another_proposed() -> None:
    made = changed(aloft(), replace(OPEN, ceiling_agl_m=78.0), NOW, alt_rel_m=90.0)
    assert {conflict.code for conflict in made.conflicts} == {"altitude-above-limit"}
    assert [each.kind for each in made.proposals] == ["altitude"]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"alt_rel_m": float("nan")}, "/alt_rel_m"),
        ({"alt_rel_m": 1e9}, "/alt_rel_m"),
        ({"hold_s": -1.0}, "/hold_s"),
        ({"speed_mps": 0.0}, "/speed_mps"),
    ],
)
def test_what_cannot_be_asked_for_is_named(asked: dict[str, float], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        goto(aloft(), at(100, 300), OPEN, NOW, **asked)  # type: ignore[arg-type]
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_what_would_fly_back_along_its_path_proves_what_it_flew_before() -> None:
    wall = block(200, 250, 60.0)  # between the goal and home
    held = aloft(400.0, 390.0)
    made = goto(held, at(330, 390), among(wall), NOW)
    assert (made.returns, made.conflicts) == (ReturnMode.RETRACE, ())
    assert made.begins_at is not None
    assert [xyz(step)[:2] for step in made.begins_at.flown] == [[400.0, 0.0]]
    new = goto(held, at(330, 390), among(wall, replace(block(200, 0, 30.0), id=ZoneId("behind"))), NOW)
    assert new.conflicts
    assert new.items == ()


def test_a_mission_goes_on_where_it_was_broken_off_with_a_new_battery() -> None:
    made = rest_of(Broken(PLAN, 1, at(400, 250), 5), DOCK, OPEN, AIRFRAME, NOW)
    assert made.conflicts == ()
    assert made.begins_at is None
    assert commands(made)[1] == NAV_TAKEOFF
    assert [xyz(step)[:2] for step in made.waypoints] == [[400.0, 250.0], [400.0, 400.0], [0.0, 400.0]]
    every = [action.value for action in made.waypoints[0].actions if action.kind is ActionKind.PHOTO_EVERY]
    assert every == [20.0]


def test_another_dock_flies_the_rest_at_the_same_heights_above_the_sea() -> None:
    hill = replace(DOCK, id=DockId("hill"), place=at(800, 400), ground_amsl_m=24.0)
    made = rest_of(Broken(PLAN, 1, at(400, 250)), hill, OPEN, AIRFRAME, NOW)
    assert made.conflicts == ()
    assert made.home == hill.place
    assert {step.alt_rel_m + made.home_amsl_m for step in made.waypoints} == {64.0}


def test_a_stay_that_was_broken_off_is_begun_again() -> None:
    stay = next(item.seq for item in WATCH.items if item.command == NAV_DELAY)
    again = rest_of(Broken(WATCH, 1, at(400, 0), stay), DOCK, OPEN, AIRFRAME, NOW)
    assert len([item for item in again.items if item.command == NAV_DELAY]) == 2
    on = rest_of(Broken(WATCH, 1, at(400, 100), stay + 3), DOCK, OPEN, AIRFRAME, NOW)
    assert len([item for item in on.items if item.command == NAV_DELAY]) == 1


def test_nothing_is_left_of_a_mission_on_its_way_home() -> None:
    with pytest.raises(InvalidRequest, match="nothing is left"):
        rest_of(Broken(PLAN, 3), DOCK, OPEN, AIRFRAME, NOW)


def test_a_diversion_of_a_diversion_remembers_all_that_was_flown() -> None:
    first = goto(aloft(), at(100, 300), OPEN, NOW)
    second = goto(aloft(150.0, 280.0, 1, plan=first), at(0, 200), OPEN, NOW)
    assert second.conflicts == ()
    assert second.begins_at is not None
    assert [xyz(step)[:2] for step in second.begins_at.flown] == [[400.0, 0.0], [400.0, 200.0]]


def test_what_begins_in_the_air_takes_no_room_for_a_take_off_but_the_place_where_it_holds() -> None:
    made = goto(aloft(), at(100, 300), OPEN, NOW)
    intent = intent_of(made, AT, id="s", rank=Rank(True, False, AT))
    assert Part.TAKE_OFF not in {each.part for each in intent.volumes}
    first = intent.volumes[0]
    assert (first.part, first.begins_s, first.earliest_at) == (Part.LEG, 0.0, AT)
    assert ground_distance_m(first.places[0], at(400, 200)) < 0.1


def test_a_recorded_path_keeps_its_corners_and_its_heights() -> None:
    rng = np.random.default_rng(5)
    corners = np.array([[0, 0, 5], [0, 0, 60], [100, 0, 60], [150, 0, 90], [200, 0, 60], [200, 150, 60]], dtype=float)
    path = np.concatenate([a + np.linspace(0, 1, 40)[:, None] * (b - a) for a, b in pairwise(corners)])
    path += rng.uniform(-0.3, 0.3, path.shape)
    kept = path[corners_within(path, 1.0)]
    assert len(kept) == len(corners)
    assert np.abs(kept - corners).max() < 1.5
    assert corners_within(path[:2], 1.0) == [0, 1]


def test_a_vehicle_that_only_hovered_has_no_corners() -> None:
    assert corners_within(np.zeros((50, 3)), 1.0) == [0, 49]
