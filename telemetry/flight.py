"""One sortie from launch to landing: checked, uploaded, read back, armed, followed; found again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.errors import (
    BailuError,
    IllegalTransition,
    Overloaded,
    PreflightFailed,
    StaleRevision,
    UploadMismatch,
    VehicleRejected,
)
from core.geo import LatLon, ground_distance_m
from core.ids import OperatorId
from geofence.watch import Watch, WatchPoint, WatchState
from missions.items import Kind, items_hash
from missions.model import CommandKind, MissionItem, Revision, Sortie, SortieState, TrackPoint
from missions.ports import Store
from missions.sortie import advance, is_finished, is_flying, update
from telemetry.commands import ALLOWED_FROM, MODE_OF, RESULT_OF, journalled, new_record, problem_of, set_mode
from telemetry.messages import FleetEvent, Landed, LinkState, SortieChanged, VehicleState
from telemetry.packets import (
    Cmd,
    GlobalPosition,
    Heartbeat,
    Inbound,
    MissionItemReached,
    MissionType,
    Mode,
)
from telemetry.preflight import LAUNCH_MODE, preflight
from telemetry.progress import observe, reached, waypoint_seqs
from telemetry.recorder import Recorder
from telemetry.safety import protect
from telemetry.vehicle import Vehicle
from telemetry.wire import Frame

log = logging.getLogger("bailu.flight")

_GATEWAY = OperatorId("gateway")
# How long the checks may take to turn green (a GPS that has just come up), in the vehicle's time.
_PREFLIGHT_S = 20.0
# A vehicle that was in the air and is silent for longer than any battery lasts will not be heard again.
_LOST_AFTER_S = 3600.0
_STORE_AGAIN_S = 1.0

Publish = Callable[[SortieChanged | FleetEvent], None]


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
        self.sortie = sortie
        self._plan = revision.plan
        self._store = store
        self._publish = publish
        self._clock = clock
        self._recorder = Recorder(sortie.id, store=store, data_dir=data_dir, clock=clock)
        self._seqs = waypoint_seqs(revision.plan.items)
        self._reached_seq = 0
        self._writing = asyncio.Lock()
        self._asked: tuple[OperatorId, CommandKind] | None = None
        self._last_place: LatLon | None = None
        self._distance_m = sortie.distance_m
        self._watch = Watch(revision.plan.fence) if revision.plan.fence else None
        self._watched = WatchState()
        self._breaches = sortie.breaches

    # --- the whole story ---

    async def fly(self) -> None:
        """Launches and follows until the sortie is finished; what refuses it before arming is kept in its record."""
        async with asyncio.TaskGroup() as group:
            recording = group.create_task(self._recorder.run(), name=f"recorder {self.sortie.id}")
            try:
                if await self._launch():
                    await self._follow()
            finally:
                recording.cancel()

    async def find_again(self) -> None:
        """Picks an unfinished sortie up after a restart, from what the vehicle itself shows."""
        async with asyncio.TaskGroup() as group:
            recording = group.create_task(self._recorder.run(), name=f"recorder {self.sortie.id}")
            try:
                await self._reattach()
                if not is_finished(self.sortie.state):
                    await self._follow()
            finally:
                recording.cancel()

    def frame(self, frame: Frame) -> None:
        """One received frame of the vehicle, for the telemetry log."""
        self._recorder.frame(frame.raw)

    # --- launch ---

    async def _launch(self) -> bool:
        """Whether the vehicle took off; when not, the sortie is refused and the vehicle is as before."""
        try:
            with self.vehicle.exclusive(f"launching sortie {self.sortie.id}"):
                await self._check()
                await self._load()
                await self._start()
        except StaleRevision:
            log.warning("sortie %s was closed by somebody else before it started", self.sortie.id)
            return False
        except BailuError as error:
            await self._refuse(error)
            return False
        return True

    async def _check(self) -> None:
        await self._advance(SortieState.PREFLIGHT, self.sortie.created_by, "launch was requested")
        if self.vehicle.state.armed is False:
            # Its last flight left it in RTL; and its own checks ask for what the mode needs (a position).
            await set_mode(self.vehicle, LAUNCH_MODE)
        # Makes the autopilot check now and say why it would not arm, instead of every 30 s.
        await self.vehicle.command(Cmd.RUN_PREARM_CHECKS)
        checks = preflight(self.vehicle.snapshot(), self._plan)
        deadline_s = self._clock.mono_s() + max(3.0, _PREFLIGHT_S / self.vehicle.pace)
        while not all(check.ok for check in checks) and self._clock.mono_s() < deadline_s:
            await asyncio.sleep(0.2)
            checks = preflight(self.vehicle.snapshot(), self._plan)
        if not all(check.ok for check in checks):
            await self._change(checks=checks)
            raise PreflightFailed(self.vehicle.id, checks)
        battery = self.vehicle.state.battery_pct
        await self._advance(
            SortieState.UPLOADING, _GATEWAY, "all checks passed", checks=checks, battery_start_pct=battery
        )

    async def _load(self) -> None:
        """Fence, rally points and mission onto the vehicle; each read back and compared (promise 1)."""
        await protect(self.vehicle, self._plan)
        await self._put(MissionType.FENCE, self._plan.fence_items, self._plan.fence_hash)
        await self._clear_rally_points()
        await self._put(MissionType.MISSION, self._plan.items, self._plan.hash)
        await self._advance(
            SortieState.READY,
            _GATEWAY,
            "mission and fence were read back and equal the approved plan",
            upload_verified=True,
            mission_hash=self._plan.hash,
            fence_hash=self._plan.fence_hash,
        )

    async def _put(self, kind: MissionType, items: Sequence[MissionItem], expected: str) -> None:
        await self.vehicle.upload(kind, items)
        what: Kind = "fence" if kind is MissionType.FENCE else "mission"
        held = items_hash(await self.vehicle.download(kind), kind=what)
        if held != expected:
            raise UploadMismatch(self.vehicle.id, what, expected, held)

    async def _clear_rally_points(self) -> None:
        """One left over from somebody else would become the place that RTL flies to."""
        if not await self.vehicle.download(MissionType.RALLY):
            return
        await self.vehicle.upload(MissionType.RALLY, ())
        if left := await self.vehicle.download(MissionType.RALLY):
            raise VehicleRejected(self.vehicle.id, "clearing its rally points", f"it keeps {len(left)}")

    async def _start(self) -> None:
        """Arms and starts the mission; when that fails on the ground the vehicle is disarmed again."""
        vehicle = self.vehicle
        # A mission that ran before may have left the pointer at its end.
        await vehicle.command(Cmd.DO_SET_MISSION_CURRENT, 1)
        await vehicle.until(lambda s: (s.mission_seq or 0) <= 1, what="mission at its start", within_s=5)
        await self._journalled("arm", lambda: vehicle.command(Cmd.COMPONENT_ARM_DISARM, 1))
        try:
            await vehicle.until(lambda s: s.armed is True, what="arming", within_s=5)
            await self._journalled("start", lambda: vehicle.command(Cmd.MISSION_START))
            await vehicle.until(lambda s: s.mode == Mode.AUTO.name, what="mode AUTO", within_s=5)
        except BailuError:
            if vehicle.state.landed in (Landed.ON_GROUND, Landed.UNKNOWN):
                await vehicle.command(Cmd.COMPONENT_ARM_DISARM, 0)
            raise
        await self._advance(
            SortieState.TAKING_OFF,
            self.sortie.created_by,
            "armed and started",
            armed_at=self._clock.now(),
        )

    async def _refuse(self, error: BailuError) -> None:
        log.warning("sortie %s refused: %s", self.sortie.id, error.detail)
        await self._advance(SortieState.REFUSED, _GATEWAY, error.detail, problem=problem_of(error))

    # --- after a restart ---

    async def _reattach(self) -> None:
        """Waits for the vehicle and decides from its own state whether the sortie still flies."""
        log.info("sortie %s was unfinished (%s); looking for %s", self.sortie.id, self.sortie.state, self.vehicle.id)
        while not self._is_known():
            if self._is_silent():
                await self._advance(SortieState.LOST, _GATEWAY, "not heard after a restart")
                return
            await asyncio.sleep(0.1)
        flew = is_flying(self.sortie.state)
        if self.vehicle.state.armed:
            if not flew:
                await self._adopt_started()
            self._event("info", "reattached", "The platform restarted and found the vehicle flying its mission.")
        elif flew:
            await self._close("it landed while the platform was down")
        else:
            await self._advance(SortieState.REFUSED, _GATEWAY, "the platform stopped before take-off")

    async def _adopt_started(self) -> None:
        """It armed in the moment that the platform stopped: bring the record up to what is true."""
        path = (SortieState.PREFLIGHT, SortieState.UPLOADING, SortieState.READY, SortieState.TAKING_OFF)
        states = (SortieState.REQUESTED, *path)
        for state in path[states.index(self.sortie.state) :]:
            await self._advance(state, _GATEWAY, "found armed after a restart")

    def _is_known(self) -> bool:
        state = self.vehicle.snapshot()
        return (
            state.link is LinkState.LIVE
            and state.armed is not None
            and state.mission_seq is not None
            and state.landed is not Landed.UNKNOWN
        )

    def _is_silent(self) -> bool:
        since = self.vehicle.snapshot().last_heard_at or self.sortie.transitions[-1].at
        return (self._clock.now() - since).total_seconds() > _LOST_AFTER_S

    # --- in the air ---

    async def _follow(self) -> None:
        """Folds what the vehicle shows into the sortie until it is on the ground and disarmed."""
        news: asyncio.Queue[Inbound] = asyncio.Queue(maxsize=1000)

        def listen(packet: Inbound) -> None:
            if not news.full():
                news.put_nowait(packet)

        self.vehicle.listeners.append(listen)
        try:
            while not is_finished(self.sortie.state):
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
            await self._advance(SortieState.LOST, _GATEWAY, "not heard for too long")

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
            await self._advance(seen[0], *self._cause(seen[0], seen[1]))
        await self._count(state)

    def _on_position(self, packet: GlobalPosition) -> None:
        state, now = self.vehicle.state, self._clock.now()
        if state.lat_deg is None or state.lon_deg is None:
            return
        place = LatLon(state.lat_deg, state.lon_deg)
        if self._last_place is not None:
            self._distance_m += ground_distance_m(self._last_place, place)
        self._last_place = place
        self._recorder.position(_track_point(now, state))
        if self._watch is not None:
            point = WatchPoint(place.lat_deg, place.lon_deg, packet.alt_rel_m)
            self._watched, events = self._watch.step(self._watched, point, self._clock.mono_s())
            for event in events:
                self._breaches += not event.ended
                self._event(
                    "info" if event.ended else "critical", "breach-end" if event.ended else "breach", event.detail
                )

    async def _count(self, state: VehicleState) -> None:
        """Waypoints behind and breaches so far; stored when they changed."""
        current = state.mission_seq or 0 if state.mode == Mode.AUTO.name else 0
        count = max(self.sortie.waypoints_reached, reached(self._seqs, self._reached_seq, current))
        if (count, self._breaches) != (self.sortie.waypoints_reached, self.sortie.breaches):
            await self._change(waypoints_reached=count, breaches=self._breaches)

    def _cause(self, to: SortieState, why: str) -> tuple[str, str]:
        """Who caused a transition: the operator who asked for it, or the vehicle itself (a pilot, a failsafe)."""
        if self._asked is not None and RESULT_OF[self._asked[1]] is to:
            operator, kind = self._asked
            self._asked = None
            return operator, f"the operator asked to {kind}"
        if to is SortieState.PAUSED:
            self._event("warning", "pilot-mode", f"{why}; the platform did not ask for it and will not fight it.")
        texts = self.vehicle.state.last_texts
        said = f"; the autopilot says: {texts[-1]}" if to is SortieState.RETURNING and texts else ""
        return "vehicle", why + said

    async def _close(self, why: str) -> None:
        if self.sortie.state is not SortieState.LANDING:
            await self._advance(SortieState.LANDING, "vehicle", why)
        await self._recorder.flush()
        await self._advance(
            SortieState.CLOSED,
            "vehicle",
            why,
            landed_at=self._clock.now(),
            battery_end_pct=self.vehicle.state.battery_pct,
        )

    # --- commands ---

    async def carry_out(self, kind: CommandKind, by: OperatorId) -> None:
        """Does what the operator asks and returns when the vehicle shows it.

        Raises IllegalTransition when the sortie's state does not allow it, VehicleRejected, LinkTimeout.
        """
        to = RESULT_OF[kind]
        if self.sortie.state not in ALLOWED_FROM[kind]:
            raise IllegalTransition("sortie", self.sortie.id, self.sortie.state, to)
        self._asked = (by, kind)
        try:
            await set_mode(self.vehicle, MODE_OF[kind])
        except BailuError:
            self._asked = None
            raise

    async def _journalled(self, kind: str, send: Callable[[], Awaitable[None]]) -> None:
        record = new_record(self._clock, self.vehicle.id, self.sortie.id, kind, self.sortie.created_by)
        await journalled(self._store, self._clock, record, send)

    # --- the record ---

    async def _advance(self, to: SortieState, by: str, why: str, **changes: Any) -> None:
        changes.setdefault("distance_m", round(self._distance_m, 1))
        async with self._writing:
            await self._save(advance(self.sortie, to, at=self._clock.now(), by=by, why=why, **changes))
        log.info("sortie %s: %s (%s: %s)", self.sortie.id, to, by, why)
        self._publish(SortieChanged(self.sortie))

    async def _change(self, **changes: Any) -> None:
        changes.setdefault("distance_m", round(self._distance_m, 1))
        async with self._writing:
            await self._save(update(self.sortie, **changes))
        self._publish(SortieChanged(self.sortie))

    async def _save(self, changed: Sortie) -> None:
        """Stores the next value of the sortie; what is true in the air is kept until the store takes it.

        Raises Overloaded before take-off, when nothing is lost by refusing, and StaleRevision when it was closed
        by somebody else.
        """
        complained = False
        while True:
            try:
                await self._store.save_sortie(changed)
            except Overloaded as error:
                if not (is_flying(changed.state) or is_finished(changed.state)):
                    raise
                if not complained:
                    log.error("sortie %s is not stored at the moment: %s", changed.id, error.detail)
                complained = True
                await asyncio.sleep(_STORE_AGAIN_S)
            else:
                self.sortie = changed
                return

    def _event(self, severity: str, code: str, text: str) -> None:
        log.log(logging.INFO if severity == "info" else logging.WARNING, "%s: %s", self.vehicle.id, text)
        self._publish(FleetEvent(self._clock.now(), severity, code, text, self.vehicle.id, self.sortie.id))


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
