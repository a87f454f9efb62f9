"""One sortie from launch to landing: checked, uploaded, read back, armed, followed; found again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from core.clock import Clock
from core.errors import IllegalTransition, VehicleBusy
from core.geo import LatLon, ground_distance_m
from core.ids import DiversionId, OperatorId
from missions.model import CommandKind, Plan, Revision, Sortie, SortieState
from missions.ports import Store
from missions.sortie import BEFORE_FLIGHT, is_flying
from telemetry.attribution import Attribution
from telemetry.commands import ALLOWED_FROM, RESULT_OF, SAFETY
from telemetry.custody import keep_custody
from telemetry.fold import is_position
from telemetry.itinerary import Itinerary
from telemetry.journal import ToldJournal
from telemetry.launch import Launch
from telemetry.logbook import GATEWAY, Logbook, Publish
from telemetry.messages import Landed, LinkState
from telemetry.packets import (
    ExtendedSysState,
    GlobalPosition,
    Heartbeat,
    Inbound,
    MissionCurrent,
    MissionItemReached,
    RcChannels,
    StatusText,
)
from telemetry.reattaching import Loaded, verified
from telemetry.recorder import Recorder
from telemetry.steering import HOLDS, Steering
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")

# A vehicle that was in the air and is silent for longer than any battery lasts will not be heard again.
_LOST_AFTER_S = 3600.0
_ON_WAY = frozenset({SortieState.ON_MISSION, SortieState.DIVERTED})
# What tells how far a flight is and who flies it.
_FOLLOWED = (
    Heartbeat,
    GlobalPosition,
    MissionCurrent,
    MissionItemReached,
    ExtendedSysState,
    RcChannels,
    StatusText,
)
# How often it is told how far a flight is, in the vehicle's time: its estimates are of seconds.
_REPORT_S = 1.0
# How long a command waits for a flight that is just being found again.
_FOUND_WITHIN_S = 3.0


class Flight:
    """Owns one sortie's row while it is unfinished: observation, commands and recording meet here.

    `loaded`: what the vehicle flies already; None: nothing but the sortie's own plan. `flies` is told of each plan
    that the vehicle flies from then on. `is_beating`: whether our heartbeats go out.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        revision: Revision,
        sortie: Sortie,
        *,
        store: Store,
        publish: Publish,
        clock: Clock,
        recorder: Recorder,
        loaded: Loaded | None = None,
        flies: Callable[[Plan], None] = lambda _: None,
        is_beating: Callable[[], bool] = lambda: True,
    ) -> None:
        self.vehicle = vehicle
        self._clock = clock
        self._store = store
        self._own = revision.plan
        self._logbook = Logbook(sortie, store=store, publish=publish, clock=clock)
        self._launch = Launch(
            vehicle,
            self._own,
            self._logbook,
            journal=ToldJournal(store, publish),
            airspaces=store,
            clock=clock,
            is_beating=is_beating,
        )
        self._launching: asyncio.Task[bool] | None = None
        self._called_off: tuple[OperatorId, str] | None = None
        self._recorder = recorder
        self._log = recorder.begin(sortie.id)
        self._since_s = clock.mono_s()
        self._found = asyncio.Event()  # it is known what the vehicle flies
        self._who = Attribution(vehicle, self._logbook, clock)
        self._itinerary = Itinerary(vehicle, revision.plan, loaded, clock=clock, flies=flies)
        self._steering = Steering(vehicle, self._logbook, self._itinerary, self._who, store=store, clock=clock)
        self._last_place: LatLon | None = None
        self._report_s = 0.0  # when it is told next how far it is
        self._breaches = sortie.breaches

    @property
    def sortie(self) -> Sortie:
        """The record as it stands now."""
        return self._logbook.sortie

    # --- the whole story ---

    async def fly(self) -> None:
        """Launches and follows until the sortie is finished; what refuses it before arming is kept in its record."""
        self._found.set()
        async with self._recording():
            if await self._launched():
                await self._follow()

    async def find_again(self) -> None:
        """Picks an unfinished sortie up after a restart, from what the vehicle itself shows."""
        async with self._recording():
            await self._reattach()
            self._found.set()
            if not self._logbook.is_finished:
                await self._follow()

    @asynccontextmanager
    async def _recording(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            guard = keep_custody(self.vehicle, self._logbook, lambda: self._itinerary.plan)
            task = group.create_task(guard, name=f"custody {self.sortie.id}")
            try:
                yield
            finally:
                task.cancel()

    def frame(self, frame: bytes) -> None:
        """One received frame of the vehicle, for the telemetry log."""
        self._log.frame(frame, self._clock.unix_us())

    async def _launched(self) -> bool:
        """Whether it took off; when it was called off instead, it stands disarmed and the sortie is over."""
        self._launching = asyncio.create_task(self._launch.run(), name=f"launch {self.sortie.id}")
        try:
            return await self._launching
        except asyncio.CancelledError:
            self._launching.cancel()
            if self._called_off is None:
                raise
        by, why = self._called_off
        if self.vehicle.state.armed and not await self._launch.stands_disarmed():
            self._logbook.event(
                "critical", "not-called-off", "It was called off too late: it flies. Return or land it."
            )
            await self._adopt_started("it was called off too late")
            return True
        await self._logbook.advance(SortieState.ABORTED, by, why)
        return False

    # --- after a restart ---

    async def _reattach(self) -> None:
        """Waits for the vehicle and decides from its own state whether the sortie still flies.

        Until it is known what is on board, the record is believed: a stop, a return and a landing wait for nothing.
        """
        log.info("sortie %s was unfinished (%s); looking for %s", self.sortie.id, self.sortie.state, self.vehicle.id)
        while not self._is_known():
            if self._is_silent():
                await self._logbook.advance(SortieState.LOST, GATEWAY, "not heard after a restart")
                return
            await asyncio.sleep(0.1)
        flew = is_flying(self.sortie.state)
        handed_over = self.sortie.state not in (SortieState.PLANNED, SortieState.APPROVED)
        if self.vehicle.state.armed and handed_over:
            if not flew:
                await self._adopt_started("found armed after a restart")
            before = self._itinerary.loaded
            self._steering.take(
                await verified(
                    self.vehicle, self._logbook, before, own=self._own, store=self._store, clock=self._clock
                )
            )
            await self._look()
        elif flew:
            await self._close("it landed while the platform was down")
        else:
            await self._logbook.advance(SortieState.REFUSED, GATEWAY, "the platform stopped before take-off")

    async def _adopt_started(self, why: str) -> None:
        """It armed in the moment that the platform stopped: bring the record up to what is true."""
        if is_flying(self.sortie.state):
            return
        path = (*BEFORE_FLIGHT[1:], SortieState.TAKING_OFF)
        for state in path[BEFORE_FLIGHT.index(self.sortie.state) :]:
            await self._logbook.advance(state, GATEWAY, why)

    def _is_known(self) -> bool:
        state = self.vehicle.snapshot()
        return (
            state.link is LinkState.LIVE
            and state.armed is not None
            and state.mission_seq is not None
            and state.landed is not Landed.UNKNOWN
        )

    def _is_silent(self) -> bool:
        """Whether the vehicle has been silent for too long; the time before this flight was looked for is not held
        against it."""
        age_s = self.vehicle.snapshot().heard_age_s
        return (self._clock.mono_s() - self._since_s if age_s is None else age_s) > _LOST_AFTER_S

    # --- in the air ---

    async def _follow(self) -> None:
        """Folds what the vehicle shows into the sortie until it is on the ground and disarmed."""
        news: asyncio.Queue[Inbound] = asyncio.Queue(maxsize=1000)

        def listen(packet: Inbound) -> None:
            self._who.on_heard()
            if isinstance(packet, GlobalPosition):
                self._on_position(packet)  # the most frequent of all: nobody needs to be woken for it
            elif not news.full():
                news.put_nowait(packet)

        self.vehicle.listen(listen, *_FOLLOWED)
        try:
            while not self._logbook.is_finished:
                try:
                    async with asyncio.timeout(1.0):
                        packet = await news.get()
                except TimeoutError:
                    await self._silence()
                    continue
                await self._on_packet(packet)
        finally:
            self.vehicle.unlisten(listen)
            self.vehicle.report(None)

    async def _silence(self) -> None:
        if self._is_silent():
            await self._logbook.advance(SortieState.LOST, GATEWAY, "not heard for too long")

    async def _on_packet(self, packet: Inbound) -> None:
        match packet:
            case MissionItemReached(seq):
                self._itinerary.on_reached(seq)
            case RcChannels(widths_us):
                self._who.on_radio(widths_us)
            case StatusText():
                await self._who.explain_late()
            case Heartbeat(armed=False):
                await self._close("it landed and disarmed")
                return
        await self._look()
        await self._count()

    async def _look(self) -> None:
        """Writes down what the vehicle shows when it is another state than the record's."""
        is_ours = self._who.is_asked(*HOLDS) or self.sortie.state is SortieState.PAUSED
        seen = self._itinerary.seen(self.sortie.state, is_ours=is_ours)
        if seen is None:
            return
        to, why = seen
        left = self.sortie.state in _ON_WAY and to not in _ON_WAY
        changes: dict[str, Any] = {"break_point": self._itinerary.break_point(self.sortie)} if left else {}
        if to is SortieState.ON_MISSION:
            changes["break_point"] = None
        by, said, cause = self._who.caused(to, why)
        await self._logbook.advance(to, by, said, held=cause, **changes)

    def _on_position(self, at: GlobalPosition) -> None:
        if not is_position(at):
            return
        place = LatLon(at.lat_deg, at.lon_deg)
        if self._last_place is not None:
            self._logbook.distance_m += ground_distance_m(self._last_place, place)
        self._last_place = place
        now_s = self._clock.mono_s()
        if now_s >= self._report_s:
            self._report_s = now_s + _REPORT_S / self.vehicle.pace
            self.vehicle.report(self._itinerary.progress(self.sortie))

    def breached(self) -> None:
        """The fence watch saw the vehicle leave its fence; stored with the next count."""
        self._breaches += 1

    async def _count(self) -> None:
        """Waypoints behind and breaches so far; stored when they changed."""
        now = {"waypoints_reached": self._itinerary.waypoints_reached(self.sortie), "breaches": self._breaches}
        # Only what is new: who waits for the store must not write over what was counted anew meanwhile.
        if changes := {name: count for name, count in now.items() if count != getattr(self.sortie, name)}:
            self._report_s = 0.0
            await self._logbook.change(**changes)

    async def _close(self, why: str) -> None:
        if self.sortie.state is not SortieState.LANDED:
            on_way = self.sortie.state in _ON_WAY
            changes = {"break_point": self._itinerary.break_point(self.sortie)} if on_way else {}
            await self._logbook.advance(SortieState.LANDED, "vehicle", why, **changes)
        await self._recorder.flush()
        await self._steering.end_diversion("the flight ended")
        await self._logbook.advance(
            SortieState.CLOSED,
            "vehicle",
            why,
            landed_at=self._clock.now(),
            battery_end_pct=self.vehicle.state.battery_pct,
        )

    # --- commands ---

    async def until_found(self, kind: CommandKind) -> None:
        """Waits while the flight is being found again after a restart, a few seconds at the most.

        What stops the vehicle, brings it home or down waits for its voice alone. Raises VehicleBusy.
        """
        if self._found.is_set():
            return
        at_once = kind in SAFETY | HOLDS
        with suppress(TimeoutError):
            async with asyncio.timeout(_FOUND_WITHIN_S):
                await (self.vehicle.heard if at_once else self._found).wait()
        if at_once:
            await self._look()
        elif not self._found.is_set():
            raise VehicleBusy(self.vehicle.id, f"sortie {self.sortie.id} is being found again after a restart")

    async def carry_out(self, kind: CommandKind, by: OperatorId, parameters: Mapping[str, Any]) -> None:
        """Does what the operator asks and returns when the vehicle shows it.

        Raises IllegalTransition when the sortie's state does not allow it, or when going on with the mission would
        leave the proven legs, InvalidRequest, DiversionFailed, VehicleRejected, LinkTimeout.
        """
        diverting = "diversion_id" in parameters
        rule = CommandKind.GOTO if diverting else kind
        if self.sortie.state not in ALLOWED_FROM.get(rule, frozenset()):
            raise IllegalTransition("sortie", self.sortie.id, self.sortie.state, RESULT_OF.get(kind, kind))
        if diverting:
            await self._steering.divert(DiversionId(str(parameters["diversion_id"])), by)
        elif kind is CommandKind.ABORT:
            self._call_off(by)
        else:
            await self._steering.carry_out(kind, by, parameters)

    def _call_off(self, by: OperatorId) -> None:
        if self._launching is None or self._launching.done():
            raise IllegalTransition("sortie", self.sortie.id, "being taken over", SortieState.ABORTED)
        self._called_off = (by, "called off before take-off")
        self._launching.cancel()
