"""Mission items that are not the plan, or no flight."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

from numpy.random import Generator

from geofence.window import TimeWindow
from missions.model import MissionItem, ReturnMode
from tests.missions.prove.builder import (
    START,
    Case,
    a_plan,
    airspace,
    hashed,
    numbered,
    place,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    a_path,
    edited,
    path_of,
    valid_case,
    waypoint_seq,
    with_plan,
)


def nudged_by_a_centimetre(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seq = waypoint_seq(base, rng)
    item = base.plan.items[seq]
    choice = int(rng.integers(3))
    change = ({"x_e7": item.x_e7 + 1}, {"y_e7": item.y_e7 - 1}, {"z_m": item.z_m + 0.01})[choice]
    return Mutant("mission-hash", base, with_plan(base, edited(base, seq, **change)))


def nudged_with_a_fresh_hash(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seq = waypoint_seq(base, rng)
    item = base.plan.items[seq]
    change = ({"x_e7": item.x_e7 + 1}, {"y_e7": item.y_e7 - 1}, {"z_m": item.z_m + 0.01})[int(rng.integers(3))]
    return Mutant("waypoints-agree", base, with_plan(base, hashed(edited(base, seq, **change))))


def item_dropped(rng: Generator) -> Mutant:
    base = valid_case(rng)
    gone = waypoint_seq(base, rng)
    left = tuple(item for item in base.plan.items if item.seq != gone)
    if rng.random() < 0.5:
        return Mutant("items", base, with_plan(base, replace(base.plan, items=left)))
    return Mutant("waypoints-agree", base, with_plan(base, hashed(replace(base.plan, items=numbered(left)))))


def item_doubled(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seq = waypoint_seq(base, rng)
    more = (*base.plan.items[: seq + 1], *base.plan.items[seq:])
    if rng.random() < 0.5:
        return Mutant("mission-hash", base, with_plan(base, replace(base.plan, items=numbered(more))))
    return Mutant("waypoints-agree", base, with_plan(base, hashed(replace(base.plan, items=numbered(more)))))


def items_swapped(rng: Generator) -> Mutant:
    base = valid_case(rng)
    items = list(base.plan.items)
    first = 3 + int(rng.integers(len(base.plan.waypoints) - 1))
    items[first], items[first + 1] = items[first + 1], items[first]
    plan = replace(base.plan, items=numbered(items))
    return Mutant("waypoints-agree", base, with_plan(base, hashed(plan)))


def strange_command(rng: Generator) -> Mutant:
    """DO_JUMP, loitering, splines, guided, home moved: what the proof cannot follow it refuses."""
    base = valid_case(rng)
    command = int(rng.choice((177, 17, 18, 19, 31, 82, 92, 94, 179, 84, 85, 223, 4000)))
    seq = waypoint_seq(base, rng)
    odd = MissionItem(0, 3, command, (1.0, 1.0, 0.0, 0.0), 311_500_000, 1_211_200_000, 50.0)
    items = numbered((*base.plan.items[:seq], odd, *base.plan.items[seq:]))
    return Mutant("items", base, with_plan(base, hashed(replace(base.plan, items=items))))


def no_take_off_or_end(rng: Generator) -> Mutant:
    base = valid_case(rng)
    gone = 1 if rng.random() < 0.5 else len(base.plan.items) - 1
    items = numbered(tuple(item for item in base.plan.items if item.seq != gone))
    return Mutant("items", base, with_plan(base, hashed(replace(base.plan, items=items))))


def frame_changed(rng: Generator) -> Mutant:
    base = valid_case(rng)
    frame = int(rng.choice((0, 5, 10, 11)))
    return Mutant("items", base, with_plan(base, hashed(edited(base, waypoint_seq(base, rng), frame=frame))))


def no_number(rng: Generator) -> Mutant:
    base = valid_case(rng)
    value = float(rng.choice((math.nan, math.inf, -5.0, 0.0)))
    rule = "items" if math.isfinite(value) else "autopilot-limits"
    return Mutant(rule, base, with_plan(base, hashed(edited(base, waypoint_seq(base, rng), z_m=value))))


def latitude_and_longitude_swapped(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seq = waypoint_seq(base, rng)
    item = base.plan.items[seq]
    plan = hashed(edited(base, seq, x_e7=item.y_e7, y_e7=item.x_e7))
    return Mutant("autopilot-limits", base, with_plan(base, plan))


def zero_zero(rng: Generator) -> Mutant:
    base = valid_case(rng)
    return Mutant("items", base, with_plan(base, hashed(edited(base, waypoint_seq(base, rng), x_e7=0, y_e7=0))))


def waypoint_far_away(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seq = waypoint_seq(base, rng)
    north = int(rng.integers(2_800_000, 500_000_000))
    return Mutant("reach", base, with_plan(base, hashed(edited(base, seq, x_e7=base.plan.items[seq].x_e7 + north))))


def altitude_past_24_bits(rng: Generator) -> Mutant:
    base = valid_case(rng)
    alt = 83_886.1 + float(rng.uniform(0.0, 1e6))
    return Mutant("autopilot-limits", base, with_plan(base, hashed(edited(base, waypoint_seq(base, rng), z_m=alt))))


def too_many_items(rng: Generator) -> Mutant:
    base = valid_case(rng)
    speed = base.plan.items[2]
    more = 651 - len(base.plan.items) + int(rng.integers(50))
    items = numbered((*base.plan.items[:3], *(speed for _ in range(more)), *base.plan.items[3:]))
    return Mutant("autopilot-limits", base, with_plan(base, hashed(replace(base.plan, items=items))))


def home_moved(rng: Generator) -> Mutant:
    """Item 0 is not part of the hash, yet all heights and returns count from it."""
    base = valid_case(rng)
    off = int(rng.integers(1, 100_000)) * int(rng.choice((-1, 1)))
    items = [replace(item, x_e7=item.x_e7 + off) if item.seq < 2 else item for item in base.plan.items]
    return Mutant("waypoints-agree", base, with_plan(base, hashed(replace(base.plan, items=tuple(items)))))


def faster_than_it_flies(rng: Generator) -> Mutant:
    base = valid_case(rng)
    speed = 15.0 + float(rng.uniform(0.1, 20.0))
    path = path_of(base)
    return Mutant("speed", base, with_plan(base, a_plan(path, speed_mps=speed)))


def speed_item_edited(rng: Generator) -> Mutant:
    base = valid_case(rng)
    change = (1.0, base.plan.speed_mps + float(rng.uniform(0.1, 4.0)), -1.0, 0.0)
    return Mutant("waypoints-agree", base, with_plan(base, hashed(edited(base, 2, params=change))))


def lands_elsewhere(rng: Generator) -> Mutant:
    path = a_path(rng)
    base = Case(a_plan(path, returns=ReturnMode.RETRACE), airspace())
    off = 1.0 + float(rng.uniform(0.1, 400.0))
    spot = place(0.0, off)
    last = len(base.plan.items) - 1
    changed = edited(base, last, x_e7=round(spot.lat_deg * 1e7), y_e7=round(spot.lon_deg * 1e7))
    return Mutant("lands-at-home", base, with_plan(base, hashed(changed)))


def not_enough_battery(rng: Generator) -> Mutant:
    base = valid_case(rng)
    needed = 100.0 + float(rng.uniform(0.01, 100.0))
    name = str(rng.choice(("battery_p95_pct", "battery_needed_pct")))
    return Mutant("energy", base, with_plan(base, replace(base.plan, **{name: needed})))  # type: ignore[arg-type]


def window_too_short(rng: Generator) -> Mutant:
    base = valid_case(rng)
    seconds = float(rng.uniform(1.0, 799.0))
    return Mutant("time", base, replace(base, window=TimeWindow(START, START + timedelta(seconds=seconds))))


def other_airframe(rng: Generator) -> Mutant:
    base = valid_case(rng)
    name = f"hexa-{int(rng.integers(100))}"
    return Mutant("speed", base, replace(base, vehicle=replace(base.vehicle, name=name)))


FAMILIES: tuple[Family, ...] = (
    nudged_by_a_centimetre,
    nudged_with_a_fresh_hash,
    item_dropped,
    item_doubled,
    items_swapped,
    strange_command,
    no_take_off_or_end,
    frame_changed,
    no_number,
    latitude_and_longitude_swapped,
    zero_zero,
    waypoint_far_away,
    altitude_past_24_bits,
    too_many_items,
    home_moved,
    faster_than_it_flies,
    speed_item_edited,
    lands_elsewhere,
    not_enough_battery,
    window_too_short,
    other_airframe,
)
