"""Ways through random fields: how short against a full visibility graph, and how quick from a cold start."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator
from shapely.geometry import box

from bench.figure import Figure
from geofence.frame import Array, LocalFrame
from geofence.freespace import FreeSpace, warm_up
from geofence.space import Ground, Space
from geofence.ways import length_of
from geofence.window import TimeWindow
from tests.fields import HOME, Field, FieldZone, random_field, star
from tests.geofence.oracle import free_area, shortest_m

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_WINDOW = TimeWindow(_NOON, _NOON + timedelta(hours=1))
_COLD_MS = {50: 10.0, 500: 100.0, 2_000: 500.0}
_CANDIDATES = 40


def ratios(count: int = 1_000) -> Iterator[Figure]:
    """The length of ways over the shortest possible, up to 30 zones; and ways that only one of the two found."""
    measured, differing = [], 0
    for seed in range(count):
        rng = np.random.default_rng(seed)
        field = random_field(rng, int(rng.integers(0, 31)))
        start, end = field.free_points(rng, 2)
        way = _space(field).way(start, end)
        best_m = shortest_m(free_area(field), start, end)
        if way is not None and best_m is not None:
            measured.append(length_of(way) / best_m)
        differing += (way is None) != (best_m is None)
    yield Figure("planner.routing.ratio.worst", max(measured), "", 1.0001)
    yield Figure("planner.routing.ratio.mean", float(np.mean(measured)), "")
    yield Figure("planner.routing.ratio.fields", len(measured), "fields")
    yield Figure("planner.routing.reachability.differs", differing, "fields", 0)


def cold(count: int = 200) -> Iterator[Figure]:
    """One way between the farthest two of 40 places, with the projection of all zones that it needs first.

    In fields of ours, which block 29-32 % of a concave inclusion, and in those of the planning guide (section 3.1).
    The compiler has done its part, as in a planning process; processor time.
    """
    warm_up()
    gc.freeze()
    for name, field_of in (("", random_field), ("guide.", guide_field)):
        for zones, goal_ms in _COLD_MS.items():
            took_ms = [_cold_ms(field_of, zones, seed) for seed in range(_share(count, zones))]
            row = f"planner.routing.{name}{zones}.cold"
            yield Figure(f"{row}.p95", float(np.percentile(took_ms, 95)), "ms", goal_ms)
            yield Figure(f"{row}.median", float(np.median(took_ms)), "ms")
            yield Figure(f"{row}.worst", max(took_ms), "ms", 1_000.0)


def guide_field(rng: Generator, zones: int) -> Field:
    """Stars that block 22 % of a square of side 100 m × √`zones`; margin 5 m (planning guide, section 3.1)."""
    half_m = 50.0 * math.sqrt(zones)
    made = tuple(
        FieldZone(star(rng, rng.uniform(-half_m, half_m, 2), 15.5, 46.7, int(rng.integers(4, 13))), 5.0)
        for _ in range(zones)
    )
    return Field(box(-half_m, -half_m, half_m, half_m), 5.0, made)


def _share(count: int, zones: int) -> int:
    """Fewer of the large fields: making one takes half a second."""
    return max(3, count if zones < 500 else count // (zones // 250))


def _cold_ms(field_of: Callable[[Generator, int], Field], zones: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    field = field_of(rng, zones)
    airspace = field.airspace()
    start, end = _far_apart(field, rng)
    began = time.process_time()
    space = Space.of(airspace, LocalFrame(HOME), _WINDOW, Ground())
    space.layer(50.0, 50.0).way(start, end)
    return (time.process_time() - began) * 1_000


def _far_apart(field: Field, rng: Generator) -> tuple[Array, Array]:
    """The two of some free places that are farthest from each other."""
    places = field.free_points(rng, _CANDIDATES)
    apart = places[:, None] - places[None]
    one, other = np.unravel_index(int(np.hypot(apart[..., 0], apart[..., 1]).argmax()), (_CANDIDATES, _CANDIDATES))
    return places[one], places[other]


def _space(field: Field) -> FreeSpace:
    return FreeSpace.of([(field.inside, field.inside_margin_m)], field.shapes(), field.margins_m())
