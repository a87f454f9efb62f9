"""One viewer of the stream: a slot for what is newest, a bounded lane for what must not be skipped."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import msgspec

from core.errors import BailuError, FieldError, InvalidRequest, Overloaded
from core.ids import VehicleId

# RFC 6455 section 7.4.1 and the IANA registry of close codes.
GOING_AWAY = 1001
BAD_MESSAGE = 1003
TRY_AGAIN_LATER = 1013

LANE_BOUND = 256
# Ticks jitter by a few milliseconds: a viewer this close to being due is due.
DUE_SLACK_S = 0.03


class Socket(Protocol):
    """The far end of a viewer; a WebSocket in the service, a list in tests."""

    async def send(self, frame: str) -> None:
        """Waits while the far end does not read. Raises ConnectionError when it has gone."""
        ...

    async def receive(self) -> str | bytes | None:
        """The next message; None when the far end has gone."""
        ...

    async def close(self, code: int) -> None: ...


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="subscribe"):
    """What a viewer wants: which vehicles (`"*"`: all) and how often."""

    vehicles: Literal["*"] | Annotated[list[str], msgspec.Meta(max_length=2_000)] = "*"
    rate_hz: Annotated[float, msgspec.Meta(ge=0.2, le=10.0)] = 5.0

    @property
    def audience(self) -> Audience:
        return None if self.vehicles == "*" else frozenset(VehicleId(each) for each in self.vehicles)


# The vehicles of a viewer; None is all of them. Viewers with equal audiences share one encoding.
Audience = frozenset[VehicleId] | None

_subscribe = msgspec.json.Decoder(Subscribe)


def read_subscribe(message: str | bytes) -> Subscribe:
    """Raises InvalidRequest for anything that is not a subscribe message."""
    try:
        return _subscribe.decode(message)
    except msgspec.DecodeError as error:
        raise InvalidRequest((FieldError("", str(error)),)) from error


@dataclass(frozen=True, slots=True)
class Cut:
    """Why a viewer is being closed; `error` is told first, None when nothing can be told."""

    code: int
    error: BailuError | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame but for its number: `head` ends before it, `body` is what all viewers of it share."""

    head: str
    body: str

    def numbered(self, seq: int) -> str:
        return f"{self.head}{seq}{self.body}"


class Viewer:
    """State of one connection; the hub writes it, the connection's tasks read it."""

    def __init__(self) -> None:
        self.wants = Subscribe()
        self.audience: Audience = None
        self.needs_snapshot = True
        self.wake = asyncio.Event()
        self.wake.set()
        self.cut: asyncio.Future[Cut] = asyncio.get_running_loop().create_future()
        self.sending_since_s: float | None = None
        self._lane: deque[Frame] = deque()
        self._seen_generation = 0
        self._due_at_s = 0.0
        self._seq = 0

    def subscribe(self, wants: Subscribe) -> None:
        """Takes a new subscription; a snapshot of it comes next."""
        self.wants, self.audience = wants, wants.audience
        self.needs_snapshot = True
        self._due_at_s = 0.0
        self.wake.set()

    def end(self, cut: Cut) -> None:
        """Has the connection closed; the first reason counts."""
        if not self.cut.done():
            self.cut.set_result(cut)

    def push(self, frame: Frame) -> None:
        """Puts a frame on the lane that is never conflated; a viewer that lets it fill up is cut."""
        if len(self._lane) >= LANE_BOUND:
            self.end(Cut(TRY_AGAIN_LATER, Overloaded("This connection reads events too slowly")))
            return
        self._lane.append(frame)
        self.wake.set()

    def pop(self) -> Frame | None:
        return self._lane.popleft() if self._lane else None

    def is_due(self, generation: int, mono_s: float) -> bool:
        """Whether there is something new and the viewer's rate allows to say it."""
        return generation != self._seen_generation and mono_s >= self._due_at_s - DUE_SLACK_S

    def shown(self, generation: int, mono_s: float) -> None:
        """Notes that a generation went out; a viewer that fell behind does not catch up by a burst."""
        self._seen_generation = generation
        period_s = 1.0 / self.wants.rate_hz
        on_time = mono_s - self._due_at_s < period_s
        self._due_at_s = (self._due_at_s if on_time else mono_s) + period_s

    def number(self) -> int:
        """The next `seq`, from 1."""
        self._seq += 1
        return self._seq
