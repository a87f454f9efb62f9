"""What is told in order and never skipped: news, and the ring that a resumed viewer gets them from again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from telemetry.stream.contract import Frame
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.narrowing import Narrow, Units

# What is kept for viewers that come back: at least a minute's, unless the bytes run out first.
KEPT_S = 90.0
KEPT_BYTES = 8 << 20
KEPT_NEWS = 8_192
_UNASKED: Any = object()


@dataclass(slots=True)
class News:
    """One frame of news about its `member`; `narrow` is that member for those who may know of some units only."""

    frame: Frame
    member: str
    narrow: Narrow[Any]
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
        self._bytes = 0
        self.oldest_seq = 0  # all news after it are here

    def add(self, news: News, mono_s: float) -> None:
        self._kept.append((mono_s, news))
        self._bytes += news.size
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

    def since(self, seq: int) -> Iterator[News]:
        """What was told after `seq`, in order."""
        return (news for _, news in self._kept if news.frame.seq > seq)
