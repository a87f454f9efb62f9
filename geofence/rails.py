"""How far a vehicle is off the line that it was sent to fly."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.geo import LatLon
from geofence.frame import Array

# Metres to a degree. Source: ArduPilot, AP_Common/Location.h, LOCATION_SCALING_FACTOR (planning guide, section 9.1).
M_PER_DEG = 111_318.845


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight way that ends with mission item `item`; `start` and `end` in one place: a column, or a stay."""

    item: int
    start: LatLon
    end: LatLon


@dataclass(frozen=True, slots=True)
class _Lines:
    """N legs in metres, a column each: start, way to the end, and its length squared (1 where there is none)."""

    start_x: Array
    start_y: Array
    x: Array
    y: Array
    length2: Array


class Rails:
    """The legs of one plan, N ≥ 0, in the plane that ArduPilot flies in.

    Those of one item are choices (home, or a rally point).
    """

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._origin = legs[0].start if legs else LatLon(0.0, 0.0)
        self._lon_m_per_deg = M_PER_DEG * math.cos(math.radians(self._origin.lat_deg))
        self._goals = sorted({leg.item for leg in legs})
        to: dict[int, list[Leg]] = {goal: [] for goal in self._goals}
        for leg in legs:
            to[leg.item].append(leg)
        self._all = self._lines(legs)
        # By the item that is flown to, made beforehand: asked for with every position of every vehicle.
        near = (self._goals[max(0, at - 1) : at + 2] for at in range(len(self._goals)))
        self._near = [self._lines([leg for goal in goals for leg in to[goal]]) for goals in near]

    def off_m(self, at: LatLon, item: int | None) -> float:
        """How far `at` is from the legs that a vehicle may be on whose current item is `item`; infinite without any.

        These are the leg to that item, the one before it and the one behind it: corners are cut, and the number of
        the item comes later than the position. None: any leg.
        """
        if not self._goals:
            return math.inf
        lines = self._all
        if item is not None:
            lines = self._near[min(bisect_left(self._goals, item), len(self._goals) - 1)]
        east_m = (at.lon_deg - self._origin.lon_deg) * self._lon_m_per_deg - lines.start_x
        north_m = (at.lat_deg - self._origin.lat_deg) * M_PER_DEG - lines.start_y
        share = np.minimum(np.maximum((east_m * lines.x + north_m * lines.y) / lines.length2, 0.0), 1.0)
        east_m -= share * lines.x
        north_m -= share * lines.y
        return math.sqrt((east_m * east_m + north_m * north_m).min())

    def _lines(self, legs: Sequence[Leg]) -> _Lines:
        start = self._xy([leg.start for leg in legs])
        along = self._xy([leg.end for leg in legs]) - start
        length2 = np.einsum("ij,ij->i", along, along)
        (start_x, start_y), (x, y) = start.T.copy(), along.T.copy()
        return _Lines(start_x, start_y, x, y, np.where(length2 > 0.0, length2, 1.0))

    def _xy(self, places: Sequence[LatLon]) -> Array:
        lat, lon = np.array([(at.lat_deg, at.lon_deg) for at in places], dtype=np.float64).reshape(-1, 2).T
        return np.column_stack(
            ((lon - self._origin.lon_deg) * self._lon_m_per_deg, (lat - self._origin.lat_deg) * M_PER_DEG)
        )
