"""Plans that begin in the air: go somewhere and look, circle, skip, change height or speed, fly something else.

A vehicle that holds gets a plan of its own, from where it is: proven like any other, with its own on-board fence, its
real home and the battery that it has left. Who executes it replaces fence and mission while the vehicle holds, and
starts it only within `BEGINS_WITHIN_M` of where it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from core.errors import FieldError, InvalidRequest
from core.geo import LatLon, ground_distance_m
from geofence.frame import Array, LocalFrame
from geofence.zones import Airspace
from missions.model import (
    Action,
    ActionKind,
    Airframe,
    Beginning,
    Dock,
    MissionRequest,
    Pattern,
    Plan,
    Waypoint,
)
from missions.patterns.draft import Piece
from missions.patterns.orbit import orbit as circles
from missions.planner import plan as planned
from missions.planner import plan_of
from missions.remainder import flown_before, left_of, next_stop, raised, stops_of
from missions.request import ALT_BOUNDS_M, SPEED_BOUNDS_MPS
from missions.task import Conditions, Task, task_of
from missions.ways_out import fewer_turns, later, nearby, other_heights, shorter_hold, smaller, with_proposals

# The plan is for where the vehicle holds. What a margin allows for cross-track and corner error, 4 m, covers so much
# that it is off that place when the plan is started; the vertical margin covers as much in height.
BEGINS_WITHIN_M = 3.0
# How long it stays where it was sent when nothing is said: then it returns by itself.
HOLD_S = 120.0
LONGEST_HOLD_S = 3_600.0
TURNS_BOUNDS = (0.25, 20.0)
RADIUS_BOUNDS_M = (5.0, 500.0)


@dataclass(frozen=True, slots=True)
class Aloft:
    """A vehicle that holds in the air at `place`, `alt_rel_m` above its home, while it flies `plan`.

    `dock`: where it took off. `reached`: so many waypoints of `plan` lie behind. `track`: the corners of the path
    that it really flew since take-off, without home and without `place`; None: along `plan`.
    """

    place: LatLon
    alt_rel_m: float
    battery_pct: float
    plan: Plan
    reached: int
    dock: Dock
    airframe: Airframe
    track: tuple[Waypoint, ...] | None = None

    @property
    def beginning(self) -> Beginning:
        """Where a plan for it begins: to the digits of the wire."""
        flown = flown_before(self.plan, self.reached) if self.track is None else self.track
        place = LatLon(round(self.place.lat_deg, 7), round(self.place.lon_deg, 7))
        return Beginning(place, round(self.alt_rel_m, 2), self.battery_pct, flown, self.plan.return_alt_rel_m)


def begins_here(plan: Plan, place: LatLon, alt_rel_m: float) -> bool:
    """Whether a vehicle at `place` may start `plan`, which begins in the air."""
    at = plan.begins_at
    return (
        at is not None
        and ground_distance_m(at.place, place) <= BEGINS_WITHIN_M
        and abs(at.alt_rel_m - alt_rel_m) <= BEGINS_WITHIN_M
    )


def goto(
    aloft: Aloft,
    target: LatLon,
    airspace: Airspace,
    conditions: Conditions,
    *,
    alt_rel_m: float | None = None,
    look_at: LatLon | None = None,
    look_alt_rel_m: float = 0.0,
    hold_s: float = HOLD_S,
    speed_mps: float | None = None,
) -> Plan:
    """To `target` by the cheapest clear way, and look from there at `look_at` for `hold_s`; then home by itself.

    `alt_rel_m` None: at the height that it has. The battery is counted for all of the hold, during which it can be
    sent elsewhere. Raises InvalidRequest.
    """
    alt_m = _alt_m(aloft, alt_rel_m)
    _check(hold_s, (0.0, LONGEST_HOLD_S), "/hold_s", "s")
    aims = (Action(ActionKind.LOOK_AT, place=look_at, alt_rel_m=look_alt_rel_m),) if look_at else ()

    def task(change: dict[str, Any]) -> Task:
        lon, lat = change.get("target", (target.lon_deg, target.lat_deg))
        xyz = _xyz(aloft.dock, [LatLon(lat, lon)], change.get("alt_rel_m", alt_m))
        piece = Piece(xyz, actions=((0, aims),), holds=((0, change.get("hold_s", hold_s)),))
        return task_from(aloft, "go to", [piece], airspace, conditions, speed_mps=speed_mps)

    asked = task({})
    made = plan_of(asked)
    if not made.conflicts or conditions.quick:
        return made
    tries = (shorter_hold(asked, made, hold_s), nearby(asked, target, alt_m), other_heights(asked, made, alt_m))
    return with_proposals(made, chain.from_iterable(tries), lambda change: plan_of(task(change)))


def orbit(
    aloft: Aloft,
    center: LatLon,
    airspace: Airspace,
    conditions: Conditions,
    *,
    radius_m: float,
    alt_rel_m: float | None = None,
    turns: float = 1.0,
    clockwise: bool = True,
    look_alt_rel_m: float = 0.0,
    speed_mps: float | None = None,
) -> Plan:
    """To the nearest place of a circle around `center` and round it, looking at the centre; then home by itself.

    A circle that meets a zone is a conflict: it is flown whole or not at all. Raises InvalidRequest.
    """
    alt_m = _alt_m(aloft, alt_rel_m)
    _check(radius_m, RADIUS_BOUNDS_M, "/radius_m", "m")
    _check(turns, TURNS_BOUNDS, "/turns", "turns")
    frame = LocalFrame(aloft.dock.place)

    def task(change: dict[str, Any]) -> Task:
        pieces = circles(
            frame.to_xy((center,))[0],
            center,
            change.get("alt_rel_m", alt_m),
            radius_m=change.get("radius_m", radius_m),
            turn_deg=360.0 * change.get("turns", turns),
            clockwise=clockwise,
            look_alt_rel_m=look_alt_rel_m,
            home=frame.to_xy((aloft.place,))[0],
        )
        return task_from(aloft, "orbit", pieces, airspace, conditions, speed_mps=speed_mps)

    asked = task({})
    made = plan_of(asked)
    if not made.conflicts or conditions.quick:
        return made
    tries = (fewer_turns(asked, made, turns), smaller(radius_m), other_heights(asked, made, alt_m))
    return with_proposals(made, chain.from_iterable(tries), lambda change: plan_of(task(change)))


def skip_to(aloft: Aloft, waypoint: int, airspace: Airspace, conditions: Conditions) -> Plan:
    """The rest of what it flies from waypoint `waypoint` on, 0…, and the cheapest clear way there.

    Raises InvalidRequest for a waypoint that the plan does not have, or that only leads home.
    """
    steps = stops_of(aloft.plan)
    if not 0 <= waypoint < len(steps):
        detail = f"is {waypoint}; the waypoints to skip to are 0 to {len(steps) - 1}"
        raise InvalidRequest((FieldError("/waypoint", detail),))
    frame = LocalFrame(aloft.dock.place)

    def planned_from(first: int) -> Plan:
        piece = left_of(steps, first, frame)
        return plan_of(task_from(aloft, f"skip to waypoint {first}", [piece], airspace, conditions))

    made = planned_from(waypoint)
    if not made.conflicts or conditions.quick:
        return made
    return with_proposals(made, later(waypoint, len(steps)), lambda change: planned_from(change["waypoint"]))


def changed(
    aloft: Aloft,
    airspace: Airspace,
    conditions: Conditions,
    *,
    alt_rel_m: float | None = None,
    speed_mps: float | None = None,
    mission_seq: int | None = None,
) -> Plan:
    """What is left of what it flies, from where it is on its leg, at another height or speed.

    `alt_rel_m`: of the next waypoint; all others are as much higher or lower as they were before. `mission_seq`: the
    item that was current, so that a stay that was broken off is begun again. Raises InvalidRequest.
    """
    steps = stops_of(aloft.plan)
    first = next_stop(aloft.plan, aloft.reached, mission_seq)
    if first >= len(steps):
        raise InvalidRequest((FieldError("", "nothing is left of the mission to be changed: it is on its way home"),))
    asked_m = steps[first].alt_rel_m if alt_rel_m is None else _alt_m(aloft, alt_rel_m)
    lower = replace(aloft.beginning, return_alt_rel_m=0.0)

    def task(change: dict[str, Any]) -> Task:
        up_m = change.get("alt_rel_m", asked_m) - steps[first].alt_rel_m
        piece = left_of(steps, first, LocalFrame(aloft.dock.place), up_m=up_m, here=aloft.beginning.place)
        begins_at = lower if up_m < 0.0 else aloft.beginning
        return task_from(aloft, "change", [piece], airspace, conditions, speed_mps=speed_mps, begins_at=begins_at)

    asked = task({})
    made = plan_of(asked)
    if not made.conflicts or conditions.quick:
        return made
    return with_proposals(made, other_heights(asked, made, asked_m), lambda change: plan_of(task(change)))


def replaced(aloft: Aloft, request: MissionRequest, airspace: Airspace, conditions: Conditions) -> Plan:
    """Any other mission, flown from here at once. Its home stays the one that it has. Raises InvalidRequest."""
    asked = replace(request, dock_id=aloft.dock.id, departs_at=None)
    return planned(asked, aloft.dock, airspace, aloft.airframe, conditions, begins_at=aloft.beginning)


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a flight of `plan` was broken off: at `place`, with so many waypoints behind; None: before the first leg.

    `mission_seq`: the item that was current then.
    """

    plan: Plan
    reached: int
    place: LatLon | None = None
    mission_seq: int | None = None


def rest_of(
    broken: Broken,
    dock: Dock,
    airspace: Airspace,
    airframe: Airframe,
    conditions: Conditions,
    *,
    speed_mps: float | None = None,
) -> Plan:
    """The rest of a flight that was broken off, with a take-off from `dock`, which may be another one.

    It goes on where it was left on its leg, with its cameras as they were; a stay that was broken off is begun again.
    Heights stay what they are above the sea. Raises InvalidRequest when nothing is left.
    """
    plan, steps = broken.plan, stops_of(broken.plan)
    first = next_stop(plan, broken.reached, broken.mission_seq)
    if first >= len(steps):
        raise InvalidRequest((FieldError("", "nothing is left of the mission: it was on its way home"),))
    up_m = plan.home_amsl_m - dock.alt_amsl_m
    piece = left_of(steps, first, LocalFrame(dock.place), up_m=up_m, here=broken.place)
    lifted = tuple((at, tuple(raised(action, up_m) for action in acts)) for at, acts in piece.actions)
    request = _request(dock, "rest", [replace(piece, actions=lifted)], speed_mps or plan.speed_mps, ())
    task = task_of(request, dock, airspace, airframe, conditions, pieces=(replace(piece, actions=lifted),))
    return plan_of(task)


def task_from(
    aloft: Aloft,
    name: str,
    pieces: Sequence[Piece],
    airspace: Airspace,
    conditions: Conditions,
    *,
    speed_mps: float | None = None,
    begins_at: Beginning | None = None,
) -> Task:
    """Flying `pieces` from where the vehicle is, with home and rally points as they are. Raises InvalidRequest."""
    if speed_mps is not None:
        _check(speed_mps, SPEED_BOUNDS_MPS, "/speed_mps", "m/s")
    rally = tuple(step.place for step in aloft.plan.rally)
    request = _request(aloft.dock, name, pieces, speed_mps or aloft.plan.speed_mps, rally)
    begins, flown = begins_at or aloft.beginning, tuple(pieces)
    return task_of(request, aloft.dock, airspace, aloft.airframe, conditions, begins_at=begins, pieces=flown)


def _request(
    dock: Dock, name: str, pieces: Sequence[Piece], speed_mps: float, rally: tuple[LatLon, ...]
) -> MissionRequest:
    """What a person would have asked for: the path as a line."""
    xyz = np.concatenate([piece.xyz for piece in pieces])
    line = LocalFrame(dock.place).to_places(xyz[:, :2])
    return MissionRequest(name, dock.id, Pattern.ROUTE, float(xyz[0, 2]), speed_mps, line=line, rally=rally)


def _xyz(dock: Dock, places: Sequence[LatLon], alt_rel_m: float) -> Array:
    return np.column_stack((LocalFrame(dock.place).to_xy(places), np.full(len(places), alt_rel_m)))


def _alt_m(aloft: Aloft, alt_rel_m: float | None) -> float:
    """The height asked for, or that it has. Raises InvalidRequest."""
    if alt_rel_m is None:
        return round(aloft.alt_rel_m, 2)
    _check(alt_rel_m, ALT_BOUNDS_M, "/alt_rel_m", "m")
    return alt_rel_m


def _check(value: float, bounds: tuple[float, float], pointer: str, unit: str) -> None:
    """Raises InvalidRequest for a value out of its bounds, NaN among them."""
    low, high = bounds
    if not low <= value <= high:
        raise InvalidRequest((FieldError(pointer, f"is {value:g}; it must be {low:g} to {high:g} {unit}"),))
