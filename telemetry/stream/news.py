"""What is told in order and never skipped: news, and the ring that a resumed viewer gets them from again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from telemetry.stream.contract import Frame
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.narrowing import Narrow, Units

# What is kept for viewers that come back: at least a minute's, also of a thousand vehicles, whose autopilots say two
# hundred sentences a second. With all its forms a piece of news takes some 3 KiB.
KEPT_S = 90.0
KEPT_BYTES = 8 << 20
KEPT_NEWS = 16_384
_UNASKED: Any = object()


@dataclass(slots=True)
class News:
    """One frame of news about its `member`; `narrow` is that member for those who may know of some units only."""

    frame: Frame
    member: str
    narrow: Narrow[Any]
    # Told after it; who is behind holds the first that it was not told, and so all of them.
    next: News | None = None
    number: int = 0  # of all news, from 1
    until_octets: int = 0  # of all news up to this one
    _sent: dict[tuple[Units | None, Encoding], Sent | None] = field(default_factory=dict)

    def sent(self, units: Units | None, encoding: Encoding) -> Sent | None:
        """What goes to those who may know of `units` (None: of all); None: nothing.

        By unit only: an alarm outside the chosen vehicles or the map's corner is still an alarm.
        """
        known: Sent | None = self._sent.get((units, encoding), _UNASKED)
        if known is _UNASKED:
            known = self._sent[units, encoding] = self._encoded(units, encoding)
        return known

    def _encoded(self, units: Units | None, encoding: Encoding) -> Sent | None:
        if units is None:
            return Sent(encoding.encode(self.frame), encoding)
        value = self.narrow(units)
        if value is None:
            return None
        if value is getattr(self.frame, self.member):
            return self.sent(None, encoding)
        return Sent(encoding.encode(msgspec.structs.replace(self.frame, **{self.member: value})), encoding)

    @property
    def size(self) -> int:
        whole = self.sent(None, Encoding.JSON)
        assert whole is not None
        return len(whole.payload)


class Ring:
    """The newest news, bounded by age, bytes and number. Ticks need no ring: a row knows when it last changed."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, News]] = deque()
        self._bytes = self._octets = self._numbered = 0
        self.oldest_seq = 0  # all news after it are here

    def add(self, news: News, mono_s: float) -> None:
        self._kept.append((mono_s, news))
        self._bytes += news.size
        self._octets += news.size
        self._numbered += 1
        news.number, news.until_octets = self._numbered, self._octets
        while self._kept and (
            self._kept[0][0] < mono_s - KEPT_S or self._bytes > KEPT_BYTES or len(self._kept) > KEPT_NEWS
        ):
            _, gone = self._kept.popleft()
            self._bytes -= gone.size
            self.oldest_seq = gone.frame.seq

    def forget(self, seq: int) -> None:
        """What was told up to `seq` is not told again: who was there then begins anew."""
        self._kept.clear()
        self._bytes, self.oldest_seq = 0, seq

    def since(self, seq: int) -> News | None:
        """The first that was told after `seq`."""
        return next((news for _, news in self._kept if news.frame.seq > seq), None)


class Told:
    """News that are told together; those who may know the same get the same frames."""

    def __init__(self, news: Sequence[News]) -> None:
        self.first, self.last = news[0], news[-1]
        self._news = news
        self._alike: dict[tuple[Units | None, Encoding], tuple[list[Sent], int]] = {}

    def to(self, units: Units | None, encoding: Encoding) -> tuple[Sequence[Sent], int]:
        """The frames, and how many octets they have."""
        known = self._alike.get((units, encoding))
        if known is None:
            frames = [frame for news in self._news if (frame := news.sent(units, encoding)) is not None]
            known = self._alike[units, encoding] = frames, sum(len(frame.payload) for frame in frames)
        return known
