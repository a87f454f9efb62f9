"""How near a flight came to zones, measured from where the vehicle itself said it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import shapely

from api.drills.record import Place
from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from geofence.geojson import parse_zones
from geofence.space import Ground, Placed, Space
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace, Combination
from missions.model import Dock

_LOOK_EVERY_M = 0.5
"""Between two positions the way is looked at so often."""


def flown_figures(
    places: Sequence[Place], airspace: Airspace, dock: Dock, terrain: Terrain | None, at: tuple[datetime, datetime]
) -> dict[str, float]:
    """Figures of a flight, N ≥ 2 places; {} of a shorter one."""
    if len(places) < 2:
        return {}
    frame = LocalFrame(dock.place)
    xyz = np.column_stack(
        (frame.to_xy(LatLon(each.lat_deg, each.lon_deg) for each in places), [each.alt_rel_m for each in places])
    )
    space = Space.of(airspace, frame, TimeWindow(*at), Ground(dock.alt_amsl_m, dock.height_agl_m, terrain))
    path = _dense(xyz)
    figures = {
        "highest_m": float(xyz[:, 2].max()),
        "landed_from_home_m": float(np.hypot(*(xyz[-1, :2] - xyz[0, :2]))),
    }
    gaps = [gap for one in space.exclusions if (gap := _outside_m(path, one)) is not None]
    if gaps:
        figures["zone_distance_m"] = min(gaps)
    if space.inclusions:
        figures["edge_distance_m"] = float(_inside_m(path, space).min())
    return figures


def airspace_of(told: dict[str, Any]) -> Airspace:
    """An airspace as GET /airspace tells it."""
    zones = parse_zones(told["zones"])
    return Airspace(told["version"], zones, Combination(told["combination"]), told["ceiling_agl_m"])


def _dense(xyz: Array) -> Array:
    legs = np.diff(xyz, axis=0)
    cuts = np.maximum(1, np.ceil(np.sqrt((legs**2).sum(axis=1)) / _LOOK_EVERY_M)).astype(int)
    leg_of = np.repeat(np.arange(len(legs)), cuts)
    share = (np.arange(len(leg_of)) - np.repeat(np.cumsum(cuts) - cuts, cuts)) / cuts[leg_of]
    return np.concatenate((xyz[leg_of] + share[:, None] * legs[leg_of], xyz[-1:]))


def _outside_m(path: Array, one: Placed) -> float | None:
    """Least distance to a zone at its heights, negative inside; None when the flight is never at its heights."""
    met = np.asarray(shapely.points(path[(one.low_rel_m <= path[:, 2]) & (path[:, 2] <= one.high_rel_m), :2]))
    if not len(met):
        return None
    away = np.asarray(shapely.distance(met, one.shape))
    return float(np.where(away > 0.0, away, -np.asarray(shapely.distance(met, one.shape.boundary))).min())


def _inside_m(path: Array, space: Space) -> Array:
    allowed, points = space.allowed(), shapely.points(path[:, :2])
    to_edge = np.asarray(shapely.distance(points, allowed.boundary))
    return np.where(shapely.covers(allowed, points), to_edge, -to_edge)
