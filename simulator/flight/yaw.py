"""Where the nose points: along the track, at a fixed angle, at a point, or where it is."""

from __future__ import annotations

import math
from enum import Enum, auto

from simulator.flight.motion import Body
from simulator.flight.places import Vector, wrap_pi

DEFAULT_RATE_RADPS = math.radians(60.0)
ARRIVED_RAD = math.radians(2.0)


class Aim(Enum):
    """What the nose follows."""

    HOLD = auto()
    TRACK = auto()
    FIXED = auto()
    RATE = auto()
    POINT = auto()


class Yaw:
    """The yaw demand of the automatic modes."""

    __slots__ = ("_angle", "_goal", "_point", "_rate", "aim")

    def __init__(self) -> None:
        self.aim = Aim.HOLD
        self._angle: float | None = None
        self._goal = 0.0
        self._rate = DEFAULT_RATE_RADPS
        self._point: Vector | None = None

    def hold(self) -> None:
        """Keep the present heading."""
        self.aim, self._angle = Aim.HOLD, None

    def track(self, behaviour: int, returning: bool = False) -> None:
        """Follow WP_YAW_BEHAVIOR: 0 never turn, 1 next waypoint, 2 the same except in RTL, 3 along the track."""
        if self.aim is Aim.POINT:
            return
        if behaviour == 0 or (behaviour == 2 and returning):
            self.hold()
        else:
            self.aim = Aim.TRACK

    def turn_to(self, angle_rad: float, rate_radps: float, direction: int, relative: bool, body: Body) -> None:
        """CONDITION_YAW: turn to an angle, absolute or relative to the present heading."""
        self._angle = body.yaw_rad
        if relative:
            self._goal = wrap_pi(body.yaw_rad + angle_rad * (-1 if direction < 0 else 1))
        else:
            self._goal = wrap_pi(angle_rad)
        self._rate = min(rate_radps, DEFAULT_RATE_RADPS) if rate_radps > 0 else DEFAULT_RATE_RADPS
        self.aim = Aim.FIXED

    def spin(self, rate_radps: float, body: Body) -> None:
        """Turn at a rate until told otherwise."""
        self.aim, self._rate, self._angle = Aim.RATE, rate_radps, body.yaw_rad

    def look_at(self, point: Vector | None) -> None:
        """Keep a point ahead (region of interest); None releases it."""
        self._point = point
        self.aim = Aim.POINT if point is not None else Aim.HOLD
        self._angle = None

    def turned(self, body: Body) -> bool:
        """Whether the angle of `turn_to` is reached. A waypoint that began meanwhile loses the nose to the turn."""
        if self.aim is not Aim.FIXED:
            self.aim, self._angle = Aim.FIXED, body.yaw_rad
        return abs(wrap_pi(self._goal - body.yaw_rad)) <= ARRIVED_RAD

    def target(self, body: Body, dt: float, course_rad: float | None = None) -> float | None:
        """The angle to fly this step; None keeps the heading. ``course_rad`` is the direction of the path flown."""
        match self.aim:
            case Aim.TRACK:
                if course_rad is not None:
                    self._angle = course_rad
            case Aim.FIXED:
                at = self._angle if self._angle is not None else body.yaw_rad
                left = wrap_pi(self._goal - at)
                self._angle = wrap_pi(at + max(-self._rate * dt, min(self._rate * dt, left)))
            case Aim.RATE:
                at = self._angle if self._angle is not None else body.yaw_rad
                self._angle = wrap_pi(at + self._rate * dt)
            case Aim.POINT if self._point is not None:
                self._angle = math.atan2(self._point[1] - body.east_m, self._point[0] - body.north_m)
            case _:
                pass
        return self._angle
