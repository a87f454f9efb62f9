"""The life of a sortie: which state may follow which, and what each step writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from core.errors import Conflict, IllegalTransition, MissionConflict
from core.ids import OperatorId
from missions.model import Outcome, ProofSummary, Sortie, SortieState, Transition

_S = SortieState
# The way to the ready vehicle, in its order.
BEFORE_FLIGHT = (_S.PLANNED, _S.APPROVED, _S.ASSIGNED, _S.PREFLIGHT, _S.UPLOADING, _S.READY)
# What a vehicle in the air may be seen to do, whoever makes it do so.
_SEEN_IN_AIR = frozenset({_S.ON_MISSION, _S.DIVERTED, _S.PAUSED, _S.HELD, _S.RETURNING, _S.LANDING})
_IN_AIR = _SEEN_IN_AIR | {_S.TAKING_OFF, _S.LANDED}
# Away from its mission, and free to go on with it.
HOLDING = frozenset({_S.PAUSED, _S.HELD})
_ENDS = frozenset({_S.CLOSED, _S.REFUSED, _S.ABORTED, _S.LOST})


def _transitions() -> dict[SortieState, frozenset[SortieState]]:
    """Before take-off everything may be refused or called off and nothing can be lost; in the air the reverse.

    From every state in the air the vehicle may be observed to hold, return, land or stand on the ground, whoever made
    it do so: a pilot on the sticks and the autopilot's failsafes do not ask (promise 7). A return or a landing may be
    broken off; even a landed vehicle may be flown off again by a pilot before it disarms. What the vehicle shows is
    written down, not what we would have it do. A plan is replaced only where the vehicle holds.
    """
    table: dict[SortieState, frozenset[SortieState]] = {end: frozenset() for end in _ENDS}
    for state, following in zip(BEFORE_FLIGHT, (*BEFORE_FLIGHT[1:], _S.TAKING_OFF), strict=True):
        table[state] = frozenset({following, _S.REFUSED, _S.ABORTED})
    for state in _IN_AIR:
        table[state] = (_SEEN_IN_AIR | {_S.LANDED, _S.LOST}) - {state}
    table[_S.TAKING_OFF] -= {_S.DIVERTED}
    table[_S.ON_MISSION] -= {_S.DIVERTED}
    table[_S.DIVERTED] -= {_S.ON_MISSION}
    table[_S.LANDED] |= {_S.CLOSED}
    return table


TRANSITIONS: Mapping[SortieState, frozenset[SortieState]] = MappingProxyType(_transitions())
_OWN_FIELDS = frozenset({"id", "state", "row_revision", "transitions"})


def advance(sortie: Sortie, to: SortieState, *, at: datetime, by: str, why: str, **changes: Any) -> Sortie:
    """The sortie one step on: the transition appended, the row revision up by one, the outcome set when it ends.

    `changes` are other fields that become known with the step. Raises IllegalTransition.
    """
    if to not in TRANSITIONS[sortie.state]:
        raise IllegalTransition("sortie", sortie.id, str(sortie.state), str(to))
    step = Transition(at=at, from_state=sortie.state, to_state=to, by=by, why=why)
    moved = replace(
        update(sortie, **changes),
        state=to,
        transitions=(*sortie.transitions, step),
    )
    return replace(moved, outcome=moved.outcome or _outcome(moved)) if to in _ENDS else moved


def approve(sortie: Sortie, proof: ProofSummary, *, at: datetime, by: OperatorId) -> Sortie:
    """The sortie approved by a person, under a proof that is valid and about this very plan.

    Raises IllegalTransition, and MissionConflict for a proof that proves nothing of it.
    """
    if not proof.valid or (proof.mission_hash, proof.fence_hash) != (sortie.mission_hash, sortie.fence_hash):
        raise MissionConflict((Conflict("not-proven", "The plan has no valid proof: it cannot be approved.", ""),))
    why = f"proven against airspace version {proof.airspace_version}"
    return advance(sortie, SortieState.APPROVED, at=at, by=by, why=why, proof=proof, approved_by=by, approved_at=at)


def update(sortie: Sortie, **changes: Any) -> Sortie:
    """The sortie with something more known of it but in the same state; the row revision goes up by one."""
    if own := _OWN_FIELDS & changes.keys():
        raise ValueError(f"{', '.join(sorted(own))} of a sortie change only by a transition")
    return replace(sortie, row_revision=sortie.row_revision + 1, **changes)


def is_finished(state: SortieState) -> bool:
    """Whether nothing can follow."""
    return state in _ENDS


def is_flying(state: SortieState) -> bool:
    """Whether the vehicle is between arming and the storing of its landing."""
    return state in _IN_AIR


def _outcome(sortie: Sortie) -> Outcome:
    """Completed means closed with every waypoint flown; a plan without waypoints was not completed."""
    match sortie.state:
        case SortieState.REFUSED:
            return Outcome.REFUSED
        case SortieState.ABORTED:
            return Outcome.ABORTED
        case SortieState.LOST:
            return Outcome.LOST
        case _:
            flown = sortie.waypoints_reached - sortie.waypoints_skipped
            return Outcome.COMPLETED if flown >= sortie.waypoints_total > 0 else Outcome.ABORTED
