"""The order in which points are visited: shortest home and back, or shortest up to the last point."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from geofence.frame import Array
from missions.patterns.order import Nodes, improved

# So few points are tried in every order.
_MOST_EXACT = 7


def shortest_tour(points: Array, home: Array, *, back: bool = True) -> Nodes:
    """Indices of `points`, (N ≥ 1, 2) metres, in the order of a short tour from `home` (2,), and `back` to it.

    The shortest of all for up to seven points; beyond that one that no reversal and no move of a short block betters.
    """
    places = np.vstack((points, home))
    metres = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    if not back:
        metres[:, -1] = 0.0
    return _exact(metres) if len(points) <= _MOST_EXACT else _improved(metres)


def _exact(metres: Array) -> Nodes:
    home = len(metres) - 1
    orders = np.array(list(permutations(range(home))))
    lengths = (
        metres[home, orders[:, 0]] + metres[orders[:, :-1], orders[:, 1:]].sum(axis=1) + metres[orders[:, -1], home]
    )
    shortest: Nodes = orders[int(np.argmin(lengths))]
    return shortest


def _improved(metres: Array) -> Nodes:
    """Each point as a stretch whose two ends are the same place: what `order` arranges."""
    count = len(metres) - 1
    twice = np.append(np.repeat(np.arange(count), 2), count)
    entries = 2 * np.array(_farthest_inserted(metres), dtype=np.intp)
    return improved(entries, metres[np.ix_(twice, twice)]) // 2


def _farthest_inserted(metres: Array) -> list[int]:
    """A tour built by putting the point farthest from it, again and again, where it costs least.

    Source: farthest insertion (Rosenkrantz, Stearns and Lewis 1977); it leaves little to improve.
    """
    home = len(metres) - 1
    tour, away_m = [home, home], metres[home, :home].copy()
    for _ in range(home):
        new = int(np.argmax(away_m))
        before, after = np.array(tour[:-1]), np.array(tour[1:])
        added_m = metres[before, new] + metres[new, after] - metres[before, after]
        tour.insert(int(np.argmin(added_m)) + 1, new)
        away_m = np.minimum(away_m, metres[new, :home])
        away_m[tour[1:-1]] = -1.0
    return tour[1:-1]
