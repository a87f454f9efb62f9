"""The pieces of air that a flight takes: legs, turns, columns and returns, each a convex shape with its heights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from missions.model import ReturnMode
from missions.prove.facts import Autopilot, margin_budget_m
from missions.prove.flight import Flight
from missions.prove.planes import Array, FlatPlane, GeodesicPlane, line
from missions.prove.rules import Movement

Shapes = NDArray[np.object_]

# A sloping leg is cut so that no piece climbs more than this.
_STEP_M = 2.0
_MOST_STEPS = 100
# Where it matters from which place of a leg a return begins, its pieces are no longer than this.
_SHORT_M = 10.0
# Heights that differ by no more than rounding to a centimetre does.
_SAME_M = 0.02
# How wrong the autopilot may be when it compares two ways home: position error, and 0.5 % of its metric.
_CHOICE_M, _CHOICE_SHARE = 5.0, 0.005


@dataclass(frozen=True, slots=True)
class Piece:
    """A convex shape around `lonlat` (K, 2), flown between two heights above home; `leg` k runs from point k on."""

    lonlat: Array
    leg: int
    low_rel_m: float
    high_rel_m: float
    speed_mps: float


@dataclass(frozen=True, slots=True)
class Parts:
    """M pieces of one movement. `more_m`: what is added to the margin of a zone or to the budget of the speed.

    `true` and `flat` (M,): the shapes in both planes; `lonlat` (M,): in degrees, for finding zones.
    """

    movement: Movement
    more_m: float
    leg: NDArray[np.intp]
    low_rel_m: Array
    high_rel_m: Array
    budget_m: Array
    lonlat: Shapes
    true: Shapes
    flat: Shapes

    def __len__(self) -> int:
        return len(self.leg)


@dataclass(frozen=True, slots=True)
class Planes:
    """Both planes, centred on home, where the autopilot has its origin."""

    true: GeodesicPlane
    flat: FlatPlane

    @staticmethod
    def at(lonlat: Array) -> Planes:
        lon, lat = lonlat.tolist()
        return Planes(GeodesicPlane(lon, lat), FlatPlane(lon, lat))


@dataclass(frozen=True, slots=True)
class Returning:
    """How the vehicle comes back: `alt_rel_m` is RTL_ALT, `rally` (R, 3) as in `read_rally`."""

    mode: ReturnMode
    alt_rel_m: float
    rally: Array


def parts_of(flight: Flight, returning: Returning, autopilot: Autopilot, planes: Planes) -> tuple[Parts, ...]:
    """All that the flight and its returns take."""
    rally = returning.rally
    path = _Path.of(flight, returning.mode)
    legs = (*_flown_before(path), *_legs(flight, returning.alt_rel_m))
    top = max([returning.alt_rel_m, *path.points[:, 2].tolist(), *rally[:, 2].tolist()])
    pads = [(flight.home, 0), (flight.points[-1, :2], flight.waypoints)]
    pads += [(place, flight.waypoints) for place in rally[:, :2]]
    columns = [Piece(place[None, :], leg, -math.inf, top, 0.0) for place, leg in pads]
    flown = gathered(Movement.LEG, 0.0, legs, planes)
    made = [
        flown,
        gathered(Movement.TURN, -autopilot.wp_radius_m, tuple(_turns(path, autopilot, planes)), planes),
        gathered(Movement.COLUMN, 0.0, columns, planes),
    ]
    if returning.mode is ReturnMode.RETRACE:
        hurried = _budgets(legs, autopilot.speed_mps)
        down = np.full(len(flown), -math.inf)
        back = replace(flown, movement=Movement.RETRACE, budget_m=hurried + autopilot.retrace_m)
        landing = replace(
            flown, movement=Movement.LANDING, low_rel_m=down, budget_m=flown.budget_m + autopilot.retrace_m
        )
        made += [back, landing]
    else:
        up_to = max([returning.alt_rel_m, *rally[:, 2].tolist()])
        made.append(replace(flown, movement=Movement.CLIMB, high_rel_m=np.maximum(flown.high_rel_m, up_to)))
        sweeps = tuple(_sweeps(legs, flight.home, returning, autopilot, planes))
        back = gathered(Movement.RETURN, 0.0, sweeps, planes)
        made.append(replace(back, budget_m=_budgets(sweeps, autopilot.speed_mps)))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Path:
    """What lies in the air as one line: `points` (P, 3), `speeds_mps` (P − 1,), `leg` (P − 1,) of each of its parts.

    `before`: so many of them were flown before the plan begins.
    """

    points: Array
    speeds_mps: Array
    leg: NDArray[np.intp]
    before: int

    @staticmethod
    def of(flight: Flight, mode: ReturnMode) -> _Path:
        """A flight that begins in the air begins where it is, or, where it would retrace it, with all it flew."""
        first = flight.first_leg
        points, speeds_mps = flight.points[first:], flight.speeds_mps[first:]
        leg = np.arange(first, len(flight.speeds_mps))
        if flight.behind is None or mode is not ReturnMode.RETRACE:
            return _Path(points, speeds_mps, leg, 0)
        count = len(flight.behind) - 1
        return _Path(
            np.concatenate((flight.behind[:-1], points)),
            np.concatenate((np.full(count, flight.speeds_mps[0]), speeds_mps)),
            np.concatenate((np.zeros(count, dtype=np.intp), leg)),
            count,
        )


def _flown_before(path: _Path) -> Iterator[Piece]:
    """The way that lies behind, as leg 0."""
    for number in range(path.before):
        yield from _sloped(path.points[number : number + 2], 0, float(path.speeds_mps[number]))


def _legs(flight: Flight, return_alt_rel_m: float) -> Iterator[Piece]:
    """Each leg, cut along its slope; its line as the fence is drawn (degrees) and as it is flown (metres)."""
    for leg in range(flight.first_leg, len(flight.speeds_mps)):
        speed = float(flight.speeds_mps[leg])
        ends = flight.points[leg : leg + 2]
        low, high = sorted(ends[:, 2].tolist())
        if flight.climbs and leg == flight.waypoints:
            # RTL: up at the last waypoint, but its cone may keep it lower near home.
            high = max(high, return_alt_rel_m)
            yield Piece(line(ends[0, :2], ends[1, :2]), leg, low, high, speed)
            continue
        yield from _sloped(ends, leg, speed)


def _sloped(ends: Array, leg: int, speed_mps: float) -> Iterator[Piece]:
    """The leg between `ends`, (2, 3), in steps of its slope; a column is one."""
    low, high = sorted(ends[:, 2].tolist())
    upright = bool((ends[0, :2] == ends[1, :2]).all())
    steps = 1 if upright else min(_MOST_STEPS, max(1, math.ceil((high - low) / _STEP_M)))
    at = ends[0] + np.linspace(0.0, 1.0, steps + 1)[:, None] * (ends[1] - ends[0])
    for start in range(steps):
        cut = at[start : start + 2]
        lows, highs = float(cut[:, 2].min()), float(cut[:, 2].max())
        yield Piece(line(cut[0, :2], cut[1, :2]), leg, lows, highs, speed_mps)


def _turns(flown: _Path, autopilot: Autopilot, planes: Planes) -> Iterator[Piece]:
    """What may be cut at each waypoint: the hull of the path before and after it, as far as the cut reaches.

    A vehicle passes a corner within the waypoint radius, so it leaves the leg at most that / cos(half the angle)
    before it. Over legs shorter than that the hull takes in the waypoints behind them.
    """
    xy = planes.true.to_xy(flown.points[:, :2])
    path = np.column_stack((xy, flown.points[:, 2])).tolist()
    near = [_around(path, corner, autopilot) for corner in range(1, len(path) - 1)]
    if not near:
        return
    lonlat = planes.true.to_lonlat(np.concatenate(near)[:, :2])
    ends = np.cumsum([len(one) for one in near])
    for number, (one, end) in enumerate(zip(near, ends.tolist(), strict=True)):
        low, high = float(one[:, 2].min()), float(one[:, 2].max())
        speed = float(flown.speeds_mps[number : number + 2].max())
        yield Piece(lonlat[end - len(one) : end], int(flown.leg[number]), low, high, speed)


def _around(path: Sequence[Sequence[float]], corner: int, autopilot: Autopilot) -> Array:
    """The path (K, 3) before a corner, at it, and after it."""
    reach_m = _reach_m(path[corner - 1 : corner + 2], autopilot.wp_radius_m)
    return np.array([*_along(path, corner, -1, reach_m), path[corner], *_along(path, corner, 1, reach_m)])


def _reach_m(three: Sequence[Sequence[float]], radius_m: float) -> float:
    """How far before the second of three points the cut begins: at least two radii, at most ten."""
    (ax, ay, _), (bx, by, _), (cx, cy, _) = three
    lengths = math.hypot(ax - bx, ay - by) * math.hypot(cx - bx, cy - by)
    cosine = ((ax - bx) * (cx - bx) + (ay - by) * (cy - by)) / lengths if lengths > 0.0 else -1.0
    half = math.sqrt(max(0.0, (1.0 + cosine) / 2.0))
    return min(10.0 * radius_m, max(2.0 * radius_m, radius_m / max(half, 1e-6)))


def _along(path: Sequence[Sequence[float]], corner: int, step: int, reach_m: float) -> Iterator[list[float]]:
    """The path from a corner on, `reach_m` far; `step` −1 goes back."""
    at, left_m = corner, reach_m
    while left_m > 0.0 and 0 <= at + step < len(path):
        start, end = path[at], path[at + step]
        length_m = math.hypot(end[0] - start[0], end[1] - start[1])
        share = min(1.0, left_m / length_m) if length_m > 0.0 else 1.0
        yield [a + share * (b - a) for a, b in zip(start, end, strict=True)]
        left_m -= length_m
        at += step


def _sweeps(
    legs: Sequence[Piece], home: Array, returning: Returning, autopilot: Autopilot, planes: Planes
) -> Iterator[Piece]:
    """What RTL sweeps from every place of each leg: up there, then straight to where it may choose to land.

    At the return altitude, or higher where it is higher already. Only within its cone, so near its end that the
    return altitude is above RTL_CONE_SLOPE times the distance, does it climb less or not at all.
    """
    ends = np.concatenate(([[*home, returning.alt_rel_m]], returning.rally))
    ends[:, 2] = np.maximum(ends[:, 2], returning.alt_rel_m)
    cones_m = ends[:, 2] / autopilot.return_cone + _CHOICE_M
    goals = _Goals(planes.true.to_xy(ends[:, :2]), ends[:, 2], cones_m, autopilot)
    flat = planes.true.to_xy(np.concatenate([whole.lonlat for whole in legs]))
    cuts = np.cumsum([len(whole.lonlat) for whole in legs])[:-1]
    for whole, whole_xy in zip(legs, np.split(flat, cuts), strict=True):
        for piece, xy in _divided(whole, whole_xy, goals):
            for chosen in goals.chosen(xy):
                alt = float(ends[chosen, 2])
                low = piece.low_rel_m
                if low < alt - _SAME_M and goals.in_cone(xy, chosen) is False:
                    low = alt
                lonlat = _triangle(piece.lonlat, ends[chosen, :2])
                yield Piece(lonlat, piece.leg, low, max(piece.high_rel_m, alt), piece.speed_mps)


@dataclass(frozen=True, slots=True)
class _Goals:
    """Where RTL may end: home first, then rally points, `xy` (G, 2); `alt_rel_m` (G,): at least so high.

    `cones_m` (G,): so near to one the return may stay low.
    """

    xy: Array
    alt_rel_m: Array
    cones_m: Array
    autopilot: Autopilot

    def settled(self, piece: Array, low_rel_m: float) -> bool:
        """Whether RTL goes to one and the same goal from all of a piece, and climbs alike."""
        chosen = self.chosen(piece)
        if len(chosen) > 1:
            return False
        return low_rel_m >= self.alt_rel_m[chosen[0]] - _SAME_M or self.in_cone(piece, chosen[0]) is not None

    def in_cone(self, piece: Array, goal: int) -> bool | None:
        """Whether a piece (K, 2) lies in the cone of a goal; None: some of it."""
        if np.hypot(*(piece - self.xy[goal]).T).max() <= self.cones_m[goal]:
            return True
        nearest_m = shapely.distance(shapely.linestrings(piece), shapely.points(self.xy[goal]))
        return None if nearest_m <= self.cones_m[goal] else False

    def chosen(self, piece: Array) -> list[int]:
        """The goals that AP_Rally may take from a piece: the nearest rally point, unless home is nearer or the limit
        is passed. A piece has a length and a distance an error, so that several may be possible."""
        if len(self.xy) == 1:
            return [0]
        away = np.hypot(*(self.xy[None, :, :] - piece[:, None, :]).transpose(2, 0, 1))
        doubt = _CHOICE_M + _CHOICE_SHARE * away.max(axis=0) + float(np.hypot(*(piece[-1] - piece[0])))
        nearest, farthest = away.min(axis=0) - doubt, away.max(axis=0) + doubt
        found = [goal for goal in range(1, len(self.xy)) if nearest[goal] <= farthest.min()]
        beyond = 0.0 < self.autopilot.rally_limit_m < float(farthest[1:].min())
        if beyond or nearest[0] <= farthest[1:].min():
            found.insert(0, 0)
        return found


def _divided(piece: Piece, xy: Array, goals: _Goals) -> Iterator[tuple[Piece, Array]]:
    """A piece with its points in the plane, halved until all of it returns alike or it is short."""
    if goals.settled(xy, piece.low_rel_m) or np.hypot(*(xy[-1] - xy[0])) <= _SHORT_M:
        yield piece, xy
        return
    lonlat = piece.lonlat
    if len(xy) == 2:
        lonlat, xy = (np.array([one[0], one.mean(axis=0), one[1]]) for one in (lonlat, xy))
    middle = len(xy) // 2
    for half in (slice(None, middle + 1), slice(middle, None)):
        yield from _divided(replace(piece, lonlat=lonlat[half]), xy[half], goals)


def _triangle(lonlat: Array, target: Array) -> Array:
    """A piece and the lines from its ends to `target`, cut like every long line."""
    return np.concatenate((lonlat, line(lonlat[0], target), line(lonlat[-1], target)))


def _budgets(pieces: Sequence[Piece], least_mps: float = 0.0) -> Array:
    """The budget of each piece; a return flies at the autopilot's own speed, however slow the mission was."""
    return np.array([margin_budget_m(max(one.speed_mps, least_mps)) for one in pieces], dtype=np.float64)


def gathered(movement: Movement, more_m: float, pieces: Sequence[Piece], planes: Planes) -> Parts:
    """Pieces as parts."""
    lonlat = np.concatenate([one.lonlat for one in pieces]) if pieces else np.empty((0, 2))
    owner = np.repeat(np.arange(len(pieces)), [len(one.lonlat) for one in pieces])

    def hulls(points: Array) -> Shapes:
        if not len(points):
            return np.empty(0, dtype=object)
        return np.asarray(shapely.convex_hull(shapely.multipoints(points, indices=owner)))

    return Parts(
        movement=movement,
        more_m=more_m,
        leg=np.array([one.leg for one in pieces], dtype=np.intp),
        low_rel_m=np.array([one.low_rel_m for one in pieces], dtype=np.float64),
        high_rel_m=np.array([one.high_rel_m for one in pieces], dtype=np.float64),
        budget_m=_budgets(pieces),
        lonlat=hulls(lonlat),
        true=hulls(planes.true.to_xy(lonlat)),
        flat=hulls(planes.flat.to_xy(lonlat)),
    )
