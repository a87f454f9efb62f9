"""When a zone counts: from when on, until when, on which days and hours; and the window that a flight takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DEFAULT_TIME_ZONE = "Asia/Shanghai"
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
# A window longer than this touches every daily and weekly period anyway.
_LONGEST_LOOK = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From `start` to `end`, both aware; `start` ≤ `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a time window needs times with a time zone")
        if self.start > self.end:
            raise ValueError(f"the window ends ({self.end}) before it starts ({self.start})")

    def overlaps(self, other: TimeWindow) -> bool:
        """Whether they share an instant; the ends belong to both."""
        return self.start <= other.end and other.start <= self.end


@dataclass(frozen=True, slots=True)
class Period:
    """Local hours on some weekdays (ISO: 1 Monday … 7 Sunday); one that ends before it starts runs past midnight.

    `end` = `start` is the whole 24 hours from `start` on.
    """

    start: time = time(0, 0)
    end: time = time(0, 0)
    days: tuple[int, ...] = EVERY_DAY

    def __post_init__(self) -> None:
        if not self.days or not set(self.days) <= set(EVERY_DAY):
            raise ValueError(f"weekdays are 1 (Monday) to 7 (Sunday), not {self.days}")

    def on(self, day: date, zone: ZoneInfo) -> TimeWindow:
        """The period that begins on `day`."""
        last_day = day if self.end > self.start else day + timedelta(days=1)
        start = datetime.combine(day, self.start, zone).astimezone(UTC)
        return TimeWindow(start, max(start, datetime.combine(last_day, self.end, zone).astimezone(UTC)))


@dataclass(frozen=True, slots=True)
class Validity:
    """When a zone counts. Without periods: all the time from `effective_at` to `ends_at` (None: open).

    `announced_at`: when the authority made it known (domain guide 7.1, Art. 20); it changes nothing by itself.
    """

    effective_at: datetime | None = None
    ends_at: datetime | None = None
    periods: tuple[Period, ...] = ()
    time_zone: str = DEFAULT_TIME_ZONE
    announced_at: datetime | None = None

    def meets(self, window: TimeWindow) -> bool:
        """Whether it counts at any instant of `window`: what a restriction is asked."""
        return any(True for _ in self._active(window))

    def covers(self, window: TimeWindow) -> bool:
        """Whether it counts at every instant of `window`: what a permission is asked.

        With periods a window longer than a week is never covered: nobody flies that long.
        """
        reached = window.start
        for active in sorted(self._active(window), key=lambda each: each.start):
            if active.start > reached:
                return False
            reached = max(reached, active.end)
        return reached >= window.end and self.meets(window)

    def _active(self, window: TimeWindow) -> Iterator[TimeWindow]:
        """The stretches of `window` in which it counts, cut to it."""
        start = max(window.start, self.effective_at) if self.effective_at else window.start
        end = min(window.end, self.ends_at) if self.ends_at else window.end
        if start > end:
            return
        if not self.periods:
            yield TimeWindow(start, end)
            return
        zone = ZoneInfo(self.time_zone)
        # Past a week every period has come round.
        last = min(end, start + _LONGEST_LOOK)
        day = start.astimezone(zone).date() - timedelta(days=1)
        while day <= last.astimezone(zone).date():
            for period in self.periods:
                active = period.on(day, zone)
                if day.isoweekday() in period.days and active.start <= end and active.end >= start:
                    yield TimeWindow(max(start, active.start), min(end, active.end))
            day += timedelta(days=1)


ALWAYS = Validity()
