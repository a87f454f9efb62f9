"""What a flight that must give way can do instead: later, at another height, with another vehicle; each one free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import assert_never

from core.altitude import Datum
from core.errors import Proposal
from core.ids import DockId, VehicleId
from missions.deconflict import Overlap, Schedule
from missions.model import MissionRequest, Plan
from missions.request import ALTITUDES
from missions.volumes import HEIGHT_M, Intent, Part, delayed

LONGEST_DELAY_S = 3_600.0
UNHURRIED_S = 60.0
# Two layers are free of each other when neither's uncertainty reaches into the other.
LAYER_M = 2.0 * HEIGHT_M + 4.0
MOST_LAYERS = 4


class Change(StrEnum):
    """What an alternative changes, and the kind of the proposal that it becomes."""

    DELAY = "delay"
    LAYER = "layer"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A flight that meets no other; `intent` is what it takes. `proposal_of` tells a person how to ask for it.

    `delay_s` and `alt_m` are those of a delay and a layer. `plan`: the new plan; None when it stays the same.
    """

    change: Change
    intent: Intent
    plan: Plan | None = None
    delay_s: float = 0.0
    alt_m: float | None = None
    vehicle_id: VehicleId | None = None
    dock_id: DockId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another vehicle that could fly it. `plan` makes its plan from its own dock; None: it cannot."""

    vehicle_id: VehicleId
    dock_id: DockId
    plan: Callable[[], Plan | None]


@dataclass(frozen=True, slots=True)
class Options:
    """What may be changed. `replan`: the plan at an altitude, None when there is none there.

    `alt_m`, `layers_m` and what `replan` takes count from the request's own datum.
    """

    alt_m: float
    layers_m: Sequence[float] = ()
    replan: Callable[[float], Plan | None] | None = None
    others: Sequence[Candidate] = ()
    longest_delay_s: float = LONGEST_DELAY_S


def gives_way_to(intent: Intent, overlaps: Sequence[Overlap]) -> tuple[Overlap, ...]:
    """Those overlaps in which the other flight goes first; in the rest the other one gives way."""
    return tuple(each for each in overlaps if not intent.rank.goes_before(each.other.rank))


def layers(alt_m: float, lowest_m: float, highest_m: float) -> tuple[float, ...]:
    """Other altitudes from `lowest_m` to `highest_m`, a layer apart, the nearest first and the higher of two."""
    steps = chain.from_iterable((step, -step) for step in range(1, MOST_LAYERS + 1))
    tried = [alt_m + step * LAYER_M for step in steps]
    return tuple(each for each in tried if lowest_m <= each <= highest_m)[:MOST_LAYERS]


def alternatives(
    schedule: Schedule, intent: Intent, options: Options, timed: Callable[[Plan], Intent]
) -> tuple[Alternative, ...]:
    """At most one of each kind, each checked against `schedule`. `timed` makes the intent of another plan."""
    found = (
        _later(schedule, intent, options.longest_delay_s),
        _higher_or_lower(schedule, intent, options, timed),
        _another(schedule, options.others, timed),
    )
    return tuple(each for each in found if each)


def proposal_of(found: Alternative, request: MissionRequest) -> Proposal:
    """How to ask for an alternative to `request`: in words, and as a merge patch of its feature."""
    match found.change:
        case Change.DELAY:
            at = found.intent.departs_at
            detail = f"Depart {found.delay_s:.0f} s later, at {at:%H:%M:%S} UTC."
            change: dict[str, object] = {"departs_at": at.isoformat()}
        case Change.LAYER:
            member = next(name for name, datum in ALTITUDES.items() if datum is request.alt_datum)
            above = "the ground" if request.alt_datum is Datum.AGL else "home"
            detail = f"Fly at {found.alt_m:g} m above {above}."
            change = {member: found.alt_m}
        case Change.VEHICLE:
            detail = f"Fly it with {found.vehicle_id} from {found.dock_id}."
            change = {"dock_id": found.dock_id}
        case _:
            assert_never(found.change)
    return Proposal(str(found.change), detail, {"properties": change})


def _later(schedule: Schedule, intent: Intent, longest_s: float) -> Alternative | None:
    """As soon as it is free, and somewhat later where that is free too: a flight in the air is late by some seconds
    by the time that a person has read of this."""
    soonest_s = schedule.free_delay_s(intent, longest_s)
    if soonest_s is None:
        return None
    for delay_s in (min(soonest_s + UNHURRIED_S, longest_s), soonest_s):
        moved = delayed(intent, delay_s)
        if delay_s >= soonest_s and not schedule.conflicts(moved):
            return Alternative(Change.DELAY, moved, delay_s=delay_s)
    return None


def _higher_or_lower(
    schedule: Schedule, intent: Intent, options: Options, timed: Callable[[Plan], Intent]
) -> Alternative | None:
    if options.replan is None:
        return None
    for alt_m in _promising(schedule, intent, options):
        plan = options.replan(alt_m)
        if plan is None or plan.conflicts:
            continue
        moved = timed(plan)
        if not schedule.conflicts(moved):
            return Alternative(Change.LAYER, moved, plan=plan, alt_m=alt_m)
    return None


def _promising(schedule: Schedule, intent: Intent, options: Options) -> Iterator[float]:
    """The altitudes at which the same way would be free: planning anew costs more than looking."""
    for alt_m in options.layers_m:
        if not schedule.conflicts(_raised(intent, alt_m - options.alt_m)):
            yield alt_m


def _raised(intent: Intent, by_m: float) -> Intent:
    columns = (Part.TAKE_OFF, Part.LANDING)
    volumes = tuple(
        replace(
            each,
            low_amsl_m=each.low_amsl_m + (0.0 if each.part in columns else by_m),
            high_amsl_m=each.high_amsl_m + by_m,
        )
        for each in intent.volumes
    )
    return replace(intent, volumes=volumes)


def _another(schedule: Schedule, others: Sequence[Candidate], timed: Callable[[Plan], Intent]) -> Alternative | None:
    for other in others:
        plan = other.plan()
        if plan is None or plan.conflicts:
            continue
        moved = timed(plan)
        if not schedule.conflicts(moved):
            return Alternative(Change.VEHICLE, moved, plan=plan, vehicle_id=other.vehicle_id, dock_id=other.dock_id)
    return None
