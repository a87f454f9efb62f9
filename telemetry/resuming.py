"""Whether a vehicle that left its mission is still on the leg that AUTO would go on with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from missions.items import NAV_DELAY, NAV_LAND, NAV_TAKEOFF, NAV_WAYPOINT
from missions.model import MissionItem
from telemetry.messages import VehicleState

# AUTO flies straight from where the vehicle is to the end of its leg: that stays as near to the leg as its beginning.
# Less than what a margin allows for position, cross-track and corner (planning guide, section 9.3), 8 m and more.
ASIDE_M = 8.0
# The vertical margin of every proof.
ABOVE_M = 5.0
_PLACED = (NAV_TAKEOFF, NAV_WAYPOINT, NAV_LAND)


def off_leg(items: Sequence[MissionItem], state: VehicleState, seq: int | None = None) -> str | None:
    """Why going on in AUTO, with item `seq` or the one that the vehicle shows, would leave the proven legs.

    None when it would not. The return at a mission's end may begin anywhere: it climbs first, as RTL does.
    """
    current = state.mission_seq if seq is None else seq
    if state.lat_deg is None or state.lon_deg is None or state.alt_rel_m is None or current is None:
        return "at a place that is not known"
    leg = _leg(items, current)
    if leg is None:
        return None
    frame = LocalFrame(LatLon(items[0].x_e7 / 1e7, items[0].y_e7 / 1e7))
    at = np.array([*frame.to_xy([LatLon(state.lat_deg, state.lon_deg)])[0], state.alt_rel_m])
    aside_m, above_m = _off(at, *(np.array([*frame.to_xy([place])[0], alt_m]) for place, alt_m in leg))
    if aside_m <= ASIDE_M and above_m <= ABOVE_M:
        return None
    return f"{aside_m:.0f} m beside and {above_m:.0f} m above or below the leg to item {current}"


def _leg(items: Sequence[MissionItem], current: int) -> list[tuple[LatLon, float]] | None:
    """Both ends of the leg that leads to item `current`; None at the mission's end."""
    goal = next((item for item in items[max(current, 1) :] if item.command in (*_PLACED, NAV_DELAY)), None)
    if goal is None:
        return None
    before = [item for item in items[1 : goal.seq + 1] if item.command in _PLACED]
    # A take-off is a column, and so is a stay: both ends are in one place.
    # So is the beginning of a plan that begins in the air.
    ends = before[-2:] if goal.command in (NAV_WAYPOINT, NAV_LAND) and len(before) > 1 else before[-1:] * 2
    placed = [(LatLon(item.x_e7 / 1e7, item.y_e7 / 1e7), item.z_m) for item in ends]
    if goal.command == NAV_LAND:
        placed[1] = (placed[1][0], placed[0][1])  # flown at the height before it
    if goal.command == NAV_TAKEOFF:
        placed[0] = (placed[0][0], 0.0)
    return placed


def _off(at: Array, start: Array, end: Array) -> tuple[float, float]:
    """How far from the leg a place is, sideways and in height; (3,) each."""
    legs = shapely.LineString([start[:2], end[:2]])
    point = shapely.Point(at[:2])
    share = legs.project(point) / legs.length if legs.length > 0.0 else math.nan
    lowest, highest = sorted((start[2], end[2])) if math.isnan(share) else (start[2] + share * (end - start)[2],) * 2
    return float(legs.distance(point)), float(max(lowest - at[2], at[2] - highest, 0.0))
