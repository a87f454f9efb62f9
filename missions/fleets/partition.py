"""An area for several craft: the stretches that cover it cut where the shares take equally long, batteries kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from missions.fleets.costs import moving_s
from missions.fleets.distances import NO_WAY_M
from missions.fleets.model import Craft, Ways
from missions.patterns.draft import Piece

# Orders of so many craft are all tried; more go by where along the path their homes are.
_MOST_PERMUTED = 5
_HALVINGS = 40
MOST_SHARES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one craft covers in one round: the pieces in order, and how long it flies from take-off to landing."""

    craft: int
    round: int
    pieces: tuple[Piece, ...]
    flight_s: float


class TooFar(Exception):
    """Legs so far away, or so long, that no craft can fly one of them alone and return: (piece, leg) by number.

    `needed_s`: what the nearest of them takes.
    """

    def __init__(self, legs: tuple[tuple[int, int], ...], needed_s: float, limit_s: float) -> None:
        super().__init__(f"stretch {legs[0][0]} alone takes {needed_s:.0f} s, the limit is {limit_s:.0f} s")
        self.legs, self.needed_s, self.limit_s = legs, needed_s, limit_s


def share(pieces: Sequence[Piece], crafts: Sequence[Craft], ways: Ways) -> tuple[Share, ...]:
    """Pieces, in the order of the whole path, shared so that the longest share is as short as cuts at vertices allow.

    Each craft flies one run of the path, or as many as its battery needs, one after the other (all crafts one round,
    then all another). Limits count as in `Craft`; `rounds` is not looked at: the area is covered whole.

    Raises TooFar, and ValueError for no craft or when more than MOST_SHARES are needed.
    """
    if not crafts:
        raise ValueError("an area needs a craft")
    path = _Path(pieces, crafts, ways)
    path.refuse_too_far()
    for rounds in range(1, MOST_SHARES // len(crafts) + 1):
        cuts = _balanced(path, crafts, rounds)
        if cuts is not None:
            return tuple(path.shares(cuts))
    raise ValueError(f"the area needs more than {MOST_SHARES} rounds")


@dataclass(frozen=True, slots=True)
class _Run:
    """Vertices `first` to `last` of the path, flown by a craft in a round."""

    craft: int
    round: int
    first: int
    last: int


class _Path:
    """The vertices of all pieces in a row, with the time along them and between them and each home."""

    def __init__(self, pieces: Sequence[Piece], crafts: Sequence[Craft], ways: Ways) -> None:
        self._pieces, self._crafts = pieces, crafts
        self._xy: Array = np.concatenate([piece.xyz[:, :2] for piece in pieces])
        self._piece_of = np.repeat(np.arange(len(pieces)), [len(piece.xyz) for piece in pieces])
        self._ways = ways
        legs_m = np.hypot(*np.diff(self._xy, axis=0).T)
        for at in np.flatnonzero(np.diff(self._piece_of)).tolist():
            legs_m[at] = self._way_m(self._xy[at], self._xy[at + 1])
        self._so_far_s = [np.concatenate(([0.0], np.cumsum(moving_s(legs_m, craft)))) for craft in crafts]
        self._home_s = [self._from_home(craft) for craft in crafts]

    def __len__(self) -> int:
        return len(self._xy)

    def refuse_too_far(self) -> None:
        """Raises TooFar when there are legs that no craft can fly by themselves."""
        first = np.array([at for at in range(len(self)) if self._begins_work(at)], dtype=np.intp)
        last = first + np.array([not self._alone(at) for at in first.tolist()], dtype=np.intp)
        needed_s = np.array([self.run_s(index, first, last) for index in range(len(self._crafts))])
        limits_s = np.array([craft.limit_s for craft in self._crafts])
        far = np.flatnonzero((needed_s > limits_s[:, None]).all(axis=0))
        if len(far):
            begins = np.searchsorted(self._piece_of, self._piece_of)
            legs = tuple((int(self._piece_of[at]), int(at - begins[at])) for at in first[far].tolist())
            raise TooFar(legs, float(needed_s[:, far].min()), float(limits_s.max()))

    def _begins_work(self, at: int) -> bool:
        """Whether a leg of a piece begins at a vertex, or the piece is that vertex."""
        follows = at + 1 < len(self) and self._piece_of[at + 1] == self._piece_of[at]
        return follows or self._alone(at)

    def after(self, last: int) -> int:
        """Where the next run begins: a move to the next piece is nobody's work."""
        follows = last + 1 < len(self) and self._piece_of[last + 1] != self._piece_of[last]
        return last + 1 if follows else last

    def whole_s(self) -> float:
        return max(float(each[-1]) for each in self._so_far_s) + 2.0 * max(float(each.max()) for each in self._home_s)

    def run_s(self, craft: int, first: NDArray[np.intp] | int, last: NDArray[np.intp] | int) -> Array:
        """How long a craft flies from home along the path from `first` to `last` and back."""
        home_s, so_far_s = self._home_s[craft], self._so_far_s[craft]
        return np.asarray(home_s[first] + so_far_s[last] - so_far_s[first] + home_s[last])

    def reach(self, craft: int, first: int, limit_s: float) -> int:
        """The last vertex to which a craft comes from `first` within a time, no leg begun; −1 when there is none."""
        ends = np.arange(first, len(self))
        within = self.run_s(craft, first, ends) <= limit_s
        last = first + int(len(ends) if within.all() else np.argmin(within)) - 1
        # The first vertex of a piece is no work yet, unless it is all of it.
        while last >= first and self._opens(last):
            last -= 1
        return last if last > first or (last == first and self._alone(last)) else -1

    def _opens(self, at: int) -> bool:
        return (
            at + 1 < len(self) and not self._alone(at) and (at == 0 or self._piece_of[at - 1] != self._piece_of[at])
        )

    def _alone(self, at: int) -> bool:
        return len(self._pieces[int(self._piece_of[at])].xyz) == 1

    def shares(self, runs: Sequence[_Run]) -> Iterator[Share]:
        for run in runs:
            flight_s = float(self.run_s(run.craft, run.first, run.last)) + self._crafts[run.craft].fixed_s
            yield Share(run.craft, run.round, tuple(self._cut(run.first, run.last)), flight_s)

    def _cut(self, first: int, last: int) -> Iterator[Piece]:
        """The pieces between two vertices, the first and the last of them cut; actions go with their vertices."""
        begin = 0
        for piece in self._pieces:
            low, high = max(first - begin, 0), min(last - begin, len(piece.xyz) - 1)
            begin += len(piece.xyz)
            if low > high or (low == high and len(piece.xyz) > 1):
                continue
            actions = tuple((at - low, done) for at, done in piece.actions if low <= at <= high)
            yield Piece(piece.xyz[low : high + 1], piece.working, actions)

    def _from_home(self, craft: Craft) -> Array:
        """Seconds between the home of a craft and each vertex: true where a straight line is blocked, too."""
        home = np.array(craft.home)
        clear = self._ways.clear(np.broadcast_to(home, self._xy.shape), self._xy)
        metres = np.hypot(*(self._xy - home).T)
        for at in np.flatnonzero(~clear).tolist():
            metres[at] = self._way_m(home, self._xy[at])
        return moving_s(metres, craft)

    def _way_m(self, start: Array, end: Array) -> float:
        way = self._ways.way(start, end)
        return NO_WAY_M if way is None else float(np.hypot(*np.diff(way, axis=0).T).sum())


def _balanced(path: _Path, crafts: Sequence[Craft], rounds: int) -> list[_Run] | None:
    """Runs whose longest is as short as can be, each within its craft's limit; None when so many do not reach."""
    best: list[_Run] | None = None
    low_s, high_s = 0.0, path.whole_s()
    for order in _orders(path, crafts):
        turns = [(craft, turn) for turn in range(rounds) for craft in (order if turn % 2 == 0 else order[::-1])]
        found = _runs(path, crafts, turns, high_s)
        if found is None:
            continue
        best, high = found, high_s
        low = low_s
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            found = _runs(path, crafts, turns, middle)
            if found is None:
                low = middle
            else:
                best, high = found, middle
        high_s = high
    return best


def _orders(path: _Path, crafts: Sequence[Craft]) -> Iterator[tuple[int, ...]]:
    """Orders in which crafts take their runs, alike crafts at one home in one order only."""
    if len(crafts) > _MOST_PERMUTED:
        nearest = [int(np.argmin(path.run_s(index, 0, np.arange(len(path))))) for index in range(len(crafts))]
        yield tuple(sorted(range(len(crafts)), key=lambda index: (nearest[index], index)))
        return
    seen = set()
    for order in permutations(range(len(crafts))):
        kinds = tuple((crafts[index].home, crafts[index].limit_s, crafts[index].speed_mps) for index in order)
        if kinds not in seen:
            seen.add(kinds)
            yield order


def _runs(path: _Path, crafts: Sequence[Craft], turns: Sequence[tuple[int, int]], most_s: float) -> list[_Run] | None:
    """Each in turn flies as far along the path as it comes; None when the path is longer than all together."""
    runs, first = [], 0
    for craft, turn in turns:
        last = path.reach(craft, first, min(most_s, crafts[craft].limit_s))
        if last < 0:
            continue
        runs.append(_Run(craft, turn, first, last))
        if last == len(path) - 1:
            return runs
        first = path.after(last)
    return None
