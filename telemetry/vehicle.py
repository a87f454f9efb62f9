"""One vehicle as the gateway knows it: its record, its channel, and questions to it with answers awaited."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from core.clock import Clock
from core.errors import LinkTimeout, VehicleBusy, VehicleOffline, VehicleRejected
from core.ids import SortieId, VehicleId
from missions.enrollment import Category, SigningPolicy
from missions.model import Airframe, Dock
from telemetry.fold import fold, is_position
from telemetry.messages import Landed, LinkState, VehicleState
from telemetry.packets import (
    Cmd,
    CmdResult,
    CommandAck,
    CommandLong,
    Heartbeat,
    Inbound,
    Outbound,
    StatusText,
)

T = TypeVar("T")

# Reliability guide, section 2: LIVE → STALE → LOST.
STALE_AFTER_S = 1.5
LOST_AFTER_S = 5.0
_KEPT_TEXTS = 5
_TRIES = 5
_TRY_S = 0.5
_IN_PROGRESS_S = 3.0
_REJECTED_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class VehicleConfig:
    """An enrolled vehicle: our stable id, and the links and the MAVLink system id that it may be heard under.

    `links`: N >= 1 names, the preferred one first. `uid`: the autopilot's own id (AUTOPILOT_VERSION), None while it
    was never read. `key`: the 32 bytes of MAVLink signing; never shown.
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


Listener = Callable[[Inbound], None]


class Vehicle:
    """State has one owner: the gateway's receive path calls `hear`; everybody else reads `state` or asks.

    `pace` is how many seconds of the vehicle's time pass in one of ours (a simulator's speed-up).
    """

    def __init__(self, config: VehicleConfig, *, clock: Clock, pace: float = 1.0) -> None:
        self.config = config
        self.id = config.id
        self.clock = clock
        self.pace = pace
        self.state = VehicleState(
            vehicle_id=config.id,
            name=config.name,
            dock_id=config.dock.id,
            system_id=config.system_id,
            link_name=config.links[0],
            airframe=config.airframe.name,
        )
        self.doing: str | None = None
        self.heard = asyncio.Event()  # set with the first heartbeat, which tells mode and armed state
        self.listeners: list[Listener] = []
        self._transmit: Callable[[Outbound], None] | None = None
        self._replayed = False
        self._heard_s: float | None = None
        self._heard_at: datetime | None = None
        self._position_s: float | None = None
        self._chunks: dict[int, str] = {}
        self._texts: deque[tuple[float, str]] = deque(maxlen=_KEPT_TEXTS)

    # --- what the receive path calls ---

    def attach(self, transmit: Callable[[Outbound], None] | None) -> None:
        """Where frames to this vehicle go from now on; None: it is played from a recording and hears nothing."""
        self._transmit = transmit
        self._replayed = transmit is None

    def assign(self, sortie_id: SortieId | None) -> None:
        """Which sortie the vehicle flies, for whoever looks at its record."""
        self.state = replace(self.state, sortie_id=sortie_id)

    def hear(self, packet: Inbound | None) -> None:
        """Takes one frame of the vehicle (None: a message of no use to us) and wakes whoever waits for it."""
        now = self.clock.mono_s()
        self._heard_s = now
        self._heard_at = self.clock.now()
        if packet is None:
            return
        if is_position(packet):
            self._position_s = now
        if isinstance(packet, StatusText):
            whole = self._assemble(packet)
            if whole is None:
                return
            packet = whole
            self._texts.append((now, packet.text))
            self.state = replace(self.state, last_texts=tuple(text for _, text in self._texts))
        self.state = fold(self.state, packet, pad_agl_m=self.config.dock.height_agl_m)
        if isinstance(packet, Heartbeat):
            self.heard.set()
        for listener in tuple(self.listeners):
            listener(packet)

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

    def snapshot(self) -> VehicleState:
        """The record with its ages as of now."""
        now = self.clock.mono_s()
        heard_age = None if self._heard_s is None else round(now - self._heard_s, 3)
        link = _link_state(heard_age)
        if self._replayed and link in (LinkState.LIVE, LinkState.STALE):
            link = LinkState.REPLAYED
        return replace(
            self.state,
            link=link,
            ready=link is LinkState.LIVE and _stands_ready(self.state),
            last_heard_at=self._heard_at,
            heard_age_s=heard_age,
            position_age_s=None if self._position_s is None else round(now - self._position_s, 3),
        )

    @property
    def link(self) -> LinkState:
        return self.snapshot().link

    def texts_since(self, since_s: float) -> tuple[str, ...]:
        """The autopilot's texts heard since `since_s` on the monotonic clock."""
        return tuple(text for at, text in self._texts if at >= since_s)

    # --- one transaction at a time ---

    @contextmanager
    def exclusive(self, doing: str) -> Iterator[None]:
        """Holds the vehicle for one piece of work. Raises VehicleBusy when somebody else does."""
        if self.doing is not None:
            raise VehicleBusy(self.id, self.doing)
        self.doing = doing
        try:
            yield
        finally:
            self.doing = None

    def send(self, packet: Outbound) -> None:
        """Sends once, without waiting. Raises VehicleOffline when the vehicle was never heard."""
        if self._transmit is None:
            raise VehicleOffline(self.id, None)
        self._transmit(packet)

    async def ask(
        self, packet: Outbound, answer: Callable[[Inbound], T | None], *, what: str, tries: int = _TRIES
    ) -> T:
        """Sends `packet` until `answer` finds what it looks for in what comes back. Raises LinkTimeout."""
        for _ in range(tries):
            with self.inbox() as inbox:
                self.send(packet)
                found = await _first(inbox, answer, _TRY_S)
            if found is not None:
                return found
        raise self.silence(what, tries)

    async def until(self, holds: Callable[[VehicleState], bool], *, what: str, within_s: float) -> None:
        """Waits until the record satisfies `holds`. `within_s` in the vehicle's time. Raises LinkTimeout."""
        if holds(self.state):
            return
        with self.inbox() as inbox:
            limit_s = max(2.0, within_s / self.pace)
            found = await _first(inbox, lambda _: True if holds(self.state) else None, limit_s)
        if found is None:
            raise self.silence(what, 1)

    async def command(self, command: Cmd, *params: float, tries: int = _TRIES) -> None:
        """Sends a command until it is acknowledged as accepted; ACCEPTED means "will try", not "has done".

        Raises VehicleRejected with the autopilot's own words, LinkTimeout when no acknowledgement comes.
        """
        started_s = self.clock.mono_s()
        for attempt in range(tries):
            with self.inbox() as inbox:
                self.send(CommandLong(command, params, confirmation=attempt))
                result = await self._result(inbox, command)
            if result == CmdResult.TEMPORARILY_REJECTED and attempt < tries - 1:
                await asyncio.sleep(_REJECTED_PAUSE_S)
            elif result == CmdResult.ACCEPTED:
                return
            elif result is not None:
                raise VehicleRejected(self.id, command.name, _result_name(result), await self.last_words(started_s))
        raise self.silence(f"acknowledgement of {command.name}", tries)

    async def _result(self, inbox: asyncio.Queue[Inbound], command: Cmd) -> int | None:
        def answer(packet: Inbound) -> int | None:
            return packet.result if isinstance(packet, CommandAck) and packet.command == command else None

        result = await _first(inbox, answer, _TRY_S)
        while result == CmdResult.IN_PROGRESS:
            result = await _first(inbox, answer, _IN_PROGRESS_S)
        return result

    async def last_words(self, since_s: float) -> tuple[str, ...]:
        """The texts around a refusal; ArduPilot sends the reason just after or just before the acknowledgement."""
        await asyncio.sleep(_REJECTED_PAUSE_S)
        return self.texts_since(since_s)

    # --- what transactions are made of ---

    @contextmanager
    def inbox(self) -> Iterator[asyncio.Queue[Inbound]]:
        """What the vehicle says while the context is open; at most 500 packets wait, later ones are dropped."""
        inbox: asyncio.Queue[Inbound] = asyncio.Queue(maxsize=500)

        def put(packet: Inbound) -> None:
            if not inbox.full():
                inbox.put_nowait(packet)

        self.listeners.append(put)
        try:
            yield inbox
        finally:
            self.listeners.remove(put)

    def silence(self, what: str, tries: int) -> LinkTimeout | VehicleOffline:
        """The error that no answer is: the link's when the vehicle is not heard at all, else the question's."""
        if self.link in (LinkState.LOST, LinkState.NEVER):
            return VehicleOffline(self.id, self._heard_at)
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


def _link_state(heard_age_s: float | None) -> LinkState:
    if heard_age_s is None:
        return LinkState.NEVER
    if heard_age_s > LOST_AFTER_S:
        return LinkState.LOST
    return LinkState.STALE if heard_age_s > STALE_AFTER_S else LinkState.LIVE


def _stands_ready(state: VehicleState) -> bool:
    standing = state.armed is False and state.landed in (Landed.ON_GROUND, Landed.UNKNOWN)
    return standing and bool(state.prearm_ok and state.position_ok) and state.sortie_id is None


def _result_name(result: int) -> str:
    return CmdResult(result).name if result in set(CmdResult) else f"MAV_RESULT {result}"
