"""The life of a sortie: which state may follow which, and what each step writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from core.errors import IllegalTransition
from missions.model import Outcome, Sortie, SortieState, Transition

_S = SortieState
_IN_AIR = frozenset({_S.TAKING_OFF, _S.ON_MISSION, _S.PAUSED, _S.RETURNING, _S.LANDING})
_ENDS = frozenset({_S.CLOSED, _S.REFUSED, _S.LOST})

# Before take-off everything may be refused and nothing can be lost; in the air the reverse. From every state in the
# air the vehicle may be observed to return, land or stand disarmed, whoever made it do so: a pilot on the sticks and
# the autopilot's failsafes do not ask (promise 7). A return or a landing may be broken off into a hover, a return or
# the mission again: what the vehicle shows is written down, not what we would have it do.
TRANSITIONS: Mapping[SortieState, frozenset[SortieState]] = MappingProxyType(
    {
        _S.REQUESTED: frozenset({_S.PREFLIGHT, _S.REFUSED}),
        _S.PREFLIGHT: frozenset({_S.UPLOADING, _S.REFUSED}),
        _S.UPLOADING: frozenset({_S.READY, _S.REFUSED}),
        _S.READY: frozenset({_S.TAKING_OFF, _S.REFUSED}),
        _S.TAKING_OFF: frozenset({_S.ON_MISSION, _S.PAUSED, _S.RETURNING, _S.LANDING, _S.CLOSED, _S.LOST}),
        _S.ON_MISSION: frozenset({_S.PAUSED, _S.RETURNING, _S.LANDING, _S.CLOSED, _S.LOST}),
        _S.PAUSED: frozenset({_S.ON_MISSION, _S.RETURNING, _S.LANDING, _S.CLOSED, _S.LOST}),
        _S.RETURNING: frozenset({_S.ON_MISSION, _S.PAUSED, _S.LANDING, _S.CLOSED, _S.LOST}),
        _S.LANDING: frozenset({_S.ON_MISSION, _S.PAUSED, _S.RETURNING, _S.CLOSED, _S.LOST}),
        _S.CLOSED: frozenset(),
        _S.REFUSED: frozenset(),
        _S.LOST: frozenset(),
    }
)
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


def update(sortie: Sortie, **changes: Any) -> Sortie:
    """The sortie with something more known of it but in the same state; the row revision goes up by one."""
    if own := _OWN_FIELDS & changes.keys():
        raise ValueError(f"{', '.join(sorted(own))} of a sortie change only by a transition")
    return replace(sortie, row_revision=sortie.row_revision + 1, **changes)


def is_finished(state: SortieState) -> bool:
    """Whether nothing can follow."""
    return state in _ENDS


def is_flying(state: SortieState) -> bool:
    """Whether the vehicle is between arming and disarming."""
    return state in _IN_AIR


def _outcome(sortie: Sortie) -> Outcome:
    """Completed means closed with every waypoint reached; a plan without waypoints was not completed."""
    match sortie.state:
        case SortieState.REFUSED:
            return Outcome.REFUSED
        case SortieState.LOST:
            return Outcome.LOST
        case _:
            reached_all = sortie.waypoints_reached >= sortie.waypoints_total > 0
            return Outcome.COMPLETED if reached_all else Outcome.ABORTED
