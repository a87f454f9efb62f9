"""One elevation tile: what its head tells, and how its posts are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geofence.terrain import Lattice

Heights = NDArray[np.int16] | NDArray[np.float32]

# 5° of SRTM3 or 1.6° of SRTM1 on a side; a larger picture is no tile but an attack or a mistake.
MOST_POSTS = 40_000_000
# Lower and higher there is no land (Dead Sea −430 m, Everest 8 849 m): an undeclared void or a damaged file.
LOWEST_M, HIGHEST_M = -500.0, 9_000.0


class BadTile(ValueError):
    """The file is no elevation tile that can be used; the text names it and says why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tile:
    """A file of posts, not read yet. `read` gives (rows, columns) in the file's own type, or raises BadTile."""

    path: Path
    lattice: Lattice
    rows: int
    columns: int
    void: float | None
    read: Callable[[], Heights]

    def heights(self) -> NDArray[np.float32]:
        """The posts from the north-west, (rows, columns), metres AMSL; NaN where there is none."""
        found = self.read()
        if found.shape != (self.rows, self.columns):
            raise BadTile(self.path, f"holds {found.shape} posts; its head promises {(self.rows, self.columns)}")
        heights = found.astype(np.float32)
        # NaN fails both comparisons and so stays what it is.
        heights[~((heights >= LOWEST_M) & (heights <= HIGHEST_M))] = np.nan
        if self.void is not None:
            heights[heights == np.float32(self.void)] = np.nan
        return heights
