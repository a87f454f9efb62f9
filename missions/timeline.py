"""When a vehicle is where: the time of every vertex of a path, as ArduCopter flies it, in still air or in wind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geofence.frame import Array
from missions.model import Airframe


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


@dataclass(frozen=True, slots=True)
class Wind:
    """Steady wind from a direction, with gusts of a standard deviation about it."""

    speed_mps: float = 0.0
    from_deg: float = 0.0
    gust_mps: float = 0.0

    @property
    def vector(self) -> Array:
        """Where the air moves to, metres per second east and north."""
        to_rad = math.radians(self.from_deg + 180.0)
        return self.speed_mps * np.array([math.sin(to_rad), math.cos(to_rad)])


CALM = Wind()


class TooMuchWind(ValueError):
    """The airframe cannot hold its line on a leg, or makes no way on it."""

    def __init__(self, leg: int, cross_mps: float, head_mps: float, air_speed_mps: float) -> None:
        super().__init__(
            f"leg {leg}: {cross_mps:.1f} m/s of cross wind and {head_mps:.1f} m/s of head wind are too much for "
            f"{air_speed_mps:.1f} m/s through the air"
        )
        self.leg = leg
        self.cross_mps = cross_mps
        self.head_mps = head_mps
        self.air_speed_mps = air_speed_mps


# Slower over ground than this a leg is not flown but hung on.
LEAST_GROUND_MPS = 1.0


def ground_speeds(along: Array, wind: Wind, air_speed_mps: float) -> Array:
    """The speed over ground that an air speed gives on legs in directions `along`, (N, 2) unit vectors, as (N,).

    √(v_air² − w_cross²) − w_head. Raises TooMuchWind when the cross wind reaches v_air or no way is made.
    """
    head = -along @ wind.vector
    cross = np.abs(along[:, 0] * wind.vector[1] - along[:, 1] * wind.vector[0])
    speeds = np.sqrt(np.maximum(0.0, air_speed_mps**2 - cross**2)) - head
    flown = np.hypot(along[:, 0], along[:, 1]) > 0.5
    bad = np.flatnonzero(flown & ((cross >= air_speed_mps) | (speeds < LEAST_GROUND_MPS)))
    if len(bad):
        leg = int(bad[0])
        raise TooMuchWind(leg, float(cross[leg]), float(head[leg]), air_speed_mps)
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


def flown_path(points: Array, motion: Motion = ARDUCOPTER) -> tuple[Array, Array]:
    """A mission from pad to pad as it is flown, and how long it stays at each vertex.

    `points`: (N, 3) waypoints in metres from the pad, N ≥ 1, the third above it. The path goes up to the height of
    the first, through all, back above the pad at the height of the last, and down.
    """
    up, down = (np.array([0.0, 0.0, points[end, 2]]) for end in (0, -1))
    path = np.vstack((np.zeros(3), up, points, down, np.zeros(3)))
    hold_s = np.zeros(len(path))
    hold_s[[0, -3, -2, -1]] = (motion.spool_s, motion.pause_s, motion.loiter_s + motion.pause_s, motion.settle_s)
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
    unit = legs / np.where(length_m > 0.0, length_m, 1.0)[:, None]
    top_mps, accel_mps2 = _limits(unit, speed_mps, airframe, wind, return_from=return_from, motion=motion)
    passing_mps = _passing(unit, length_m, top_mps, hold_s, motion)
    _slow_to_reach(passing_mps, length_m, accel_mps2, motion.jerk_mps3)
    leg_s, reached_mps = np.empty(len(legs)), np.empty(len(legs))
    facts = zip(length_m.tolist(), passing_mps, passing_mps[1:], top_mps.tolist(), accel_mps2.tolist(), strict=False)
    for leg, (length, start, end, top, accel) in enumerate(facts):
        leg_s[leg], reached_mps[leg] = _along(length, start, end, top, accel_mps2=accel, jerk_mps3=motion.jerk_mps3)
    if _is_vertical(unit[-1]) and legs[-1, 2] < 0.0:
        leg_s[-1] = descent_s(-float(legs[-1, 2]), airframe, motion)
    at_s = np.concatenate(([0.0], np.cumsum(hold_s[:-1] + leg_s)))
    return Timeline(path, at_s, hold_s, leg_s, reached_mps, np.array(passing_mps))


def descent_s(height_m: float, airframe: Airframe, motion: Motion = ARDUCOPTER) -> float:
    """From so high down to the pad: at the airframe's rate, the last metres slowly."""
    slow_m = min(height_m, motion.land_slow_below_m)
    fast_m = height_m - slow_m
    begin_s = airframe.descent_mps / (2.0 * motion.climb_accel_mps2) if fast_m > 0.0 else 0.0
    return fast_m / airframe.descent_mps + begin_s + slow_m / motion.land_slow_mps


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


def _passing(unit: Array, length_m: Array, top_mps: Array, hold_s: Array, motion: Motion) -> list[float]:
    """The speed at each vertex that its corner allows; 0 at both ends and at stops.

    A corner is an arc that keeps within WPNAV_RADIUS of it, flown with the corner acceleration: measured on SITL,
    1.8 m/s at 120°.
    """
    turn = np.arccos(np.clip((unit[:-1] * unit[1:]).sum(axis=1), -1.0, 1.0))
    with np.errstate(divide="ignore"):
        radius_m = motion.radius_m / (1.0 / np.cos(turn / 2.0) - 1.0)
    room_m = np.minimum(length_m[:-1], length_m[1:]) / 2.0 / np.maximum(np.tan(turn / 2.0), 1e-9)
    corner_mps = np.sqrt(motion.corner_accel_mps2 * np.maximum(0.0, np.minimum(radius_m, room_m)))
    corner_mps = np.minimum(corner_mps, np.minimum(top_mps[:-1], top_mps[1:]))
    vertical = np.array([_is_vertical(one) for one in unit])
    stop = (hold_s[1:-1] > 0.0) | (vertical[:-1] != vertical[1:])
    return [0.0, *np.where(stop, 0.0, corner_mps).tolist(), 0.0]


def _is_vertical(unit: Array) -> bool:
    return bool(abs(unit[2]) > 0.999)


def _slow_to_reach(passing_mps: list[float], length_m: Array, accel_mps2: Array, jerk_mps3: float) -> None:
    """Lowers speeds at vertices that the legs between are too short to change to."""
    lengths, accels = length_m.tolist(), accel_mps2.tolist()
    for leg in range(len(lengths)):
        passing_mps[leg + 1] = _reachable(
            passing_mps[leg], passing_mps[leg + 1], lengths[leg], accels[leg], jerk_mps3
        )
    for leg in reversed(range(len(lengths))):
        passing_mps[leg] = _reachable(passing_mps[leg + 1], passing_mps[leg], lengths[leg], accels[leg], jerk_mps3)


def _change_s(change_mps: float, accel_mps2: float, jerk_mps3: float) -> float:
    """How long a change of speed takes with limited jerk: a ramp up and down of the acceleration."""
    if change_mps >= accel_mps2**2 / jerk_mps3:
        return change_mps / accel_mps2 + accel_mps2 / jerk_mps3
    return 2.0 * math.sqrt(change_mps / jerk_mps3)


def _change_m(low_mps: float, high_mps: float, accel_mps2: float, jerk_mps3: float) -> float:
    return 0.5 * (low_mps + high_mps) * _change_s(high_mps - low_mps, accel_mps2, jerk_mps3)


def _reachable(low_mps: float, high_mps: float, length_m: float, accel_mps2: float, jerk_mps3: float) -> float:
    """The greatest speed up to `high_mps` that `length_m` is long enough to reach from `low_mps`."""
    if high_mps <= low_mps or _change_m(low_mps, high_mps, accel_mps2, jerk_mps3) <= length_m:
        return high_mps
    reached, missed = low_mps, high_mps
    for _ in range(20):  # to a millionth of the difference
        middle = 0.5 * (reached + missed)
        if _change_m(low_mps, middle, accel_mps2, jerk_mps3) <= length_m:
            reached = middle
        else:
            missed = middle
    return reached


def _along(
    length_m: float, start_mps: float, end_mps: float, top_mps: float, *, accel_mps2: float, jerk_mps3: float
) -> tuple[float, float]:
    """How long a leg takes, and the greatest speed that it reaches."""

    def used_m(speed_mps: float) -> float:
        up_m = _change_m(start_mps, speed_mps, accel_mps2, jerk_mps3)
        return up_m + _change_m(end_mps, speed_mps, accel_mps2, jerk_mps3)

    low, high = max(start_mps, end_mps), max(top_mps, start_mps, end_mps)
    if used_m(high) > length_m:
        for _ in range(20):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if used_m(middle) <= length_m else (low, middle)
        high = low
    if high <= 0.0:
        return 0.0, 0.0
    changing_s = sum(_change_s(high - end, accel_mps2, jerk_mps3) for end in (start_mps, end_mps))
    return changing_s + max(0.0, length_m - used_m(high)) / high, high
