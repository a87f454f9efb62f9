"""Coordinate systems of imported geometry: WGS-84 and CGCS2000 as they are, GCJ-02 and BD-09 converted."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array


class Crs(StrEnum):
    """What the coordinates of a file count from. Nobody may guess it: GCJ-02 is about 480 m off in Shanghai."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"  # EPSG:4490, equal within decimetres: flown as WGS-84 (domain guide, section 9)
    GCJ02 = "gcj02"  # 火星坐标: Amap, Tencent, Google's maps of China
    BD09 = "bd09"  # Baidu, GCJ-02 shifted once more


# Constants of GCJ-02 as every public implementation has them (no official publication exists): Krasovsky 1940 axis,
# squared eccentricity, and the box outside of which nothing is shifted.
_AXIS_M = 6_378_245.0
_ECC2 = 0.006_693_421_622_965_943
_CHINA_LON, _CHINA_LAT = (72.004, 137.8347), (0.8293, 55.8271)
_BD_TURN = np.pi * 3000.0 / 180.0
# The shift changes by less than 0.3 % of a displacement, so that each round of the inverse gains two digits and more:
# 600 m become 1 mm in three.
_ROUNDS = 5


def to_wgs84(lonlat: Array, crs: Crs) -> Array:
    """Degrees (N, 2), longitude first, in WGS-84; within 1 mm of the published forward formulas.

    Places outside China, for which GCJ-02 has no shift, stay as they are.
    """
    match crs:
        case Crs.WGS84 | Crs.CGCS2000:
            return lonlat
        case Crs.GCJ02 | Crs.BD09:
            return _inverted(lonlat, crs)


def from_wgs84(lonlat: Array, crs: Crs) -> Array:
    """The inverse of `to_wgs84`: the published forward formulas."""
    match crs:
        case Crs.WGS84 | Crs.CGCS2000:
            return lonlat
        case Crs.GCJ02:
            return lonlat + _gcj_shift(lonlat)
        case Crs.BD09:
            gcj = lonlat + _gcj_shift(lonlat)
            return np.where(_in_china(lonlat)[:, None], _bd_from_gcj(gcj), gcj)


def _inverted(lonlat: Array, crs: Crs) -> Array:
    guess = lonlat.copy()
    for _ in range(_ROUNDS):
        guess += np.where(_in_china(lonlat)[:, None], lonlat - from_wgs84(guess, crs), 0.0)
    return guess


def _in_china(lonlat: Array) -> NDArray[np.bool_]:
    lon, lat = lonlat.T
    inside: NDArray[np.bool_] = (
        (lon >= _CHINA_LON[0]) & (lon <= _CHINA_LON[1]) & (lat >= _CHINA_LAT[0]) & (lat <= _CHINA_LAT[1])
    )
    return inside


def _gcj_shift(lonlat: Array) -> Array:
    """GCJ-02 minus WGS-84, degrees (N, 2); zero outside China."""
    x, y = lonlat[:, 0] - 105.0, lonlat[:, 1] - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * _sine(x, 6.0) + 20.0 * _sine(x, 2.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (
        ripple + 20.0 * _sine(x, 1.0) + 40.0 * _sine(x, 1 / 3) + 150.0 * _sine(x, 1 / 12) + 300.0 * _sine(x, 1 / 30)
    )
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (
        ripple + 20.0 * _sine(y, 1.0) + 40.0 * _sine(y, 1 / 3) + 160.0 * _sine(y, 1 / 12) + 320.0 * _sine(y, 1 / 30)
    )
    lat = np.radians(lonlat[:, 1])
    w2 = 1.0 - _ECC2 * np.sin(lat) ** 2
    shift = np.column_stack(
        (
            np.degrees(east * np.sqrt(w2) / (_AXIS_M * np.cos(lat))),
            np.degrees(north * w2**1.5 / (_AXIS_M * (1.0 - _ECC2))),
        )
    )
    return np.where(_in_china(lonlat)[:, None], shift, 0.0)


def _sine(t: Array, half_turns: float) -> Array:
    """Two thirds of the sine that makes so many half-turns to the degree."""
    return np.sin(half_turns * np.pi * t) * (2.0 / 3.0)


def _bd_from_gcj(gcj: Array) -> Array:
    lon, lat = gcj.T
    reach = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_TURN)
    return np.column_stack((reach * np.cos(angle) + 0.0065, reach * np.sin(angle) + 0.006))
