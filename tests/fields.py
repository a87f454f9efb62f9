"""Random fields, repeatable by their seed: a concave inclusion with zones of every shape and band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator
from shapely.affinity import scale
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import ZoneId
from geofence.frame import Array, LocalFrame
from geofence.zones import Airspace, CircleShape, PolygonShape, Role, Shape, Zone
from missions.model import Dock, MissionRequest, Pattern, ReturnMode

HOME = LatLon(31.15, 121.12)
FRAME = LocalFrame(HOME)
_CELL_M = 100.0  # one zone in each square of this side: a bit over a fifth of the area is blocked
_BANDS_REL_M = ((-math.inf, math.inf), (60.0, math.inf), (-math.inf, 45.0), (30.0, 80.0))


@dataclass(frozen=True, slots=True)
class FieldZone:
    """An exclusion in the plane. `radius_m` of a circle, whose `shape` then contains it; low and high above home."""

    shape: Polygon
    margin_m: float
    low_rel_m: float = -math.inf
    high_rel_m: float = math.inf
    radius_m: float | None = None

    def gap_m(self, geometry: BaseGeometry) -> float:
        """The distance of something from the zone itself: from the circle, not from the polygon round it."""
        if self.radius_m is None:
            return float(self.shape.distance(geometry))
        return float(self.shape.centroid.distance(geometry)) - self.radius_m


@dataclass(frozen=True, slots=True)
class Field:
    """Stay `inside_margin_m` within `inside` and clear of the zones: metres round (0, 0), which is `HOME`."""

    inside: Polygon
    inside_margin_m: float
    zones: tuple[FieldZone, ...]

    def shapes(self) -> list[Polygon]:
        return [zone.shape for zone in self.zones]

    def margins_m(self) -> Array:
        return np.array([zone.margin_m for zone in self.zones], dtype=np.float64)

    def free_point(self, rng: Generator) -> Array:
        """A place (2,) inside and away from every zone, whatever its band, by margin and half a metre."""
        only: Array = self.free_points(rng, 1)[0]
        return only

    def free_points(self, rng: Generator, count: int) -> Array:
        """So many of them, (count, 2)."""
        found: Array = np.empty((0, 2))
        for _ in range(200):
            tried = self._drawn(rng, 4 * count + 16)
            found = np.concatenate((found, tried[self._free(tried)]))[:count]
            if len(found) == count:
                return found
        raise ValueError("the field has no room for a point")

    def _drawn(self, rng: Generator, count: int) -> Array:
        west, south, east, north = self.inside.bounds
        return np.column_stack((rng.uniform(west, east, count), rng.uniform(south, north, count)))

    def _free(self, xy: Array) -> Array:
        points = np.asarray(shapely.points(xy))
        free = shapely.contains(self.inside, points)
        free &= shapely.distance(self.inside.exterior, points) > 1.01 * self.inside_margin_m + 0.5
        if self.zones:
            gap_m = shapely.distance(np.array(self.shapes())[:, None], points[None, :])
            free &= (gap_m > (1.01 * self.margins_m() + 0.5)[:, None]).all(axis=0)
        return np.asarray(free)

    def airspace(self, *, version: int = 1) -> Airspace:
        """The same field as zones of latitude and longitude."""
        district = Zone(
            ZoneId("inside"), "inside", Role.INCLUSION, _polygon(self.inside), margin_m=self.inside_margin_m
        )
        zones = [_zone(f"zone-{index}", zone) for index, zone in enumerate(self.zones)]
        return Airspace(version=version, zones=(district, *zones))


def random_field(rng: Generator, zones: int = 20, *, banded: bool = False, most_margin_m: float = 12.0) -> Field:
    """A field with so many exclusions, most star-shaped, some with a hole, some circles, overlapping now and then.

    All zones reach from the ground to the sky unless `banded`. The side is 100 m × √`zones`, at least 500 m.
    """
    side_m = _CELL_M * math.sqrt(max(zones, 25))
    made = tuple(_random_zone(rng, side_m, banded, most_margin_m) for _ in range(zones))
    return Field(_concave(rng, side_m), float(rng.uniform(2.0, most_margin_m)), made)


def star(rng: Generator, center: Array, least_m: float, most_m: float, corners: int) -> Polygon:
    """A simple polygon round `center`, mostly concave."""
    angles = (np.arange(corners) + rng.uniform(0.1, 0.9, corners)) * 2 * np.pi / corners
    reach_m = rng.uniform(least_m, most_m, corners)
    return Polygon(np.column_stack((np.cos(angles), np.sin(angles))) * reach_m[:, None] + center)


def _concave(rng: Generator, side_m: float) -> Polygon:
    return star(rng, np.zeros(2), 0.35 * side_m, 0.75 * side_m, int(rng.integers(8, 24)))


def _random_zone(rng: Generator, side_m: float, banded: bool, most_margin_m: float) -> FieldZone:
    center = rng.uniform(-0.5 * side_m, 0.5 * side_m, 2)
    margin_m = float(rng.uniform(2.0, most_margin_m))
    low_m, high_m = _BANDS_REL_M[int(rng.integers(len(_BANDS_REL_M)))] if banded else _BANDS_REL_M[0]
    kind = rng.random()
    if kind < 0.2:
        radius_m = float(rng.uniform(12.0, 40.0))
        around = shapely.Point(center).buffer(radius_m / math.cos(math.pi / 64), quad_segs=16)
        return FieldZone(around, margin_m, low_m, high_m, radius_m)
    outer = star(rng, center, 15.0, 45.0, int(rng.integers(4, 13)))
    if kind < 0.3:
        inner = scale(outer, 0.5, 0.5, origin=tuple(center))
        outer = Polygon(outer.exterior, [inner.exterior])
    return FieldZone(outer, margin_m, low_m, high_m)


def _zone(name: str, zone: FieldZone) -> Zone:
    shape: Shape = _polygon(zone.shape)
    if zone.radius_m is not None:
        center = zone.shape.centroid
        shape = CircleShape(FRAME.to_places(np.array([[center.x, center.y]]))[0], zone.radius_m)
    band = AltitudeBand(_altitude(zone.low_rel_m), _altitude(zone.high_rel_m))
    return Zone(ZoneId(name), name, Role.EXCLUSION, shape, band=band, margin_m=zone.margin_m)


def _altitude(alt_rel_m: float) -> Altitude | None:
    return Altitude(alt_rel_m, Datum.REL) if math.isfinite(alt_rel_m) else None


def _polygon(shape: Polygon) -> PolygonShape:
    rings = [FRAME.to_places(shapely.get_coordinates(ring)[:-1]) for ring in (shape.exterior, *shape.interiors)]
    return PolygonShape(rings[0], tuple(rings[1:]))


def watch_request(
    rng: Generator, dock: Dock, places: Sequence[LatLon], returns: ReturnMode | None = None
) -> MissionRequest:
    """A watch of `places` at one of three heights: below, amid and above most bands."""
    return MissionRequest(
        "watch",
        dock.id,
        Pattern.WATCH,
        float(rng.choice((40.0, 55.0, 70.0))),
        8.0,
        points=tuple(places),
        parameters={"hold_s": 5.0, "photo": True, "rounds": 1, "tour": "closed"},
        returns=returns,
    )
