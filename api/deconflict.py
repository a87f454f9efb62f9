"""Our own flights kept apart: what is stored and what is in the air as one schedule, asked before anything is added.

Asked at planning (a mission with a time of departure), at launch, and in flight when a sortie is late or early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from api.intents import conflict_of, latest_gone, mission_intent, planned_intent, present_intent, took_off_at
from core.clock import Clock
from core.errors import Conflict, Overloaded
from core.ids import DiversionId, MissionId, SortieId, VehicleId
from missions.alternatives import gives_way_to
from missions.deconflict import Overlap, Schedule
from missions.manoeuvre import Diversion
from missions.model import Revision, Sortie
from missions.sortie import is_flying
from missions.volumes import Intent
from telemetry.messages import VehicleState

MOST_SORTIES = 1_000
MOST_PLANNED = 2_000
# Revisions that are read and measured in one go: what is asked of the store meanwhile waits no longer than for these.
AT_ONCE = 50

# How long a flight that is to be added may wait for those before it.
DECIDED_WITHIN_S = 15.0
MOST_SEARCHES = 2

Key = tuple[MissionId, int]


class FlightStore(Protocol):
    """What the schedule is made from."""

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]: ...

    async def sorties_before(self, sortie_id: SortieId) -> Sequence[Sortie]: ...

    async def revisions(self, wanted: Sequence[Key]) -> Sequence[Revision]: ...

    async def departing(self, *, after: datetime, limit: int) -> Sequence[Key]: ...

    async def diversion(self, diversion_id: DiversionId) -> Diversion: ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """All flights as they are at one time. `sorties` and `revisions` are those of the unfinished sorties, by their
    ids, which are those of their intents; the other intents are of planned missions."""

    at: datetime
    schedule: Schedule
    sorties: Mapping[str, Sortie]
    revisions: Mapping[str, Revision]

    def without(self, mission_id: MissionId, vehicle_id: VehicleId | None = None) -> Schedule:
        """The schedule of the others: without a mission's own reservation, and without what its vehicle flies."""
        schedule = self.schedule.removed(str(mission_id))
        for sortie in self.sorties.values():
            if sortie.vehicle_id == vehicle_id:
                schedule = schedule.removed(str(sortie.id))
        return schedule


@dataclass(frozen=True, slots=True)
class Verdict:
    """What speaks against a flight: `blocking` go first and `yielding` give way to it."""

    intent: Intent
    blocking: tuple[Overlap, ...] = ()
    yielding: tuple[Overlap, ...] = ()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """One for each flight that goes first, for a MissionConflict."""
        return tuple(conflict_of(each) for each in self.blocking)


def judged(schedule: Schedule, intent: Intent, first: Collection[str] = ()) -> Verdict:
    """What stands against a flight; those of the intents `first` go before it whatever their rank."""
    overlaps = schedule.conflicts(intent)
    blocking = gives_way_to(intent, overlaps)
    blocking = tuple(each for each in overlaps if each in blocking or each.other.id in first)
    return Verdict(intent, blocking, tuple(each for each in overlaps if each not in blocking))


class Deconfliction:
    """The schedule of all flights, kept from one question to the next; only what is new is read and measured.

    Bounded by what is unfinished or to come (`MOST_SORTIES`, `MOST_PLANNED` of the soonest): what no longer is, is
    forgotten. `proposing` bounds the searches for other ways to fly, each of which takes a thread for a while.
    """

    def __init__(self, store: FlightStore, clock: Clock) -> None:
        self.proposing = asyncio.Semaphore(MOST_SEARCHES)
        self._deciding = asyncio.Lock()
        self._store, self._clock = store, clock
        self._looking = asyncio.Lock()
        self._schedule = Schedule()
        self._planned: dict[Key, Intent | None] = {}
        self._flown: dict[Key, Revision] = {}
        self._diverted: dict[DiversionId, Diversion] = {}
        self._undisturbed: dict[str, Intent] = {}  # of each sortie that took off, as it was planned

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[None]:
        """One at a time, from looking at the schedule until what was decided is stored. Raises Overloaded."""
        try:
            async with asyncio.timeout(DECIDED_WITHIN_S):
                await self._deciding.acquire()
        except TimeoutError as error:
            raise Overloaded("Too many flights are being added") from error
        try:
            yield
        finally:
            self._deciding.release()

    async def traffic(self, vehicles: Sequence[VehicleState]) -> Traffic:
        """All flights, planned and in the air, as they are now."""
        async with self._looking:
            sorties = await self._store.sorties(limit=MOST_SORTIES, unfinished_only=True)
            await self._read_flown(sorties)
            await self._read_diverted(sorties)
            now = self._clock.now()
            departing = await self._store.departing(after=latest_gone(now), limit=MOST_PLANNED)
            await self._read_planned([key for key in departing if key not in self._flown])
            schedule = await asyncio.to_thread(self._scheduled, sorties, vehicles, now)
            self._schedule = schedule
        known = {str(each.id): each for each in sorties if str(each.id) in schedule.intents}
        revisions = {name: self._flying(each) for name, each in known.items()}
        return Traffic(now, schedule, known, revisions)

    async def stored_before(self, sortie: Sortie, verdict: Verdict, seen: Traffic) -> Verdict:
        """The verdict again, against sorties that other processes stored before this one, after `seen`."""
        before = await self._store.sorties_before(sortie.id)
        news = [each for each in before if str(each.id) not in seen.sorties]
        revisions = await self._store.revisions([(each.mission_id, each.revision) for each in news])
        known = {(each.mission_id, each.revision): each for each in revisions if each.plan.waypoints}
        found = [
            (each, known[each.mission_id, each.revision])
            for each in news
            if (each.mission_id, each.revision) in known
        ]
        schedule = Schedule(planned_intent(each, revision, self._clock.now()) for each, revision in found)
        return judged(schedule, verdict.intent, first=schedule.intents)

    async def _read_flown(self, sorties: Sequence[Sortie]) -> None:
        keys = list(dict.fromkeys((sortie.mission_id, sortie.revision) for sortie in sorties))
        self._flown = {key: self._flown[key] for key in keys if key in self._flown}
        for some in _parts([key for key in keys if key not in self._flown]):
            self._flown |= {(each.mission_id, each.revision): each for each in await self._store.revisions(some)}
        names = {str(name) for sortie in sorties for name in (sortie.id, sortie.diversion_id)}
        self._undisturbed = {name: intent for name, intent in self._undisturbed.items() if name in names}

    async def _read_diverted(self, sorties: Sequence[Sortie]) -> None:
        ids = [sortie.diversion_id for sortie in sorties if sortie.diversion_id is not None]
        self._diverted = {each: self._diverted[each] for each in ids if each in self._diverted}
        for each in ids:
            if each not in self._diverted:
                self._diverted[each] = await self._store.diversion(each)

    def _flying(self, sortie: Sortie) -> Revision:
        """What a sortie flies: its revision, with the plan of the diversion that replaced it in the air."""
        revision = self._flown[sortie.mission_id, sortie.revision]
        diversion = self._diverted.get(sortie.diversion_id) if sortie.diversion_id else None
        return revision if diversion is None else replace(revision, plan=diversion.plan)

    async def _read_planned(self, keys: Sequence[Key]) -> None:
        self._planned = {key: self._planned[key] for key in keys if key in self._planned}
        for some in _parts([key for key in keys if key not in self._planned]):
            revisions = await self._store.revisions(some)
            self._planned |= await asyncio.to_thread(_reservations, revisions)

    def _scheduled(self, sorties: Sequence[Sortie], vehicles: Sequence[VehicleState], now: datetime) -> Schedule:
        states = {state.vehicle_id: state for state in vehicles}
        intents = [intent for intent in self._planned.values() if intent is not None]
        for sortie in sorties:
            if (sortie.mission_id, sortie.revision) not in self._flown:
                continue
            revision, vehicle = self._flying(sortie), states.get(sortie.vehicle_id)
            if revision.plan.waypoints:
                intent = self._as_planned(sortie, revision, now)
                intents.append(present_intent(intent, sortie, revision.plan, vehicle, now))
        return self._schedule.of(intents)

    def _as_planned(self, sortie: Sortie, revision: Revision, now: datetime) -> Intent:
        diversion = self._diverted.get(sortie.diversion_id) if sortie.diversion_id else None
        # What was planned from the air is measured from its own beginning, and on its own.
        name = str(sortie.id if diversion is None else diversion.id)
        if took_off_at(sortie) is None or not is_flying(sortie.state):
            return planned_intent(sortie, revision, now)
        if name not in self._undisturbed:
            self._undisturbed[name] = planned_intent(sortie, revision, now, diversion)
        return self._undisturbed[name]


def _reservations(revisions: Sequence[Revision]) -> dict[Key, Intent | None]:
    """What planned missions take; None: nothing."""
    found: dict[Key, Intent | None] = {}
    for each in revisions:
        departs_at = each.request.departs_at
        takes = departs_at is not None and bool(each.plan.waypoints)
        found[each.mission_id, each.revision] = mission_intent(each, departs_at) if departs_at and takes else None
    return found


def _parts(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    return (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))
