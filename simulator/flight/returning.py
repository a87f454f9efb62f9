"""RTL and SmartRTL: climb, fly home (or to the nearest rally point), wait, land."""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import TYPE_CHECKING

from simulator.flight.control import Descent, Plain
from simulator.flight.kinds import SpeedKind
from simulator.flight.motion import Demand
from simulator.flight.path import PathFollower
from simulator.flight.places import Vector

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

LOWEST_RETURN_M = 0.3
SHALLOWEST_CONE = 0.5
STRAIGHT_SHARE = 0.5
"""Bends of the remembered track smaller than this share of SRTL_ACCURACY may be left out."""


class _Stage(Enum):
    CLIMB = auto()
    RETURN = auto()
    LOITER = auto()
    DESCEND = auto()


class Returning(Plain):
    """RTL: up to the return altitude, straight to the return point, loiter RTL_LOIT_TIME, land, disarm."""

    def __init__(self, craft: Aircraft, way_back: tuple[Vector, ...] = ()) -> None:
        """``way_back`` is SmartRTL's list of points to fly instead of climbing and going straight."""
        self._stage = _Stage.CLIMB
        self._speed: float | None = craft.params["RTL_SPEED"] * 0.01 or None
        self._limits = craft.limits(ground=self._speed)
        self._path = PathFollower(craft.stopping_point(), self._limits)
        self._since_s = 0.0
        self._descent: Descent | None = None
        self._way_back = list(way_back)
        place = return_point(craft)
        if self._way_back:
            self._return = (*self._way_back[-1][:2], max(self._way_back[-1][2], craft.home_local[2] + 2.0))
            self._stage = _Stage.RETURN
            self._next_leg()
            craft.yaw.track(craft.params.whole("WP_YAW_BEHAVIOR"), returning=True)
            return
        self._return = (place[0], place[1], _return_up_m(craft, place))
        here = self._path.position
        self._path.go_to((here[0], here[1], self._return[2]), self._return)
        craft.yaw.hold()

    @property
    def landing(self) -> bool:  # type: ignore[override]
        """Whether the last descent has begun."""
        return self._stage is _Stage.DESCEND

    @property
    def target(self) -> Vector:  # type: ignore[override]
        """The return point, or the end of the climb."""
        return self._path.destination

    def set_speed(self, kind: int, speed_mps: float) -> bool:
        """Ground speed of the way back."""
        if kind not in (SpeedKind.AIR, SpeedKind.GROUND):
            return False
        self._speed = speed_mps
        return True

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """One step of climb, return, loiter or descent."""
        if craft.land_complete:
            craft.disarm()
            return Demand()
        if self._descent is not None:
            return self._descent.demand(craft, dt)
        self._path.limits = craft.limits(ground=self._speed)
        position, velocity = self._path.advance(dt)
        if self._path.reached:
            self._next_stage(craft)
        yaw = craft.yaw.target(craft.body, dt, self._path.course_rad)
        return Demand(velocity=velocity, ground=position[:2], up_m=position[2], yaw_rad=yaw)

    def _next_stage(self, craft: Aircraft) -> None:
        match self._stage:
            case _Stage.CLIMB:
                self._stage = _Stage.RETURN
                self._path.go_to(self._return)
                craft.yaw.track(craft.params.whole("WP_YAW_BEHAVIOR"), returning=True)
            case _Stage.RETURN if self._way_back:
                self._next_leg()
            case _Stage.RETURN:
                self._stage = _Stage.LOITER
                self._since_s = craft.now_s
            case _Stage.LOITER if craft.now_s - self._since_s >= craft.params["RTL_LOIT_TIME"] * 0.001:
                self._stage = _Stage.DESCEND
                self._descent = Descent(craft)
            case _:
                pass

    def _next_leg(self) -> None:
        at = self._way_back.pop(0)
        self._path.go_to(at if self._way_back else self._return, self._way_back[0] if self._way_back else None)


def return_point(craft: Aircraft) -> Vector:
    """Where RTL goes: the nearest of home and the rally points within RALLY_LIMIT_KM."""
    here = craft.body.position
    choices = [(*craft.frame.ground(p.lat_e7, p.lon_e7), craft.up_from(p.alt_m, p.datum)) for p in craft.rally]
    limit_m = craft.params["RALLY_LIMIT_KM"] * 1000.0
    choices = [p for p in choices if limit_m <= 0 or math.dist(p[:2], here[:2]) <= limit_m]
    if not choices or craft.params.whole("RALLY_INCL_HOME"):
        choices.append(craft.home_local)
    return min(choices, key=lambda point: math.dist(point[:2], here[:2]))


def _return_up_m(craft: Aircraft, place: Vector) -> float:
    """Altitude of the return leg, metres above the origin.

    RTL_ALT above home, never lower than now; near the return point lower, within a cone of RTL_CONE_SLOPE.
    """
    params = craft.params
    now_rel = craft.body.up_m - craft.home_local[2]
    lowest = max(LOWEST_RETURN_M, now_rel + max(0.0, params["RTL_CLIMB_MIN"] * 0.01))
    rel = max(params["RTL_ALT"] * 0.01, lowest, place[2] - craft.home_local[2])
    slope = params["RTL_CONE_SLOPE"]
    if slope >= SHALLOWEST_CONE:
        away_m = math.hypot(place[0] - craft.body.north_m, place[1] - craft.body.east_m)
        rel = min(rel, max(away_m * slope, lowest))
    if craft.fence.enabled_types & 1:
        rel = min(rel, params["FENCE_ALT_MAX"] - params["FENCE_MARGIN"])
    return craft.home_local[2] + max(rel, now_rel)


class TrackMemory:
    """The track since arming, for SmartRTL. What is straight is thinned out when the memory is full.

    A track that does not fit even so cannot be retraced: the memory is then given up until the next arming. ArduPilot
    also cuts loops out of the track; this one retraces them.
    """

    def __init__(self) -> None:
        self.points: list[Vector] = []
        self.given_up = False

    def restart(self, at: Vector) -> None:
        """Begin at the arming point."""
        self.points = [at]
        self.given_up = False

    def note(self, at: Vector, accuracy_m: float, capacity: int) -> bool:
        """Remember a position if it is further than ``accuracy_m`` from the last. False: given up just now."""
        if self.given_up or (self.points and math.dist(at, self.points[-1]) < accuracy_m):
            return True
        if len(self.points) >= capacity:
            self.points = straightened(self.points, accuracy_m * STRAIGHT_SHARE)
        if len(self.points) >= capacity:
            self.points, self.given_up = [], True
            return False
        self.points.append(at)
        return True

    def way_back(self) -> tuple[Vector, ...]:
        """The points from the newest to the arming point; () when they were given up."""
        return tuple(reversed(self.points))


def straightened(points: list[Vector], tolerance_m: float) -> list[Vector]:
    """The line with as few of its points as stay within a tolerance of it (Ramer 1972; Douglas and Peucker 1973)."""
    kept: list[Vector] = []
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        between = range(first + 1, last)
        off = max(between, key=lambda i: _from_line(points[i], points[first], points[last]), default=None)
        if off is None or _from_line(points[off], points[first], points[last]) <= tolerance_m:
            kept.append(points[first])
        else:
            waiting += [(off, last), (first, off)]
    return [*kept, points[-1]]


def _from_line(at: Vector, start: Vector, end: Vector) -> float:
    """Distance to the straight piece between two points."""
    along = [b - a for a, b in zip(start, end, strict=True)]
    length2 = sum(step * step for step in along)
    share = sum((p - a) * step for p, a, step in zip(at, start, along, strict=True)) / length2 if length2 else 0.0
    share = max(0.0, min(1.0, share))
    return math.dist(at, [a + share * step for a, step in zip(start, along, strict=True)])
