"""GUIDED: a ground station gives take-offs, points, velocities and yaw, one at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator.flight.control import Plain, Takeoff
from simulator.flight.kinds import SpeedKind
from simulator.flight.motion import ZERO, Demand
from simulator.flight.path import PathFollower
from simulator.flight.places import Vector

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

MAX_VELOCITY_MPS = 1000.0
"""Velocities with a larger component are refused: the vehicle stops."""


class Guided(Plain):
    """The GUIDED mode: holds where it is until it gets a target; velocities expire after GUID_TIMEOUT."""

    def __init__(self, craft: Aircraft) -> None:
        self._speeds: dict[int, float] = {}
        self._takeoff: Takeoff | None = None
        self._velocity: Vector | None = None
        self._given_s = 0.0
        self._paused = False
        self._path = PathFollower(craft.stopping_point(), craft.limits())
        craft.yaw.hold()

    @property
    def taking_off(self) -> bool:  # type: ignore[override]
        """Whether a take-off is under way."""
        return self._takeoff is not None and not self._takeoff.complete

    @property
    def target(self) -> Vector | None:  # type: ignore[override]
        """The point given last; None under velocity control."""
        if self._takeoff is not None:
            return self._takeoff.target
        return None if self._velocity is not None else self._path.destination

    def take_off(self, craft: Aircraft, up_m: float) -> None:
        """Climb to an altitude above the origin."""
        self._takeoff = Takeoff(craft, up_m)
        self._velocity = None

    def fly_to(self, craft: Aircraft, point: Vector, keep_yaw: bool = False) -> None:
        """Fly straight to a point and stop there."""
        at_point_control = self._velocity is None and self._takeoff is None
        if not at_point_control:
            self._path = PathFollower(craft.body.position, craft.limits(), craft.body.velocity)
        self._takeoff, self._velocity = None, None
        self._path.go_to(point)
        if not keep_yaw:
            craft.yaw.track(craft.params.whole("WP_YAW_BEHAVIOR"))

    def fly_along(self, craft: Aircraft, velocity: Vector) -> None:
        """Fly a velocity (north, east, up) until GUID_TIMEOUT has passed without another."""
        self._takeoff = None
        self._velocity = velocity
        self._given_s = craft.now_s
        if craft.yaw.aim.name == "TRACK":
            craft.yaw.hold()

    def stop(self, craft: Aircraft) -> None:
        """Stop and hold, as after a target that makes no sense."""
        self._takeoff = self._velocity = None
        self._path = PathFollower(craft.stopping_point(), craft.limits())

    def set_speed(self, kind: int, speed_mps: float) -> bool:
        """Remember a speed for the rest of this GUIDED phase."""
        self._speeds[SpeedKind.GROUND if kind == SpeedKind.AIR else kind] = speed_mps
        return True

    def pause(self, on: bool) -> bool:
        """Stop on the way, or go on."""
        self._paused = on
        return True

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """One step of take-off, velocity or point control."""
        if self._takeoff is not None:
            if not self._takeoff.complete:
                return self._takeoff.demand(craft, dt)
            self._path = PathFollower(self._takeoff.target, craft.limits())
            self._takeoff = None
        if self._velocity is not None:
            return self._velocity_demand(craft, self._velocity, craft.yaw.target(craft.body, dt))
        self._path.limits = craft.limits(
            ground=self._speeds.get(SpeedKind.GROUND),
            climb=self._speeds.get(SpeedKind.CLIMB),
            descent=self._speeds.get(SpeedKind.DESCENT),
        )
        self._path.paused = self._paused
        position, velocity = self._path.advance(dt)
        yaw = craft.yaw.target(craft.body, dt, self._path.course_rad)
        return Demand(velocity=velocity, ground=position[:2], up_m=position[2], yaw_rad=yaw)

    def _velocity_demand(self, craft: Aircraft, velocity: Vector, yaw: float | None) -> Demand:
        if craft.now_s - self._given_s > craft.params["GUID_TIMEOUT"] or self._paused:
            velocity = ZERO
        limits = craft.limits()
        ground = math.hypot(velocity[0], velocity[1])
        scale = min(1.0, limits.speed / ground) if ground > 0 else 1.0
        up = max(-limits.descent, min(limits.climb, velocity[2]))
        wanted = (velocity[0] * scale, velocity[1] * scale, up)
        return Demand(velocity=_eased(craft.body.velocity, wanted, limits.accel), yaw_rad=yaw)


def _eased(now: Vector, wanted: Vector, accel: float) -> Vector:
    """A velocity at most half a second of acceleration from the present one."""
    step = tuple(b - a for a, b in zip(now, wanted, strict=True))
    size = math.hypot(*step)
    share = min(1.0, 0.5 * accel / size) if size > 0 else 1.0
    return now[0] + step[0] * share, now[1] + step[1] * share, now[2] + step[2] * share
