"""How far a flight is and what will be left of its battery: by its plan, held against the flight so far."""

from __future__ import annotations

import numpy as np

from core.geo import LatLon, ground_distance_m
from missions.model import Airframe, Plan
from telemetry.messages import SortieProgress, VehicleState

# How much a flight must have used, in percent of the battery, until its own consumption counts as much as the plan's.
_TRUST_AFTER_PCT = 10.0
# One flight's consumption tells little: it is not believed to be further off than this.
_FACTORS = (0.6, 2.0)


def progress(
    plan: Plan, airframe: Airframe, vehicle: VehicleState, reached: int, start_pct: float | None
) -> SortieProgress:
    """Where a flight of `plan` is, `reached` waypoints behind it; `start_pct`: its battery when the plan began.

    Times are what the plan has left from here at its own pace; the way home counts from the waypoint ahead. The
    battery at landing is what it shows now less what the plan has left, times how much more or less than planned it
    has used so far (believed the more, the more it has used). A plan without times gives no estimates.
    """
    total = len(plan.waypoints)
    if len(plan.offsets_s) != total or not total or vehicle.lat_deg is None or vehicle.lon_deg is None:
        return SortieProgress(reached, total)
    elapsed_s, next_s = _elapsed(plan, LatLon(vehicle.lat_deg, vehicle.lon_deg), min(reached, total))
    left_s = max(0.0, plan.duration_s - elapsed_s)
    said = SortieProgress(reached, total, None if reached >= total else round(next_s, 1), round(left_s, 1))
    if vehicle.battery_pct is None or plan.duration_s <= 0.0:
        return said
    p50, p95 = _left_pct(plan, airframe, vehicle.battery_pct, start_pct, left_s / plan.duration_s)
    return SortieProgress(
        said.waypoints_reached,
        said.waypoints_total,
        said.eta_next_s,
        said.eta_landing_s,
        round(p50, 1),
        round(p95, 1),
        round(100.0 * airframe.reserve, 1),
    )


def _elapsed(plan: Plan, here: LatLon, reached: int) -> tuple[float, float]:
    """Seconds of the plan that lie behind, and until the waypoint ahead, by where on its leg the vehicle is."""
    start = LatLon(plan.home.lat_deg, plan.home.lon_deg) if plan.begins_at is None else plan.begins_at.place
    places = [start, *(step.place for step in plan.waypoints), plan.home]
    times = [0.0, *plan.offsets_s, plan.duration_s]
    before, after = places[reached], places[reached + 1]
    behind_m, ahead_m = ground_distance_m(before, here), ground_distance_m(here, after)
    share = behind_m / (behind_m + ahead_m) if behind_m + ahead_m > 1.0 else 0.0
    leg_s = times[reached + 1] - times[reached]
    return times[reached] + share * leg_s, (1.0 - share) * leg_s


def _left_pct(
    plan: Plan, airframe: Airframe, now_pct: float, start_pct: float | None, share_left: float
) -> tuple[float, float]:
    """The battery at landing, in the median and for 95 of 100 flights."""
    p50_pct = 100.0 * plan.energy_wh / airframe.battery_wh
    spread_pct = max(0.0, plan.battery_p95_pct - plan.battery_needed_pct)
    planned_pct = p50_pct * (1.0 - share_left)
    used_pct = planned_pct if start_pct is None else max(0.0, start_pct - now_pct)
    factor = float(np.clip((used_pct + _TRUST_AFTER_PCT) / (planned_pct + _TRUST_AFTER_PCT), *_FACTORS))
    left = now_pct - factor * p50_pct * share_left
    return left, left - spread_pct * share_left


def slower_pct(plan: Plan, airframe: Airframe, said: SortieProgress, speed_mps: float) -> float | None:
    """The battery at landing, for 95 of 100 flights, when the rest is flown at `speed_mps` instead; None: not known.

    The longer time is counted at hover power, which is what slow flight costs at most.
    """
    if said.lands_with_p95_pct is None or said.eta_landing_s is None:
        return None
    longer_s = said.eta_landing_s * max(0.0, plan.speed_mps / speed_mps - 1.0)
    return said.lands_with_p95_pct - 100.0 * airframe.hover_w * longer_s / 3600.0 / airframe.battery_wh
