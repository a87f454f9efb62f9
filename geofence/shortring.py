"""The ring with the fewest vertices between an inner and an outer bound, over the vertices of a given ring."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

# Vertices looked at, and how many of the ones that follow each may be joined to it directly.
_MOST = 280
_REACH = 90


def short_ring(region: Polygon, inner: BaseGeometry, outer: BaseGeometry) -> Array | None:
    """A closed ring, (N, 2) metres, that runs within `outer` and outside of `inner`; None when none was found.

    A shortest path over the allowed chords between the vertices of `region`'s outer ring (Imai and Iri,
    Computational-geometric methods for polygonal approximations of a curve, 1986), from one fixed vertex round to it.
    """
    points = _vertices(region)
    if len(points) < 4:
        return None
    tube = shapely.difference(outer, inner)
    shapely.prepare(tube)
    points = np.roll(points, -_corner(points), axis=0)
    closed = np.vstack((points, points[:1]))
    before = _fewest(closed, tube)
    return None if before is None else closed[before]


def _vertices(region: Polygon) -> Array:
    """The outer ring, thinned and evened out to at most `_MOST` vertices, open."""
    ring = region.exterior
    for tolerance in (0.2, 0.5, 1.0, 2.0):
        thin = ring.simplify(tolerance)
        if shapely.get_num_coordinates(thin) <= _MOST // 2:
            break
    step_m = max(4.0, ring.length / (_MOST / 2))
    points = shapely.get_coordinates(shapely.segmentize(thin, step_m))[:-1]
    if len(points) <= _MOST:
        return points
    chosen: Array = points[np.linspace(0, len(points) - 1, _MOST).astype(int)]
    return chosen


def _corner(points: Array) -> int:
    """The lowest vertex, which a shortest ring most likely keeps."""
    return int(np.argmin(points[:, 1]))


def _fewest(closed: Array, tube: BaseGeometry) -> list[int] | None:
    """Indices of the vertices of the path with the fewest chords from the first to the last."""
    last = len(closed) - 1
    chords = np.full(last + 1, np.inf)
    came_from = np.full(last + 1, -1)
    chords[0] = 0
    for index in range(last):
        if not np.isfinite(chords[index]):
            continue
        ahead = np.arange(index + 1, min(index + _REACH, last) + 1)
        ahead = ahead[chords[ahead] > chords[index] + 1]
        if not len(ahead):
            continue
        ends = np.stack(np.broadcast_arrays(closed[index], closed[ahead]), axis=1)
        better = ahead[shapely.covers(tube, shapely.linestrings(ends))]
        chords[better] = chords[index] + 1
        came_from[better] = index
    if not np.isfinite(chords[last]):
        return None
    walked = [last]
    while walked[-1] != 0:
        walked.append(int(came_from[walked[-1]]))
    return walked[::-1]
