"""The stream hub: many viewers pull one picture, each at its own pace, and none can slow another down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from core.bus import Bus, Subscription
from core.clock import Clock
from core.errors import BailuError, InvalidRequest, Overloaded
from core.ids import VehicleId, new_id
from missions.model import Sortie
from missions.ports import SortieStore, TrackStore
from operations.alarms import Alarm, AlarmStore
from telemetry.messages import (
    AIRSPACE_REVIEWED,
    ALARM_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    LINKS_TICK,
    SORTIE_CHANGED,
    AirspaceReviewed,
    AlarmChanged,
    FleetEvent,
    FleetTick,
    LinksTick,
    SortieChanged,
    TrafficNews,
    VehicleState,
)
from telemetry.picture import RECENT_ALARMS, RECENT_SORTIES, Picture
from telemetry.viewers import BAD_MESSAGE, GOING_AWAY, TRY_AGAIN_LATER, Cut, Frame, Socket, Viewer, read_subscribe

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_VIEWERS = 1_000
MAX_GATEWAYS = 64
STALLED_AFTER_S = 20.0
# How long a farewell may take; a viewer that does not read gets none.
FAREWELL_S = 1.0
BEAT_S = 1.0
RECONCILE_S = 5.0
TICKS_BOUND = 64
NEWS_BOUND = 1_024


@dataclass(frozen=True, slots=True)
class Encoders:
    """How the API words what is not this package's own: JSON text of a sortie and of a problem."""

    sortie: Callable[[Sortie], bytes]
    problem: Callable[[BailuError], bytes]


class HubStore(SortieStore, TrackStore, AlarmStore, Protocol):
    """What a hub reads when it starts, and now and then to find what the bus lost."""


class StreamHub:
    """Keeps the picture and serves viewers from it.

    A generation is one state of the picture; viewers with equal audiences share its encoding. A viewer's task
    takes what is newest whenever its socket takes more, so a stalled one holds one frame and no queue; it is cut
    after `STALLED_AFTER_S`. Sorties and events go on a bounded lane to everybody; overflow closes with 1013.
    """

    def __init__(self, enrolled: Iterable[VehicleState], *, clock: Clock, encoders: Encoders) -> None:
        self._picture = Picture(enrolled)
        self._clock = clock
        self._encoders = encoders
        self._epoch = new_id("epoch")
        self._viewers: set[Viewer] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self._generation = 1
        self._frames: dict[object, Frame] = {}
        self._states: dict[VehicleId, bytes] = {}
        self._tick_at_s: float | None = None
        self._links: dict[str, LinksTick] = {}
        self.drops: Counter[str] = self._picture.drops

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def silent_s(self) -> float:
        """Seconds since any gateway's tick; infinite before the first."""
        return math.inf if self._tick_at_s is None else self._clock.mono_s() - self._tick_at_s

    def vehicles(self) -> tuple[VehicleState, ...]:
        return self._picture.vehicles(self._clock.mono_s())

    def vehicle(self, vehicle_id: VehicleId) -> VehicleState:
        """Raises NotFound."""
        return self._picture.vehicle(vehicle_id, self._clock.mono_s())

    def links(self) -> tuple[LinksTick, ...]:
        """How the links of each gateway were when it last told."""
        return tuple(self._links.values())

    # --- what comes in -------------------------------------------------------------------------------------------

    def tick(self, tick: FleetTick) -> None:
        now_s = self._clock.mono_s()
        self._tick_at_s = now_s
        self._picture.on_tick(tick, now_s)
        self._next_generation()

    def sortie_changed(self, sortie: Sortie) -> None:
        """Tells everybody, unless it is not news."""
        if self._picture.on_sortie(sortie):
            self._frames.clear()
            self._tell("sortie", b'"sortie":' + self._encoders.sortie(sortie))

    def event(self, event: FleetEvent) -> None:
        self._tell("event", b'"event":' + msgspec.json.encode(event))

    def alarm(self, alarm: Alarm) -> None:
        """Tells everybody, unless it is not news."""
        if self._picture.on_alarm(alarm):
            self._frames.clear()
            self._tell("alarm", b'"alarm":' + msgspec.json.encode(alarm))

    def links_tick(self, tick: LinksTick) -> None:
        """Takes over how the links of a gateway do; a link that is lost or back is told as an event besides."""
        if tick.gateway in self._links or len(self._links) < MAX_GATEWAYS:
            self._links[tick.gateway] = tick
            self._tell("links", b'"links":' + msgspec.json.encode(tick))

    def airspace_reviewed(self, news: AirspaceReviewed) -> None:
        """What a new airspace version means for missions; told to everybody, as events are."""
        self._tell("airspace-review", b'"review":' + msgspec.json.encode(news))

    def traffic(self, news: TrafficNews) -> None:
        """Two of our own flights that come too near to each other, or no longer do; told to everybody."""
        self._tell("traffic", b'"traffic":' + msgspec.json.encode(news))

    def beat(self) -> None:
        """Once a second: lets states age when no tick comes, and cuts viewers that stopped reading."""
        if self.silent_s() >= BEAT_S:
            self._next_generation()
        now_s = self._clock.mono_s()
        for viewer in self._viewers:
            if viewer.sending_since_s is not None and now_s - viewer.sending_since_s > STALLED_AFTER_S:
                self.drops["viewers cut, stalled"] += 1
                viewer.end(Cut(TRY_AGAIN_LATER))

    async def reconcile(self, store: HubStore) -> None:
        """Takes from the store what the bus may have lost."""
        unfinished = await store.sorties(limit=1_000, unfinished_only=True)
        for sortie in [*unfinished, *await store.sorties(limit=RECENT_SORTIES)]:
            self.sortie_changed(sortie)
        for alarm in [*await store.alarms(limit=RECENT_ALARMS), *await store.alarms(limit=1_000, open_only=True)]:
            self.alarm(alarm)

    async def seed(self, store: HubStore) -> None:
        """Fills the picture from the store before the first viewer comes."""
        await self.reconcile(store)
        for sortie in await store.sorties(limit=1_000, unfinished_only=True):
            self._picture.on_recorded(sortie.id, await store.track(sortie.id))

    async def close(self) -> None:
        """Sends every viewer away, the server is going; waits until they were told."""
        for viewer in self._viewers:
            viewer.end(Cut(GOING_AWAY))
        if self._serving:
            await asyncio.wait(self._serving, timeout=2 * FAREWELL_S)

    # --- what goes out -------------------------------------------------------------------------------------------

    async def serve(self, socket: Socket) -> None:
        """Serves one viewer until it leaves or is cut; the socket is closed then."""
        viewer = Viewer()
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        if len(self._viewers) >= MAX_VIEWERS:
            await self._farewell(viewer, socket, Cut(TRY_AGAIN_LATER, Overloaded("Too many viewers are connected")))
            return
        self._viewers.add(viewer)
        try:
            cut = await self._until_cut(viewer, socket)
        finally:
            self._viewers.discard(viewer)
        if cut is not None:
            await self._farewell(viewer, socket, cut)

    async def _until_cut(self, viewer: Viewer, socket: Socket) -> Cut | None:
        """Runs both directions; None when the viewer left by itself."""
        reader = asyncio.create_task(self._read(viewer, socket), name="viewer-reader")
        writer = asyncio.create_task(self._write(viewer, socket), name="viewer-writer")
        try:
            ends: set[asyncio.Future[Any]] = {reader, writer, viewer.cut}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()
            ended = await asyncio.gather(reader, writer, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception) and not isinstance(result, ConnectionError):
                raise result
        return viewer.cut.result() if viewer.cut.done() else None

    async def _read(self, viewer: Viewer, socket: Socket) -> None:
        while (message := await socket.receive()) is not None:
            try:
                viewer.subscribe(read_subscribe(message))
            except InvalidRequest as error:
                viewer.end(Cut(BAD_MESSAGE, error))

    async def _write(self, viewer: Viewer, socket: Socket) -> None:
        while True:
            await viewer.wake.wait()
            viewer.wake.clear()
            while (frame := self._next_frame(viewer)) is not None:
                viewer.sending_since_s = self._clock.mono_s()
                await socket.send(frame.numbered(viewer.number()))
                viewer.sending_since_s = None

    async def _farewell(self, viewer: Viewer, socket: Socket, cut: Cut) -> None:
        """The problem as the last message, then the close code; a far end that does not read gets neither."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                if cut.error is not None:
                    frame = self._frame("problem", b'"problem":' + self._encoders.problem(cut.error))
                    await socket.send(frame.numbered(viewer.number()))
                await socket.close(cut.code)

    def _next_frame(self, viewer: Viewer) -> Frame | None:
        """What the viewer gets next: a snapshot first, then news, then the newest states when it is due."""
        now_s = self._clock.mono_s()
        if viewer.needs_snapshot:
            viewer.needs_snapshot = False
            viewer.shown(self._generation, now_s)
            return self._shared("snapshot", viewer, self._snapshot_body)
        news = viewer.pop()
        if news is not None:
            return news
        if viewer.is_due(self._generation, now_s):
            viewer.shown(self._generation, now_s)
            return self._shared("tick", viewer, self._vehicles_body)
        return None

    def _next_generation(self) -> None:
        self._generation += 1
        self._frames.clear()
        self._states.clear()
        now_s = self._clock.mono_s()
        for viewer in self._viewers:
            if viewer.is_due(self._generation, now_s):
                viewer.wake.set()

    def _tell(self, kind: str, body: bytes) -> None:
        frame = self._frame(kind, body)
        for viewer in self._viewers:
            viewer.push(frame)

    def _shared(self, kind: str, viewer: Viewer, body: Callable[[Viewer], bytes]) -> Frame:
        key = (kind, viewer.audience)
        if key not in self._frames:
            self._frames[key] = self._frame(kind, body(viewer))
        return self._frames[key]

    def _frame(self, kind: str, body: bytes) -> Frame:
        at = msgspec.json.encode(self._clock.now()).decode()
        head = f'{{"type":"{kind}","epoch":"{self._epoch}","seq":'
        return Frame(head, f',"server_time":{at},{body.decode()}}}')

    def _vehicles_body(self, viewer: Viewer) -> bytes:
        if not self._states:
            self._states = {state.vehicle_id: msgspec.json.encode(state) for state in self.vehicles()}
        audience = viewer.audience
        chosen = (text for vehicle_id, text in self._states.items() if audience is None or vehicle_id in audience)
        return b'"vehicles":[' + b",".join(chosen) + b"]"

    def _snapshot_body(self, viewer: Viewer) -> bytes:
        sorties = b",".join(self._encoders.sortie(sortie) for sortie in self._picture.sorties())
        tracks = msgspec.json.encode(self._picture.tracks())
        alarms = msgspec.json.encode(self._picture.alarms())
        return (
            self._vehicles_body(viewer) + b',"sorties":[' + sorties + b'],"track":' + tracks + b',"alarms":' + alarms
        )


@asynccontextmanager
async def running_hub(hub: StreamHub, *, bus: Bus, store: HubStore) -> AsyncIterator[None]:
    """Feeds `hub` from the bus and the store while the context is open; closes its viewers at the end."""
    async with contextlib.AsyncExitStack() as open_now:
        ticks = await open_now.enter_async_context(bus.subscribe(FLEET_TICK, FleetTick, bound=TICKS_BOUND))
        sorties = await open_now.enter_async_context(bus.subscribe(SORTIE_CHANGED, SortieChanged, bound=NEWS_BOUND))
        events = await open_now.enter_async_context(bus.subscribe(FLEET_EVENT, FleetEvent, bound=NEWS_BOUND))
        alarms = await open_now.enter_async_context(bus.subscribe(ALARM_CHANGED, AlarmChanged, bound=NEWS_BOUND))
        links = await open_now.enter_async_context(bus.subscribe(LINKS_TICK, LinksTick, bound=TICKS_BOUND))
        reviews = await open_now.enter_async_context(
            bus.subscribe(AIRSPACE_REVIEWED, AirspaceReviewed, bound=NEWS_BOUND)
        )
        await hub.seed(store)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_each(ticks, hub.tick), name="hub-ticks"),
                group.create_task(_each(sorties, lambda news: hub.sortie_changed(news.sortie)), name="hub-sorties"),
                group.create_task(_each(events, hub.event), name="hub-events"),
                group.create_task(_each(alarms, lambda news: hub.alarm(news.alarm)), name="hub-alarms"),
                group.create_task(_each(links, hub.links_tick), name="hub-links"),
                group.create_task(_each(reviews, hub.airspace_reviewed), name="hub-reviews"),
                group.create_task(_beating(hub), name="hub-beat"),
                group.create_task(_reconciling(hub, store), name="hub-reconcile"),
            ]
            try:
                yield
            finally:
                await hub.close()
                for task in tasks:
                    task.cancel()


async def _each(messages: Subscription[T], take: Callable[[T], None]) -> None:
    async for message in messages:
        take(message)


async def _beating(hub: StreamHub) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        hub.beat()


async def _reconciling(hub: StreamHub, store: HubStore) -> None:
    while True:
        await asyncio.sleep(RECONCILE_S)
        try:
            await hub.reconcile(store)
        except Overloaded as error:
            log.warning("the stream could not compare itself with the store: %s", error)
