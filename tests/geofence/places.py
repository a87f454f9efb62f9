"""Places, zones and airspaces that the tests share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import ZoneId
from geofence.frame import LocalFrame
from geofence.zones import Airspace, CircleShape, Combination, PolygonShape, Role, Zone

HOME = LatLon(31.15, 121.12)
FRAME = LocalFrame(HOME)


def at(x_m: float, y_m: float) -> LatLon:
    """The place so many metres east and north of home."""
    return FRAME.to_places(np.array([[x_m, y_m]]))[0]


def ring(*corners_m: tuple[float, float]) -> tuple[LatLon, ...]:
    return FRAME.to_places(np.array(corners_m, dtype=np.float64))


def box(left: float, low: float, right: float, high: float) -> tuple[LatLon, ...]:
    return ring((left, low), (right, low), (right, high), (left, high))


def band_of(datum: Datum, floor_m: float | None, ceiling_m: float | None) -> AltitudeBand:
    """A band with both ends of one datum; None is unbounded."""
    floor, ceiling = (None if alt_m is None else Altitude(alt_m, datum) for alt_m in (floor_m, ceiling_m))
    return AltitudeBand(floor, ceiling)


def polygon_zone(
    name: str,
    role: Role,
    outer: Sequence[LatLon],
    *,
    margin_m: float = 10.0,
    band: AltitudeBand | None = None,
    holes: tuple[tuple[LatLon, ...], ...] = (),
) -> Zone:
    shape = PolygonShape(tuple(outer), holes)
    return Zone(ZoneId(name), name, role, shape, margin_m=margin_m, band=band or AltitudeBand())


def circle_zone(name: str, center: LatLon, radius_m: float, *, margin_m: float = 10.0) -> Zone:
    return Zone(ZoneId(name), name, Role.EXCLUSION, CircleShape(center, radius_m), margin_m=margin_m)


def airspace(*zones: Zone, combination: Combination = Combination.INTERSECTION) -> Airspace:
    return Airspace(version=1, zones=zones, combination=combination)


DISTRICT = polygon_zone("district", Role.INCLUSION, box(-4000, -4000, 4000, 4000), margin_m=50.0)


@st.composite
def star_rings_m(draw: st.DrawFn, *, reach_m: float = 600.0, least_m: float = 120.0) -> list[tuple[float, float]]:
    """A simple polygon, mostly concave, round (0, 0): 4 to 12 corners in metres."""
    count = draw(st.integers(4, 12))
    radii = draw(st.lists(st.floats(least_m, reach_m), min_size=count, max_size=count))
    angles = [2 * np.pi * index / count for index in range(count)]
    return [(float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]
