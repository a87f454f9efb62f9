"""The altitude band and the validity of a zone as JSON members, read strictly and written back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from core.altitude import Altitude, AltitudeBand, Datum
from core.members import Problems, below, json_kind, read_array, read_choice, read_number, read_object, read_text
from geofence.window import DEFAULT_TIME_ZONE, EVERY_DAY, Period, Validity

_BAND = ("datum", "floor_m", "floor_datum", "ceiling_m", "ceiling_datum")
_VALIDITY = ("announced_at", "effective_at", "ends_at", "periods", "time_zone")
_TIMES = ("announced_at", "effective_at", "ends_at")
MOST_PERIODS = 100


def read_band(value: object, pointer: str, problems: Problems) -> AltitudeBand | None:
    """`floor_m` and `ceiling_m` (null: unbounded), each with a datum; `datum` alone stands for both. Default AGL."""
    before = len(problems)
    members = read_object(value, pointer, problems, known=_BAND)
    both = _datum(members, "datum", pointer, problems, default=Datum.AGL)
    floor = _altitude(members, "floor", both, pointer, problems)
    ceiling = _altitude(members, "ceiling", both, pointer, problems)
    if len(problems) > before:
        return None
    try:
        return AltitudeBand(floor, ceiling)
    except ValueError as reason:
        problems.add(below(pointer, "floor_m"), str(reason))
        return None


def band_member(band: AltitudeBand) -> dict[str, Any]:
    """The inverse of `read_band`; an end that is unbounded has no datum."""
    ends = (("floor", band.floor), ("ceiling", band.ceiling))
    told: dict[str, Any] = {}
    for name, end in ends:
        told[f"{name}_m"] = end.alt_m if end else None
        told[f"{name}_datum"] = str(end.datum) if end else None
    return told


def read_validity(value: object, pointer: str, problems: Problems) -> Validity | None:
    """Times as RFC 3339 with an offset; periods as local hours "HH:MM" on ISO weekdays."""
    before = len(problems)
    members = read_object(value, pointer, problems, known=_VALIDITY)
    times = {name: read_time(members.get(name), below(pointer, name), problems) for name in _TIMES}
    zone = _time_zone(members.get("time_zone", DEFAULT_TIME_ZONE), below(pointer, "time_zone"), problems)
    at = below(pointer, "periods")
    periods = [
        _read_period(each, below(at, index), problems)
        for index, each in enumerate(read_array(members.get("periods", []), at, problems, longest=MOST_PERIODS))
    ]
    starts, ends = times["effective_at"], times["ends_at"]
    if starts and ends and starts > ends:
        problems.add(below(pointer, "ends_at"), "is before effective_at")
    if len(problems) > before:
        return None
    return Validity(starts, ends, tuple(each for each in periods if each), zone, times["announced_at"])


def validity_member(validity: Validity) -> dict[str, Any]:
    """The inverse of `read_validity`."""
    times = {name: getattr(validity, name) for name in _TIMES}
    periods = [
        {"start": f"{each.start:%H:%M:%S}", "end": f"{each.end:%H:%M:%S}", "days": list(each.days)}
        for each in validity.periods
    ]
    return {name: at.isoformat() if at else None for name, at in times.items()} | {
        "periods": periods,
        "time_zone": validity.time_zone,
    }


def read_time(value: object, pointer: str, problems: Problems) -> datetime | None:
    """An RFC 3339 time with its offset; None for null."""
    if value is None:
        return None
    text = read_text(value, pointer, problems, longest=40)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        problems.add(pointer, f"{text!r:.60} is not a time as 2026-11-23T08:00:00+08:00")
        return None
    if at.tzinfo is None:
        problems.add(pointer, f"{text!r:.60} has no offset from UTC, as in +08:00")
        return None
    return at


def _datum(members: Mapping[str, object], name: str, pointer: str, problems: Problems, *, default: Datum) -> Datum:
    if members.get(name) is None:
        return default
    return read_choice(members[name], below(pointer, name), problems, Datum) or default


def _altitude(
    members: Mapping[str, object], name: str, both: Datum, pointer: str, problems: Problems
) -> Altitude | None:
    datum = _datum(members, f"{name}_datum", pointer, problems, default=both)
    if members.get(f"{name}_m") is None:
        return None
    alt_m = read_number(members[f"{name}_m"], below(pointer, f"{name}_m"), problems)
    return None if alt_m is None else Altitude(alt_m, datum)


def _time_zone(value: object, pointer: str, problems: Problems) -> str:
    name = read_text(value, pointer, problems, longest=60) or DEFAULT_TIME_ZONE
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problems.add(pointer, f"{name!r} is not a time zone as Asia/Shanghai")
    return name


def _read_period(value: object, pointer: str, problems: Problems) -> Period | None:
    before = len(problems)
    members = read_object(value, pointer, problems, known=("start", "end", "days"))
    start, end = (_hour(members.get(name, "00:00"), below(pointer, name), problems) for name in ("start", "end"))
    at = below(pointer, "days")
    days = read_array(members.get("days", list(EVERY_DAY)), at, problems, longest=7)
    for index, day in enumerate(days):
        if isinstance(day, bool) or day not in EVERY_DAY:
            problems.add(below(at, index), f"must be a weekday from 1 (Monday) to 7 (Sunday), not {day!r:.40}")
    if not days:
        problems.add(at, "names no day")
    if len(problems) > before or start is None or end is None:
        return None
    return Period(start, end, tuple(int(str(day)) for day in days))


def _hour(value: object, pointer: str, problems: Problems) -> time | None:
    """ "HH:MM" or "HH:MM:SS"; "24:00" is midnight."""
    if not isinstance(value, str):
        problems.add(pointer, f'must be a local time as "22:00", not {json_kind(value)}')
        return None
    try:
        at = time.fromisoformat("00:00" if value == "24:00" else value)
    except ValueError:
        problems.add(pointer, f'{value!r:.40} is not a local time as "22:00"')
        return None
    if at.tzinfo is not None:
        problems.add(pointer, "is local: its offset is time_zone's")
        return None
    return at.replace(microsecond=0)
