"""Time and energy of a path: hover, cruise and climb of one airframe in still air."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import numpy as np

from geofence.frame import Array
from missions.model import Airframe

# ArduCopter's defaults: WPNAV_ACCEL 2.5 m/s²; the last 10 m of a landing at LAND_SPEED 0.5 m/s (LAND_ALT_LOW 10 m).
ACCEL_MPS2 = 2.5
LAND_SLOW_BELOW_M = 10.0
LAND_SLOW_MPS = 0.5
# Share of the cruise power that goes into drag: assumed, to be calibrated from logs.
DRAG_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Cost:
    """What a flight takes. `battery_needed_pct` contains the reserve and may pass 100."""

    length_m: float
    duration_s: float
    energy_wh: float
    battery_needed_pct: float


def _airframes() -> Mapping[str, Airframe]:
    text = resources.files("missions").joinpath("data/airframes.json").read_text(encoding="utf-8")
    entries = [{key: value for key, value in entry.items() if key != "note"} for entry in json.loads(text)]
    return MappingProxyType({entry["name"]: Airframe(**entry) for entry in entries})


# Every airframe by its name; the file's notes say where the figures come from.
AIRFRAMES = _airframes()


def cost_of(xy: Array, alt_rel_m: float, speed_mps: float, airframe: Airframe) -> Cost:
    """The flight along `xy`, (N, 2) metres, N ≥ 2, from pad to pad at one height.

    Every waypoint is counted with a full stop, which is more than a vehicle takes that cuts its corners. The straight
    return from any point is never longer than the rest of the path, so a plan that fits can also be broken off.
    """
    legs_m = np.hypot(*np.diff(xy, axis=0).T)
    speed_mps = min(speed_mps, airframe.max_speed_mps)
    cruise_s = float(sum(leg_s(leg_m, speed_mps) for leg_m in legs_m.tolist()))
    up_s, down_s = alt_rel_m / airframe.climb_mps, descent_s(alt_rel_m, airframe)
    joule = (
        cruise_s * power_w(speed_mps, airframe)
        + (up_s + down_s) * airframe.hover_w
        + alt_rel_m * airframe.climb_j_per_m
    )
    energy_wh = joule / 3600.0
    return Cost(
        length_m=float(legs_m.sum()),
        duration_s=cruise_s + up_s + down_s,
        energy_wh=energy_wh,
        battery_needed_pct=100.0 * (energy_wh / airframe.battery_wh + airframe.reserve),
    )


def power_w(speed_mps: float, airframe: Airframe) -> float:
    """Between hover and cruise in proportion; past cruise the share of drag grows with the cube of the speed."""
    share = speed_mps / airframe.cruise_mps
    if share > 1.0:
        return airframe.cruise_w * (1.0 + DRAG_SHARE * (share**3 - 1.0))
    return airframe.hover_w + (airframe.cruise_w - airframe.hover_w) * share


def leg_s(length_m: float, speed_mps: float) -> float:
    """From stop to stop with constant acceleration; a short leg never reaches the speed."""
    if length_m >= speed_mps**2 / ACCEL_MPS2:
        return length_m / speed_mps + speed_mps / ACCEL_MPS2
    return 2.0 * float(np.sqrt(length_m / ACCEL_MPS2))


def descent_s(alt_rel_m: float, airframe: Airframe) -> float:
    """From `alt_rel_m` to the pad."""
    slow_m = min(alt_rel_m, LAND_SLOW_BELOW_M)
    return (alt_rel_m - slow_m) / airframe.descent_mps + slow_m / LAND_SLOW_MPS
