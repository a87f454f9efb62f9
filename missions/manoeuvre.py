"""Diversions as values: plans that begin in the air and replace what a vehicle flies, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from core.errors import IllegalTransition
from core.ids import DiversionId, OperatorId, SortieId
from missions.model import CommandKind, Plan, Sortie


class DiversionState(StrEnum):
    """Life of a diversion; `STEPS` holds what may follow what."""

    PLANNED = "planned"  # a preview: nothing was sent
    LOADING = "loading"  # the vehicle holds, and its mission is being replaced
    FLYING = "flying"  # read back, equal, started
    ENDED = "ended"  # the sortie went on to something else, or ended
    FAILED = "failed"  # the vehicle holds; `result` says why and what it carries


STEPS: Mapping[DiversionState, frozenset[DiversionState]] = MappingProxyType(
    {
        DiversionState.PLANNED: frozenset({DiversionState.LOADING, DiversionState.FAILED}),
        DiversionState.LOADING: frozenset({DiversionState.FLYING, DiversionState.FAILED}),
        DiversionState.FLYING: frozenset({DiversionState.ENDED}),
        DiversionState.ENDED: frozenset(),
        DiversionState.FAILED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Diversion:
    """A plan that begins in the air, instead of what `sortie_id` flies.

    `parameters`: what was asked for, as JSON. `resumes_at`: the waypoint (0…) of the sortie's own plan with which
    this one goes on to that plan's end; None: it does something else. `plan.conflicts`: it cannot be flown.
    """

    id: DiversionId
    sortie_id: SortieId
    kind: CommandKind
    plan: Plan
    created_at: datetime
    created_by: OperatorId
    parameters: dict[str, Any] = field(default_factory=dict)
    resumes_at: int | None = None
    state: DiversionState = DiversionState.PLANNED
    result: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    row_revision: int = 1
    key: str | None = None  # the Idempotency-Key under which it was asked to be flown


def step(diversion: Diversion, to: DiversionState, **changes: Any) -> Diversion:
    """The diversion one step on. Raises IllegalTransition."""
    if to not in STEPS[diversion.state]:
        raise IllegalTransition("diversion", diversion.id, diversion.state, to)
    return replace(diversion, state=to, row_revision=diversion.row_revision + 1, **changes)


def behind(diversion: Diversion, reached: int, total: int) -> int | None:
    """How many of the `total` waypoints of the sortie's own plan lie behind, `reached` of the diversion's do.

    The last ones of both are the same ones. None: the diversion does not go on with that plan.
    """
    if diversion.resumes_at is None:
        return None
    left = len(diversion.plan.waypoints) - reached
    return min(total, max(diversion.resumes_at, total - left))


def flown_of(diversion: Diversion, sortie: Sortie) -> int:
    """How many of the diversion's waypoints surely lie behind, by the sortie's own count: `behind` the other way."""
    if diversion.state is not DiversionState.FLYING:
        return 0
    if diversion.kind is CommandKind.REPLACE:
        return sortie.waypoints_reached
    if diversion.resumes_at is None or sortie.waypoints_reached <= diversion.resumes_at:
        return 0
    return max(0, len(diversion.plan.waypoints) - (sortie.waypoints_total - sortie.waypoints_reached))


def counted_anew(diversion: Diversion, sortie: Sortie) -> dict[str, int]:
    """What changes in the sortie's counts when the diversion is flown: another total, or waypoints passed over."""
    if diversion.kind is CommandKind.REPLACE:
        return {"waypoints_total": len(diversion.plan.waypoints), "waypoints_reached": 0}
    at, reached = diversion.resumes_at, sortie.waypoints_reached
    if at is None or at <= reached:
        return {}
    return {"waypoints_reached": at, "waypoints_skipped": sortie.waypoints_skipped + at - reached}
