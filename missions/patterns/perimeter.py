"""Around the edge of an area, some way inside or outside of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import LinearRing, Point, Polygon
from shapely.geometry.polygon import orient

from geofence.frame import Array
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, cannot, check_count

# GEOS keeps a distance only with mitre joins and a centimetre to spare (planning guide, section 3.3).
_SPARE_M = 0.01
_AT_VERTEX_M = 1.0  # a start this near to a vertex is that vertex


def perimeter(
    ring: Array,
    holes: Sequence[Array],
    alt_rel_m: float,
    *,
    offset_m: float,
    laps: int = 1,
    clockwise: bool = True,
    around_holes: bool = False,
    home: Array | None = None,
) -> tuple[Piece, ...]:
    """Rounds at `offset_m` from the edge: outside of the area when positive, inside when negative.

    `ring` and `holes`: (N ≥ 3, 2) metres, open. A round begins where it is nearest to `home` (2,). An area that falls
    into parts when drawn in gets a piece for each. Raises InvalidRequest when nothing is left of it.
    """
    start = Point(np.zeros(2) if home is None else home)
    area = Polygon(ring, holes if around_holes else ())
    rings = [closed for part in _offset_parts(area, offset_m) for closed in (part.exterior, *part.interiors)]
    check_count(laps * sum(len(closed.coords) for closed in rings), "laps")
    # Seen from inside the area a hole is walked around the other way; seen from above all go the same way.
    return tuple(Piece(at_height(round_from(closed, start, clockwise, laps), alt_rel_m)) for closed in rings)


def round_from(closed: LinearRing, start: Point, clockwise: bool, laps: int = 1) -> Array:
    """Laps of a ring from its place nearest to `start` and back to it, (N ≥ 4, 2)."""
    line = closed if closed.is_ccw != clockwise else shapely.reverse(closed)
    vertices = shapely.get_coordinates(line)[:-1]
    along_m = line.project(start)
    entry = shapely.get_coordinates(line.interpolate(along_m))[0]
    reached_m = np.append(0.0, np.cumsum(np.hypot(*np.diff(vertices, axis=0).T)))
    first = int(np.searchsorted(reached_m, along_m))
    turned = np.roll(vertices, -first, axis=0)
    near = np.hypot(*(turned - entry).T) < _AT_VERTEX_M
    lap = np.vstack((entry, turned[~near]))
    return np.vstack((np.tile(lap, (laps, 1)), entry))


def _offset_parts(area: Polygon, offset_m: float) -> list[Polygon]:
    spare_m = _SPARE_M if offset_m > 0 else -_SPARE_M
    grown = area if not offset_m else area.buffer(offset_m + spare_m, join_style="mitre", mitre_limit=2.0)
    parts = [orient(part) for part in shapely.get_parts(grown) if isinstance(part, Polygon) and not part.is_empty]
    if not parts:
        most_m = shapely.maximum_inscribed_circle(area).length
        raise cannot(
            "offset_m", f"leaves nothing of the area: no place in it is further than {most_m:.0f} m from its edge"
        )
    return parts
