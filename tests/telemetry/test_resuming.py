"""AUTO is resumed only where it goes on along a leg that was proven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geo import LatLon
from geofence.frame import LocalFrame
from missions.items import mission_items
from missions.model import Action, ActionKind, ReturnMode, Waypoint
from telemetry.messages import VehicleState
from telemetry.resuming import off_leg
from tests.telemetry.test_preflight import READY

HOME = LatLon(31.139, 121.124)
FRAME = LocalFrame(HOME)
# Round three sides of a block: from the third waypoint straight to the second lies the block.
PATH = ((0.0, 100.0, 40.0), (200.0, 100.0, 40.0), (200.0, 0.0, 60.0))


def place(x: float, y: float) -> LatLon:
    return FRAME.to_places(np.array([[x, y]]))[0]


def items_of(returns: ReturnMode) -> tuple:  # type: ignore[type-arg]
    look = (Action(ActionKind.LOOK_AT, place=place(0.0, 0.0)),)
    steps = tuple(Waypoint(place(x, y), z, hold_s=3.0, actions=look) for x, y, z in PATH)
    return mission_items(HOME, 4.0, (*steps, Waypoint(HOME, 60.0)), 8.0, returns=returns)


ITEMS = items_of(ReturnMode.DIRECT)
TO = {number: item.seq for number, item in enumerate((i for i in ITEMS if i.seq and i.command == 16), start=1)}


def at(x: float, y: float, alt_rel_m: float, seq: int) -> VehicleState:
    here = place(x, y)
    return replace(READY, lat_deg=here.lat_deg, lon_deg=here.lon_deg, alt_rel_m=alt_rel_m, mission_seq=seq)


def test_on_its_leg_a_vehicle_may_go_on() -> None:
    assert off_leg(ITEMS, at(100.0, 103.0, 41.0, TO[2])) is None


def test_from_a_return_that_was_broken_off_it_may_not() -> None:
    assert off_leg(ITEMS, at(100.0, 50.0, 60.0, TO[3])) == (
        f"100 m beside and 10 m above or below the leg to item {TO[3]}"
    )


def test_after_a_pilot_flew_it_higher_it_may_not() -> None:
    assert off_leg(ITEMS, at(100.0, 100.0, 47.0, TO[2])) is not None


def test_without_a_position_it_may_not() -> None:
    assert off_leg(ITEMS, replace(READY, lat_deg=None, mission_seq=TO[2])) is not None


@pytest.mark.parametrize(("x", "alt", "may"), [(0.0, 20.0, True), (0.0, 44.0, True), (9.0, 20.0, False)])
def test_a_take_off_goes_on_in_its_column(x: float, alt: float, *, may: bool) -> None:
    assert (off_leg(ITEMS, at(x, 0.0, alt, 1)) is None) is may


def test_a_stay_goes_on_at_its_place() -> None:
    delay = next(item.seq for item in ITEMS if item.command == 93 and item.seq > TO[2])
    assert off_leg(ITEMS, at(200.0, 104.0, 40.0, delay)) is None
    assert off_leg(ITEMS, at(150.0, 100.0, 40.0, delay)) is not None


def test_a_return_at_the_end_may_begin_anywhere_and_a_landing_only_at_home() -> None:
    assert off_leg(ITEMS, at(100.0, 50.0, 60.0, len(ITEMS) - 1)) is None
    landing = items_of(ReturnMode.RETRACE)
    assert off_leg(landing, at(100.0, 50.0, 60.0, len(landing) - 1)) is not None
    assert off_leg(landing, at(3.0, 0.0, 60.0, len(landing) - 1)) is None


@given(st.floats(0.0, 1.0), st.floats(-20.0, 20.0), st.floats(-20.0, 20.0))
def test_a_vehicle_may_go_on_exactly_when_it_is_as_near_as_a_margin_allows(
    share: float, aside_m: float, above_m: float
) -> None:
    may = abs(aside_m) <= 8.0 and abs(above_m) <= 5.0
    if min(abs(abs(aside_m) - 8.0), abs(abs(above_m) - 5.0)) > 0.02:
        state = at(200.0 + aside_m, 100.0 * (1.0 - share), 40.0 + 20.0 * share + above_m, TO[3])
        assert (off_leg(ITEMS, state) is None) is may
