"""How far a vehicle is off the line that it was sent to fly."""

from __future__ import annotations

import math
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


class Rails:
    """The legs of one plan, N ≥ 0, in the plane that ArduPilot flies in.

    Those of one item are choices (home, or a rally point).
    """

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._origin = legs[0].start if legs else LatLon(0.0, 0.0)
        self._lon_m_per_deg = M_PER_DEG * math.cos(math.radians(self._origin.lat_deg))
        items = np.array([leg.item for leg in legs], dtype=np.int64)
        self._goals, self._order = np.unique(items, return_inverse=True)
        self._start = self._xy([leg.start for leg in legs])
        self._along = self._xy([leg.end for leg in legs]) - self._start

    def off_m(self, at: LatLon, item: int | None) -> float:
        """How far `at` is from the legs that a vehicle may be on whose current item is `item`; infinite without any.

        These are the leg to that item, the one before it and the one behind it: corners are cut, and the number of
        the item comes later than the position. None: any leg.
        """
        near = np.ones(len(self._start), dtype=np.bool_)
        if item is not None:
            goal = min(int(np.searchsorted(self._goals, item)), len(self._goals) - 1)
            near = np.abs(self._order - goal) <= 1
        start, along = self._start[near], self._along[near]
        if not len(start):
            return math.inf
        away = self._xy([at]) - start
        length2 = np.einsum("ij,ij->i", along, along)
        share = np.einsum("ij,ij->i", away, along) / np.where(length2 > 0.0, length2, 1.0)
        rest = away - np.clip(share, 0.0, 1.0)[:, None] * along
        return float(np.sqrt(np.einsum("ij,ij->i", rest, rest).min()))

    def _xy(self, places: Sequence[LatLon]) -> Array:
        lat, lon = np.array([(at.lat_deg, at.lon_deg) for at in places], dtype=np.float64).reshape(-1, 2).T
        return np.column_stack(
            ((lon - self._origin.lon_deg) * self._lon_m_per_deg, (lat - self._origin.lat_deg) * M_PER_DEG)
        )
