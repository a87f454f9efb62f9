"""One sortie from launch to landing: checked, uploaded, read back, armed, followed; found again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from core.clock import Clock
from core.errors import BailuError, FieldError, IllegalTransition, InvalidRequest, VehicleBusy
from core.geo import LatLon, ground_distance_m
from core.ids import DiversionId, OperatorId
from missions.manoeuvre import Diversion, DiversionState, behind, step
from missions.model import (
    BreakPoint,
    CommandKind,
    Onboard,
    Plan,
    Revision,
    Sortie,
    SortieState,
)
from missions.ports import Store
from missions.sortie import BEFORE_FLIGHT, is_flying
from telemetry.attribution import Attribution, shows
from telemetry.commands import ALLOWED_FROM, MODE_OF, RESULT_OF, RETURN_OF, SAFETY, UNQUEUED, set_mode
from telemetry.custody import keep_custody
from telemetry.diverting import Current, Diverter
from telemetry.estimates import progress
from telemetry.launch import Launch
from telemetry.logbook import GATEWAY, Logbook, Publish
from telemetry.messages import Landed, LinkState, SortieProgress
from telemetry.packets import (
    ExtendedSysState,
    GlobalPosition,
    Heartbeat,
    Inbound,
    MissionCurrent,
    MissionItemReached,
    Mode,
    RcChannels,
    StatusText,
)
from telemetry.progress import Flown, observe, reached, waypoint_seqs
from telemetry.reattaching import Loaded, recorded, verified
from telemetry.recorder import Recorder
from telemetry.resuming import off_leg
from telemetry.speed import Speed
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")

# A vehicle that was in the air and is silent for longer than any battery lasts will not be heard again.
_LOST_AFTER_S = 3600.0
_HOLDS = frozenset({CommandKind.PAUSE, CommandKind.HOLD})
# Commands after which nothing may be loaded any more.
_ENDS_DIVERTING = _HOLDS | {CommandKind.RETURN, CommandKind.LAND}
_ON_WAY = frozenset({SortieState.ON_MISSION, SortieState.DIVERTED})
_PAUSED_WITHIN_S = 5.0
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
# How long a command waits for a flight that is just being found again.
_FOUND_WITHIN_S = 3.0


class Flight:
    """Owns one sortie's row while it is unfinished: observation, commands and recording meet here.

    `flies` is told of each plan that the vehicle flies from then on. `is_beating`: whether our heartbeats go out.
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
        flies: Callable[[Plan], None] = lambda _: None,
        is_beating: Callable[[], bool] = lambda: True,
    ) -> None:
        self.vehicle = vehicle
        self._clock = clock
        self._store = store
        self._flies = flies
        self._own = revision.plan
        self._logbook = Logbook(sortie, store=store, publish=publish, clock=clock)
        self._launch = Launch(
            vehicle, self._own, self._logbook, journal=store, airspaces=store, clock=clock, is_beating=is_beating
        )
        self._launching: asyncio.Task[bool] | None = None
        self._called_off: tuple[OperatorId, str] | None = None
        self._diverter = Diverter(vehicle, self._logbook, store, clock)
        self._recorder = recorder
        self._log = recorder.begin(sortie.id)
        self._since_s = clock.mono_s()
        self._found = asyncio.Event()  # it is known what the vehicle flies
        self._who = Attribution(vehicle, self._logbook, clock)
        self._speed = Speed(vehicle, self._logbook)
        self._last_place: LatLon | None = None
        self._breaches = sortie.breaches
        self._take(Loaded(revision.plan))

    def _take(self, loaded: Loaded) -> None:
        """What the vehicle flies from now on."""
        self._loaded = loaded
        self._seqs = waypoint_seqs(loaded.plan.items)
        self._reached_seq = 0
        self._speed.forget()
        self._start_pct = self.vehicle.state.battery_pct if loaded.diversion else None

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
            guard = keep_custody(self.vehicle, self._logbook, lambda: self._loaded.plan)
            task = group.create_task(guard, name=f"custody {self.sortie.id}")
            try:
                yield
            finally:
                task.cancel()

    def frame(self, frame: bytes) -> None:
        """One received frame of the vehicle, for the telemetry log."""
        self._log.frame(frame, self._recorder.now_us())

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
        before = await recorded(self._logbook, self._own, self._store)
        if before.diversion is not None:
            self._take(before)
            self._flies(before.plan)
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
            loaded = await recorded(self._logbook, self._own, self._store)
            loaded = await verified(self.vehicle, self._logbook, loaded, self._store, self._clock)
            self._take(loaded)
            self._flies(loaded.plan)
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
            if not news.full():
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
        self._who.on_heard()
        match packet:
            case MissionItemReached(seq):
                self._reached_seq = max(self._reached_seq, seq)
            case GlobalPosition():
                self._on_position()
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
        flown = Flown(
            self._seqs,
            is_diversion=self._loaded.diversion is not None,
            is_ours=self._who.is_asked(*_HOLDS) or self.sortie.state is SortieState.PAUSED,
        )
        seen = observe(self.sortie.state, self.vehicle.state, flown)
        if seen is None:
            return
        to, why = seen
        left = self.sortie.state in _ON_WAY and to not in _ON_WAY
        changes: dict[str, Any] = {"break_point": self._break_point()} if left else {}
        if to is SortieState.ON_MISSION:
            changes["break_point"] = None
        by, said, cause = self._who.caused(to, why)
        await self._logbook.advance(to, by, said, held=cause, **changes)

    def _break_point(self) -> BreakPoint | None:
        """Where its own mission is left unfinished; None when nothing of it is left, or it never was on it."""
        sortie, state = self.sortie, self.vehicle.state
        left = sortie.waypoints_reached < sortie.waypoints_total
        if not left or state.lat_deg is None or state.lon_deg is None or state.alt_rel_m is None:
            return None
        diversion = self._loaded.diversion
        if diversion is not None and diversion.resumes_at is None:
            return sortie.break_point
        waypoint = sortie.waypoints_reached
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

    def _on_position(self) -> None:
        state = self.vehicle.state
        if state.lat_deg is None or state.lon_deg is None:
            return
        place = LatLon(state.lat_deg, state.lon_deg)
        if self._last_place is not None:
            self._logbook.distance_m += ground_distance_m(self._last_place, place)
        self._last_place = place
        self.vehicle.report(self._progress())

    def _progress(self) -> SortieProgress:
        start_pct = self._start_pct if self._loaded.diversion else self.sortie.battery_start_pct
        done = reached(self._seqs, self._reached_seq, self._current_seq())
        return progress(self._loaded.plan, self.vehicle.config.airframe, self.vehicle.state, done, start_pct)

    def _current_seq(self) -> int:
        state = self.vehicle.state
        return state.mission_seq or 0 if state.mode == Mode.AUTO.name else 0

    def breached(self) -> None:
        """The fence watch saw the vehicle leave its fence; stored with the next count."""
        self._breaches += 1

    async def _count(self) -> None:
        """Waypoints behind and breaches so far; stored when they changed."""
        done: int | None = reached(self._seqs, self._reached_seq, self._current_seq())
        assert done is not None
        diversion = self._loaded.diversion
        if diversion is not None and diversion.kind is not CommandKind.REPLACE:
            done = behind(diversion, done, self.sortie.waypoints_total)
        count = max(self.sortie.waypoints_reached, done or 0)
        if (count, self._breaches) != (self.sortie.waypoints_reached, self.sortie.breaches):
            await self._logbook.change(waypoints_reached=count, breaches=self._breaches)

    async def _close(self, why: str) -> None:
        if self.sortie.state is not SortieState.LANDED:
            changes = {"break_point": self._break_point()} if self.sortie.state in _ON_WAY else {}
            await self._logbook.advance(SortieState.LANDED, "vehicle", why, **changes)
        await self._recorder.flush()
        await self._end_diversion("the flight ended")
        await self._logbook.advance(
            SortieState.CLOSED,
            "vehicle",
            why,
            landed_at=self._clock.now(),
            battery_end_pct=self.vehicle.state.battery_pct,
        )

    async def _end_diversion(self, why: str) -> None:
        diversion = self._loaded.diversion
        if diversion is None or diversion.state is not DiversionState.FLYING:
            return
        ended = step(diversion, DiversionState.ENDED, result=why, finished_at=self._clock.now())
        try:
            await self._store.save_diversion(ended)
        except BailuError as error:
            log.error("diversion %s is not stored as ended: %s", diversion.id, error)

    # --- commands ---

    async def until_found(self, kind: CommandKind) -> None:
        """Waits while the flight is being found again after a restart, a few seconds at the most.

        What stops the vehicle, brings it home or down waits for its voice alone. Raises VehicleBusy.
        """
        if self._found.is_set():
            return
        at_once = kind in SAFETY | _HOLDS
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
            await self._divert(DiversionId(str(parameters["diversion_id"])), by)
        elif kind is CommandKind.ABORT:
            self._call_off(by)
        elif kind is CommandKind.CHANGE_SPEED:
            await self._speed.change(parameters.get("speed_mps"), self._loaded.plan, self._progress())
        elif kind in MODE_OF:
            await self._change_mode(kind, by)
        else:
            raise InvalidRequest((FieldError("/parameters/diversion_id", f"is needed: {kind} is planned first"),))

    async def _change_mode(self, kind: CommandKind, by: OperatorId) -> None:
        if kind in _ENDS_DIVERTING:
            self._diverter.interrupt(str(kind))
        if kind is CommandKind.RESUME:
            await self._ready_to_resume()
        before = self.sortie.state
        self._who.asked = (by, kind)
        try:
            await set_mode(self.vehicle, self._mode_of(kind), urgent=kind in UNQUEUED)
        except BailuError:
            self._who.asked = None
            raise
        if shows(kind, before) and kind in _HOLDS:
            self._who.asked = None  # it did already: no transition will come to be explained
        if kind is CommandKind.RESUME:
            await self._speed.restore(self._loaded.plan)

    async def _ready_to_resume(self) -> None:
        """AUTO flies straight from where it is, and what is on board. Raises IllegalTransition when that is unproven.

        What it holds is loaded again first when it is not known to be its mission.
        """
        plan, seq = self._loaded.plan, self.vehicle.state.mission_seq or 1
        if self.sortie.onboard is not Onboard.VERIFIED:
            seq = self._seq_to_go_on()
        where = off_leg(plan.items, self.vehicle.state, seq)
        if where is not None:
            raise IllegalTransition(
                "sortie", self.sortie.id, f"{self.sortie.state} {where}", str(SortieState.ON_MISSION)
            )
        if self.sortie.onboard is not Onboard.VERIFIED:
            await self._diverter.put_back(plan, seq)

    def _seq_to_go_on(self) -> int:
        """The item of the present plan that it flew to last."""
        done = reached(self._seqs, self._reached_seq, 0)
        return self._seqs[min(done, len(self._seqs) - 1)]

    def _mode_of(self, kind: CommandKind) -> Mode:
        """The mode that does it; home goes the way that the plan was proven for."""
        return RETURN_OF[self._loaded.plan.returns] if kind is CommandKind.RETURN else MODE_OF[kind]

    def _call_off(self, by: OperatorId) -> None:
        if self._launching is None or self._launching.done():
            raise IllegalTransition("sortie", self.sortie.id, "being taken over", SortieState.ABORTED)
        self._called_off = (by, "called off before take-off")
        self._launching.cancel()

    # --- another plan in the air ---

    async def _divert(self, diversion_id: DiversionId, by: OperatorId) -> None:
        diversion = await self._store.diversion(diversion_id)
        if diversion.sortie_id != self.sortie.id:
            raise InvalidRequest((FieldError("/parameters/diversion_id", "belongs to another sortie"),))
        before = self._loaded.diversion
        current = Current(self._loaded.plan, self._seq_to_go_on(), before.id if before else None)

        async def hold() -> None:
            if self.sortie.state is not SortieState.PAUSED:
                await self._change_mode(CommandKind.HOLD, by)
                await self._until_paused()

        former = self._loaded
        try:
            flying = await self._diverter.execute(
                diversion, current, hold=hold, begin=lambda: self._begin(diversion, by)
            )
        except BailuError:
            if self._loaded is not former:
                self._who.asked = None
                self._take(former)
                self._flies(former.plan)
            raise
        await self._end_before(before)
        self._loaded = Loaded(flying.plan, flying)
        await self._count_anew(flying)

    def _begin(self, diversion: Diversion, by: OperatorId) -> None:
        """Just before AUTO: from now on the vehicle is read as flying the new plan."""
        self._take(Loaded(diversion.plan, diversion))
        self._flies(diversion.plan)
        self._who.asked = (by, diversion.kind)

    async def _end_before(self, before: Diversion | None) -> None:
        now = self._loaded
        self._loaded = Loaded(now.plan, before)
        await self._end_diversion("another one followed")
        self._loaded = now

    async def _count_anew(self, flying: Diversion) -> None:
        sortie = self.sortie
        if flying.kind is CommandKind.REPLACE:
            await self._logbook.change(waypoints_total=len(flying.plan.waypoints), waypoints_reached=0)
        elif flying.resumes_at is not None and flying.resumes_at > sortie.waypoints_reached:
            skipped = sortie.waypoints_skipped + flying.resumes_at - sortie.waypoints_reached
            await self._logbook.change(waypoints_reached=flying.resumes_at, waypoints_skipped=skipped)

    async def _until_paused(self) -> None:
        """Until the record shows the hold, so that what follows is written down in its order. Raises LinkTimeout."""
        deadline_s = self._clock.mono_s() + _PAUSED_WITHIN_S
        while self.sortie.state is not SortieState.PAUSED:
            if self._clock.mono_s() > deadline_s:
                raise self.vehicle.silence("holding", 1)
            await asyncio.sleep(0.02)
