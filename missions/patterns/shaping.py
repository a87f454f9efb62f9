"""What patterns share: refusals that name the member to change, heights, bearings, the camera along a piece."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from core.errors import FieldError, InvalidRequest
from geofence.frame import Array
from missions.model import Action, ActionKind
from missions.patterns.draft import Piece

# Each is a mission item at least, and a vehicle holds 650 (planning guide, section 8.1).
MOST_VERTICES = 600


def cannot(member: str, detail: str) -> InvalidRequest:
    """The refusal of what the pattern cannot do; `member` is the parameter to change, "" the geometry."""
    return InvalidRequest((FieldError(f"/properties/{member}" if member else "/geometry", detail),))


def check_count(vertices: float, member: str) -> None:
    """Raises InvalidRequest, naming `member`, when these are more vertices than a plan can have."""
    if vertices > MOST_VERTICES:
        detail = f"makes {vertices:.0f} waypoints of this pattern; a plan has at most {MOST_VERTICES}"
        raise cannot(member, detail)


def at_height(xy: Array, alt_m: float) -> Array:
    """(N, 2) metres as (N, 3), all at one height."""
    return np.column_stack((xy, np.full(len(xy), alt_m)))


def toward(bearing_deg: float) -> Array:
    """The unit vector (2,), east and north, of a true bearing."""
    angle = math.radians(bearing_deg)
    return np.array([math.sin(angle), math.cos(angle)])


def bearing_deg(vector: Array) -> float:
    """The true bearing from 0 to 360 of (2,) metres east and north."""
    return math.degrees(math.atan2(vector[0], vector[1])) % 360.0


def with_actions(piece: Piece, at: int, *actions: Action) -> Piece:
    """The piece with more to do at vertex `at` (from the end when negative), before what it does there already."""
    found = dict(piece.actions)
    index = at % len(piece.xyz)
    found[index] = (*actions, *found.get(index, ()))
    return replace(piece, actions=tuple(sorted(found.items())))


def with_camera(
    pieces: Sequence[Piece], *, gimbal_deg: float | None, trigger_m: float | None, video: bool
) -> tuple[Piece, ...]:
    """The pieces with the camera set at the first vertex, and on along each working piece."""
    switched = [_switched(piece, trigger_m, video) for piece in pieces]
    if gimbal_deg is not None and switched:
        switched[0] = with_actions(switched[0], 0, Action(ActionKind.GIMBAL, gimbal_deg))
    return tuple(switched)


def _switched(piece: Piece, trigger_m: float | None, video: bool) -> Piece:
    if not piece.working or len(piece.xyz) < 2:
        return piece
    on: list[Action] = []
    off: list[Action] = []
    if trigger_m is not None:
        on.append(Action(ActionKind.PHOTO_EVERY, trigger_m))
        off.append(Action(ActionKind.PHOTO_EVERY, 0.0))
    if video:
        on.append(Action(ActionKind.VIDEO, 1.0))
        off.append(Action(ActionKind.VIDEO, 0.0))
    return with_actions(with_actions(piece, 0, *on), -1, *off) if on else piece


def vertices(pieces: Iterable[Piece]) -> int:
    """How many all pieces have."""
    return sum(len(piece.xyz) for piece in pieces)
