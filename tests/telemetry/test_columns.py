"""Ticks as arrays: a record and its row are the same as the record, and only what changed is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.ids import SortieId, VehicleId
from telemetry.columns import FAST, FleetView, merged, packed, rows
from telemetry.messages import FleetTick, LinkState, VehicleState
from telemetry.ticker import FULL_EVERY_S, Ticker

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
ONE = VehicleState(VehicleId("bl-01"), "One", None, 1, "fleet", "quad")
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


def test_quick_numbers_change_no_record_and_others_do() -> None:
    ticker = Ticker("g")
    ticker.tick([ONE], 0.0, NOW)
    quick = ticker.tick([replace(ONE, lat_deg=31.0, heard_age_s=0.1, last_heard_at=NOW)], 0.1, after(0.1))
    assert (quick.changed, quick.full, quick.number) == ((), False, 2)
    armed = replace(ONE, armed=True)
    assert ticker.tick([armed], 0.2, after(0.2)).changed == (armed,)
    assert ticker.tick([armed], 0.3, after(0.3)).changed == ()


def test_all_is_told_at_first_when_vehicles_come_or_go_and_once_a_second() -> None:
    ticker, two = Ticker("g"), replace(ONE, vehicle_id=VehicleId("bl-02"))
    told = [ticker.tick(states, at, after(at)) for at, states in ((0.0, [ONE]), (0.1, [ONE, two]), (0.2, [two]))]
    assert [(tick.full, len(tick.changed)) for tick in told] == [(True, 1), (True, 2), (True, 1)]
    assert not ticker.tick([two], 0.3, after(0.3)).full
    assert ticker.tick([two], 0.2 + FULL_EVERY_S, after(1.2)).full


def test_a_view_puts_ticks_together_and_forgets_the_retired() -> None:
    ticker, view, two = Ticker("g"), FleetView(), replace(ONE, vehicle_id=VehicleId("bl-02"))
    view.take(ticker.tick([ONE, two], 0.0, NOW))
    moved = replace(two, lat_deg=31.0, link=LinkState.LIVE, sortie_id=SortieId("s"))
    view.take(ticker.tick([ONE, moved], 0.1, after(0.1)))
    assert view.states() == (ONE, moved)
    view.take(ticker.tick([moved], 0.2, after(0.2)))
    assert view.states() == (moved,)


def test_a_view_that_lost_a_tick_is_right_again_after_a_second() -> None:
    ticker, view, armed = Ticker("g"), FleetView(), replace(ONE, armed=True)
    view.take(ticker.tick([ONE], 0.0, NOW))
    ticker.tick([armed], 0.1, after(0.1))
    view.take(ticker.tick([armed], 0.2, after(0.2)))
    assert view.states() == (ONE,)
    view.take(ticker.tick([armed], FULL_EVERY_S, after(1.0)))
    assert view.states() == (armed,)


def test_a_tick_of_no_vehicles_is_a_tick() -> None:
    assert FleetTick.of("g", NOW, ()).rows().shape == (0, len(FAST))
