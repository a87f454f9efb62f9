"""The ways of one mission in three dimensions: between which heights they may be flown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.altitude import Altitude, Datum
from geofence.frame import Array
from geofence.route import route
from geofence.scene import VERTICAL_MARGIN_M
from geofence.search import SearchTooLarge
from geofence.space import Space
from missions.patterns.draft import Piece
from missions.task import Task

# Ways to and from the work are not flown lower than this above ground, but where the work itself is lower.
LOWEST_M = 20.0
# So far around what was drawn the ground counts for the heights of the ways.
_ABOUT_M = 1_000.0


class Transits:
    """Ways over, under or around zones, within the heights that the airspace leaves over the ground about.

    `highest_m`: no way is higher above home, but to a place that is.
    """

    def __init__(self, task: Task, pieces: Sequence[Piece], space: Space) -> None:
        self._space = space
        self._lowest_m, self.highest_m = _heights(task, pieces)

    def way(self, start: Array, end: Array) -> Array | None:
        """The cheapest way between two places (3,), (N ≥ 2, 3); None when there is none or it is too hard to find."""
        ends_m = (float(start[2]), float(end[2]))
        low_m, high_m = min(self._lowest_m, *ends_m), max(self.highest_m, *ends_m)
        try:
            found = route(self._space, start, end, low_m, high_m)
        except SearchTooLarge:
            return None
        return None if found is None else found.places


def _heights(task: Task, pieces: Sequence[Piece]) -> tuple[float, float]:
    """The lowest and greatest height above home: over the highest, and under the ceiling over the lowest ground."""
    xy = np.concatenate([piece.xyz[:, :2] for piece in pieces])
    left, low = np.minimum(xy.min(axis=0), 0.0) - _ABOUT_M
    right, high = np.maximum(xy.max(axis=0), 0.0) + _ABOUT_M
    corners = task.frame.unproject(np.array([(left, low), (left, high), (right, low), (right, high)]))
    box = np.concatenate((corners.min(axis=0), corners.max(axis=0)))
    ceiling_m, _ = task.ground.above_home_m(Altitude(task.airspace.ceiling_agl_m, Datum.AGL), box)
    _, lowest_m = task.ground.above_home_m(Altitude(LOWEST_M, Datum.AGL), box)
    floors = [one.low_rel_m + VERTICAL_MARGIN_M for one in task.space.inclusions]
    ceilings = [one.high_rel_m for one in task.space.inclusions]
    return max(lowest_m, 0.0, *floors), min((ceiling_m, *ceilings)) - VERTICAL_MARGIN_M
