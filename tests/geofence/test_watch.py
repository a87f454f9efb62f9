from __future__ import annotations

import math

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.onboard import FencePolygon, OnboardFence
from geofence.watch import Bound, Braking, FenceEvent, FenceWatch, Fixes, Phase
from tests.geofence.places import FRAME, at, box

FENCE = OnboardFence((FencePolygon(box(-100, -100, 100, 100), inclusion=True),), alt_max_rel_m=65.0)
Fix = tuple[float, float, float, float, float, float]  # x, y, height, east, north, up


def fix(
    x_m: float, y_m: float, alt_rel_m: float = 60.0, east: float = 0.0, north: float = 0.0, up: float = 0.0
) -> Fix:
    return (x_m, y_m, alt_rel_m, east, north, up)


def fixes(*each: Fix, on_rails: bool = False) -> Fixes:
    places = [at(x, y) for x, y, *_ in each]
    _, _, alt, east, north, up = (np.array(column, dtype=np.float64) for column in zip(*each, strict=True))
    lat, lon = (np.array([getattr(place, name) for place in places]) for name in ("lat_deg", "lon_deg"))
    return Fixes(lat, lon, alt, north, east, up, np.full(len(each), on_rails))


def watched(fence: OnboardFence, *path: Fix, on_rails: bool = False) -> list[FenceEvent]:
    """All events of one vehicle's fixes a second apart."""
    watch, told = FenceWatch(), list[FenceEvent]()
    watch.put("v", fence)
    for second, point in enumerate(path):
        told += watch.look(["v"], fixes(point, on_rails=on_rails), float(second))
    return told


def steps(told: list[FenceEvent]) -> list[tuple[Bound, Phase]]:
    return [(event.bound, event.phase) for event in told]


def test_leaving_is_told_once_and_so_is_the_return() -> None:
    told = watched(FENCE, fix(0, 0), fix(103, 0), fix(120, 0), fix(110, 0), fix(90, 0), fix(0, 0))
    assert [(event.phase, event.at_mono_s) for event in told] == [(Phase.BREACH, 1.0), (Phase.OVER, 4.0)]
    assert abs(told[0].by_m - 3.0) < 0.3
    assert told[1].lasted_s == 3.0


def test_a_vehicle_that_hovers_on_the_line_breaches_once() -> None:
    hovering = [fix(100 + offset, 0) for offset in (-1, 0.5, -0.5, 0.5, -1.0, 0.4, -1.9)]
    assert len(watched(FENCE, *hovering)) == 1


def test_the_ceiling_is_watched_by_itself() -> None:
    told = watched(FENCE, fix(0, 0, 64.9), fix(0, 0, 66.0), fix(200, 0, 66.0), fix(0, 0, 63.0))
    assert set(steps(told)[:1]) == {(Bound.TOO_HIGH, Phase.BREACH)}
    assert steps(told) == [
        (Bound.TOO_HIGH, Phase.BREACH),
        (Bound.OUTSIDE, Phase.BREACH),
        (Bound.OUTSIDE, Phase.OVER),
        (Bound.TOO_HIGH, Phase.OVER),
    ]


def test_an_exclusion_on_board_is_watched_too() -> None:
    hole = FencePolygon(box(-10, -10, 10, 10), inclusion=False)
    fence = OnboardFence((*FENCE.polygons, hole), 65.0)
    assert steps(watched(fence, fix(50, 0), fix(5, 0))) == [(Bound.OUTSIDE, Phase.BREACH)]


def test_without_polygons_only_the_ceiling_is_watched() -> None:
    assert watched(OnboardFence((), 65.0), fix(9_000, 0, east=20.0), fix(9_020, 0, east=20.0)) == []


def test_a_vehicle_too_fast_to_stop_is_told_before_it_leaves() -> None:
    # 10 m/s: 8 m of latency and 20.6 m of braking.
    told = watched(FENCE, *(fix(x, 0, east=10.0) for x in range(40, 101, 2)))
    assert steps(told) == [(Bound.OUTSIDE, Phase.PREDICTED)]
    assert 72.0 <= 40 + 2 * told[0].at_mono_s <= 76.0
    assert 2.3 < told[0].in_s < 2.9


def test_one_that_brakes_in_time_is_not_told() -> None:
    path = [fix(90 - d, 0, east=math.sqrt(2 * 2.5 * d)) for d in np.arange(40.0, 0.0, -0.5).tolist()]
    assert watched(FENCE, *path, on_rails=True) == []


def test_flying_along_the_edge_is_no_prediction() -> None:
    assert watched(FENCE, *(fix(97, y, north=12.0) for y in range(-80, 40, 5))) == []


def test_a_single_fix_that_looks_bad_is_not_believed() -> None:
    assert watched(FENCE, fix(95, 0), fix(95, 0, east=9.0), fix(95, 0), fix(95, 0, east=9.0), fix(95, 0)) == []


def test_a_prediction_that_did_not_come_true_ends() -> None:
    told = watched(FENCE, *[fix(95, 0, east=9.0)] * 3, *[fix(96, 0)] * 6)
    assert [event.phase for event in told] == [Phase.PREDICTED, Phase.OVER]
    assert told[1].was is Phase.PREDICTED


def test_a_climb_through_the_ceiling_is_told_before() -> None:
    told = watched(FENCE, *(fix(0, 0, h, up=5.0) for h in range(40, 66, 1)))
    assert steps(told) == [(Bound.TOO_HIGH, Phase.PREDICTED)]
    assert 40 + told[0].at_mono_s < 56.0


def test_many_vehicles_are_looked_at_together_and_keep_apart() -> None:
    watch = FenceWatch()
    for number in range(50):
        watch.put(f"v{number}", FENCE)
    where = [fix(0, 0) if number % 7 else fix(130, 0) for number in range(50)]
    told = watch.look([f"v{number}" for number in range(50)], fixes(*where), 1.0)
    assert {event.key for event in told} == {f"v{number}" for number in range(0, 50, 7)}


def test_a_new_fence_in_flight_goes_on_with_what_is_open() -> None:
    watch = FenceWatch()
    watch.put("v", FENCE)
    assert watch.look(["v"], fixes(fix(120, 0)), 0.0)
    watch.put("v", OnboardFence((FencePolygon(box(-200, -200, 200, 200), inclusion=True),), 65.0))
    (over,) = watch.look(["v"], fixes(fix(120, 0)), 1.0)
    assert over.phase is Phase.OVER
    watch.drop("v")
    assert "v" not in watch


@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(0, 130)), max_size=30))
def test_events_alternate_and_end_with_the_state(points: list[tuple[float, float, float]]) -> None:
    watch = FenceWatch()
    watch.put("v", FENCE)
    open_bounds: set[Bound] = set()
    for second, (x, y, alt) in enumerate(points):
        for event in watch.look(["v"], fixes(fix(x, y, alt)), float(second)):
            assert (event.bound in open_bounds) is (event.phase is Phase.OVER)
            open_bounds ^= {event.bound}
        outside = not shapely.Polygon(FRAME.to_xy(FENCE.polygons[0].ring)).covers(shapely.Point(x, y))
        assert Bound.OUTSIDE in open_bounds or not outside or max(abs(x), abs(y)) < 100.6


def braked_mps2(speed_mps: float, decel_mps2: float, dt: float) -> float:
    """The deceleration that ArduCopter's BRAKE builds up to: 7.5 m/s² at most, with a jerk of 5 m/s³."""
    wanted = speed_mps / 1.5 if speed_mps <= 11.25 else math.sqrt(10.0 * (speed_mps - 5.625))
    return decel_mps2 + max(-5.0 * dt, min(5.0 * dt, min(wanted, 7.5) - decel_mps2))


@settings(max_examples=40, deadline=None)
@given(st.floats(-60, 60), st.floats(-60, 60), st.floats(0.5, 12.0), st.floats(0.0, 2 * math.pi))
def test_whoever_is_not_told_can_stop_inside(x: float, y: float, speed: float, course: float) -> None:
    """A vehicle that brakes as ArduCopter does, once it was told, never leaves."""
    watch, braking = FenceWatch(), Braking()
    watch.put("v", FENCE)
    decel = 0.0
    velocity, place, told_s = speed * np.array([math.cos(course), math.sin(course)]), np.array([x, y]), math.inf
    for tick in range(400):
        now_s = 0.1 * tick
        events = watch.look(["v"], fixes(fix(place[0], place[1], east=velocity[0], north=velocity[1])), now_s)
        if any(event.phase is Phase.PREDICTED for event in events):
            told_s = now_s
        # All but the one more fix that it takes to believe.
        if now_s >= told_s + braking.latency_s - 0.3:
            fast = float(np.hypot(*velocity))
            decel = braked_mps2(fast, decel, 0.1)
            velocity = velocity * (max(0.0, fast - 0.1 * decel) / max(fast, 1e-9))
        place = place + 0.1 * velocity
        assert told_s < math.inf or max(abs(place)) < 100.0
        if told_s < math.inf and float(np.hypot(*velocity)) < 0.05:
            break
    assert told_s == math.inf or max(abs(place)) < 100.0
