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
# A line that passes so close to the extreme corner of an obstacle is left to the exact test.
_GRAZE_M = 2e-3


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

    def side_of(self, step: Array, place: int) -> float:
        """+1 when the obstacle at a place lies on the left of a step (2,) that touches it there, -1 on the right."""
        return float(np.sign(cross(step, self.before[:, place] + self.after[:, place])))

    def steps(self, starts: Indices, ends: Indices, came: Array, side: Array) -> tuple[Indices, Indices]:
        """Those steps from `starts` (M,) to `ends` that a shortest way can take, as pairs of places.

        `came` (2, M): the direction of the step that led to each start; `side` (M,) the side of its obstacle; zeros
        where the way begins.
        """
        step = self.at[:, None, ends] - self.at[:, starts, None]
        near = _NEAR_M * np.hypot(step[0], step[1])
        start, end = np.nonzero(self._pass(ends, step, near) & self._bend(starts, step, near, came, side))
        return starts[start], ends[end]

    def _pass(self, ends: Indices, step: Array, near: Array) -> Mask:
        """Whether each step (2, M, P) touches the obstacle at its end only: both its edges on one side."""
        one, other = cross(step, self.before[:, None, ends]), cross(step, self.after[:, None, ends])
        return np.asarray((np.minimum(one, other) >= -near) | (np.maximum(one, other) <= near))

    def _bend(self, starts: Indices, step: Array, near: Array, came: Array, side: Array) -> Mask:
        """Whether each step (2, M, P) turns round the obstacle at its start, and does not enter it."""
        turn = cross(came[:, :, None], step)
        clear = np.minimum(
            side[:, None] * cross(step, self.before[:, starts, None]),
            side[:, None] * cross(step, self.after[:, starts, None]),
        )
        return np.asarray(np.minimum(side[:, None] * turn, clear) >= -near)


class Views:
    """How obstacles look from a place: between which angles, and how near."""

    def __init__(self, rims: Sequence[Corners]) -> None:
        self._corners = np.concatenate([rim.at for rim in rims])
        counts = np.array([len(rim.at) for rim in rims])
        self._first = np.cumsum(counts) - counts
        self._owner = np.repeat(np.arange(len(counts)), counts)
        self._centers = np.stack([rim.center for rim in rims])
        self._reach_m = np.array([rim.reach_m for rim in rims])

    def hidden(self, at: Array, step: Array) -> Mask:
        """Which of the steps (M, 2) from `at` certainly pass through an obstacle that ends before they do.

        An obstacle is connected: every ray between its two extreme corners hits it, if it is seen under less than
        half a turn, and does so within its farthest distance.
        """
        to_center, to_corner = self._centers - at, self._corners - at
        middle = _angle(to_center)
        aside = _wrapped(_angle(to_corner) - middle[self._owner])
        right, left = np.minimum.reduceat(aside, self._first), np.maximum.reduceat(aside, self._first)
        nearest_m = np.minimum.reduceat(np.hypot(*to_corner.T), self._first)
        graze = np.divide(_GRAZE_M, nearest_m, out=np.full(len(right), np.inf), where=nearest_m > 0.0)
        graze[left - right > 3.0] = np.inf
        farthest_m = np.hypot(*to_center.T) + self._reach_m
        off = _wrapped(_angle(step)[:, None] - middle)
        behind = np.hypot(*step.T)[:, None] > farthest_m
        return np.asarray(((off > right + graze) & (off < left - graze) & behind).any(axis=1))


def _angle(vectors: Array) -> Array:
    return np.arctan2(vectors[:, 1], vectors[:, 0])


def _wrapped(angles: Array) -> Array:
    """The same angles between -π and π."""
    return (angles + np.pi) % (2 * np.pi) - np.pi
