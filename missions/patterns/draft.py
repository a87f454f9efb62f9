"""What a pattern gives: pieces to fly as they are, which the planner joins by ways that keep off every zone."""

from __future__ import annotations

from dataclasses import dataclass

from geofence.frame import Array
from missions.model import Action


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch to fly as it is.

    `xyz` (N ≥ 1, 3): metres east and north of the frame's centre, and up above home. `working`: the sensor is on,
    so that nothing may be put between its vertices. `actions`: by index of the vertex, done on arriving there.
    `holds`: by index of the vertex, the seconds to stay there.
    """

    xyz: Array
    working: bool = True
    actions: tuple[tuple[int, tuple[Action, ...]], ...] = ()
    holds: tuple[tuple[int, float], ...] = ()
