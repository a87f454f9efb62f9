"""Our own flights kept apart: what is stored and what is in the air as one schedule, asked before anything is added.

Asked at planning (a mission with a time of departure), at launch, and in flight when a sortie is late or early.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import Conflict
from core.geo import LatLon
from core.ids import MissionId, VehicleId
from missions.deconflict import Overlap, Schedule, volume_feature
from missions.model import Plan, Revision, Sortie, SortieState
from missions.proposals import Options, Proposal, gives_way_to, proposals
from missions.sortie import is_flying
from missions.volumes import Intent, Rank, done_after, homeward, intent_of, rescheduled
from telemetry.messages import VehicleState

MOST_SORTIES = 1_000
MOST_PLANNED = 2_000
# A vehicle that is held may stay for so long before it is looked at again; checks are made far more often.
LONGEST_HOLD_S = 600.0
# Before take-off a sortie may still wait for its vehicle: uploads, checks, spool-up.
PREPARATION_S = 120.0
_GOING_HOME = (SortieState.RETURNING, SortieState.LANDING)


class FlightStore(Protocol):
    """What the schedule is made from."""

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]: ...

    async def revisions(self, wanted: Sequence[tuple[MissionId, int]]) -> Sequence[Revision]: ...

    async def newest_revisions(self, *, limit: int) -> Sequence[Revision]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What speaks against a flight: `blocking` go first and `yielding` give way to it; and what would be free."""

    intent: Intent
    blocking: tuple[Overlap, ...] = ()
    yielding: tuple[Overlap, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """One for each flight that goes first, for a MissionConflict."""
        return tuple(conflict_of(each) for each in self.blocking)


class Deconfliction:
    """Keeps volumes of stored revisions, which are immutable, from one question to the next; bounded by what is asked
    for: what no sortie or planned mission needs any more is forgotten."""

    def __init__(self, store: FlightStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._planned: dict[tuple[MissionId, int, datetime], Intent] = {}

    async def schedule(self, vehicles: Mapping[VehicleId, VehicleState]) -> Schedule:
        """All flights, planned and in the air, as they are now."""
        now = self._clock.now()
        sorties = await self._store.sorties(limit=MOST_SORTIES, unfinished_only=True)
        keys = list(dict.fromkeys((sortie.mission_id, sortie.revision) for sortie in sorties))
        known = {(each.mission_id, each.revision): each for each in await self._store.revisions(keys)}
        flown = [
            sortie_intent(sortie, known[sortie.mission_id, sortie.revision], vehicles.get(sortie.vehicle_id), now)
            for sortie in sorties
            if (sortie.mission_id, sortie.revision) in known
        ]
        newest = await self._store.newest_revisions(limit=MOST_PLANNED)
        planned = self._remembered([each for each in newest if (each.mission_id, each.revision) not in known], now)
        return Schedule([*(each for each in flown if each), *planned])

    def _remembered(self, revisions: Sequence[Revision], now: datetime) -> Iterator[Intent]:
        """The intents of planned missions that are still to come; only new ones are computed."""
        kept = {}
        for revision in revisions:
            departs_at = revision.request.departs_at
            if departs_at is None or departs_at + timedelta(seconds=PREPARATION_S) < now:
                continue
            if not revision.plan.waypoints:
                continue
            key = (revision.mission_id, revision.revision, departs_at)
            kept[key] = self._planned.get(key) or mission_intent(revision, departs_at)
        self._planned = kept
        yield from kept.values()


def judged(schedule: Schedule, intent: Intent, revision: Revision, options: Options | None = None) -> Verdict:
    """What stands against a flight, and, when it is the one that gives way, what it can do instead."""
    overlaps = schedule.conflicts(intent)
    blocking = gives_way_to(intent, overlaps)
    yielding = tuple(each for each in overlaps if each not in blocking)
    if not blocking:
        return Verdict(intent, yielding=yielding)
    options = options or Options(revision.request.alt_m)

    def timed(plan: Plan) -> Intent:
        return intent_of(plan, intent.departs_at, id=intent.id, rank=intent.rank, name=intent.name)

    return Verdict(intent, blocking, yielding, proposals(schedule, intent, options, timed))


def mission_intent(revision: Revision, departs_at: datetime, *, emergency: bool = False) -> Intent:
    """What a planned mission will take; it was accepted when its revision was made."""
    rank = Rank(airborne=False, emergency=emergency, accepted_at=revision.created_at)
    return intent_of(revision.plan, departs_at, id=str(revision.mission_id), name=revision.request.name, rank=rank)


def sortie_intent(sortie: Sortie, revision: Revision, vehicle: VehicleState | None, now: datetime) -> Intent | None:
    """What a sortie still takes: planned before take-off, then moved by how early or late it really is.

    None when its plan goes nowhere.
    """
    plan = revision.plan
    if not plan.waypoints:
        return None
    flying = is_flying(sortie.state)
    rank = Rank(airborne=flying, emergency=False, accepted_at=sortie.created_at)
    if not flying:
        departs_at = max(now, revision.request.departs_at or now)
        return intent_of(plan, departs_at, id=str(sortie.id), name=sortie.mission_name, rank=rank)
    took_off_at = next((step.at for step in sortie.transitions if step.to_state is SortieState.TAKING_OFF), now)
    intent = intent_of(plan, took_off_at, id=str(sortie.id), name=sortie.mission_name, rank=rank)
    if sortie.state in _GOING_HOME and vehicle and vehicle.lat_deg is not None and vehicle.lon_deg is not None:
        place = LatLon(vehicle.lat_deg, vehicle.lon_deg)
        return homeward(plan, intent, place, max(0.0, vehicle.alt_rel_m or 0.0), now)
    reached = min(sortie.waypoints_reached, len(plan.waypoints))
    hold_s = LONGEST_HOLD_S if sortie.state is SortieState.PAUSED else 0.0
    return rescheduled(intent, now, done_after(plan, reached), may_wait_s=hold_s)


def conflict_of(overlap: Overlap) -> Conflict:
    """An overlap as a reason against a plan: who else is there, when, how near, between which altitudes."""
    low_m = max(overlap.mine.low_amsl_m, overlap.theirs.low_amsl_m)
    high_m = min(overlap.mine.high_amsl_m, overlap.theirs.high_amsl_m)
    detail = (
        f"Between {overlap.from_at:%H:%M:%S} and {overlap.until_at:%H:%M:%S} UTC the flight may come within "
        f"{overlap.horizontal_m:.0f} m of {overlap.other.name}, {overlap.vertical_m:.0f} m above or below it "
        f"({low_m:.0f} to {high_m:.0f} m AMSL); it needs {overlap.horizontal_needed_m:.0f} m or "
        f"{overlap.vertical_needed_m:.0f} m."
    )
    feature = volume_feature(overlap.theirs)
    return Conflict(
        "flight-conflict", detail, "/properties/departs_at", leg=overlap.mine.leg, geometry=feature["geometry"]
    )
