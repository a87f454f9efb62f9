"""The tables that the compiled kernel reads and fills: plain arrays, named."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Walls(NamedTuple):
    """What blocks: edges (E, 4) as x, y, x, y with the obstacle `owner` (E,) each, in square cells.

    `origin`: x and y of the first cell, and the cells per metre. `head` (columns, rows) is each cell's first
    entry or -1; an entry is an edge and the next entry, (M, 2).
    """

    edges: Floats
    owner: Ints
    origin: tuple[float, float, float]
    head: Ints
    entries: Ints


class Corners(NamedTuple):
    """Where ways can bend: x, y and the directions to the vertex before and after along the edge, (C, 6).

    In clumps of neighbours: `discs` (K, 3) round each as x, y, radius; `spans` (K, 3) its first corner, the one
    after its last, and the obstacle.
    """

    at: Floats
    discs: Floats
    spans: Ints


class Quest(NamedTuple):
    """What a search is asked: a way to `x`, `y`, none longer than `limit_m`, among the obstacles that `counts` (N,).

    `shaping` (N,) comes to mark those of them that blocked a line.
    """

    discs: Floats
    spans: Ints
    walls: Walls
    counts: Mask
    shaping: Mask
    x: float
    y: float
    limit_m: float


class Tree(NamedTuple):
    """What is known of each place: the corners, then the start, then the end; `at` as in `Corners`.

    `length_m` of the shortest way known to it, the place before it on that way, and whether that is settled.
    """

    at: Floats
    length_m: Floats
    before: Ints
    settled: Mask
