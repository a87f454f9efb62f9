"""A local plane in metres around one place: the only plane in which we measure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from core.geo import EARTH_RADIUS_M, LatLon
from geofence.zones import CircleShape, PolygonShape, Role, Zone

Array = NDArray[np.float64]

# An east-west edge that is straight in lat/lon leaves the straight line of the plane by 0.3 m over 5 km at 31° N
# (planning guide, section 9.1); cut to 2 km it is 5 cm.
LONGEST_EDGE_M = 2_000.0
CIRCLE_VERTICES = 128
_LON_DEG, _LAT_DEG = attrgetter("lon_deg"), attrgetter("lat_deg")
_GEOD = pyproj.Geod(ellps="WGS84")


class LocalFrame:
    """Azimuthal equidistant projection of the WGS-84 ellipsoid: x east, y north, metres, (0, 0) at `center`.

    Distances are good to 0.1 ppm within 5 km and 10 ppm within 50 km (planning guide, section 9.1).
    """

    def __init__(self, center: LatLon) -> None:
        self.center = center
        self._proj = pyproj.Proj(proj="aeqd", lat_0=center.lat_deg, lon_0=center.lon_deg, ellps="WGS84", units="m")

    def to_xy(self, places: Iterable[LatLon]) -> Array:
        """Shape (N, 2): metres east and north. No edge is densified."""
        return self.project(lonlat_array(places))

    def to_places(self, xy: Array) -> tuple[LatLon, ...]:
        """The inverse of `to_xy`, rounded to the 1e-7 degree (1.1 cm) that a vehicle stores."""
        lonlat = self.unproject(xy)
        return tuple(LatLon(round(lat, 7), round(lon, 7)) for lon, lat in lonlat.tolist())

    def line(self, places: Sequence[LatLon]) -> LineString:
        """A line, N ≥ 2 places, straight in lat/lon between them."""
        return LineString(self.project(densified(lonlat_array(places))))

    def polygon(self, outer: Sequence[LatLon], holes: Iterable[Sequence[LatLon]] = ()) -> Polygon:
        """A polygon of open rings, edges straight in lat/lon."""
        return Polygon(self._ring(outer), [self._ring(hole) for hole in holes])

    def shape_of(self, zone: Zone) -> Polygon:
        """The zone's area. A circle becomes a polygon: an inclusion is drawn inside it, others around it."""
        match zone.shape:
            case PolygonShape(outer, holes):
                return self.polygon(outer, holes)
            case CircleShape(center, radius_m):
                inner = zone.role is Role.INCLUSION
                return Polygon(self.project(circle_lonlat(center, radius_m, inner=inner)))

    def geojson(self, geometry: BaseGeometry) -> dict[str, Any]:
        """A geometry of the plane as GeoJSON, lon/lat rounded to 1e-7 degree."""
        lonlat = shapely.transform(geometry, lambda xy: np.round(self.unproject(xy), 7))
        found: dict[str, Any] = json.loads(shapely.to_geojson(lonlat))
        return found

    def _ring(self, ring: Sequence[LatLon]) -> Array:
        return self.project(densified(lonlat_array((*ring, ring[0]))))

    def project(self, lonlat: Array) -> Array:
        """Longitude, latitude in degrees (N, 2) to metres (N, 2)."""
        x, y = self._proj(lonlat[:, 0], lonlat[:, 1])
        return np.column_stack((x, y))

    def unproject(self, xy: Array) -> Array:
        """The inverse of `project`, not rounded."""
        lon, lat = self._proj(xy[:, 0], xy[:, 1], inverse=True)
        return np.column_stack((lon, lat))


def lonlat_array(places: Iterable[LatLon]) -> Array:
    """Shape (N, 2): longitude, latitude in degrees."""
    found = list(places)
    degrees = [np.fromiter(map(part, found), np.float64, len(found)) for part in (_LON_DEG, _LAT_DEG)]
    return np.column_stack(degrees)


def densified(lonlat: Array) -> Array:
    """The same line, (N, 2) degrees, with no edge longer than `LONGEST_EDGE_M`; edges of no length are kept.

    An edge runs the short way round: over the 180th meridian, not round the Earth.
    """
    if len(lonlat) < 2:
        return lonlat
    edges = np.diff(lonlat, axis=0)
    edges[:, 0] -= 360.0 * np.round(edges[:, 0] / 360.0)
    cuts = np.maximum(1, np.ceil(np.hypot(*edges.T) / math.degrees(LONGEST_EDGE_M / EARTH_RADIUS_M))).astype(int)
    edge_of = np.repeat(np.arange(len(edges)), cuts)
    share = (np.arange(len(edge_of)) - np.repeat(np.cumsum(cuts) - cuts, cuts)) / cuts[edge_of]
    return np.concatenate((lonlat[edge_of] + share[:, None] * edges[edge_of], lonlat[-1:]))


def circle_lonlat(center: LatLon, radius_m: float, *, inner: bool) -> Array:
    """A geodesic circle, (N, 2) degrees, as a regular polygon: within the circle if `inner`, else containing it."""
    reach_m = radius_m if inner else radius_m / math.cos(math.pi / CIRCLE_VERTICES) + 0.01
    azimuths = np.linspace(0.0, 360.0, CIRCLE_VERTICES, endpoint=False)
    ones = np.ones(CIRCLE_VERTICES)
    lon, lat, _ = _GEOD.fwd(center.lon_deg * ones, center.lat_deg * ones, azimuths, reach_m * ones)
    return np.column_stack((lon, lat))
