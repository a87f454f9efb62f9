"""Heights above home of the ground and of zones' bands, and whether a flight stays between floor and ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from missions.prove.facts import VERTICAL_MARGIN_M
from missions.prove.ground import Ends, Indices, ZoneIndex, boxes, widened
from missions.prove.parts import Parts, Shapes
from missions.prove.planes import Array

# Ground that counts beside a line: position and cross-track error (planning guide, section 9.3).
_ASIDE_M = 5.0
# Returns over terrain are looked at cell by cell, about two posts of SRTM1 wide, wider for a very large flight.
_CELL_M = 60.0
_MOST_CELLS_A_SIDE = 150


class GroundHeights(Protocol):
    """What the proof asks of terrain (`geofence.terrain.Terrain`)."""

    def ranges_amsl_m(self, boxes: Array) -> Array:
        """Lowest and highest ground of boxes (N, 4) in degrees, west, south, east, north; NaN without data."""
        ...


@dataclass(frozen=True, slots=True)
class Heights:
    """Heights around one home. `terrain` None: flat ground, `home_agl_m` below home."""

    home_amsl_m: float
    home_agl_m: float
    terrain: GroundHeights | None

    def ground_rel_m(self, bounds: Array) -> Array:
        """Lowest and highest ground above home of bounds (N, 4), as (N, 2); NaN where there are no data."""
        if self.terrain is None:
            return np.full((len(bounds), 2), -self.home_agl_m)
        if not len(bounds):
            return np.empty((0, 2))
        return np.asarray(self.terrain.ranges_amsl_m(bounds)) - self.home_amsl_m

    def above_home(self, ends: Ends, which: Indices, ground_rel_m: Array) -> Array:
        """The ends of these zones in metres above home (K,); `ground_rel_m` (K,) for those told in AGL."""
        datum = ends.datum[which]
        moved = np.where(datum == 1, -self.home_amsl_m, np.where(datum == 2, ground_rel_m, 0.0))
        # An end that is not there stays at infinity even where the ground is not known.
        return np.where(np.isinf(ends.alt_m[which]), ends.alt_m[which], ends.alt_m[which] + moved)

    def met(self, parts: Parts, part: Indices, index: ZoneIndex, zone: Indices) -> NDArray[np.bool_]:
        """Whether each part comes within the vertical margin of the band of the zone beside it; unknown ground: yes.

        An AGL band is taken at its widest over the ground that both of them have in common.
        """
        ground = np.zeros((len(part), 2))
        asks = (index.floor.datum[zone] == 2) | (index.ceiling.datum[zone] == 2)
        if asks.any():
            ground[asks] = self.ground_rel_m(_common(parts.lonlat[part[asks]], index, zone[asks]))
        floor = self.above_home(index.floor, zone, ground[:, 0])
        ceiling = self.above_home(index.ceiling, zone, ground[:, 1])
        apart = floor > parts.high_rel_m[part] + VERTICAL_MARGIN_M
        apart |= ceiling < parts.low_rel_m[part] - VERTICAL_MARGIN_M
        return np.asarray(~apart)


@dataclass(frozen=True, slots=True)
class Samples:
    """S pieces of parts with the ground under them: `part` (S,) and lowest and highest ground above home (S, 2)."""

    part: Indices
    ground_rel_m: Array


def samples(parts: Parts, heights: Heights) -> Samples:
    """The ground under every part, in cells; flat ground is one sample each."""
    if heights.terrain is None:
        every = np.arange(len(parts))
        return Samples(every, heights.ground_rel_m(np.empty((len(parts), 4))))
    part, cells = _cells(parts.lonlat)
    used, back = np.unique(cells, axis=0, return_inverse=True)
    ground = heights.ground_rel_m(widened(used, np.full(len(used), _ASIDE_M)))
    return Samples(part, ground[back.ravel()])


def _cells(shapes: Shapes) -> tuple[Indices, Array]:
    """Pairs of a shape and a cell (4,) in degrees that it meets; every shape meets one at least."""
    west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
    high = max(1, min(_MOST_CELLS_A_SIDE, math.ceil((north - south) * 111_000.0 / _CELL_M)))
    wide = max(1, min(_MOST_CELLS_A_SIDE, math.ceil((east - west) * 111_000.0 / _CELL_M)))
    lon, lat = np.linspace(west, east, wide + 1), np.linspace(south, north, high + 1)
    left, low = (grid.ravel() for grid in np.meshgrid(lon[:-1], lat[:-1]))
    right, top = (grid.ravel() for grid in np.meshgrid(lon[1:], lat[1:]))
    # Cells touch their neighbours' shapes too: a hair wider, none falls between two of them.
    cells = np.column_stack((left, low, right, top)) + np.array([-1e-9, -1e-9, 1e-9, 1e-9])
    part, cell = shapely.STRtree(boxes(cells)).query(shapes, predicate="intersects")
    return part.astype(np.intp), cells[cell]


def _common(shapes: Shapes, index: ZoneIndex, zone: Indices) -> Array:
    """Boxes (K, 4) of what a shape and a zone with its margin have in common; the shape's own where nothing is."""
    first = widened(shapely.bounds(shapes), np.full(len(zone), _ASIDE_M))
    reach = 1.01 * index.radius_m[zone] + np.maximum(index.margin_m[zone], 25.0)
    second = widened(shapely.bounds(index.shapes[zone]), reach)
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    both = np.concatenate((low, high), axis=1)
    return np.where(np.asarray((low <= high).all(axis=1))[:, None], both, first)
