"""Whether straight ways home can be ruled out before a single way is sought."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from geofence.scene import RETURN_ALT_M, VERTICAL_MARGIN_M
from geofence.space import Space
from missions.patterns.draft import Piece

# Places are rounded before they are judged, and a little more than the margin is asked for then: what is closer than
# the margin by this much stays so.
_SURELY_M = 0.1


def surely_barred(space: Space, pieces: Sequence[Piece], highest_rel_m: float) -> bool:
    """Whether a straight way to (0, 0) from a vertex of `pieces` comes too near to an exclusion.

    At every height that the return can have, which is that of the highest place flown: of the pieces, or of a way
    between them, up to `highest_rel_m`.
    """
    xyz = np.concatenate([piece.xyz for piece in pieces])
    lowest_m = max(float(xyz[:, 2].max()), RETURN_ALT_M)
    over_m = max(lowest_m, highest_rel_m) - VERTICAL_MARGIN_M
    always = (space.low_rel_m <= lowest_m + VERTICAL_MARGIN_M) & (space.high_rel_m >= over_m)
    ends = np.zeros((len(xyz), 2, 2))
    ends[:, 0] = xyz[:, :2]
    reach_m = float(space.margins_m.max(initial=0.0))
    way, zone = space.tree.query(shapely.linestrings(ends), predicate="dwithin", distance=reach_m)
    way, zone = way[always[zone]], zone[always[zone]]
    gap_m = shapely.distance(shapely.linestrings(ends[way]), space.shapes[zone])
    return bool((gap_m < space.margins_m[zone] - _SURELY_M).any())
