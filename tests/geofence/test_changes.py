"""The difference of two versions, and single zones put in and taken out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import ZoneId
from geofence.changes import amended, changes
from geofence.zones import Airspace, Combination, Zone
from tests.geofence.places import DISTRICT, airspace, circle_zone

ids = st.sampled_from("abcdef")
sets_of_zones = st.dictionaries(ids, st.sampled_from([100.0, 200.0, 300.0]), max_size=6)


def made(sizes: dict[str, float]) -> Airspace:
    return airspace(DISTRICT, *(_zone(*each) for each in sizes.items()))


def _zone(name: str, radius_m: float) -> Zone:
    return circle_zone(name, LatLon(31.1, 121.1), radius_m)


@given(sets_of_zones, sets_of_zones)
def test_what_changed_turns_the_one_version_into_the_other(one: dict[str, float], other: dict[str, float]) -> None:
    before, after = made(one), made(other)
    found = changes(before, after)
    turned = amended(before, found.new_zones, [zone.id for zone in found.gone_zones])
    assert set(turned.zones) == set(after.zones)
    assert {zone.id for zone in found.added} == set(other) - set(one)
    assert {zone.id for zone in found.removed} == set(one) - set(other)
    assert {each.after.id for each in found.changed} == {k for k in one if k in other and one[k] != other[k]}
    assert bool(found) == (one != other)


def test_dates_and_notes_are_no_difference_but_rules_are() -> None:
    before = made({"a": 100.0})
    assert not changes(before, replace(before, version=7, note="n", published_by="x"))
    assert changes(before, replace(before, ceiling_agl_m=90.0)).rules == ("ceiling_agl_m",)
    assert changes(before, replace(before, combination=Combination.UNION)).rules == ("combination",)


def test_what_does_not_fit_the_base_is_pointed_at() -> None:
    base = made({"a": 100.0})
    with pytest.raises(InvalidRequest) as caught:
        amended(base, [_zone("a", 200.0), _zone("b", 200.0)], [ZoneId("c"), ZoneId("district")])
    assert [error.pointer for error in caught.value.errors] == ["/remove/0", "/add/features/0/id"]


def test_an_id_in_both_replaces_the_zone() -> None:
    base = made({"a": 100.0})
    found = amended(base, [_zone("a", 250.0)], [ZoneId("a")])
    assert changes(base, found).changed[0].after == _zone("a", 250.0)
    assert len(found.zones) == len(base.zones)
