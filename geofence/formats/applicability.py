"""When a geographical zone of ED-269 or ED-318 applies; what cannot be told exactly is widened, with a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta

from core.members import below, json_kind
from geofence.formats.intake import Intake
from geofence.formats.report import Change
from geofence.window import ALWAYS, EVERY_DAY, Period, Validity

MOST_ENTRIES = 100
_DAYS = {"MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6, "SUN": 7}
_WHOLE_DAY = (time(0, 0), time(0, 0))


def validities(value: object, path: str, intake: Intake) -> tuple[Validity, ...]:
    """One validity for each entry of an applicability list; `ALWAYS` alone when there is none or one is permanent.

    The time zone of a schedule is the offset that its hours carry, by which its weekdays count too.
    """
    if value is None:
        return (ALWAYS,)
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MOST_ENTRIES:
        intake.problems.add(path, f"has {len(entries)} entries; at most {MOST_ENTRIES} are read")
        return (ALWAYS,)
    found = [_validity(entry, below(path, index), intake) for index, entry in enumerate(entries)]
    return (ALWAYS,) if not found or ALWAYS in found else tuple(found)


def _validity(entry: object, path: str, intake: Intake) -> Validity:
    if not isinstance(entry, Mapping):
        intake.problems.add(path, f"must be an object, not {json_kind(entry)}")
        return ALWAYS
    if str(entry.get("permanent", "")).strip().upper() in ("YES", "TRUE"):
        return ALWAYS
    starts = _instant(entry, ("startDateTime", "startDatetime"), path, intake)
    ends = _instant(entry, ("endDateTime", "endDatetime"), path, intake)
    if starts and ends and starts > ends:
        intake.problems.add(path, "ends before it starts")
        return ALWAYS
    schedule = entry.get("schedule") or []
    rows = schedule if isinstance(schedule, list) else [schedule]
    if len(rows) > MOST_ENTRIES:
        intake.problems.add(below(path, "schedule"), f"has {len(rows)} entries; at most {MOST_ENTRIES} are read")
        return ALWAYS
    periods, zone = _periods(rows, below(path, "schedule"), intake)
    if not (starts or ends or periods):
        return ALWAYS
    return Validity(effective_at=starts, ends_at=ends, periods=periods, time_zone=zone)


def _instant(entry: Mapping[str, object], names: Iterable[str], path: str, intake: Intake) -> datetime | None:
    name = next((name for name in names if entry.get(name) is not None), None)
    if name is None:
        return None
    value, at = entry[name], below(path, name)
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        intake.problems.add(at, f"{value!r:.60} is not a time as 2026-11-23T08:00:00Z")
        return None
    if found.utcoffset() is None:
        intake.note(at, Change.WIDENED, f"{value!r:.60} has no offset from UTC: read as open on that side")
        return None
    return found


def _periods(rows: list[object], path: str, intake: Intake) -> tuple[tuple[Period, ...], str]:
    """The periods and the time zone of all of them: () when they cannot be told and the whole time counts."""
    found = list(_read_rows(rows, path, intake))
    zones = {zone for _, zone in found if zone is not None}
    if len(zones) > 1:
        intake.note(path, Change.WIDENED, "hours with different offsets from UTC: the whole time counts")
        return (), "UTC"
    return tuple(period for period, _ in found), next(iter(zones), "UTC")


def _read_rows(rows: list[object], path: str, intake: Intake) -> Iterator[tuple[Period, str | None]]:
    for index, row in enumerate(rows):
        at = below(path, index)
        if not isinstance(row, Mapping):
            intake.problems.add(at, f"must be an object, not {json_kind(row)}")
            continue
        days = _days(row.get("day"), below(at, "day"), intake)
        start, end = (_hour(row, side, at, intake) for side in ("start", "end"))
        zone = _zone_of(start, end)
        if start is None or end is None or zone is None:
            told = "hours that depend on the sun or name no offset from UTC: read as the whole day and the next"
            intake.note(at, Change.WIDENED, told)
            # By an unknown clock a day starts up to 14 hours early and ends up to 12 late.
            around = {(day + shift - 1) % 7 + 1 for day in days for shift in (-1, 0, 1)}
            yield Period(*_WHOLE_DAY, tuple(sorted(around))), None
        else:
            yield Period(start.replace(tzinfo=None), end.replace(tzinfo=None), days), zone


def _days(value: object, path: str, intake: Intake) -> tuple[int, ...]:
    words = value if isinstance(value, list) else [value]
    if value is None or "ANY" in words:
        return EVERY_DAY
    found = {_DAYS.get(word) if isinstance(word, str) else None for word in words}
    numbers = sorted(day for day in found if day is not None)
    if None in found or not numbers:
        intake.problems.add(path, f"is {value!r:.60}; it must list {', '.join(_DAYS)} or ANY")
        return EVERY_DAY
    return tuple(numbers)


def _hour(row: Mapping[str, object], side: str, path: str, intake: Intake) -> time | None:
    """The hour with its offset; None for one that the sun decides."""
    value = row.get(f"{side}Time")
    if row.get(f"{side}Event") is not None or value is None:
        return None
    if isinstance(value, str) and value.strip().upper() in ("SUNRISE", "SUNSET", "SR", "SS", "BMCT", "EECT"):
        return None
    try:
        midnight = isinstance(value, str) and value.startswith("24:00")
        found = time.fromisoformat(str(value).replace("24:", "00:", 1) if midnight else str(value))
    except ValueError:
        intake.problems.add(below(path, f"{side}Time"), f"{value!r:.40} is not an hour as 08:00Z")
        return None
    return found.replace(microsecond=0)


def _zone_of(start: time | None, end: time | None) -> str | None:
    """The tz database name of the offset that both hours carry; None when it has no name or there are two."""
    offsets = {each.utcoffset() for each in (start, end) if each is not None}
    offset = offsets.pop() if len(offsets) == 1 else None
    if offset is None or offset % timedelta(hours=1):
        return None
    hours = offset // timedelta(hours=1)
    if not -12 <= hours <= 14:
        return None
    # The names of the tz database count westward: Etc/GMT-8 is UTC+8.
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"
