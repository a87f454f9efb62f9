from __future__ import annotations

import time

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence.onboard import FencePolygon, OnboardFence
from geofence.watch import BreachEvent, BreachKind, Watch, WatchPoint, WatchState
from tests.geofence.places import FRAME, at, box

FENCE = OnboardFence((FencePolygon(box(-100, -100, 100, 100), inclusion=True),), alt_max_rel_m=65.0)


def fix(x_m: float, y_m: float, alt_rel_m: float = 60.0) -> WatchPoint:
    place = at(x_m, y_m)
    return WatchPoint(place.lat_deg, place.lon_deg, alt_rel_m)


def watched(fence: OnboardFence, *fixes: WatchPoint) -> list[BreachEvent]:
    """All events of fixes a second apart."""
    watch, state, told = Watch(fence), WatchState(), list[BreachEvent]()
    for second, point in enumerate(fixes):
        state, events = watch.step(state, point, float(second))
        told += events
    return told


def test_leaving_is_told_once_and_so_is_the_return() -> None:
    told = watched(FENCE, fix(0, 0), fix(103, 0), fix(120, 0), fix(110, 0), fix(90, 0), fix(0, 0))
    assert [(event.kind, event.ended, event.at_mono_s) for event in told] == [
        (BreachKind.OUTSIDE, False, 1.0),
        (BreachKind.OUTSIDE, True, 4.0),
    ]
    assert abs(told[0].by_m - 3.0) < 0.1
    assert told[1].lasted_s == 3.0


def test_a_vehicle_that_hovers_on_the_line_breaches_once() -> None:
    hovering = [fix(100 + offset, 0) for offset in (-1, 0.5, -0.5, 0.5, -1.0, 0.4, -1.9)]
    assert len(watched(FENCE, *hovering)) == 1


def test_the_ceiling_is_watched_by_itself() -> None:
    told = watched(FENCE, fix(0, 0, 64.9), fix(0, 0, 66.0), fix(200, 0, 66.0), fix(0, 0, 63.0))
    assert [(event.kind, event.ended) for event in told] == [
        (BreachKind.TOO_HIGH, False),
        (BreachKind.OUTSIDE, False),
        (BreachKind.OUTSIDE, True),
        (BreachKind.TOO_HIGH, True),
    ]


def test_an_exclusion_on_board_is_watched_too() -> None:
    hole = FencePolygon(box(-10, -10, 10, 10), inclusion=False)
    fence = OnboardFence((*FENCE.polygons, hole), 65.0)
    assert [event.kind for event in watched(fence, fix(50, 0), fix(5, 0))] == [BreachKind.OUTSIDE]


def test_without_polygons_only_the_ceiling_is_watched() -> None:
    assert watched(OnboardFence((), 65.0), fix(9_000, 0)) == []


@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(0, 130)), max_size=30))
def test_events_alternate_and_end_with_the_state(points: list[tuple[float, float, float]]) -> None:
    watch, state = Watch(FENCE), WatchState()
    open_kinds: set[BreachKind] = set()
    for second, (x, y, alt) in enumerate(points):
        state, events = watch.step(state, fix(x, y, alt), float(second))
        for event in events:
            assert (event.kind in open_kinds) is event.ended
            open_kinds ^= {event.kind}
        assert (state.outside_since_mono_s is not None) is (BreachKind.OUTSIDE in open_kinds)
        assert (state.too_high_since_mono_s is not None) is (BreachKind.TOO_HIGH in open_kinds)
        outside = not shapely.Polygon(FRAME.to_xy(FENCE.polygons[0].ring)).covers(shapely.Point(x, y))
        assert BreachKind.OUTSIDE in open_kinds or not outside or max(abs(x), abs(y)) < 100.1


def test_a_step_is_fast_enough_for_a_hundred_vehicles_at_ten_hertz() -> None:
    angles = np.linspace(0, 2 * np.pi, 69, endpoint=False)
    ring = FRAME.to_places(np.column_stack((500 * np.cos(angles), 500 * np.sin(angles))))
    watch, state, point = Watch(OnboardFence((FencePolygon(ring, True),), 65.0)), WatchState(), fix(10, 10)
    began = time.perf_counter()
    for second in range(1_000):
        state, _ = watch.step(state, point, float(second))
    assert time.perf_counter() - began < 1.0
