"""The areas of many zones in the plane, in one projection: one by one 2 000 of them take a second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray

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
    if circles:
        inner = np.array([zones[number].role is Role.INCLUSION for number, _ in circles])
        found[[number for number, _ in circles]] = _circles([shape for _, shape in circles], inner, frame)
    return found


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
    parts, done = [], 0
    for ring in np.flatnonzero((extent > _SHORT_DEG).any(axis=1)).tolist():
        after = int(starts[ring] + counts[ring])
        dense = densified(lonlat[starts[ring] : after])
        parts += [lonlat[done : starts[ring]], dense]
        done, counts[ring] = after, len(dense)
    lonlat = np.concatenate((*parts, lonlat[done:]))
    return lonlat, np.repeat(np.arange(len(counts)), counts)


def _circles(shapes: Sequence[CircleShape], inner: NDArray[np.bool_], frame: LocalFrame) -> Shapes:
    """A regular polygon for each: within the circle where `inner` (N,) says so, else containing it.

    The plane stretches across the line of sight by d² / 6 R², 10 ppm at 50 km (Snyder, Map Projections, p. 194);
    twice that is allowed for, and 1 cm.
    """
    places = lonlat_array(shape.center for shape in shapes)
    centers = frame.project(places)
    radii_m = np.array([shape.radius_m for shape in shapes]) * _in_both_metrics(places[:, 1], inner)
    stretch = 2.0 * (centers * centers).sum(axis=1) / (6.0 * EARTH_RADIUS_M**2)
    steps = np.arccos(1.0 - np.minimum(0.5, _SAGITTA_M / radii_m))
    counts = np.clip(np.ceil(np.pi / steps), _LEAST_VERTICES, _MOST_VERTICES).astype(np.intp)
    around_m = (radii_m * (1.0 + stretch) + 0.01) / np.cos(np.pi / counts)
    reach_m = np.where(inner, radii_m * (1.0 - stretch) - 0.01, around_m)
    of = np.repeat(np.arange(len(counts)), counts + 1)
    angles = (np.arange(len(of)) - np.searchsorted(of, of)) % counts[of] * (2.0 * np.pi / counts[of])
    vertices = centers[of] + reach_m[of, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    return np.asarray(shapely.polygons(shapely.linearrings(vertices, indices=of)))


def _in_both_metrics(lats_deg: Array, inner: NDArray[np.bool_]) -> Array:
    """The factors that draw circles larger, or smaller where `inner`, so that they hold in ArduPilot's metric too.

    That has 111 318.845 m to every degree: it reads east-west shorter than the ellipsoid's radius of curvature in the
    prime vertical says, N, and north-south longer than that in the meridian, M (planning guide, section 9.1).
    """
    flat_m = math.degrees(111_318.845)
    squared = 1.0 - _E2 * np.sin(np.radians(lats_deg)) ** 2
    smaller = np.minimum(1.0, _A_M * (1.0 - _E2) / squared**1.5 / flat_m)
    return np.where(inner, smaller, np.maximum(1.0, _A_M / np.sqrt(squared) / flat_m))
