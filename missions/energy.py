"""Time and energy of a flight: what it takes in the median and at worst, and whether it can be broken off anywhere.

The model: level power of an airframe at the air speed that each leg needs (`missions.power`), climbing on top of it,
descending and waiting at hover power, for as long as the autopilot takes (`missions.timeline`). The median (p50) is
that in the forecast wind. The 95th percentile (p95) is the same flight in a wind that is stronger all along by 1.645
standard deviations of its gusts, times 1 + 1.645 spreads of the airframe's calibration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from types import MappingProxyType

import numpy as np

from geofence.frame import Array
from missions.model import Airframe, ReturnMode
from missions.power import power_w
from missions.timeline import (
    ARDUCOPTER,
    Motion,
    Timeline,
    change_s,
    descent_s,
    directions,
    flown_path,
    ground_speeds,
    timeline,
)
from missions.wind import CALM, Wind

__all__ = [
    "ACCEL_MPS2",
    "AIRFRAMES",
    "Energy",
    "Estimate",
    "descent_s",
    "energy",
    "estimate",
    "leg_s",
]

ACCEL_MPS2 = ARDUCOPTER.accel_mps2
# 95 of 100 values of a normal distribution lie below so many standard deviations above its mean.
P95_SIGMAS = 1.645
# Standard deviation of real durations about the model's, as a share. Nine flights of SITL were within 1.1 %; a real
# vehicle has a less perfect take-off and landing: assumed.
TIME_SPREAD = 0.02
# ArduCopter climbs to RTL_ALT before it returns when it is lower (default 1500 cm).
RETURN_ALT_M = 15.0


@dataclass(frozen=True, slots=True)
class Energy:
    """What a flight takes out of the battery.

    `p50_wh`, `p95_wh`: from arming to disarming. The percentages look at the dearest way that it can end: by
    finishing, or by breaking off at a vertex of the path, at worst at `worst_break_off`, and returning from there.
    `needed_pct` and `needed_p95_pct` contain the reserve and may pass 100; `lands_with_…` is what is then left, and
    may be negative.
    """

    p50_wh: float
    p95_wh: float
    needed_pct: float
    needed_p95_pct: float
    worst_break_off: int
    lands_with_pct_p50: float
    lands_with_pct_p95: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A flight's times, in the median and at p95, and its energy. `timeline` is the median's.

    `reached_s` (M,): when each of the waypoints is reached that are still to be flown.
    """

    timeline: Timeline
    duration_p95_s: float
    energy: Energy
    reached_s: Array


def _airframes() -> Mapping[str, Airframe]:
    text = resources.files("missions").joinpath("data/airframes.json").read_text(encoding="utf-8")
    entries = [{key: value for key, value in entry.items() if key != "note"} for entry in json.loads(text)]
    return MappingProxyType({entry["name"]: Airframe(**entry) for entry in entries})


# Every airframe by its name; the file's notes say where the figures come from.
AIRFRAMES = _airframes()


def estimate(
    points: Array,
    speed_mps: float,
    airframe: Airframe,
    wind: Wind = CALM,
    *,
    holds_s: Array | None = None,
    returns: ReturnMode = ReturnMode.DIRECT,
    return_alt_m: float = RETURN_ALT_M,
    begins_at: int | None = None,
    motion: Motion = ARDUCOPTER,
) -> Estimate:
    """Times and energy of a mission from pad to pad.

    `points`: (N, 3) waypoints in metres from the pad, N ≥ 1, the third above it; waypoint n, from 1, is vertex n + 1
    of the timeline. `holds_s`: (N,), how long it stays at each. `begins_at`: the index of the point, 0…, at which
    the vehicle is already; time and energy count from there. Raises TooMuchWind, for p95's wind too.
    """
    path, hold_s = flown_path(points, motion, return_alt_m=return_alt_m)
    if returns is ReturnMode.RETRACE:
        # It lands (NAV_LAND) at once when it is back above home: none of the waits of RTL. Six such flights of SITL
        # were 6 to 11 s shorter than with them.
        hold_s[[len(points) + 1, -2]] = 0.0
    if holds_s is not None:
        hold_s[2 : 2 + len(points)] += holds_s
    back = len(points) + 1
    strong = replace(wind, speed_mps=wind.speed_mps + P95_SIGMAS * wind.gust_mps)
    first = 0 if begins_at is None else begins_at + 2
    flown = {}  # without gusts both are one
    for blowing in (wind, strong):
        if blowing not in flown:
            each = timeline(path, speed_mps, airframe, blowing, hold_s=hold_s, return_from=back, motion=motion)
            flown[blowing] = replace(each, at_s=each.at_s - each.at_s[first])
    median, worst = flown[wind], flown[strong]
    gusty = (worst, strong) if strong != wind else None
    found = energy(
        median, airframe, wind, strong=gusty, returns=returns, return_alt_m=return_alt_m, motion=motion,
        first=first,
    )  # fmt: skip
    # The timeline begins on the pad and above it.
    reached_s = median.at_s[max(first, 2) : 2 + len(points)]
    return Estimate(median, worst.duration_s * (1.0 + P95_SIGMAS * TIME_SPREAD), found, reached_s)


def energy(
    flight: Timeline,
    airframe: Airframe,
    wind: Wind = CALM,
    *,
    strong: tuple[Timeline, Wind] | None = None,
    returns: ReturnMode = ReturnMode.DIRECT,
    return_alt_m: float = RETURN_ALT_M,
    motion: Motion = ARDUCOPTER,
    first: int = 0,
) -> Energy:
    """What a flight takes in `wind` whose path is as `flown_path` has it: from (0, 0) to (0, 0) by way of above it.

    `strong`: the same flight in p95's wind; None: as `wind`. It can be broken off at every vertex from the end of the
    climb to the last waypoint; after that it returns in any case. `first`: the vertex from which on it counts.

    Raises TooMuchWind when the vehicle could not return from a vertex against the wind.
    """
    found = []
    for each, blowing in ((flight, wind), *((strong,) if strong else ())):
        spent_j = spent_by_vertex(each, airframe, blowing, first)
        back_j = _way_back_j(each, airframe, blowing, returns=returns, return_alt_m=return_alt_m, motion=motion)
        broken_off_j = (spent_j[1:-2] + back_j)[max(0, first - 1) :]
        worst = int(broken_off_j.argmax()) + max(1, first)
        found.append((float(spent_j[-1]), float(broken_off_j.max()), worst))
    (p50_j, p50_worst_j, worst_at), (strong_j, strong_worst_j, _) = found[0], found[-1]
    # Who hovers saves in a stronger wind (`Airframe.lift_share`): p95 is the dearer of the two.
    p95_j, p95_worst_j = max(p50_j, strong_j), max(p50_worst_j, strong_worst_j)
    widening = 1.0 + P95_SIGMAS * airframe.spread
    full_j = 3600.0 * airframe.battery_wh
    used_pct = 100.0 * max(p50_j, p50_worst_j) / full_j
    used_p95_pct = 100.0 * widening * max(p95_j, p95_worst_j) / full_j
    reserve_pct = 100.0 * airframe.reserve
    return Energy(
        p50_wh=p50_j / 3600.0,
        p95_wh=widening * p95_j / 3600.0,
        needed_pct=used_pct + reserve_pct,
        needed_p95_pct=used_p95_pct + reserve_pct,
        worst_break_off=worst_at,
        lands_with_pct_p50=100.0 - used_pct,
        lands_with_pct_p95=100.0 - used_p95_pct,
    )


def spent_by_vertex(flight: Timeline, airframe: Airframe, wind: Wind, first: int = 0) -> Array:
    """Joule used when each vertex is left, (N,), since it arrived at vertex `first`."""
    leg_j = _legs_j(flight, airframe, wind)
    waiting_w = float(power_w(wind.speed_mps, airframe))
    used_j = np.concatenate(([0.0], leg_j)) + flight.hold_s * waiting_w
    used_j[:first], used_j[first] = 0.0, flight.hold_s[first] * waiting_w
    return np.asarray(np.cumsum(used_j))


def _legs_j(flight: Timeline, airframe: Airframe, wind: Wind) -> Array:
    """Joule of each leg, (N − 1,)."""
    legs = np.diff(flight.path, axis=0)
    length_m = np.sqrt((legs**2).sum(axis=1))
    unit = directions(legs)
    # From stop to stop the mean speed is the top speed less half the share of time spent changing it.
    product = flight.leg_s * flight.top_mps
    steady = np.clip(
        2.0 * np.divide(length_m, product, out=np.ones_like(product), where=product > 0.0) - 1.0, 0.0, 1.0
    )
    flying_w, changing_w = (
        power_w(_air_speeds(unit[:, :2] * (share * flight.top_mps)[:, None], wind), airframe) for share in (1.0, 0.5)
    )
    climbed_m = np.maximum(0.0, legs[:, 2])
    level_w = steady * flying_w + (1.0 - steady) * changing_w
    return np.asarray(flight.leg_s * level_w + climbed_m * airframe.climb_j_per_m)


def _air_speeds(velocities: Array, wind: Wind) -> Array:
    """The speed through the air of velocities over ground, (N, 2) east and north, as (N,)."""
    return np.asarray(np.hypot(*(velocities - wind.vector).T))


def _way_back_j(
    flight: Timeline, airframe: Airframe, wind: Wind, *, returns: ReturnMode, return_alt_m: float, motion: Motion
) -> Array:
    """Joule home to the pad from each vertex where a flight can be broken off, (N − 3,)."""
    waiting_w = float(power_w(wind.speed_mps, airframe))
    places = flight.path[1:-2]
    if returns is ReturnMode.RETRACE:
        back = timeline(flight.path[::-1], motion.wp_speed_mps, airframe, wind, motion=motion)
        legs_j = _legs_j(back, airframe, wind)[::-1]
        over_j = np.concatenate(([0.0], np.cumsum(legs_j[1:-2])))
        rise_m, height_m = np.zeros(len(places)), np.full(len(places), flight.path[1, 2])
    else:
        rise_m = np.maximum(0.0, return_alt_m - places[:, 2])
        height_m = places[:, 2] + rise_m
        over_j = _straight_home_j(places[:, :2], airframe, wind, motion)
    down_s = np.array([descent_s(height, airframe, motion) for height in height_m.tolist()])
    pauses_s = 2.0 * motion.pause_s + motion.loiter_s + motion.settle_s
    waiting_s = rise_m / airframe.climb_mps + down_s + pauses_s
    return np.asarray(over_j + waiting_s * waiting_w + rise_m * airframe.climb_j_per_m)


def _straight_home_j(places: Array, airframe: Airframe, wind: Wind, motion: Motion) -> Array:
    """Joule of the straight level way from each place, (N, 2), to above the pad."""
    away_m = np.hypot(*places.T)
    along = -places / np.where(away_m > 0.0, away_m, 1.0)[:, None]
    speeds = np.minimum(
        motion.wp_speed_mps, ground_speeds(along, wind, airframe.max_speed_mps, where="the return from vertex")
    )
    changing_s = float(change_s(np.array(motion.wp_speed_mps), motion.accel_mps2, motion.jerk_mps3))
    seconds = np.where(away_m > 0.0, away_m / np.maximum(speeds, 0.1) + changing_s, 0.0)
    return np.asarray(seconds * power_w(_air_speeds(along * speeds[:, None], wind), airframe))


def leg_s(length_m: float, speed_mps: float) -> float:
    """From stop to stop with constant acceleration; a short leg never reaches the speed."""
    if length_m >= speed_mps**2 / ACCEL_MPS2:
        return length_m / speed_mps + speed_mps / ACCEL_MPS2
    return 2.0 * float(np.sqrt(length_m / ACCEL_MPS2))
