"""The areas of many zones in the plane, in one projection: one by one 2 000 of them take a second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from core.geo import EARTH_RADIUS_M, LatLon
from geofence.frame import Array, LocalFrame, densified, lonlat_array
from geofence.zones import CircleShape, PolygonShape, Role, Zone

Shapes = NDArray[np.object_]

# A ring whose extent is less than this, in degrees, has no edge longer than 1.6 km (`frame.LONGEST_EDGE_M` is 2 km).
_SHORT_DEG = 0.01
# How far the edges of a circle's polygon may be from it.
_SAGITTA_M = 0.3
_LEAST_VERTICES, _MOST_VERTICES = 16, 128


# The WGS-84 ellipsoid (NIMA TR8350.2): half its long axis, and the square of its eccentricity.
_A_M, _E2 = 6_378_137.0, 6.694_379_990_14e-3


def areas_of(zones: Sequence[Zone], frame: LocalFrame) -> Shapes:
    """The polygons of zones, (N,), edges straight in lat/lon.

    A circle becomes a polygon on the safe side: an inclusion is drawn inside it, others around it.
    """
    found: Shapes = np.empty(len(zones), dtype=np.object_)
    polygons = [(number, zone.shape) for number, zone in enumerate(zones) if isinstance(zone.shape, PolygonShape)]
    circles = [(number, zone.shape) for number, zone in enumerate(zones) if isinstance(zone.shape, CircleShape)]
    if polygons:
        found[[number for number, _ in polygons]] = _polygons([shape for _, shape in polygons], frame)
    centers = frame.to_xy(circle.center for _, circle in circles)
    for (number, circle), center in zip(circles, centers, strict=True):
        inner = zones[number].role is Role.INCLUSION
        found[number] = _circle(center, circle.radius_m * _in_both_metrics(circle.center, inner=inner), inner=inner)
    return found


def _in_both_metrics(center: LatLon, *, inner: bool) -> float:
    """The factor that draws a circle larger, or smaller if `inner`, so that it holds in ArduPilot's metric too.

    That has 111 318.845 m to every degree: it reads east-west shorter than the ellipsoid's radius of curvature in the
    prime vertical says, N, and north-south longer than that in the meridian, M (planning guide, section 9.1).
    """
    flat_m = math.degrees(111_318.845)
    squared = 1.0 - _E2 * math.sin(math.radians(center.lat_deg)) ** 2
    if inner:
        return float(min(1.0, _A_M * (1.0 - _E2) / squared**1.5 / flat_m))
    return max(1.0, _A_M / math.sqrt(squared) / flat_m)


def _polygons(shapes: Sequence[PolygonShape], frame: LocalFrame) -> Shapes:
    rings = [(number, ring) for number, shape in enumerate(shapes) for ring in (shape.outer, *shape.holes)]
    lonlat, ring_of = _closed([ring for _, ring in rings])
    made = np.asarray(shapely.linearrings(frame.project(lonlat), indices=ring_of))
    return np.asarray(shapely.polygons(made, indices=np.array([number for number, _ in rings])))


def _closed(rings: Sequence[tuple[LatLon, ...]]) -> tuple[Array, NDArray[np.intp]]:
    """All rings, each closed and with no long edge, in one (N, 2) of degrees; and the ring of each vertex, (N,)."""
    counts = np.array([len(ring) + 1 for ring in rings])
    lonlat = lonlat_array(chain.from_iterable((*ring, ring[0]) for ring in rings))
    starts = np.cumsum(counts) - counts
    extent = np.maximum.reduceat(lonlat, starts) - np.minimum.reduceat(lonlat, starts)
    long = np.flatnonzero((extent > _SHORT_DEG).any(axis=1))
    if len(long):
        parts = np.split(lonlat, starts[1:])
        for ring in long.tolist():
            parts[ring] = densified(parts[ring])
        counts = np.array([len(part) for part in parts])
        lonlat = np.concatenate(parts)
    return lonlat, np.repeat(np.arange(len(counts)), counts)


def _circle(center: Array, radius_m: float, *, inner: bool) -> Polygon:
    """A regular polygon within the circle round `center` (2,) if `inner`, else containing it.

    The plane stretches across the line of sight by d² / 6 R², 10 ppm at 50 km (Snyder, Map Projections, p. 194);
    twice that is allowed for, and 1 cm.
    """
    stretch = 2.0 * float(center @ center) / (6.0 * EARTH_RADIUS_M**2)
    step = math.acos(1.0 - min(0.5, _SAGITTA_M / radius_m))
    count = min(max(math.ceil(math.pi / step), _LEAST_VERTICES), _MOST_VERTICES)
    reach_m = radius_m * (1.0 - stretch) - 0.01
    if not inner:
        reach_m = (radius_m * (1.0 + stretch) + 0.01) / math.cos(math.pi / count)
    angles = np.arange(count) * (2.0 * math.pi / count)
    return Polygon(center + reach_m * np.column_stack((np.cos(angles), np.sin(angles))))
