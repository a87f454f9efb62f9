"""Replacing the mission of a vehicle in the air: hold, load, read back, start; whatever fails leaves it holding."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.clock import Clock
from core.errors import BailuError, DiversionFailed, MissionConflict, PreflightCheck, PreflightFailed
from core.geo import LatLon, ground_distance_m
from core.ids import DiversionId
from missions.diversion import BEGINS_WITHIN_M, begins_here
from missions.manoeuvre import Diversion, DiversionState, counted_anew, step
from missions.model import Onboard, Plan
from missions.ports import AirspaceStore, DiversionStore
from telemetry.commands import set_mode
from telemetry.logbook import Logbook
from telemetry.messages import VehicleState
from telemetry.onboard import first_nav_seq, load_in_flight, point_at
from telemetry.packets import Mode
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")

# Slower than this it hovers; wind and a GPS make it drift so much.
_STILL_MPS = 0.7
_STILL_WITHIN_S = 20.0
_MIXED = "Do not fly what it holds: it may be a part of a mission. Resuming loads its mission again first."


class DiversionBook(DiversionStore, AirspaceStore, Protocol):
    """What executing a diversion needs of a store."""


@dataclass(frozen=True, slots=True)
class Current:
    """What the vehicle flies until then, and the item that it would go on with."""

    plan: Plan
    seq: int
    diversion_id: DiversionId | None = None


class Diverter:
    """Executes one diversion at a time for one flight; a safety command interrupts it at any moment."""

    def __init__(self, vehicle: Vehicle, logbook: Logbook, store: DiversionBook, clock: Clock) -> None:
        self._vehicle = vehicle
        self._logbook = logbook
        self._store = store
        self._clock = clock
        self._work: asyncio.Task[None] | None = None
        self._interrupted_by = ""

    def interrupt(self, why: str) -> None:
        """Nothing more is sent for a diversion from now on; it is told as failed."""
        if self._work is not None and not self._work.done():
            self._interrupted_by = why
            self._work.cancel()

    async def execute(
        self,
        diversion: Diversion,
        *,
        hold: Callable[[], Awaitable[Current]],
        begin: Callable[[], None],
    ) -> Diversion:
        """The diversion, flying. `hold` makes the vehicle hold, and then knows how far it came; `begin` is called
        just before AUTO is asked for.

        Raises DiversionFailed, and before anything was sent IllegalTransition, MissionConflict and PreflightFailed.
        """
        await self._refuse_outdated(diversion)
        begun = self._clock.now()
        current = await hold()
        await self._be_there(diversion)
        loading = step(diversion, DiversionState.LOADING, started_at=begun)
        await self._store.save_diversion(loading)
        try:
            await self._interruptible(self._replaced(loading, begin))
        except _Interrupted:
            why = f"A command to {self._interrupted_by} came first."
            await self._left_mixed(loading, current, why)
            raise DiversionFailed(self._vehicle.id, loading.kind, f"{why} {_MIXED}") from None
        except BailuError as error:
            await self._roll_back(loading, current, error)
        flying = step(loading, DiversionState.FLYING, result="read back, equal, started")
        # Counted first: what a stop leaves as loading is settled by what is on board, and counted again.
        if changes := counted_anew(flying, self._logbook.sortie):
            await self._logbook.change(**changes)
        await self._save(flying)
        return flying

    async def put_back(self, plan: Plan, seq: int) -> None:
        """Loads `plan` again, the pointer at `seq`, for a vehicle that holds something that is not known.

        Raises what loading raises, and DiversionFailed when a safety command came first.
        """
        try:
            await self._interruptible(self._restored(plan, seq))
        except _Interrupted:
            await self._logbook.change(onboard=Onboard.MIXED)
            why = f"A command to {self._interrupted_by} came first."
            raise DiversionFailed(self._vehicle.id, "resume", f"{why} {_MIXED}") from None

    # --- before anything is sent ---

    async def _refuse_outdated(self, diversion: Diversion) -> None:
        """A preview that is no longer proven is not flown."""
        plan, now = diversion.plan, self._clock.now()
        if plan.conflicts or plan.fence is None or plan.proof is None or not plan.proof.valid:
            raise MissionConflict(plan.conflicts)
        in_force = (await self._store.airspace_at(now)).version
        if plan.proof.airspace_version != in_force or not plan.proof.holds_from <= now <= plan.proof.holds_until:
            said = f"its proof is about airspace version {plan.proof.airspace_version}; plan it again"
            raise PreflightFailed(self._vehicle.id, (PreflightCheck("proof", False, said),))

    async def _be_there(self, diversion: Diversion) -> None:
        """Waits until the vehicle stands still, where the plan begins. Raises PreflightFailed."""
        await self._vehicle.until(
            lambda state: (state.ground_speed_mps or 0.0) < _STILL_MPS and abs(state.climb_mps or 0.0) < _STILL_MPS,
            what="holding still",
            within_s=_STILL_WITHIN_S,
        )
        checks = (_place(self._vehicle.state, diversion.plan), _battery(self._vehicle.state, diversion.plan))
        if not all(check.ok for check in checks):
            raise PreflightFailed(self._vehicle.id, checks)

    # --- while the vehicle holds ---

    async def _replaced(self, loading: Diversion, begin: Callable[[], None]) -> None:
        plan = loading.plan
        # Written before the first byte: after a crash nobody takes what is on board for anything.
        await self._logbook.change(onboard=Onboard.LOADING)
        await load_in_flight(self._vehicle, plan)
        await self._logbook.change(
            onboard=Onboard.VERIFIED,
            diversion_id=loading.id,
            mission_hash=plan.hash,
            fence_hash=plan.fence_hash,
            rally_hash=plan.rally_hash,
        )
        await point_at(self._vehicle, first_nav_seq(plan.items))
        self._refuse_foreign_mode()
        begin()
        await set_mode(self._vehicle, Mode.AUTO)

    async def _restored(self, plan: Plan, seq: int) -> None:
        await self._logbook.change(onboard=Onboard.LOADING)
        await load_in_flight(self._vehicle, plan)
        await point_at(self._vehicle, seq)
        await self._logbook.change(
            onboard=Onboard.VERIFIED, mission_hash=plan.hash, fence_hash=plan.fence_hash, rally_hash=plan.rally_hash
        )

    def _refuse_foreign_mode(self) -> None:
        """A pilot or a failsafe that took it out of our hold is not fought. Raises DiversionFailed."""
        mode = self._vehicle.state.mode
        if mode != Mode.BRAKE.name:
            raise DiversionFailed(self._vehicle.id, "start", f"somebody put it into {mode} meanwhile")

    async def _interruptible(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` as a task that `interrupt` ends. Raises _Interrupted, and what the work raises."""
        self._interrupted_by = ""
        self._work = task = asyncio.create_task(work, name=f"diverting {self._vehicle.id}")
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            if not self._interrupted_by:
                raise
            raise _Interrupted from None
        finally:
            self._work = None

    # --- when it did not work ---

    async def _roll_back(self, loading: Diversion, current: Current, error: BailuError) -> None:
        """Puts the former mission back while the vehicle holds. Always raises DiversionFailed."""
        log.warning("vehicle %s: diversion %s failed: %s", self._vehicle.id, loading.id, error.detail)
        why = await self._not_put_back(current)
        if why:
            await self._left_mixed(loading, current, f"{error.detail} Its former mission was not put back: {why}")
            raise DiversionFailed(self._vehicle.id, loading.kind, f"{error.detail} {_MIXED}") from error
        await self._logbook.change(diversion_id=current.diversion_id)
        said = f"{error.detail} Its former mission was put back and read back; the vehicle holds."
        await self._fail(loading, said)
        self._logbook.event("warning", "diversion-failed", f"The {loading.kind} was not flown: {said}")
        raise DiversionFailed(self._vehicle.id, loading.kind, said) from error

    async def _not_put_back(self, current: Current) -> str:
        """Why the former mission could not be put back; "" when it was."""
        try:
            if self._vehicle.state.mode == Mode.AUTO.name:
                # It began what was read back and equal after all, and nobody could confirm it in time.
                await set_mode(self._vehicle, Mode.BRAKE)
            self._refuse_foreign_mode()
            await self._interruptible(self._restored(current.plan, current.seq))
        except _Interrupted:
            return f"a command to {self._interrupted_by} came first."
        except BailuError as error:
            return error.detail
        return ""

    async def _left_mixed(self, loading: Diversion, current: Current, why: str) -> None:
        await self._logbook.change(onboard=Onboard.MIXED, diversion_id=current.diversion_id)
        await self._fail(loading, f"{why} {_MIXED}")
        self._logbook.event("critical", "mission-mixed", f"{why} {_MIXED}")

    async def _fail(self, loading: Diversion, why: str) -> None:
        now: datetime = self._clock.now()
        await self._save(step(loading, DiversionState.FAILED, result=why, finished_at=now))

    async def _save(self, diversion: Diversion) -> None:
        """The vehicle has acted by now: a store that takes nothing must not turn that into a failure."""
        try:
            await self._store.save_diversion(diversion)
        except BailuError as error:
            log.error("diversion %s is not stored as %s: %s", diversion.id, diversion.state, error)


class _Interrupted(Exception):
    """A safety command ended the work."""


def _place(state: VehicleState, plan: Plan) -> PreflightCheck:
    if state.lat_deg is None or state.lon_deg is None or state.alt_rel_m is None or plan.begins_at is None:
        return PreflightCheck("place", False, "its position is not known, or the plan does not begin in the air")
    here, begins = LatLon(state.lat_deg, state.lon_deg), plan.begins_at
    away_m, above_m = ground_distance_m(here, begins.place), abs(state.alt_rel_m - begins.alt_rel_m)
    said = f"it holds {away_m:.1f} m beside and {above_m:.1f} m above or below where the plan begins"
    return PreflightCheck("place", begins_here(plan, here, state.alt_rel_m), f"{said} (limit {BEGINS_WITHIN_M:g} m)")


def _battery(state: VehicleState, plan: Plan) -> PreflightCheck:
    needed = plan.battery_to_start_pct
    if state.battery_pct is None:
        return PreflightCheck("battery", False, "the battery level is not known")
    said = f"battery {state.battery_pct:.0f} %, the plan needs {needed:.0f} % with reserve"
    return PreflightCheck("battery", state.battery_pct >= needed, said)
