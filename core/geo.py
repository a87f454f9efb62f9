"""Places on the WGS-84 ellipsoid and the plain trigonometry between near ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Mean radius of the WGS-84 ellipsoid, (2a + b) / 3 (NIMA TR8350.2, section 3).
EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class LatLon:
    """A WGS-84 position (CGCS2000 is equal within decimetres): degrees, north and east positive.

    Raises ValueError when a coordinate is not finite or out of range.
    """

    lat_deg: float
    lon_deg: float

    def __post_init__(self) -> None:
        if not (-90.0 <= self.lat_deg <= 90.0):
            raise ValueError(f"latitude {self.lat_deg} is not within ±90°")
        if not (-180.0 <= self.lon_deg <= 180.0):
            raise ValueError(f"longitude {self.lon_deg} is not within ±180°")


def to_e7(degrees: float) -> int:
    """Degrees as the 1e-7 degree integer of MAVLink's INT messages, rounded to nearest (≈ 1.1 cm)."""
    return round(degrees * 1e7)


def from_e7(e7: int) -> float:
    """The inverse of `to_e7`, exact for every value that it gives."""
    return e7 / 1e7


def ground_distance_m(a: LatLon, b: LatLon) -> float:
    """Great-circle distance by the haversine formula; within 0.5 % of the geodesic, never used for proofs."""
    half_dlat = math.radians(b.lat_deg - a.lat_deg) / 2
    half_dlon = math.radians(b.lon_deg - a.lon_deg) / 2
    h = (
        math.sin(half_dlat) ** 2
        + math.cos(math.radians(a.lat_deg)) * math.cos(math.radians(b.lat_deg)) * math.sin(half_dlon) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))
