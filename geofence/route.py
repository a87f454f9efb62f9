"""Ways in three dimensions: over, under or around zones, whichever costs least.

The model: straight up or down over the start to one height, level along the exact shortest way at that height, and
straight up or down over the end. Among such ways the answer is the cheapest. A way that changes its height in between
can be cheaper still; it is not looked for: one height is easy to watch, and easy to keep apart from others.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.freespace import Seeking
from geofence.obstacles import Indices
from geofence.scene import VERTICAL_MARGIN_M
from geofence.space import Space
from geofence.ways import length_of

# So much more than the vertical margin over a zone's top or under its bottom: heights are stored in centimetres.
_CLEAR_M = 0.1
# A level is searched for ways that cost so much more than the next one promises, as a share of the straight way, and
# for twice as much more each time that there was none.
_AND_MORE = 0.02


@dataclass(frozen=True, slots=True)
class Effort:
    """What a metre of climb and of descent cost, in metres of level flight."""

    up: float = 3.0
    down: float = 1.0

    def of(self, *alts_m: float) -> float:
        """The cost of passing these altitudes one after the other."""
        steps = np.diff(alts_m)
        return float(self.up * steps[steps > 0.0].sum() - self.down * steps[steps < 0.0].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A way, `places` (N ≥ 2, 3): x, y and height above home. `cost` in metres of level flight."""

    places: Array = field(repr=False)
    alt_rel_m: float
    cost: float


_EFFORT = Effort()


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Two places (3,), and what it costs to climb and to descend at them."""

    start: Array
    end: Array
    effort: Effort

    def columns_cost(self, level_m: float) -> float:
        return self.effort.of(float(self.start[2]), level_m, float(self.end[2]))

    def route(self, way: Array, level_m: float) -> Route:
        """The way on its level with the columns that lead to it; a column of no height is left out."""
        level = np.column_stack((way, np.full(len(way), level_m)))
        up = [self.start[None]] if self.start[2] != level_m else []
        down = [self.end[None]] if self.end[2] != level_m else []
        places = np.concatenate((*up, level, *down))
        return Route(places, level_m, length_of(way) + self.columns_cost(level_m))


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A place with the bands, (N,) each, of the exclusions that hold it at some height."""

    alt_m: float
    low_m: Array
    high_m: Array

    @classmethod
    def over(cls, space: Space, place: Array) -> _Column:
        held = space.layer(-math.inf, math.inf).held_by(place[:2])
        return cls(float(place[2]), space.low_rel_m[held], space.high_rel_m[held])

    def is_free_to(self, level_m: float) -> bool:
        """Whether nothing holds the place from its own height to that level, with the vertical margin."""
        low_m = min(self.alt_m, level_m) - VERTICAL_MARGIN_M
        high_m = max(self.alt_m, level_m) + VERTICAL_MARGIN_M
        return not bool(((self.low_m <= high_m) & (self.high_m >= low_m)).any())


class _Known:
    """Lengths found so far, each with the exclusions that shaped it: where all of those count, no way is shorter."""

    def __init__(self, straight_m: float) -> None:
        self._found: list[tuple[float, Indices]] = [(straight_m, np.empty(0, dtype=np.intp))]

    def add(self, length_m: float, shaped_by: Indices) -> None:
        self._found.append((length_m, shaped_by))

    def least_m(self, counts: NDArray[np.bool_]) -> float:
        """What a way is long at least among the exclusions that `counts` (N,) marks."""
        return max(length_m for length_m, shaped_by in self._found if counts[shaped_by].all())


def route(
    space: Space, start: Array, end: Array, lowest_rel_m: float, highest_rel_m: float, *, effort: Effort = _EFFORT
) -> Route | None:
    """The cheapest way between two places (3,): x, y, height above home; None when there is none.

    The level part lies between `lowest_rel_m` and `highest_rel_m`; the ends may be lower or higher.
    Raises SearchTooLarge.
    """
    columns = [_Column.over(space, place) for place in (start, end)]
    levels = [
        level
        for level in _levels(space, (lowest_rel_m, highest_rel_m, float(start[2]), float(end[2])))
        if lowest_rel_m <= level <= highest_rel_m and all(column.is_free_to(level) for column in columns)
    ]
    return _cheapest(space, _Ends(start, end, effort), levels)


def _levels(space: Space, wanted_m: tuple[float, ...]) -> list[float]:
    """The heights worth trying: those wanted, and those just over and just under an exclusion."""
    beyond_m = VERTICAL_MARGIN_M + _CLEAR_M
    levels = np.concatenate((wanted_m, space.high_rel_m + beyond_m, space.low_rel_m - beyond_m))
    found: list[float] = np.unique(levels[np.isfinite(levels)]).tolist()
    return found


def _cheapest(space: Space, ends: _Ends, levels: list[float]) -> Route | None:
    """Searches the levels, the most promising first, each until another is more so, or none can be cheaper."""
    straight_m = float(np.hypot(*(ends.end - ends.start)[:2]))
    known, more = _Known(straight_m), max(_AND_MORE * straight_m, 1.0)

    def bound(level: float) -> float:
        return known.least_m(_counts(space, level)) + ends.columns_cost(level)

    best: Route | None = None
    sought: dict[float, Seeking] = {}
    waiting = [(bound(level), level) for level in levels]
    heapq.heapify(waiting)
    while waiting and waiting[0][0] < (math.inf if best is None else best.cost):
        promised, level = heapq.heappop(waiting)
        if bound(level) > promised:
            heapq.heappush(waiting, (bound(level), level))
            continue
        if level not in sought:
            sought[level] = space.layer(level, level).seeking(ends.start[:2], ends.end[:2])
        most = math.inf if not waiting and best is None else max(promised, waiting[0][0] if waiting else 0.0) + more
        longest_m = (most if best is None else min(most, best.cost)) - ends.columns_cost(level)
        way = sought[level].way(longest_m)
        known.add(_least_m(way, longest_m, sought[level]), sought[level].shaped_by())
        found = None if way is None else ends.route(way, level)
        if found is not None and (best is None or found.cost < best.cost):
            best = found
        if found is None and (best is None or most < best.cost):
            heapq.heappush(waiting, (max(bound(level), most), level))
            more *= 2.0
    return best


def _least_m(way: Array | None, longest_m: float, seeking: Seeking) -> float:
    """What is known of the length of the shortest way."""
    if way is not None:
        return length_of(way)
    return math.inf if seeking.is_over() else longest_m


def _counts(space: Space, level_m: float) -> NDArray[np.bool_]:
    """Which exclusions count at a level, with the vertical margin."""
    low_m, high_m = level_m - VERTICAL_MARGIN_M, level_m + VERTICAL_MARGIN_M
    return np.asarray((space.low_rel_m <= high_m) & (space.high_rel_m >= low_m))
