"""Zones made ready once for many proofs, and how near each piece of a flight comes to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from core.altitude import Altitude, Datum
from geofence.window import ALWAYS, TimeWindow
from geofence.zones import CircleShape, PolygonShape, Role, Zone
from missions.prove.parts import Parts, Planes, Shapes
from missions.prove.planes import Array, Plane, degrees_of, densified

Indices = NDArray[np.intp]

# How far beyond its margin a zone is still looked at, so that a proof can say how much room there is.
LOOK_M = 50.0
# More than any `margin_budget_m` plus what retracing adds.
_MOST_BUDGET_M = 25.0
# A line straight in degrees lies up to 30 m beside the one of the plane when it is 50 km long (planning guide, 9.1).
_BEND_M = 35.0
_DATUMS = {Datum.REL: 0, Datum.AMSL: 1, Datum.AGL: 2}


@dataclass(frozen=True, slots=True)
class Ends:
    """One end of the bands of Z zones: `alt_m` (±inf where there is none), `datum` 0 above home, 1 AMSL, 2 AGL."""

    alt_m: Array
    datum: NDArray[np.int8]


class ZoneIndex:
    """Z zones of one role, projected by nobody yet: shapes in degrees and a tree of the boxes that matter.

    `shapes` (Z,): polygons, edges straight in degrees and cut to 500 m; a circle is its centre, and then `radius_m`
    is not 0. Built once, it serves proofs of any number of plans.
    """

    def __init__(self, zones: Iterable[Zone]) -> None:
        self.zones = tuple(zones)
        self.radius_m = np.array([_radius_m(zone) for zone in self.zones], dtype=np.float64)
        self.margin_m = np.array([zone.margin_m for zone in self.zones], dtype=np.float64)
        self.floor = _ends([zone.band.floor for zone in self.zones], -np.inf)
        self.ceiling = _ends([zone.band.ceiling for zone in self.zones], np.inf)
        self.shapes = _shapes(self.zones)
        reach_m = _reach_m(self.radius_m, self.margin_m)
        self._tree = shapely.STRtree(boxes(widened(shapely.bounds(self.shapes), reach_m)))

    def __len__(self) -> int:
        return len(self.zones)

    def near(self, shapes: Shapes) -> tuple[Indices, Indices]:
        """Pairs of shape, in degrees, and zone that may be within reach of one another."""
        if not len(self.zones) or not len(shapes):
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        found = self._tree.query(shapes, predicate="intersects")
        return found[0].astype(np.intp), found[1].astype(np.intp)

    def counted(self, which: Indices, window: TimeWindow) -> NDArray[np.bool_]:
        """Which of these zones count at any time in `window`."""
        counts = {
            index: self.zones[index].validity is ALWAYS or self.zones[index].validity.meets(window)
            for index in set(which.tolist())
        }
        return np.array([counts[index] for index in which.tolist()], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Pairs:
    """K pairs of a part and a zone near it. `gap_m`: the lesser distance of both planes, exact; 0 where they meet."""

    part: Indices
    zone: Indices
    gap_m: Array


def pairs(parts: Parts, index: ZoneIndex, planes: Planes, window: TimeWindow) -> Pairs:
    """Every zone that counts in `window` near every part."""
    part, zone = index.near(parts.lonlat)
    counted = index.counted(zone, window)
    part, zone = part[counted], zone[counted]
    unique, back = np.unique(zone, return_inverse=True)
    true = shapely.distance(parts.true[part], in_plane(index.shapes[unique], planes.true)[back])
    flat = shapely.distance(parts.flat[part], in_plane(index.shapes[unique], planes.flat)[back])
    return Pairs(part, zone, np.maximum(np.minimum(true, flat) - index.radius_m[zone], 0.0))


def boxes(bounds: Array) -> Shapes:
    """Rectangles (N,) of bounds (N, 4)."""
    return np.asarray(shapely.box(*bounds.T))


def in_plane(shapes: Shapes, plane: Plane) -> Shapes:
    """Shapes in degrees as shapes in metres."""
    return np.asarray(shapely.transform(shapes, plane.to_xy)) if len(shapes) else shapes


def widened(boxes: Array, metres: Array) -> Array:
    """Boxes (N, 4) in degrees, each wider by at least `metres` (N,) on all sides."""
    lon, lat = degrees_of(metres, np.maximum(np.abs(boxes[:, 1]), np.abs(boxes[:, 3])))
    return boxes + np.column_stack((-lon, -lat, lon, lat))


def near_to(zones: Iterable[Zone], box: Array) -> tuple[Zone, ...]:
    """The zones that a `ZoneIndex` could find near anything in `box` (4,) degrees; the others need no shape."""
    kept = tuple(zones)
    rings = [(zone.shape.center,) if isinstance(zone.shape, CircleShape) else zone.shape.outer for zone in kept]
    if not rings:
        return ()
    counts = np.array([len(ring) for ring in rings])
    starts = np.cumsum(counts) - counts
    lonlat = np.array([(at.lon_deg, at.lat_deg) for ring in rings for at in ring], dtype=np.float64)
    low, high = np.minimum.reduceat(lonlat, starts), np.maximum.reduceat(lonlat, starts)
    radii_m = np.array([_radius_m(zone) for zone in kept], dtype=np.float64)
    margins_m = np.array([zone.margin_m for zone in kept], dtype=np.float64)
    around = widened(np.concatenate((low, high), axis=1), _reach_m(radii_m, margins_m))
    # An edge over the 180th meridian goes the short way, out of the box of its ends.
    meets = (high - low)[:, 0] > 180.0
    meets |= ((around[:, :2] <= box[2:]) & (around[:, 2:] >= box[:2])).all(axis=1)
    return tuple(kept[number] for number in np.flatnonzero(meets))


def of_role(zones: Iterable[Zone], role: Role) -> tuple[Zone, ...]:
    """The zones of one role."""
    return tuple(zone for zone in zones if zone.role is role)


def _reach_m(radii_m: Array, margins_m: Array) -> Array:
    """How far from a zone's corners, or its centre, something may be that is still looked at."""
    return np.asarray(1.01 * radii_m + np.maximum(margins_m, _MOST_BUDGET_M) + LOOK_M + _BEND_M)


def _ends(altitudes: list[Altitude | None], unbounded: float) -> Ends:
    return Ends(
        np.array([unbounded if end is None else end.alt_m for end in altitudes], dtype=np.float64),
        np.array([0 if end is None else _DATUMS[end.datum] for end in altitudes], dtype=np.int8),
    )


def _radius_m(zone: Zone) -> float:
    return zone.shape.radius_m if isinstance(zone.shape, CircleShape) else 0.0


def _shapes(zones: tuple[Zone, ...]) -> Shapes:
    """All shapes in degrees (Z,), made in one go: rings of polygons end to end."""
    corners: list[tuple[float, float]] = []
    ring_of: list[int] = []
    polygon_of: list[int] = []
    polygons: list[int] = []
    made = np.empty(len(zones), dtype=object)
    for number, zone in enumerate(zones):
        match zone.shape:
            case CircleShape(center):
                made[number] = shapely.Point(center.lon_deg, center.lat_deg)
            case PolygonShape(outer, holes):
                for ring in (outer, *holes):
                    corners += [(at.lon_deg, at.lat_deg) for at in (*ring, ring[0])]
                    ring_of += [len(polygon_of)] * (len(ring) + 1)
                    polygon_of.append(len(polygons))
                polygons.append(number)
    if polygons:
        points, rings = densified(np.array(corners, dtype=np.float64), np.array(ring_of, dtype=np.intp))
        lines = np.asarray(shapely.linearrings(points, indices=rings))
        made[polygons] = shapely.polygons(lines, indices=polygon_of)
    return made
