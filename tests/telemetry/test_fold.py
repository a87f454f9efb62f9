"""Packets into the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.ids import VehicleId
from telemetry.fold import fold, is_position
from telemetry.messages import Landed, VehicleState
from telemetry.packets import Attitude, ExtendedSysState, GlobalPosition, Heartbeat, ParamValue, SysStatus

FRESH = VehicleState(VehicleId("bl-01"), "one", None, 11, "fleet", "quad")
FIX = GlobalPosition(0, 31.15, 121.12, 64.0, 60.0, 3.0, 4.0, -1.0, 90.0)


def test_a_position_gives_speed_course_and_the_height_above_ground_of_a_rooftop_dock() -> None:
    state = fold(FRESH, FIX, pad_agl_m=20.0)
    assert (state.lat_deg, state.alt_rel_m, state.alt_agl_m) == (31.15, 60.0, 80.0)
    assert (state.ground_speed_mps, state.course_deg, state.climb_mps) == (5.0, 53.1, 1.0)


def test_a_hovering_vehicle_has_no_course() -> None:
    assert fold(FRESH, replace(FIX, north_mps=0.1, east_mps=0.1), pad_agl_m=0).course_deg is None


@pytest.mark.parametrize("place", [(0.0, 0.0), (91.0, 0.0), (10.0, 181.0)])
def test_a_position_that_cannot_be_is_not_taken(place: tuple[float, float]) -> None:
    impossible = replace(FIX, lat_deg=place[0], lon_deg=place[1])
    assert not is_position(impossible)
    assert fold(FRESH, impossible, pad_agl_m=0) == FRESH


def test_unknown_battery_replaces_what_was_known_before() -> None:
    known = fold(FRESH, SysStatus(12.0, 5.0, 80.0, True, True), pad_agl_m=0)
    assert known.battery_pct == 80.0
    assert fold(known, SysStatus(None, None, None, None, None), pad_agl_m=0).battery_pct is None


def test_modes_and_landed_states_have_names() -> None:
    state = fold(FRESH, Heartbeat(True, True, 3, 4), pad_agl_m=0)
    assert (state.mode, state.armed) == ("AUTO", True)
    assert fold(state, Heartbeat(True, True, 99, 4), pad_agl_m=0).mode == "MODE_99"
    assert fold(state, ExtendedSysState(2), pad_agl_m=0).landed is Landed.IN_AIR
    assert fold(state, ExtendedSysState(77), pad_agl_m=0).landed is Landed.UNKNOWN


def test_what_says_nothing_of_the_vehicle_changes_nothing() -> None:
    assert fold(FRESH, ParamValue("X", 1.0), pad_agl_m=0) is FRESH
    assert fold(FRESH, Attitude(1, 2, 3), pad_agl_m=0) != FRESH
