"""The order and direction in which stretches are flown, so that the moves between them are short."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

Nodes = NDArray[np.intp]

# Counts for a way that does not exist: longer than any, yet finite, so that a search can still compare.
NO_WAY_M = 1e6
_LONGEST_BLOCK = 3
_GAIN_M = 1e-6
_MOST_ROUNDS = 8
_MOST_STARTS = 16


class Ways(Protocol):
    """Where a vehicle may fly, and how it gets from one place to another there."""

    def way(self, start: Array, end: Array) -> Array | None:
        """The shortest free way, (N ≥ 2, 2) metres with both ends; None when there is none."""

    def part_of(self, area: BaseGeometry) -> BaseGeometry:
        """All places of the area where a vehicle may be."""


class Moves:
    """Lengths of the moves between the ends of stretches: straight at first, true for every pair once asked for.

    Stretch i has the nodes 2i (its first end) and 2i + 1 (its last). One more node stands for the place where the
    vehicle comes from and goes back to; without one it costs nothing.
    """

    def __init__(self, ends: Array, ways: Ways, room: BaseGeometry, home: Array | None = None) -> None:
        """`ends`: (n, 2, 2), first and last point of each stretch. `room`: where a straight line is free."""
        self.nodes = ends.reshape(-1, 2)
        self._ways, self._room = ways, room
        shapely.prepare(room)
        count = len(self.nodes)
        self.metres = np.zeros((count + 1, count + 1))
        self.metres[:count, :count] = np.hypot(*(self.nodes[:, None] - self.nodes[None, :]).transpose(2, 0, 1))
        if home is not None:
            self.metres[count, :count] = self.metres[:count, count] = np.hypot(*(self.nodes - home).T)
        self._settled = np.eye(count + 1, dtype=np.bool_)
        self._settled[count, :] = self._settled[:, count] = True
        self._bends: dict[tuple[int, int], Array] = {}

    def settle(self, one: Nodes, other: Nodes) -> bool:
        """Puts in the true lengths of these pairs of nodes; whether any was longer than thought."""
        todo = ~self._settled[one, other]
        one, other = one[todo], other[todo]
        self._settled[one, other] = self._settled[other, one] = True
        lines = shapely.linestrings(np.stack((self.nodes[one], self.nodes[other]), axis=1))
        blocked = ~shapely.covers(self._room, lines)
        longer = False
        for a, b in zip(one[blocked].tolist(), other[blocked].tolist(), strict=True):
            way = self._ways.way(self.nodes[a], self.nodes[b])
            metres = NO_WAY_M if way is None else float(np.hypot(*np.diff(way, axis=0).T).sum())
            if way is not None:
                self._bends[a, b], self._bends[b, a] = way[1:-1], way[-2:0:-1]
            longer = longer or metres > self.metres[a, b] + _GAIN_M
            self.metres[a, b] = self.metres[b, a] = metres
        return longer

    def bends(self, one: int, other: int) -> Array:
        """The vertices of the way between two nodes whose move was settled, both ends left out: (n ≥ 0, 2)."""
        return self._bends.get((one, other), np.empty((0, 2)))


def arranged(moves: Moves, entries: Nodes | None = None) -> Nodes:
    """The nodes by which the stretches are entered, in order: each stretch is left by its other node, `node ^ 1`.

    Begun from `entries`, or from always going on to the nearest end, out of the starts for which that is shortest.
    """
    if entries is None:
        count = len(moves.nodes)
        starts = np.linspace(0, count - 1, min(count, _MOST_STARTS)).astype(np.intp).tolist()
        entries = min((_nearest_first(moves, start) for start in starts), key=lambda one: tour_m(one, moves.metres))
    for _ in range(_MOST_ROUNDS):
        entries = improved(entries, moves.metres)
        if not moves.settle(*links(entries)):
            return entries
    return entries


def links(entries: Nodes) -> tuple[Nodes, Nodes]:
    """From which node to which each move between the stretches goes: n − 1 of each."""
    return entries[:-1] ^ 1, entries[1:]


def tour_m(entries: Nodes, metres: Array) -> float:
    """Metres of all moves, from home and back included."""
    home = len(metres) - 1
    leaving, entering = np.append(home, entries ^ 1), np.append(entries, home)
    return float(metres[leaving, entering].sum())


def _nearest_first(moves: Moves, at: int) -> Nodes:
    metres = moves.metres[:-1, :-1].copy()
    found = []
    for _ in range(len(metres) // 2):
        found.append(at)
        metres[:, [at, at ^ 1]] = np.inf
        at = int(np.argmin(metres[at ^ 1]))
    return np.array(found, dtype=np.intp)


def improved(entries: Nodes, metres: Array) -> Nodes:
    """The order after the best reversal or the best move of a short block, again and again, until none helps.

    Source: 2-opt (Croes 1958) and Or-opt (Or 1976), for stretches that may be flown either way.
    """
    while True:
        gain, better = max((_best_reversal(entries, metres), _best_block(entries, metres)), key=lambda c: c[0])
        if gain <= _GAIN_M or better is None:
            return entries
        entries = better


def _best_reversal(entries: Nodes, metres: Array) -> tuple[float, Nodes | None]:
    """The gain of the best reversal of some stretches in a row, and the order after it."""
    home = len(metres) - 1
    leaving, entering = np.append(home, entries ^ 1), np.append(entries, home)
    now = metres[leaving, entering]
    after = metres[np.ix_(leaving, leaving)] + metres[np.ix_(entering, entering)]
    gains = np.triu(now[:, None] + now[None, :] - after, 1)
    first, last = np.unravel_index(int(np.argmax(gains)), gains.shape)
    gain = float(gains[first, last])
    if gain <= _GAIN_M:
        return 0.0, None
    turned = entries.copy()
    turned[first:last] = entries[first:last][::-1] ^ 1
    return gain, turned


def _best_block(entries: Nodes, metres: Array) -> tuple[float, Nodes | None]:
    """The gain of the best move of up to three stretches to another place, either way round, and the order then."""
    home, count = len(metres) - 1, len(entries)
    leaving, entering = np.append(home, entries ^ 1), np.append(entries, home)
    now = metres[leaving, entering]
    best: tuple[float, int, int, int, bool] = (_GAIN_M, 0, 0, 0, False)
    for size in range(1, min(_LONGEST_BLOCK, count - 1) + 1):
        first = np.arange(count - size + 1)
        head, tail = entries[first], entries[first + size - 1] ^ 1
        freed = now[first] + now[first + size] - metres[leaving[first], entering[first + size]]
        for turned in (False, True):
            a, b = (tail, head) if turned else (head, tail)
            added = metres[np.ix_(leaving, a)].T + metres[np.ix_(b, entering)] - now[None, :]
            gains = freed[:, None] - added
            for offset in range(size + 1):
                gains[first, first + offset] = 0.0
            where, link = np.unravel_index(int(np.argmax(gains)), gains.shape)
            if gains[where, link] > best[0]:
                best = (float(gains[where, link]), int(where), size, int(link), turned)
    gain, at, size, onto, turned = best
    if not size:
        return 0.0, None
    block = entries[at : at + size]
    rest = np.delete(entries, np.arange(at, at + size))
    return gain, np.insert(rest, onto if onto < at else onto - size, block[::-1] ^ 1 if turned else block)
