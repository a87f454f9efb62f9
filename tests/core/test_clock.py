"""What clocks are asked besides the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock, rest_s


@given(st.floats(0.001, 10.0), st.floats(0.0, 1e6))
def test_who_rests_wakes_at_a_multiple_and_rests_neither_much_less_nor_much_more(
    every_s: float, now_s: float
) -> None:
    rest = rest_s(every_s, now_s)
    assert 0.249 * every_s <= rest <= 1.251 * every_s
    beats = (now_s + rest) / every_s
    assert beats == pytest.approx(round(beats), abs=1e-6 * max(1.0, now_s / every_s))


def test_both_hands_of_a_clock_and_its_microseconds_move_together() -> None:
    clock = ManualClock()
    before = clock.now(), clock.unix_us(), clock.mono_s()
    clock.advance(1.5)
    assert (clock.now() - before[0]).total_seconds() == 1.5
    assert clock.unix_us() - before[1] == 1_500_000
    assert clock.mono_s() - before[2] == 1.5
