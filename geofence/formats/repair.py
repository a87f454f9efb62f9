"""Rings that cross themselves or each other have two readings; a repair takes the safe one.

The even-odd reading holds the places that a ring winds around an odd number of times, the non-zero reading all that
it winds around at all. Drawing programs, geometry libraries and autopilots disagree on which of them counts, so an
exclusion takes all that any reading covers and an inclusion what every one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geofence.formats.intake import MOST_CROSSINGS, Intake, refusal
from geofence.frame import Array

MOST_REPAIRED_RINGS = 200
SMALLEST_AREA_M2 = 1.0  # of a ring, as everywhere in `geofence.geometry`
_GEOD = pyproj.Geod(ellps="WGS84")
# A part too small to be a ring of its own grows by this before it joins the rest: about 2 m, degrees of latitude.
_GROWTH_DEG = 2e-5
_EDGES_AT_ONCE = 64
_GRID_DEG = 1e-9  # a tenth of a millimetre


@dataclass(frozen=True, slots=True)
class Repaired:
    """Parts (N ≥ 0, each valid, in degrees) and what the choice gained (+) or cost (-) against the other reading."""

    parts: tuple[Polygon, ...]
    change_m2: float


def is_sound(polygon: Polygon) -> bool:
    """Whether the rings mean one area only, and none of them is too small to keep."""
    if not polygon.is_valid:
        return False
    return all(_area_m2(Polygon(ring)) >= SMALLEST_AREA_M2 for ring in (polygon.exterior, *polygon.interiors))


def repaired(outer: Array, holes: Sequence[Array], *, larger: bool, path: str, intake: Intake) -> Repaired:
    """The safe reading of closed rings, (N, 2) degrees: all that any reading covers, or only what every one does.

    Raises InvalidRequest when the rings cross too often to be meant.
    """
    if 1 + len(holes) > MOST_REPAIRED_RINGS:
        raise refusal(path, f"the rings cross, and there are too many to repair: more than {MOST_REPAIRED_RINGS}")
    odd, wound = _readings(outer, path, intake)
    inner = [_readings(hole, path, intake) for hole in holes]
    odd_holes: BaseGeometry = MultiPolygon()
    for each, _ in inner:
        odd_holes = odd_holes ^ each
    wound_holes = shapely.union_all([each[1] for each in inner])
    # A hole outside of its ring is filled by the even-odd rule, as is what two holes share.
    largest = shapely.union_all([wound - odd_holes, odd ^ odd_holes, wound_holes - wound])
    smallest = odd - wound_holes
    area = _without_slivers(largest if larger else smallest, larger=larger)
    if not larger:
        area = max(_polygons(area), key=lambda part: part.area, default=MultiPolygon())
    if not area.is_valid:
        raise refusal(path, f"the rings cross and could not be repaired: {shapely.is_valid_reason(area)}")
    other = smallest if larger else largest
    return Repaired(_polygons(area), _areas_m2(area) - _areas_m2(other))


def check_tangle(lonlat: Array, path: str, intake: Intake) -> None:
    """Raises InvalidRequest when so many edges lie across each other that a test of the ring would take long.

    Counted are pairs of edges whose boxes meet, `Intake.edge_pairs` of them in a file: real rings have about three
    an edge, a hatching of N long edges N² / 2.
    """
    edges = _edges(lonlat)
    tree = shapely.STRtree(edges)
    for start in range(0, len(edges), _EDGES_AT_ONCE):
        intake.edge_pairs -= tree.query(edges[start : start + _EDGES_AT_ONCE]).shape[1]
        if intake.edge_pairs < 0:
            raise refusal(path, "too many edges of the file lie across each other to be checked")


def _readings(ring: Array, path: str, intake: Intake) -> tuple[BaseGeometry, BaseGeometry]:
    """The even-odd and the non-zero reading of a closed ring, (N, 2) degrees. The first lies in the second."""
    _count_crossings(ring, path, intake)
    faces = np.asarray(shapely.get_parts(shapely.polygonize([_noded(ring)])))
    if not len(faces):
        return MultiPolygon(), MultiPolygon()
    turns = _turns(ring, shapely.get_coordinates(shapely.point_on_surface(faces)))
    return shapely.union_all(faces[turns % 2 == 1]), shapely.union_all(faces[turns != 0])


def _noded(ring: Array) -> BaseGeometry:
    """The ring as lines that meet at their ends only. On a grid: without one GEOS loses faces of edges that nearly
    coincide, and with them a part of an exclusion."""
    return shapely.union_all([LineString(ring)], grid_size=_GRID_DEG)


def _count_crossings(ring: Array, path: str, intake: Intake) -> None:
    """Spends the file's crossings: each makes a face, and each face costs a look at every edge.

    An edge meets itself and its two neighbours anyway; every other meeting is found from both sides.
    """
    edges = _edges(ring)
    tree = shapely.STRtree(edges)
    for start in range(0, len(edges), _EDGES_AT_ONCE):
        some = edges[start : start + _EDGES_AT_ONCE]
        intake.crossings -= max(0, tree.query(some, predicate="intersects").shape[1] - 3 * len(some)) / 2
        if intake.crossings < 0:
            raise refusal(path, f"the rings of the file cross more than {MOST_CROSSINGS} times; that is not repaired")


def _edges(ring: Array) -> NDArray[np.object_]:
    return np.asarray(shapely.linestrings(np.stack((ring[:-1], ring[1:]), axis=1)))


def _turns(ring: Array, points: Array) -> NDArray[np.intp]:
    """How often the closed ring winds around each of `points` (M, 2). Source: Sunday, "Inclusion of a point in a
    polygon": edges that cross the point's height to its left of travel count +1 upward, -1 downward."""
    x0, y0 = ring[:-1].T
    x1, y1 = ring[1:].T
    found = np.empty(len(points), dtype=np.intp)
    for index, (x, y) in enumerate(points):
        side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        up = (y0 <= y) & (y1 > y) & (side > 0)
        down = (y0 > y) & (y1 <= y) & (side < 0)
        found[index] = np.count_nonzero(up) - np.count_nonzero(down)
    return found


def _without_slivers(area: BaseGeometry, *, larger: bool) -> BaseGeometry:
    """Parts and holes of less than a square metre settled on the safe side.

    A larger reading grows by its small parts and fills its small holes; a smaller one loses both.
    """
    parts = _polygons(area)
    small = [part for part in parts if _area_m2(part) < SMALLEST_AREA_M2]
    kept = [part for part in parts if _area_m2(part) >= SMALLEST_AREA_M2]
    pits = [pit for part in kept for ring in part.interiors if _area_m2(pit := Polygon(ring)) < SMALLEST_AREA_M2]
    if not small and not pits:
        return area
    if larger:
        return shapely.union_all([*kept, *pits, *(part.buffer(_GROWTH_DEG) for part in small)])
    return shapely.union_all(kept) - shapely.union_all([pit.buffer(_GROWTH_DEG) for pit in pits])


def _polygons(area: BaseGeometry) -> tuple[Polygon, ...]:
    parts = shapely.get_parts(area).tolist()
    return tuple(part for part in parts if isinstance(part, Polygon) and not part.is_empty)


def _areas_m2(area: BaseGeometry) -> float:
    return sum(_area_m2(part) for part in _polygons(area))


def _area_m2(polygon: Polygon) -> float:
    """Area on the ellipsoid, holes left out, edges geodesic."""
    found, _ = _GEOD.geometry_area_perimeter(shapely.orient_polygons(polygon))
    return abs(float(found))
