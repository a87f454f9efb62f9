"""What a new airspace version means for missions: which fail, where, and what to do about those in the air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.errors import Conflict
from core.ids import MissionId, SortieId, VehicleId
from missions.model import MissionRequest, Plan


class ProposalKind(StrEnum):
    """What a dispatcher may do with a vehicle in the air whose mission fails; the first that is safe is proposed."""

    REPLAN = "replan"  # fly what is left by another way
    RETURN = "return"  # go home now: the way that the autopilot takes is clear
    HOLD = "hold"  # stop where it is, which is clear, and decide
    LAND = "land"  # nothing else is clear


@dataclass(frozen=True, slots=True)
class ReplanProposal:
    """One way out. A replan has the request that gives `plan`; accepting it means a new revision of the mission."""

    kind: ProposalKind
    why: str
    request: MissionRequest | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class FailingMission:
    """A revision that the version makes unflyable; of a sortie in the air with what is proposed for it."""

    mission_id: MissionId
    revision: int
    mission_name: str
    conflicts: tuple[Conflict, ...]
    sortie_id: SortieId | None = None
    vehicle_id: VehicleId | None = None
    proposal: ReplanProposal | None = None


@dataclass(frozen=True, slots=True)
class AirspaceReview:
    """All that was looked at again for a version. `left_out`: planned missions beyond the bound, not looked at.

    `missions_checked` and `sorties_checked` count what was looked at, whether it fails or not; `took_s`: from the
    question to this answer. The sorties in the air are looked at first: `complete` is false until all the rest is.
    """

    version: int
    reviewed_at: datetime
    missions_checked: int
    sorties_checked: int
    left_out: int
    took_s: float
    complete: bool
    failing: tuple[FailingMission, ...] = ()

    @property
    def airborne(self) -> tuple[FailingMission, ...]:
        """Those in the air."""
        return tuple(each for each in self.failing if each.sortie_id is not None)


def extended(review: AirspaceReview, failing: Sequence[FailingMission], missions: int) -> AirspaceReview:
    """The review with what was found of so many more planned missions, or once more of sorties that failed."""
    again = {each.sortie_id for each in failing if each.sortie_id is not None}
    kept = (each for each in review.failing if each.sortie_id is None or each.sortie_id not in again)
    found = (*kept, *failing)
    in_air = tuple(each for each in found if each.sortie_id is not None)
    planned = tuple(each for each in found if each.sortie_id is None)
    return replace(review, failing=(*in_air, *planned), missions_checked=review.missions_checked + missions)
