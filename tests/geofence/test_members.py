"""Bands and validities as JSON: what is written reads back, what is wrong is pointed at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import InvalidRequest
from core.members import Problems
from geofence.members import band_member, read_band, read_time, read_validity, validity_member
from geofence.window import EVERY_DAY, Period, Validity

altitudes = st.builds(Altitude, st.floats(-500.0, 9_000.0), st.sampled_from(Datum)) | st.none()
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis wants them so
    datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)
clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
days = st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda found: tuple(sorted(found)))


@st.composite
def bands(draw: st.DrawFn) -> AltitudeBand:
    floor, ceiling = draw(altitudes), draw(altitudes)
    if floor and ceiling and floor.datum is ceiling.datum and floor.alt_m > ceiling.alt_m:
        floor, ceiling = ceiling, floor
    return AltitudeBand(floor, ceiling)


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    times = sorted(draw(st.lists(moments, min_size=2, max_size=2)))
    starts, ends = (at if draw(st.booleans()) else None for at in times)
    periods = tuple(draw(st.lists(st.builds(Period, clock_times, clock_times, days), max_size=3)))
    zone = draw(st.sampled_from(["Asia/Shanghai", "Europe/Paris", "UTC"]))
    return Validity(starts, ends, periods, zone, draw(st.none() | moments))


def spoken(member: dict[str, Any]) -> Any:
    return json.loads(json.dumps(member))


@given(bands())
def test_a_band_reads_back_as_it_was_written(band: AltitudeBand) -> None:
    problems = Problems()
    assert read_band(spoken(band_member(band)), "", problems) == band
    assert len(problems) == 0


@given(validities())
def test_a_validity_reads_back_as_it_was_written(validity: Validity) -> None:
    problems = Problems()
    assert read_validity(spoken(validity_member(validity)), "", problems) == validity
    assert len(problems) == 0


def _pointers(read: Any, value: object) -> dict[str, str]:
    problems = Problems()
    assert read(value, "/at", problems) is None
    with pytest.raises(InvalidRequest) as caught:
        problems.raise_any()
    return {error.pointer: error.detail for error in caught.value.errors}


def test_one_datum_stands_for_both_ends_and_an_end_may_have_its_own() -> None:
    both = read_band({"datum": "amsl", "floor_m": 10, "ceiling_m": 90, "ceiling_datum": "rel"}, "", Problems())
    assert both == AltitudeBand(Altitude(10.0, Datum.AMSL), Altitude(90.0, Datum.REL))
    assert read_band({"floor_m": 10}, "", Problems()) == AltitudeBand(Altitude(10.0, Datum.AGL), None)
    assert read_band({}, "", Problems()) == AltitudeBand()


@pytest.mark.parametrize(
    ("band", "pointer"),
    [
        (7, "/at"),
        ({"datum": "geoid"}, "/at/datum"),
        ({"floor_m": 1, "floor_datum": "feet"}, "/at/floor_datum"),
        ({"ceiling_m": "120"}, "/at/ceiling_m"),
        ({"floor_m": 9, "ceiling_m": 3}, "/at/floor_m"),
        ({"height": 3}, "/at/height"),
    ],
)
def test_a_wrong_band_is_pointed_at(band: object, pointer: str) -> None:
    assert set(_pointers(read_band, band)) == {pointer}


@pytest.mark.parametrize(
    ("validity", "pointer"),
    [
        ([], "/at"),
        ({"from": "2026-01-01T00:00:00Z"}, "/at/from"),
        ({"effective_at": "1 January"}, "/at/effective_at"),
        ({"effective_at": "2026-01-01T00:00:00"}, "/at/effective_at"),
        ({"effective_at": 1_767_225_600}, "/at/effective_at"),
        ({"effective_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "/at/ends_at"),
        ({"time_zone": "Mars/Olympus"}, "/at/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/at/time_zone"),
        ({"time_zone": 8}, "/at/time_zone"),
        ({"periods": {}}, "/at/periods"),
        ({"periods": [{}] * 101}, "/at/periods"),
        ({"periods": [{"start": "25:00"}]}, "/at/periods/0/start"),
        ({"periods": [{"end": "10:00+08:00"}]}, "/at/periods/0/end"),
        ({"periods": [{"start": 10}]}, "/at/periods/0/start"),
        ({"periods": [{"days": []}]}, "/at/periods/0/days"),
        ({"periods": [{"days": [0]}]}, "/at/periods/0/days/0"),
        ({"periods": [{"days": [True]}]}, "/at/periods/0/days/0"),
        ({"periods": [{"days": "weekend"}]}, "/at/periods/0/days"),
    ],
)
def test_a_wrong_validity_is_pointed_at(validity: object, pointer: str) -> None:
    assert pointer in _pointers(read_validity, validity)


def test_a_period_may_end_at_24_hours() -> None:
    found = read_validity({"periods": [{"start": "22:00", "end": "24:00", "days": [1]}]}, "", Problems())
    assert found is not None
    assert found.periods == (Period(time(22), time(0), (1,)),)


_KNOWN = ("datum", "floor_m", "ceiling_m", "effective_at", "ends_at", "periods", "time_zone", "start", "end", "days")
json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KNOWN), inner, max_size=4),
    max_leaves=8,
)


@given(json_like)
def test_whatever_comes_in_is_read_or_told_about(anything: Any) -> None:
    for read in (read_band, read_validity):
        problems = Problems()
        found = read(anything, "", problems)
        assert (found is None) == (len(problems) > 0)
    problems = Problems()
    read_time(anything, "", problems)
