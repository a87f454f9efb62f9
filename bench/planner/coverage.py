"""Coverage of random areas: how much is seen, how long the path is for it, how quick it comes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import Polygon

from bench.figure import Figure
from geofence.frame import Array
from geofence.freespace import FreeSpace
from missions.patterns.coverage import QUICK, THOROUGH, Effort, coverage
from missions.patterns.draft import Piece
from tests.missions.areas import MOST_HOLES, random_area

_LEAST_M2, _MOST_M2 = 0.05e6, 4e6
_NARROWEST_M, _WIDEST_M = 40.0, 60.0
_PREVIEWS = 20


@dataclass(frozen=True, slots=True)
class _Case:
    """An area that is its own fence, and the swath."""

    area: Polygon
    swath_m: float


@dataclass(frozen=True, slots=True)
class _Result:
    unseen_share: float
    outside_m: float
    length_ratio: float
    took_s: float


def areas(count: int = 100) -> Iterator[Figure]:
    """All of `count` areas of 0.05 to 4 km², logarithmically even, with 0 to 12 holes, at swaths of 40 to 60 m.

    The path is judged by strips around its working legs, and by all of its legs for its length and the fence. Times
    are the processor's, so that other work on the machine does not count.
    """
    cases = [_case(np.random.default_rng([7, seed])) for seed in range(count)]
    results = [_measured(case, THOROUGH) for case in cases]
    ratios = np.array([one.length_ratio for one in results])
    holes = np.array([len(case.area.interiors) for case in cases])
    took_s = [one.took_s for one in results]
    yield Figure(
        "planner.coverage.seen.worst", 100 * (1 - max(one.unseen_share for one in results)), "%", 99.95, "higher"
    )
    yield Figure("planner.coverage.outside.worst", max(one.outside_m for one in results), "m", 0)
    yield Figure("planner.coverage.ratio.mean", float(ratios.mean()), "", 1.15)
    yield Figure("planner.coverage.ratio.worst", float(ratios.max()), "")
    for name, chosen in (
        ("no-holes", holes == 0),
        ("1-to-4-holes", (holes > 0) & (holes < 5)),
        ("5-to-12-holes", holes > 4),
    ):
        if chosen.any():
            yield Figure(f"planner.coverage.ratio.{name}", float(ratios[chosen].mean()), "")
    yield Figure("planner.coverage.p95", float(np.percentile(took_s, 95)), "s", 2.0)
    yield Figure("planner.coverage.worst", max(took_s), "s")


def previews(count: int = _PREVIEWS) -> Iterator[Figure]:
    """The quick plan of areas of 1 km² with up to 4 holes at swaths of 40 to 60 m, in the processor's time."""
    rng = np.random.default_rng(8)
    cases = [
        _Case(random_area(rng, 1e6, int(rng.integers(0, 5))), float(rng.uniform(_NARROWEST_M, _WIDEST_M)))
        for _ in range(count)
    ]
    results = [_measured(case, QUICK) for case in cases]
    took_ms = [1000 * one.took_s for one in results]
    yield Figure("planner.coverage.preview.median", float(np.median(took_ms)), "ms", 100)
    yield Figure("planner.coverage.preview.worst", max(took_ms), "ms")
    yield Figure("planner.coverage.preview.seen.worst", 100 * (1 - max(one.unseen_share for one in results)), "%")
    yield Figure("planner.coverage.preview.ratio.mean", float(np.mean([one.length_ratio for one in results])), "")


def _case(rng: np.random.Generator) -> _Case:
    area_m2 = math.exp(rng.uniform(math.log(_LEAST_M2), math.log(_MOST_M2)))
    holes = int(rng.integers(0, MOST_HOLES + 1))
    return _Case(random_area(rng, area_m2, holes), float(rng.uniform(_NARROWEST_M, _WIDEST_M)))


def _measured(case: _Case, effort: Effort) -> _Result:
    free = FreeSpace.of([(case.area, 0.0)], [], np.empty(0))
    began = time.process_time()
    pieces = coverage(case.area, free, case.swath_m, alt_rel_m=60.0, effort=effort)
    took_s = time.process_time() - began
    legs = shapely.linestrings(_legs(pieces))
    working = shapely.linestrings(_legs(tuple(piece for piece in pieces if piece.working)))
    seen = shapely.union_all(shapely.buffer(working, case.swath_m / 2, quad_segs=32))
    outside = shapely.difference(legs, shapely.buffer(case.area, 2e-3, join_style="mitre"))
    return _Result(
        unseen_share=float(shapely.difference(case.area, seen).area / case.area.area),
        outside_m=float(shapely.length(outside).sum()),
        length_ratio=float(shapely.length(legs).sum() + _gaps_m(pieces, free)) * case.swath_m / case.area.area,
        took_s=took_s,
    )


def _legs(pieces: tuple[Piece, ...]) -> Array:
    """(n, 2, 2)"""
    return np.concatenate([np.stack((one.xyz[:-1, :2], one.xyz[1:, :2]), axis=1) for one in pieces])


def _gaps_m(pieces: tuple[Piece, ...], free: FreeSpace) -> float:
    """The ways from each piece to the next, where they do not meet."""
    metres = 0.0
    for one, following in pairwise(pieces):
        way = free.way(one.xyz[-1, :2], following.xyz[0, :2])
        assert way is not None
        metres += float(np.hypot(*np.diff(way, axis=0).T).sum())
    return metres
