"""A route: the line as drawn."""

from __future__ import annotations

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, check_count


def route(line: Array, alt_rel_m: float) -> tuple[Piece, ...]:
    """One working piece with every vertex of `line`, (N ≥ 2, 2) metres. Raises InvalidRequest when too long."""
    check_count(len(line), "")
    return (Piece(at_height(line, alt_rel_m)),)
