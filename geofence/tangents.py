"""Which straight steps between corners a shortest way can take: those that touch obstacles and bend round them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from geofence.obstacles import Corners, Indices, cross

Mask = NDArray[np.bool_]

_NEAR_M = 1e-6  # how far from a line a vertex counts as on it
_NEAREST = 16
_FEW_LINES = 16
_MOST_PAIRS = 20_000  # looked at in one go: what fits the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Corners, as `at` (2, P), with vectors to the vertex `before` and `after` each (2, P); zero: a place alone."""

    at: Array
    before: Array
    after: Array

    @classmethod
    def alone(cls, at: Array) -> Places:
        """Places (P, 2) with nothing to bend round."""
        return cls(at.T, np.zeros_like(at.T), np.zeros_like(at.T))

    def __len__(self) -> int:
        return int(self.at.shape[1])

    def joined_by(self, rims: Sequence[Corners]) -> Places:
        """These places and then the corners of `rims`."""
        return Places(
            np.concatenate((self.at, *(rim.at.T for rim in rims)), axis=1),
            np.concatenate((self.before, *((rim.before - rim.at).T for rim in rims)), axis=1),
            np.concatenate((self.after, *((rim.after - rim.at).T for rim in rims)), axis=1),
        )

    def steps(self, starts: Indices, ends: Indices, parents: Indices) -> tuple[Indices, Indices, Array]:
        """Those steps from `starts` (M,) to `ends` that a shortest way can take: pairs of places, and their lengths.

        `parents` (M,): whence each start was reached; itself where the way begins.
        """
        normals, offsets = self._cones(starts, parents)
        at = self.at[:, ends]
        inside = normals[0] @ at >= offsets[0][:, None]
        for normal, offset in zip(normals[1:], offsets[1:], strict=True):
            inside &= normal @ at >= offset[:, None]
        start, end = np.nonzero(inside)
        start, end = starts[start], ends[end]
        step = self.at[:, end] - self.at[:, start]
        length_m = np.hypot(step[0], step[1])
        passes = self._pass(end, step, _NEAR_M * length_m)
        return start[passes], end[passes], length_m[passes]

    def cross_discs(self, starts: Indices, ends: Indices, discs: Array) -> Mask:
        """Which straight lines (N,) pass through one of the `discs` (K, 3) abeam of its centre: x, y, radius.

        Most pass through one of those nearest to their start: only the others are compared with all.
        """
        if len(starts) <= _FEW_LINES:  # the exact test of so few costs no more
            return np.zeros(len(starts), dtype=np.bool_)
        crossing = self._cross_nearest(starts, ends, discs)
        left = np.flatnonzero(~crossing)
        size = max(1, _MOST_PAIRS // max(1, len(discs)))
        for first in range(0, len(left), size):
            part = left[first : first + size]
            crossing[part] = self._cross(starts[part], ends[part], discs)
        return crossing

    def _cross_nearest(self, starts: Indices, ends: Indices, discs: Array) -> Mask:
        if len(discs) <= 2 * _NEAREST:
            return np.zeros(len(starts), dtype=np.bool_)
        origins, origin = np.unique(starts, return_inverse=True)
        away = discs[:, :2] - self.at.T[origins, None]
        nearest = np.argpartition((away * away).sum(axis=2), _NEAREST, axis=1)[:, :_NEAREST]
        return np.asarray(self._cross(starts, ends, discs[nearest[origin]]))

    def _cross(self, starts: Indices, ends: Indices, discs: Array) -> Mask:
        """As `cross_discs`; `discs` (K, 3) for all lines or (N, K, 3) for each its own."""
        at = self.at[:, starts, None]
        step = self.at[:, ends, None] - at
        length_m = np.hypot(step[0], step[1])
        x, y = discs[..., 0] - at[0], discs[..., 1] - at[1]
        abeam = np.abs(step[0] * y - step[1] * x) < discs[..., 2] * length_m
        line, disc = np.nonzero(abeam)
        ahead = (step[0, line, 0] * x[line, disc] + step[1, line, 0] * y[line, disc]) / length_m[line, 0]
        crossing = np.zeros(len(starts), dtype=np.bool_)
        crossing[line[(ahead > 0.0) & (ahead < length_m[line, 0])]] = True
        return crossing

    def _cones(self, starts: Indices, parents: Indices) -> tuple[Array, Array]:
        """Where a way can go on: three half planes n · x ≥ c for each start, as n (3, M, 2) and c (3, M).

        It goes straight on or turns round the obstacle, and does not enter it at either edge.
        """
        at, before, after = self.at[:, starts], self.before[:, starts], self.after[:, starts]
        came = _unit(at - self.at[:, parents])
        # +1: the obstacle lies on the left of the way there; 0: there is none.
        side = np.sign(cross(came, before + after))
        left_of = np.array((came, -_unit(before), -_unit(after))) * side
        offsets = left_of[:, 0] * at[1] - left_of[:, 1] * at[0] - _NEAR_M
        return np.array((-left_of[:, 1], left_of[:, 0])).transpose(1, 2, 0), offsets

    def _pass(self, ends: Indices, step: Array, near: Array) -> Mask:
        """Whether each step (2, N) touches the obstacle at its end only: both its edges on one side."""
        one, other = cross(step, self.before[:, ends]), cross(step, self.after[:, ends])
        return np.asarray((np.minimum(one, other) >= -near) | (np.maximum(one, other) <= near))


def _unit(vectors: Array) -> Array:
    """The directions of vectors (2, N); none of no length."""
    directions: Array = vectors / np.maximum(np.hypot(vectors[0], vectors[1]), _NEAR_M)
    return directions
