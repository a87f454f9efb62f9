"""What is told in order and never skipped: news, and the ring that a resumed viewer gets them from again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.ids import VehicleId
from telemetry.stream.audience import Scope
from telemetry.stream.contract import Frame
from telemetry.stream.frames import Encoding, Sent

# What is kept for viewers that come back: at least a minute's, unless the bytes run out first.
KEPT_S = 90.0
KEPT_BYTES = 8 << 20
KEPT_NEWS = 8_192

UnitOf = Callable[[VehicleId], str | None]


@dataclass(slots=True)
class News:
    """One frame of news. `about`: the vehicles that it is about; () is the platform as a whole."""

    frame: Frame
    about: tuple[VehicleId, ...] = ()
    units: frozenset[str | None] = frozenset()  # of these vehicles when it was told
    _sent: dict[Encoding, Sent] = field(default_factory=dict)

    def is_for(self, scope: Scope) -> bool:
        """By unit only: an alarm outside the chosen vehicles or the map's corner is still an alarm."""
        if scope.units is None:
            return True
        return not self.about or not scope.units.isdisjoint(self.units)

    def sent(self, encoding: Encoding) -> Sent:
        if encoding not in self._sent:
            self._sent[encoding] = Sent(encoding.encode(self.frame), encoding)
        return self._sent[encoding]

    @property
    def size(self) -> int:
        return len(self.sent(Encoding.JSON).payload)


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

    def since(self, seq: int, scope: Scope) -> Iterator[News]:
        """What was told after `seq`, in order."""
        return (news for _, news in self._kept if news.frame.seq > seq and news.is_for(scope))
