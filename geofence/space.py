"""An airspace version at one time around one place: its zones in metres, with their heights above home."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.altitude import Altitude, Datum
from core.geo import EARTH_RADIUS_M
from geofence.frame import Array, LocalFrame, densified, lonlat_array
from geofence.freespace import FreeSpace
from geofence.obstacles import Zones
from geofence.rooms import Room, rooms_of
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace, CircleShape, Combination, PolygonShape, Role, Zone

Shapes = NDArray[np.object_]
# Height error that plans allow for, see geofence.scene.
_VERTICAL_MARGIN_M = 5.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Home, which heights count from, and the ground: `terrain` None is flat, `home_agl_m` below home."""

    home_amsl_m: float = 0.0
    home_agl_m: float = 0.0
    terrain: Terrain | None = None

    def above_home_m(self, altitude: Altitude, box: Array) -> tuple[float, float]:
        """An altitude in metres above home over the ground in `box` (4,) degrees: the lowest and the highest.

        Over ground that is not known it may be anything.
        """
        match altitude.datum:
            case Datum.REL:
                return altitude.alt_m, altitude.alt_m
            case Datum.AMSL:
                return altitude.alt_m - self.home_amsl_m, altitude.alt_m - self.home_amsl_m
            case Datum.AGL:
                if self.terrain is None:
                    return altitude.alt_m - self.home_agl_m, altitude.alt_m - self.home_agl_m
                low_m, high_m = self.terrain.ranges_amsl_m(box[None, :])[0].tolist()
                if math.isnan(low_m) or math.isnan(high_m):
                    return -math.inf, math.inf
                return altitude.alt_m + low_m - self.home_amsl_m, altitude.alt_m + high_m - self.home_amsl_m


@dataclass(frozen=True, slots=True)
class Placed:
    """A zone, its area in the plane, and the heights above home between which it counts (infinite: unbounded)."""

    zone: Zone
    shape: BaseGeometry = field(repr=False)
    low_rel_m: float
    high_rel_m: float


@dataclass(frozen=True, eq=False)
class Space:
    """The zones that count in a time window. `permitted`: an inclusion holds during all of it, as flying needs."""

    airspace: Airspace
    frame: LocalFrame
    inclusions: tuple[Placed, ...]
    exclusions: tuple[Placed, ...]
    no_film: tuple[Placed, ...]
    permitted: bool
    margin_m: float = 0.0
    _layers: dict[bytes, FreeSpace] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        airspace: Airspace,
        frame: LocalFrame,
        window: TimeWindow,
        ground: Ground,
        *,
        reach_m: float = math.inf,
        margin_m: float = 0.0,
    ) -> Space:
        """Places the zones that count at any time of `window`; exclusions farther than `reach_m` are left out.

        An exclusion counts when it is valid at any instant of the window; an inclusion constrains then too, but
        permits only when it is valid at every instant. `margin_m`: the least margin to keep from any zone.
        """
        counted = [zone for zone in airspace.zones if zone.role is not Role.ADVISORY and zone.validity.meets(window)]
        union = airspace.combination is Combination.UNION
        lasting = [zone for zone in counted if zone.role is Role.INCLUSION and zone.validity.covers(window)]
        kept = [zone for zone in counted if not (union and zone.role is Role.INCLUSION and zone not in lasting)]
        placed = _place(kept, frame, ground, reach_m)
        return cls(
            airspace=airspace,
            frame=frame,
            inclusions=tuple(one for one in placed if one.zone.role is Role.INCLUSION),
            exclusions=tuple(one for one in placed if one.zone.role is Role.EXCLUSION),
            no_film=tuple(one for one in placed if one.zone.role is Role.NO_FILM),
            permitted=bool(lasting),
            margin_m=margin_m,
        )

    @cached_property
    def shapes(self) -> Shapes:
        """The exclusions' areas, (N,)."""
        return _array([one.shape for one in self.exclusions])

    @cached_property
    def margins_m(self) -> Array:
        """The distance to keep from each exclusion, (N,)."""
        own = np.array([one.zone.margin_m for one in self.exclusions], dtype=np.float64)
        return np.maximum(own, self.margin_m)

    @cached_property
    def low_rel_m(self) -> Array:
        """The lowest height at which each exclusion counts, (N,)."""
        return np.array([one.low_rel_m for one in self.exclusions], dtype=np.float64)

    @cached_property
    def high_rel_m(self) -> Array:
        """The greatest height at which each exclusion counts, (N,)."""
        return np.array([one.high_rel_m for one in self.exclusions], dtype=np.float64)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The exclusions' areas, indexed."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def _rooms(self) -> tuple[Room, ...]:
        inclusions = [(one.shape, max(one.zone.margin_m, self.margin_m)) for one in self.inclusions]
        return rooms_of(inclusions, self.airspace.combination) if self.permitted else ()

    @cached_property
    def _widened(self) -> Zones:
        return Zones(self.shapes, self.margins_m)

    def allowed(self) -> BaseGeometry:
        """Where flying is allowed by the combined inclusions, without margins; empty when nothing is."""
        shapes = [one.shape for one in self.inclusions]
        if not shapes or not self.permitted:
            return MultiPolygon()
        union = self.airspace.combination is Combination.UNION
        return shapely.union_all(shapes) if union else shapely.intersection_all(shapes)

    def met(self, low_rel_m: float, high_rel_m: float) -> NDArray[np.intp]:
        """The numbers of the exclusions that count at any height from `low_rel_m` to `high_rel_m`."""
        return np.flatnonzero((self.low_rel_m <= high_rel_m) & (self.high_rel_m >= low_rel_m))

    def layer(self, low_rel_m: float, high_rel_m: float) -> FreeSpace:
        """Where a way may run between these heights, with the vertical margin on both sides."""
        met = self.met(low_rel_m - _VERTICAL_MARGIN_M, high_rel_m + _VERTICAL_MARGIN_M)
        key = met.tobytes()
        if key not in self._layers:
            self._layers[key] = FreeSpace(self._rooms, self._widened, met)
        return self._layers[key]


def _place(zones: Sequence[Zone], frame: LocalFrame, ground: Ground, reach_m: float) -> list[Placed]:
    """All zones in one projection: one by one 2 000 of them take a second, together some 50 ms."""
    polygons = [zone for zone in zones if isinstance(zone.shape, PolygonShape)]
    shapes = dict(zip((zone.id for zone in polygons), _polygons(polygons, frame), strict=True))
    for zone in zones:
        if isinstance(zone.shape, CircleShape):
            shapes[zone.id] = _circle(zone.shape, frame, inner=zone.role is Role.INCLUSION)
    placed = []
    for zone in zones:
        shape = shapes[zone.id]
        if zone.role is Role.INCLUSION or not math.isfinite(reach_m) or _within(shape, reach_m):
            placed.append(Placed(zone, shape, *_heights(zone, shape, frame, ground)))
    return placed


def _within(shape: BaseGeometry, reach_m: float) -> bool:
    left, low, right, high = shape.bounds
    return bool(np.hypot(max(left, -right, 0.0), max(low, -high, 0.0)) <= reach_m)


def _polygons(zones: Sequence[Zone], frame: LocalFrame) -> Shapes:
    """The areas of polygon zones; edges straight in lat/lon."""
    if not zones:
        return np.empty(0, dtype=np.object_)
    rings: list[tuple[int, Array]] = []
    for number, zone in enumerate(zones):
        assert isinstance(zone.shape, PolygonShape)
        rings += [(number, lonlat_array((*ring, ring[0]))) for ring in (zone.shape.outer, *zone.shape.holes)]
    lonlat = [densified(ring) if _has_long_edge(ring) else ring for _, ring in rings]
    ring_of = np.repeat(np.arange(len(lonlat)), [len(ring) for ring in lonlat])
    made = np.asarray(shapely.linearrings(frame.project(np.concatenate(lonlat)), indices=ring_of))
    found: Shapes = np.asarray(shapely.polygons(made, indices=np.array([number for number, _ in rings])))
    return found


def _has_long_edge(ring: Array) -> bool:
    """Whether an edge may be longer than what is straight enough in both metrics (`frame.LONGEST_EDGE_M`)."""
    return bool((np.ptp(ring, axis=0) > _SHORT_DEG).any())


# No edge of a ring whose extent is less than this is longer than 1.6 km.
_SHORT_DEG = 0.01


def _circle(shape: CircleShape, frame: LocalFrame, *, inner: bool) -> BaseGeometry:
    """A regular polygon within the circle if `inner`, else containing it.

    The plane stretches across the line of sight by d² / 6 R², 10 ppm at 50 km (Snyder, Map Projections, p. 194);
    twice that is allowed for, and 1 cm.
    """
    center = frame.to_xy((shape.center,))[0]
    stretch = 2.0 * float(center @ center) / (6.0 * EARTH_RADIUS_M**2)
    count = int(np.clip(math.ceil(math.pi / math.acos(1.0 - min(0.5, _SAGITTA_M / shape.radius_m))), 16, 128))
    reach_m = shape.radius_m * (1.0 - stretch) - 0.01
    if not inner:
        reach_m = (shape.radius_m * (1.0 + stretch) + 0.01) / math.cos(math.pi / count)
    angles = np.linspace(0.0, 2.0 * math.pi, count, endpoint=False)
    return Polygon(center + reach_m * np.column_stack((np.cos(angles), np.sin(angles))))


# How far the edges of a circle's polygon may be from it.
_SAGITTA_M = 0.3


def _heights(zone: Zone, shape: BaseGeometry, frame: LocalFrame, ground: Ground) -> tuple[float, float]:
    """Between which heights above home the zone counts; over uneven ground never too narrow a band."""
    band = zone.band
    if band.floor is None and band.ceiling is None:
        return -math.inf, math.inf
    left, low, right, high = shape.bounds
    corners = frame.unproject(np.array([(left, low), (left, high), (right, low), (right, high)]))
    box = np.concatenate((corners.min(axis=0), corners.max(axis=0)))
    narrow = zone.role is Role.INCLUSION
    floors = (-math.inf, -math.inf) if band.floor is None else ground.above_home_m(band.floor, box)
    ceilings = (math.inf, math.inf) if band.ceiling is None else ground.above_home_m(band.ceiling, box)
    return (floors[1], ceilings[0]) if narrow else (floors[0], ceilings[1])


def _array(shapes: Sequence[BaseGeometry]) -> Shapes:
    found = np.empty(len(shapes), dtype=np.object_)
    found[:] = shapes
    return found
