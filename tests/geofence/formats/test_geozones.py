"""European geographical zones: limits, references, times and words, and what is widened when it cannot be told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import InvalidRequest
from geofence.formats.intake import Options
from geofence.formats.read import read_zones
from geofence.formats.report import Change, Report
from geofence.geoid import undulation_m
from geofence.window import ALWAYS, Period, TimeWindow, Validity
from geofence.zones import CircleShape, Role, Zone
from tests.geofence.formats.samples import SQUARE, ed269_feature, ed318_feature

AT = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)  # a Monday, noon in Shanghai


def read_269(*features: object, wrapper: str = "features") -> tuple[tuple[Zone, ...], Report]:
    return read_zones(json.dumps({"title": "t", wrapper: features}).encode(), Options())


def read_318(*features: object) -> tuple[tuple[Zone, ...], Report]:
    return read_zones(json.dumps({"type": "FeatureCollection", "features": features}).encode(), Options())


def volume(**limits: Any) -> dict[str, Any]:
    return {"uomDimensions": "M", "horizontalProjection": {"type": "Polygon", "coordinates": [SQUARE]}} | limits


def limits_of(**limits: Any) -> tuple[AltitudeBand, Report]:
    (zone,), report = read_269(ed269_feature(geometry=[volume(**limits)], applicability=[]))
    return zone.band, report


def validity_of(*entries: object) -> tuple[Validity, Report]:
    (zone,), report = read_269(ed269_feature(geometry=[volume()], applicability=list(entries)))
    return zone.validity, report


def schedule(**row: Any) -> dict[str, Any]:
    return {"permanent": "NO", "schedule": [row]}


def refused(*features: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_269(*features)
    return str(caught.value)


@pytest.mark.parametrize("wrapper", ["features", "UASZoneList"])
def test_both_shapes_of_ed269_are_the_same_zones(wrapper: str) -> None:
    zones, _ = read_269(ed269_feature(), wrapper=wrapper)
    assert [zone.id for zone in zones] == ["CN0001-1", "CN0001-2"]
    assert zones[0].band == AltitudeBand(Altitude(0.0, Datum.AGL), Altitude(120.0, Datum.AMSL))
    assert zones[0].validity == Validity(
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        (Period(time(8), time(18), (1, 2)),),
        "Etc/GMT-8",
    )
    assert zones[0].authority == "民航局"
    circle = zones[1].shape
    assert isinstance(circle, CircleShape)
    assert circle.radius_m == pytest.approx(1640 * 0.3048)
    assert zones[1].band.floor is None
    assert str(zones[1].band.ceiling) == "121.92 m AGL"


def test_hours_with_an_offset_count_by_that_offset() -> None:
    (zone, _), _ = read_269(ed269_feature())
    hour = timedelta(hours=1)
    assert zone.validity.meets(TimeWindow(AT, AT + hour))
    assert not zone.validity.meets(TimeWindow(AT + 7 * hour, AT + 8 * hour)), "19:00 in Shanghai"
    assert not zone.validity.meets(TimeWindow(AT + 48 * hour, AT + 49 * hour)), "a Wednesday"


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("PROHIBITED", Role.EXCLUSION),
        ("REQ_AUTHORISATION", Role.EXCLUSION),
        ("CONDITIONAL", Role.EXCLUSION),
        ("NO_RESTRICTION", Role.ADVISORY),
    ],
)
def test_a_restriction_is_read_as_the_strictest_that_it_may_mean_and_told(word: str, role: Role) -> None:
    zones, report = read_269(ed269_feature(restriction=word))
    assert {zone.role for zone in zones} == {role}
    assert (report.notes[0].change, report.notes[0].path) == (Change.MAPPED, "/features/0/restriction")


@pytest.mark.parametrize(
    ("upper", "band"),
    [
        ({"upperLimit": "400", "upperVerticalReference": "AGL", "uomDimensions": "FT"}, Altitude(121.92, Datum.AGL)),
        ({"upperLimit": 99999, "upperVerticalReference": "AMSL"}, None),
        ({"upperLimit": None, "upperVerticalReference": "AMSL"}, None),
        ({"upperLimit": "UNL"}, None),
        ({"upperLimit": "", "upperVerticalReference": ""}, None),
        ({"upperLimit": 120}, None),
        ({}, None),
    ],
)
def test_an_upper_limit_is_metres_of_its_datum_or_none(upper: dict[str, Any], band: Altitude | None) -> None:
    found, report = limits_of(**upper)
    assert found.floor is None
    assert (found.ceiling is None) == (band is None)
    if band and found.ceiling:
        assert found.ceiling.alt_m == pytest.approx(band.alt_m)
        assert found.ceiling.datum is band.datum
    widened = [note for note in report.notes if note.change is Change.WIDENED]
    assert bool(widened) == (upper.get("upperLimit") == 120), "a limit without a reference is none, and that is told"


def test_a_limit_above_the_ellipsoid_goes_through_the_geoid_and_the_band_only_grows() -> None:
    band, report = limits_of(
        lowerLimit=20, lowerVerticalReference="WGS84", upperLimit=100, upperVerticalReference="W84"
    )
    assert band.floor
    assert band.ceiling
    for lon, lat in SQUARE:
        assert band.floor.alt_m <= 20 - undulation_m(lat, lon) + 0.01
        assert band.ceiling.alt_m >= 100 - undulation_m(lat, lon) - 0.01
    assert band.floor.alt_m == pytest.approx(20 - undulation_m(31.1, 121.1), abs=0.1)
    assert any(note.change is Change.CONVERTED for note in report.notes)


def test_a_limit_above_the_ellipsoid_where_the_geoid_is_not_known_is_no_limit() -> None:
    circle = {"type": "Circle", "center": [2.35, 48.86], "radius": 500}
    limits = {"lowerLimit": 20, "lowerVerticalReference": "WGS84", "horizontalProjection": circle}
    band, report = limits_of(**limits)
    assert band == AltitudeBand()
    assert any(note.change is Change.WIDENED and "geoid" in note.detail for note in report.notes)


@pytest.mark.parametrize(
    ("row", "periods", "zone"),
    [
        ({"day": ["ANY"], "startTime": "09:00Z", "endTime": "17:30Z"}, Period(time(9), time(17, 30)), "UTC"),
        ({"startTime": "22:00:00.00Z", "endTime": "04:00:00.00Z"}, Period(time(22), time(4)), "UTC"),
        (
            {"day": ["SAT"], "startTime": "09:00-05:00", "endTime": "10:00-05:00"},
            Period(time(9), time(10), (6,)),
            "Etc/GMT+5",
        ),
        ({"day": ["MON"], "startTime": "00:00Z", "endTime": "24:00Z"}, Period(time(0), time(0), (1,)), "UTC"),
    ],
)
def test_a_schedule_is_periods_in_the_time_zone_of_its_hours(row: dict[str, Any], periods: Period, zone: str) -> None:
    validity, report = validity_of(schedule(**row))
    assert (validity.periods, validity.time_zone) == ((periods,), zone)
    assert not [note for note in report.notes if note.change is Change.WIDENED]


@pytest.mark.parametrize(
    "row",
    [
        {"day": ["WED"], "startTime": "09:00", "endTime": "17:00"},
        {"day": ["WED"], "startTime": "SUNRISE", "endTime": "SUNSET"},
        {"day": ["WED"], "startEvent": "SS", "endEvent": "SR"},
        {"day": ["WED"], "startTime": "09:00+05:30", "endTime": "17:00+05:30"},
        {"day": ["WED"], "startTime": "09:00+08:00", "endTime": "17:00Z"},
    ],
)
def test_hours_that_cannot_be_told_are_the_whole_day_and_its_neighbours(row: dict[str, Any]) -> None:
    validity, report = validity_of(schedule(**row))
    assert validity.periods == (Period(days=(2, 3, 4)),)
    assert any(note.change is Change.WIDENED for note in report.notes)


def test_permanent_zones_and_those_without_times_always_count() -> None:
    for entries in ([], [{"permanent": "YES"}], [{"permanent": "NO"}], [schedule(startTime="09:00Z"), {}]):
        assert validity_of(*entries)[0] == ALWAYS


def test_a_time_without_an_offset_is_open_on_that_side() -> None:
    validity, report = validity_of({"startDateTime": "2026-01-01T00:00:00", "endDateTime": "2026-02-01T00:00:00Z"})
    assert (validity.effective_at, validity.ends_at) == (None, datetime(2026, 2, 1, tzinfo=UTC))
    assert any(note.change is Change.WIDENED for note in report.notes)


def test_two_times_make_two_zones() -> None:
    entries = [{"startDateTime": "2026-01-01T00:00:00Z"}, {"endDateTime": "2025-01-01T00:00:00Z"}]
    zones, _ = read_269(ed269_feature(geometry=[volume()], applicability=entries))
    assert [zone.validity.ends_at is None for zone in zones] == [True, False]
    assert len({zone.id for zone in zones}) == 2


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"restriction": "MAYBE"}, "/features/0/restriction"),
        ({"geometry": []}, "/features/0/geometry"),
        ({"geometry": [{}]}, "/features/0/geometry/0"),
        ({"geometry": [volume(uomDimensions="MILES")]}, "/features/0/geometry/0/uomDimensions"),
        ({"geometry": [volume(upperLimit=[])]}, "/features/0/geometry/0/upperLimit"),
        (
            {"geometry": [volume(upperLimit=5, upperVerticalReference="QNH")]},
            "/features/0/geometry/0/upperVerticalReference",
        ),
        ({"geometry": [volume(horizontalProjection={"type": "Line"})]}, "/features/0/geometry/0/type"),
        ({"applicability": [5]}, "/features/0/applicability/0"),
        ({"applicability": [{"startDateTime": "soon"}]}, "/features/0/applicability/0/startDateTime"),
        ({"applicability": [schedule(day=["FUNDAY"])]}, "/features/0/applicability/0/schedule/0/day"),
        (
            {"applicability": [schedule(startTime="9am", endTime="10:00Z")]},
            "/features/0/applicability/0/schedule/0/startTime",
        ),
    ],
)
def test_a_wrong_member_is_pointed_at(changes: dict[str, Any], path: str) -> None:
    assert refused(ed269_feature(**changes)).startswith(f"{path}:")


def test_ed318_has_layers_circles_and_names_in_languages() -> None:
    zones, report = read_318(ed318_feature())
    assert [zone.name for zone in zones] == ["医院", "医院"]
    assert zones[0].role is Role.EXCLUSION
    assert zones[0].band.ceiling is None, "99999 is no limit"
    assert str(zones[1].band.ceiling) == "91.44 m AMSL"
    assert isinstance(zones[1].shape, CircleShape)
    assert zones[1].shape.radius_m == 500.0
    assert zones[0].validity.effective_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert any("REQ_AUTHORIZATION is read as exclusion" in note.detail for note in report.notes)


def test_conditions_that_would_allow_flying_do_not() -> None:
    (zone, _), report = read_318(ed318_feature(type="CONDITIONAL", restrictionConditions={"uasClass": ["C0"]}))
    assert zone.role is Role.EXCLUSION
    assert any(note.change is Change.LEFT_OUT and "conditions" in note.detail for note in report.notes)
