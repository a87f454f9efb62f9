"""Making a path that sees everything shorter: vertex by vertex, at a price for what is lost from sight."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from missions.patterns.strip import Path, Shapes, covered, polygons, strips

# How far a vertex is moved at once, in reaches (half swaths).
_STEPS = np.array([0.6, 0.15])
_LEAST_GAIN = 0.008  # in reaches: what is not worth moving a waypoint for
# The end of a row is drawn in within this much of it, in reaches; what lies further in stays as it is.
_DEPTH = 2.5
_SAME_M = 1e-6
_NOTHING = shapely.Polygon()


def tightened(
    path: Path, target: BaseGeometry, room: BaseGeometry, reach_m: float, *, price: float, most_tries: int
) -> Path:
    """A path no longer than this one: ends of rows drawn in along the row, all other vertices moved or left out.

    `price`: how many reaches must be saved for a square reach that is lost from sight.
    """
    work = _Tightener(path, target, room, reach_m, price_per_m=price / reach_m)
    for _ in range(most_tries):
        if not work.improve_next():
            break
    return Path(work.xy, work.row)


class _Tightener:
    """A path under change, with the strip seen from each leg and the parts of the target that none sees."""

    def __init__(
        self, path: Path, target: BaseGeometry, room: BaseGeometry, reach_m: float, *, price_per_m: float
    ) -> None:
        self.xy, self.row = path.xy, path.row
        self._target, self._room, self._reach_m = target, room, reach_m
        self._price_per_m = price_per_m
        self._strips = self._look(path.legs)
        self._bounds = shapely.bounds(self._strips)
        self._unseen = polygons(shapely.difference(target, shapely.union_all(self._strips)))
        self._stale = np.ones(len(path.xy), dtype=np.bool_)
        self._at = 0

    def improve_next(self) -> bool:
        """Tries the next vertex, round and round, that something changed beside since its last try; False without."""
        waiting = np.flatnonzero(self._stale)
        if not len(waiting) or len(self.xy) < 3:
            return False
        self._at = int(waiting[np.searchsorted(waiting, self._at) % len(waiting)])
        self._stale[self._at] = False
        self._improve(self._at)
        return True

    def _improve(self, index: int) -> None:
        """Moves the vertex to the place where that is worth most; onto a neighbour means that it is left out."""
        sides = [one for one in (index - 1, index + 1) if 0 <= one < len(self.xy)]
        near = self._near_ends(index, sides)
        places = self._places(index, sides)
        saved_m = _sum_m(self.xy[index, None], self.xy[sides]) - _sum_m(places, self.xy[sides])
        legs = np.stack(np.broadcast_arrays(places[:, None], near[None]), axis=2)
        good = saved_m > _LEAST_GAIN * self._reach_m
        good[good] = covered(self._room, legs[good]).all(axis=1)
        if not good.any():
            return
        places, saved_m, legs = places[good], saved_m[good], legs[good]
        seen = strips(legs.reshape(-1, 2, 2), self._reach_m).reshape(legs.shape[:2])
        own = self._only_seen_from(index, sides, near)
        lost_m2 = np.asarray(shapely.area(_without(own, seen))) - self._found_m2(seen)
        worth_m = saved_m - self._price_per_m * lost_m2
        best = int(np.argmax(worth_m))
        if worth_m[best] > _LEAST_GAIN * self._reach_m:
            self._count(own, seen[best])
            self._move(index, places[best])

    def _places(self, index: int, sides: list[int]) -> Array:
        """Where the vertex may go, (n, 2): the end of a row along the row, any other toward the straight way."""
        at, others = self.xy[index], self.xy[sides]
        rows = self.row[[min(index, one) for one in sides]]
        if rows.all() and len(sides) == 2:
            straight = np.hypot(*(others - at).T).sum() - np.hypot(*(others[0] - others[1])) < _SAME_M
            return others[:1] if straight else np.empty((0, 2))
        toward = others[rows] if rows.any() else self._straighter(at, others)
        ways = toward - at
        far_m = np.maximum(np.hypot(*ways.T), _SAME_M)
        share = np.minimum(_STEPS[:, None] * self._reach_m / far_m, 1.0)
        steps = (at + share[..., None] * ways).reshape(-1, 2)
        gone = others[:1] if not rows.any() or far_m[0] < _DEPTH * self._reach_m else np.empty((0, 2))
        return np.concatenate((steps, gone))

    @staticmethod
    def _straighter(at: Array, others: Array) -> Array:
        """Towards the neighbours, the middle between them and the nearest place on the straight line."""
        if len(others) == 1:
            return others
        way = others[1] - others[0]
        share = np.clip((at - others[0]) @ way / max(float(way @ way), _SAME_M), 0.0, 1.0)
        return np.concatenate((others, [others.mean(axis=0), others[0] + share * way]))

    def _near_ends(self, index: int, sides: list[int]) -> Array:
        """The other end of each leg at the vertex; of a long row a point on it, as nothing changes beyond."""
        ends = self.xy[sides]
        far_m = np.hypot(*(ends - self.xy[index]).T)
        long = self.row[[min(index, one) for one in sides]] & (far_m > _DEPTH * self._reach_m)
        if long.all() and len(sides) == 2:
            return ends
        share = np.where(long, _DEPTH * self._reach_m / np.maximum(far_m, _SAME_M), 1.0)
        near: Array = self.xy[index] + share[:, None] * (ends - self.xy[index])
        return near

    def _only_seen_from(self, index: int, sides: list[int], near: Array) -> BaseGeometry:
        """What of the target is seen from the legs at the vertex, as far as `near`, and from nowhere else."""
        here = np.stack((np.broadcast_to(self.xy[index], near.shape), near), axis=1)
        mine = shapely.union_all(self._look(here))
        left, low, right, high = shapely.bounds(mine)
        beside = (self._bounds[:, 0] < right) & (self._bounds[:, 2] > left)
        beside &= (self._bounds[:, 1] < high) & (self._bounds[:, 3] > low)
        beside[[min(index, one) for one in sides]] = False
        rest = self._look(np.stack((near, self.xy[sides]), axis=1)[(near != self.xy[sides]).any(axis=1)])
        own = shapely.intersection(mine, self._target)
        for other in np.concatenate((rest, self._strips[beside])):
            if shapely.is_empty(own):
                break
            own = shapely.difference(own, other)
        return own

    def _found_m2(self, seen: Shapes) -> Array:
        """What of that which nothing sees yet would be seen from each pair of legs (n, 1 or 2)."""
        left, low, right, high = shapely.total_bounds(seen)
        near = self._unseen[shapely.intersects(self._unseen, shapely.box(left, low, right, high))]
        near = near[shapely.intersects(near[:, None], seen.reshape(1, -1)).any(axis=1)]
        if not len(near):
            return np.zeros(len(seen))
        still = _without(near[:, None], seen[None])
        return np.asarray(shapely.area(near).sum() - shapely.area(still).sum(axis=0))

    def _count(self, own: BaseGeometry, seen: Shapes) -> None:
        near = shapely.intersects(self._unseen, shapely.box(*shapely.total_bounds(seen)))
        still = _without(np.array([*self._unseen[near], own]), seen[None])
        self._unseen = np.concatenate((self._unseen[~near], polygons(still)))

    def _move(self, index: int, place: Array) -> None:
        self.xy = self.xy.copy()
        self.xy[index] = place
        self._stale[max(0, index - 1) : index + 2] = True
        first, last = max(0, index - 1), min(index + 1, len(self.xy) - 1)
        legs = np.stack((self.xy[first:last], self.xy[first + 1 : last + 1]), axis=1)
        self._strips[first:last] = self._look(legs)
        self._bounds[first:last] = shapely.bounds(self._strips[first:last])
        for leg in range(last - 1, first - 1, -1):
            if np.hypot(*(self.xy[leg] - self.xy[leg + 1])) < _SAME_M:
                self._drop(index, leg)

    def _drop(self, vertex: int, leg: int) -> None:
        self.xy = np.delete(self.xy, vertex, axis=0)
        self._stale = np.delete(self._stale, vertex)
        self.row = np.delete(self.row, leg)
        self._strips = np.delete(self._strips, leg)
        self._bounds = np.delete(self._bounds, leg, axis=0)

    def _look(self, legs: Array) -> Shapes:
        """The strips of the legs; nothing from a leg that is not wholly in the room, where the sensor is off."""
        seen = strips(legs, self._reach_m)
        seen[~covered(self._room, legs)] = _NOTHING
        return seen


def _without(shapes: Shapes | BaseGeometry, seen: Shapes) -> Shapes:
    """The shapes without what any of `seen`, along its last axis, shows."""
    for index in range(seen.shape[-1]):
        shapes = shapely.difference(shapes, seen[..., index])
    return np.asarray(shapes)


def _sum_m(places: Array, others: Array) -> Array:
    """From each place (n, 2) to all the others, together: (n,)."""
    metres: Array = np.hypot(*(places[:, None] - others[None]).transpose(2, 0, 1)).sum(axis=1)
    return metres
