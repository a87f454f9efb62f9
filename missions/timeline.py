"""When a vehicle is where: the time of every vertex of a path, as ArduCopter flies it, in still air or in wind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geofence.frame import Array
from missions.model import Airframe
from missions.wind import CALM, Wind


@dataclass(frozen=True, slots=True)
class Motion:
    """How the autopilot moves; the defaults are ArduCopter's. `wp_speed_mps` caps missions and is the return's.

    Source: parameters WPNAV_SPEED, WPNAV_ACCEL, WPNAV_JERK, WPNAV_ACCEL_Z, WPNAV_RADIUS, LAND_ALT_LOW, LAND_SPEED,
    RTL_LOIT_TIME, RTL_SPEED of 4.7-dev. On SITL a mission asked to fly 11 or 14 m/s flew 10, and one that was asked
    to fly 5 returned with 10. The last three were measured there too: spool-up between arming and lift-off, the
    pause before the return begins and before the descent begins, and the time that a landing is looked at.
    """

    wp_speed_mps: float = 10.0
    accel_mps2: float = 2.5
    jerk_mps3: float = 1.0
    climb_accel_mps2: float = 1.0
    corner_accel_mps2: float = 1.7
    radius_m: float = 2.0
    land_slow_below_m: float = 10.0
    land_slow_mps: float = 0.5
    loiter_s: float = 5.0
    spool_s: float = 4.0
    pause_s: float = 2.0
    settle_s: float = 3.0


ARDUCOPTER = Motion()


class TooMuchWind(ValueError):
    """The airframe cannot hold its line on `where`, or makes no way on it; `leg` is the number of that way."""

    def __init__(
        self, leg: int, cross_mps: float, head_mps: float, air_speed_mps: float, *, where: str = "leg"
    ) -> None:
        super().__init__(
            f"{where} {leg}: {cross_mps:.1f} m/s of cross wind and {head_mps:.1f} m/s of head wind are too much for "
            f"{air_speed_mps:.1f} m/s through the air"
        )
        self.leg = leg
        self.cross_mps = cross_mps
        self.head_mps = head_mps
        self.air_speed_mps = air_speed_mps


# A leg is vertical when the upward share of its direction is above this (2.6° from the vertical).
UPRIGHT = 0.999
# A shorter leg is a rounding error.
SHORTEST_M = 1e-3
# Slower over ground than this a leg is not flown but hung on.
LEAST_GROUND_MPS = 1.0


def ground_speeds(along: Array, wind: Wind, air_speed_mps: float, *, where: str = "leg") -> Array:
    """The speed over ground that an air speed gives on legs in directions `along`, (N, 2) unit vectors, as (N,).

    √(v_air² − w_cross²) − w_head. Raises TooMuchWind when the cross wind reaches v_air or no way is made; it calls
    the legs `where`.
    """
    head = -along @ wind.vector
    cross = np.abs(along[:, 0] * wind.vector[1] - along[:, 1] * wind.vector[0])
    speeds = np.sqrt(np.maximum(0.0, air_speed_mps**2 - cross**2)) - head
    flown = np.hypot(along[:, 0], along[:, 1]) > 0.5
    bad = np.flatnonzero(flown & ((cross >= air_speed_mps) | (speeds < LEAST_GROUND_MPS)))
    if len(bad):
        leg = int(bad[0])
        raise TooMuchWind(leg, float(cross[leg]), float(head[leg]), air_speed_mps, where=where)
    return np.asarray(speeds)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A flight of N vertices in time, seconds from arming.

    `at_s` (N,): arrival at each vertex; `hold_s` (N,): how long it is stayed at; `leg_s` (N − 1,): duration of each
    leg; `top_mps` (N − 1,): greatest speed on it along the path; `passing_mps` (N,): speed at each vertex.
    """

    path: Array
    at_s: Array
    hold_s: Array
    leg_s: Array
    top_mps: Array
    passing_mps: Array

    @property
    def duration_s(self) -> float:
        """From arming to disarming."""
        return float(self.at_s[-1] + self.hold_s[-1])

    def position(self, time_s: float) -> Array:
        """Where the vehicle is expected, (3,); before the start and after the end at the path's ends.

        Along a leg as if at constant speed: at most about 20 m ahead of or behind the accelerating vehicle.
        """
        leave_s = self.at_s + self.hold_s
        marks_s = np.column_stack((self.at_s, leave_s)).ravel()
        places = np.repeat(self.path, 2, axis=0)
        return np.array([np.interp(time_s, marks_s, places[:, axis]) for axis in range(3)])


def flown_path(points: Array, motion: Motion = ARDUCOPTER, *, return_alt_m: float = 0.0) -> tuple[Array, Array]:
    """A mission from pad to pad as it is flown, and how long it stays at each vertex.

    `points`: (N, 3) waypoints in metres from the pad, N ≥ 1, the third above it; waypoint n, from 1, is vertex n + 1.
    The path goes up to the height of the first, through all, then up to `return_alt_m` where the last is lower, back
    above the pad and down.
    """
    last = len(points) + 1
    height_m = max(return_alt_m, points[-1, 2])
    raised = [[*points[-1, :2], height_m]] if height_m > points[-1, 2] else []
    above = [[0.0, 0.0, points[0, 2]], *points, *raised, [0.0, 0.0, height_m]]
    path = np.array([[0.0, 0.0, 0.0], *above, [0.0, 0.0, 0.0]])
    hold_s = np.zeros(len(path))
    hold_s[[0, last, -2, -1]] = (motion.spool_s, motion.pause_s, motion.loiter_s + motion.pause_s, motion.settle_s)
    return path, hold_s


def timeline(
    path: Array,
    speed_mps: float,
    airframe: Airframe,
    wind: Wind = CALM,
    *,
    hold_s: Array | None = None,
    return_from: int | None = None,
    motion: Motion = ARDUCOPTER,
) -> Timeline:
    """When a path, (N, 3) metres east, north and up, N ≥ 2, is where, flown with `speed_mps` over ground.

    A vertex with a hold, or between a vertical leg and another, is a stop; elsewhere corners are cut as fast as
    WPNAV_RADIUS lets them. From leg `return_from` on the autopilot's own speed counts (the return; None: no leg).
    The last vertical leg down is a landing. Where wind takes more than `airframe.max_speed_mps` through the air, the
    vehicle falls back. Raises TooMuchWind.
    """
    hold_s = np.zeros(len(path)) if hold_s is None else hold_s
    legs = np.diff(path, axis=0)
    length_m = np.sqrt((legs**2).sum(axis=1))
    unit = directions(legs)
    top_mps, accel_mps2 = _limits(unit, speed_mps, airframe, wind, return_from=return_from, motion=motion)
    top_mps = _reached(length_m, top_mps, accel_mps2, motion.jerk_mps3)
    passing_mps, overlap_s = _corners(unit, top_mps, hold_s, motion)
    changing_s = change_s(top_mps, accel_mps2, motion.jerk_mps3)
    changing_m = top_mps * changing_s
    steady_s = np.divide(length_m - changing_m, top_mps, out=np.zeros_like(top_mps), where=top_mps > 0.0)
    leg_s = 2.0 * changing_s + np.maximum(0.0, steady_s) - overlap_s[:-1] - overlap_s[1:]
    if unit[-1, 2] < -UPRIGHT:
        leg_s[-1] = descent_s(-float(legs[-1, 2]), airframe, motion)
    at_s = np.concatenate(([0.0], np.cumsum(hold_s[:-1] + leg_s)))
    return Timeline(path, at_s, hold_s, leg_s, top_mps, passing_mps)


def descent_s(height_m: float, airframe: Airframe, motion: Motion = ARDUCOPTER) -> float:
    """From so high down to the pad: at the airframe's rate, the last metres slowly."""
    slow_m = min(height_m, motion.land_slow_below_m)
    fast_m = height_m - slow_m
    begin_s = airframe.descent_mps / (2.0 * motion.climb_accel_mps2) if fast_m > 0.0 else 0.0
    return fast_m / airframe.descent_mps + begin_s + slow_m / motion.land_slow_mps


def directions(legs: Array) -> Array:
    """Unit vectors of legs, (N, 3); nothing for one too short to have a direction."""
    length_m = np.sqrt((legs**2).sum(axis=1))
    return np.asarray(
        np.where((length_m > SHORTEST_M)[:, None], legs, 0.0) / np.maximum(length_m, SHORTEST_M)[:, None]
    )


def _limits(
    unit: Array, speed_mps: float, airframe: Airframe, wind: Wind, *, return_from: int | None, motion: Motion
) -> tuple[Array, Array]:
    """Greatest speed and acceleration along each leg: each axis keeps its own limit."""
    ground_share, up_share = np.hypot(unit[:, 0], unit[:, 1]), unit[:, 2]
    asked_mps = np.full(len(unit), min(speed_mps, motion.wp_speed_mps))
    if return_from is not None:
        asked_mps[return_from:] = motion.wp_speed_mps
    along = unit[:, :2] / np.where(ground_share > 0.0, ground_share, 1.0)[:, None]
    asked_mps = np.minimum(asked_mps, ground_speeds(along, wind, airframe.max_speed_mps))
    vertical_mps = np.where(up_share > 0.0, airframe.climb_mps, airframe.descent_mps)
    with np.errstate(divide="ignore"):
        top_mps = np.minimum(asked_mps / ground_share, vertical_mps / np.abs(up_share))
        accel_mps2 = np.minimum(motion.accel_mps2 / ground_share, motion.climb_accel_mps2 / np.abs(up_share))
    # A leg of no length has no direction and so no limit of its own.
    return np.where(np.isfinite(top_mps), top_mps, speed_mps), np.where(
        np.isfinite(accel_mps2), accel_mps2, motion.accel_mps2
    )


def change_s(speed_mps: Array, accel_mps2: Array | float, jerk_mps3: float) -> Array:
    """How long it takes from rest to a speed: acceleration ramps up, stays, ramps down."""
    ramps_s = 2.0 * np.sqrt(speed_mps / jerk_mps3)
    return np.where(speed_mps >= accel_mps2**2 / jerk_mps3, speed_mps / accel_mps2 + accel_mps2 / jerk_mps3, ramps_s)


def _reached(length_m: Array, top_mps: Array, accel_mps2: Array, jerk_mps3: float) -> Array:
    """The greatest speed of legs flown from rest to rest: a short one never comes to `top_mps`.

    That at which reaching it and leaving it again, v times `change_s` of v, takes the whole leg.
    """
    ramp_mps = accel_mps2**2 / jerk_mps3
    ramping = np.cbrt(0.25 * jerk_mps3 * length_m**2)
    steadily = 0.5 * (np.sqrt(ramp_mps**2 + 4.0 * accel_mps2 * length_m) - ramp_mps)
    return np.minimum(top_mps, np.where(ramping < ramp_mps, ramping, steadily))


def _corners(unit: Array, reached_mps: Array, hold_s: Array, motion: Motion) -> tuple[Array, Array]:
    """At each vertex the speed, and for how long before and after it the next leg already is begun; 0 at stops.

    ArduCopter flies every leg from rest to rest and lets the next begin before the last ends, so that the corner is
    cut by less than WPNAV_RADIUS. Half-way both legs move at the same speed u, which adds up to 2 u cos(turn / 2).
    The greatest speed on an arc within that radius, with the corner acceleration, fits what SITL flew: 4.2, 3.9, 2.9
    and 1.8 m/s measured at 65°, 70°, 90° and 120°; 4.3, 3.9, 2.9 and 1.8 here.
    """
    turn = np.arccos(np.clip((unit[:-1] * unit[1:]).sum(axis=1), -1.0, 1.0))
    # On the way back from where it came the sum is nearly nothing at any speed; there little is known of u.
    straightness = np.maximum(np.cos(turn / 2.0), 0.4)
    with np.errstate(divide="ignore"):
        radius_m = motion.radius_m / (1.0 / np.cos(turn / 2.0) - 1.0)
    corner_mps = np.sqrt(motion.corner_accel_mps2 * radius_m)
    slower_mps = np.minimum(reached_mps[:-1], reached_mps[1:])
    each_mps = np.minimum(corner_mps / straightness, slower_mps) / 2.0
    vertical = np.abs(unit[:, 2]) > UPRIGHT
    stop = (hold_s[1:-1] > 0.0) | (vertical[:-1] != vertical[1:])
    each_mps = np.where(stop, 0.0, each_mps)
    ends = (0.0,)
    passing_mps = np.concatenate((ends, 2.0 * each_mps * np.cos(turn / 2.0), ends))
    return passing_mps, np.concatenate((ends, _begin_s(each_mps, slower_mps, motion), ends))


def _begin_s(speed_mps: Array, top_mps: Array, motion: Motion) -> Array:
    """How long it takes from rest to a speed that is at most half of `top_mps`, on the way there."""
    ramp_end_mps = np.minimum(motion.accel_mps2**2 / motion.jerk_mps3, top_mps) / 2.0
    ramp_s = np.sqrt(2.0 * np.minimum(speed_mps, ramp_end_mps) / motion.jerk_mps3)
    return ramp_s + np.maximum(0.0, speed_mps - ramp_end_mps) / motion.accel_mps2
