"""What has nothing to do with zones: hashes, agreement of plan and items, the autopilot's limits, energy, time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from missions.model import MissionItem, Plan, ProofCheck, ReturnMode
from missions.prove.facts import Autopilot
from missions.prove.findings import told
from missions.prove.planes import Array
from missions.prove.rules import Rule
from missions.prove.subject import Subject
from missions.prove.wire import wire_hash

# AP_Mission keeps altitudes as centimetres in 24 bits with a sign.
_MOST_CM = 2**23 - 1
# Items are rounded to the centimetre, and a millimetre is added where float32 would cut one off.
_ALT_TOLERANCE_M = 0.0062
# How far from its pad a mission may land: the same place, but for rounding.
_AT_HOME_M = 1.0


def right_hashes(plan: Plan) -> Iterator[ProofCheck]:
    """The three hashes are those of the items; a plan without rally points may leave that hash empty."""
    for rule, kind, items, told_hash in (
        (Rule.MISSION_HASH, "mission", plan.items, plan.hash),
        (Rule.FENCE_HASH, "fence", plan.fence_items, plan.fence_hash),
        (Rule.RALLY_HASH, "rally", plan.rally_items, plan.rally_hash),
    ):
        right = wire_hash(items, kind) == told_hash or (kind == "rally" and not items and not told_hash)
        yield told(rule, [] if right else [f"The {kind} hash is not that of the {kind} items."], "The hash is right.")


def within_wire(plan: Plan, autopilot: Autopilot) -> ProofCheck:
    """Number of items, places on the globe, altitudes that the autopilot can store."""
    problems = []
    if len(plan.items) > autopilot.most_items:
        problems.append(f"The mission has {len(plan.items)} items; the autopilot holds {autopilot.most_items}.")
    for item in (*plan.items, *plan.fence_items, *plan.rally_items):
        problem = _out_of_range(item)
        if problem:
            problems.append(f"Item {item.seq} (command {item.command}) {problem}.")
    return told(Rule.WIRE_LIMITS, problems[:5], f"{len(plan.items)} items.")


def _out_of_range(item: MissionItem) -> str:
    if abs(item.x_e7) > 900_000_000 or abs(item.y_e7) > 1_800_000_000:
        return "is not on the globe"
    if not math.isfinite(item.z_m) or abs(item.z_m * 100.0) > _MOST_CM:
        return f"has an altitude that cannot be stored: {item.z_m:g} m"
    return ""


def agrees(subject: Subject) -> ProofCheck:
    """The plan's waypoints, home, speed and rally points are those of the items."""
    return told(Rule.AGREES, list(_disagreements(subject))[:5], "The items are the plan's waypoints.")


def _disagreements(subject: Subject) -> Iterator[str]:
    plan, flight = subject.plan, subject.flight
    home = (plan.home.lon_deg, plan.home.lat_deg)
    if not _same_place(flight.home, home) or abs(flight.home_amsl_m - plan.home_amsl_m) > _ALT_TOLERANCE_M:
        yield "Item 0 is not the plan's home."
    speed_mps = float(flight.speeds_mps[flight.first_leg])
    if abs(speed_mps - plan.speed_mps) > 1e-3:
        yield f"The items fly at {speed_mps:g} m/s, the plan says {plan.speed_mps:g} m/s."
    if len(plan.waypoints) != flight.waypoints:
        yield f"The items have {flight.waypoints} waypoints, the plan has {len(plan.waypoints)}."
        return
    for number, step in enumerate(plan.waypoints, start=1):
        lon, lat, alt = flight.points[number].tolist()
        same = _same_place(np.array((lon, lat)), (step.place.lon_deg, step.place.lat_deg))
        if not same or abs(alt - step.alt_rel_m) > _ALT_TOLERANCE_M:
            yield f"Waypoint {number} is not where its item is."
        if abs(float(flight.hold_s[number]) - step.hold_s) >= 1.0:
            yield f"Waypoint {number} waits {step.hold_s:g} s, its item {flight.hold_s[number]:g} s."
    yield from _rally_disagreements(subject)


def _rally_disagreements(subject: Subject) -> Iterator[str]:
    if len(subject.plan.rally) != len(subject.rally):
        yield f"There are {len(subject.rally)} rally items, the plan has {len(subject.plan.rally)} rally points."
        return
    for number, (step, at) in enumerate(zip(subject.plan.rally, subject.rally, strict=True)):
        same = _same_place(at[:2], (step.place.lon_deg, step.place.lat_deg))
        if not same or abs(at[2] - step.alt_rel_m) > 1.0:  # whole metres
            yield f"Rally point {number} is not where its item is."


def _same_place(lonlat: Array, other: tuple[float, float]) -> bool:
    """Equal to 1e-7 degree."""
    return bool((np.round(lonlat * 1e7) == np.round(np.array(other) * 1e7)).all())


def ends_well(subject: Subject) -> Iterator[ProofCheck]:
    """It lands at home, and SmartRTL can remember the way where that is the way back."""
    away_m = float(np.hypot(*subject.planes.true.to_xy(subject.flight.points[-1:, :2])[0]))
    problem = f"The mission lands {away_m:.1f} m from home."
    yield told(Rule.LANDS_AT_HOME, [problem] if away_m > _AT_HOME_M else [], "The mission ends at home.")
    if subject.plan.returns is ReturnMode.RETRACE:
        most, behind = subject.autopilot.retrace_waypoints, subject.flight.behind
        count = subject.flight.waypoints + (0 if behind is None else len(behind) - 2)
        many = [f"SmartRTL remembers {most} waypoints at most; the mission has {count}."]
        good = f"{count} waypoints of {most} that SmartRTL remembers."
        yield told(Rule.RETRACE_BUFFER, many if count > most else [], good)


def within_vehicle(subject: Subject) -> Iterator[ProofCheck]:
    """No faster than the airframe flies, and no further than its battery reaches, reserve included."""
    plan, vehicle = subject.plan, subject.vehicle
    fastest = float(subject.flight.speeds_mps[subject.flight.first_leg :].max())
    fast = f"{fastest:g} m/s is faster than {vehicle.name} flies: {vehicle.max_speed_mps:g} m/s."
    speeds = [fast] if fastest > vehicle.max_speed_mps else []
    if plan.airframe and plan.airframe != vehicle.name:
        speeds.append(f"The plan was made for {plan.airframe}, not for {vehicle.name}.")
    yield told(Rule.SPEED, speeds, f"{fastest:g} m/s at most.")
    needed = max(plan.battery_p95_pct, plan.battery_needed_pct)
    held = plan.begins_at.battery_pct if plan.begins_at else 100.0
    enough = 0.0 <= needed <= held <= 100.0  # NaN is not
    left = "" if held == 100.0 else f"; it holds {held:.0f} %"
    short = f"The flight needs {needed:.0f} % of the battery of {vehicle.name}, reserve included{left}."
    yield told(Rule.ENERGY, [] if enough else [short], f"{needed:.0f} % of the battery, reserve included.")


def within_window(subject: Subject) -> ProofCheck:
    """The window that zones are asked for holds the whole flight."""
    plan, window = subject.plan, subject.window
    longest = timedelta(seconds=max(plan.duration_p95_s, plan.duration_s))
    start = plan.departs_at or window.start
    covered = window.start <= start and start + longest <= window.end
    problem = (
        f"The flight takes until {start + longest:%Y-%m-%d %H:%M:%S}, the proof holds until {window.end:%H:%M:%S}."
    )
    return told(Rule.TIME, [] if covered else [problem], "The window holds the whole flight.")
