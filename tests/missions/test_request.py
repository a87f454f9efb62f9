from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from missions.fleet import default_docks
from missions.model import MissionRequest, Pattern
from missions.request import nearest_dock, parse_request, request_feature

DOCKS = default_docks()
ROUTE: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[121.12, 31.14], [121.13, 31.15]]},
    "properties": {"name": "河道", "pattern": "route", "alt_rel_m": 60, "speed_mps": 8},
}
SURVEY: dict[str, Any] = {
    "type": "Feature",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[121.10, 31.15], [121.11, 31.15], [121.11, 31.16], [121.10, 31.15]]],
    },
    "properties": {"name": "农田", "pattern": "survey", "alt_rel_m": 80, "speed_mps": 10, "dock_id": "dock-yingpu"},
}


def pointers(feature: object) -> set[str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(feature, DOCKS)
    return {error.pointer for error in caught.value.errors}


def changed(feature: dict[str, Any], **properties: object) -> dict[str, Any]:
    other = copy.deepcopy(feature)
    other["properties"] |= properties
    return other


def test_a_route_is_read_and_takes_the_nearest_dock() -> None:
    request = parse_request(ROUTE, DOCKS)
    assert request.pattern is Pattern.ROUTE
    assert request.line == (LatLon(31.14, 121.12), LatLon(31.15, 121.13))
    assert request.dock_id == "dock-xiayang"
    assert request.ring == ()


def test_a_survey_has_rows_forty_metres_apart_unless_told() -> None:
    assert parse_request(SURVEY, DOCKS).parameters == {"spacing_m": 40.0}
    assert parse_request(changed(SURVEY, spacing_m=12), DOCKS).parameters["spacing_m"] == 12.0
    assert "heading_deg" not in parse_request(changed(SURVEY, heading_deg=None), DOCKS).parameters


@pytest.mark.parametrize(
    ("properties", "pointer"),
    [
        ({"alt_rel_m": 4.9}, "alt_rel_m"),
        ({"alt_rel_m": 501}, "alt_rel_m"),
        ({"alt_rel_m": float("nan")}, "alt_rel_m"),
        ({"alt_rel_m": "60"}, "alt_rel_m"),
        ({"alt_rel_m": None}, "alt_rel_m"),
        ({"speed_mps": 0.5}, "speed_mps"),
        ({"speed_mps": True}, "speed_mps"),
        ({"spacing_m": 1}, "spacing_m"),
        ({"spacing_m": 1e9}, "spacing_m"),
        ({"heading_deg": 400}, "heading_deg"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"dock_id": "dock-nowhere"}, "dock_id"),
        ({"dock_id": 3}, "dock_id"),
        ({"pattern": "zigzag"}, "pattern"),
        ({"colour": "red"}, "colour"),
        ({"a/b~c": 1}, "a~1b~0c"),
    ],
)
def test_a_wrong_property_is_pointed_at(properties: dict[str, object], pointer: str) -> None:
    assert pointers(changed(SURVEY, **properties)) == {f"/properties/{pointer}"}


def test_an_unknown_pattern_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match="route, survey"):
        parse_request(changed(ROUTE, pattern="zigzag"), DOCKS)


def test_pattern_and_geometry_must_fit() -> None:
    assert pointers(changed(ROUTE, pattern="survey")) == {"/geometry/type"}
    assert pointers(changed(SURVEY, pattern="route")) == {"/geometry/type"}


def test_what_is_wrong_in_several_places_is_told_at_once() -> None:
    feature = changed(SURVEY, alt_rel_m=1, speed_mps=0, dock_id="x") | {"when": "now"}
    feature["geometry"]["coordinates"][0].pop()
    assert pointers(feature) == {
        "/properties/alt_rel_m", "/properties/speed_mps", "/properties/dock_id", "/when", "/geometry/coordinates/0/2",
    }  # fmt: skip


@pytest.mark.parametrize("feature", [None, [], 3, "x", {}, {"type": "Feature", "geometry": None, "properties": None}])
def test_what_is_no_feature_is_refused(feature: object) -> None:
    assert pointers(feature)


numbers = st.floats(5.0, 360.0)


@given(st.sampled_from([ROUTE, SURVEY]), numbers, numbers, numbers | st.none(), st.sampled_from(DOCKS))
def test_a_request_survives_the_way_through_geojson(
    feature: dict[str, Any], alt_m: float, spacing_m: float, heading_deg: float | None, dock: Any
) -> None:
    told = {"alt_rel_m": alt_m, "spacing_m": spacing_m, "heading_deg": heading_deg, "dock_id": dock.id}
    request = parse_request(changed(feature, **told), DOCKS)
    assert isinstance(request, MissionRequest)
    assert parse_request(request_feature(request), DOCKS) == request


def test_the_nearest_dock_is_nearest_to_any_vertex() -> None:
    assert nearest_dock(DOCKS, (LatLon(31.3, 121.3), LatLon(31.111, 121.053))).id == "dock-zhujiajiao"
