"""Circles around points of interest, nose and camera on them."""

from __future__ import annotations

import math

import numpy as np

from core.geo import LatLon
from geofence.frame import Array
from missions.model import Action, ActionKind
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, bearing_deg, check_count

# No place of the polygon that is flown lies further inside the circle than this.
CHORD_ERROR_M = 1.0
_FEWEST_SIDES = 12


def orbit(
    center: Array,
    look_at: LatLon,
    alt_rel_m: float,
    *,
    radius_m: float,
    turn_deg: float = 360.0,
    clockwise: bool = True,
    from_deg: float | None = None,
    look_alt_rel_m: float = 0.0,
    home: Array | None = None,
) -> tuple[Piece, ...]:
    """`turn_deg` of a circle around `center` (2,) metres, which is the place `look_at`, as a polygon.

    `from_deg`: the bearing from the centre at which it begins; None takes the place nearest to `home` (2,). The nose
    and the camera look at the centre, `look_alt_rel_m` high. Raises InvalidRequest for too many laps.
    """
    toward_home = (np.zeros(2) if home is None else home) - center
    first_deg = bearing_deg(toward_home) if from_deg is None else from_deg
    steps = max(1, math.ceil(turn_deg / _step_deg(radius_m)))
    check_count(steps + 1, "laps")
    bearings = np.radians(first_deg + np.linspace(0.0, turn_deg if clockwise else -turn_deg, steps + 1))
    xy = center + radius_m * np.column_stack((np.sin(bearings), np.cos(bearings)))
    look = Action(ActionKind.LOOK_AT, place=look_at, alt_rel_m=look_alt_rel_m)
    return (Piece(at_height(xy, alt_rel_m), actions=((0, (look,)), (steps, (Action(ActionKind.LOOK_AHEAD),)))),)


def _step_deg(radius_m: float) -> float:
    """The largest angle whose chord stays within `CHORD_ERROR_M` of its arc: r · (1 - cos(a / 2))."""
    error = min(1.0, CHORD_ERROR_M / radius_m)
    return min(math.degrees(2.0 * math.acos(1.0 - error)), 360.0 / _FEWEST_SIDES)
