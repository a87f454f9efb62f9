"""Time as an argument: the clock port, the system's clock and one that a test moves by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for every timer and deadline."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def unix_us(self) -> int:
        """The wall clock for who asks at every message: microseconds since 1970."""
        ...

    def mono_s(self) -> float:
        """Seconds on a clock that never steps; its zero means nothing."""
        ...


def rest_s(every_s: float, now_s: float, *, least: float = 0.25) -> float:
    """How long who does something every `every_s` rests: to the next multiple of it, or to the one after if less than
    `least` of it is left until then. Whoever rests so wakes up together with the others, and waking up costs more
    than most have to do."""
    rest = every_s - now_s % every_s
    return rest if rest >= every_s * least else rest + every_s


class SystemClock:
    """The machine's own clocks."""

    mono_s = staticmethod(time.monotonic)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def unix_us(self) -> int:
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that stands still until `advance` moves both of its hands."""

    def __init__(self, start_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start_at = start_at
        self._elapsed_s = 0.0

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a monotonic clock does not step back")
        self._elapsed_s += seconds

    def now(self) -> datetime:
        return self._start_at + timedelta(seconds=self._elapsed_s)

    def unix_us(self) -> int:
        return int(self.now().timestamp() * 1e6)

    def mono_s(self) -> float:
        return self._elapsed_s
