"""What rounds take: seconds from metres, batteries as seconds, and the check that limits are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.ids import VehicleId
from geofence.frame import Array
from missions.energy import P95_SIGMAS, descent_s
from missions.fleets.distances import Distances
from missions.fleets.model import XY, Craft, Point, Round
from missions.model import Airframe
from missions.power import power_w
from missions.timeline import ARDUCOPTER, change_s


def craft_of(
    vehicle_id: VehicleId,
    home: XY,
    airframe: Airframe,
    *,
    speed_mps: float,
    alt_rel_m: float,
    longest_s: float | None = None,
    charge: float = 1.0,
    rounds: int = 1,
    swap_s: float = 300.0,
) -> Craft:
    """The craft that an airframe is at one height above its dock, in still air.

    The battery, `charge` of it (0 to 1) less the reserve, becomes seconds at cruise power, so that 95 of 100 flights
    keep the reserve. `longest_s`: the longest that it may be away, take-off and landing included. The limit is 0 or
    less when climbing alone takes more.
    """
    speed_mps = min(speed_mps, airframe.max_speed_mps, ARDUCOPTER.wp_speed_mps)
    cruise_w = float(power_w(speed_mps, airframe))
    waits_s = ARDUCOPTER.spool_s + 2 * ARDUCOPTER.pause_s + ARDUCOPTER.loiter_s + ARDUCOPTER.settle_s
    begin_s = float(change_s(np.array(airframe.climb_mps), ARDUCOPTER.climb_accel_mps2, ARDUCOPTER.jerk_mps3))
    fixed_s = alt_rel_m / airframe.climb_mps + begin_s + descent_s(alt_rel_m, airframe) + waits_s
    fixed_j = fixed_s * airframe.hover_w + alt_rel_m * airframe.climb_j_per_m
    usable_j = 3600.0 * airframe.battery_wh * (charge - airframe.reserve) / (1.0 + P95_SIGMAS * airframe.spread)
    limit_s = (usable_j - fixed_j) / cruise_w
    if longest_s is not None:
        limit_s = min(limit_s, longest_s - fixed_s)
    # At least 1, so that the limit holds for seconds on the clock as well as for the battery.
    wait_factor = max(1.0, airframe.hover_w / cruise_w)
    return Craft(
        vehicle_id, home, speed_mps, limit_s, wait_factor=wait_factor, fixed_s=fixed_s, swap_s=swap_s, rounds=rounds
    )


def moving_s(metres: Array, craft: Craft) -> Array:
    """Seconds from stop to stop; a short leg takes less than that."""
    return np.where(metres > 0.0, metres / craft.speed_mps + _changing_s(craft), 0.0)


def counted_s(metres: Array, craft: Craft) -> Array:
    """What a leg counts against the limit: speeding up and slowing down drain the battery at most as waiting does."""
    changing_s = (2.0 * craft.wait_factor - 1.0) * _changing_s(craft)
    return np.where(metres > 0.0, metres / craft.speed_mps + changing_s, 0.0)


def _changing_s(craft: Craft) -> float:
    return float(change_s(np.array(craft.speed_mps), ARDUCOPTER.accel_mps2, ARDUCOPTER.jerk_mps3))


def round_of(
    craft: int, crafts: Sequence[Craft], points: Sequence[Point], stops: tuple[int, ...], distances: Distances
) -> Round:
    """The round of one craft through points by number, N ≥ 1."""
    own = crafts[craft]
    nodes = np.array(distances.nodes(craft, stops))
    metres = distances.metres[nodes[:-1], nodes[1:]]
    dwell_s = sum(points[stop].dwell_s for stop in stops)
    return Round(
        craft=craft,
        points=stops,
        length_m=float(metres.sum()),
        counted_s=float(counted_s(metres, own).sum()) + own.wait_factor * dwell_s,
        flight_s=own.fixed_s + float(moving_s(metres, own).sum()) + dwell_s,
        begins_s=0.0,
    )


def keeps_limits(one: Round, craft: Craft) -> bool:
    return one.counted_s <= craft.limit_s and one.length_m <= craft.limit_m
