"""Rows of a sweep: parallel lines over an area, cut to where a vehicle may fly."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

_TOLERANCE = 0.02  # of a swath: a field 400.3 m wide has ten rows of 40 m, not eleven


def rows(room: BaseGeometry, swath_m: float, heading_deg: float, inset_m: float, spare: float = 0.0) -> Array:
    """The rows in one direction, from one side to the other: n pieces with two ends in metres, (n, 2, 2).

    They lie evenly, at most a swath apart, half that from the outermost points of `room`, and end `inset_m` from its
    edge; what is left there is seen from the turns. `spare`: the share of a swath that may stay over at both sides
    together before a row more is flown.
    """
    turn_deg = heading_deg - 90.0  # so that the rows run along x
    turned = rotate(room, turn_deg, origin=(0.0, 0.0))
    left, low, right, high = turned.bounds
    core = turned.buffer(-inset_m, join_style="mitre", mitre_limit=2.0)
    count = max(1, math.ceil((high - low) / swath_m - _TOLERANCE - spare))
    gap_m = min((high - low) / count, swath_m)
    y = (low + high) / 2 + (np.arange(count) - (count - 1) / 2) * gap_m
    ends = np.stack((np.column_stack((np.full(count, left), y)), np.column_stack((np.full(count, right), y))), axis=1)
    found = shapely.get_parts(shapely.intersection(core, shapely.linestrings(ends)))
    found = found[(shapely.get_type_id(found) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(found)]
    xy = shapely.get_coordinates(found).reshape(-1, 2, 2)
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    back: Array = xy @ np.array([[cos, -sin], [sin, cos]])
    return back
