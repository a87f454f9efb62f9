"""The ground under a place: the port that terrain comes through, a schematic constant, and posts on a lattice.

Heights are AMSL: orthometric over EGM96, which is what SRTM holds; EGM2008 differs from it by decimetres.
Where there is no data the answer says so, as NaN or None, and an AGL leg there is refused, never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array

Indices = NDArray[np.int64]

# A place nearer than this share of the spacing to a post is on it: 30 µm for posts that are 1″ apart.
_ON_POST = 1e-6
# Posts that are looked at in one go, some 60 bytes each. A larger box is gone through in bands.
_MOST_POSTS = 1_000_000


class Terrain(Protocol):
    """Heights of the ground."""

    def heights_amsl_m(self, lonlat: Array) -> Array:
        """Heights at `lonlat`, (N, 2) degrees, as (N,); bilinear between posts, NaN where there is no data."""
        ...

    def ranges_amsl_m(self, boxes: Array) -> Array:
        """Lowest and highest ground of each box, (N, 2), never too narrow; NaN when any part of it has no data.

        `boxes`: (N, 4) degrees, west, south, east, north; one may be a line or a point.
        """
        ...

    def range_amsl_m(
        self, west_deg: float, south_deg: float, east_deg: float, north_deg: float
    ) -> tuple[float, float] | None:
        """Lowest and highest ground of one box, never too narrow; None when any part of it has no data."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in degrees, its edges included. Raises ValueError when it is turned over or leaves the globe."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.west_deg <= self.east_deg <= 180.0):
            raise ValueError(f"a box from {self.west_deg}° to {self.east_deg}° east")
        if not (-90.0 <= self.south_deg <= self.north_deg <= 90.0):
            raise ValueError(f"a box from {self.south_deg}° to {self.north_deg}° north")

    def contains(self, lonlat: Array) -> NDArray[np.bool_]:
        """Which of (N, 2) degrees lie in it, (N,)."""
        low, high = (self.west_deg, self.south_deg), (self.east_deg, self.north_deg)
        return np.asarray(((lonlat >= low) & (lonlat <= high)).all(axis=1))


@dataclass(frozen=True, slots=True)
class FlatTerrain:
    """A declared constant (schematic, 示意) within `box`; no data outside of it."""

    amsl_m: float
    box: Box

    def heights_amsl_m(self, lonlat: Array) -> Array:
        return np.where(self.box.contains(lonlat), self.amsl_m, np.nan)

    def ranges_amsl_m(self, boxes: Array) -> Array:
        inside = np.logical_and(self.box.contains(boxes[:, :2]), self.box.contains(boxes[:, 2:]))
        return np.where(inside[:, None], self.amsl_m, np.full((len(boxes), 2), np.nan))

    def range_amsl_m(
        self, west_deg: float, south_deg: float, east_deg: float, north_deg: float
    ) -> tuple[float, float] | None:
        return only_range(self, west_deg, south_deg, east_deg, north_deg)


def only_range(
    terrain: Terrain, west_deg: float, south_deg: float, east_deg: float, north_deg: float
) -> tuple[float, float] | None:
    """`range_amsl_m` out of `ranges_amsl_m`, for those who implement the port."""
    low_m, high_m = terrain.ranges_amsl_m(np.array([[west_deg, south_deg, east_deg, north_deg]]))[0].tolist()
    return None if math.isnan(low_m) or math.isnan(high_m) else (low_m, high_m)


@dataclass(frozen=True, slots=True)
class LayeredTerrain:
    """The first of `layers` that has data. A box must lie in one layer whole: one across their border has none."""

    layers: tuple[Terrain, ...]

    def heights_amsl_m(self, lonlat: Array) -> Array:
        found = np.full(len(lonlat), np.nan)
        for layer in self.layers:
            missing = np.isnan(found)
            found[missing] = layer.heights_amsl_m(lonlat[missing])
        return found

    def ranges_amsl_m(self, boxes: Array) -> Array:
        found = np.full((len(boxes), 2), np.nan)
        for layer in self.layers:
            missing = np.isnan(found).any(axis=1)
            found[missing] = layer.ranges_amsl_m(boxes[missing])
        return found

    def range_amsl_m(
        self, west_deg: float, south_deg: float, east_deg: float, north_deg: float
    ) -> tuple[float, float] | None:
        return only_range(self, west_deg, south_deg, east_deg, north_deg)


class Posts(Protocol):
    """Heights at the crossings of a lattice, however they are kept."""

    @property
    def lattice(self) -> Lattice: ...

    def at(self, rows: Indices, columns: Indices) -> Array:
        """Heights AMSL of posts by row and column, (N,) each; NaN where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where posts lie: row 0 at `north_deg` going south, column 0 at `west_deg` going east, steps > 0."""

    west_deg: float
    north_deg: float
    step_lon_deg: float
    step_lat_deg: float

    def rows(self, lat_deg: Array) -> Array:
        """Latitudes in rows, fractions included."""
        return _snapped((self.north_deg - lat_deg) / self.step_lat_deg)

    def columns(self, lon_deg: Array) -> Array:
        """Longitudes in columns, fractions included."""
        return _snapped((lon_deg - self.west_deg) / self.step_lon_deg)


@dataclass(frozen=True, slots=True)
class LatticeTerrain:
    """Terrain out of posts."""

    posts: Posts

    def heights_amsl_m(self, lonlat: Array) -> Array:
        return bilinear(self.posts, lonlat)

    def ranges_amsl_m(self, boxes: Array) -> Array:
        lattice = self.posts.lattice
        known = _on_globe(boxes)
        sane = np.where(known[:, None], boxes, 0.0)
        found = np.full((len(boxes), 2), np.nan)
        window = np.column_stack(
            (
                np.floor(lattice.rows(sane[:, 3])), np.ceil(lattice.rows(sane[:, 1])),
                np.floor(lattice.columns(sane[:, 0])), np.ceil(lattice.columns(sane[:, 2])),
            )
        ).astype(np.int64)  # fmt: skip
        for part in _batches(window, np.flatnonzero(known)):
            found[part] = self._extremes(window[part])
        return found

    def _extremes(self, windows: Indices) -> Array:
        """Lowest and highest post of windows (N, 4) of first row, last row, first column, last column."""
        if len(windows) == 1:
            return self._extreme_of_one(windows[0])
        wide = windows[:, 3] - windows[:, 2] + 1
        count = (windows[:, 1] - windows[:, 0] + 1) * wide
        starts = np.cumsum(count) - count
        box = np.repeat(np.arange(len(windows)), count)
        place = np.arange(len(box)) - starts[box]
        heights = self.posts.at(windows[box, 0] + place // wide[box], windows[box, 2] + place % wide[box])
        return np.column_stack((np.minimum.reduceat(heights, starts), np.maximum.reduceat(heights, starts)))

    def _extreme_of_one(self, window: Indices) -> Array:
        first, last, left, right = window.tolist()
        band = max(1, _MOST_POSTS // (right - left + 1))
        low, high = np.inf, -np.inf
        columns = np.arange(left, right + 1)
        for top in range(first, last + 1, band):
            rows = np.arange(top, min(top + band, last + 1))
            heights = self.posts.at(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))
            low, high = np.minimum(low, heights.min()), np.maximum(high, heights.max())
            if np.isnan(low):
                break
        return np.array([[low, high]])

    def range_amsl_m(
        self, west_deg: float, south_deg: float, east_deg: float, north_deg: float
    ) -> tuple[float, float] | None:
        return only_range(self, west_deg, south_deg, east_deg, north_deg)


def bilinear(posts: Posts, lonlat: Array) -> Array:
    """Values at (N, 2) degrees, (N,); NaN beyond the posts and next to one without data that would count."""
    known = _on_globe(lonlat)
    sane = np.where(known[:, None], lonlat, 0.0)
    row, column = posts.lattice.rows(sane[:, 1]), posts.lattice.columns(sane[:, 0])
    north, west = np.floor(row), np.floor(column)
    total = np.zeros(len(lonlat))
    for down, down_share in ((0, 1.0 - (row - north)), (1, row - north)):
        for right, right_share in ((0, 1.0 - (column - west)), (1, column - west)):
            share = down_share * right_share
            value = posts.at(_index(north + down), _index(west + right))
            # A post without weight is not asked for: on the last row of the data there is none below.
            total += np.where(share > 0.0, share * value, 0.0)
    return np.where(known, total, np.nan)


@dataclass(frozen=True, slots=True)
class GridPosts:
    """Posts of one array, (rows, columns), row 0 in the north; `void` marks those without data, and so does NaN."""

    lattice: Lattice
    heights: NDArray[np.int16] | NDArray[np.float32]
    void: float | None = None

    def at(self, rows: Indices, columns: Indices) -> Array:
        high, wide = self.heights.shape
        inside = (rows >= 0) & (rows < high) & (columns >= 0) & (columns < wide)
        found = self.heights[np.where(inside, rows, 0), np.where(inside, columns, 0)].astype(np.float64)
        return np.where(inside & (found != self.void), found, np.nan)


def grid_terrain(
    heights: NDArray[np.int16] | NDArray[np.float32], lattice: Lattice, void: float | None = None
) -> LatticeTerrain:
    """Terrain of one array of posts."""
    return LatticeTerrain(GridPosts(lattice, heights, void))


def _on_globe(degrees: Array) -> NDArray[np.bool_]:
    """Which rows hold numbers that can be places; NaN cannot."""
    return np.asarray((np.abs(degrees) <= 360.0).all(axis=1))


def _snapped(position: Array) -> Array:
    nearest = np.round(position)
    return np.where(np.abs(position - nearest) < _ON_POST, nearest, position)


def _index(position: Array) -> Indices:
    return position.astype(np.int64)


def _batches(windows: Indices, which: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Runs of `which` whose windows hold at most `_MOST_POSTS` together; a larger window is a run of its own."""
    counts = (windows[:, 1] - windows[:, 0] + 1) * (windows[:, 3] - windows[:, 2] + 1)
    runs: list[list[int]] = []
    filled = _MOST_POSTS
    for index in which.tolist():
        filled += int(counts[index])
        if filled > _MOST_POSTS:
            runs.append([])
            filled = int(counts[index])
        runs[-1].append(index)
    return [np.array(run, dtype=np.intp) for run in runs]
