"""Terrain out of elevation tiles: SRTM's `.hgt` and GeoTIFF, read from a folder when they are needed."""

from adapters.terrain.directory import open_tiles
from adapters.terrain.folder import TileFolder
from adapters.terrain.tile import BadTile

__all__ = ["BadTile", "TileFolder", "open_tiles"]
