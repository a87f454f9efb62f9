"""One sortie from launch to landing: checked, uploaded, read back, armed, followed; found again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from core.clock import Clock
from core.errors import BailuError, IllegalTransition
from core.geo import LatLon, ground_distance_m
from core.ids import OperatorId
from geofence.watch import Watch, WatchPoint, WatchState
from missions.items import items_hash
from missions.model import CommandKind, Revision, Sortie, SortieState, TrackPoint
from missions.ports import Store
from missions.sortie import is_flying
from telemetry.commands import ALLOWED_FROM, MODE_OF, RESULT_OF, RETURN_OF, set_mode
from telemetry.exchange import download
from telemetry.launch import Launch
from telemetry.logbook import GATEWAY, Logbook, Publish
from telemetry.messages import Landed, LinkState, VehicleState
from telemetry.packets import GlobalPosition, Heartbeat, Inbound, MissionItemReached, MissionType, Mode
from telemetry.progress import observe, reached, waypoint_seqs
from telemetry.recorder import Recorder
from telemetry.resuming import off_leg
from telemetry.vehicle import Vehicle
from telemetry.wire import Frame

log = logging.getLogger("bailu.flight")

# A vehicle that was in the air and is silent for longer than any battery lasts will not be heard again.
_LOST_AFTER_S = 3600.0


class Flight:
    """Owns one sortie's row while it is unfinished: observation, commands and recording meet here."""

    def __init__(
        self,
        vehicle: Vehicle,
        revision: Revision,
        sortie: Sortie,
        *,
        store: Store,
        publish: Publish,
        clock: Clock,
        data_dir: Path,
    ) -> None:
        self.vehicle = vehicle
        self._clock = clock
        self._logbook = Logbook(sortie, store=store, publish=publish, clock=clock)
        self._launch = Launch(vehicle, revision.plan, self._logbook, journal=store, airspaces=store, clock=clock)
        self._recorder = Recorder(sortie.id, store=store, data_dir=data_dir, clock=clock)
        self._items = revision.plan.items
        self._seqs = waypoint_seqs(revision.plan.items)
        self._returns = revision.plan.returns
        self._reached_seq = 0
        self._since_s = clock.mono_s()
        self._asked: tuple[OperatorId, CommandKind] | None = None
        self._last_place: LatLon | None = None
        self._watch = Watch(revision.plan.fence) if revision.plan.fence else None
        self._watched = WatchState()
        self._breaches = sortie.breaches

    @property
    def sortie(self) -> Sortie:
        """The record as it stands now."""
        return self._logbook.sortie

    # --- the whole story ---

    async def fly(self) -> None:
        """Launches and follows until the sortie is finished; what refuses it before arming is kept in its record."""
        async with self._recording():
            if await self._launch.run():
                await self._follow()

    async def find_again(self) -> None:
        """Picks an unfinished sortie up after a restart, from what the vehicle itself shows."""
        async with self._recording():
            await self._reattach()
            if not self._logbook.is_finished:
                await self._follow()

    @asynccontextmanager
    async def _recording(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._recorder.run(), name=f"recorder {self.sortie.id}")
            try:
                yield
            finally:
                task.cancel()

    def frame(self, frame: Frame) -> None:
        """One received frame of the vehicle, for the telemetry log."""
        self._recorder.frame(frame.raw)

    # --- after a restart ---

    async def _reattach(self) -> None:
        """Waits for the vehicle and decides from its own state whether the sortie still flies."""
        log.info("sortie %s was unfinished (%s); looking for %s", self.sortie.id, self.sortie.state, self.vehicle.id)
        while not self._is_known():
            if self._is_silent():
                await self._logbook.advance(SortieState.LOST, GATEWAY, "not heard after a restart")
                return
            await asyncio.sleep(0.1)
        flew = is_flying(self.sortie.state)
        if self.vehicle.state.armed:
            if not flew:
                await self._adopt_started()
            await self._verify_again()
        elif flew:
            await self._close("it landed while the platform was down")
        else:
            await self._logbook.advance(SortieState.REFUSED, GATEWAY, "the platform stopped before take-off")

    async def _verify_again(self) -> None:
        """Whether the vehicle still holds the plan that was approved; others may have spoken to it meanwhile."""
        try:
            held = items_hash(await download(self.vehicle, MissionType.MISSION), kind="mission")
        except BailuError as error:
            self._logbook.event(
                "warning", "reattached-unverified", f"It flies, its mission is unknown: {error.detail}"
            )
            return
        if held == self.sortie.mission_hash:
            self._logbook.event("info", "reattached", "The platform restarted and found the vehicle on its mission.")
        else:
            self._logbook.event("critical", "mission-changed", "It flies, and its mission is not the approved one.")

    async def _adopt_started(self) -> None:
        """It armed in the moment that the platform stopped: bring the record up to what is true."""
        path = (SortieState.PREFLIGHT, SortieState.UPLOADING, SortieState.READY, SortieState.TAKING_OFF)
        states = (SortieState.REQUESTED, *path)
        for state in path[states.index(self.sortie.state) :]:
            await self._logbook.advance(state, GATEWAY, "found armed after a restart")

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

        self.vehicle.listeners.append(listen)
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
            self.vehicle.listeners.remove(listen)

    async def _silence(self) -> None:
        if self._is_silent():
            await self._logbook.advance(SortieState.LOST, GATEWAY, "not heard for too long")

    async def _on_packet(self, packet: Inbound) -> None:
        match packet:
            case MissionItemReached(seq):
                self._reached_seq = max(self._reached_seq, seq)
            case GlobalPosition():
                self._on_position(packet)
            case Heartbeat(armed=False):
                await self._close("it landed and disarmed")
                return
        state = self.vehicle.state
        seen = observe(self.sortie.state, state, self._seqs)
        if seen is not None:
            await self._logbook.advance(seen[0], *self._cause(seen[0], seen[1]))
        await self._count(state)

    def _on_position(self, packet: GlobalPosition) -> None:
        state, now = self.vehicle.state, self._clock.now()
        if state.lat_deg is None or state.lon_deg is None:
            return
        place = LatLon(state.lat_deg, state.lon_deg)
        if self._last_place is not None:
            self._logbook.distance_m += ground_distance_m(self._last_place, place)
        self._last_place = place
        self._recorder.position(_track_point(now, state))
        if self._watch is not None:
            point = WatchPoint(place.lat_deg, place.lon_deg, packet.alt_rel_m)
            self._watched, events = self._watch.step(self._watched, point, self._clock.mono_s())
            for event in events:
                self._breaches += not event.ended
                self._logbook.event(
                    "info" if event.ended else "critical", "breach-end" if event.ended else "breach", event.detail
                )

    async def _count(self, state: VehicleState) -> None:
        """Waypoints behind and breaches so far; stored when they changed."""
        current = state.mission_seq or 0 if state.mode == Mode.AUTO.name else 0
        count = max(self.sortie.waypoints_reached, reached(self._seqs, self._reached_seq, current))
        if (count, self._breaches) != (self.sortie.waypoints_reached, self.sortie.breaches):
            await self._logbook.change(waypoints_reached=count, breaches=self._breaches)

    def _cause(self, to: SortieState, why: str) -> tuple[str, str]:
        """Who caused a transition: the operator who asked for it, or the vehicle itself (a pilot, a failsafe)."""
        if self._asked is not None and RESULT_OF[self._asked[1]] is to:
            operator, kind = self._asked
            self._asked = None
            return operator, f"the operator asked to {kind}"
        if to is SortieState.PAUSED:
            self._logbook.event(
                "warning", "pilot-mode", f"{why}; the platform did not ask for it and will not fight it."
            )
        texts = self.vehicle.state.last_texts
        said = f"; the autopilot says: {texts[-1]}" if to is SortieState.RETURNING and texts else ""
        return "vehicle", why + said

    async def _close(self, why: str) -> None:
        if self.sortie.state is not SortieState.LANDING:
            await self._logbook.advance(SortieState.LANDING, "vehicle", why)
        await self._recorder.flush()
        await self._logbook.advance(
            SortieState.CLOSED,
            "vehicle",
            why,
            landed_at=self._clock.now(),
            battery_end_pct=self.vehicle.state.battery_pct,
        )

    # --- commands ---

    async def carry_out(self, kind: CommandKind, by: OperatorId) -> None:
        """Does what the operator asks and returns when the vehicle shows it.

        Raises IllegalTransition when the sortie's state does not allow it, or when going on with the mission would
        leave the proven legs, VehicleRejected, LinkTimeout.
        """
        to = RESULT_OF[kind]
        if self.sortie.state not in ALLOWED_FROM[kind]:
            raise IllegalTransition("sortie", self.sortie.id, self.sortie.state, to)
        if kind is CommandKind.RESUME:
            self._refuse_off_leg(to)
        self._asked = (by, kind)
        try:
            await set_mode(self.vehicle, self._mode_of(kind))
        except BailuError:
            self._asked = None
            raise

    def _refuse_off_leg(self, to: SortieState) -> None:
        """A pilot, or a return that was broken off, may have brought it anywhere; AUTO flies straight from there."""
        where = off_leg(self._items, self.vehicle.state)
        if where is not None:
            raise IllegalTransition("sortie", self.sortie.id, f"{self.sortie.state} {where}", to)

    def _mode_of(self, kind: CommandKind) -> Mode:
        """The mode that does it; home goes the way that the plan was proven for."""
        return RETURN_OF[self._returns] if kind is CommandKind.RETURN else MODE_OF[kind]


def _track_point(at: datetime, state: VehicleState) -> TrackPoint:
    return TrackPoint(
        at=at,
        lat_deg=state.lat_deg or 0.0,
        lon_deg=state.lon_deg or 0.0,
        alt_amsl_m=state.alt_amsl_m or 0.0,
        alt_rel_m=state.alt_rel_m or 0.0,
        ground_speed_mps=state.ground_speed_mps or 0.0,
        climb_mps=state.climb_mps or 0.0,
        heading_deg=state.heading_deg or 0.0,
        battery_pct=state.battery_pct,
        mode=state.mode or "",
        mission_seq=state.mission_seq,
    )
