"""How long the preview of each pattern takes for one square kilometre."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator

import numpy as np

from bench.figure import Figure
from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import DockId
from geofence.frame import Array, LocalFrame
from missions.model import MissionRequest, Parameter, Pattern
from missions.patterns.catalog import CATALOG
from missions.patterns.drawn import drawn_pieces

_FRAME = LocalFrame(LatLon(31.15, 121.12))
_GOAL_MS = 100.0
_SIDE_M = 1_000.0
# What makes each pattern reach over one square kilometre.
_TOLD: dict[Pattern, dict[str, Parameter]] = {
    Pattern.ROUTE: {"trigger_m": 20.0},
    Pattern.CORRIDOR: {"width_m": 200.0, "spacing_m": 40.0},  # of a river of 5 km
    Pattern.PERIMETER: {"offset_m": -10.0, "laps": 3.0},
    Pattern.ORBIT: {"radius_m": 564.0, "laps": 2.0},
    Pattern.EXPANDING_SQUARE: {"radius_m": 564.0},
    Pattern.SECTOR: {"radius_m": 564.0, "repeats": 4.0},
    Pattern.FACADE: {"height_to_m": 60.0},  # of a building of 80 m
    Pattern.WATCH: {},  # of 100 points
}


def patterns(*, count: int = 50) -> Iterator[Figure]:
    """Median and worst time over `count` random drawings of each pattern; survey has figures of its own."""
    for pattern, told in _TOLD.items():
        rng = np.random.default_rng(3)
        took_ms, refused = [], 0
        for _ in range(count):
            request = _request(rng, pattern, told)
            began = time.perf_counter()
            try:
                drawn_pieces(request, _FRAME)
            except InvalidRequest:  # a river that needs more waypoints than a plan has
                refused += 1
            took_ms.append((time.perf_counter() - began) * 1000.0)
        yield Figure(f"pattern.{pattern}.preview.median", statistics.median(took_ms), "ms")
        yield Figure(f"pattern.{pattern}.preview.worst", max(took_ms), "ms", _GOAL_MS)
        yield Figure(f"pattern.{pattern}.refused", refused, f"of {count}")


def _request(rng: np.random.Generator, pattern: Pattern, told: dict[str, Parameter]) -> MissionRequest:
    defaults = {
        each.name: each.default for each in CATALOG[pattern].parameters if each.default is not None and not each.needs
    }
    line, ring, points = _drawing(rng, pattern)
    return MissionRequest(
        name="bench",
        dock_id=DockId("bench"),
        pattern=pattern,
        alt_m=60.0,
        speed_mps=8.0,
        line=_FRAME.to_places(line),
        ring=_FRAME.to_places(ring),
        points=_FRAME.to_places(points),
        parameters=defaults | told,
    )


def _drawing(rng: np.random.Generator, pattern: Pattern) -> tuple[Array, Array, Array]:
    """Line, ring and points, two of them empty."""
    none = np.empty((0, 2))
    match pattern:
        case Pattern.ROUTE | Pattern.CORRIDOR:
            return _river(rng), none, none
        case Pattern.PERIMETER:
            return none, _star(rng, 40, _SIDE_M / 2), none
        case Pattern.FACADE:
            return none, _star(rng, 8, 40.0), none
        case Pattern.WATCH:
            return none, none, rng.uniform(0.0, _SIDE_M, (100, 2))
        case _:
            return none, none, rng.uniform(0.0, _SIDE_M, (1, 2))


def _river(rng: np.random.Generator) -> Array:
    """5 km in 100 legs that bend gently."""
    bearings = rng.uniform(0.0, 2 * math.pi) + np.cumsum(rng.normal(0.0, 0.2, 100))
    river: Array = np.cumsum(50.0 * np.column_stack((np.cos(bearings), np.sin(bearings))), axis=0)
    return river


def _star(rng: np.random.Generator, corners: int, reach_m: float) -> Array:
    angles = np.arange(corners) * 2 * math.pi / corners
    radii = reach_m * rng.uniform(0.6, 1.0, corners)
    star: Array = reach_m + radii[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    return star
