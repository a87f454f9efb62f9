"""One viewer: no queue at all, only how far it was told, and what its transport still holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import BailuError
from core.ids import VehicleId
from telemetry.stream.audience import ALL_UNITS, Audience, Rights, audience_of
from telemetry.stream.contract import Subscribe
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.news import KEPT_BYTES, KEPT_NEWS, News, Told

# RFC 6455 section 7.4.1 and the IANA registry of close codes.
GOING_AWAY = 1001
BAD_MESSAGE = 1003
TRY_AGAIN_LATER = 1013

# So far behind with news a viewer may be: half of what the ring has, where one that is cut for it finds them again.
BEHIND_NEWS = KEPT_NEWS // 2
BEHIND_OCTETS = KEPT_BYTES // 2
# A transport that holds no more than this takes states and news, of these up to the second at once.
CLEAR_BYTES = 4 << 10
NEWS_CLEAR_BYTES = 64 << 10
STALLED_AFTER_S = 20.0
AT_ONCE_S = -math.inf  # when states are due that wait for nothing
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

    def when_clear(self, room: Callable[[], None] | None) -> None:
        """Has `room` called soon after it holds no more than `CLEAR_BYTES` again; None: nobody any more."""
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
        "_owed_news",
        "_owed_octets",
        "_progress_s",
        "_took_all",
        "audience",
        "cut",
        "due_s",
        "far",
        "follows",
        "in_turn",
        "joined",
        "must_restart",
        "period_s",
        "rights",
        "rows_since",
        "said_s",
        "since",
        "untold",
    )

    def __init__(self, far: FarEnd, rights: Rights = ALL_UNITS, mono_s: float = 0.0) -> None:
        self.far = far
        self.rights = rights
        self.audience = Audience()
        self.follows: VehicleId | None = None
        self.joined = False
        self.in_turn = False  # states are going out, to it later
        self.must_restart = False  # what it may know is no more what it was told: a snapshot comes next
        self.since = self.rows_since = 0
        self.period_s = self.said_s = 0.0
        self.due_s = AT_ONCE_S
        self.untold: News | None = None  # the oldest of the news that it was not told; None: it was told all
        self._owed_news = self._owed_octets = 0  # what a resume was granted; until it has all of it
        self.cut: Cut | None = None
        self._progress_s, self._held_bytes = mono_s, 0
        self._took_all = False  # of what it was told before, since somebody asked whether it is stalled

    def want(self, wants: Subscribe) -> bool:
        """Takes a subscription; whether it can go on without a snapshot. Raises InvalidRequest."""
        audience = audience_of(wants, self.rights)
        as_wide = self.joined and self.audience.is_as_wide(audience)
        if audience != self.audience:
            self.rows_since = 0  # rows of those who are in the new area or sortie, moving or not
        self.audience = audience
        self.follows = None if wants.follow is None else VehicleId(wants.follow)
        self.period_s, self.due_s = 1.0 / wants.rate_hz, AT_ONCE_S
        return as_wide

    def is_free(self) -> bool:
        """Whether it takes states now: subscribed, told all news, with a transport that holds next to nothing."""
        return self.joined and self.untold is None and self.far.waiting() <= CLEAR_BYTES

    def is_due(self, mono_s: float) -> bool:
        return mono_s >= self.due_s and self.is_free()

    def has(self, seq: int, mono_s: float) -> None:
        """It was told all states up to `seq`."""
        self.since = self.rows_since = seq
        # A late tick does not make the next one too early: at its rate, whenever ticks come.
        is_in_time = mono_s - self.due_s < self.period_s
        self.due_s = self.due_s + self.period_s if is_in_time else mono_s + self.period_s - DUE_SLACK_S
        self.said_s = mono_s
        self._took_all = True

    def grant(self, first: News, last: News) -> None:
        """It will be told all of these, which it missed. The ring bounds them: a viewer that was cut for them would
        come back for the same ones, and more."""
        self.untold = first
        self._owed_news, self._owed_octets = _from(first, last)

    def tell(self, told: Told) -> Sequence[Sent]:
        """Writes news at once, or is behind from then on. Returns what was written; not for one that is behind."""
        frames, octets = told.to(self.audience.scope.units, self.far.encoding)
        if not frames:
            return ()
        if octets <= NEWS_CLEAR_BYTES and self.far.waiting() <= CLEAR_BYTES:
            self.far.write(*frames)
            return frames
        self.untold = told.first
        return self.drain()

    def is_too_slow(self, last: News) -> bool:
        """Whether it is too far behind, with `last` told to everybody."""
        if self.untold is None:
            return False
        news, octets = _from(self.untold, last)
        return news > BEHIND_NEWS + self._owed_news or octets > BEHIND_OCTETS + self._owed_octets

    def drain(self) -> Sequence[Sent]:
        """Writes what it was not told, as far as the far end takes it. Returns what was written."""
        written: list[Sent] = []
        if self.far.waiting() > CLEAR_BYTES:
            return written
        units, encoding = self.audience.scope.units, self.far.encoding
        while self.untold is not None and (room := NEWS_CLEAR_BYTES - self.far.waiting()) > 0:
            going: list[Sent] = []
            while self.untold is not None and room > 0:
                frame = self.untold.sent(units, encoding)
                self.untold = self.untold.next
                if frame is not None:
                    room -= len(frame.payload)
                    going.append(frame)
            if going:
                self.far.write(*going)
                self._took_all = True
            written += going
        if self.untold is None:
            self._owed_news = self._owed_octets = 0
        return written

    def is_stalled(self, mono_s: float) -> bool:
        """Whether the far end has taken nothing for `STALLED_AFTER_S`; asked once a second."""
        held = self.far.waiting()
        # The kernel takes much at a time: a transport that empties between two looks may be as full at both.
        if self._took_all or held <= CLEAR_BYTES or held < self._held_bytes:
            self._progress_s = mono_s
        self._held_bytes, self._took_all = held, False
        return mono_s - self._progress_s > STALLED_AFTER_S

    def end(self, cut: Cut) -> None:
        """Has the connection closed; the first reason counts."""
        if self.cut is None:
            self.cut = cut
            self.joined = False
            self.untold = None


def _from(first: News, last: News) -> tuple[int, int]:
    """News, and their octets as JSON, from the first to the last."""
    return last.number - first.number + 1, last.until_octets - first.until_octets + first.size
