"""What a new airspace version means for missions, in full."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from api.schemas.missions import PlanOut
from core.errors import Conflict
from missions.request import request_feature
from missions.verdicts import AirspaceReview, FailingMission, ProposalKind, ReplanProposal


class ProposalOut(BaseModel):
    """What a dispatcher may do. A replan has the mission to post as a new revision, and the plan that it becomes."""

    kind: ProposalKind
    why: str
    feature: dict[str, Any] | None
    plan: PlanOut | None

    @classmethod
    def of(cls, proposal: ReplanProposal) -> ProposalOut:
        request, plan = proposal.request, proposal.plan
        return cls(
            kind=proposal.kind,
            why=proposal.why,
            feature=request_feature(request) if request else None,
            plan=PlanOut.of(plan, request.dock_id) if plan and request else None,
        )


class FailingMissionOut(BaseModel):
    """A revision that the version makes unflyable; `sortie_id`: it is being flown. `leg` 1 is then where it is."""

    mission_id: str
    revision: int
    mission_name: str
    sortie_id: str | None
    vehicle_id: str | None
    conflicts: list[Conflict]
    proposal: ProposalOut | None

    @classmethod
    def of(cls, failing: FailingMission) -> FailingMissionOut:
        return cls(
            mission_id=failing.mission_id,
            revision=failing.revision,
            mission_name=failing.mission_name,
            sortie_id=failing.sortie_id,
            vehicle_id=failing.vehicle_id,
            conflicts=list(failing.conflicts),
            proposal=ProposalOut.of(failing.proposal) if failing.proposal else None,
        )


class AirspaceReviewOut(BaseModel):
    """`complete` is false until the planned missions are through, too; `left_out`: those beyond the bound."""

    version: int
    reviewed_at: datetime
    complete: bool
    took_s: float
    missions_checked: int
    sorties_checked: int
    left_out: int
    failing: list[FailingMissionOut]


def review_json(review: AirspaceReview) -> bytes:
    """An AirspaceReviewOut as text; call it away from the event loop."""
    out = AirspaceReviewOut(
        version=review.version,
        reviewed_at=review.reviewed_at,
        complete=review.complete,
        took_s=review.took_s,
        missions_checked=review.missions_checked,
        sorties_checked=review.sorties_checked,
        left_out=review.left_out,
        failing=[FailingMissionOut.of(each) for each in review.failing],
    )
    return out.model_dump_json().encode()
