"""Which vehicles are in which zones at this moment: all of them together, in arrays, in the plane of degrees.

The edges of a zone are straight in latitude and longitude, so that nothing has to be projected; a circle is drawn
around, on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from core.altitude import Altitude, Datum
from core.geo import LatLon
from geofence.frame import Array, circle_lonlat
from geofence.window import TimeWindow
from geofence.zones import Airspace, CircleShape, Role, Zone

Indices = NDArray[np.intp]

_DATUMS = tuple(Datum)


@dataclass(frozen=True, slots=True, eq=False)
class Heights:
    """How high vehicles are, (N,) each, in metres above what each datum names; NaN: not known."""

    amsl_m: Array
    rel_m: Array
    agl_m: Array

    def over(self, datum: Indices, vehicle: Indices) -> Array:
        """The heights of `vehicle` (K,), each counted from `datum` (K,), a number in `Datum`'s order."""
        return np.stack([getattr(self, f"{each}_m") for each in _DATUMS])[datum, vehicle]


class Presence:
    """Zones, and who is in them.

    Built once and asked every tick: 1 000 vehicles and 1 000 zones take about two milliseconds.
    """

    def __init__(self, zones: Iterable[Zone]) -> None:
        self.zones: tuple[Zone, ...] = tuple(zones)
        # Prepared, and asked for those that the tree finds near: twice as fast as the tree's own predicate.
        self._areas = np.array([lonlat_area(zone) for zone in self.zones], dtype=np.object_)
        shapely.prepare(self._areas)
        self._tree = shapely.STRtree(self._areas)
        self._floor = _Bounds.of([zone.band.floor for zone in self.zones], -math.inf)
        self._ceiling = _Bounds.of([zone.band.ceiling for zone in self.zones], math.inf)

    @staticmethod
    def counting(airspace: Airspace, at: datetime, *, lasting: timedelta) -> tuple[Zone, ...]:
        """The exclusions that count at any instant of the time `lasting` from `at` on."""
        window = TimeWindow(at, at + lasting)
        counts = {each: each.meets(window) for each in {zone.validity for zone in airspace.zones}}
        return tuple(zone for zone in airspace.zones if zone.role is Role.EXCLUSION and counts[zone.validity])

    def look(self, lat_deg: Array, lon_deg: Array, heights: Heights) -> tuple[Indices, Indices]:
        """The pairs of a vehicle's and a zone's number, (K,) each, where the vehicle is in the zone or on its edge.

        `lat_deg`, `lon_deg`: (N,), NaN where not known: such a vehicle is nowhere. A height that is not known counts
        as within every band.
        """
        known = np.flatnonzero(np.isfinite(lat_deg) & np.isfinite(lon_deg))
        found, zone = self._tree.query(shapely.points(lon_deg[known], lat_deg[known]))
        vehicle = known[found]
        inside = shapely.intersects_xy(self._areas[zone], lon_deg[vehicle], lat_deg[vehicle])
        vehicle, zone = vehicle[inside], zone[inside]
        with np.errstate(invalid="ignore"):  # a comparison with NaN is false: neither below nor above
            below = heights.over(self._floor.datum[zone], vehicle) < self._floor.alt_m[zone]
            above = heights.over(self._ceiling.datum[zone], vehicle) > self._ceiling.alt_m[zone]
        within = ~(below | above)
        return vehicle[within], zone[within]


@dataclass(frozen=True, slots=True, eq=False)
class _Bounds:
    """One end of the bands of zones, (M,) each: metres, and the number of the datum that they count from."""

    alt_m: Array
    datum: Indices

    @classmethod
    def of(cls, ends: Sequence[Altitude | None], otherwise_m: float) -> _Bounds:
        metres = [otherwise_m if end is None else end.alt_m for end in ends]
        datums = [0 if end is None else _DATUMS.index(end.datum) for end in ends]
        return cls(np.array(metres, dtype=np.float64), np.array(datums, dtype=np.intp))


def lonlat_area(zone: Zone) -> Polygon:
    """The area of a zone in the plane of degrees, (longitude, latitude)."""
    if isinstance(zone.shape, CircleShape):
        return Polygon(circle_lonlat(zone.shape.center, zone.shape.radius_m, inner=False))

    def ring(places: Sequence[LatLon]) -> list[tuple[float, float]]:
        return [(place.lon_deg, place.lat_deg) for place in places]

    return Polygon(ring(zone.shape.outer), [ring(hole) for hole in zone.shape.holes])
