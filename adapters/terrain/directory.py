"""A folder of elevation tiles as one terrain: heads are read at once, posts when they are needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adapters.terrain.geotiff import geotiff_tile
from adapters.terrain.hgt import hgt_tile
from adapters.terrain.tile import BadTile, Tile
from geofence.frame import Array
from geofence.terrain import Indices, Lattice, LatticeTerrain, LayeredTerrain, Terrain

MOST_TILES = 10_000
CACHE_BYTES = 256 * 1024 * 1024
_READERS = {".hgt": hgt_tile, ".tif": geotiff_tile, ".tiff": geotiff_tile}
# Posts of two tiles are on one lattice when their steps agree to this share and their places to that of a step.
_SAME_STEP, _SAME_PLACE = 1e-9, 1e-3


def open_tiles(folder: Path, *, cache_bytes: int = CACHE_BYTES) -> Terrain:
    """Every `.hgt`, `.tif` and `.tiff` file directly in `folder`, the finest first where they overlap.

    Tiles on one lattice join without a seam. At most `cache_bytes` of posts stay in memory (one tile does in any
    case); the tile used longest ago goes first. Raises BadTile here for a bad head, later for damaged posts.
    """
    paths = sorted(path for path in _listed(folder) if path.suffix.lower() in _READERS)
    if not paths:
        raise BadTile(folder, "holds no .hgt or .tif file")
    if len(paths) > MOST_TILES:
        raise BadTile(folder, f"holds {len(paths)} tiles; at most {MOST_TILES} are read")
    cache = TileCache(cache_bytes)
    mosaics = _mosaics([_READERS[path.suffix.lower()](path) for path in paths])
    layers = [LatticeTerrain(MosaicPosts(tiles, cache)) for tiles in mosaics]
    return layers[0] if len(layers) == 1 else LayeredTerrain(tuple(layers))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise BadTile(folder, error.strerror or "cannot be read") from error


def _mosaics(tiles: Sequence[Tile]) -> list[list[Tile]]:
    """Tiles by their lattice, the finest first."""
    found: list[list[Tile]] = []
    for tile in tiles:
        home = next((mosaic for mosaic in found if _offset(mosaic[0].lattice, tile.lattice) is not None), None)
        if home is None:
            found.append([tile])
        else:
            home.append(tile)
    return sorted(found, key=lambda mosaic: mosaic[0].lattice.step_lat_deg)


def _offset(one: Lattice, other: Lattice) -> tuple[int, int] | None:
    """Row and column in `one` of the first post of `other`; None when they are not on one lattice."""
    steps = (one.step_lat_deg / other.step_lat_deg, one.step_lon_deg / other.step_lon_deg)
    if any(abs(ratio - 1.0) > _SAME_STEP for ratio in steps):
        return None
    row = (one.north_deg - other.north_deg) / one.step_lat_deg
    column = (other.west_deg - one.west_deg) / one.step_lon_deg
    if abs(row - round(row)) > _SAME_PLACE or abs(column - round(column)) > _SAME_PLACE:
        return None
    return round(row), round(column)


class TileCache:
    """Posts of the tiles used last; safe to share among threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held: OrderedDict[Path, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What the posts in memory take."""
        return sum(heights.nbytes for heights in self._held.values())

    def heights(self, tile: Tile) -> NDArray[np.float32]:
        """The posts of a tile, read now or before. Raises BadTile."""
        with self._lock:
            if tile.path not in self._held:
                self._held[tile.path] = tile.heights()
            self._held.move_to_end(tile.path)
            while self.held_bytes > self.most_bytes and len(self._held) > 1:
                self._held.popitem(last=False)
            return self._held[tile.path]


class MosaicPosts:
    """The posts of tiles on one lattice, that of the first. Where tiles share posts, the first with data counts."""

    def __init__(self, tiles: Sequence[Tile], cache: TileCache) -> None:
        self.lattice = tiles[0].lattice
        self._tiles = tuple(tiles)
        self._cache = cache
        corners = [_offset(self.lattice, tile.lattice) for tile in tiles]
        # First row, first column, end row, end column of each tile.
        self._windows = np.array(
            [(*corner, corner[0] + tile.rows, corner[1] + tile.columns) for corner, tile in _paired(corners, tiles)]
        )

    def at(self, rows: Indices, columns: Indices) -> Array:
        found = np.full(len(rows), np.nan)
        if not len(rows):
            return found
        first, left, end, right = self._windows.T
        touched = (first <= rows.max()) & (end > rows.min()) & (left <= columns.max()) & (right > columns.min())
        for number in np.flatnonzero(touched).tolist():
            top, west, bottom, east = self._windows[number].tolist()
            inside = (rows >= top) & (rows < bottom) & (columns >= west) & (columns < east) & np.isnan(found)
            if inside.any():
                heights = self._cache.heights(self._tiles[number])
                found[inside] = heights[rows[inside] - top, columns[inside] - west]
        return found


def _paired(corners: Sequence[tuple[int, int] | None], tiles: Sequence[Tile]) -> list[tuple[tuple[int, int], Tile]]:
    return [(corner, tile) for corner, tile in zip(corners, tiles, strict=True) if corner is not None]
