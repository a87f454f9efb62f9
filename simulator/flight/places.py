"""Where things are: degrees times 1e7 on the outside, metres north, east and up of the origin inside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

METRES_PER_E7 = 6378137.0 * math.pi / 180.0 * 1e-7
"""North-south metres in one 1e-7 degree on a sphere of the WGS84 equatorial radius, as the autopilot reckons."""

Vector = tuple[float, float, float]
"""North, east, up; metres, metres per second or metres per second squared."""


class Datum(IntEnum):
    """What an altitude counts from; the numbers are the MAV_FRAME values the vehicle reads back."""

    AMSL = 0
    HOME = 3
    TERRAIN = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A point on Earth; ``alt_m`` counts from ``datum``."""

    lat_e7: int
    lon_e7: int
    alt_m: float
    datum: Datum = Datum.AMSL


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """A flat patch of Earth around an origin; good to centimetres within some kilometres."""

    lat_e7: int
    lon_e7: int
    alt_amsl_m: float

    def ground(self, lat_e7: int, lon_e7: int) -> tuple[float, float]:
        """Metres north and east of the origin."""
        scale = math.cos(math.radians((self.lat_e7 + lat_e7) * 0.5e-7))
        east_e7 = (lon_e7 - self.lon_e7 + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
        return (lat_e7 - self.lat_e7) * METRES_PER_E7, east_e7 * METRES_PER_E7 * scale

    def on_earth(self, north_m: float, east_m: float) -> tuple[int, int]:
        """Latitude and longitude in 1e-7 degrees of a point given in metres."""
        lat_e7 = self.lat_e7 + round(north_m / METRES_PER_E7)
        scale = max(0.01, math.cos(math.radians((self.lat_e7 + lat_e7) * 0.5e-7)))
        lon_e7 = self.lon_e7 + round(east_m / (METRES_PER_E7 * scale))
        return lat_e7, (lon_e7 + 1_800_000_000) % 3_600_000_000 - 1_800_000_000


def valid_lat_lon(lat_e7: int, lon_e7: int) -> bool:
    """Whether both lie in ±90° and ±180°."""
    return abs(lat_e7) <= 900_000_000 and abs(lon_e7) <= 1_800_000_000


def wrap_pi(angle_rad: float) -> float:
    """The same angle in -π..π."""
    return math.remainder(angle_rad, math.tau)


def heading_deg(angle_rad: float) -> float:
    """The same angle in 0..360 degrees."""
    return math.degrees(angle_rad) % 360.0
