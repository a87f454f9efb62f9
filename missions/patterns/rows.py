"""Rows of a sweep: parallel lines over an area, cut to where a vehicle may fly."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

_TOLERANCE = 0.02  # of a swath: a field 400.3 m wide has ten rows of 40 m, not eleven


def inset(room: BaseGeometry, by_m: float) -> BaseGeometry:
    """The room without what lies nearer than `by_m` to its edge."""
    return room.buffer(-by_m, join_style="mitre", mitre_limit=2.0)


def rows(room: BaseGeometry, core: BaseGeometry, swath_m: float, heading_deg: float, spare: float = 0.0) -> Array:
    """The rows in one direction, from one side to the other: n pieces with two ends in metres, (n, 2, 2).

    They lie evenly over `room`, at most a swath apart, half that from its outermost points, and end at the edge of
    `core`, the room drawn in: what is left there is seen from the turns. `spare`: the share of a swath that may stay
    over at both sides together before a row more is flown.
    """
    turn_deg = heading_deg - 90.0  # so that the rows run along x
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    back = np.array([[cos, -sin], [sin, cos]])  # for points as rows, from the turned plane
    x, y = (shapely.get_coordinates(room) @ back.T).T
    low, high = float(y.min()), float(y.max())
    count = max(1, math.ceil((high - low) / swath_m - _TOLERANCE - spare))
    gap_m = min((high - low) / count, swath_m)
    at = (low + high) / 2 + (np.arange(count) - (count - 1) / 2) * gap_m
    ends = np.stack(
        (np.column_stack((np.full(count, x.min()), at)), np.column_stack((np.full(count, x.max()), at))), 1
    )
    found = shapely.get_parts(shapely.intersection(core, shapely.linestrings(ends @ back)))
    found = found[(shapely.get_type_id(found) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(found)]
    return shapely.get_coordinates(found).reshape(-1, 2, 2)
