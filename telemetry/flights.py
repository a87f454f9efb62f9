"""The sorties of a gateway's vehicles: taken over, taken up again after a stop, and what people ask of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from structlog.contextvars import bind_contextvars, bound_contextvars

from core.clock import Clock
from core.errors import IllegalTransition, StaleRevision, VehicleBusy, VehicleOffline
from core.ids import VehicleId
from missions.model import CommandRecord, Sortie, SortieState
from missions.ports import Store
from missions.sortie import is_flying
from telemetry.commands import (
    MODE_OF,
    RESULT_OF,
    SAFETY,
    UNQUEUED,
    finished,
    journalled,
    new_record,
    reconciled,
    set_mode,
)
from telemetry.flight import Flight
from telemetry.journal import ToldJournal
from telemetry.logbook import GATEWAY, Logbook, Publish
from telemetry.messages import CommandDone, LaunchAccepted, LaunchRequest, LinkState, VehicleCommand
from telemetry.metering import GatewayMeter
from telemetry.reattaching import recorded
from telemetry.recorder import Recorder
from telemetry.vehicle import Vehicle
from telemetry.watchman import Watchman

log = logging.getLogger("bailu.gateway")

# A vehicle has one command in flight, two at the most; older entries are settled.
_UNSETTLED_AT_MOST = 20


class Flights:
    """Who flies what; the tasks of flights live in the gateway's `group`."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        *,
        store: Store,
        clock: Clock,
        publish: Publish,
        recorder: Recorder,
        watchman: Watchman,
        meter: GatewayMeter,
        is_beating: Callable[[], bool],
    ) -> None:
        self._group = group
        self._store = store
        self._journal = ToldJournal(store, publish)
        self._clock = clock
        self._publish = publish
        self._recorder = recorder
        self._watchman = watchman
        self._meter = meter
        self._is_beating = is_beating
        self._aloft: dict[VehicleId, Flight] = {}
        self._left: dict[VehicleId, list[Sortie]] = {}  # unfinished at the start, not taken up yet

    def of(self, vehicle_id: VehicleId) -> Flight | None:
        """What the vehicle flies for us."""
        return self._aloft.get(vehicle_id)

    def sorties(self) -> dict[VehicleId, Sortie]:
        """The sorties of all flights as they stand now."""
        return {vehicle_id: flight.sortie for vehicle_id, flight in self._aloft.items()}

    # --- launches ---

    async def launch(self, vehicle: Vehicle, request: LaunchRequest) -> LaunchAccepted:
        """Takes a stored sortie over. Raises VehicleBusy or VehicleOffline, and then nothing has begun."""
        if vehicle.id in self._aloft:
            raise VehicleBusy(vehicle.id, f"it flies sortie {self._aloft[vehicle.id].sortie.id}")
        if vehicle.link is not LinkState.LIVE:
            raise VehicleOffline(vehicle.id, vehicle.snapshot().last_heard_at)
        if vehicle.doing is not None:
            raise VehicleBusy(vehicle.id, vehicle.doing)
        sortie = await self._store.sortie(request.sortie_id)
        flight = await self._flight(vehicle, sortie)
        self._group.create_task(self._run(flight, again=False), name=f"sortie {sortie.id}")
        return LaunchAccepted(sortie)

    async def _flight(self, vehicle: Vehicle, sortie: Sortie) -> Flight:
        revision = await self._store.revision(sortie.mission_id, sortie.revision)
        loaded = await recorded(sortie, revision.plan, self._store)
        if vehicle.id in self._aloft:
            raise VehicleBusy(vehicle.id, f"it flies sortie {self._aloft[vehicle.id].sortie.id}")
        flight = Flight(
            vehicle,
            revision,
            sortie,
            store=self._store,
            publish=self._publish,
            clock=self._clock,
            recorder=self._recorder,
            loaded=loaded,
            flies=lambda plan: self._watchman.follow(vehicle, plan),
            is_beating=self._is_beating,
        )
        self._aloft[vehicle.id] = flight
        vehicle.assign(sortie.id)
        return flight

    async def _run(self, flight: Flight, *, again: bool) -> None:
        bind_contextvars(vehicle_id=flight.vehicle.id, sortie_id=flight.sortie.id)  # of this task's log lines
        try:
            await (flight.find_again() if again else flight.fly())
        except* StaleRevision:
            # The api closes what was never handed over; whoever saved first decides, and nothing was sent.
            log.warning("sortie %s was closed by somebody else", flight.sortie.id)
        finally:
            del self._aloft[flight.vehicle.id]
            self._recorder.end(flight.sortie.id)
            flight.vehicle.assign(None)
            self._watchman.leave(flight.vehicle)

    # --- what a stop of the platform left ---

    async def remember_unfinished(self) -> None:
        """Sorties that a stop of the platform left in the air, or half launched, the newest first."""
        for sortie in await self._store.sorties(limit=1000, unfinished_only=True):
            self._left.setdefault(sortie.vehicle_id, []).append(sortie)

    async def take_up(self, vehicle: Vehicle) -> None:
        """Follows the sortie that the vehicle was left on. Of several only one can fly: what was only wanted when
        the platform stopped is over."""
        left = sorted(self._left.pop(vehicle.id, ()), key=lambda sortie: not is_flying(sortie.state))
        for sortie in left[1:]:
            await self._end(sortie)
        for sortie in left[:1]:
            flight = await self._flight(vehicle, sortie)
            self._group.create_task(self._run(flight, again=True), name=f"sortie {sortie.id} again")

    async def _end(self, sortie: Sortie) -> None:
        logbook = Logbook(sortie, store=self._store, publish=self._publish, clock=self._clock)
        over = SortieState.LOST if is_flying(sortie.state) else SortieState.REFUSED
        with suppress(StaleRevision):  # the api has closed it
            await logbook.advance(over, GATEWAY, "the platform stopped, and the vehicle is on another sortie")

    async def unsettled(self, vehicle: Vehicle) -> list[CommandRecord]:
        """Its commands that were never said to be done or failed."""
        records = await self._store.commands(vehicle.id, limit=_UNSETTLED_AT_MOST)
        return [record for record in records if record.state == "issued"]

    async def settle(self, vehicle: Vehicle, unsettled: Sequence[CommandRecord]) -> None:
        """Commands that a stop of the platform left between their first byte and their effect (promise 4)."""
        if unsettled:
            await vehicle.heard.wait()
        for record in unsettled:
            settled = reconciled(record, vehicle.snapshot(), self._clock)
            log.warning("command %s (%s) was unfinished at the last stop: %s", record.id, record.kind, settled.result)
            await finished(self._journal, settled)

    # --- commands ---

    async def command(self, vehicle: Vehicle, request: VehicleCommand) -> CommandDone:
        """Carries a command out and answers when its effect was seen."""
        with bound_contextvars(vehicle_id=vehicle.id), self._meter.command(request.kind):
            return await self._carry_out(vehicle, request)

    async def _carry_out(self, vehicle: Vehicle, request: VehicleCommand) -> CommandDone:
        flight = self._aloft.get(vehicle.id)
        sortie_id = flight.sortie.id if flight else None
        record = new_record(
            self._clock,
            vehicle.id,
            sortie_id,
            request.kind,
            request.by,
            parameters=request.parameters,
            deadline_at=request.deadline_at,
        )

        async def send() -> None:
            if flight is not None:
                await flight.until_found(request.kind)
            # One that is not heard may hear: what brings it home is tried all the same.
            if vehicle.link in (LinkState.LOST, LinkState.NEVER) and request.kind not in SAFETY:
                raise VehicleOffline(vehicle.id, vehicle.snapshot().last_heard_at)
            if request.kind in UNQUEUED:
                await self._do(vehicle, flight, request)
            else:
                with vehicle.exclusive(f"command {request.kind}"):
                    await self._do(vehicle, flight, request)

        done = await journalled(
            self._journal,
            self._clock,
            record,
            send,
            idempotency_key=request.idempotency_key,
            fail_open=request.kind in SAFETY,
        )
        return CommandDone(done)

    async def _do(self, vehicle: Vehicle, flight: Flight | None, request: VehicleCommand) -> None:
        if flight is not None:
            await flight.carry_out(request.kind, request.by, request.parameters)
        elif vehicle.state.armed and request.kind in SAFETY:
            # Flying without a sortie of ours (a pilot, another ground station): home and down stay possible.
            await set_mode(vehicle, MODE_OF[request.kind], urgent=True)
        else:
            to = str(RESULT_OF.get(request.kind, request.kind))
            raise IllegalTransition("vehicle", vehicle.id, "without a sortie", to)
