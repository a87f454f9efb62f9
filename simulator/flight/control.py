"""What a flight mode is to the aircraft, and the two manoeuvres several modes share: taking off and coming down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from simulator.flight.motion import Demand
from simulator.flight.places import Vector

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

ARMING_DELAY_S = 2.0
"""After arming the rotors stay idle for this long."""
SPOOL_UP_S = 1.0
"""From idle until the rotors carry the aircraft; with the delay, as measured on SITL."""
HOLD_DECEL_MPS2 = 2.5
BRAKE_DECEL_MPS2 = 7.5
BRAKE_JERK_MPS3 = 5.0
STANDS_MPS = 0.05


class Controller(Protocol):
    """A flight mode while it flies."""

    @property
    def landing(self) -> bool:
        """Whether it is coming down to land."""

    @property
    def taking_off(self) -> bool:
        """Whether it is climbing away from the ground."""

    @property
    def target(self) -> Vector | None:
        """The point it flies to, in local metres."""

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """What it asks of the aircraft for this step; called only while armed."""

    def set_speed(self, kind: int, speed_mps: float) -> bool:
        """DO_CHANGE_SPEED; False where the mode has no such thing."""

    def pause(self, on: bool) -> bool:
        """DO_PAUSE_CONTINUE; False where the mode cannot."""


class Plain:
    """The parts of a controller most modes leave alone."""

    landing = False
    taking_off = False
    target: Vector | None = None

    def set_speed(self, kind: int, speed_mps: float) -> bool:  # noqa: ARG002 - the refusal needs no argument
        """Refused."""
        return False

    def pause(self, on: bool) -> bool:  # noqa: ARG002 - the refusal needs no argument
        """Refused."""
        return False


class Takeoff:
    """Straight up to an altitude, after the rotors have spun up."""

    def __init__(self, craft: Aircraft, up_m: float) -> None:
        self.up_m = max(up_m, craft.body.up_m + (1.0 if craft.land_complete else 0.0))
        self._ground = (craft.body.north_m, craft.body.east_m)
        self._reference_m = craft.body.up_m
        self._speed = 0.0
        self._spun_s = 0.0
        self.complete = False
        craft.yaw.hold()

    @property
    def target(self) -> Vector:
        """Where the climb ends."""
        return self._ground[0], self._ground[1], self.up_m

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Wait for thrust, then climb with the acceleration and speed of the waypoint controller."""
        if craft.land_complete:
            if not craft.auto_armed:
                return Demand(ground=self._ground)
            self._spun_s += dt
            if self._spun_s < SPOOL_UP_S or craft.now_s - craft.armed_s < ARMING_DELAY_S + SPOOL_UP_S:
                return Demand(ground=self._ground)
            craft.lift_off()
        limits = craft.limits()
        left = self.up_m - self._reference_m
        braking = math.sqrt(2.0 * limits.climb_accel * max(0.0, left))
        self._speed = min(limits.climb, braking, self._speed + limits.climb_accel * dt)
        self._reference_m += self._speed * dt
        self.complete = self._reference_m >= self.up_m - 0.05 * limits.climb and self._speed < 0.25 * limits.climb
        return Demand(velocity=(0.0, 0.0, self._speed), ground=self._ground, up_m=self._reference_m)


class Descent:
    """Straight down: fast above LAND_ALT_LOW, then at LAND_SPEED until the ground is felt."""

    def __init__(self, craft: Aircraft) -> None:
        self._ground = craft.stopping_point()[:2]
        self._speed = min(0.0, craft.body.vu_mps)

    @property
    def ground(self) -> tuple[float, float]:
        """Where it comes down, metres north and east."""
        return self._ground

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Sink towards the ground below."""
        params = craft.params
        fast = params["LAND_SPEED_HIGH"] or params["WPNAV_SPEED_DN"]
        high = craft.body.up_m > params["LAND_ALT_LOW"] * 0.01
        goal = -(fast if high else params["LAND_SPEED"]) * 0.01
        step = params["WPNAV_ACCEL_Z"] * 0.01 * dt
        self._speed = max(goal, self._speed - step) if self._speed > goal else min(goal, self._speed + step)
        return Demand(velocity=(0.0, 0.0, self._speed), ground=self._ground)


class Hold(Plain):
    """STABILIZE, ALT_HOLD and LOITER under a pilot whose sticks rest in the middle: stop and stay.

    On the ground it does nothing, as with the throttle down.
    """

    def __init__(self, craft: Aircraft) -> None:
        self._at: Vector | None = None
        self._velocity = craft.body.velocity
        craft.yaw.hold()

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Lose speed evenly, then hold the point where it stopped."""
        if self._at is None:
            speed = math.hypot(*self._velocity)
            left = max(0.0, speed - HOLD_DECEL_MPS2 * dt)
            scale = left / speed if speed > 0 else 0.0
            vn, ve, vu = self._velocity
            self._velocity = (vn * scale, ve * scale, vu * scale)
            if left > 0.0:
                return Demand(velocity=self._velocity)
            self._at = craft.body.position
        return Demand(ground=self._at[:2], up_m=self._at[2])


class Brake(Plain):
    """BRAKE: the velocity fades as ArduCopter shapes it, then the point is held.

    Source: ArduCopter/mode_brake.cpp (BRAKE_MODE_DECEL_RATE), AC_PosControl (PSC_JERK_NE), AP_Math/control.cpp
    (shape_vel_accel, sqrt_controller).
    """

    def __init__(self, craft: Aircraft) -> None:
        self._velocity = craft.body.velocity
        self._decel_mps2 = 0.0
        self._at: Vector | None = None
        craft.yaw.hold()

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Lose speed with limited jerk, then hold the point where it stopped."""
        if self._at is not None:
            return Demand(ground=self._at[:2], up_m=self._at[2])
        speed = math.hypot(*self._velocity)
        if speed < STANDS_MPS:
            self._at = craft.body.position
            return Demand(ground=self._at[:2], up_m=self._at[2])
        step = BRAKE_JERK_MPS3 * dt
        self._decel_mps2 += max(-step, min(step, _braking_mps2(speed) - self._decel_mps2))
        left = max(0.0, speed - self._decel_mps2 * dt) / speed
        vn, ve, vu = self._velocity
        self._velocity = (vn * left, ve * left, vu * left)
        share = -self._decel_mps2 / speed
        return Demand(velocity=self._velocity, accel=(vn * share, ve * share, vu * share))


def _braking_mps2(speed_mps: float) -> float:
    """The deceleration that a speed asks for: in proportion to it, and less than that above 11 m/s."""
    gain = BRAKE_JERK_MPS3 / BRAKE_DECEL_MPS2
    knee_mps = BRAKE_JERK_MPS3 / gain**2
    wanted = gain * speed_mps
    if speed_mps > knee_mps:
        wanted = math.sqrt(2.0 * BRAKE_JERK_MPS3 * (speed_mps - knee_mps / 2.0))
    return min(wanted, BRAKE_DECEL_MPS2)


class Landing(Plain):
    """LAND: down where it is, then disarm."""

    landing = True

    def __init__(self, craft: Aircraft) -> None:
        self._descent = Descent(craft)
        craft.yaw.hold()

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Come down; once landed, disarm."""
        if craft.land_complete:
            craft.disarm()
        return self._descent.demand(craft, dt)
