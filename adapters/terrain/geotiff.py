"""Elevation tiles as GeoTIFF: one band of metres in plain WGS-84 degrees; anything else is refused with the reason.

Source: OGC GeoTIFF 1.1 (19-008r4), sections 7 and 8; GDAL_NODATA (tag 42113) of GDAL's GTiff driver.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from adapters.terrain.tile import MOST_POSTS, BadTile, Heights, Tile
from geofence.terrain import Lattice

MOST_BYTES = 400_000_000
FINEST_DEG, COARSEST_DEG = 1e-6, 1.0  # 0.1 m to 111 km
_GDAL_NODATA = 42113
_MODEL_TRANSFORMATION = 34264
_GEOGRAPHIC, _PIXEL_IS_AREA, _PIXEL_IS_POINT = 2, 1, 2
_WGS84, _DEGREE, _METRE = 4326, 9102, 9001
# EGM96 and EGM2008 heights, which differ by decimetres; ellipsoidal heights would be 10 m off in Qingpu.
_ORTHOMETRIC = (5773, 3855)
_UNDEFINED = (None, 0, 32767)


def geotiff_tile(path: Path) -> Tile:
    """The tile that the file's head tells. Raises BadTile."""
    with _opened(path) as page:
        rows, columns = _size(path, page)
        keys = page.geotiff_tags
        _check_crs(path, keys)
        lattice = _lattice(path, keys, page.tags)
        void = _void(path, page.tags)
        _check_blocks(path, page, may_be_empty=void is not None)
    if not (lattice.west_deg >= -180.1 and lattice.west_deg + (columns - 1) * lattice.step_lon_deg <= 180.1):
        raise BadTile(path, "reaches beyond ±180° of longitude")
    if not (lattice.north_deg <= 90.1 and lattice.north_deg - (rows - 1) * lattice.step_lat_deg >= -90.1):
        raise BadTile(path, "reaches beyond ±90° of latitude")
    return Tile(path, lattice, rows, columns, void, lambda: _read(path))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The first picture of the file. Whatever goes wrong in the context is told as BadTile."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadTile(path, f"is larger than {MOST_BYTES // 1_000_000} MB")
        with tifffile.TiffFile(path) as file:
            yield file.pages[0]
    except BadTile:
        raise
    except Exception as error:
        raise BadTile(path, f"cannot be read as TIFF: {error}") from error


def _read(path: Path) -> Heights:
    with _opened(path) as page:
        _size(path, page)
        _check_blocks(path, page, may_be_empty=_void(path, page.tags) is not None)
        found: Heights = np.asarray(page.asarray(maxworkers=1))
    return found


def _size(path: Path, page: Any) -> tuple[int, int]:
    """Rows and columns of a picture that can hold heights."""
    if page.ndim != 2 or page.samplesperpixel != 1:
        raise BadTile(path, f"has the shape {page.shape}; heights are one band of rows and columns")
    if page.dtype is None or page.dtype.newbyteorder("=") not in (np.int16, np.float32):
        raise BadTile(path, f"holds {page.dtype}; heights are int16 or float32")
    rows, columns = page.shape
    if rows < 2 or columns < 2:
        raise BadTile(path, f"has {rows} × {columns} posts; a tile has at least 2 × 2")
    if rows * columns > MOST_POSTS:
        raise BadTile(path, f"has {rows} × {columns} posts; at most {MOST_POSTS:,} are read")
    if page.is_tiled and page.tilewidth * page.tilelength > MOST_POSTS:
        raise BadTile(path, f"is cut into blocks of {page.tilewidth} × {page.tilelength} posts")
    return rows, columns


def _check_blocks(path: Path, page: Any, *, may_be_empty: bool) -> None:
    """Every strip or tile of the picture is in the file; otherwise the decoder would fill in zeros."""
    blocks = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    wanted = math.prod(page.chunked)
    if len(blocks) != wanted:
        raise BadTile(path, f"tells of {len(blocks)} blocks of data; its picture has {wanted}")
    size = path.stat().st_size
    if any(offset + count > size for offset, count in blocks):
        raise BadTile(path, "is cut off: a part of its data lies beyond its end")
    if not may_be_empty and not all(count for _, count in blocks):
        raise BadTile(path, "has blocks without data and no GDAL_NODATA to stand for them")


def _check_crs(path: Path, keys: Mapping[str, Any]) -> None:
    if not keys:
        raise BadTile(path, "has no GeoTIFF keys: where it lies is not told")
    if keys.get("GTModelTypeGeoKey") != _GEOGRAPHIC or keys.get("GeographicTypeGeoKey") != _WGS84:
        told = keys.get("ProjectedCSTypeGeoKey", keys.get("GeographicTypeGeoKey", "not declared"))
        raise BadTile(path, f"its coordinates are {_word(told)}; they must be WGS-84 degrees (EPSG:4326)")
    if keys.get("GeogAngularUnitsGeoKey", _DEGREE) not in (*_UNDEFINED, _DEGREE):
        raise BadTile(path, f"its angles are in unit {_word(keys['GeogAngularUnitsGeoKey'])}, not in degrees")
    if keys.get("VerticalUnitsGeoKey", _METRE) not in (*_UNDEFINED, _METRE):
        raise BadTile(path, f"its heights are in unit {_word(keys['VerticalUnitsGeoKey'])}, not in metres")
    vertical = keys.get("VerticalGeoKey", keys.get("VerticalCSTypeGeoKey"))
    if vertical not in (*_UNDEFINED, *_ORTHOMETRIC):
        raise BadTile(path, f"its heights are over {_word(vertical)}; they must be over EGM96 or EGM2008 (AMSL)")


def _lattice(path: Path, keys: Mapping[str, Any], tags: Any) -> Lattice:
    if tags.get(_MODEL_TRANSFORMATION) is not None:
        raise BadTile(path, "is placed by a ModelTransformation; only ModelPixelScale with ModelTiepoint is read")
    scale, tie = keys.get("ModelPixelScale"), keys.get("ModelTiepoint")
    if scale is None or tie is None or len(scale) < 2 or len(tie) != 6:
        raise BadTile(path, "must be placed by one ModelTiepoint and a ModelPixelScale")
    step_lon, step_lat = float(scale[0]), float(scale[1])
    column, row, _, lon, lat, _ = (float(value) for value in tie)
    if not all(math.isfinite(value) for value in (step_lon, step_lat, column, row, lon, lat)):
        raise BadTile(path, "its place is not finite")
    if not (FINEST_DEG <= step_lon <= COARSEST_DEG and FINEST_DEG <= step_lat <= COARSEST_DEG):
        raise BadTile(path, f"its posts are {step_lon:g}° and {step_lat:g}° apart; that is no elevation tile")
    # The tie point counts from the corner of the first pixel (area) or from its centre (point).
    raster = keys.get("GTRasterTypeGeoKey", _PIXEL_IS_AREA)
    if raster not in (_PIXEL_IS_AREA, _PIXEL_IS_POINT):
        raise BadTile(path, f"its raster type is {_word(raster)}")
    half = 0.5 if raster == _PIXEL_IS_AREA else 0.0
    return Lattice(lon + (half - column) * step_lon, lat - (half - row) * step_lat, step_lon, step_lat)


def _void(path: Path, tags: Any) -> float | None:
    tag = tags.get(_GDAL_NODATA)
    if tag is None:
        return None
    try:
        return float(str(tag.value).strip(" \0"))
    except ValueError as error:
        raise BadTile(path, f"its GDAL_NODATA {str(tag.value)!r:.40} is no number") from error


def _word(value: object) -> str:
    """A key's value as EPSG has it, or by its name."""
    return f"EPSG:{int(value)}" if isinstance(value, int) else str(value)
