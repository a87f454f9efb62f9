"""One viewer: no queue of states at all, a bounded lane of news, and what its transport still holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import BailuError, Overloaded
from core.ids import VehicleId
from telemetry.stream.audience import ALL_UNITS, Audience, Rights, audience_of
from telemetry.stream.contract import Subscribe
from telemetry.stream.frames import Encoding, Sent

# RFC 6455 section 7.4.1 and the IANA registry of close codes.
GOING_AWAY = 1001
BAD_MESSAGE = 1003
TRY_AGAIN_LATER = 1013

# News of a whole fleet that falls silent, and more.
LANE_BOUND = 2_048
LANE_BYTES = 512 << 10
# A transport that holds no more than this takes states and news, of these up to the second at once.
CLEAR_BYTES = 4 << 10
NEWS_CLEAR_BYTES = 64 << 10
STALLED_AFTER_S = 20.0
# Ticks jitter by a few milliseconds: a viewer this close to being due is due.
DUE_SLACK_S = 0.03
# Something is said this often even when nothing changed, so that silence means a dead stream.
SILENT_S = 1.0


class FarEnd(Protocol):
    """The far end of a viewer: a WebSocket's transport in the service, a list in tests."""

    encoding: Encoding

    def write(self, *frames: Sent) -> None:
        """In one go. Never waits; what the far end does not take is held."""
        ...

    def waiting(self) -> int:
        """Bytes held."""
        ...

    async def receive(self) -> str | bytes | None:
        """The next message; None when the far end has gone."""
        ...

    async def close(self, code: int) -> None:
        """Says so and closes; the far end may be gone or take nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Why a viewer is being closed; `error` is told first, None when there is nothing wrong with what it did."""

    code: int
    error: BailuError | None = None


class Viewer:
    """State of one connection. `since`: the sequence up to which it has all states."""

    __slots__ = (
        "_held_bytes",
        "_owed_bytes",
        "_owed_frames",
        "_progress_s",
        "audience",
        "cut",
        "due_s",
        "far",
        "follows",
        "joined",
        "lane",
        "lane_bytes",
        "must_restart",
        "period_s",
        "rights",
        "rows_since",
        "said_s",
        "since",
    )

    def __init__(self, far: FarEnd, rights: Rights = ALL_UNITS, mono_s: float = 0.0) -> None:
        self.far = far
        self.rights = rights
        self.audience = Audience()
        self.follows: VehicleId | None = None
        self.joined = False
        self.must_restart = False  # what it may know is no more what it was told: a snapshot comes next
        self.since = self.rows_since = 0
        self.period_s = self.due_s = self.said_s = 0.0
        self.lane: deque[Sent] = deque()
        self.lane_bytes = 0
        self._owed_frames = self._owed_bytes = 0  # of the lane, what a resume was granted; until it is empty
        self.cut: Cut | None = None
        self._progress_s, self._held_bytes = mono_s, 0

    def want(self, wants: Subscribe) -> bool:
        """Takes a subscription; whether it can go on without a snapshot. Raises InvalidRequest."""
        audience = audience_of(wants, self.rights)
        as_wide = self.joined and self.audience.is_as_wide(audience)
        if audience != self.audience:
            self.rows_since = 0  # rows of those who are in the new area or sortie, moving or not
        self.audience = audience
        self.follows = None if wants.follow is None else VehicleId(wants.follow)
        self.period_s, self.due_s = 1.0 / wants.rate_hz, 0.0
        return as_wide

    def is_free(self) -> bool:
        """Whether it takes states now: subscribed, told all news, with a transport that holds next to nothing."""
        return self.joined and not self.lane and self.far.waiting() <= CLEAR_BYTES

    def is_due(self, mono_s: float) -> bool:
        return mono_s >= self.due_s and self.is_free()

    def has(self, seq: int, mono_s: float) -> None:
        """It was told all states up to `seq`."""
        self.since = self.rows_since = seq
        self.due_s, self.said_s = mono_s + self.period_s - DUE_SLACK_S, mono_s

    def grant(self, frames: Sequence[Sent]) -> None:
        """It will be told these news besides, which it missed. The ring bounds them, and holds them for everybody: a
        viewer that was cut for them would come back for the same ones, and more."""
        self._owed_frames, self._owed_bytes = len(frames), sum(len(frame.payload) for frame in frames)

    def tell(self, frames: Sequence[Sent]) -> None:
        """Writes news at once, or keeps them in order while the far end is slow; past the bound it is cut."""
        self.lane.extend(frames)
        self.lane_bytes += sum(len(frame.payload) for frame in frames)
        self.drain()
        if len(self.lane) > LANE_BOUND + self._owed_frames or self.lane_bytes > LANE_BYTES + self._owed_bytes:
            self.end(Cut(TRY_AGAIN_LATER, Overloaded("This connection reads events too slowly")))

    def drain(self) -> None:
        """Writes what the lane holds, as far as the far end takes it: one that takes nothing costs no write."""
        if self.far.waiting() > CLEAR_BYTES:
            return
        while self.lane and (room := NEWS_CLEAR_BYTES - self.far.waiting()) > 0:
            going: list[Sent] = []
            while self.lane and room > 0:
                frame = self.lane.popleft()
                room -= len(frame.payload)
                self.lane_bytes -= len(frame.payload)
                going.append(frame)
            self.far.write(*going)
        if not self.lane:
            self._owed_frames = self._owed_bytes = 0

    def is_stalled(self, mono_s: float) -> bool:
        """Whether the far end has taken nothing for `STALLED_AFTER_S`; asked once a second."""
        held = self.far.waiting()
        if held <= CLEAR_BYTES or held < self._held_bytes:
            self._progress_s = mono_s
        self._held_bytes = held
        return mono_s - self._progress_s > STALLED_AFTER_S

    def end(self, cut: Cut) -> None:
        """Has the connection closed; the first reason counts."""
        if self.cut is None:
            self.cut = cut
            self.joined = False
            self.lane.clear()
