"""When a zone counts, against a reading of the clock minute by minute; time zones with and without summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.window import ALWAYS, EVERY_DAY, Period, TimeWindow, Validity

MINUTE = timedelta(minutes=1)
# Shanghai has no summer time; Paris changed on 2026-03-29 and 2026-10-25, New York on 2026-03-08 and 2026-11-01.
ZONES = ("Asia/Shanghai", "Europe/Paris", "America/New_York")
CHANGES = (
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 11, 23, tzinfo=UTC),
)

# Every quarter of an hour, off the hours at which clocks change: what 02:30 means then, nobody agrees on.
clock_times = st.builds(time, st.integers(4, 23), st.sampled_from([0, 15, 30, 45])) | st.just(time(0, 0))
periods = st.builds(
    Period,
    clock_times,
    clock_times,
    st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days))),
)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    return draw(st.sampled_from(CHANGES)) + draw(st.integers(-2 * 24 * 60, 2 * 24 * 60)) * MINUTE


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    starts = draw(st.none() | moments())
    ends = None if starts is None else draw(st.none() | st.integers(0, 3_000).map(lambda m: starts + m * MINUTE))
    return Validity(starts, ends, tuple(draw(st.lists(periods, max_size=2))), draw(st.sampled_from(ZONES)))


@st.composite
def windows(draw: st.DrawFn) -> TimeWindow:
    start = draw(moments())
    return TimeWindow(start, start + draw(st.integers(0, 26 * 60)) * MINUTE)


def counts(validity: Validity, at: datetime) -> bool:
    """Read off a calendar and a clock on the wall, as a person would; both ends belong to it."""
    if validity.effective_at and at < validity.effective_at:
        return False
    if validity.ends_at and at > validity.ends_at:
        return False
    local = at.astimezone(ZoneInfo(validity.time_zone))
    return not validity.periods or any(_is_on(period, local) for period in validity.periods)


def _is_on(period: Period, local: datetime) -> bool:
    today, yesterday = local.isoweekday() in period.days, (local - timedelta(days=1)).isoweekday() in period.days
    clock = local.time()
    if period.start < period.end:
        return today and period.start <= clock <= period.end
    # It runs past midnight, and one that ends where it starts runs round the clock.
    return (today and clock >= period.start) or (yesterday and clock <= period.end)


def minutes(window: TimeWindow) -> list[datetime]:
    return [window.start + n * MINUTE for n in range(int((window.end - window.start) / MINUTE) + 1)]


@settings(max_examples=150)
@given(validities(), windows())
def test_it_meets_a_window_if_it_counts_at_any_minute_of_it(validity: Validity, window: TimeWindow) -> None:
    assert validity.meets(window) == any(counts(validity, at) for at in minutes(window))


@settings(max_examples=150)
@given(validities(), windows())
def test_it_covers_a_window_if_it_counts_at_every_minute_of_it(validity: Validity, window: TimeWindow) -> None:
    by_the_minute = all(counts(validity, at) for at in minutes(window))
    if validity.covers(window):
        assert by_the_minute
    else:
        # Two periods of which one ends in the minute after which the other begins leave that minute's seconds open.
        between = [at + MINUTE / 2 for at in minutes(window)[:-1]]
        assert not (by_the_minute and all(counts(validity, at) for at in between))


@given(validities(), windows())
def test_what_covers_a_window_meets_it(validity: Validity, window: TimeWindow) -> None:
    assert not validity.covers(window) or validity.meets(window)
    assert ALWAYS.covers(window)


def _window(start: str, hours: float) -> TimeWindow:
    at = datetime.fromisoformat(start)
    return TimeWindow(at, at + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("start", "hours", "meets", "covers"),
    [
        ("2026-11-23T21:00:00+08:00", 0.5, False, False),
        ("2026-11-23T21:00:00+08:00", 1.0, True, False),  # the instant at which it begins belongs to it
        ("2026-11-23T22:00:00+08:00", 8.0, True, True),
        ("2026-11-24T01:00:00+08:00", 2.0, True, True),  # past midnight: Monday's night, on a Tuesday
        ("2026-11-24T22:00:00+08:00", 1.0, False, False),
        ("2026-11-23T14:00:00+00:00", 1.0, True, True),  # 22:00 in Shanghai, told in UTC
    ],
)
def test_a_night_that_begins_on_monday_ends_on_tuesday(start: str, hours: float, meets: bool, covers: bool) -> None:
    night = Validity(periods=(Period(time(22), time(6), (1,)),))
    window = _window(start, hours)
    assert (night.meets(window), night.covers(window)) == (meets, covers)


def test_local_hours_keep_to_the_local_clock_when_it_changes() -> None:
    office = Validity(periods=(Period(time(8), time(9)),), time_zone="Europe/Paris")
    assert office.covers(_window("2026-03-28T07:00:00+00:00", 1.0))  # the day before the change: UTC+1
    assert office.covers(_window("2026-03-29T06:00:00+00:00", 1.0))  # the day of the change: UTC+2
    assert not office.meets(_window("2026-03-29T07:00:01+00:00", 0.9))


def test_two_nights_in_a_row_that_touch_are_one() -> None:
    halves = Validity(periods=(Period(time(0), time(12)), Period(time(12), time(0))))
    assert halves.covers(_window("2026-11-23T00:00:00+08:00", 48.0))


def test_a_window_longer_than_a_week_meets_every_period_but_is_covered_by_none() -> None:
    sunday = Validity(periods=(Period(time(3), time(4), (7,)),))
    month = _window("2026-11-23T00:00:00+08:00", 24.0 * 30)
    assert sunday.meets(month)
    assert not sunday.covers(month)
    assert Validity(ends_at=datetime(2027, 1, 1, tzinfo=UTC)).covers(month)


def test_a_window_and_a_period_that_make_no_sense_are_refused() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        TimeWindow(now.replace(tzinfo=None), now)
    with pytest.raises(ValueError, match="before it starts"):
        TimeWindow(now, now - MINUTE)
    for days in ((), (0,), (8,)):
        with pytest.raises(ValueError, match="weekdays"):
            Period(days=days)
    assert Period().on(date(2026, 11, 23), ZoneInfo("UTC")).end - now == timedelta(days=1)


@given(windows(), windows())
def test_windows_overlap_if_they_share_a_minute(one: TimeWindow, other: TimeWindow) -> None:
    shared = set(minutes(one)) & set(minutes(other))
    assert one.overlaps(other) == other.overlaps(one) == bool(shared)
