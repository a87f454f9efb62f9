from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from geofence.onboard import FencePolygon, OnboardFence
from missions.items import MOST_ITEMS, fence_items, items_hash, mission_items, rally_items, settled_alt_m
from missions.model import Action, ActionKind, MissionItem, ReturnMode, Waypoint
from tests.geofence.places import HOME, box
from tests.missions.ardupilot import HOME_OF_THE_VEHICLE, stored_mission

FENCE = OnboardFence((FencePolygon(box(-100, -100, 100, 100), True), FencePolygon(box(0, 0, 9, 9), False)), 60.0)

places = st.builds(LatLon, st.floats(30.9, 31.3), st.floats(120.8, 121.4))
actions = st.one_of(
    st.builds(Action, st.just(ActionKind.PHOTO_EVERY), st.floats(0.0, 500.0)),
    st.builds(Action, st.just(ActionKind.GIMBAL), st.floats(-90.0, 30.0)),
    st.builds(Action, st.just(ActionKind.HEADING), st.floats(-180.0, 360.0)),
    st.builds(Action, st.just(ActionKind.SPEED), st.floats(1.0, 20.0)),
    st.builds(Action, st.just(ActionKind.LOOK_AT), place=places, alt_rel_m=st.floats(0.0, 300.0)),
    st.builds(Action, st.sampled_from([ActionKind.PHOTO, ActionKind.LOOK_AHEAD])),
    st.builds(Action, st.just(ActionKind.VIDEO), st.sampled_from([0.0, 1.0])),
)
waypoints_with_actions = st.builds(
    Waypoint, places, st.floats(5.0, 500.0), st.floats(0.0, 600.0), st.lists(actions, max_size=4).map(tuple)
)
steps = st.lists(waypoints_with_actions, min_size=1, max_size=12)
bare_steps = st.lists(st.builds(Waypoint, places, st.floats(5.0, 500.0)), min_size=1, max_size=12)


def planned(waypoints: list[Waypoint], speed_mps: float = 8.3) -> tuple[MissionItem, ...]:
    return mission_items(HOME, 4.0, waypoints, speed_mps)


def test_the_wire_form_is_home_take_off_speed_waypoints_return() -> None:
    items = planned([Waypoint(LatLon(31.1, 121.1), 60.0), Waypoint(LatLon(31.2, 121.2), 60.0)])
    assert [(item.seq, item.frame, item.command) for item in items] == [
        (0, 0, 16), (1, 3, 22), (2, 0, 178), (3, 3, 16), (4, 3, 16), (5, 0, 20),
    ]  # fmt: skip
    assert items[2].params == (1.0, 8.3, -1.0, 0.0)
    assert (items[3].x_e7, items[3].y_e7, items[3].z_m) == (311_000_000, 1_211_000_000, 60.0)


def test_a_fence_is_its_vertices_each_with_their_number() -> None:
    items = fence_items(FENCE)
    assert [item.command for item in items] == [5001] * 4 + [5002] * 4
    assert {item.params[0] for item in items} == {4.0}
    assert {(item.frame, item.z_m) for item in items} == {(0, 0.0)}
    assert [item.seq for item in items] == list(range(8))


def commands(*steps: Waypoint, **options: Any) -> list[int]:
    """What follows the speed and comes before the end."""
    return [item.command for item in mission_items(HOME, 4.0, steps, 8.0, **options)[3:-1]]


@given(steps, st.floats(1.0, 30.0), st.sampled_from(ReturnMode))
def test_the_hash_survives_the_vehicles_storage(
    waypoints: list[Waypoint], speed_mps: float, returns: ReturnMode
) -> None:
    items = mission_items(HOME, 4.0, waypoints, speed_mps, returns=returns)
    assert items_hash(stored_mission(items), kind="mission") == items_hash(items, kind="mission")


@pytest.mark.parametrize("centimetres", range(1, 60_000, 37))
def test_an_altitude_is_stored_to_the_very_centimetre(centimetres: int) -> None:
    alt_m = settled_alt_m(centimetres / 100)
    assert int(np.float32(alt_m) * np.float32(100)) == centimetres
    assert round(alt_m * 100) == centimetres


def test_without_settling_some_altitudes_lose_a_centimetre() -> None:
    """The reason for `settled_alt_m`: this is what a C cast makes of 0.53 m."""
    assert int(np.float32(0.53) * np.float32(100)) == 52


@given(bare_steps, st.data())
def test_any_change_of_a_waypoint_changes_the_hash(waypoints: list[Waypoint], data: st.DataObject) -> None:
    items = planned(waypoints)
    index = data.draw(st.integers(3, len(items) - 2))
    field, by = data.draw(
        st.sampled_from([("x_e7", 1), ("y_e7", -1), ("z_m", 0.011), ("frame", -3), ("command", 66)])
    )
    changed = replace(items[index], **{field: getattr(items[index], field) + by})
    other = (*items[:index], changed, *items[index + 1 :])
    assert items_hash(other, kind="mission") != items_hash(items, kind="mission")


def test_a_lost_doubled_or_swapped_item_changes_the_hash() -> None:
    items = planned([Waypoint(LatLon(31.1 + n / 100, 121.1), 60.0) for n in range(4)])
    same = items_hash(items, kind="mission")
    renumbered = tuple(replace(item, seq=seq) for seq, item in enumerate((*items[:4], *items[5:])))
    swapped = (*items[:3], replace(items[4], seq=3), replace(items[3], seq=4), *items[5:])
    for other in (items[:-1], renumbered, swapped, (*items, replace(items[-1], seq=len(items)))):
        assert items_hash(other, kind="mission") != same


@pytest.mark.parametrize(("index", "by"), [(0, 1.0), (1, 0.1), (2, 5.0)])
def test_the_speed_counts(index: int, by: float) -> None:
    items = planned([Waypoint(HOME, 60.0)])
    params = list(items[2].params)
    params[index] += by
    one, two, three, four = params
    changed = (*items[:2], replace(items[2], params=(one, two, three, four)), *items[3:])
    assert items_hash(changed, kind="mission") != items_hash(items, kind="mission")


def test_home_belongs_to_the_vehicle_and_does_not_count() -> None:
    items = planned([Waypoint(HOME, 60.0)])
    assert items_hash((HOME_OF_THE_VEHICLE, *items[1:]), kind="mission") == items_hash(items, kind="mission")


def test_the_first_vertex_of_a_fence_counts() -> None:
    items = fence_items(FENCE)
    moved = (replace(items[0], x_e7=items[0].x_e7 + 1), *items[1:])
    assert items_hash(moved, kind="fence") != items_hash(items, kind="fence")


def test_frame_and_altitude_of_a_fence_do_not_count() -> None:
    """The vehicle ignores them and answers 0 (planning guide, section 8.1)."""
    items = fence_items(FENCE)
    other = tuple(replace(item, frame=3, z_m=7.0) for item in items)
    assert items_hash(other, kind="fence") == items_hash(items, kind="fence")


def test_an_empty_mission_and_an_empty_fence_are_not_the_same() -> None:
    assert items_hash((), kind="mission") != items_hash((), kind="fence")


def test_a_command_we_never_send_is_compared_whole() -> None:
    jump = MissionItem(1, 0, 177, (1.0, 2.0, 0.0, 0.0), 0, 0, 0.0)
    assert items_hash((jump,), kind="mission") != items_hash(
        (replace(jump, params=(1.0, 3.0, 0.0, 0.0)),), kind="mission"
    )


@given(steps)
def test_every_waypoint_is_one_waypoint_item_and_nothing_else_is(waypoints: list[Waypoint]) -> None:
    found = [item for item in planned(waypoints)[1:] if item.command == 16]
    assert [item.z_m for item in found] == [settled_alt_m(step.alt_rel_m) for step in waypoints]


def test_actions_are_done_after_the_stay_in_their_order() -> None:
    step = Waypoint(HOME, 60.0, 4.2, (Action(ActionKind.PHOTO), Action(ActionKind.SPEED, 5.0)))
    items = planned([step])
    assert commands(step) == [16, 2000, 178]
    assert items[3].params[0] == 5.0
    assert items[5].params == (1.0, 5.0, -1.0, 0.0)


def test_nose_and_camera_turn_before_the_stay() -> None:
    turn, look, photo = Action(ActionKind.HEADING, 270.0), Action(ActionKind.GIMBAL, -45.4), Action(ActionKind.PHOTO)
    items = planned([Waypoint(HOME, 60.0, 10.0, (turn, photo, look))])[3:-1]
    assert [item.command for item in items] == [16, 1000, 115, 93, 2000]
    assert [item.params[0] for item in items] == [0.0, -45.0, 270.0, 10.0, 0.0]


def test_a_turn_of_the_nose_goes_last_or_those_behind_it_might_be_forgotten() -> None:
    every, turn = Action(ActionKind.PHOTO_EVERY, 20.0), Action(ActionKind.HEADING, 30.0)
    assert commands(Waypoint(HOME, 60.0, 0.0, (turn, every))) == [16, 206, 115]


def test_a_point_looked_at_has_its_place_and_height() -> None:
    look = Action(ActionKind.LOOK_AT, place=LatLon(31.2, 121.2), alt_rel_m=12.34)
    item = planned([Waypoint(HOME, 60.0, 0.0, (look,))])[4]
    assert (item.command, item.frame, item.x_e7, item.y_e7, item.z_m) == (195, 3, 312_000_000, 1_212_000_000, 12.34)


def test_what_is_set_up_first_comes_after_the_take_off() -> None:
    assert commands(Waypoint(HOME, 60.0), opening=[Action(ActionKind.GIMBAL, -90.0)]) == [1000, 16]


def test_a_mission_that_leads_back_itself_ends_with_a_landing_at_home() -> None:
    last = mission_items(HOME, 4.0, [Waypoint(HOME, 60.0)], 8.0, returns=ReturnMode.RETRACE)[-1]
    assert (last.command, last.frame, last.x_e7, last.y_e7) == (21, 3, 311_500_000, 1_211_200_000)


def test_more_items_than_a_vehicle_holds_are_refused() -> None:
    assert len(planned([Waypoint(HOME, 60.0)] * (MOST_ITEMS - 4))) == MOST_ITEMS
    with pytest.raises(InvalidRequest, match="651 mission items"):
        planned([Waypoint(HOME, 60.0)] * (MOST_ITEMS - 3))


def test_rally_points_are_told_in_whole_metres_and_count_from_the_first() -> None:
    items = rally_items([Waypoint(HOME, 60.4), Waypoint(LatLon(31.2, 121.2), 80.0)])
    assert [(item.seq, item.frame, item.command, item.z_m) for item in items] == [(0, 3, 5100, 60), (1, 3, 5100, 80)]
    moved = (replace(items[0], x_e7=items[0].x_e7 + 1), items[1])
    assert items_hash(moved, kind="rally") != items_hash(items, kind="rally")
    assert items_hash(items, kind="rally") != items_hash(items, kind="fence")
