"""The stream hub: one table of the fleet, broadcast to all viewers; none can slow another down."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import msgspec

from core.clock import Clock
from core.errors import BailuError, InvalidRequest, Overloaded
from core.ids import AlarmId, SortieId, VehicleId, new_id
from missions.model import CommandRecord, Sortie, TrackPoint
from missions.ports import CommandHistory, SortieStore, TrackStore
from operations.alarms import Alarm, AlarmStore
from telemetry.chronicle import Standing
from telemetry.messages import (
    FLEET_EVENT,
    AirspaceReviewed,
    FleetEvent,
    FleetTick,
    LinksTick,
    TrafficNews,
    VehicleState,
)
from telemetry.messages import VehicleUpdate as FollowedUpdate
from telemetry.stream import contract
from telemetry.stream.admission import MAX_VIEWERS, Admission, retry_after_s
from telemetry.stream.audience import ALL_UNITS, Audience, Rights
from telemetry.stream.coding import StateFrames, table_of
from telemetry.stream.contract import Bye, Frame, Gap, Resume, Resumed, Subscribe, read_subscribe
from telemetry.stream.endings import Endings
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.known import Known
from telemetry.stream.narrowing import EVENTS_LOST, Narrow, Units
from telemetry.stream.news import News, Ring, Told
from telemetry.stream.picture import RECENT_ALARMS, RECENT_SORTIES, Picture, no_better
from telemetry.stream.table import Move, Table
from telemetry.stream.viewer import AT_ONCE_S, BAD_MESSAGE, GOING_AWAY, SILENT_S, TRY_AGAIN_LATER, Cut, FarEnd, Viewer

# How long a farewell may take; a viewer that does not read gets none.
FAREWELL_S = 1.0
BEAT_S = 1.0
# A viewer that says nothing gets everything, but one that comes back is first asked where it was.
FIRST_WORD_S = 1.0
# So long states go out to one viewer after the other before others have their turn: an alarm does not wait for a
# thousand viewers' states.
TURN_S = 0.005
# A herd that comes at once shares one snapshot; what changed since comes with the next tick.
SNAPSHOT_S = 0.25
# The severity of what nobody has to act upon; so many of these, and so long, wait for a tick at the most.
_CAN_WAIT = "info"
MOST_WAITING, WAITING_S = 256, 0.15
# What cannot wait is told as it comes, and what follows it within this time at the end of a turn of the loop.
TOGETHER_S = 0.01
# Of a moment ago, kept for a herd; past it each viewer's is made for it alone.
MOST_SNAPSHOTS = 64
# Commands that are compared with the store now and then.
COMPARED_COMMANDS = 200


@dataclass(frozen=True, slots=True)
class Encoders:
    """How the API words what is not this package's own: JSON text of a sortie and of a problem."""

    sortie: Callable[[Sortie], bytes]
    problem: Callable[[BailuError], bytes]


class HubStore(SortieStore, TrackStore, AlarmStore, CommandHistory, Protocol):
    """What a hub reads when it starts, and now and then to find what the bus lost."""


class StreamHub:
    """Keeps the picture and tells viewers of it.

    A sequence numbers ticks and news alike. Of every vehicle the table knows at which sequence it last changed, so
    that a viewer is told what changed since it was last told: after a skipped tick or a lost minute alike. Viewers of
    equal audiences share one encoding; a viewer whose transport is not empty is passed over, holds no queue at all,
    and is cut after `STALLED_AFTER_S`. News go in order to all that may know: one that is slow holds its place in
    them and goes on when its transport is clear; too far behind, it is closed with 1013.
    """

    def __init__(
        self, enrolled: Iterable[VehicleState], *, clock: Clock, encoders: Encoders, is_replay: bool = False
    ) -> None:
        """`is_replay`: a recording is played here, and its news are marked so."""
        states = tuple(enrolled)
        self._picture = Picture(states)
        self._clock = clock
        self._encoders = encoders
        self._marks = {"replayed": True} if is_replay else {}
        self._epoch = new_id("epoch")
        self._seq = 1
        self._table = Table()
        self._table.enrol(states, self._seq)
        self._table.moves()
        self._known = Known(self._picture, self._table, encoders.sortie)
        self._moved_seq = 0  # when a vehicle came to another unit last
        self._coding = StateFrames(self._table, self._epoch)
        self._coding.advance(self._seq, clock.mono_s(), self._now())
        self._ring = Ring()
        self._waiting: list[News] = []  # of the ring, in order, not told yet
        self._telling: asyncio.Handle | None = None  # when they go out without a tick
        self._is_urgent = False  # that is, at the end of this turn of the loop
        self._told_s = -math.inf  # when news that cannot wait were told as they came
        self._viewers: set[Viewer] = set()
        self._last: News | None = None  # of those that were told
        self._behind: set[Viewer] = set()  # those who were not told all of them
        self._followed: dict[VehicleId, set[Viewer]] = {}
        self._unshown: list[Viewer] = []  # whose turn in the broadcast of states is to come, the next one last
        self._shown_with: Told | None = None  # news that they get before these states
        self._shown_s = 0.0
        self._showing: asyncio.Handle | None = None
        self._endings = Endings()
        self._serving: set[asyncio.Task[Any]] = set()
        self._admission = Admission()
        self._snapshots: dict[tuple[Audience, Encoding, Gap | None], tuple[float, int, Sent]] = {}
        self._tick_s: dict[str, float] = {}
        self.new_follow = asyncio.Event()
        self.drops: Counter[str] = self._picture.drops
        self.frames_sent = self.bytes_sent = 0  # states and news; payloads, before compression
        self.starts: Counter[str] = Counter()  # how viewers began: anew, resumed, or why a resume was not granted

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def silent_s(self) -> float:
        """Seconds since any gateway's tick; infinite before the first."""
        return self._clock.mono_s() - max(self._tick_s.values()) if self._tick_s else math.inf

    def vehicles(self) -> tuple[VehicleState, ...]:
        return self._picture.vehicles(self._clock.mono_s())

    def told_alarm(self, alarm_id: AlarmId) -> Alarm | None:
        """An alarm that viewers were told of; None: they were told of none."""
        return self._picture.alarm(alarm_id)

    def engaged(self) -> tuple[VehicleState, ...]:
        """The vehicles of unfinished sorties."""
        return self._picture.engaged(self._clock.mono_s())

    def vehicle(self, vehicle_id: VehicleId) -> VehicleState:
        """Raises NotFound."""
        return self._picture.vehicle(vehicle_id, self._clock.mono_s())

    def links(self, units: Units | None = None) -> tuple[LinksTick, ...]:
        """How the links of each gateway were when it last told; those that vehicles of `units` have to themselves."""
        return self._known.links(units)

    def unit(self, vehicle_id: VehicleId) -> str | None:
        """Whose a vehicle is; None: it is not known (any more)."""
        return self._table.unit(vehicle_id)

    def followed(self) -> tuple[VehicleId, ...]:
        """The vehicles of which each update is wanted."""
        return tuple(self._followed)

    # --- what comes in -------------------------------------------------------------------------------------------

    def tick(self, tick: FleetTick) -> None:
        self._show_rest()
        now_s = self._clock.mono_s()
        self._tick_s[tick.gateway] = now_s
        self._picture.on_tick(tick, now_s)
        self._go_on_all()  # before more is told: who has caught up is told that with the others
        told = self._taken_waiting()
        self._seq += 1
        self._table.take(tick, self._seq, now_s)
        self._follow_moves(self._table.moves())
        self._broadcast(now_s, told)

    def _follow_moves(self, moves: Sequence[Move]) -> None:
        """Viewers of some units to which a vehicle came, or which it left, are told everything anew."""
        if not moves:
            return
        concerned = self._picture.concerned()  # of one that comes, and is not, a tick tells all there is
        ways = {(each.before, each.after) for each in moves if each.before or each.vehicle_id in concerned}
        if ways:
            self._moved_seq = self._seq
            self._snapshots.clear()
        for viewer in self._viewers:
            units = viewer.audience.scope.units
            if units is not None and any((before in units) != (after in units) for before, after in ways):
                viewer.must_restart = True

    def update(self, update: FollowedUpdate) -> None:
        """Tells those who follow the vehicle; one whose transport is not empty gets a later one."""
        state = update.state
        frames: dict[tuple[tuple[int, ...], Encoding], Sent] = {}
        at = _text(update.at)
        for viewer in self._followed.get(state.vehicle_id, ()):
            if viewer.in_turn:  # what it is told here is newer
                self._show(viewer, self._shown_s, self._shown_with)
            if (
                not viewer.joined
                or viewer.must_restart
                or viewer.untold is not None
                or viewer.far.waiting()
                or not self._may_see(viewer, state)
            ):
                continue
            key = (viewer.audience.fields, viewer.far.encoding)
            if key not in frames:
                frames[key] = self._coding.update(state, update.number, at, *key)
            viewer.far.write(frames[key])

    def sortie_changed(self, sortie: Sortie) -> None:
        """Tells everybody, unless it is not news."""
        if self._picture.on_sortie(sortie):
            self._tell(contract.SortieNews, "sortie", *self._known.of_sortie(sortie))

    def command(self, record: CommandRecord) -> None:
        """Tells how a command to a vehicle stands, unless it is not news."""
        if self._picture.on_command(record):
            self._tell(contract.CommandNews, "command", record, self._known.of_one(record))

    def event(self, event: FleetEvent) -> None:
        """Tells everybody: at once, or with the next tick what nobody has to act upon.

        A thousand autopilots say two hundred sentences a second: one write each would cost more than all positions.
        """
        narrow = self._known.of_event(event)
        self._tell(contract.EventNews, "event", event, narrow, at_once=event.severity != _CAN_WAIT)

    def missed(self, subject: str, count: int) -> None:
        """Counts what the bus dropped; of events people are told, all else is in a later tick or in the store."""
        self.drops[f"{subject}, dropped by the bus"] += count
        if subject == FLEET_EVENT:
            text = f"{count} events came too fast and were not told; other systems may have them."
            self.event(FleetEvent(self._clock.now(), "warning", EVENTS_LOST, text))

    def alarm(self, alarm: Alarm) -> None:
        """Tells everybody, unless it is not news."""
        if self._picture.on_alarm(alarm):
            self._tell(contract.AlarmNews, "alarm", alarm, self._known.of_one(alarm))

    def links_tick(self, tick: LinksTick) -> None:
        """Takes over how the links of a gateway do; a link that is lost or back is told as an event besides."""
        narrow = self._known.take_links(tick)
        if narrow is None:
            self.drops["gateways over the bound"] += 1
        else:
            self._tell(contract.LinksNews, "links", tick, narrow, at_once=False)

    def airspace_reviewed(self, news: AirspaceReviewed) -> None:
        """What a new airspace version means for missions; told to everybody, to each of its own flights."""
        self._tell(contract.ReviewNews, "review", news, self._known.of_review(news))

    def traffic(self, news: TrafficNews) -> None:
        """Two of our own flights that come too near to each other, or no longer do; told to either one's units."""
        self._picture.on_traffic(news)
        self._tell(contract.TrafficFrame, "traffic", news, self._known.of_traffic(news))

    def go_to(self, standing: Standing, tracks: Mapping[SortieId, Sequence[TrackPoint]]) -> None:
        """A recording goes on from another moment, at which things stood so: everybody is told everything anew."""
        self._show_rest()
        self._tell_waiting()
        self._seq += 1
        self._ring.forget(self._seq)
        self._picture.go_to(standing.sorties, standing.alarms, standing.commands, tracks)
        self._snapshots.clear()
        for viewer in self._viewers:
            viewer.must_restart = True

    def beat(self) -> None:
        """Once a second: lets states age when no tick comes, and cuts viewers that stopped reading."""
        self._show_rest()
        self._go_on_all()
        self._tell_waiting()
        now_s = self._clock.mono_s()
        silent = [gateway for gateway, tick_s in self._tick_s.items() if now_s - tick_s >= BEAT_S]
        if silent or not self._tick_s:
            self._seq += 1
            for gateway in silent:
                self._age(gateway, now_s)
            self._broadcast(now_s)
        for viewer in tuple(self._viewers):
            if viewer.cut is None and viewer.is_stalled(now_s):
                self.drops["viewers cut, stalled"] += 1
                self._endings.end(viewer, Cut(TRY_AGAIN_LATER))
        self._snapshots = {key: kept for key, kept in self._snapshots.items() if now_s - kept[0] < SNAPSHOT_S}

    async def reconcile(self, store: HubStore) -> None:
        """Takes from the store what the bus may have lost."""
        unfinished = await store.sorties(limit=1_000, unfinished_only=True)
        for sortie in [*unfinished, *await store.sorties(limit=RECENT_SORTIES)]:
            self.sortie_changed(sortie)
        for alarm in [*await store.alarms(limit=RECENT_ALARMS), *await store.alarms(limit=1_000, open_only=True)]:
            self.alarm(alarm)
        for record in reversed(await store.newest_commands(limit=COMPARED_COMMANDS)):
            self.command(record)

    async def seed(self, store: HubStore) -> None:
        """Fills the picture from the store before the first viewer comes."""
        await self.reconcile(store)
        for sortie in await store.sorties(limit=1_000, unfinished_only=True):
            self._picture.on_recorded(sortie.id, await store.track(sortie.id))

    async def close(self) -> None:
        """Sends every viewer away, the server is going; waits until they were told."""
        self._show_rest()
        self._tell_waiting()
        for viewer in tuple(self._viewers):
            self._endings.end(viewer, Cut(GOING_AWAY))
        self._endings.close_all()
        if self._serving:
            await asyncio.wait(self._serving, timeout=2 * FAREWELL_S)

    # --- what goes out -------------------------------------------------------------------------------------------

    async def serve(self, far: FarEnd, rights: Rights = ALL_UNITS, address: str = "") -> None:
        """Serves one viewer until it leaves or is cut; the far end is closed then."""
        with self._counted():
            viewer = Viewer(far, rights, self._clock.mono_s())
            wait_s = self._admission.wait_s(address, self._clock.mono_s())
            if len(self._viewers) >= MAX_VIEWERS or wait_s > 0:
                self.drops["viewers sent away at the door"] += 1
                cut = Cut(TRY_AGAIN_LATER, Overloaded("Too many viewers come at once"))
                await self._farewell(viewer, cut, wait_s)
                return
            self._viewers.add(viewer)
            far.when_clear(partial(self._go_on, viewer))
            try:
                await self._until_ended(viewer, self._endings.begin(viewer))
            finally:
                self._forget(viewer)
                far.when_clear(None)
            if viewer.cut is not None:
                await self._farewell(viewer, viewer.cut)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            yield
        finally:
            self._serving.discard(task)

    async def _until_ended(self, viewer: Viewer, ended: asyncio.Event) -> None:
        """Reads what the viewer says until it leaves, is cut, or says what is no subscription."""
        reader = asyncio.create_task(self._read(viewer), name="viewer-reader")
        ending = asyncio.create_task(ended.wait(), name="viewer-ending")
        try:
            await asyncio.wait({reader, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            ending.cancel()
            results = await asyncio.gather(reader, ending, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, ConnectionError):
                raise result

    async def _read(self, viewer: Viewer) -> None:
        loop = asyncio.get_running_loop()
        default = loop.call_later(FIRST_WORD_S, self._take, viewer, Subscribe())
        try:
            while (message := await viewer.far.receive()) is not None:
                default.cancel()
                try:
                    self._take(viewer, read_subscribe(message))
                except InvalidRequest as error:
                    self._endings.end(viewer, Cut(BAD_MESSAGE, error))
        finally:
            default.cancel()

    def _take(self, viewer: Viewer, wants: Subscribe) -> None:
        """Takes a subscription over. Raises InvalidRequest."""
        self._show_rest()
        self._tell_waiting()
        if viewer.cut is not None:
            return
        was_joined = viewer.joined
        as_wide = viewer.want(wants)
        self._follow(viewer)
        now_s = self._clock.mono_s()
        if not as_wide and was_joined:
            viewer.must_restart = True  # once it has all news: a snapshot would overtake those that wait
        elif not as_wide:
            gap = None if wants.resume is None else self._gap(wants.resume, viewer.audience.scope.units)
            if wants.resume is not None and gap is None:
                self._resume(viewer, wants.resume.seq)
            else:
                self._start(viewer, gap, now_s)
        self._show(viewer, now_s)

    def _gap(self, resume: Resume, units: Units | None) -> Gap | None:
        """Why a resume cannot be granted; None: it can."""
        if resume.epoch != self._epoch:
            return Gap(resume.epoch, resume.seq, "epoch")
        if resume.seq > self._seq:
            return Gap(resume.epoch, resume.seq, "future")
        if resume.seq < max(self._ring.oldest_seq, self._table.oldest_gone()):
            return Gap(resume.epoch, resume.seq, "expired")
        if units is not None and resume.seq < self._moved_seq:
            return Gap(resume.epoch, resume.seq, "units")
        return None

    def _resume(self, viewer: Viewer, seq: int) -> None:
        self.starts["resumed"] += 1
        frame = Resumed(self._epoch, self._seq, self._now(), table_of(viewer.audience.fields))
        sent = Sent(viewer.far.encoding.encode(frame), viewer.far.encoding)
        viewer.far.write(sent)
        self._count(sent)
        viewer.since, viewer.rows_since = seq, 0  # all rows: it may look at another area or sortie than before
        self._replay(viewer, seq)

    def _start(self, viewer: Viewer, gap: Gap | None, now_s: float) -> None:
        self.starts["anew" if gap is None else f"gap: {gap.why}"] += 1
        seq, frame = self._snapshot(viewer, gap, now_s)
        viewer.far.write(frame)
        self._count(frame)
        viewer.has(seq, now_s)
        viewer.due_s = AT_ONCE_S
        self._replay(viewer, seq)

    def _replay(self, viewer: Viewer, seq: int) -> None:
        viewer.joined, viewer.must_restart = True, False
        first = self._ring.since(seq)
        if first is not None and self._last is not None:
            viewer.grant(first, self._last)
            self._behind.add(viewer)
            self._go_on(viewer)

    def _snapshot(self, viewer: Viewer, gap: Gap | None, now_s: float) -> tuple[int, Sent]:
        """Sequence and frame; an equal audience's of a moment ago when that is nothing that it knew before."""
        audience, encoding = viewer.audience, viewer.far.encoding
        kept = self._snapshots.get((audience, encoding, gap))
        if kept is not None and now_s - kept[0] < SNAPSHOT_S and (not viewer.joined or kept[1] == self._seq):
            return kept[1], kept[2]
        self._coding.advance(self._seq, now_s, self._now())
        snapshot = self._coding.snapshot(
            audience, encoding, gap=gap, **self._known.besides(audience.scope.units, encoding)
        )
        sent = Sent(encoding.join(snapshot), encoding)
        if len(self._snapshots) < MOST_SNAPSHOTS:
            self._snapshots[audience, encoding, gap] = (now_s, self._seq, sent)
        return self._seq, sent

    def _may_see(self, viewer: Viewer, state: VehicleState) -> bool:
        """Of which unit the vehicle is, and of which one it was at the last tick."""
        whose, units = {self._table.unit(state.vehicle_id), state.unit}, viewer.rights.units
        return None not in whose and (units is None or whose <= units)

    def _follow(self, viewer: Viewer) -> None:
        for vehicle_id in [each for each, those in self._followed.items() if viewer in those]:
            self._followed[vehicle_id].discard(viewer)
            if not self._followed[vehicle_id]:
                del self._followed[vehicle_id]
        if viewer.follows is not None:
            self._followed.setdefault(viewer.follows, set()).add(viewer)
            self.new_follow.set()

    def _broadcast(self, now_s: float, told: Told | None = None) -> None:
        """Tells every viewer that is due and takes more; one encoding and one write each, nobody is waited for.

        `told`: news that are older than these states, and go out before them.
        """
        self._coding.advance(self._seq, now_s, self._now())
        self._unshown, self._shown_with, self._shown_s = list(self._viewers), told, now_s
        for viewer in self._unshown:
            viewer.in_turn = True
        self._show_some(TURN_S)

    def _show_rest(self) -> None:
        """Before anything else is known, asked or older."""
        if self._showing is not None:
            self._showing.cancel()
            self._show_some(math.inf)

    def _show_some(self, within_s: float) -> None:
        """To whose turn it is, for so long; the others have theirs when the loop comes round."""
        self._showing = None
        until_s = self._clock.mono_s() + within_s
        while self._unshown:
            viewer = self._unshown.pop()
            if viewer.in_turn:
                self._show(viewer, self._shown_s, self._shown_with)
                self._go_on(viewer)  # its transport may have become clear meanwhile
            if self._clock.mono_s() >= until_s and self._unshown:
                self._showing = asyncio.get_running_loop().call_soon(self._show_some, TURN_S)
                return
        self._shown_with = None

    def _show(self, viewer: Viewer, now_s: float, told: Told | None = None) -> None:
        viewer.in_turn = False
        if not viewer.is_due(now_s):
            self._hand(viewer, told)
            return
        if viewer.must_restart:
            self._hand(viewer, told)
            if viewer.is_free():
                self._start(viewer, None, now_s)
            return
        units, far = viewer.audience.scope.units, viewer.far
        frame, says = self._coding.tick(viewer.audience, far.encoding, viewer.since, viewer.rows_since)
        if says or now_s - viewer.said_s >= SILENT_S:
            news = () if told is None else told.to(units, far.encoding)[0]
            far.write(*news, frame)
            viewer.has(self._coding.seq, now_s)
            self._count(*news, frame)
        else:
            self._hand(viewer, told)

    def _tell(self, kind: type[Frame], member: str, value: Any, narrow: Narrow[Any], *, at_once: bool = True) -> None:
        self._seq += 1
        news = News(kind(self._epoch, self._seq, self._now(), **{member: value}, **self._marks), member, narrow)
        self._ring.add(news, self._clock.mono_s())
        self._waiting.append(news)
        loop = asyncio.get_running_loop()
        if at_once and not self._is_urgent:
            self._forget_telling()
            if (now_s := self._clock.mono_s()) - self._told_s >= TOGETHER_S:
                self._told_s = now_s
                self._tell_waiting()
            else:  # with what else comes in this turn of the loop: a fleet that falls silent is a thousand alarms
                self._telling, self._is_urgent = loop.call_soon(self._tell_waiting), True
        elif len(self._waiting) >= MOST_WAITING:
            self._tell_waiting()
        elif self._telling is None:
            self._telling = loop.call_later(WAITING_S, self._tell_waiting)

    def _tell_waiting(self) -> None:
        """Before any frame that has a later sequence: whoever has that frame has these news."""
        told = self._taken_waiting()
        if told is None:
            return
        for viewer in self._unshown:
            if viewer.in_turn:
                self._hand(viewer, self._shown_with)
        self._shown_with = None
        self._coding.restamp(self._seq)
        for viewer in tuple(self._viewers):
            self._hand(viewer, told)

    def _taken_waiting(self) -> Told | None:
        """What waits to be told, and waits no more."""
        self._forget_telling()
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            if self._last is not None:
                self._last.next = news
            self._last = news
        return Told(waiting) if waiting else None

    def _forget_telling(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self._telling, self._is_urgent = None, False

    def _count(self, *frames: Sent) -> None:
        self.frames_sent += len(frames)
        self.bytes_sent += sum([len(each.payload) for each in frames])

    def _hand(self, viewer: Viewer, told: Told | None) -> None:
        """One that is behind comes to these in its turn."""
        if told is None or not viewer.joined:
            return
        if viewer.untold is None:
            self._count(*viewer.tell(told))
            if viewer.untold is not None:
                self._behind.add(viewer)
        elif viewer.is_too_slow(told.last):
            self.drops["viewers cut, too slow for news"] += 1
            error = Overloaded("This connection reads events too slowly")
            self._endings.end(viewer, Cut(TRY_AGAIN_LATER, error))

    def _go_on_all(self) -> None:
        for viewer in tuple(self._behind):
            self._go_on(viewer)

    def _go_on(self, viewer: Viewer) -> None:
        """With the news that it was not told; called when its transport is clear, and looked at with each tick."""
        if viewer in self._behind and not viewer.in_turn:  # news of this turn would be told twice
            self._count(*viewer.drain())
            if viewer.untold is None:
                self._behind.discard(viewer)

    def _age(self, gateway: str, now_s: float) -> None:
        """Links of a silent gateway's vehicles are what their age says; its next tick tells the truth again."""
        for number in self._table.numbers_of(gateway):
            heard_s = now_s - float(self._table.heard_s[number])
            worse = no_better(self._table.link(number), heard_s)
            if worse is not self._table.link(number):
                self._table.set_link(number, worse, self._seq)

    def _forget(self, viewer: Viewer) -> None:
        viewer.joined, viewer.follows, viewer.untold = False, None, None  # all later news hang on that one
        self._viewers.discard(viewer)
        self._behind.discard(viewer)
        self._endings.forget(viewer)
        self._follow(viewer)

    async def _farewell(self, viewer: Viewer, cut: Cut, least_s: float = 0.0) -> None:
        """The reason as the last message, then the close code; a far end that does not read gets neither."""
        problem = None if cut.error is None else msgspec.json.decode(self._encoders.problem(cut.error))
        retry_s = None if cut.code == BAD_MESSAGE else retry_after_s(least_s)
        frame = Bye(self._epoch, self._seq, self._now(), cut.code, retry_s, problem)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FAREWELL_S):
                viewer.far.write(Sent(viewer.far.encoding.encode(frame), viewer.far.encoding))
                await viewer.far.close(cut.code)

    def _now(self) -> str:
        return _text(self._clock.now())


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
