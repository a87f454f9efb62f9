"""One vehicle as the gateway knows it: its record, its channel, and questions to it with answers awaited."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.clock import Clock
from core.errors import BailuError, LinkTimeout, OutcomeUnknown, VehicleBusy, VehicleOffline, VehicleRejected
from core.ids import SortieId, VehicleId
from missions.enrollment import Category, SigningPolicy
from missions.model import Airframe, CommandClass, Dock
from telemetry.acting import EFFECT_S, Act, class_of, effect_of
from telemetry.board import (
    ALL,
    ATTITUDE,
    BATTERY,
    FIRST_KIND,
    FLIES,
    HEARD,
    LOGS,
    PLACED,
    POSITION,
    TIMES,
    Board,
    Seen,
)
from telemetry.columns import merged, row_of
from telemetry.driving import drive
from telemetry.fold import fold, is_place_e7, is_position
from telemetry.lanes import How, Lane
from telemetry.machine import Machine
from telemetry.messages import Landed, LinkState, Quiet, SortieProgress, VehicleState
from telemetry.packets import (
    KINDS,
    Attitude,
    Cmd,
    CmdResult,
    CommandInt,
    CommandLong,
    GlobalPosition,
    Heartbeat,
    Inbound,
    Outbound,
    StatusText,
    SysStatus,
    mode_name,
)
from telemetry.quick import boot_and_place
from telemetry.quiet import DATA, QuietWatch

T = TypeVar("T")

# Reliability guide, section 2: LIVE → STALE → LOST.
STALE_AFTER_S = 1.5
LOST_AFTER_S = 5.0
_KEPT_TEXTS = 5
# Looked up for every message.
_LEAN, _PLACE, _PASS, _NEWS, _REPEAT = How.LEAN, How.PLACE, How.PASS, How.NEWS, How.REPEAT
# The autopilot's reason comes just before or just after its refusal.
_REASON_S = 0.3
# A command with IN_PROGRESS and pauses is waited for so long at the most.
COMMAND_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class VehicleConfig:
    """An enrolled vehicle: our stable id, and the links and the MAVLink system id that it may be heard under.

    `links`: N >= 1 names, the preferred one first. `uid`: the autopilot's own id (AUTOPILOT_VERSION), None while it
    was never read. `key`: the 32 bytes of MAVLink signing; never shown. `key_trouble`: why there is none although
    there should be, and what to do; else "".
    """

    id: VehicleId
    name: str
    links: tuple[str, ...]
    system_id: int
    dock: Dock
    airframe: Airframe
    uid: str | None = None
    signing: SigningPolicy = SigningPolicy.OFF
    key: bytes | None = field(default=None, repr=False)
    category: Category | None = None
    registration: str | None = None
    key_trouble: str = ""
    unit: str = "default"


Listener = Callable[[Inbound], None]
Transmit = Callable[[Outbound], None]


class Vehicle:
    """State has one owner: the gateway's receive path calls `hear`; everybody else reads `state` or asks.

    `pace` is how many seconds of the vehicle's time pass in one of ours (a simulator's speed-up).
    """

    def __init__(self, config: VehicleConfig, *, clock: Clock, pace: float = 1.0, board: Board | None = None) -> None:
        """`board`: where the quick numbers of the fleet are kept; None: it has one to itself."""
        self.config = config
        self.id = config.id
        self.clock = clock
        self.pace = pace
        self.gcs_system_id = 255  # whose silence its ground-station failsafe acts on: ours
        self.changed: Callable[[Vehicle], None] | None = None  # told when it says something new that is no number
        self._board = board or Board()
        self.row = self._board.seat(config.dock.height_agl_m)
        self._placed: Callable[[Vehicle], None] | None = None
        self._whole: VehicleState | None = None  # the record as it is, once somebody looked,
        self._whole_at = 0  # and after how many changes that only the board knows of
        self.slow = VehicleState(
            vehicle_id=config.id,
            name=config.name,
            dock_id=config.dock.id,
            system_id=config.system_id,
            link_name=config.links[0],
            airframe=config.airframe.name,
            unit=config.unit,
        )
        self.doing: str | None = None
        self._worker: asyncio.Task[object] | None = None
        self._overruled: str | None = None
        self._outstanding: dict[int, object] = {}
        self._writing = 0
        self.absent_params: set[str] = set()  # found missing since it was attached
        self._wrote_s = -math.inf
        self.heard = asyncio.Event()  # set with the first heartbeat, which tells mode and armed state
        self._listeners: list[Listener] = []  # of everything
        self._wanted: dict[type[Inbound], list[Listener]] = {}
        self._transmit: Transmit | None = None
        self._transmit_everywhere: Transmit | None = None
        self._replayed = False
        self._is_recorded = False
        self.is_changed = True  # since the gateway last looked, but for its quick numbers
        self._used: dict[type[Inbound], bytes] = {}
        self._quiet = QuietWatch()
        self._chunks: dict[int, str] = {}
        self._texts: deque[tuple[float, str]] = deque(maxlen=_KEPT_TEXTS)

    # --- what the receive path calls ---

    def attach(self, transmit: Transmit | None, everywhere: Transmit | None = None) -> None:
        """Where frames to this vehicle go from now on; None: it is played from a recording and hears nothing.

        `everywhere`: to all channels that it is heard on, where there may be several.
        """
        self._transmit = transmit
        self._transmit_everywhere = everywhere
        self.absent_params.clear()
        self._replayed, self.is_changed = transmit is None, True
        self._tell_whom_it_waits_for()

    def enroll(self, config: VehicleConfig) -> None:
        """It has another enrolment from now on; what was heard of it stays."""
        self.config = config
        dock, airframe = config.dock.id, config.airframe.name
        self._board.pad(self.row, config.dock.height_agl_m)
        self._change(name=config.name, dock_id=dock, airframe=airframe, system_id=config.system_id, unit=config.unit)

    def assign(self, sortie_id: SortieId | None) -> None:
        """Which sortie the vehicle flies, for whoever looks at its record."""
        self.is_recorded = sortie_id is not None
        self._change(sortie_id=sortie_id)

    def report(self, progress: SortieProgress | None) -> None:
        """How far its flight is, for whoever looks at its record."""
        self._change(progress=progress)

    def look_for_quiet(self, now_s: float) -> None:
        """Says in the record which data came and come no more."""
        at, times = self.row * TIMES, self._board.times
        kinds_s = {kind: came_s for kind in DATA if not math.isnan(came_s := times[at + FIRST_KIND + KINDS[kind]])}
        found = self._quiet.look(kinds_s, is_live=self.link is LinkState.LIVE, now_s=now_s)
        if found is not None and list(found) != [each.what for each in self.slow.quiet]:
            now = self.clock.now()
            self._change(quiet=tuple(Quiet(what, now - timedelta(seconds=now_s - at)) for what, at in found.items()))

    def retire(self) -> None:
        """It belongs to no fleet any more."""
        board, row = Board(), self.row
        own = board.seat(self.config.dock.height_agl_m)
        self._whole = None
        board.set(own, self._board.one(row))
        board.times[own * TIMES : (own + 1) * TIMES] = self._board.times[row * TIMES : (row + 1) * TIMES]
        self._board.leave(row)
        self._board, self.row = board, own

    def take(self, lane: Lane, payload: bytes, now_s: float) -> bool:
        """Takes a message as it came; False when it has to be read at once, and `hear` told: somebody waits for it,
        or it changes what is no quick number."""
        at, times, kind = self.row * TIMES, self._board.times, lane.kind
        times[at] = now_s
        if kind is None:
            return True
        if self._listeners or kind in self._wanted:
            return False
        times[at + FIRST_KIND + lane.number] = now_s
        how = lane.how
        if how is _LEAN:
            self._board.keep(ATTITUDE, self.row, payload)
        elif how is _PLACE:
            self._take_place(payload, now_s)
        elif how is _PASS:
            return True
        elif how is _NEWS or self._used.get(kind) != (lane.used(payload) if lane.spans else payload):
            return False
        elif how is _REPEAT:
            return True
        else:
            self._board.keep(BATTERY, self.row, payload)
        self._whole = None
        return True

    def _take_place(self, payload: bytes, now_s: float) -> None:
        _, lat_e7, lon_e7 = boot_and_place(payload)
        if is_place_e7(lat_e7, lon_e7):
            self.position_s = now_s
            self._board.keep(POSITION, self.row, payload)
            if self._placed is not None and not self._replayed:
                self._placed(self)

    def knows(self, lane: Lane, payload: bytes) -> None:
        """What was just heard came so: the same again tells nothing new."""
        if lane.kind is not None:
            used = self._used[lane.kind] = lane.used(payload)
            self._board.know(self.row, lane.number, used)

    def hear(self, packet: Inbound | None) -> None:
        """Takes one frame of the vehicle (None: a message of no use to us) and wakes whoever waits for it."""
        self.heard_s = now = self.clock.mono_s()
        if packet is None:
            return
        kind = type(packet)
        self._board.times[self.row * TIMES + FIRST_KIND + KINDS[kind]] = now
        if self._used.pop(kind, None) is not None:
            self._board.know(self.row, KINDS[kind], None)
        if isinstance(packet, StatusText):
            whole = self._assemble(packet)
            if whole is None:
                return
            packet = whole
            self._texts.append((now, packet.text))
            self._change(last_texts=tuple(text for _, text in self._texts))
        self._fold(packet, now)
        if isinstance(packet, Heartbeat):
            self.heard.set()
        for listener in (*self._listeners, *self._wanted.get(kind, ())):
            listener(packet)

    def _fold(self, packet: Inbound, now_s: float) -> None:
        match packet:
            case GlobalPosition():
                if is_position(packet):
                    self.position_s, self._whole = now_s, None
                    self._board.put(self.row, packet)
                    if self._placed is not None and not self._replayed:
                        self._placed(self)
            case Attitude():
                self._whole = None
                self._board.put(self.row, packet)
            case SysStatus():
                self._board.put(self.row, packet)
                self._change(prearm_ok=packet.prearm_ok, fence_enabled=packet.fence_enabled)
            case _:
                slow = fold(self.slow, packet, pad_agl_m=self.config.dock.height_agl_m)
                if slow is not self.slow:
                    self.slow, self._whole, self.is_changed = slow, None, True
                    if self.changed is not None:
                        self.changed(self)

    def _change(self, **fields: Any) -> None:
        self.slow, self._whole, self.is_changed = replace(self.slow, **fields), None, True

    def _assemble(self, packet: StatusText) -> StatusText | None:
        """The whole text once its last chunk is here; None before that. Holds one unfinished text per id, few ids."""
        if packet.id == 0:
            return replace(packet, text=packet.text.strip())
        text = (self._chunks.pop(packet.id, "") + packet.text)[:500]
        if packet.is_last:
            return replace(packet, text=text.strip())
        if len(self._chunks) >= _KEPT_TEXTS:
            self._chunks.clear()
        self._chunks[packet.id] = text
        return None

    # --- what anybody may read ---

    @property
    def slow(self) -> VehicleState:
        """The record but for its quick numbers (`columns.FAST`), which are not kept up here; replaced by us alone."""
        return self._slow

    @slow.setter
    def slow(self, state: VehicleState) -> None:
        self._slow = state
        self._board.flags[2 * self.row + FLIES] = bool(state.armed) and state.landed is not Landed.ON_GROUND

    @property
    def is_recorded(self) -> bool:
        """Whether it flies for us."""
        return self._is_recorded

    @is_recorded.setter
    def is_recorded(self, recorded: bool) -> None:
        self._is_recorded = recorded
        self._tell_whom_it_waits_for()

    @property
    def placed(self) -> Callable[[Vehicle], None] | None:
        """Told of every position, before anything else is."""
        return self._placed

    @placed.setter
    def placed(self, placed: Callable[[Vehicle], None] | None) -> None:
        self._placed = placed
        self._tell_whom_it_waits_for()

    @property
    def boot_ms(self) -> int:
        """The newest time since boot; -1 while every one has to be looked at."""
        return self._board.boot_ms[self.row]

    @boot_ms.setter
    def boot_ms(self, boot_ms: int) -> None:
        self._board.boot_ms[self.row] = boot_ms

    @property
    def flew_s(self) -> float:
        """When the express way heard it tell its place in flight."""
        return self._board.flew_s[self.row]

    @flew_s.setter
    def flew_s(self, at_s: float) -> None:
        self._board.flew_s[self.row] = at_s

    @property
    def heard_s(self) -> float:
        """When it was heard last, on the monotonic clock; NaN: never."""
        return self._board.times[self.row * TIMES + HEARD]

    @heard_s.setter
    def heard_s(self, at_s: float) -> None:
        self._board.times[self.row * TIMES + HEARD] = at_s

    @property
    def position_s(self) -> float:
        """When its place was heard last; NaN: never."""
        return self._board.times[self.row * TIMES + PLACED]

    @position_s.setter
    def position_s(self, at_s: float) -> None:
        self._board.times[self.row * TIMES + PLACED] = at_s

    @property
    def state(self) -> VehicleState:
        """The record as it is, without ages."""
        changes = self._board.changes[self.row]
        if self._whole is None or self._whole_at != changes:
            self._whole_at = changes
            self._whole = merged(self.slow, self._board.one(self.row))
        return self._whole

    @state.setter
    def state(self, state: VehicleState) -> None:
        self._board.set(self.row, row_of(state))
        self.slow, self._whole, self.is_changed = state, state, True
        self._whole_at = self._board.changes[self.row]

    def seen(self) -> Seen:
        """Its quick numbers as they are, unread; cheap."""
        return self._board.peek(self.row)

    def snapshot(self) -> VehicleState:
        """The record with its ages as of now."""
        now_s = self.clock.mono_s()
        link = self.link
        return replace(
            self.state,
            link=link,
            ready=link is LinkState.LIVE and stands_ready(self.slow),
            last_heard_at=self.heard_at,
            heard_age_s=_age_s(self.heard_s, now_s),
            position_age_s=_age_s(self.position_s, now_s),
        )

    @property
    def heard_at(self) -> datetime | None:
        """When it was heard last, by the wall clock as it is now; None: never."""
        silence_s = self.clock.mono_s() - self.heard_s
        return None if math.isnan(silence_s) else self.clock.now() - timedelta(seconds=silence_s)

    @property
    def link(self) -> LinkState:
        """How well it is heard now."""
        return self.link_after(self.clock.mono_s() - self.heard_s)

    def link_after(self, silence_s: float) -> LinkState:
        """How well it is heard when nothing came for so long; NaN: it was never heard."""
        link = _link_state(silence_s)
        return LinkState.REPLAYED if self._replayed and link in (LinkState.LIVE, LinkState.STALE) else link

    def silence_s(self, kind: type[Inbound]) -> float:
        """Seconds since a packet of this kind came; infinite before the first."""
        came_s = self._board.times[self.row * TIMES + FIRST_KIND + KINDS[kind]]
        return math.inf if math.isnan(came_s) else self.clock.mono_s() - came_s

    def texts_since(self, since_s: float) -> tuple[str, ...]:
        """The autopilot's texts heard since `since_s` on the monotonic clock."""
        return tuple(text for at, text in self._texts if at >= since_s)

    # --- one transaction at a time ---

    @contextmanager
    def exclusive(self, doing: str) -> Iterator[None]:
        """Holds the vehicle for one piece of work. Raises VehicleBusy when somebody else does."""
        if self.doing is not None:
            raise VehicleBusy(self.id, self.doing)
        self.doing, self._worker = doing, _this_task()
        try:
            yield
        finally:
            self.doing = self._worker = self._overruled = None

    def overrule(self, why: str) -> None:
        """Ends the piece of work that holds the vehicle: whatever it wants to send next raises VehicleBusy.

        What brings a vehicle home, down or to a stop waits for nobody, and is not followed by the rest of what was
        being done before. Nothing happens when the work overrules itself.
        """
        if self.doing is not None and self._worker is not _this_task():
            self._overruled = f"{self.doing} was broken off, because {why}"

    def send(self, packet: Outbound) -> None:
        """Sends once, without waiting. Raises VehicleOffline when the vehicle was never heard."""
        self._refuse_overruled()
        if self._transmit is None:
            raise VehicleOffline(self.id, None)
        self._transmit(packet)

    def send_everywhere(self, packet: Outbound) -> None:
        """Sends once on every link that the vehicle was heard on. Raises VehicleOffline."""
        self._refuse_overruled()
        if self._transmit_everywhere is None:
            self.send(packet)
        else:
            self._transmit_everywhere(packet)

    def _refuse_overruled(self) -> None:
        if self._overruled is not None and self._worker is _this_task():
            raise VehicleBusy(self.id, self._overruled)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While we change what it holds, the signs of a change are ours."""
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
            self._wrote_s = self.clock.mono_s()

    def writes_own(self, within_s: float) -> bool:
        """Whether we change what it holds, or have done so until `within_s` ago."""
        return self._writing > 0 or self.clock.mono_s() - self._wrote_s < within_s

    async def run(self, machine: Machine, *, within_s: float) -> None:
        """Drives an exchange until it is over, or gives up, or time is. The caller asks it how it went."""
        await drive(self, machine, send=self.send, until_s=self.clock.mono_s() + within_s)

    async def until(self, holds: Callable[[VehicleState], bool], *, what: str, within_s: float) -> None:
        """Waits until the record satisfies `holds`. `within_s` in the vehicle's time. Raises LinkTimeout."""
        if holds(self.state):
            return
        with self.inbox() as inbox:
            limit_s = max(2.0, within_s / self.pace)
            found = await _first(inbox, lambda _: True if holds(self.state) else None, limit_s)
        if found is None:
            raise self.silence(what, 1)

    async def command(self, command: Cmd, *params: float, urgent: bool = False) -> None:
        """`order` of a COMMAND_LONG."""
        await self.order(CommandLong(command, params), urgent=urgent)

    async def order(
        self, command: CommandLong | CommandInt, *, urgent: bool = False, within_s: float = COMMAND_WITHIN_S
    ) -> None:
        """Sends a command as often as its class allows, until the vehicle shows its effect, or says that it will try
        where nothing else can tell (`telemetry.acting`).

        `urgent` is for what brings a vehicle home, down or to a stop: it takes the place of whatever was asked
        before, goes out on every link, and is repeated until it is seen, for `within_s` at most.
        Raises VehicleRejected with the autopilot's own words; OutcomeUnknown for what may not be repeated;
        VehicleBusy when the same command is being asked already, or a later one took its place; LinkTimeout,
        VehicleOffline.
        """
        began_s = self.clock.mono_s()
        act = Act(
            command,
            class_of(command),
            now_s=began_s,
            until_s=began_s + within_s,
            shows=effect_of(command),
            urgent=urgent,
            effect_s=max(2.0, EFFECT_S / self.pace),
        )
        name = _command_name(command.command)
        with self._sole(command.command, name, urgent=urgent) as replaced:
            if urgent:
                self.overrule(f"{name} was asked for")
            await drive(
                self,
                act,
                send=self.send_everywhere if urgent else self.send,
                until_s=began_s + within_s,
                stop=lambda: replaced() or (urgent and self._is_hopeless(began_s)),
            )
            if replaced() and not act.done:
                raise VehicleBusy(self.id, f"a later {name} took the place of this one")
        if not act.done:
            raise await self._failure(act, name, began_s)

    @contextmanager
    def _sole(self, number: int, name: str, *, urgent: bool) -> Iterator[Callable[[], bool]]:
        """One command of a number at a time, for an acknowledgement names no other. Gives whether it was replaced."""
        if number in self._outstanding and not urgent:
            raise VehicleBusy(self.id, f"{name} is waited for")
        mine = object()
        self._outstanding[number] = mine
        try:
            yield lambda: self._outstanding.get(number) is not mine
        finally:
            if self._outstanding.get(number) is mine:
                del self._outstanding[number]

    def _is_hopeless(self, began_s: float) -> bool:
        """Whether nobody has heard the vehicle for so long that telling the person is better than going on."""
        unheard = self.link in (LinkState.LOST, LinkState.NEVER)
        return unheard and self.clock.mono_s() - began_s > LOST_AFTER_S

    async def _failure(self, act: Act, name: str, began_s: float) -> BailuError:
        """What an act that is not done comes to, in the autopilot's words where it has any."""
        if act.refused is not None:
            return VehicleRejected(self.id, name, _result_name(act.refused), await self.last_words(began_s))
        if act.overruled is not None:
            mode = mode_name(act.overruled)
            return VehicleRejected(
                self.id, name, f"mode {mode}, which somebody else chose", self.texts_since(began_s)
            )
        if act.attempts and class_of(act.command) is CommandClass.NEVER:
            return OutcomeUnknown(self.id, name, self.texts_since(began_s))
        if act.accepted:
            return LinkTimeout(self.id, f"the effect of {name}, which it accepted", act.attempts)
        return self.silence(f"acknowledgement of {name}", act.attempts)

    async def last_words(self, since_s: float) -> tuple[str, ...]:
        """The texts around a refusal; ArduPilot sends the reason just after or just before the acknowledgement."""
        await asyncio.sleep(_REASON_S)
        return self.texts_since(since_s)

    # --- what transactions are made of ---

    @contextmanager
    def listening(self, listener: Listener, *kinds: type[Inbound]) -> Iterator[None]:
        """While the context is open, each packet of these kinds is read at once and told to `listener`.

        Whatever is not waited for is only read when it changes something, or at the tick: ask for no more than is
        needed.
        """
        self.listen(listener, *kinds)
        try:
            yield
        finally:
            self.unlisten(listener)

    def listen(self, listener: Listener, *kinds: type[Inbound]) -> None:
        """`listening`, until `unlisten`; without kinds to everything."""
        if not kinds:
            self._listeners.append(listener)
        for kind in kinds:
            self._wanted.setdefault(kind, []).append(listener)
        self._tell_whom_it_waits_for()

    def unlisten(self, listener: Listener) -> None:
        """Tells it nothing any more."""
        self._wanted = {
            kind: kept
            for kind, listeners in self._wanted.items()
            if (kept := [each for each in listeners if each is not listener])
        }
        self._listeners = [each for each in self._listeners if each is not listener]
        self._tell_whom_it_waits_for()

    def _tell_whom_it_waits_for(self) -> None:
        """What the express way must not take: what somebody waits for, and all that is recorded or replayed."""
        if self._listeners or self._is_recorded or self._replayed or self._transmit is None:
            waited = ALL
        else:
            waited = sum(1 << KINDS[kind] for kind in self._wanted)
        self._board.waited[self.row] = waited
        self._board.flags[2 * self.row + LOGS] = self._placed is not None

    @contextmanager
    def inbox(self) -> Iterator[asyncio.Queue[Inbound]]:
        """What the vehicle says while the context is open; at most 500 packets wait, later ones are dropped."""
        inbox: asyncio.Queue[Inbound] = asyncio.Queue(maxsize=500)

        def put(packet: Inbound) -> None:
            if not inbox.full():
                inbox.put_nowait(packet)

        self.listen(put)
        try:
            yield inbox
        finally:
            self.unlisten(put)

    def silence(self, what: str, tries: int) -> LinkTimeout | VehicleOffline:
        """The error that no answer is: the link's when the vehicle is not heard at all, else the question's."""
        if self.link in (LinkState.LOST, LinkState.NEVER):
            return VehicleOffline(self.id, self.heard_at)
        return LinkTimeout(self.id, what, tries)


async def _first(inbox: asyncio.Queue[Inbound], answer: Callable[[Inbound], T | None], limit_s: float) -> T | None:
    """The first thing that `answer` finds in the inbox within `limit_s`, or None."""
    try:
        async with asyncio.timeout(limit_s):
            while True:
                found = answer(await inbox.get())
                if found is not None:
                    return found
    except TimeoutError:
        return None


def _age_s(at_s: float, now_s: float) -> float | None:
    return None if math.isnan(at_s) else round(now_s - at_s, 3)


def _link_state(heard_age_s: float) -> LinkState:
    if math.isnan(heard_age_s):
        return LinkState.NEVER
    if heard_age_s > LOST_AFTER_S:
        return LinkState.LOST
    return LinkState.STALE if heard_age_s > STALE_AFTER_S else LinkState.LIVE


def stands_ready(state: VehicleState) -> bool:
    """Whether it may be launched, as far as it says itself."""
    standing = state.armed is False and state.landed in (Landed.ON_GROUND, Landed.UNKNOWN)
    return standing and bool(state.prearm_ok and state.position_ok) and state.sortie_id is None and not state.quiet


def _this_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _command_name(command: int) -> str:
    return Cmd(command).name if command in set(Cmd) else f"MAV_CMD {command}"


def _result_name(result: int) -> str:
    return CmdResult(result).name if result in set(CmdResult) else f"MAV_RESULT {result}"
