"""What a vehicle flies now, and how far it has come of it: its record read against the plan on board."""

from __future__ import annotations

from collections.abc import Callable

from core.clock import Clock
from core.geo import LatLon
from missions.manoeuvre import DiversionState, behind, flown_of
from missions.model import BreakPoint, CommandKind, Plan, Sortie, SortieState
from telemetry.estimates import progress
from telemetry.messages import SortieProgress
from telemetry.onboard import first_nav_seq
from telemetry.packets import Mode
from telemetry.progress import Flown, observe, reached, waypoint_seqs
from telemetry.reattaching import Loaded
from telemetry.vehicle import Vehicle


class Itinerary:
    """One flight's; it asks and sends nothing. `flies` is told of each plan that the vehicle flies from then on.

    `loaded`: what it flies to begin with, when that is not its `own` plan.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        own: Plan,
        loaded: Loaded | None = None,
        *,
        clock: Clock,
        flies: Callable[[Plan], None],
    ) -> None:
        self._vehicle = vehicle
        self._own = own
        self._clock = clock
        self._flies = flies
        self.take(loaded or Loaded(own))

    def take(self, loaded: Loaded) -> None:
        """What the vehicle flies from now on."""
        self.loaded = loaded
        self._seqs = waypoint_seqs(loaded.plan.items)
        self._reached_seq = 0
        self._start_pct = self._vehicle.state.battery_pct if loaded.diversion else None
        self._flies(loaded.plan)

    @property
    def plan(self) -> Plan:
        return self.loaded.plan

    def on_reached(self, seq: int) -> None:
        """The vehicle said that it reached an item."""
        self._reached_seq = max(self._reached_seq, seq)

    def seen(self, state: SortieState, *, is_ours: bool) -> tuple[SortieState, str] | None:
        """The state that the vehicle shows when it differs from `state`, with the reason. `is_ours`: so is a hold."""
        flown = Flown(self._seqs, is_diversion=self.loaded.diversion is not None, is_ours=is_ours)
        return observe(state, self._vehicle.state, flown)

    def progress(self, sortie: Sortie) -> SortieProgress:
        """How far it is of what it flies now, and with how much battery it will land."""
        start_pct = self._start_pct if self.loaded.diversion else sortie.battery_start_pct
        return progress(self.plan, self._vehicle.config.airframe, self._vehicle.state, self._done(), start_pct)

    def waypoints_reached(self, sortie: Sortie) -> int:
        """Waypoints behind, of its own mission or what replaced it; never fewer than the record has.

        A diversion counts when it is known to fly: one that fails after all must not leave waypoints behind that
        nobody flew.
        """
        done: int | None = self._done()
        diversion = self.loaded.diversion
        if diversion is not None and diversion.state is not DiversionState.FLYING:
            return sortie.waypoints_reached
        if diversion is not None and diversion.kind is not CommandKind.REPLACE:
            done = behind(diversion, self._done(), sortie.waypoints_total)
        return max(sortie.waypoints_reached, done or 0)

    def break_point(self, sortie: Sortie) -> BreakPoint | None:
        """Where its own mission is left unfinished; None when nothing of it is left, or it never was on it."""
        state, diversion = self._vehicle.state, self.loaded.diversion
        waypoint = self.waypoints_reached(sortie)  # the record may not have the last one yet
        left = waypoint < sortie.waypoints_total
        if not left or state.lat_deg is None or state.lon_deg is None or state.alt_rel_m is None:
            return None
        if diversion is not None and diversion.resumes_at is None:
            return sortie.break_point
        own_seqs = waypoint_seqs(self._own.items)
        on_board = state.mission_seq if diversion is None else None
        return BreakPoint(
            LatLon(state.lat_deg, state.lon_deg),
            state.alt_rel_m,
            waypoint,
            on_board or own_seqs[min(waypoint, len(own_seqs) - 1)],
            self._clock.now(),
            state.battery_pct,
        )

    def seq_to_go_on(self, sortie: Sortie) -> int:
        """The item of the present plan to go on with: the first waypoint that does not lie behind, or else the end.

        What the vehicle said since this was loaded counts, and what was written down before: nothing is said again
        after a restart.
        """
        diversion = self.loaded.diversion
        counted = sortie.waypoints_reached if diversion is None else flown_of(diversion, sortie)
        done = max(reached(self._seqs, self._reached_seq, 0), counted)
        if done < len(self._seqs):
            return self._seqs[done]
        return first_nav_seq(self.plan.items, after=max((self._reached_seq, *self._seqs)))

    def _done(self) -> int:
        return reached(self._seqs, self._reached_seq, self._current_seq())

    def _current_seq(self) -> int:
        state = self._vehicle.state
        return state.mission_seq or 0 if state.mode == Mode.AUTO.name else 0
