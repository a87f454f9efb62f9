"""Rooms: the connected parts of where flying is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.obstacles import TOUCH_M, drawn_in_simply, kept_m
from geofence.zones import Combination


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """`area`: where a way may run, edge included; `grown` by what a way may touch, prepared."""

    area: Polygon
    grown: BaseGeometry


def rooms_of(
    inclusions: Sequence[tuple[BaseGeometry, float]], combination: Combination = Combination.INTERSECTION
) -> tuple[Room, ...]:
    """The rooms of inclusions, (area, margin in metres) each; () when there is none.

    An intersection draws each in by its own margin; a union is drawn in by the largest of them.
    """
    if not inclusions:
        return ()
    if combination is Combination.UNION:
        margin_m = max(margin_m for _, margin_m in inclusions)
        allowed = _drawn_in(shapely.union_all([area for area, _ in inclusions]), margin_m)
    else:
        allowed = shapely.intersection_all([_drawn_in(area, margin_m) for area, margin_m in inclusions])
    parts = [part for part in shapely.get_parts(allowed) if isinstance(part, Polygon) and not part.is_empty]
    return tuple(_room(part) for part in parts)


def _drawn_in(area: BaseGeometry, margin_m: float) -> BaseGeometry:
    return drawn_in_simply(area, float(kept_m(np.array(margin_m))))


def _room(area: Polygon) -> Room:
    grown = area.buffer(TOUCH_M, join_style="mitre")
    shapely.prepare(grown)
    return Room(area, grown)
