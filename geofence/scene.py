"""A flight in the plane: its legs, the ways home from each, its columns, and the heights of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from core.altitude import Altitude, Datum
from core.geo import LatLon
from geofence.frame import Array, LocalFrame, densified, lonlat_array

# Height error that a plan allows for: barometer drift and terrain that is not quite flat (domain guide, section 7.1
# asks for 5 to 10 m below the legal ceiling).
VERTICAL_MARGIN_M = 5.0
# ArduCopter climbs to RTL_ALT before it returns when it is lower (default 1500 cm).
RETURN_ALT_M = 15.0
# SmartRTL reaches home this much above the start of its path (ArduCopter, mode_smart_rtl).
RETRACE_CLIMB_M = 2.0
# SmartRTL flies back along its path as near as this (SRTL_ACCURACY), and like every return at the autopilot's own
# speed (WPNAV_SPEED), however slow the mission was.
RETRACE_M = 2.0
RETURN_MPS = 10.0
WP_RADIUS_M = 2.0
# RTL goes to no rally point that is farther away (RALLY_LIMIT_KM, set before a flight).
_RALLY_LIMIT_M = 300.0
# From where to where RTL goes is decided piece by piece, and in doubt for both: by the error of a position and of the
# autopilot's metric, and by what the proof, which cuts otherwise, adds to them.
_CHOICE_EVERY_M = 25.0
_CHOICE_M, _CHOICE_SHARE = 26.0, 0.005
# A leg whose ends are no farther apart in either degree is not cut: it is 1.6 km long at most, and 2 km is the limit.
_SHORT_DEG = 0.01

Geometries = NDArray[np.object_]


def margin_budget_m(speed_mps: float) -> float:
    """What the position may be off at `speed_mps`: the least margin that a plan keeps, whatever a zone asks.

    3 m GNSS (95 %), 2 m cross-track, 2 m cut corner (WPNAV_RADIUS), 0.2 s of latency, 1 m of datum.
    Source: planning guide, section 9.3.
    """
    return 8.0 + 0.2 * speed_mps


@dataclass(frozen=True, slots=True)
class Flight:
    """home → … → home, N ≥ 3 places with their heights above home; the first and the last are over home.

    `direct`: the autopilot returns straight, at `return_alt_rel_m` at least; else it retraces its path, or lands on
    the spot. `rally`: where else it may return to. `margin_m`: the least that it keeps from any zone.
    """

    places: tuple[LatLon, ...]
    alts_rel_m: tuple[float, ...]
    direct: bool = True
    return_alt_rel_m: float = RETURN_ALT_M
    pad_agl_m: float = 0.0
    pad_amsl_m: float = 0.0
    margin_m: float = 0.0
    rally: tuple[LatLon, ...] = ()

    @property
    def home(self) -> LatLon:
        return self.places[0]

    @property
    def highest_rel_m(self) -> float:
        """The greatest height that the flight or its return reaches."""
        above_end_m = 0.0 if self.direct else RETRACE_CLIMB_M
        return max(*self.alts_rel_m, self.return_alt_rel_m, self.alts_rel_m[-1] + above_end_m)

    @property
    def top_rel_m(self) -> float:
        """The height that the flight needs, with the vertical margin."""
        return self.highest_rel_m + VERTICAL_MARGIN_M

    def above_home(self, altitude: Altitude) -> float:
        """An altitude in metres above home, over flat ground."""
        match altitude.datum:
            case Datum.REL:
                return altitude.alt_m
            case Datum.AGL:
                return altitude.alt_m - self.pad_agl_m
            case Datum.AMSL:
                return altitude.alt_m - self.pad_amsl_m


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Geometries of one kind, (M,), each convex, with the heights above home between which they are flown."""

    shapes: Geometries = field(repr=False)
    low_m: Array
    high_m: Array
    leg_of: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The parts of a flight; leg 0 is from home to the first place.

    `legs`: the path, cut to pieces of at most 2 km. `turns`: what may be cut at its corners. `returns`: what the ways
    home from each piece sweep. `climbs`: the path again, with the heights that a return passes on the spot: up to the
    return altitude, or, where it retraces, down to the ground. `columns`: take-off and landing at home.
    """

    flight: Flight
    frame: LocalFrame
    legs: Parts
    turns: Parts
    returns: Parts
    climbs: Parts
    columns: Parts

    def swept(self) -> Geometries:
        """All that the flight and its returns sweep, (M,), each convex."""
        return np.concatenate((self.legs.shapes, self.turns.shapes, self.returns.shapes, self.columns.shapes))


def lay_out(flight: Flight, frame: LocalFrame) -> Scene:
    """The flight in the plane of `frame`."""
    ends, alts_m, leg_of = _pieces(flight, frame)
    lines = np.asarray(shapely.linestrings(ends))
    low_m, high_m = alts_m.min(axis=1), alts_m.max(axis=1)
    legs = Parts(lines, low_m - VERTICAL_MARGIN_M, high_m + VERTICAL_MARGIN_M, leg_of)
    top_m = np.full_like(low_m, flight.return_alt_rel_m)
    if flight.direct:
        returns = _straight(flight, frame, ends, np.maximum(high_m, top_m), leg_of)
        climbs = Parts(lines, legs.low_m, np.maximum(legs.high_m, top_m + VERTICAL_MARGIN_M), leg_of)
    else:
        returns = Parts(lines, legs.low_m, legs.high_m, leg_of)
        climbs = Parts(lines, np.full_like(low_m, -math.inf), legs.high_m, leg_of)
    return Scene(flight, frame, legs, _turns(flight, frame), returns, climbs, _columns(flight, frame))


def _turns(flight: Flight, frame: LocalFrame) -> Parts:
    """At each corner the hull of the path before and after it, as far as the corner may be cut.

    A vehicle passes a corner within WPNAV_RADIUS: it leaves the leg that far / cos(half the angle) before it, two
    radii at least. Over a leg that is shorter than that the path beyond it counts as well.
    """
    path = np.column_stack((frame.to_xy(flight.places), flight.alts_rel_m))
    near = _around(path)
    counts = np.array([len(each) for each in near])
    corner_of, starts = np.repeat(np.arange(len(near)), counts), np.cumsum(counts) - counts
    points = np.concatenate(near)
    shapes = np.asarray(shapely.convex_hull(shapely.multipoints(points[:, :2], indices=corner_of)))
    low_m = np.minimum.reduceat(points[:, 2], starts) - VERTICAL_MARGIN_M
    high_m = np.maximum.reduceat(points[:, 2], starts) + VERTICAL_MARGIN_M
    return Parts(shapes, low_m, high_m, np.arange(len(near)))


def _around(path: Array) -> list[Array]:
    """The path (K, 3) that a cut at each corner of `path` (N ≥ 3, 3) may leave out."""
    legs = np.diff(path, axis=0)
    length_m = np.hypot(legs[:, 0], legs[:, 1])
    reach_m = _reach_m(legs[:, :2], length_m)
    with np.errstate(divide="ignore", invalid="ignore"):
        before = path[1:-1] - (reach_m / length_m[:-1])[:, None] * legs[:-1]
        after = path[1:-1] + (reach_m / length_m[1:])[:, None] * legs[1:]
    near = list(np.stack((before, path[1:-1], after), axis=1))
    for number in np.flatnonzero(np.minimum(length_m[:-1], length_m[1:]) < reach_m).tolist():
        corner, far_m = number + 1, float(reach_m[number])
        near[number] = np.concatenate(
            (_ahead(path[corner::-1], far_m), path[corner : corner + 1], _ahead(path[corner:], far_m))
        )
    return near


def _reach_m(legs: Array, length_m: Array) -> Array:
    """How far the path may be cut at each corner between `legs` (N, 2), as (N − 1,)."""
    both = length_m[:-1] * length_m[1:]
    dot = np.array([-back @ on for back, on in pairwise(legs)])
    cosine = np.divide(dot, both, out=-np.ones_like(both), where=both > 0.0)
    half = np.sqrt(np.maximum((1.0 + cosine) / 2.0, 1e-12))
    return np.asarray(np.clip(WP_RADIUS_M / half, 2.0 * WP_RADIUS_M, 10.0 * WP_RADIUS_M))


def _ahead(path: Array, reach_m: float) -> Array:
    """The vertices after the first of `path` up to `reach_m` along it, and the place there."""
    found = []
    for start, end in pairwise(path):
        length_m = float(np.hypot(*(end - start)[:2]))
        if length_m >= reach_m:
            found.append(start + reach_m / length_m * (end - start))
            break
        found.append(end)
        reach_m -= length_m
    return np.array(found).reshape(-1, 3)


def _pieces(flight: Flight, frame: LocalFrame) -> tuple[Array, Array, NDArray[np.intp]]:
    """Ends of the pieces (M, 2, 2) in metres, their heights (M, 2), and the leg of each (M,)."""
    lonlat = lonlat_array(flight.places)
    short: list[bool] = (np.abs(np.diff(lonlat, axis=0)).max(axis=1) < _SHORT_DEG).tolist()
    cut = [lonlat[leg : leg + 2] if short[leg] else densified(lonlat[leg : leg + 2]) for leg in range(len(short))]
    counts = [len(leg) - 1 for leg in cut]
    places = frame.project(np.concatenate(cut))
    starts = np.concatenate([np.arange(count) for count in counts])
    leg_of = np.repeat(np.arange(len(cut)), counts)
    first = np.repeat(np.cumsum([0, *(len(leg) for leg in cut)])[:-1], counts) + starts
    alts_m = np.array(flight.alts_rel_m)
    shares = np.stack((starts, starts + 1), axis=1) / np.array(counts)[leg_of][:, None]
    heights = alts_m[leg_of][:, None] + shares * np.diff(alts_m)[leg_of][:, None]
    return np.stack((places[first], places[first + 1]), axis=1), heights, leg_of


def _straight(flight: Flight, frame: LocalFrame, ends: Array, high_m: Array, leg_of: NDArray[np.intp]) -> Parts:
    """The triangles from each piece to every place that RTL may choose from there."""
    goals = frame.to_xy((flight.home, *flight.rally))
    if flight.rally:
        ends, piece_of = _shorter(ends)
        high_m, leg_of = high_m[piece_of], leg_of[piece_of]
    part, goal = np.nonzero(_may_choose(ends, goals))
    corners = np.concatenate((ends[part], goals[goal][:, None]), axis=1)
    shapes = np.asarray(shapely.convex_hull(shapely.multipoints(corners)))
    low = np.full(len(part), flight.return_alt_rel_m - VERTICAL_MARGIN_M)
    return Parts(shapes, low, high_m[part] + VERTICAL_MARGIN_M, leg_of[part])


def _shorter(ends: Array) -> tuple[Array, NDArray[np.intp]]:
    """Pieces (M, 2, 2) cut to `_CHOICE_EVERY_M`, and the piece that each was cut from."""
    along = ends[:, 1] - ends[:, 0]
    counts = np.maximum(1, np.ceil(np.hypot(*along.T) / _CHOICE_EVERY_M)).astype(int)
    piece_of = np.repeat(np.arange(len(ends)), counts)
    step = np.arange(len(piece_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    shares = np.stack((step, step + 1), axis=1) / counts[piece_of][:, None]
    return ends[piece_of, :1] + shares[:, :, None] * along[piece_of][:, None], piece_of


def _may_choose(ends: Array, goals: Array) -> NDArray[np.bool_]:
    """Whether RTL may choose each goal, the first of which is home, from a piece, (M, G).

    It takes the nearest rally point unless home is nearer, or that point is beyond RALLY_LIMIT_KM (AP_Rally.cpp);
    where two are about as far away as its position is good it may take either.
    """
    lines, points = np.asarray(shapely.linestrings(ends)), np.asarray(shapely.points(goals))
    nearest_m = shapely.distance(lines[:, None], points[None])
    farthest_m = np.hypot(*(ends[:, :, None] - goals).transpose(3, 0, 1, 2)).max(axis=1)
    doubt_m = _CHOICE_M + _CHOICE_SHARE * farthest_m
    chosen = nearest_m - doubt_m <= (farthest_m + doubt_m).min(axis=1, keepdims=True)
    if len(goals) > 1:
        chosen[:, 0] |= (farthest_m + doubt_m)[:, 1:].min(axis=1) > _RALLY_LIMIT_M
    return np.asarray(chosen)


def _columns(flight: Flight, frame: LocalFrame) -> Parts:
    """Up at home, and down at home and at each rally point: points, from the ground to the greatest height."""
    places = np.asarray(shapely.points(frame.to_xy((flight.home, *flight.rally))))
    count = len(places)
    low_m, high_m = np.full(count, -math.inf), np.full(count, flight.top_rel_m)
    return Parts(places, low_m, high_m, np.zeros(count, dtype=np.intp))
