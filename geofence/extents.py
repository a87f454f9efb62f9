"""Which zones can matter at all for something: by their extent alone, before anything is projected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.geo import EARTH_RADIUS_M, LatLon
from geofence.frame import Array
from geofence.zones import CircleShape, Zone

# The sphere is up to 0.5 % off the ellipsoid, and an edge of 50 km bends by 30 m (planning guide, section 9.1).
_SLACK = 1.01
_SLACK_M = 50.0
_M_PER_DEG = math.radians(EARTH_RADIUS_M)


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """Zones with their boxes (N, 4): west, south, east, north in degrees, each widened by the zone's margin.

    No box passes ±180°: a zone there is split by who draws it.
    """

    zones: tuple[Zone, ...]
    boxes: Array = field(repr=False)

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> Extents:
        kept = tuple(zones)
        boxes = np.array([_box(zone) for zone in kept], dtype=np.float64).reshape(-1, 4)
        return cls(kept, boxes)

    def near(self, places: Sequence[LatLon], within_m: float) -> tuple[Zone, ...]:
        """Every zone that may come within its margin and `within_m` of the hull of `places`, N ≥ 1; some more."""
        west, south, east, north = _grown(_around(places), within_m)
        left, low, right, high = self.boxes.T
        hit = (left <= east) & (right >= west) & (low <= north) & (high >= south)
        return tuple(self.zones[number] for number in np.flatnonzero(hit))


def _box(zone: Zone) -> tuple[float, float, float, float]:
    if isinstance(zone.shape, CircleShape):
        return _grown(_around((zone.shape.center,)), zone.shape.radius_m + zone.margin_m)
    return _grown(_around(zone.shape.outer), zone.margin_m)


def _around(places: Sequence[LatLon]) -> tuple[float, float, float, float]:
    lats = [at.lat_deg for at in places]
    lons = [at.lon_deg for at in places]
    return min(lons), min(lats), max(lons), max(lats)


def _grown(box: tuple[float, float, float, float], by_m: float) -> tuple[float, float, float, float]:
    west, south, east, north = box
    high_deg = (_SLACK * by_m + _SLACK_M) / _M_PER_DEG
    narrowest = math.cos(math.radians(min(89.0, max(abs(south), abs(north)) + high_deg)))
    wide_deg = high_deg / narrowest
    return west - wide_deg, south - high_deg, east + wide_deg, north + high_deg
