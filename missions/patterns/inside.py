"""Shortest ways that stay inside an area with holes: a visibility graph over its inner corners."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from geofence.frame import Array

# Corners come from the area's boundary itself, so a way along it touches the edge: allowed by this much.
TOUCH_M = 1e-3
MOST_CORNERS = 80


class Inside:
    """Ways within one area, (x, y) in metres. Built once, asked often."""

    def __init__(self, area: BaseGeometry) -> None:
        self._area = area.buffer(TOUCH_M, join_style="mitre")
        shapely.prepare(self._area)
        self._corners = _few(corners_of(area))
        self._steps, self._next = _all_pairs(self._corners, self._sees_each_other(self._corners))

    def way(self, start: Array, end: Array) -> Array | None:
        """The shortest way from `start` to `end`, (N ≥ 2, 2) with both; None when the area does not join them."""
        ends = np.stack((start, end))
        if self._sees(ends[:1], ends[1:])[0, 0]:
            return ends
        if not len(self._corners):
            return None
        reach = np.where(self._sees(ends, self._corners), _distances(ends, self._corners), np.inf)
        total = reach[0][:, None] + self._steps + reach[1][None, :]
        first, last = np.unravel_index(int(np.argmin(total)), total.shape)
        if not np.isfinite(total[first, last]):
            return None
        bends = self._corners[self._walk(int(first), int(last))]
        return np.concatenate((ends[:1], bends, ends[1:]))

    def _walk(self, first: int, last: int) -> list[int]:
        walked = [first]
        while walked[-1] != last:
            walked.append(int(self._next[walked[-1], last]))
        return walked

    def _sees_each_other(self, places: Array) -> NDArray[np.bool_]:
        """`_sees` of all pairs of the same places, (N, N), each line looked at once."""
        seen = np.eye(len(places), dtype=np.bool_)
        one, other = np.triu_indices(len(places), 1)
        ends = np.stack((places[one], places[other]), axis=1)
        seen[one, other] = seen[other, one] = shapely.covers(self._area, shapely.linestrings(ends))
        return seen

    def _sees(self, a: Array, b: Array) -> NDArray[np.bool_]:
        """Whether the straight line from each of `a` (N, 2) to each of `b` (M, 2) stays inside: (N, M)."""
        ends = np.stack(np.broadcast_arrays(a[:, None, :], b[None, :, :]), axis=2)
        return np.asarray(shapely.covers(self._area, shapely.linestrings(ends)))


def roomy(area: BaseGeometry, least_m: float, most_m: float) -> BaseGeometry:
    """The area drawn in by `least_m`, or by up to `most_m` where that leaves it simple enough for `Inside`."""
    for tolerance_m in (0.0, *np.geomspace(0.1, 8.0, 8).tolist()):
        if least_m + 2 * tolerance_m > most_m and tolerance_m:
            break
        drawn_in = area.buffer(-least_m - tolerance_m, join_style="mitre", mitre_limit=2.0)
        smaller = drawn_in.simplify(tolerance_m) if tolerance_m else drawn_in
        if len(corners_of(smaller)) <= MOST_CORNERS:
            break
    return smaller


def corners_of(area: BaseGeometry) -> Array:
    """The corners where a shortest way can bend: those where the boundary turns into the area, (N, 2)."""
    found = [np.empty((0, 2))]
    for polygon in shapely.get_parts(area):
        if isinstance(polygon, Polygon) and not polygon.is_empty:
            turned = orient(polygon)  # outer ring anticlockwise, holes clockwise: the area is on the left
            found += [
                _right_turns(shapely.get_coordinates(ring)[:-1]) for ring in (turned.exterior, *turned.interiors)
            ]
    return np.concatenate(found)


def _few(corners: Array) -> Array:
    """Of more than `MOST_CORNERS` an even choice: ways may then be longer or missed, but never leave the area."""
    few = np.linspace(0, len(corners) - 1, min(len(corners), MOST_CORNERS)).astype(int)
    chosen: Array = corners[few]
    return chosen


def _right_turns(ring: Array) -> Array:
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns: Array = ring[before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] < 0]
    return turns


def _distances(a: Array, b: Array) -> Array:
    """Between each of `a` (N, 2) and each of `b` (M, 2): (N, M)."""
    lengths: Array = np.hypot(*np.moveaxis(a[:, None, :] - b[None, :, :], -1, 0))
    return lengths


def _all_pairs(corners: Array, sees: NDArray[np.bool_]) -> tuple[Array, NDArray[np.intp]]:
    """Lengths of the shortest ways between corners, and the corner that follows first on each (Floyd-Warshall)."""
    lengths = np.where(sees, _distances(corners, corners), np.inf)
    following = np.broadcast_to(np.arange(len(corners)), lengths.shape).copy()
    for via in range(len(corners)):
        through = lengths[:, via, None] + lengths[None, via, :]
        shorter = through < lengths
        lengths = np.where(shorter, through, lengths)
        following = np.where(shorter, following[:, via, None], following)
    return lengths, following
