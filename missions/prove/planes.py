"""The two planes in which distances are measured: the true one, and the one that the autopilot believes in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# WGS-84 (NIMA TR8350.2): semi-major axis and flattening.
_A_M = 6_378_137.0
_F = 1.0 / 298.257223563
_E2 = _F * (2.0 - _F)
# ArduPilot's metres to the degree: LOCATION_SCALING_FACTOR, 0.011131884502145034 m to 1e-7 degree.
_FLAT_M_PER_DEG = 111_318.84502145034
# An edge straight in lat/lon leaves the straight line of a plane by 3 mm over 500 m at 31° N (0.3 m over 5 km,
# growing with the square: planning guide, section 9.1).
LONGEST_EDGE_M = 500.0
# Never more metres to a degree of latitude or of longitude on the equator than this.
_MOST_M_PER_DEG = 111_700.0


class Plane(Protocol):
    """Metres east and north of a centre."""

    def to_xy(self, lonlat: Array) -> Array:
        """(N, 2) degrees to (N, 2) metres."""
        ...


@dataclass(frozen=True, slots=True)
class GeodesicPlane:
    """Azimuthal equidistant on the WGS-84 ellipsoid, by way of Earth-centred coordinates; 2 ppm within 20 km.

    East and north of the tangent plane at the centre, stretched to the length of the arc above them.
    """

    lon_deg: float
    lat_deg: float

    def to_xy(self, lonlat: Array) -> Array:
        lon0, lat0 = math.radians(self.lon_deg), math.radians(self.lat_deg)
        dx, dy, dz = _earth_centred(lonlat[:, 0], lonlat[:, 1]) - _center(self.lon_deg, self.lat_deg)
        outward = math.cos(lon0) * dx + math.sin(lon0) * dy
        east = math.cos(lon0) * dy - math.sin(lon0) * dx
        north = math.cos(lat0) * dz - math.sin(lat0) * outward
        up = math.cos(lat0) * outward + math.sin(lat0) * dz
        radius_m = _gaussian_radius_m(lat0)
        flat = np.hypot(east, north)
        stretch = radius_m * np.arctan2(flat, radius_m + up) / np.maximum(flat, 1e-9)
        return np.stack((east * stretch, north * stretch), axis=1)

    def to_lonlat(self, xy: Array) -> Array:
        """The inverse, by stepping nearer: (N, 2) metres to (N, 2) degrees."""
        found = np.tile((self.lon_deg, self.lat_deg), (len(xy), 1))
        for _ in range(4):
            found = found + (xy - self.to_xy(found)) / _metres_per_degree(found[:, 1])
        return found


@dataclass(frozen=True, slots=True)
class FlatPlane:
    """ArduPilot's flat earth round its origin: longitude counts by the cosine of the mid latitude.

    Source: Location::get_distance_NE; it reads north-south up to 0.5 % too long (planning guide, section 9.1).
    """

    lon_deg: float
    lat_deg: float

    def to_xy(self, lonlat: Array) -> Array:
        dlon, dlat = lonlat[:, 0] - self.lon_deg, lonlat[:, 1] - self.lat_deg
        dlon = (dlon + 180.0) % 360.0 - 180.0
        scale = np.maximum(np.cos(np.radians(self.lat_deg + dlat / 2.0)), 0.01)
        return np.column_stack((dlon * scale, dlat)) * _FLAT_M_PER_DEG


def degrees_of(metres: Array, lat_deg: Array) -> tuple[Array, Array]:
    """Degrees of longitude and latitude that are surely not shorter than `metres` near `lat_deg`."""
    lon_scale = np.cos(np.radians(np.minimum(np.abs(lat_deg) + 0.5, 89.9)))
    return metres / (110_500.0 * lon_scale), metres / 110_500.0


def line(start: Array, end: Array) -> Array:
    """The line from one place to another, (K, 2) degrees, straight in them and cut as `densified` cuts."""
    span_m = math.hypot(end[0] - start[0], end[1] - start[1]) * _MOST_M_PER_DEG
    if span_m <= LONGEST_EDGE_M:
        return np.array([start, end])
    return start + np.linspace(0.0, 1.0, math.ceil(span_m / LONGEST_EDGE_M) + 1)[:, None] * (end - start)


def densified(lonlat: Array, line_of: NDArray[np.intp] | None = None) -> tuple[Array, NDArray[np.intp]]:
    """Lines, (N, 2) degrees with the number of each one's line, cut so that no edge is over `LONGEST_EDGE_M`.

    Edges are straight in degrees. Gives the points and their lines; `line_of` None: all one line.
    """
    lines = np.zeros(len(lonlat), dtype=np.intp) if line_of is None else line_of
    edges = np.diff(lonlat, axis=0)
    edges[:, 0] -= 360.0 * np.round(edges[:, 0] / 360.0)  # over the 180th meridian, not round the Earth
    inside = lines[1:] == lines[:-1]
    length_m = np.hypot(edges[:, 0], edges[:, 1]) * _MOST_M_PER_DEG
    cuts = np.where(inside, np.maximum(1, np.ceil(length_m / LONGEST_EDGE_M)), 1).astype(np.intp)
    if (cuts == 1).all():
        return lonlat, lines
    edge_of = np.repeat(np.arange(len(edges)), cuts)
    share = (np.arange(len(edge_of)) - np.repeat(np.cumsum(cuts) - cuts, cuts)) / cuts[edge_of]
    points = np.concatenate((lonlat[edge_of] + share[:, None] * edges[edge_of], lonlat[-1:]))
    return points, np.concatenate((lines[edge_of], lines[-1:]))


def _earth_centred(lon_deg: Array, lat_deg: Array) -> Array:
    """X, Y, Z in metres of places on the ellipsoid, (3, N)."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    sine, cosine = np.sin(lat), np.cos(lat)
    across_m = _A_M / np.sqrt(1.0 - _E2 * sine**2)
    return np.stack((across_m * cosine * np.cos(lon), across_m * cosine * np.sin(lon), across_m * (1.0 - _E2) * sine))


def _metres_per_degree(lat_deg: Array) -> Array:
    """Of longitude and latitude, (N, 2): along the prime vertical and the meridian."""
    lat = np.radians(lat_deg)
    curved = 1.0 - _E2 * np.sin(lat) ** 2
    across, along = _A_M / np.sqrt(curved) * np.cos(lat), _A_M * (1.0 - _E2) / curved**1.5
    return np.stack((across, along), axis=1) * math.radians(1.0)


@lru_cache(maxsize=256)
def _center(lon_deg: float, lat_deg: float) -> Array:
    return _earth_centred(np.array([lon_deg]), np.array([lat_deg]))


def _gaussian_radius_m(lat_rad: float) -> float:
    """Geometric mean of the two radii of curvature."""
    return _A_M * math.sqrt(1.0 - _E2) / (1.0 - _E2 * math.sin(lat_rad) ** 2)
