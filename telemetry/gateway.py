"""The gateway role: links, vehicles and their sorties on one side, the bus and the store on the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.bus import Bus
from core.clock import Clock, rest_s
from core.errors import BailuError, NotFound
from core.ids import OperatorId, VehicleId
from missions.model import CommandKind
from missions.ports import SigningStore, Store
from operations.alarms import AlarmStore
from operations.recording.ports import HoldStore, RecordSink
from operations.recording.retention import KeepPolicy
from telemetry.express.loading import loaded
from telemetry.fencing import FenceAction
from telemetry.fleet import OWN_ADDRESS, Fleet
from telemetry.flights import Flights
from telemetry.following import Following
from telemetry.journal import ToldJournal
from telemetry.lifeline import Lifeline
from telemetry.links import LinkConfig, Peer
from telemetry.log_desk import logs_on_board
from telemetry.members import Members, Roster, remember
from telemetry.messages import (
    ALARM_CHANGED,
    COMMAND_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    FOLLOW_ASKED,
    SORTIE_CHANGED,
    UNENROLLED_ASKED,
    CommandChanged,
    CommandDone,
    FleetEvent,
    FollowAsked,
    LaunchAccepted,
    LaunchRequest,
    LogList,
    LogsQuestion,
    SafetyRequest,
    SafetyState,
    SortieChanged,
    UnenrolledList,
    UnenrolledQuestion,
    VehicleCommand,
    command_subject,
    launch_subject,
    logs_subject,
    safety_subject,
)
from telemetry.metering import GatewayMeter, MetricsQuestion, MetricsTold, metrics_subject, told_of
from telemetry.packets import Inbound, StatusText
from telemetry.recorder import Recorder
from telemetry.retention import Retention
from telemetry.safety_desk import safety_state
from telemetry.signing import SigningBook
from telemetry.vehicle import Vehicle, VehicleConfig
from telemetry.watchman import Watchman, WatchPolicy
from telemetry.wire import MavAddress

log = logging.getLogger("bailu.gateway")

# Who asks for what the fence watch has the vehicle do.
FENCE_WATCH = OperatorId("fence-watch")
_FENCE_COMMAND = {FenceAction.BRAKE: CommandKind.HOLD, FenceAction.RETURN: CommandKind.RETURN}
# Questions that come again every two seconds.
_FOLLOWS_AT_ONCE = 512
# Frames a second, of some ten vehicles, from which on compiled code is worth its memory.
_MUCH_PER_S = 300
# A tick that comes late on a busy machine does not cost the next one, unless nothing is left between them.
_LEAST_REST = 0.1
_SUBJECT = {SortieChanged: SORTIE_CHANGED, FleetEvent: FLEET_EVENT, CommandChanged: COMMAND_CHANGED}
_SEVERITY = ("critical", "critical", "critical", "critical", "warning", "info", "info", "info")  # MAV_SEVERITY 0…7


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long records are kept, and who holds which."""

    policy: KeepPolicy
    holds: HoldStore


class Gateway:
    """One gateway: owns its links and vehicles; its tasks live and die together."""

    def __init__(
        self,
        *,
        name: str,
        links: Sequence[LinkConfig],
        vehicles: Sequence[VehicleConfig],
        bus: Bus,
        store: Store,
        alarms: AlarmStore,
        clock: Clock,
        data_dir: Path,
        tick_hz: float,
        time_scale: float,
        gcs_system_id: int = OWN_ADDRESS.system_id,
        watch: WatchPolicy,
        roster: Roster | None = None,
        signing: SigningBook | None = None,
        signing_store: SigningStore | None = None,
        records: RecordSink | None = None,
        floor_bytes: int = 0,
        keeping: Keeping | None = None,
    ) -> None:
        self._bus = bus
        self._journal = ToldJournal(store, self._publish)
        self._clock = clock
        self._tick_s = 1.0 / tick_hz
        self._group = asyncio.TaskGroup()
        self._fleet = Fleet(
            name,
            links,
            vehicles,
            clock=clock,
            pace=time_scale,
            on_frame=self._on_frame,
            on_event=self._publish,
            signing=signing,
            own=MavAddress(gcs_system_id, OWN_ADDRESS.component_id),
        )
        self._meter = GatewayMeter(clock)
        self._signing_store = signing_store
        self._recorder = Recorder(
            records,
            data_dir=data_dir,
            clock=clock,
            tell=self._publish,
            links=self._fleet.health,
            floor_bytes=floor_bytes,
        )
        self._retention: Retention | None = None
        if records is not None and keeping is not None:
            self._retention = Retention(
                keeping.policy,
                records,
                keeping.holds,
                data_dir=data_dir,
                clock=clock,
                tell=self._publish,
                open_logs=self._recorder.open_logs,
            )
        self._watchman = Watchman(
            watch,
            store=alarms,
            airspaces=store,
            clock=clock,
            publish=lambda news: bus.publish(ALARM_CHANGED, news),
            act=self._act_on_fence,
            left_fence=self._left_fence,
        )
        self._members = Members(
            self._fleet,
            roster=roster,
            host=self._host,
            is_busy=lambda vehicle_id: self._flights.of(vehicle_id) is not None,
            keyed=self._watchman.keyed,
        )
        self._lifeline = Lifeline(
            self._fleet,
            bus=bus,
            clock=clock,
            data_dir=data_dir,
            every_s=max(0.05, 1.0 / time_scale),
            on_event=self._publish,
            is_recording=lambda: self.is_recording,
        )

        self._following = Following(bus, clock, self._fleet.state, self._fleet.hurry)
        self._flights = Flights(
            self._group,
            store=store,
            clock=clock,
            publish=self._publish,
            recorder=self._recorder,
            watchman=self._watchman,
            meter=self._meter,
            is_beating=lambda: self._lifeline.is_beating,
        )

    @property
    def link_addresses(self) -> dict[str, Peer]:
        """Where each link is bound or connects to."""
        return {link.name: link.address for link in self._fleet.links}

    @property
    def name(self) -> str:
        return self._fleet.name

    @property
    def is_beating(self) -> bool:
        """Whether heartbeats go out to its vehicles."""
        return self._lifeline.is_beating

    @property
    def is_recording(self) -> bool:
        """Whether everything is recorded that should be."""
        return self._recorder.wrong is None

    def silent_s(self) -> float:
        """Seconds since it looked at its fleet."""
        return self._clock.mono_s() - self._fleet.ticked_s

    def metrics(self) -> MetricsTold:
        """Everything that is counted of it."""
        sorties = [sortie.state for sortie in self._flights.sorties().values()]
        return told_of(
            self._fleet,
            self._meter,
            self._recorder,
            sorties=sorties,
            alarms=self._watchman.open_alarms(),
            follows_refused=self._following.refused,
            is_beating=self.is_beating,
        )

    # --- life ---

    async def open(self) -> None:
        """Binds every link. Raises LinkError; then none stays open."""
        await self._lifeline.succeed()
        for link in self._fleet.links:
            await link.open()

    async def run(self) -> None:
        """Runs until cancelled; an unexpected failure of any task ends it."""
        try:
            async with AsyncExitStack() as stack, self._group as group:
                # Vehicles that another gateway left in the air miss its heartbeats: these come first.
                for link in self._fleet.links:
                    group.create_task(link.run(), name=f"link {link.name}")
                group.create_task(self._lifeline.run(), name="lifeline")
                await self._watchman.resume()
                await self._flights.remember_unfinished()
                await self._members.open()
                await stack.enter_async_context(
                    self._bus.serve(UNENROLLED_ASKED, UnenrolledQuestion, self._unenrolled)
                )
                await stack.enter_async_context(
                    self._bus.serve(metrics_subject(self._fleet.name), MetricsQuestion, self._tell_metrics)
                )
                group.create_task(self._members.run(), name="members")
                if self._signing_store is not None:
                    group.create_task(remember(self._fleet, self._signing_store), name="signing time")
                group.create_task(self._recorder.run(), name="recorder")
                if self._retention is not None:
                    group.create_task(self._retention.run(), name="retention")
                group.create_task(self._watchman.run(), name="alarms")
                group.create_task(self._speed_up(), name="express way")
                group.create_task(self._fleet.knock(), name="knock")
                group.create_task(self._fleet.keep_streams(), name="streams")
                group.create_task(self._tick(), name="tick")
                group.create_task(self._follow(), name="follow")
        finally:
            await self._members.close()

    @asynccontextmanager
    async def _host(self, vehicle: Vehicle) -> AsyncIterator[None]:
        """What a vehicle gets as long as it belongs to the fleet: its journal settled, its unfinished sortie taken
        up, and then its requests served."""

        async def launch(request: LaunchRequest) -> LaunchAccepted:
            return await self._flights.launch(vehicle, request)

        async def command(request: VehicleCommand) -> CommandDone:
            return await self._flights.command(vehicle, request)

        async def safety(request: SafetyRequest) -> SafetyState:
            return await safety_state(vehicle, request, self._journal, self._clock)

        async def logs(question: LogsQuestion) -> LogList:
            return await logs_on_board(vehicle, question)

        def listen(packet: Inbound) -> None:
            self._on_text(vehicle, packet)

        # Read before anybody can command: what is issued from now on is not left over.
        unsettled = await self._flights.unsettled(vehicle)
        await self._flights.take_up(vehicle)
        vehicle.listen(listen, StatusText)
        vehicle.placed = self._recorder.place
        vehicle.changed = self._watchman.glance
        settling = self._group.create_task(self._flights.settle(vehicle, unsettled), name=f"journal {vehicle.id}")
        try:
            async with (
                self._bus.serve(launch_subject(vehicle.id), LaunchRequest, launch),
                self._bus.serve(command_subject(vehicle.id), VehicleCommand, command),
                self._bus.serve(safety_subject(vehicle.id), SafetyRequest, safety),
                self._bus.serve(logs_subject(vehicle.id), LogsQuestion, logs),
            ):
                yield
        finally:
            settling.cancel()
            self._following.drop(vehicle.id)
            vehicle.unlisten(listen)
            vehicle.placed = vehicle.changed = None

    async def _unenrolled(self, _: UnenrolledQuestion) -> UnenrolledList:
        return UnenrolledList(self._fleet.unenrolled())

    async def _tell_metrics(self, _: MetricsQuestion) -> MetricsTold:
        return self.metrics()

    async def _tick(self) -> None:
        """Publishes the fleet at a steady rate; a late tick is not made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            late_s, began_s = loop.time() - due, self._clock.mono_s()
            self._following.expire()
            self._bus.publish(FLEET_TICK, self._watchman.look(self._fleet.tick(), self._flights.sorties()))
            self._meter.tick(took_s=self._clock.mono_s() - began_s, late_s=late_s)
            now_s = loop.time()
            due = now_s + rest_s(self._tick_s, now_s, least=_LEAST_REST)
            await asyncio.sleep(due - now_s)

    async def _speed_up(self) -> None:
        """Has what comes all the time taken by compiled code, once it is much."""
        before = sum(link.frames for link in self._fleet.health())
        while True:
            await asyncio.sleep(1.0)
            now = sum(link.frames for link in self._fleet.health())
            if now - before >= _MUCH_PER_S:
                break
            before = now
        take = await loaded()
        if take is not None:
            try:
                self._fleet.speed_up(take, self._recorder)
                log.info("what vehicles say all the time is taken by compiled code from now on")
            except OSError as error:
                log.warning("what vehicles say is taken one by one: %s", error)

    async def _follow(self) -> None:
        """Takes up whom somebody follows; the vehicles of other gateways are theirs."""
        async with self._bus.subscribe(FOLLOW_ASKED, FollowAsked, bound=_FOLLOWS_AT_ONCE) as asked:
            async for each in asked:
                vehicle = self._fleet.vehicles.get(each.vehicle_id)
                if vehicle is not None:
                    self._following.ask(vehicle)

    # --- what comes from the vehicles ---

    def _on_frame(self, vehicle: Vehicle, frame: bytes) -> None:
        flight = self._flights.of(vehicle.id)
        if flight is not None:
            flight.frame(frame)

    def _left_fence(self, vehicle_id: VehicleId) -> None:
        flight = self._flights.of(vehicle_id)
        if flight is not None:
            flight.breached()

    def _act_on_fence(self, vehicle: Vehicle, action: FenceAction, why: str) -> None:
        """The autopilot's own fence holds whatever becomes of this."""
        request = VehicleCommand(vehicle.id, _FENCE_COMMAND[action], FENCE_WATCH)
        self._group.create_task(self._on_fence_watch(vehicle, request, why), name=f"fence {vehicle.id}")

    async def _on_fence_watch(self, vehicle: Vehicle, request: VehicleCommand, why: str) -> None:
        try:
            await self._flights.command(vehicle, request)
        except BailuError as error:
            log.error("%s: %s, and was not brought to %s: %s", vehicle.id, why, request.kind, error.detail)
            text = f"{vehicle.config.name} was not brought to {request.kind} by the fence watch: {error.detail}"
            sortie_id = vehicle.slow.sortie_id
            self._publish(FleetEvent(self._clock.now(), "critical", "fence-unheeded", text, vehicle.id, sortie_id))

    def _on_text(self, vehicle: Vehicle, packet: Inbound) -> None:
        if isinstance(packet, StatusText) and packet.text:
            severity = _SEVERITY[packet.severity] if 0 <= packet.severity < len(_SEVERITY) else "info"
            sortie_id = vehicle.slow.sortie_id
            self._publish(FleetEvent(self._clock.now(), severity, "statustext", packet.text, vehicle.id, sortie_id))

    def _publish(self, message: SortieChanged | FleetEvent | CommandChanged) -> None:
        self._bus.publish(_SUBJECT[type(message)], message)
        if isinstance(message, FleetEvent):
            self._recorder.event(message)

    def vehicle(self, vehicle_id: VehicleId) -> Vehicle:
        """One of this gateway's vehicles. Raises NotFound."""
        try:
            return self._fleet.vehicles[vehicle_id]
        except KeyError:
            raise NotFound("vehicle", vehicle_id) from None


@asynccontextmanager
async def running_gateway(
    *,
    name: str,
    links: Sequence[LinkConfig],
    vehicles: Sequence[VehicleConfig],
    bus: Bus,
    store: Store,
    alarms: AlarmStore,
    clock: Clock,
    data_dir: Path,
    tick_hz: float = 10.0,
    time_scale: float = 1.0,
    gcs_system_id: int = OWN_ADDRESS.system_id,
    watch: WatchPolicy | None = None,
    roster: Roster | None = None,
    signing_store: SigningStore | None = None,
    records: RecordSink | None = None,
    floor_bytes: int = 0,
    keeping: Keeping | None = None,
) -> AsyncIterator[RunningGateway]:
    """A gateway at work while the context is open.

    `time_scale`: seconds of the vehicles' time in one of ours, 1 but for sped-up simulations. `gcs_system_id`: who
    we are on the air. `records`: where positions of all vehicles are recorded. `floor_bytes`: with less space left on
    the disk, less is recorded. `keeping`: for how long; without it for ever. Raises LinkError.
    """
    gateway = Gateway(
        name=name,
        links=links,
        vehicles=vehicles,
        bus=bus,
        store=store,
        alarms=alarms,
        clock=clock,
        data_dir=data_dir,
        tick_hz=tick_hz,
        time_scale=time_scale,
        gcs_system_id=gcs_system_id,
        watch=watch or WatchPolicy(),
        roster=roster,
        signing=SigningBook(clock, await signing_store.signing_memory()) if signing_store else None,
        signing_store=signing_store,
        records=records,
        floor_bytes=floor_bytes,
        keeping=keeping,
    )
    await gateway.open()
    task = asyncio.create_task(gateway.run(), name=f"gateway {name}")
    try:
        yield RunningGateway(gateway, task)
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class RunningGateway:
    """What the composition root holds: addresses to print, and a wait that ends when the gateway dies."""

    def __init__(self, gateway: Gateway, task: asyncio.Task[None]) -> None:
        self.gateway = gateway
        self._task = task

    @property
    def link_addresses(self) -> dict[str, Peer]:
        return self.gateway.link_addresses

    async def wait(self) -> None:
        """Returns when the gateway was stopped; raises what killed it."""
        await asyncio.shield(self._task)
