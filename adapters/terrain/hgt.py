"""SRTM's `.hgt`: a bare square of big-endian 16-bit heights whose name tells the south-west corner.

Source: SRTM Collection User Guide (LP DAAC), section 2: 1° tiles, 3601² posts 1″ apart or 1201² posts 3″ apart, rows
from the north, edges shared with the neighbours, metres over EGM96, −32768 for voids.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from adapters.terrain.tile import BadTile, Heights, Tile
from geofence.terrain import Lattice

VOID = -32768
_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})\.hgt", re.IGNORECASE)
_SIDES = {2 * side * side: side for side in (3601, 1201)}


def hgt_tile(path: Path) -> Tile:
    """The tile that the file's name and size tell. Raises BadTile."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise BadTile(path, "the name must tell the south-west corner, as in N31E121.hgt")
    south = int(named[2]) * (1 if named[1].upper() == "N" else -1)
    west = int(named[4]) * (1 if named[3].upper() == "E" else -1)
    if not (-90 <= south <= 89 and -180 <= west <= 179):
        raise BadTile(path, "the name tells a corner that is not on the globe")
    side = _side(path)
    step = 1.0 / (side - 1)
    return Tile(path, Lattice(west, south + 1.0, step, step), side, side, VOID, lambda: _read(path, side))


def _side(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadTile(path, error.strerror or "cannot be read") from error
    if size not in _SIDES:
        wanted = " or ".join(f"{one} bytes ({side} × {side} posts)" for one, side in _SIDES.items())
        raise BadTile(path, f"has {size} bytes; a tile has {wanted}")
    return _SIDES[size]


def _read(path: Path, side: int) -> Heights:
    try:
        posts = np.fromfile(path, dtype=">i2", count=side * side)
    except OSError as error:
        raise BadTile(path, error.strerror or "cannot be read") from error
    if len(posts) != side * side:
        raise BadTile(path, f"was cut to {2 * len(posts)} bytes after it was found")
    return posts.reshape(side, side)
