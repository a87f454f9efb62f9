"""The EGM96 geoid over East China: how far mean sea level lies above the WGS-84 ellipsoid, without a network.

The grid is a cut-out, 26–36° N 114–126° E, of the 5′ EGM96 undulations (NIMA, NASA Goddard and Ohio State University:
public domain), taken from the package egm96 0.3.0, which has it from GeographicLib's egm96-5. Whole centimetres, rows
from the north. Bilinear between its points it is good to 0.06 m against the full model; EGM96 itself is good to
about a metre.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np

from geofence.terrain import Box, GridPosts, Lattice, bilinear

REGION = Box(114.0, 26.0, 126.0, 36.0)
_STEP_DEG = 5.0 / 60.0
_LATTICE = Lattice(REGION.west_deg, REGION.north_deg, _STEP_DEG, _STEP_DEG)


class OutsideGrid(ValueError):
    """The place is not in the region whose geoid is known here."""

    def __init__(self, lat_deg: float, lon_deg: float) -> None:
        super().__init__(
            f"the geoid is known from {REGION.south_deg:g}° to {REGION.north_deg:g}° north and from "
            f"{REGION.west_deg:g}° to {REGION.east_deg:g}° east, not at {lat_deg:g}, {lon_deg:g}"
        )
        self.lat_deg = lat_deg
        self.lon_deg = lon_deg


def undulation_m(lat_deg: float, lon_deg: float) -> float:
    """Height of mean sea level (EGM96) above the ellipsoid: alt_hae_m = alt_amsl_m + undulation_m.

    Raises OutsideGrid beyond `REGION` and for coordinates that are no numbers.
    """
    place = np.array([[lon_deg, lat_deg]])
    if not REGION.contains(place)[0]:
        raise OutsideGrid(lat_deg, lon_deg)
    return float(bilinear(_posts(), place)[0]) / 100.0


@cache
def _posts() -> GridPosts:
    with resources.files("geofence").joinpath("data/egm96-east-china.npy").open("rb") as file:
        return GridPosts(_LATTICE, np.load(file, allow_pickle=False))
