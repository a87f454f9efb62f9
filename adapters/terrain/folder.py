"""A folder of tiles that can be sent to a worker process: each process opens it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from adapters.terrain.directory import open_tiles
from adapters.terrain.tile import BadTile
from core.errors import TerrainUnusable
from geofence.frame import Array
from geofence.terrain import Terrain, only_range


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Terrain:
    return open_tiles(folder)


@contextmanager
def _told() -> Iterator[None]:
    """A file that cannot be used, as the domain's error."""
    try:
        yield
    except BadTile as bad:
        raise TerrainUnusable(bad.path.name, bad.reason) from bad


@dataclass(frozen=True, slots=True)
class TileFolder:
    """The terrain in `folder`; tiles that come later are seen by processes that start later.

    Its methods raise TerrainUnusable when the folder or a tile cannot be used.
    """

    folder: Path

    def open(self) -> None:
        """Reads the heads of all tiles now."""
        with _told():
            _opened(self.folder)

    def heights_amsl_m(self, lonlat: Array) -> Array:
        with _told():
            return _opened(self.folder).heights_amsl_m(lonlat)

    def ranges_amsl_m(self, boxes: Array) -> Array:
        with _told():
            return _opened(self.folder).ranges_amsl_m(boxes)

    def range_amsl_m(
        self, west_deg: float, south_deg: float, east_deg: float, north_deg: float
    ) -> tuple[float, float] | None:
        return only_range(self, west_deg, south_deg, east_deg, north_deg)
