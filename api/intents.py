"""The room that our own flights take: of a planned mission, of a launch, of a sortie as late or early as it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.errors import Conflict, Encounter
from core.geo import LatLon
from missions.deconflict import Overlap, volume_feature
from missions.manoeuvre import Diversion
from missions.model import Plan, Revision, Sortie, SortieState
from missions.sortie import HOLDING, is_flying
from missions.volumes import Intent, Rank, done_after, homeward, intent_of, rescheduled
from telemetry.messages import VehicleState

# A vehicle that is held may stay for so long before it is looked at again; checks are made far more often.
LONGEST_HOLD_S = 600.0
# Before take-off a sortie may still wait for its vehicle: uploads, checks, spool-up.
PREPARATION_S = 120.0
_GOING_HOME = (SortieState.RETURNING, SortieState.LANDING, SortieState.LANDED)


def mission_intent(revision: Revision, departs_at: datetime, *, emergency: bool = False) -> Intent:
    """What a planned mission will take; it was accepted when its revision was made."""
    rank = Rank(airborne=False, emergency=emergency, accepted_at=revision.created_at)
    return intent_of(revision.plan, departs_at, id=str(revision.mission_id), name=revision.request.name, rank=rank)


def latest_gone(now: datetime) -> datetime:
    """What was to depart until then is gone or will not go: no air is kept for it any more."""
    return now - timedelta(seconds=PREPARATION_S)


def launch_intent(revision: Revision, now: datetime) -> Intent:
    """What a mission takes that is launched now; a whole second, as people read the delay that may be proposed."""
    now = now.replace(microsecond=0) + timedelta(seconds=1) if now.microsecond else now
    rank = Rank(airborne=False, emergency=False, accepted_at=accepted_at(revision, now))
    return intent_of(revision.plan, now, id=str(revision.mission_id), name=revision.request.name, rank=rank)


def accepted_at(revision: Revision, launched_at: datetime) -> datetime:
    """Since when a launch has its place in the queue: its mission's, if it departs when that said it would."""
    planned = revision.request.departs_at
    if planned is not None and abs(launched_at - planned) <= timedelta(seconds=PREPARATION_S):
        return revision.created_at
    return launched_at


def planned_intent(sortie: Sortie, revision: Revision, now: datetime, diversion: Diversion | None = None) -> Intent:
    """What a sortie takes if it goes as planned from its take-off on, which is now when it is still to come.

    With `diversion`, whose plan is the revision's then, from where that began.
    """
    rank = Rank(is_flying(sortie.state), emergency=False, accepted_at=accepted_at(revision, sortie.created_at))
    departs_at = took_off_at(sortie) or now
    if diversion is not None:
        departs_at = diversion.started_at or now
    return intent_of(revision.plan, departs_at, id=str(sortie.id), name=sortie.mission_name, rank=rank)


def took_off_at(sortie: Sortie) -> datetime | None:
    """When it took off; None: not yet."""
    return next((step.at for step in sortie.transitions if step.to_state is SortieState.TAKING_OFF), None)


def present_intent(intent: Intent, sortie: Sortie, plan: Plan, vehicle: VehicleState | None, now: datetime) -> Intent:
    """What is left of the planned `intent` of a sortie, as late or early as it is."""
    if not is_flying(sortie.state):
        return intent
    place = place_of(vehicle)
    if sortie.state in _GOING_HOME and vehicle is not None and place is not None:
        return homeward(plan, intent, place, max(0.0, vehicle.alt_rel_m or 0.0), now)
    done = sortie.waypoints_reached
    if plan.begins_at is not None and vehicle is not None:
        # The sortie counts the waypoints of its own mission, not those of what it was sent to meanwhile.
        done = vehicle.progress.waypoints_reached if vehicle.progress else 0
    reached = min(done, len(plan.waypoints))
    hold_s = LONGEST_HOLD_S if sortie.state in HOLDING else 0.0
    return rescheduled(intent, now, done_after(plan, reached), may_wait_s=hold_s)


def place_of(vehicle: VehicleState | None) -> LatLon | None:
    """Where it is, as far as that was ever heard."""
    if vehicle is None or vehicle.lat_deg is None or vehicle.lon_deg is None:
        return None
    return LatLon(vehicle.lat_deg, vehicle.lon_deg)


def encounter_of(overlap: Overlap) -> Encounter:
    """An overlap in short: with whom, when, between which altitudes, how near."""
    return Encounter(
        flight_id=overlap.other.id,
        flight_name=overlap.other.name,
        from_at=overlap.from_at,
        until_at=overlap.until_at,
        low_amsl_m=round(max(overlap.mine.low_amsl_m, overlap.theirs.low_amsl_m), 1),
        high_amsl_m=round(min(overlap.mine.high_amsl_m, overlap.theirs.high_amsl_m), 1),
        horizontal_m=round(overlap.horizontal_m, 1),
        vertical_m=round(overlap.vertical_m, 1),
    )


def conflict_of(overlap: Overlap) -> Conflict:
    """An overlap as a reason against a plan; its geometry is the room that the other flight takes."""
    met = encounter_of(overlap)
    detail = (
        f"Between {met.from_at:%H:%M:%S} and {met.until_at:%H:%M:%S} UTC the flight may come within "
        f"{met.horizontal_m:.1f} m of {met.flight_name}, {met.vertical_m:.1f} m above or below it "
        f"({met.low_amsl_m:.0f} to {met.high_amsl_m:.0f} m AMSL); it needs {overlap.horizontal_needed_m:.1f} m or "
        f"{overlap.vertical_needed_m:.1f} m."
    )
    return Conflict(
        "flight-conflict",
        detail,
        "/properties/departs_at",
        leg=overlap.mine.leg,
        geometry=volume_feature(overlap.theirs)["geometry"],
        encounter=met,
    )
