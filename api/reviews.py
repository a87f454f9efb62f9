"""Reviewing missions for airspace versions: those in the air first, within a second, all planned ones after them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from api.planning import Planner
from api.review_news import reviewed
from core.bus import Bus
from core.clock import Clock
from core.errors import NotFound, Overloaded
from core.geo import LatLon
from core.ids import DockId, VehicleId
from geofence.publication import AirspaceSummary, schedule
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Airframe, Dock, Plan, Revision, Sortie
from missions.ports import AirspaceStore, DiversionStore, ReviewStore, SortieStore
from missions.review import FlightInReview, InAir, ReviewTask
from missions.verdicts import AirspaceReview, extended
from telemetry.messages import (
    AIRSPACE_REVIEWED,
    FLEET_EVENT,
    FleetEvent,
    VehicleState,
)

log = logging.getLogger(__name__)

# Of the second in which a dispatcher has to know, what new ways in the air may take.
BUDGET_S = 0.4
# What the new ways may take that the first look had no time for; half of the worker's deadline.
LATER_BUDGET_S = 10.0
MOST_SORTIES = 1_000
# Planned missions looked at, the newest; and how many in one go, between which one in the air has precedence.
MOST_PLANNED = 500
PLANNED_AT_ONCE = 50
# Versions that may wait to be reviewed, and versions read to compare with.
MOST_ASKED = 16
MOST_BEFORE = 6
ATTEMPTS = 5
RETRY_S = 1.0
LONGEST_REST_S = 3_600.0


class ReviewerStore(AirspaceStore, ReviewStore, SortieStore, DiversionStore, Protocol):
    """What a reviewer reads and writes."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a reviewer knows of vehicles, docks and the ground."""

    vehicles: Callable[[], Sequence[VehicleState]]
    docks: Mapping[DockId, Dock]
    airframe_at: Callable[[str], Airframe]
    terrain: Terrain


@dataclass(slots=True)
class _Backlog:
    """What is left of one review: chunks of flights, and what was found so far."""

    review: AirspaceReview
    after: Airspace
    started_s: float
    chunks: deque[tuple[FlightInReview, ...]]
    attempts: int = 0


@dataclass(slots=True)
class _Reign:
    """From when and until when a version is in force; None: open."""

    starts_at: datetime | None
    ends_at: datetime | None

    def part_of(self, start: datetime, end: datetime) -> TimeWindow | None:
        """What of a flight it concerns."""
        first = max(start, self.starts_at) if self.starts_at else start
        if first > end or (self.ends_at is not None and first >= self.ends_at):
            return None
        return TimeWindow(first, end)


@dataclass(slots=True)
class Reviewer:
    """Reviews one version after the other. `ask` never waits; beyond `MOST_ASKED` the oldest question is dropped.

    A version is reviewed when it is published, and again when it comes into force if it was published ahead.
    """

    store: ReviewerStore
    clock: Clock
    bus: Bus
    planner: Planner
    fleet: Fleet
    drops: Counter[str] = field(default_factory=Counter)
    _asked: deque[int] = field(default_factory=deque)
    _backlog: deque[_Backlog] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _in_force: int = 0

    def ask(self, version: AirspaceSummary) -> None:
        """Has a version reviewed soon."""
        if version.version in self._asked:
            return
        if len(self._asked) >= MOST_ASKED:
            self.drops["airspace reviews, too many at once"] += 1
            log.warning("airspace version %d is not reviewed: newer ones wait", self._asked.popleft())
        self._asked.append(version.version)
        self._wake.set()

    async def run(self) -> None:
        """Reviews for ever."""
        await self._catch_up()
        while True:
            if self._asked:
                await self._tried(self._asked.popleft())
            elif self._backlog:
                await self._go_on(self._backlog[0])
            else:
                await self._rest()

    async def _catch_up(self) -> None:
        """Asks for what an earlier process left undone."""
        for version in schedule(await self.store.airspace_versions(), self.clock.now()):
            self._in_force = self._in_force or version.version
            try:
                done = (await self.store.review(version.version)).complete
            except NotFound:
                done = False
            if not done:
                self.ask(version)

    async def _rest(self) -> None:
        """Waits for a question or for another version to come into force."""
        now = self.clock.now()
        coming = schedule(await self.store.airspace_versions(), now)
        if coming and coming[0].version != self._in_force:
            self._in_force = coming[0].version
            self.ask(coming[0])
            return
        wait_s = LONGEST_REST_S
        if len(coming) > 1 and coming[1].starts_at is not None:
            wait_s = min(wait_s, (coming[1].starts_at - now).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        self._wake.clear()

    async def _tried(self, version: int) -> None:
        """The sorties of one review, tried a few times while the platform is overloaded."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._begin(version)
            except Overloaded as error:
                log.warning("airspace version %d: review %d failed: %s", version, attempt, error)
                await asyncio.sleep(RETRY_S)
            else:
                return
        self._warn("critical", f"Missions could not be reviewed for airspace version {version}.")

    async def _begin(self, version: int) -> None:
        """Looks at the sorties, tells, and notes the rest."""
        started_s = self.clock.mono_s()
        after = await self.store.airspace(version)
        reign = await self._reign(version)
        if reign is not None and (reign.starts_at is None or reign.starts_at <= self.clock.now()):
            self._in_force = version
        sorties = await self.store.sorties(limit=MOST_SORTIES, unfinished_only=True)
        flown = await self._flown(sorties, reign) if reign is not None else ()
        looked = await self.planner.review(await self._task(flown, after), BUDGET_S)
        review = AirspaceReview(
            version=version,
            reviewed_at=self.clock.now(),
            missions_checked=0,
            sorties_checked=len(sorties),
            left_out=0,
            took_s=self.clock.mono_s() - started_s,
            complete=False,
            failing=looked.failing,
        )
        await self._tell(review)
        planned, left_out = await self._planned(sorties, reign) if reign is not None else ((), 0)
        chunks = deque(planned[n : n + PLANNED_AT_ONCE] for n in range(0, len(planned), PLANNED_AT_ONCE))
        chunks.extendleft((flown[number],) for number in reversed(looked.waiting))
        review = replace(review, left_out=left_out)
        self._backlog.append(_Backlog(review, after, started_s, chunks))

    async def _go_on(self, backlog: _Backlog) -> None:
        """One chunk of what is left of a review; the last one completes it."""
        try:
            if backlog.chunks:
                task = await self._task(backlog.chunks[0], backlog.after)
                looked = await self.planner.review(task, LATER_BUDGET_S)
                chunk = backlog.chunks.popleft()
                planned = sum(1 for each in chunk if each.air is None)
                backlog.review = extended(backlog.review, looked.failing, planned)
            if not backlog.chunks:
                took_s = self.clock.mono_s() - backlog.started_s
                await self._tell(replace(backlog.review, complete=True, took_s=took_s, reviewed_at=self.clock.now()))
                self._backlog.remove(backlog)
        except Overloaded as error:
            log.warning("airspace version %d: review goes on later: %s", backlog.review.version, error)
            backlog.attempts += 1
            if backlog.attempts >= ATTEMPTS:
                self._backlog.remove(backlog)
                version = backlog.review.version
                self._warn("warning", f"Not all planned missions were reviewed for airspace version {version}.")
            await asyncio.sleep(RETRY_S)

    # --- what is looked at ----------------------------------------------------------------------------------------

    async def _reign(self, version: int) -> _Reign | None:
        """When the version is in force, now or later; None: never any more."""
        coming = schedule(await self.store.airspace_versions(), self.clock.now())
        for number, each in enumerate(coming):
            if each.version == version:
                return _Reign(each.starts_at, coming[number + 1].starts_at if number + 1 < len(coming) else None)
        return None

    async def _flown(self, sorties: Sequence[Sortie], reign: _Reign) -> tuple[FlightInReview, ...]:
        """The sorties that the version concerns, each with its revision and where its vehicle is.

        What was diverted counts with the plan that it flies, in its revision's place.
        """
        keys = list(dict.fromkeys((sortie.mission_id, sortie.revision) for sortie in sorties))
        known = {(each.mission_id, each.revision): each for each in await self.store.revisions(keys)}
        states = {state.vehicle_id: state for state in self.fleet.vehicles()}
        now = self.clock.now()
        found = []
        for sortie in sorties:
            revision = known.get((sortie.mission_id, sortie.revision))
            if revision is not None and sortie.diversion_id is not None:
                revision = replace(revision, plan=(await self.store.diversion(sortie.diversion_id)).plan)
            window = reign.part_of(now, now + _duration(revision.plan)) if revision else None
            if revision is not None and window is not None:
                state = states.get(sortie.vehicle_id)
                airframe = AIRFRAMES.get(state.airframe, default_airframe()) if state else default_airframe()
                dock = self._dock(revision)
                found.append(FlightInReview(revision, dock, airframe, window, _in_air(sortie, state)))
        return tuple(found)

    async def _planned(self, sorties: Sequence[Sortie], reign: _Reign) -> tuple[tuple[FlightInReview, ...], int]:
        """The newest planned missions that the version concerns and nobody flies now, and how many were left out."""
        flying = {(sortie.mission_id, sortie.revision) for sortie in sorties}
        now = self.clock.now()
        found = []
        for revision in await self.store.newest_revisions(limit=MOST_PLANNED):
            departs_at = revision.request.departs_at or max(now, reign.starts_at or now)
            window = reign.part_of(departs_at, departs_at + _duration(revision.plan))
            is_over = departs_at + _duration(revision.plan) < now
            if window is not None and not is_over and (revision.mission_id, revision.revision) not in flying:
                dock = self._dock(revision)
                found.append(FlightInReview(revision, dock, self.fleet.airframe_at(dock.id), window))
        left_out = max(0, await self.store.mission_count() - MOST_PLANNED)
        return tuple(found), left_out

    async def _task(self, flights: Sequence[FlightInReview], after: Airspace) -> ReviewTask:
        """The flights with the versions that most of their plans were made against."""
        made_against = Counter(each.revision.plan.airspace_version for each in flights)
        before = [await self.store.airspace(version) for version, _ in made_against.most_common(MOST_BEFORE)]
        return ReviewTask(tuple(flights), after, tuple(before), self.fleet.terrain)

    def _dock(self, revision: Revision) -> Dock:
        """The dock of a mission; one that is gone as the plan remembers it."""
        plan, dock_id = revision.plan, revision.request.dock_id
        ground_m = plan.home_amsl_m - plan.home_agl_m
        return self.fleet.docks.get(dock_id) or Dock(dock_id, dock_id, dock_id, plan.home, ground_m, plan.home_agl_m)

    # --- what is told ---------------------------------------------------------------------------------------------

    async def _tell(self, review: AirspaceReview) -> None:
        """Stores what is known of a review, then tells everybody."""
        await self.store.save_review(review)
        news = reviewed(review)
        self.bus.publish(AIRSPACE_REVIEWED, news)
        if news.severity != "info":
            self._warn(news.severity, news.text)

    def _warn(self, severity: str, text: str) -> None:
        self.bus.publish(FLEET_EVENT, FleetEvent(self.clock.now(), severity, "airspace-review", text))


def _duration(plan: Plan) -> timedelta:
    return timedelta(seconds=max(plan.duration_s, plan.duration_p95_s))


def _in_air(sortie: Sortie, state: VehicleState | None) -> InAir:
    place = alt_rel_m = battery_pct = None
    if state is not None and state.lat_deg is not None and state.lon_deg is not None:
        place, alt_rel_m, battery_pct = LatLon(state.lat_deg, state.lon_deg), state.alt_rel_m, state.battery_pct
    reached = sortie.waypoints_reached
    if sortie.diversion_id is not None:  # the record counts its own mission's; of another plan only the vehicle knows
        reached = state.progress.waypoints_reached if state is not None and state.progress is not None else 0
    return InAir(sortie.id, VehicleId(sortie.vehicle_id), sortie.state, reached, place, alt_rel_m, battery_pct)


@asynccontextmanager
async def running_reviewer(reviewer: Reviewer) -> AsyncIterator[None]:
    """Lets `reviewer` work while the context is open."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(reviewer.run(), name="airspace-reviews")
        try:
            yield
        finally:
            task.cancel()
