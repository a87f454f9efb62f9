"""What operators ask of a vehicle on its sortie: another mode, another speed, another plan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from core.clock import Clock
from core.errors import BailuError, FieldError, IllegalTransition, InvalidRequest
from core.ids import DiversionId, OperatorId
from missions.manoeuvre import Diversion, DiversionState, step
from missions.model import CommandKind, Onboard, SortieState
from missions.ports import Store
from telemetry.attribution import Attribution, shows
from telemetry.commands import MODE_OF, RETURN_OF, UNQUEUED, set_mode
from telemetry.diverting import Current, Diverter
from telemetry.itinerary import Itinerary
from telemetry.logbook import Logbook
from telemetry.packets import Mode
from telemetry.reattaching import Loaded
from telemetry.resuming import off_leg
from telemetry.speed import Speed
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")

HOLDS = frozenset({CommandKind.PAUSE, CommandKind.HOLD})
# Commands after which nothing may be loaded any more.
_ENDS_DIVERTING = HOLDS | {CommandKind.RETURN, CommandKind.LAND}
_PAUSED_WITHIN_S = 5.0


class Steering:
    """The hands of one flight; what comes of them is seen and written down by the flight itself."""

    def __init__(
        self,
        vehicle: Vehicle,
        logbook: Logbook,
        itinerary: Itinerary,
        who: Attribution,
        *,
        store: Store,
        clock: Clock,
    ) -> None:
        self._vehicle = vehicle
        self._logbook = logbook
        self._itinerary = itinerary
        self._who = who
        self._store = store
        self._clock = clock
        self._diverter = Diverter(vehicle, logbook, store, clock)
        self._speed = Speed(vehicle, logbook)

    # --- on the present plan ---

    async def carry_out(self, kind: CommandKind, by: OperatorId, parameters: Mapping[str, Any]) -> None:
        """Changes mode or speed and returns when the vehicle shows it.

        Raises IllegalTransition, InvalidRequest, VehicleRejected, LinkTimeout.
        """
        if kind is CommandKind.CHANGE_SPEED:
            told = self._itinerary.progress(self._logbook.sortie)
            await self._speed.change(parameters.get("speed_mps"), self._itinerary.plan, told)
        elif kind in MODE_OF:
            await self._change_mode(kind, by)
        else:
            raise InvalidRequest((FieldError("/parameters/diversion_id", f"is needed: {kind} is planned first"),))

    async def _change_mode(self, kind: CommandKind, by: OperatorId) -> None:
        if kind in _ENDS_DIVERTING:
            self._diverter.interrupt(str(kind))
        if kind is CommandKind.RESUME:
            await self._ready_to_resume()
        before = self._logbook.sortie.state
        self._who.asked = (by, kind)
        try:
            await set_mode(self._vehicle, self._mode_of(kind), urgent=kind in UNQUEUED)
        except BailuError:
            self._who.asked = None
            raise
        if shows(kind, before) and kind in HOLDS:
            self._who.asked = None  # it did already: no transition will come to be explained
        if kind is CommandKind.RESUME:
            await self._speed.restore(self._itinerary.plan)

    def _mode_of(self, kind: CommandKind) -> Mode:
        """The mode that does it; home goes the way that the plan was proven for."""
        return RETURN_OF[self._itinerary.plan.returns] if kind is CommandKind.RETURN else MODE_OF[kind]

    async def _ready_to_resume(self) -> None:
        """AUTO flies straight from where it is, and what is on board. Raises IllegalTransition when that is unproven.

        What it holds is loaded again first when it is not known to be its mission.
        """
        sortie, plan = self._logbook.sortie, self._itinerary.plan
        is_known = sortie.onboard is Onboard.VERIFIED
        seq = self._vehicle.state.mission_seq or 1 if is_known else self._itinerary.seq_to_go_on(sortie)
        where = off_leg(plan.items, self._vehicle.state, seq)
        if where is not None:
            raise IllegalTransition("sortie", sortie.id, f"{sortie.state} {where}", str(SortieState.ON_MISSION))
        if not is_known:
            await self._diverter.put_back(plan, seq)

    # --- another plan in the air ---

    async def divert(self, diversion_id: DiversionId, by: OperatorId) -> None:
        """Loads and flies a stored diversion. Raises InvalidRequest, DiversionFailed and what a command raises."""
        diversion = await self._store.diversion(diversion_id)
        if diversion.sortie_id != self._logbook.sortie.id:
            raise InvalidRequest((FieldError("/parameters/diversion_id", "belongs to another sortie"),))
        former = self._itinerary.loaded
        before = former.diversion
        seq = 0  # of the former plan, to go on with

        async def hold() -> Current:
            nonlocal seq
            if self._logbook.sortie.state is not SortieState.PAUSED:
                await self._change_mode(CommandKind.HOLD, by)
                await self._until_paused()
            seq = self._itinerary.seq_to_go_on(self._logbook.sortie)
            return Current(former.plan, seq, before.id if before else None)

        def begin() -> None:
            """Just before AUTO: from now on the vehicle is read as flying the new plan."""
            self.take(Loaded(diversion.plan, diversion))
            self._who.asked = (by, diversion.kind)

        try:
            flying = await self._diverter.execute(diversion, hold=hold, begin=begin)
        except BailuError:
            if self._itinerary.loaded is not former:
                self._who.asked = None
                self.take(former)
                self._itinerary.on_reached(seq - 1)
            raise
        self._itinerary.loaded = Loaded(flying.plan, flying)
        await self._ended(before, "another one followed")

    def take(self, loaded: Loaded) -> None:
        """The vehicle flies this from now on, at its own speed."""
        self._itinerary.take(loaded)
        self._speed.forget()

    async def end_diversion(self, why: str) -> None:
        """What it flies besides its own mission is over."""
        await self._ended(self._itinerary.loaded.diversion, why)

    async def _ended(self, diversion: Diversion | None, why: str) -> None:
        if diversion is None or diversion.state is not DiversionState.FLYING:
            return
        ended = step(diversion, DiversionState.ENDED, result=why, finished_at=self._clock.now())
        try:
            await self._store.save_diversion(ended)
        except BailuError as error:
            log.error("diversion %s is not stored as ended: %s", diversion.id, error)

    async def _until_paused(self) -> None:
        """Until the record shows the hold, so that what follows is written down in its order. Raises LinkTimeout."""
        deadline_s = self._clock.mono_s() + _PAUSED_WITHIN_S
        while self._logbook.sortie.state is not SortieState.PAUSED:
            if self._clock.mono_s() > deadline_s:
                raise self._vehicle.silence("holding", 1)
            await asyncio.sleep(0.02)
