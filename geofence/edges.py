"""Outlines as the kernel takes them: edges that block, and clumps of corners where a shortest way can bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from geofence.frame import Array
from geofence.obstacles import TOUCH_M, Indices, Shapes, cross

_STRAIGHT = 1e-7  # sine of a turn that is none
_MOST_IN_CLUMP = 16


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Closed rings one after the other, the solid on their left: the vertices `at` (N, 2), and the ring of each.

    `there` and `on` (N, 2): the direction in which the edge before a vertex runs, and the one after it.
    """

    at: Array
    ring: Indices
    there: Array
    on: Array

    @classmethod
    def of(cls, polygons: Shapes, *, solid_within: bool) -> tuple[Rings, Indices]:
        """Of polygons of several parts, with the polygon (R,) that each ring belongs to."""
        parts, whole = shapely.get_parts(polygons, return_index=True)
        turned = shapely.orient_polygons(parts, exterior_cw=not solid_within)
        rings, part = shapely.get_rings(turned, return_index=True)
        closed, ring = shapely.get_coordinates(rings, return_index=True)
        within = ring[1:] == ring[:-1]
        steps = np.diff(closed, axis=0)[within]
        lengths = np.hypot(*steps.T)[:, None]
        on = steps / np.where(lengths > 0.0, lengths, 1.0)
        ring = ring[:-1][within]
        before = np.arange(len(on)) - 1
        first = np.flatnonzero(np.diff(ring, prepend=-1))
        before[first] = np.append(first[1:], len(on))[: len(first)] - 1
        return cls(closed[:-1][within], ring, on[before], on), whole[part]

    def edges(self) -> Array:
        """What blocks, (N, 4) as x, y, x, y: the rings drawn in by `TOUCH_M`, since a way may touch them."""
        sum_of = self.there + self.on  # as long as 2 cos(half the turn)
        long = np.hypot(*sum_of.T)[:, None]
        reach_m = TOUCH_M * 2.0 / np.maximum(long * np.maximum(long, 1.0), 1e-9)
        inner = self.at + np.column_stack((-sum_of[:, 1], sum_of[:, 0])) * reach_m
        following = np.arange(len(inner)) + 1
        last = np.flatnonzero(np.diff(self.ring, append=-1))
        following[last] = np.append(0, last + 1)[: len(last)]
        return np.concatenate((inner, inner[following]), axis=1)

    def corners(self) -> tuple[Array, Indices]:
        """The vertices where the solid sticks out, (C, 6) as the kernel takes them, and the ring of each."""
        bends = cross(self.there.T, self.on.T) > _STRAIGHT
        return np.concatenate((self.at, -self.there, self.on), axis=1)[bends], self.ring[bends]


def clumped(at: Array, ring: Indices) -> tuple[Array, Indices, Indices]:
    """Corners (C, ≥ 2) that follow each other on a ring, by sixteen: a disc round each clump, its span, its ring."""
    in_ring = np.arange(len(ring)) - np.searchsorted(ring, ring)
    first = np.flatnonzero(in_ring % _MOST_IN_CLUMP == 0)
    after = np.append(first[1:], len(ring))[: len(first)]
    low, high = np.minimum.reduceat(at[:, :2], first), np.maximum.reduceat(at[:, :2], first)
    radii_m = np.hypot(*(high - low).T) / 2.0
    return np.column_stack(((low + high) / 2.0, radii_m)), np.column_stack((first, after)), ring[first]
