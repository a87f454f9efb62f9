"""What lies under a path: true heights (真高, AGL) leg by leg, never better than the data allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array, LocalFrame
from geofence.terrain import Terrain

# No piece of a path is longer: about a post of SRTM1.
LONGEST_PIECE_M = 30.0
# How far beside its line the ground still counts: 3 m of position and 2 m of cross-track error (planning guide,
# section 9.3). It also covers that a line straight in metres is not quite straight in degrees.
ASIDE_M = 5.0


@dataclass(frozen=True, slots=True)
class Pieces:
    """A path cut into pieces of at most `LONGEST_PIECE_M`.

    `ends` (M, 2, 2): both ends of each, metres; `alt_m` (M, 2): the altitudes there, of the path's own datum;
    `leg_of` (M,): the leg that each belongs to, rising from 0 without a gap.
    """

    ends: Array
    alt_m: Array
    leg_of: NDArray[np.intp]

    def boxes(self, frame: LocalFrame, aside_m: float) -> Array:
        """The rectangle round each, `aside_m` wider on all sides, as (M, 4) degrees: west, south, east, north."""
        low, high = self.ends.min(axis=1) - aside_m, self.ends.max(axis=1) + aside_m
        corners = np.stack(
            (low, np.column_stack((high[:, 0], low[:, 1])), high, np.column_stack((low[:, 0], high[:, 1])))
        )
        lonlat = frame.unproject(corners.reshape(-1, 2)).reshape(4, -1, 2)
        return np.concatenate((lonlat.min(axis=0), lonlat.max(axis=0)), axis=1)


def cut(path: Array) -> Pieces:
    """The pieces of `path`, (N, 3) metres east, north, up, N ≥ 2; a vertical leg or one of no length is one piece."""
    legs = np.diff(path, axis=0)
    counts = np.maximum(1, np.ceil(np.hypot(legs[:, 0], legs[:, 1]) / LONGEST_PIECE_M)).astype(int)
    leg_of = np.repeat(np.arange(len(legs)), counts)
    step = np.arange(len(leg_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    shares = np.stack((step, step + 1), axis=1) / counts[leg_of][:, None]
    points = path[leg_of][:, None, :] + shares[:, :, None] * legs[leg_of][:, None, :]
    return Pieces(points[:, :, :2], points[:, :, 2], leg_of)


@dataclass(frozen=True, slots=True)
class LegHeights:
    """AGL along one leg: the lowest above the highest ground, the highest above the lowest ground near each piece."""

    lowest_agl_m: float
    highest_agl_m: float


def agl_profile(
    path: Array, home_amsl_m: float, terrain: Terrain, frame: LocalFrame, *, aside_m: float = ASIDE_M
) -> tuple[LegHeights | None, ...]:
    """True heights of each of the N − 1 legs; None where the ground under any part of a leg is not known.

    `path`: (N, 3) metres in `frame`, N ≥ 2, the third above home. Between samples nothing is missed: a piece is
    compared with every post of the lattice cells that it comes within `aside_m` of. Callers refuse legs without data.
    """
    pieces = cut(path)
    ground = terrain.ranges_amsl_m(pieces.boxes(frame, aside_m))
    lowest = home_amsl_m + pieces.alt_m.min(axis=1) - ground[:, 1]
    highest = home_amsl_m + pieces.alt_m.max(axis=1) - ground[:, 0]
    starts = np.searchsorted(pieces.leg_of, np.arange(len(path) - 1))
    low, high = np.minimum.reduceat(lowest, starts), np.maximum.reduceat(highest, starts)
    known = np.isfinite(low + high)
    return tuple(LegHeights(float(a), float(b)) if ok else None for a, b, ok in zip(low, high, known, strict=True))
