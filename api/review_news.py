"""A review in the short form that everybody is told at once; the whole of it is served on request."""

from __future__ import annotations

from collections.abc import Sequence

from missions.verdicts import AirspaceReview, FailingMission
from telemetry.messages import MAX_FAILING_TOLD, AirspaceReviewed, FailingFlight


def reviewed(review: AirspaceReview) -> AirspaceReviewed:
    """A review in the short form that everybody is told."""
    airborne = review.airborne
    planned = len(review.failing) - len(airborne)
    severity = "critical" if airborne else "warning" if planned else "info"
    return AirspaceReviewed(
        version=review.version,
        at=review.reviewed_at,
        severity=severity,
        text=_sentence(review, airborne, planned),
        complete=review.complete,
        missions_failing=planned,
        flights_failing=len(airborne),
        failing=tuple(_flight(each) for each in airborne[:MAX_FAILING_TOLD]),
    )


def _sentence(review: AirspaceReview, airborne: Sequence[FailingMission], planned: int) -> str:
    if not review.failing:
        return f"Airspace version {review.version}: every flight that was looked at stays clear."
    names = ", ".join(str(each.vehicle_id) for each in airborne[:5]) + (", …" if len(airborne) > 5 else "")
    flights = f"{len(airborne)} in the air ({names})" if airborne else ""
    missions = f"{planned} planned" if planned else ""
    which = " and ".join(filter(None, (flights, missions)))
    return f"Airspace version {review.version} makes missions unflyable: {which}."


def _flight(failing: FailingMission) -> FailingFlight:
    assert failing.sortie_id is not None
    assert failing.vehicle_id is not None
    proposal = failing.proposal
    return FailingFlight(
        sortie_id=failing.sortie_id,
        vehicle_id=failing.vehicle_id,
        mission_id=failing.mission_id,
        revision=failing.revision,
        mission_name=failing.mission_name,
        why=tuple(conflict.detail for conflict in failing.conflicts[:3]),
        zone_ids=tuple(dict.fromkeys(each.zone_id for each in failing.conflicts if each.zone_id is not None)),
        proposal=str(proposal.kind) if proposal else None,
        proposed_because=proposal.why if proposal else "",
    )
