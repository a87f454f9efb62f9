"""Search patterns from a last known position, as rescue services fly them."""

from __future__ import annotations

import math

import numpy as np

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, check_count, toward

_SECTOR_TURN_DEG = 120.0
_SECTOR_LEGS = 9  # three triangles
_NEXT_SECTOR_DEG = 30.0


def expanding_square(
    datum: Array, alt_rel_m: float, *, spacing_m: float, legs: int, heading_deg: float = 0.0, turn_right: bool = True
) -> tuple[Piece, ...]:
    """Legs of 1, 1, 2, 2, 3, 3 … track spacings from `datum` (2,), each turned by 90° against the one before.

    `heading_deg`: true bearing of the first leg. Raises InvalidRequest for too many legs.

    Source: IAMSAR Manual, volume III, section 3, expanding square search (SS): the first two legs are one track
    spacing long, every following pair one spacing longer.
    """
    check_count(legs + 1, "legs")
    count = np.arange(float(legs))
    lengths_m = spacing_m * (count // 2 + 1)
    bearings_deg = heading_deg + count * (90.0 if turn_right else -90.0)
    return (Piece(at_height(_walk(datum, bearings_deg, lengths_m), alt_rel_m)),)


def legs_for(radius_m: float, spacing_m: float) -> int:
    """Legs of an expanding square until everything within `radius_m` is seen, half a spacing around every leg.

    After 4 n + 2 legs the square from -n to n spacings is flown all round. Half a spacing is meant along and across
    the legs; at the start and at the turns it is up to seven tenths slantwise.
    """
    rings = max(0, math.ceil(radius_m / spacing_m - 0.5))
    return 4 * rings + 2


def sector(
    datum: Array,
    alt_rel_m: float,
    *,
    radius_m: float,
    heading_deg: float = 0.0,
    repeats: int = 1,
    turn_right: bool = True,
) -> tuple[Piece, ...]:
    """Three triangles with a corner in `datum` (2,), nine legs of `radius_m`, flown `repeats` times.

    Out, 120° turn, across, 120° turn, in through the datum and straight on into the next triangle; each repeat begins
    30° further round. `heading_deg`: true bearing of the first leg.

    Source: IAMSAR Manual, volume III, section 3, sector search (VS).
    """
    sense = 1.0 if turn_right else -1.0
    # Of three legs in a row the first goes on straight through the datum; the other two begin with a turn.
    turns = np.where(np.arange(_SECTOR_LEGS) % 3 == 0, 0.0, sense * _SECTOR_TURN_DEG)
    pieces = []
    for repeat in range(repeats):
        bearings_deg = heading_deg + sense * repeat * _NEXT_SECTOR_DEG + np.cumsum(turns)
        pieces.append(Piece(at_height(_walk(datum, bearings_deg, np.full(_SECTOR_LEGS, radius_m)), alt_rel_m)))
    return tuple(pieces)


def _walk(start: Array, bearings_deg: Array, lengths_m: Array) -> Array:
    """The vertices of legs one after the other, (N + 1, 2)."""
    steps = np.array([length * toward(bearing) for bearing, length in zip(bearings_deg, lengths_m, strict=True)])
    return np.vstack((start, start + np.cumsum(steps, axis=0)))
