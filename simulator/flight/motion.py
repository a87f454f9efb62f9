"""How the aircraft moves: it follows a demanded trajectory within the limits of thrust, tilt and yaw rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.flight.places import Vector, wrap_pi
from simulator.flight.power import GRAVITY, Airframe

STEP_S = 0.04
"""Simulated seconds per physics step: 25 Hz, the rate at which ArduCopter checks its fence."""

POSITION_GAIN = 1.0
"""1/s, of the position error fed into velocity; ArduCopter's PSC_POSXY_P and PSC_POSZ_P are 1.0."""
VELOCITY_GAIN = 3.0
"""1/s, of the velocity error fed into acceleration."""
CATCH_UP_MPS = 3.0
"""The most a position error may add to the demanded velocity."""
CLIMB_ACCEL_MPS2 = 4.0
YAW_RATE_RADPS = math.radians(60.0)
TILT_LAG_S = 0.15
TRIM_LAG_S = 2.0
"""How fast the controller learns the force of a steady wind."""

ZERO: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a flight mode asks of the aircraft for one step.

    ``ground`` and ``up_m`` are positions to hold (None: velocity alone counts); ``velocity`` and ``accel`` are feed
    forward. ``yaw_rad`` None keeps the present heading.
    """

    velocity: Vector = ZERO
    ground: tuple[float, float] | None = None
    up_m: float | None = None
    accel: Vector = ZERO
    yaw_rad: float | None = None


class Body:
    """Position, velocity and attitude of the aircraft, in metres north, east and up of the origin."""

    __slots__ = (
        "accel", "airframe", "airspeed_mps", "east_m", "load_factor", "north_m", "pitch_rad", "roll_rad",
        "trim_e", "trim_n", "up_m", "ve_mps", "vn_mps", "vu_mps", "yaw_rad", "yaw_rate_radps",
    )  # fmt: skip

    def __init__(self, airframe: Airframe, yaw_rad: float) -> None:
        self.airframe = airframe
        self.north_m = self.east_m = self.up_m = 0.0
        self.vn_mps = self.ve_mps = self.vu_mps = 0.0
        self.accel: Vector = ZERO
        self.roll_rad = self.pitch_rad = 0.0
        self.yaw_rad = yaw_rad
        self.yaw_rate_radps = 0.0
        self.trim_n = self.trim_e = 0.0
        self.airspeed_mps = 0.0
        self.load_factor = 0.0

    @property
    def position(self) -> Vector:
        """North, east, up in metres."""
        return self.north_m, self.east_m, self.up_m

    @property
    def velocity(self) -> Vector:
        """North, east, up in metres per second."""
        return self.vn_mps, self.ve_mps, self.vu_mps

    @property
    def ground_speed_mps(self) -> float:
        """Horizontal speed over ground."""
        return math.hypot(self.vn_mps, self.ve_mps)

    def rest(self) -> None:
        """Stand on the ground, level and still."""
        self.vn_mps = self.ve_mps = self.vu_mps = 0.0
        self.accel = ZERO
        self.roll_rad = self.pitch_rad = self.yaw_rate_radps = 0.0
        self.trim_n = self.trim_e = 0.0
        self.airspeed_mps = self.load_factor = 0.0

    def fall(self, dt: float) -> None:
        """Without thrust: free fall with the drag of the body, until the ground takes over."""
        self.load_factor = 0.0
        speed = math.sqrt(self.vn_mps**2 + self.ve_mps**2 + self.vu_mps**2)
        drag = self.airframe.drag_mps2(speed) / speed if speed > 0.1 else 0.0
        self.accel = (-drag * self.vn_mps, -drag * self.ve_mps, -GRAVITY - drag * self.vu_mps)
        self._integrate(dt)

    def follow(self, demand: Demand, wind: tuple[float, float], tilt_limit_rad: float, dt: float) -> None:
        """Fly one step towards the demand through air that moves with ``wind`` (north, east, m/s)."""
        want_n, want_e, want_u = self._wanted_velocity(demand)
        an = demand.accel[0] + VELOCITY_GAIN * (want_n - self.vn_mps)
        ae = demand.accel[1] + VELOCITY_GAIN * (want_e - self.ve_mps)
        au = demand.accel[2] + VELOCITY_GAIN * (want_u - self.vu_mps)
        au = max(-CLIMB_ACCEL_MPS2, min(CLIMB_ACCEL_MPS2, au))

        air_n, air_e = self.vn_mps - wind[0], self.ve_mps - wind[1]
        self.airspeed_mps = math.hypot(air_n, air_e)
        drag = self.airframe.drag_mps2(self.airspeed_mps) / self.airspeed_mps if self.airspeed_mps > 0.01 else 0.0
        drag_n, drag_e = drag * air_n, drag * air_e
        learn = dt / TRIM_LAG_S
        self.trim_n += (drag_n - self.trim_n) * learn
        self.trim_e += (drag_e - self.trim_e) * learn

        push_n, push_e = an + self.trim_n, ae + self.trim_e
        limit = GRAVITY * math.tan(tilt_limit_rad)
        push = math.hypot(push_n, push_e)
        if push > limit:
            push_n, push_e = push_n * limit / push, push_e * limit / push
        self.accel = (push_n - drag_n, push_e - drag_e, au)
        self.load_factor = math.sqrt(push_n**2 + push_e**2 + (GRAVITY + au) ** 2) / GRAVITY
        self._lean(push_n, push_e, dt)
        self._turn(demand.yaw_rad, dt)
        self._integrate(dt)

    def _wanted_velocity(self, demand: Demand) -> Vector:
        want_n, want_e, want_u = demand.velocity
        if demand.ground is not None:
            err_n, err_e = demand.ground[0] - self.north_m, demand.ground[1] - self.east_m
            err = math.hypot(err_n, err_e) * POSITION_GAIN
            scale = POSITION_GAIN * (CATCH_UP_MPS / err if err > CATCH_UP_MPS else 1.0)
            want_n, want_e = want_n + err_n * scale, want_e + err_e * scale
        if demand.up_m is not None:
            want_u += max(-1.0, min(1.0, POSITION_GAIN * (demand.up_m - self.up_m)))
        return want_n, want_e, want_u

    def _lean(self, push_n: float, push_e: float, dt: float) -> None:
        cos_yaw, sin_yaw = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        forward = push_n * cos_yaw + push_e * sin_yaw
        right = -push_n * sin_yaw + push_e * cos_yaw
        lag = dt / (dt + TILT_LAG_S)
        self.pitch_rad += (-math.atan2(forward, GRAVITY) - self.pitch_rad) * lag
        self.roll_rad += (math.atan2(right, GRAVITY) - self.roll_rad) * lag

    def _turn(self, yaw_rad: float | None, dt: float) -> None:
        if yaw_rad is None:
            self.yaw_rate_radps = 0.0
            return
        error = wrap_pi(yaw_rad - self.yaw_rad)
        rate = max(-YAW_RATE_RADPS, min(YAW_RATE_RADPS, error / (2.0 * dt)))
        self.yaw_rate_radps = rate
        self.yaw_rad = wrap_pi(self.yaw_rad + rate * dt)

    def _integrate(self, dt: float) -> None:
        an, ae, au = self.accel
        self.vn_mps += an * dt
        self.ve_mps += ae * dt
        self.vu_mps += au * dt
        self.north_m += self.vn_mps * dt
        self.east_m += self.ve_mps * dt
        self.up_m += self.vu_mps * dt
