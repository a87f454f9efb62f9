"""Versions in time and what may be published, against a reading minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import ZoneId
from geofence import publication
from geofence.publication import (
    AirspaceSummary,
    check_publication,
    in_force,
    schedule,
    short_notices,
    starts_at,
    superseded,
)
from geofence.window import Validity
from geofence.zones import Airspace, Role, Zone
from tests.geofence.places import DISTRICT, airspace, circle_zone

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


def summary(version: int, published_min: int, effective_min: int | None = None) -> AirspaceSummary:
    at = NOW + timedelta(minutes=published_min)
    effective_at = None if effective_min is None else NOW + timedelta(minutes=effective_min)
    return AirspaceSummary(version, at, "tester", "-", 1, effective_at)


@st.composite
def histories(draw: st.DrawFn) -> list[AirspaceSummary]:
    """Versions published one after the other, some ahead of their effect, some behind it."""
    published = sorted(draw(st.lists(st.integers(-20, 20), min_size=1, max_size=6)))
    ahead = draw(st.lists(st.none() | st.integers(-25, 40), min_size=len(published), max_size=len(published)))
    return [summary(n, *each) for n, each in enumerate(zip(published, ahead, strict=True), start=1)]


@given(histories(), st.integers(-30, 50))
def test_the_version_in_force_is_the_one_published_last_of_those_that_have_started(
    versions: list[AirspaceSummary], minute: int
) -> None:
    at = NOW + timedelta(minutes=minute)
    started = [each.version for each in versions if each.published_at and each.published_at <= at]
    effective = [v.version for v in versions if v.effective_at is None or v.effective_at <= at]
    expected = max(set(started) & set(effective), default=None)
    found = in_force(versions, at)
    assert (found.version if found else None) == expected


@given(histories())
def test_the_schedule_is_what_a_clerk_would_note_looking_every_minute(versions: list[AirspaceSummary]) -> None:
    seen: list[int] = []
    for minute in range(60):
        found = in_force(versions, NOW + timedelta(minutes=minute))
        if found is not None and found.version not in seen[-1:]:
            seen.append(found.version)
    assert [each.version for each in schedule(versions, NOW)] == seen


def test_a_version_without_any_date_was_always_in_force() -> None:
    first = replace(summary(1, 0), published_at=None)
    assert starts_at(airspace(DISTRICT)) is None
    assert in_force([first], datetime(1970, 1, 1, tzinfo=UTC)) == first
    assert schedule([], NOW) == ()


def test_effect_never_begins_before_publication() -> None:
    late = summary(2, 10, effective_min=-60)
    assert late.starts_at == NOW + timedelta(minutes=10)
    assert in_force([summary(1, -90), late], NOW) == summary(1, -90)


def test_a_version_that_never_takes_effect_any_more_is_told() -> None:
    before = [summary(1, -90), summary(2, -80, 60), summary(3, -70, 90)]
    assert [each.code for each in superseded(before, [*before, summary(4, 0)], NOW)] == ["version-superseded"] * 2
    (only,) = superseded(before, [*before, summary(4, 0, 70)], NOW)
    assert "Version 3" in only.detail
    assert list(superseded(before, [*before, summary(4, 0, 100)], NOW)) == []


def test_an_airspace_in_which_nothing_may_be_flown_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no zone is an inclusion"):
        check_publication(airspace(circle_zone("c", LatLon(31.1, 121.1), 100.0)), pointer="/zones/features")
    over = replace(DISTRICT, validity=Validity(ends_at=NOW - timedelta(minutes=1)))
    with pytest.raises(InvalidRequest, match="every inclusion has ended"):
        check_publication(replace(airspace(over), published_at=NOW), pointer="")
    check_publication(replace(airspace(over, DISTRICT), published_at=NOW), pointer="")


def test_more_zones_or_vertices_than_can_be_planned_among_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    circles = [circle_zone(f"c{n}", LatLon(31.1, 121.1), 100.0) for n in range(5)]
    monkeypatch.setattr(publication, "MOST_ZONES", 5)
    with pytest.raises(InvalidRequest, match="6 zones; at most 5"):
        check_publication(airspace(DISTRICT, *circles), pointer="")
    monkeypatch.setattr(publication, "MOST_ZONES", 6)
    monkeypatch.setattr(publication, "MOST_VERTICES", 8)
    with pytest.raises(InvalidRequest, match="9 vertices in all; at most 8"):
        check_publication(airspace(DISTRICT, *circles), pointer="")


def _temporary(kind: str, *, announced_min: int | None, effective_min: int | None) -> tuple[Airspace, Zone]:
    times = [None if minute is None else NOW + timedelta(minutes=minute) for minute in (announced_min, effective_min)]
    zone = Zone(
        ZoneId("t"),
        "临时",
        Role.EXCLUSION,
        circle_zone("t", LatLon(31.1, 121.1), 100.0).shape,
        kind,
        validity=Validity(effective_at=times[1], announced_at=times[0]),
    )
    return replace(airspace(DISTRICT, zone), published_at=NOW), zone


@pytest.mark.parametrize(
    ("kind", "announced_min", "effective_min", "warned"),
    [
        ("temporary-event", None, 24 * 60, False),
        ("temporary-event", None, 24 * 60 - 1, True),
        ("temporary-event", -24 * 60, None, False),
        ("temporary-event", None, None, True),
        ("temporary-emergency", None, 30, False),
        ("temporary-emergency", None, 29, True),
        ("temporary-emergency", None, -30, True),
        ("airport", None, None, False),
    ],
)
def test_a_temporary_zone_that_comes_too_soon_after_its_announcement_is_told(
    kind: str, announced_min: int | None, effective_min: int | None, warned: bool
) -> None:
    new, zone = _temporary(kind, announced_min=announced_min, effective_min=effective_min)
    assert [each.zone_id for each in short_notices(new, [zone])] == (["t"] if warned else [])


def test_a_zone_of_a_version_ahead_begins_with_the_version() -> None:
    new, zone = _temporary("temporary-event", announced_min=None, effective_min=None)
    ahead = replace(new, effective_at=NOW + timedelta(days=2))
    assert list(short_notices(ahead, [zone])) == []
