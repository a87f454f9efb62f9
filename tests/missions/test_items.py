from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geo import LatLon
from geofence.onboard import FencePolygon, OnboardFence
from missions.items import fence_items, items_hash, mission_items, settled_alt_m
from missions.model import MissionItem, Waypoint
from tests.geofence.places import HOME, box
from tests.missions.ardupilot import HOME_OF_THE_VEHICLE, stored_mission

FENCE = OnboardFence((FencePolygon(box(-100, -100, 100, 100), True), FencePolygon(box(0, 0, 9, 9), False)), 60.0)

places = st.builds(LatLon, st.floats(30.9, 31.3), st.floats(120.8, 121.4))
steps = st.lists(st.builds(Waypoint, places, st.floats(5.0, 500.0)), min_size=1, max_size=12)


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


@given(steps, st.floats(1.0, 30.0))
def test_the_hash_survives_the_vehicles_storage(waypoints: list[Waypoint], speed_mps: float) -> None:
    items = planned(waypoints, speed_mps)
    assert items_hash(stored_mission(items), kind="mission") == items_hash(items, kind="mission")


@pytest.mark.parametrize("centimetres", range(1, 60_000, 37))
def test_an_altitude_is_stored_to_the_very_centimetre(centimetres: int) -> None:
    alt_m = settled_alt_m(centimetres / 100)
    assert int(np.float32(alt_m) * np.float32(100)) == centimetres
    assert round(alt_m * 100) == centimetres


def test_without_settling_some_altitudes_lose_a_centimetre() -> None:
    """The reason for `settled_alt_m`: this is what a C cast makes of 0.53 m."""
    assert int(np.float32(0.53) * np.float32(100)) == 52


@given(steps, st.data())
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
