"""Ticks as arrays: a record and its row are the same as the record, and only what changed is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.enrollment import SigningPolicy
from missions.model import Airframe, Dock
from telemetry.board import Board
from telemetry.columns import FAST, FleetView, merged, packed, rows
from telemetry.identity import Identity
from telemetry.messages import FleetTick, LinkState, VehicleState
from telemetry.packets import Attitude, GlobalPosition, Heartbeat
from telemetry.signing import Seal, SigningClock
from telemetry.ticker import FULL_EVERY_S, Member, Ticker
from telemetry.vehicle import Vehicle, VehicleConfig

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
ONE = VehicleState(VehicleId("bl-01"), "One", None, 1, "fleet", "quad")
DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
BEAT = Heartbeat(is_autopilot=True, armed=False, custom_mode=4, system_status=4)
numbers = st.none() | st.floats(allow_nan=False, width=64)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(st.fixed_dictionaries(dict.fromkeys(FAST, numbers)))
def test_a_record_and_its_row_are_the_record(values: dict[str, Any]) -> None:
    whole = replace(ONE, **values)
    (row,) = rows(packed([whole]))
    assert merged(ONE, row) == whole


def test_the_time_of_the_last_word_follows_from_its_age() -> None:
    (row,) = rows(packed([replace(ONE, heard_age_s=2.5)]))
    assert merged(ONE, row, NOW).last_heard_at == after(-2.5)


class Sky:
    """Vehicles without links, looked at by a ticker."""

    def __init__(self, *numbers: int) -> None:
        self.clock, self.board, self.now_s = ManualClock(), Board(), 0.0
        self.ticker = Ticker("g", self.board)
        self.members = [self.member(number) for number in numbers]

    def member(self, number: int) -> Member:
        config = VehicleConfig(VehicleId(f"bl-{number:02}"), f"{number}", ("x",), number, DOCK, FRAME)
        seal = Seal(SigningPolicy.OFF, None, SigningClock(self.clock))
        return Identity(config, seal), Vehicle(config, clock=self.clock, board=self.board)

    def tick(self, after_s: float = 0.1) -> FleetTick:
        self.clock.advance(after_s)
        return self.ticker.tick(self.members, self.clock.mono_s(), self.clock.now())[0]

    def __getitem__(self, at: int) -> Vehicle:
        return self.members[at][1]


def test_quick_numbers_change_no_record_and_others_do() -> None:
    sky = Sky(1)
    sky[0].hear(BEAT)
    sky.tick()
    sky[0].hear(Attitude(1.0, 2.0, 3.0))
    quick = sky.tick()
    assert (quick.changed, quick.full, quick.number) == ((), False, 2)
    assert quick.rows()[0, [13, 14]].tolist() == [1.0, 2.0]
    sky[0].hear(BEAT)
    assert sky.tick().changed == ()
    sky[0].hear(replace(BEAT, armed=True))
    assert [state.armed for state in sky.tick().changed] == [True]
    assert sky.tick().changed == ()


def test_all_is_told_at_first_when_vehicles_come_or_go_and_once_a_second() -> None:
    sky = Sky(1)
    told = [sky.tick()]
    sky.members.append(sky.member(2))
    told.append(sky.tick())
    del sky.members[0]
    told.append(sky.tick())
    assert [(tick.full, len(tick.changed)) for tick in told] == [(True, 1), (True, 2), (True, 1)]
    assert not sky.tick().full
    assert sky.tick(FULL_EVERY_S).full


def test_a_tick_says_when_nobody_is_heard_any_more() -> None:
    sky = Sky(1)
    assert [state.link for state in sky.tick().changed] == [LinkState.NEVER]
    sky[0].hear(BEAT)
    links = [[state.link for state in sky.tick(after_s).changed] for after_s in (0.1, 0.5, 1.0, 4.0)]
    assert links == [[LinkState.LIVE], [], [LinkState.STALE], [LinkState.LOST]]
    assert sky.tick().rows()[0, 0] == pytest.approx(5.7)


def test_a_view_puts_ticks_together_and_forgets_the_retired() -> None:
    sky, view = Sky(1, 2), FleetView()
    view.take(sky.tick())
    sky[1].hear(BEAT)
    sky[1].hear(GlobalPosition(1, 31.0, 121.0, 10.0, 5.0, 1.0, 0.0, 0.0, 90.0))
    view.take(sky.tick())
    (first, second) = view.states()
    assert (first.lat_deg, second.lat_deg, second.link, second.alt_agl_m) == (None, 31.0, LinkState.LIVE, 25.0)
    assert second == replace(sky[1].snapshot(), ready=second.ready)
    del sky.members[0]
    view.take(sky.tick())
    assert [state.vehicle_id for state in view.states()] == ["bl-02"]


def test_a_view_that_lost_a_tick_is_right_again_after_a_second() -> None:
    sky, view = Sky(1), FleetView()
    view.take(sky.tick())
    sky[0].hear(replace(BEAT, armed=True))
    sky.tick()
    view.take(sky.tick())
    assert [state.armed for state in view.states()] == [None]
    view.take(sky.tick(FULL_EVERY_S))
    assert [state.armed for state in view.states()] == [True]


def test_a_tick_of_no_vehicles_is_a_tick() -> None:
    assert FleetTick.of("g", NOW, ()).rows().shape == (0, len(FAST))
