"""A reference point that runs along straight legs with rounded corners, never faster than the limits allow.

The corner between two legs is an arc that stays within the waypoint radius of the corner; its speed follows from
the lateral acceleration allowed. Like ArduCopter's S-curves it builds up acceleration with limited jerk and brakes
gently; unlike them it ends braking without a jerk limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.flight.motion import ZERO
from simulator.flight.parameters import Parameters
from simulator.flight.places import Vector

STRAIGHT_RAD = 0.02
REVERSAL_RAD = math.radians(170.0)
BRAKING = 0.7
"""Share of the acceleration limit used for braking, the average of a jerk-limited braking."""
COURSE_SPEED_MPS = 1.0
COURSE_LEG_M = 2.0
"""Slower than this, or on a shorter leg, the path gives the nose no direction."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Speeds in m/s, accelerations in m/s², corner radius in m: the WPNAV_* parameters in SI units."""

    speed: float
    climb: float
    descent: float
    accel: float
    climb_accel: float
    corner_accel: float
    radius: float
    jerk: float

    def along(self, direction: Vector) -> tuple[float, float]:
        """Greatest speed and acceleration along a unit vector such that no axis exceeds its own limit."""
        ground = math.hypot(direction[0], direction[1])
        up = abs(direction[2])
        speed = accel = math.inf
        if ground > 1e-6:
            speed, accel = self.speed / ground, self.accel / ground
        if up > 1e-6:
            speed = min(speed, (self.climb if direction[2] > 0 else self.descent) / up)
            accel = min(accel, self.climb_accel / up)
        return speed, accel


def limits_from(params: Parameters) -> Limits:
    """The WPNAV_* parameters (cm, cm/s, cm/s²) in SI units, never quite zero."""
    accel = max(0.1, params["WPNAV_ACCEL"] * 0.01)
    return Limits(
        speed=max(0.1, params["WPNAV_SPEED"] * 0.01),
        climb=max(0.1, params["WPNAV_SPEED_UP"] * 0.01),
        descent=max(0.1, params["WPNAV_SPEED_DN"] * 0.01),
        accel=accel,
        climb_accel=max(0.1, params["WPNAV_ACCEL_Z"] * 0.01),
        corner_accel=max(0.1, params["WPNAV_ACCEL_C"] * 0.01 or 2.0 * accel),
        radius=max(0.05, params["WPNAV_RADIUS"] * 0.01),
        jerk=max(0.1, params["WPNAV_JERK"]),
    )


@dataclass(frozen=True, slots=True)
class Corner:
    """An arc from one leg into the next: begins and ends ``cut_m`` from the corner point."""

    at: Vector
    cut_m: float
    radius_m: float
    angle_rad: float
    speed_mps: float
    inbound: Vector
    inward: Vector

    def point(self, turned_rad: float) -> tuple[Vector, Vector]:
        """Position and direction after a part of the turn."""
        sin, cos = math.sin(turned_rad), math.cos(turned_rad)
        along, side = self.radius_m * sin - self.cut_m, self.radius_m * (1.0 - cos)
        position = _sum(self.at, _sum(_times(self.inbound, along), _times(self.inward, side)))
        return position, _sum(_times(self.inbound, cos), _times(self.inward, sin))


class PathFollower:
    """The moving reference: ``go_to`` gives it a destination, ``advance`` moves it."""

    __slots__ = (
        "_accel", "_corner", "_direction", "_done_m", "_following", "_length_m", "_turned_rad",
        "destination", "limits", "paused", "position", "reached", "speed_mps", "start",
    )  # fmt: skip

    def __init__(self, start: Vector, limits: Limits, velocity: Vector = ZERO) -> None:
        self.limits = limits
        self.start = self.position = self.destination = start
        self.speed_mps = math.hypot(*velocity)
        self._direction: Vector = _unit(velocity)
        self._length_m = self._done_m = 0.0
        self._corner: Corner | None = None
        self._turned_rad: float | None = None
        self._following: Vector | None = None
        self.paused = False
        self.reached = True
        self._accel = 0.0

    @property
    def course_rad(self) -> float | None:
        """Direction of the path from north, where it has one worth turning to."""
        north, east, _ = self._direction
        if self._length_m < COURSE_LEG_M or self.speed_mps * math.hypot(north, east) < COURSE_SPEED_MPS:
            return None
        return math.atan2(east, north)

    def go_to(self, destination: Vector, following: Vector | None = None) -> None:
        """Fly to a point, slowing only as the corner towards the ``following`` point demands (None: stop there)."""
        in_turn = self._turned_rad is not None and self._following == destination
        origin = self.destination if in_turn else self.position
        if not in_turn:
            heading = self._direction
            self._turned_rad = None
            self.speed_mps *= max(0.0, _dot(heading, _unit(_minus(destination, origin))))
        entry = self._corner if in_turn else None
        leg = _minus(destination, origin)
        self.start, self.destination, self._following = origin, destination, following
        self._length_m = math.hypot(*leg)
        self._done_m = entry.cut_m if entry else 0.0
        self.reached = False
        if entry is None:
            self._direction = _unit(leg)
            self._corner = self._plan_corner()
        self.paused = False

    def advance(self, dt: float) -> tuple[Vector, Vector]:
        """Move on by ``dt`` seconds; returns the reference position and velocity."""
        if self._turned_rad is not None and self._corner is not None:
            self._advance_turn(self._corner, self._turned_rad, dt)
        elif not self.reached:
            self._advance_leg(dt)
        else:
            self.speed_mps = 0.0
        return self.position, _times(self._direction, self.speed_mps)

    def _advance_leg(self, dt: float) -> None:
        top, accel = self.limits.along(self._direction)
        end_m = self._length_m - (self._corner.cut_m if self._corner else 0.0)
        left = max(0.0, end_m - self._done_m)
        at_end = self._corner.speed_mps if self._corner else 0.0
        allowed = min(0.0 if self.paused else top, math.sqrt(at_end**2 + 2.0 * BRAKING * accel * left))
        self._accel = min(accel, self._accel + self.limits.jerk * dt) if self.speed_mps < allowed else 0.0
        self.speed_mps = _towards(self.speed_mps, allowed, self._accel * dt, accel * dt)
        if not self.paused:
            self.speed_mps = max(self.speed_mps, min(0.1, left / dt))
        self._done_m += self.speed_mps * dt
        if self._done_m >= end_m - 1e-3 and not self.paused:
            if self._corner is not None:
                self._advance_turn(self._corner, 0.0, (self._done_m - end_m) / max(0.1, self.speed_mps))
                return
            self._done_m, self.speed_mps, self.reached = self._length_m, 0.0, True
        self.position = _sum(self.start, _times(self._direction, self._done_m))

    def _advance_turn(self, corner: Corner, turned_rad: float, dt: float) -> None:
        accel = self.limits.accel
        self.speed_mps = _towards(
            self.speed_mps, 0.0 if self.paused else max(0.2, corner.speed_mps), 0.5 * accel * dt, accel * dt
        )
        turned = turned_rad + self.speed_mps * dt / corner.radius_m
        self.reached = self.reached or turned >= 0.5 * corner.angle_rad
        new_leg_given = self.destination != corner.at
        if new_leg_given:
            self.reached = False
        turned = min(turned, corner.angle_rad)
        self._turned_rad = turned
        self.position, self._direction = corner.point(turned)
        if turned < corner.angle_rad:
            return
        if new_leg_given:
            self._turned_rad = None
            self._direction = _unit(_minus(self.destination, self.start))
            self._done_m = corner.cut_m
            self._corner = self._plan_corner()
        else:
            self.reached = True

    def _plan_corner(self) -> Corner | None:
        if self._following is None or self._length_m < 0.1:
            return None
        leg = _minus(self._following, self.destination)
        length = math.hypot(*leg)
        if length < 0.1:
            return None
        onward = _unit(leg)
        cosine = max(-1.0, min(1.0, _dot(self._direction, onward)))
        angle = math.acos(cosine)
        if angle > REVERSAL_RAD:
            return None
        middle = _unit(_sum(self._direction, onward))
        speed = min(self.limits.along(way)[0] for way in (self._direction, middle, onward))
        stop_speed = math.sqrt(2.0 * self.limits.along(onward)[1] * 0.5 * length)
        if angle < STRAIGHT_RAD:
            return Corner(self.destination, 0.0, 1.0, 0.0, min(speed, stop_speed), self._direction, ZERO)
        half = math.tan(0.5 * angle)
        radius = min(
            self.limits.radius / (1.0 / math.cos(0.5 * angle) - 1.0),
            speed * speed / self.limits.corner_accel,
            0.5 * (self._length_m - self._done_m) / half,
            0.5 * length / half,
        )
        radius = max(radius, 0.05)
        inward = _unit(_minus(onward, _times(self._direction, cosine)))
        speed = min(speed, stop_speed, math.sqrt(self.limits.corner_accel * radius))
        return Corner(self.destination, radius * half, radius, angle, speed, self._direction, inward)


def _towards(value: float, target: float, faster: float, slower: float) -> float:
    return min(target, value + faster) if value < target else max(target, value - 1.5 * slower)


def _sum(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _times(a: Vector, factor: float) -> Vector:
    return a[0] * factor, a[1] * factor, a[2] * factor


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _unit(a: Vector) -> Vector:
    length = math.hypot(*a)
    return _times(a, 1.0 / length) if length > 1e-9 else ZERO
