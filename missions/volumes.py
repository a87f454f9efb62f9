"""The room and time that a flight takes: tubes along its legs, each with altitudes and the time it may be there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.geo import LatLon, ground_distance_m
from geofence.frame import LocalFrame
from geofence.scene import margin_budget_m
from missions.energy import AIRFRAMES, descent_s, leg_s
from missions.fleet import default_airframe
from missions.model import Airframe, Plan, ReturnMode, Waypoint
from missions.timeline import ARDUCOPTER, change_s

# A leg is cut so that no piece takes longer: shorter pieces free the air sooner, and are more.
LONGEST_PIECE_S = 30.0
# Assumed where a plan does not tell its p95: nobody has measured it then.
UNTOLD_RATIO = 1.25
# Share by which 95 of 100 flights differ from the median at least, whatever a plan tells.
LEAST_RATIO = 1.05
# Barometric drift over a flight, 5 m, and the altitude of home, 3 m: assumed, to be calibrated from logs.
HEIGHT_M = 8.0


class Part(StrEnum):
    """Of what in a flight a volume is the room."""

    TAKE_OFF = "take-off"
    LEG = "leg"
    HOMEWARD = "homeward"  # from the last waypoint to above home
    LANDING = "landing"
    RETURN = "return"  # only taken when the flight is broken off


@dataclass(frozen=True, slots=True)
class Volume:
    """Within `radius_m` of what `places` span (one: a column, two: a line, three: a triangle), between two altitudes.

    The altitudes hold the uncertainty `height_m` on both sides. `begins_s`, `ends_s`: when the median flight comes
    in and has left, seconds after take-off; `earliest_at`, `latest_at`: when any flight within its bounds does.
    `leg`: the ends of the leg as in `core.errors.Conflict`.
    """

    part: Part
    leg: tuple[int, int]
    places: tuple[LatLon, ...]
    radius_m: float
    height_m: float
    low_amsl_m: float
    high_amsl_m: float
    begins_s: float
    ends_s: float
    earliest_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class Rank:
    """Who gives way: planned to airborne, routine to emergency, accepted later to accepted earlier."""

    airborne: bool
    emergency: bool
    accepted_at: datetime

    def goes_before(self, other: Rank) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[bool, bool, datetime]:
        return (not self.airborne, not self.emergency, self.accepted_at)


@dataclass(frozen=True, slots=True)
class Intent:
    """What one flight means to take. `ratio`: p95 ÷ median of its duration, ≥ 1; `id` a sortie's or a mission's."""

    id: str
    name: str
    rank: Rank
    departs_at: datetime
    ratio: float
    volumes: tuple[Volume, ...]


class Window(NamedTuple):
    """How far the take-off may be off its time, in seconds: a launch later than that is checked anew."""

    early_s: float = 0.0
    late_s: float = 60.0


LAUNCH_WINDOW = Window()


class Progress(NamedTuple):
    """What of a flight is done, in seconds of the median flight: certainly `low_s`, at most `high_s`."""

    low_s: float
    high_s: float


def intent_of(
    plan: Plan,
    departs_at: datetime,
    *,
    id: str,  # noqa: A002  (the field's own name)
    rank: Rank,
    name: str = "",
    window: Window = LAUNCH_WINDOW,
    with_returns: bool = False,
) -> Intent:
    """The room that `plan` takes when it departs at `departs_at`; with the returns that it may take on the way, too.

    Raises ValueError for a plan that goes nowhere.
    """
    ratio = ratio_of(plan)
    volumes = tuple(_volumes(plan, departs_at, with_returns=with_returns))
    return Intent(
        id, name or id, rank, departs_at, ratio, _timed(volumes, departs_at, Progress(0.0, 0.0), ratio, window)
    )


def ratio_of(plan: Plan) -> float:
    """How many times its median a flight of `plan` takes at most, in 95 of 100; in as many it is as much faster."""
    if plan.duration_p95_s <= 0.0 or plan.duration_s <= 0.0:
        return UNTOLD_RATIO
    return max(LEAST_RATIO, plan.duration_p95_s / plan.duration_s)


def delayed(intent: Intent, delay_s: float) -> Intent:
    """The same flight `delay_s` later."""
    late = timedelta(seconds=delay_s)
    volumes = tuple(
        replace(each, earliest_at=each.earliest_at + late, latest_at=each.latest_at + late) for each in intent.volumes
    )
    return replace(intent, departs_at=intent.departs_at + late, volumes=volumes)


def held(intent: Intent, now: datetime, hold_s: float) -> Intent:
    """The same airborne flight if it hovers for `hold_s` where it is now: what it may be in stays taken, the rest
    comes later."""
    late = timedelta(seconds=hold_s)
    volumes = tuple(
        replace(
            each,
            earliest_at=each.earliest_at if each.earliest_at <= now else each.earliest_at + late,
            latest_at=each.latest_at + late,
        )
        for each in intent.volumes
    )
    return replace(intent, volumes=volumes)


def rescheduled(intent: Intent, now: datetime, done: Progress, *, may_wait_s: float = 0.0) -> Intent:
    """What an airborne flight still takes: room that it certainly left is free, the rest comes early or late with it.

    Uncertainty grows anew from `now`. `may_wait_s`: how much longer it may hover where it is (paused).
    """
    left = tuple(each for each in intent.volumes if each.ends_s > done.low_s)
    volumes = _timed(left, now, done, intent.ratio, Window(0.0, may_wait_s))
    # It is in the air: what it may be in now is taken from now on, however early that is.
    volumes = tuple(replace(each, earliest_at=max(each.earliest_at, now)) for each in volumes)
    departs_at = now - timedelta(seconds=(done.low_s + done.high_s) / 2)
    return replace(intent, volumes=volumes, departs_at=departs_at, rank=replace(intent.rank, airborne=True))


def homeward(plan: Plan, intent: Intent, place: LatLon, alt_rel_m: float, now: datetime) -> Intent:
    """What an airborne flight that was broken off takes: the way home from where it is, and the landing."""
    if plan.returns is ReturnMode.RETRACE:
        return _retracing(plan, intent, now)
    rest = replace(
        plan, waypoints=(Waypoint(place, alt_rel_m),), offsets_s=(0.0,), duration_s=0.0, duration_p95_s=0.0
    )
    volumes = tuple(
        each for each in _volumes(rest, now, with_returns=False) if each.part in (Part.HOMEWARD, Part.LANDING)
    )
    return replace(
        intent,
        volumes=_timed(volumes, now, Progress(0.0, 0.0), intent.ratio, Window()),
        rank=replace(intent.rank, airborne=True),
    )


def _retracing(plan: Plan, intent: Intent, now: datetime) -> Intent:
    """All of the path at any time from now on: how far it came, and when it turned back, is not known well."""
    until = now + timedelta(seconds=intent.ratio * _over_home_s(plan, offsets(plan, LocalFrame(plan.home))[-1]))
    until += timedelta(seconds=descent_s(_top_rel_m(plan), _airframe(plan)) * intent.ratio)
    before = tuple(_flown_before(_Room(plan, now)))
    until += timedelta(seconds=sum(leg_s(ground_distance_m(*each.places), plan.speed_mps) for each in before))
    taken = (*intent.volumes, *before)
    volumes = tuple(replace(each, earliest_at=now, latest_at=until) for each in taken)
    return replace(intent, volumes=volumes, rank=replace(intent.rank, airborne=True))


def done_after(plan: Plan, reached: int) -> Progress:
    """What is done of a flight that reached `reached` waypoints, 0 ≤ reached ≤ N, and not yet the next one."""
    reached_s = offsets(plan, LocalFrame(plan.home))
    offsets_s = (0.0, *reached_s, _over_home_s(plan, reached_s[-1]))
    return Progress(offsets_s[reached], offsets_s[reached + 1])


def offsets(plan: Plan, frame: LocalFrame) -> tuple[float, ...]:
    """When each waypoint is reached, seconds after take-off: as the plan says, else stop to stop at its speed.

    Raises ValueError for a plan that goes nowhere.
    """
    if not plan.waypoints:
        raise ValueError("a plan without waypoints takes no room")
    if len(plan.offsets_s) == len(plan.waypoints):
        return plan.offsets_s
    legs_m = np.hypot(*np.diff(frame.to_xy((plan.home, *(each.place for each in plan.waypoints))), axis=0).T)
    airframe = _airframe(plan)
    now_s, found = plan.waypoints[0].alt_rel_m / airframe.climb_mps, []
    for leg_m, waypoint in zip(legs_m.tolist(), plan.waypoints, strict=True):
        now_s += leg_s(leg_m, plan.speed_mps)
        found.append(now_s)
        now_s += waypoint.hold_s
    return tuple(found)


def _airframe(plan: Plan) -> Airframe:
    return AIRFRAMES.get(plan.airframe) or default_airframe()


def _top_rel_m(plan: Plan) -> float:
    """The height of the way home: RTL climbs to its own altitude and never descends to it."""
    return max(plan.return_alt_rel_m, plan.waypoints[-1].alt_rel_m)


def _over_home_s(plan: Plan, last_s: float) -> float:
    """When the landing begins, after the last waypoint was reached at `last_s`; the duration ends on the ground."""
    last_s += plan.waypoints[-1].hold_s
    if plan.duration_s > 0.0:
        waiting_s = ARDUCOPTER.loiter_s + ARDUCOPTER.pause_s + ARDUCOPTER.settle_s
        return max(last_s, plan.duration_s - descent_s(_top_rel_m(plan), _airframe(plan)) - waiting_s)
    return last_s + leg_s(ground_distance_m(plan.waypoints[-1].place, plan.home), plan.speed_mps)


def _timed(
    volumes: Sequence[Volume], at: datetime, done: Progress, ratio: float, window: Window
) -> tuple[Volume, ...]:
    """With the times of a flight that has done `done` at `at`; the rest takes its median divided or times `ratio`."""
    return tuple(
        replace(
            each,
            earliest_at=at + timedelta(seconds=max(0.0, each.begins_s - done.high_s) / ratio - window.early_s),
            latest_at=at + timedelta(seconds=max(0.0, each.ends_s - done.low_s) * ratio + window.late_s),
        )
        for each in volumes
    )


@dataclass(frozen=True, slots=True)
class _Room:
    """Makes the volumes of one plan, not yet timed."""

    plan: Plan
    at: datetime

    def volume(
        self,
        part: Part,
        leg: tuple[int, int],
        places: tuple[LatLon, ...],
        alts_rel_m: tuple[float, float],
        when_s: tuple[float, float],
    ) -> Volume:
        home_m = self.plan.home_amsl_m
        low_m, high_m = min(alts_rel_m), max(alts_rel_m)
        return Volume(
            part, leg, places, margin_budget_m(self.plan.speed_mps), HEIGHT_M, home_m + low_m - HEIGHT_M,
            home_m + high_m + HEIGHT_M, *when_s, self.at, self.at,
        )  # fmt: skip


def _volumes(plan: Plan, at: datetime, *, with_returns: bool) -> Iterator[Volume]:
    room, frame = _Room(plan, at), LocalFrame(plan.home)
    offsets_s = offsets(plan, frame)
    over_home_s = _over_home_s(plan, offsets_s[-1])
    steps, count = plan.waypoints, len(plan.waypoints)
    first_m, top_m = steps[0].alt_rel_m, _top_rel_m(plan)
    climb_s = min(ARDUCOPTER.spool_s + first_m / _airframe(plan).climb_mps, offsets_s[0])
    land_s = max(plan.duration_s, over_home_s + descent_s(top_m, _airframe(plan)))
    places = (plan.home, *(step.place for step in steps), plan.home)
    alts_m = (first_m, *(step.alt_rel_m for step in steps), top_m)
    reached_s = (0.0, *offsets_s, over_home_s)
    left_s = (climb_s, *(at_s + step.hold_s for at_s, step in zip(offsets_s, steps, strict=True)))
    if plan.begins_at is None:
        yield room.volume(Part.TAKE_OFF, (0, 0), (plan.home,), (0.0, first_m), (0.0, climb_s + _pad_s(plan)))
    pieces = [
        (leg, cut, when_s)
        for leg in range(_first_leg(plan), count + 1)
        for cut, when_s in _pieces(_Span(reached_s[leg], left_s[leg], reached_s[leg + 1], _pad_s(plan)))
    ]
    ends = _ends(frame, places, [(leg, cut) for leg, cut, _ in pieces])
    for (leg, _, when_s), piece in zip(pieces, ends, strict=True):
        part = Part.LEG if leg < count else Part.HOMEWARD
        yield room.volume(part, (leg, leg + 1), piece, (alts_m[leg], alts_m[leg + 1]), when_s)
    landing_s = max(0.0, over_home_s - _pad_s(plan))
    yield room.volume(Part.LANDING, (count + 1, count + 1), (plan.home,), (0.0, top_m), (landing_s, land_s))
    if with_returns:
        yield from _returns(room, places, alts_m, reached_s, land_s)


def _first_leg(plan: Plan) -> int:
    """Leg 0, from home to the first waypoint, is not flown by a plan that begins in the air."""
    return 0 if plan.begins_at is None else 1


def _pad_s(plan: Plan) -> float:
    """How far within a leg the time is off that of even speed, as a flight starts and stops, the slowest too."""
    changing_s = float(change_s(np.array(plan.speed_mps), ARDUCOPTER.accel_mps2, ARDUCOPTER.jerk_mps3))
    return ratio_of(plan) * changing_s / 2.0 + 0.5


class _Span(NamedTuple):
    """The time of a leg: its first end is reached, left, its other end is reached. `pad_s` as in `_pad_s`."""

    reached_s: float
    left_s: float
    next_s: float
    pad_s: float


def _pieces(span: _Span) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Cuts of a leg, as shares of its length, with the time in which the vehicle is there."""
    moving_s = max(0.0, span.next_s - span.left_s)
    count = max(1, math.ceil(moving_s / LONGEST_PIECE_S))
    for piece in range(count):
        low, high = piece / count, (piece + 1) / count
        begins_s = span.reached_s if piece == 0 else span.left_s + low * moving_s - span.pad_s
        ends_s = span.next_s if piece == count - 1 else span.left_s + high * moving_s + span.pad_s
        yield (low, high), (max(begins_s, span.reached_s), min(ends_s, span.next_s))


def _ends(
    frame: LocalFrame, places: Sequence[LatLon], cuts: Sequence[tuple[int, tuple[float, float]]]
) -> list[tuple[LatLon, LatLon]]:
    """The ends of pieces of legs: the number of each leg, and from which share of its length to which."""
    xy = frame.to_xy(places)
    leg, share = np.array([leg for leg, _ in cuts]), np.array([cut for _, cut in cuts])
    ends = xy[leg, None] + share[:, :, None] * (xy[leg + 1] - xy[leg])[:, None]
    found = iter(frame.to_places(ends.reshape(-1, 2)))
    return list(zip(found, found, strict=True))


def _returns(
    room: _Room,
    places: Sequence[LatLon],
    alts_m: Sequence[float],
    reached_s: Sequence[float],
    land_s: float,
) -> Iterator[Volume]:
    """What the flight takes in addition when it may be broken off anywhere: ways home from every leg, home itself."""
    plan, count = room.plan, len(room.plan.waypoints)
    frame = LocalFrame(plan.home)
    home_m = np.hypot(*frame.to_xy(places).T).tolist()
    top_m = max(plan.return_alt_rel_m, *alts_m)
    down_s = top_m / _airframe(plan).climb_mps + descent_s(top_m, _airframe(plan))
    latest_s = land_s
    if plan.returns is ReturnMode.RETRACE:
        before = tuple(_flown_before(room))
        back_s = sum(leg_s(ground_distance_m(*each.places), plan.speed_mps) for each in before)
        latest_s = max(latest_s, 2 * reached_s[count] + back_s)
        yield from (replace(each, ends_s=latest_s) for each in before)
    corners: tuple[LatLon, ...]
    for leg in range(_first_leg(plan), count):
        alts = (min(alts_m[leg], alts_m[leg + 1]), max(plan.return_alt_rel_m, alts_m[leg], alts_m[leg + 1]))
        if plan.returns is ReturnMode.RETRACE:
            # Broken off at t it passes again at t + (t - reached), and t is before the last waypoint is reached.
            corners, ends_s = (places[leg], places[leg + 1]), 2 * reached_s[count] - reached_s[leg]
        else:
            way_s = leg_s(max(home_m[leg], home_m[leg + 1]), plan.speed_mps) + down_s
            corners, ends_s = (places[leg], places[leg + 1], plan.home), reached_s[leg + 1] + way_s
        latest_s = max(latest_s, ends_s)
        yield room.volume(Part.RETURN, (leg, leg + 1), tuple(dict.fromkeys(corners)), alts, (reached_s[leg], ends_s))
    yield room.volume(Part.RETURN, (count + 1, count + 1), (plan.home,), (0.0, top_m), (0.0, latest_s + down_s))


def _flown_before(room: _Room) -> Iterator[Volume]:
    """The path that lies behind a plan that begins in the air, where it would fly back along; not yet timed."""
    begins_at = room.plan.begins_at
    if begins_at is None:
        return
    path = [*((step.place, step.alt_rel_m) for step in begins_at.flown), (begins_at.place, begins_at.alt_rel_m)]
    path.insert(0, (room.plan.home, path[0][1]))
    for (start, start_m), (end, end_m) in pairwise(path):
        yield room.volume(Part.RETURN, (0, 1), (start, end), (start_m, end_m), (0.0, 0.0))
