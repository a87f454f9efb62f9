"""An airspace version at one time around one place: its zones in metres, with their heights above home."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from core.altitude import Altitude, Datum
from geofence.areas import Shapes, areas_of
from geofence.frame import Array, LocalFrame
from geofence.freespace import FreeSpace
from geofence.maze import Maze
from geofence.obstacles import Zones
from geofence.rooms import Room, rooms_of
from geofence.scene import VERTICAL_MARGIN_M
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace, Combination, Role, Zone


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
    more_m: float = 0.0
    _mazes: dict[tuple[float, float], Maze] = field(default_factory=dict, repr=False)  # by margin; heights share them

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
        meets = {each: each.meets(window) for each in {zone.validity for zone in airspace.zones}}
        counted = [zone for zone in airspace.zones if zone.role is not Role.ADVISORY and meets[zone.validity]]
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
        return np.maximum(own, self.margin_m) + self.more_m

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

    def _rooms(self) -> tuple[Room, ...]:
        inclusions = [(one.shape, max(one.zone.margin_m, self.margin_m) + self.more_m) for one in self.inclusions]
        return rooms_of(inclusions, self.airspace.combination) if self.permitted else ()

    @property
    def _maze(self) -> Maze:
        margins = self.margin_m, self.more_m
        if margins not in self._mazes:
            self._mazes[margins] = Maze(self._rooms(), Zones(self.shapes, self.margins_m))
        return self._mazes[margins]

    def allowed(self) -> BaseGeometry:
        """Where flying is allowed by the combined inclusions, without margins; empty when nothing is."""
        shapes = [one.shape for one in self.inclusions]
        if not shapes or not self.permitted:
            return MultiPolygon()
        union = self.airspace.combination is Combination.UNION
        return shapely.union_all(shapes) if union else shapely.intersection_all(shapes)

    def open_below(self) -> Space:
        """The same, but nothing may be flown over, so that a vehicle can come down on the spot anywhere."""
        tall = tuple(replace(one, high_rel_m=math.inf) for one in self.exclusions)
        return replace(self, exclusions=tall)

    def with_margin(self, margin_m: float, *, more_m: float = 0.0) -> Space:
        """The same with at least `margin_m` to every zone, and `more_m` on top of every margin."""
        return replace(self, margin_m=margin_m, more_m=more_m)

    def met(self, low_rel_m: float, high_rel_m: float) -> NDArray[np.intp]:
        """The numbers of the exclusions that count at any height from `low_rel_m` to `high_rel_m`."""
        return np.flatnonzero((self.low_rel_m <= high_rel_m) & (self.high_rel_m >= low_rel_m))

    def layer(self, low_rel_m: float, high_rel_m: float) -> FreeSpace:
        """Where a way may run between these heights, with the vertical margin on both sides."""
        return FreeSpace(self._maze, self.met(low_rel_m - VERTICAL_MARGIN_M, high_rel_m + VERTICAL_MARGIN_M))


def _place(zones: Sequence[Zone], frame: LocalFrame, ground: Ground, reach_m: float) -> list[Placed]:
    """The zones in the plane; exclusions farther than `reach_m` from its centre are left out."""
    shapes = areas_of(zones, frame)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    near = _gap_m(bounds) <= reach_m
    near |= np.array([zone.role is Role.INCLUSION for zone in zones], dtype=np.bool_)
    boxes = (
        _boxes(bounds, frame) if ground.terrain is not None else np.full_like(bounds, np.nan)
    )  # only terrain asks where
    return [
        Placed(zones[number], shapes[number], *_heights(zones[number], boxes[number], ground))
        for number in np.flatnonzero(near).tolist()
    ]


def _gap_m(bounds: Array) -> Array:
    """How far boxes (N, 4) are from (0, 0)."""
    aside = np.maximum(0.0, np.maximum(bounds[:, :2], -bounds[:, 2:]))
    return np.asarray(np.hypot(*aside.T))


def _boxes(bounds: Array, frame: LocalFrame) -> Array:
    """Boxes (N, 4) in metres as degrees: west, south, east, north."""
    corners = frame.unproject(bounds[:, [[0, 1], [0, 3], [2, 1], [2, 3]]].reshape(-1, 2)).reshape(-1, 4, 2)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)


def _heights(zone: Zone, box: Array, ground: Ground) -> tuple[float, float]:
    """Between which heights above home the zone counts; over uneven ground never too narrow a band.

    That of an inclusion is never too wide.
    """
    band = zone.band
    floors = (-math.inf, -math.inf) if band.floor is None else ground.above_home_m(band.floor, box)
    ceilings = (math.inf, math.inf) if band.ceiling is None else ground.above_home_m(band.ceiling, box)
    narrow = zone.role is Role.INCLUSION
    return (floors[1], ceilings[0]) if narrow else (floors[0], ceilings[1])


def _array(shapes: Sequence[BaseGeometry]) -> Shapes:
    found = np.empty(len(shapes), dtype=np.object_)
    found[:] = shapes
    return found
