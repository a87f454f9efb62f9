"""The inner loops of the on-board fence's rings, compiled: what is seen through doors, and the cheapest way round."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Doors(NamedTuple):
    """The doors of a sleeve, from `near` (M, 2) to `far` (M, 2), and the places that vertices are tried at.

    `stations` (S,): the doors that have such `places` (S, K, 2); `number` (M,): the station on each door, or -1.
    `side`: +1 where what is inside lies on the left of the way through them, -1 where on the right.
    """

    near: Floats
    far: Floats
    stations: Ints
    number: Ints
    places: Floats
    side: float


@compiled
def lines_of_sight(doors: Doors, reach: int, most_doors: int) -> Mask:
    """Between which places a straight line stays in the sleeve, as (S, K, R, K).

    [s, k, r, j]: from place k of station s to place j of the station r + 1 further on. What can be seen through a row
    of doors from a place is a wedge, and each door narrows it (Lee and Preparata 1984).
    """
    count, shares = doors.places.shape[:2]
    sees = np.zeros((count, shares, reach, shares), dtype=np.bool_)
    for station in range(count):
        for share in range(shares):
            _look(doors, station, share, most_doors, sees[station, share])
    return sees


@compiled
def _look(doors: Doors, station: int, share: int, most_doors: int, sees: Mask) -> None:
    """Marks what one place sees, (R, K)."""
    near, far, side = doors.near, doors.far, doors.side
    x, y = doors.places[station, share]
    first = (doors.stations[station] + 1) % len(near)
    right, left = (near[first, 0] - x, near[first, 1] - y), (far[first, 0] - x, far[first, 1] - y)
    for on in range(1, min(most_doors, len(near)) + 1):
        at = (doors.stations[station] + on) % len(near)
        right = _narrowed(right, (near[at, 0] - x, near[at, 1] - y), side)
        left = _narrowed(left, (far[at, 0] - x, far[at, 1] - y), -side)
        if side * _cross(left, right) <= 0.0:
            return
        past = (doors.number[at] - station - 1) % len(doors.stations)
        if doors.number[at] >= 0 and past < len(sees):
            for other in range(sees.shape[1]):
                seen = (doors.places[doors.number[at], other, 0] - x, doors.places[doors.number[at], other, 1] - y)
                sees[past, other] = side * _cross(right, seen) <= 0.0 and side * _cross(left, seen) >= 0.0


@compiled
def _narrowed(edge: tuple[float, float], new: tuple[float, float], side: float) -> tuple[float, float]:
    """The edge of a wedge, or the new one where that lies further in."""
    return new if side * _cross(edge, new) < 0.0 else edge


@compiled
def _cross(a: tuple[float, float], b: tuple[float, float]) -> float:
    return a[0] * b[1] - a[1] * b[0]


@compiled
def costs_round(sees: Mask, price: Floats, first: int, begins: Ints) -> Floats:
    """The costs of the cheapest paths round, (S + 1, K, B), from share `begins[b]` of the station `first` on.

    [s, k, b]: to share k of the sth station from there. `price` (S, K): of a vertex at each place.
    """
    count, shares, reach, _ = sees.shape
    cost = np.full((count + 1, shares, len(begins)), np.inf)
    for begin in range(len(begins)):
        cost[0, begins[begin], begin] = 0.0
    for on in range(count):
        for share in range(shares):
            seen = sees[(first + on) % count, share]
            for past in range(min(reach, count - on)):
                ahead = on + past + 1
                _reach(seen[past], cost[on, share], price[(first + ahead) % count], cost[ahead])
    return cost


@compiled
def _reach(seen: Mask, cost: Floats, price: Floats, ahead: Floats) -> None:
    """Lowers the costs `ahead` (K, B) of one station to those by way of a place with `cost` (B,) that sees it."""
    for share in range(len(seen)):
        if seen[share]:
            for begin in range(len(cost)):
                ahead[share, begin] = min(ahead[share, begin], cost[begin] + price[share])
