"""From a pattern's pieces to one path: home, ways that keep off every zone, the pieces, and the way home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from geofence.frame import Array, LocalFrame
from missions.model import Action, Waypoint
from missions.patterns.draft import Piece

# Places nearer than this are one.
SAME_M = 0.05
# Routed legs are no longer: a line straight in the plane, in degrees and in ArduPilot's metric is then the same to
# about a centimetre (planning guide, section 9.1: 0.3 m over 5 km, and it grows with the square).
LONGEST_ROUTED_M = 1_000.0


class Router(Protocol):
    """Finds ways between places (3,): metres east, north, above home."""

    def way(self, start: Array, end: Array) -> Array | None:
        """(N ≥ 2, 3) with both ends; None when there is none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A vertex of the path. `working`: the leg that leads here is part of the work, not a way to it."""

    xyz: Array
    hold_s: float = 0.0
    actions: tuple[Action, ...] = ()
    working: bool = False


@dataclass(slots=True, eq=False)
class Path:
    """Steps after home; `way_home`: the bends on the way back, () when it is straight.

    `missing`: the pairs of places between which there is no way; the path joins them straight, for `evaluate` to
    say what is in between.
    """

    steps: list[Step] = field(default_factory=list)
    way_home: list[Step] = field(default_factory=list)
    missing: list[tuple[Array, Array]] = field(default_factory=list)

    def xyz(self, home: Array) -> Array:
        """The whole path, (N, 3): over home at the first height, all steps, over home at the last height."""
        inner = np.array([step.xyz for step in (*self.steps, *self.way_home)])
        start = np.array([*home[:2], inner[0][2]])
        end = np.array([*home[:2], inner[-1][2]])
        return np.vstack((start, inner, end))


def assemble(pieces: Sequence[Piece], home: Array, router: Router, begin: Step | None = None) -> Path:
    """Joins `pieces`, N ≥ 1, in their order, from over `home` (2,), or from `begin`, and back to it."""
    path = Path([] if begin is None else [begin])
    at = np.array([*home, pieces[0].xyz[0][2]]) if begin is None else begin.xyz
    for piece in pieces:
        path.steps += _way_steps(at, piece.xyz[0], router, path)
        path.steps += _piece_steps(piece, at if path.steps else None)
        at = piece.xyz[-1]
    back = _way_steps(at, np.array([*home, at[2]]), router, path)
    path.way_home = back
    return path


def _way_steps(start: Array, end: Array, router: Router, path: Path) -> list[Step]:
    """The bends between two places, without both."""
    if float(np.abs(end - start).max()) < SAME_M:
        return []
    way = router.way(start, end)
    if way is None:
        path.missing.append((start, end))
        return []
    return [Step(xyz) for xyz in _cut(way)[1:-1]]


def _cut(way: Array) -> Array:
    """The same way with no leg longer than `LONGEST_ROUTED_M`; a straight one between drawn places stays whole."""
    if len(way) == 2:
        return way
    legs = []
    for start, end in pairwise(way):
        count = max(1, int(np.ceil(np.hypot(*(end - start)[:2]) / LONGEST_ROUTED_M)))
        legs.append(start + np.arange(count)[:, None] / count * (end - start))
    return np.vstack((*legs, way[-1:]))


def _piece_steps(piece: Piece, before: Array | None) -> Iterator[Step]:
    actions, holds = dict(piece.actions), dict(piece.holds)
    for index, xyz in enumerate(piece.xyz):
        here, hold_s = actions.get(index, ()), holds.get(index, 0.0)
        idle = not here and not hold_s
        if index == 0 and before is not None and float(np.abs(xyz - before).max()) < SAME_M and idle:
            continue
        yield Step(np.asarray(xyz, dtype=np.float64), hold_s, here, working=piece.working and index > 0)


def waypoints(steps: Iterable[Step], frame: LocalFrame) -> tuple[Waypoint, ...]:
    """The steps as waypoints, places to 1e-7 degree; two that fall on one place at one height become one."""
    found: list[Waypoint] = []
    steps = list(steps)
    if not steps:
        return ()
    places = frame.to_places(np.array([step.xyz[:2] for step in steps]))
    for step, place in zip(steps, places, strict=True):
        waypoint = Waypoint(place, round(float(step.xyz[2]), 2), step.hold_s, step.actions)
        last = found[-1] if found else None
        if last and last.place == place and abs(last.alt_rel_m - waypoint.alt_rel_m) < SAME_M:
            found[-1] = replace(
                last, hold_s=last.hold_s + waypoint.hold_s, actions=(*last.actions, *waypoint.actions)
            )
        else:
            found.append(waypoint)
    return tuple(found)
