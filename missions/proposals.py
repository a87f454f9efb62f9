"""What a flight that must give way can do instead: later, at another height, with another vehicle; each one free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain

from core.ids import VehicleId
from missions.deconflict import Overlap, Schedule
from missions.model import Plan
from missions.volumes import HEIGHT_M, Intent, Part, delayed

LONGEST_DELAY_S = 3_600.0
# Two layers are free of each other when neither's uncertainty reaches into the other.
LAYER_M = 2.0 * HEIGHT_M + 4.0
MOST_LAYERS = 4


class Change(StrEnum):
    """What a proposal changes."""

    DELAY = "delay"
    LAYER = "layer"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change after which the flight meets no other; `intent` is what it takes then.

    `delay_s` and `alt_rel_m` are those of a delay and a layer. `plan`: the new plan; None when it stays the same.
    """

    change: Change
    detail: str
    intent: Intent
    plan: Plan | None = None
    delay_s: float = 0.0
    alt_rel_m: float | None = None
    vehicle_id: VehicleId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another vehicle that could fly it. `plan` makes its plan from its own dock; None: it cannot."""

    vehicle_id: VehicleId
    plan: Callable[[], Plan | None]


@dataclass(frozen=True, slots=True)
class Options:
    """What may be changed. `replan`: the plan at an altitude above home, None when there is none there."""

    alt_rel_m: float
    layers_m: Sequence[float] = ()
    replan: Callable[[float], Plan | None] | None = None
    others: Sequence[Candidate] = ()
    longest_delay_s: float = LONGEST_DELAY_S


def gives_way_to(intent: Intent, overlaps: Sequence[Overlap]) -> tuple[Overlap, ...]:
    """Those overlaps in which the other flight goes first; in the rest the other one gives way."""
    return tuple(each for each in overlaps if not intent.rank.goes_before(each.other.rank))


def layers(alt_rel_m: float, lowest_m: float, highest_m: float) -> tuple[float, ...]:
    """Other altitudes from `lowest_m` to `highest_m`, a layer apart, the nearest first and the higher of two."""
    steps = chain.from_iterable((step, -step) for step in range(1, MOST_LAYERS + 1))
    tried = [alt_rel_m + step * LAYER_M for step in steps]
    return tuple(alt_m for alt_m in tried if lowest_m <= alt_m <= highest_m)[:MOST_LAYERS]


def proposals(
    schedule: Schedule, intent: Intent, options: Options, timed: Callable[[Plan], Intent]
) -> tuple[Proposal, ...]:
    """At most one of each kind, each checked against `schedule`. `timed` makes the intent of another plan."""
    found = (
        _later(schedule, intent, options.longest_delay_s),
        _higher_or_lower(schedule, intent, options, timed),
        _another(schedule, options.others, timed),
    )
    return tuple(each for each in found if each)


def _later(schedule: Schedule, intent: Intent, longest_s: float) -> Proposal | None:
    delay_s = schedule.free_delay_s(intent, longest_s)
    if delay_s is None or schedule.conflicts(moved := delayed(intent, delay_s)):
        return None
    return Proposal(Change.DELAY, f"Depart {delay_s:.0f} s later.", moved, delay_s=delay_s)


def _higher_or_lower(
    schedule: Schedule, intent: Intent, options: Options, timed: Callable[[Plan], Intent]
) -> Proposal | None:
    if options.replan is None:
        return None
    for alt_m in _promising(schedule, intent, options):
        plan = options.replan(alt_m)
        if plan is None or plan.conflicts:
            continue
        moved = timed(plan)
        if not schedule.conflicts(moved):
            detail = f"Fly at {alt_m:g} m above home."
            return Proposal(Change.LAYER, detail, moved, plan=plan, alt_rel_m=alt_m)
    return None


def _promising(schedule: Schedule, intent: Intent, options: Options) -> Iterator[float]:
    """The altitudes at which the same way would be free: planning anew costs more than looking."""
    for alt_m in options.layers_m:
        if not schedule.conflicts(_raised(intent, alt_m - options.alt_rel_m)):
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


def _another(schedule: Schedule, others: Sequence[Candidate], timed: Callable[[Plan], Intent]) -> Proposal | None:
    for other in others:
        plan = other.plan()
        if plan is None or plan.conflicts:
            continue
        moved = timed(plan)
        if not schedule.conflicts(moved):
            detail = f"Fly it with {other.vehicle_id}."
            return Proposal(Change.VEHICLE, detail, moved, plan=plan, vehicle_id=other.vehicle_id)
    return None
