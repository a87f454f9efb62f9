"""The ring with the fewest vertices through a sleeve."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geofence.doors import Doors, costs_round, lines_of_sight
from geofence.frame import Array
from geofence.obstacles import cross
from geofence.sleeves import Sleeve

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Effort:
    """Where vertices are tried: on doors about so far apart, so many of them at most, at `shares` from near to far.

    A straight line is followed past `reach` of those doors at most.
    """

    apart_m: float
    most: int
    reach: int
    shares: Array = field(repr=False)


ROUGH = Effort(3.0, 240, 80, np.array([0.001, 0.2, 0.45, 0.75, 0.999]))
FINE = Effort(1.0, 480, 120, np.array([0.001, 0.1, 0.25, 0.45, 0.65, 0.85, 0.999]))
_MOST_DOORS = 500
# Of two rings with as many vertices the one is better that has them farther from what is inside, up to `_FAR_M`.
_NEARNESS, _FAR_M = 0.01, 40.0


def short_ring(sleeve: Sleeve, effort: Effort) -> Array | None:
    """An open ring, (N ≥ 3, 2), that passes every door once; None when there is none over the places tried.

    A shortest path over the straight lines between places on the doors (Imai and Iri, Computational-geometric methods
    for polygonal approximations of a curve, 1986), from the narrowest door round to it, and once more from where that
    has a vertex: the first may only be one because the path began there.
    """
    sleeve = sleeve.turned(int(np.argmin(sleeve.widths_m())))
    stations = _stations(sleeve, effort)
    places = sleeve.near[stations, None] + effort.shares[:, None] * (sleeve.far - sleeve.near)[stations, None]
    sees = lines_of_sight(_doors(sleeve, stations, places), min(effort.reach, len(stations)), _MOST_DOORS)
    price = 1.0 + _NEARNESS * (1.0 - np.minimum(1.0, sleeve.widths_m()[stations, None] * effort.shares / _FAR_M))
    first = _fewest(sees, price, 0, np.arange(len(effort.shares)))
    if first is None:
        return None
    station, share = first[len(first) // 2]
    again = _fewest(sees, price, int(station), np.array([share]))
    best = first if again is None or len(again) > len(first) else again
    return np.asarray(places[best[:, 0], best[:, 1]])


def _stations(sleeve: Sleeve, effort: Effort) -> Indices:
    """The doors to have vertices on, (S,), the first among them."""
    middle = sleeve.middle()
    along_m = np.cumsum(np.hypot(*(middle - np.roll(middle, 1, axis=0)).T))
    apart_m = max(effort.apart_m, float(along_m[-1] - along_m[0]) / effort.most)
    number = np.floor((along_m - along_m[0]) / apart_m)
    return np.flatnonzero(np.diff(number, prepend=-1.0))


def _doors(sleeve: Sleeve, stations: Indices, places: Array) -> Doors:
    number = np.full(len(sleeve.near), -1)
    number[stations] = np.arange(len(stations))
    near, far = np.ascontiguousarray(sleeve.near), np.ascontiguousarray(sleeve.far)
    return Doors(near, far, stations, number, places, _side(sleeve))


def _side(sleeve: Sleeve) -> float:
    """+1 when what is inside lies on the left of the way through the doors, -1 when on the right."""
    middle = sleeve.middle()
    onward = np.roll(middle, -1, axis=0) - middle
    return float(np.sign(cross(onward.T, (sleeve.near - middle).T).sum()))


def _fewest(sees: NDArray[np.bool_], price: Array, first: int, begins: Indices) -> Indices | None:
    """Stations and shares of the cheapest ring's vertices, (N, 2), one of them on `first` at a share of `begins`."""
    cost = costs_round(sees, price, first, begins)
    closing = cost[-1, begins, np.arange(len(begins))]
    best = int(np.argmin(closing))
    if not np.isfinite(closing[best]):
        return None
    return _walked_back(sees, cost[..., best], first, int(begins[best]))


def _walked_back(sees: NDArray[np.bool_], cost: Array, first: int, share: int) -> Indices:
    """The vertices of the path, (N, 2), whose costs are known: before each, the cheapest place that sees it."""
    count, _, reach = sees.shape[:3]
    walked: list[tuple[int, int]] = []
    station = count
    while station > 0:
        back = np.arange(max(0, station - reach), station)
        seen = sees[(first + back) % count, :, station - back - 1, share]
        came_from = np.where(seen, cost[back], np.inf)
        before, share = divmod(int(came_from.argmin()), came_from.shape[1])
        station = int(back[before])
        walked.append(((first + station) % count, share))
    return np.array(walked[::-1], dtype=np.intp)
