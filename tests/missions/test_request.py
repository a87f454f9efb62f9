from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.altitude import Datum
from core.errors import InvalidRequest
from core.geo import LatLon
from missions.fleet import default_docks
from missions.model import MissionRequest, Pattern, ReturnMode
from missions.patterns.camera import CAMERAS, alt_agl_for_m
from missions.patterns.catalog import CATALOG, PARAMETER_NAMES, ParameterKind, ParameterSpec
from missions.request import nearest_dock, parse_request, request_feature

DOCKS = default_docks()
GEOMETRIES: dict[str, Any] = {
    "LineString": [[121.12, 31.14], [121.13, 31.15]],
    "Polygon": [[[121.10, 31.15], [121.11, 31.15], [121.11, 31.16], [121.10, 31.15]]],
    "Point": [121.12, 31.14],
    "MultiPoint": [[121.12, 31.14], [121.13, 31.15], [121.125, 31.141]],
}
CAMERA = next(iter(CAMERAS))


def feature_of(pattern: Pattern, geometry: str | None = None, **properties: Any) -> dict[str, Any]:
    """A feature with what must be told, and more."""
    kind = geometry or CATALOG[pattern].geometry[0]
    must = {"height_to_m": 40} if pattern is Pattern.FACADE else {}
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": copy.deepcopy(GEOMETRIES[kind])},
        "properties": {"name": "河道", "pattern": str(pattern), "alt_rel_m": 60, "speed_mps": 8} | must | properties,
    }


ROUTE = feature_of(Pattern.ROUTE)
SURVEY = feature_of(Pattern.SURVEY, dock_id="dock-yingpu")


def errors_of(feature: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(feature, DOCKS)
    return {error.pointer: error.detail for error in caught.value.errors}


def pointers(feature: object) -> set[str]:
    return set(errors_of(feature))


def changed(feature: dict[str, Any], **properties: object) -> dict[str, Any]:
    other = copy.deepcopy(feature)
    other["properties"] |= properties
    return other


def parameters(pattern: Pattern, **told: Any) -> dict[str, Any]:
    return parse_request(feature_of(pattern, **told), DOCKS).parameters


def test_a_route_is_read_and_takes_the_nearest_dock() -> None:
    request = parse_request(ROUTE, DOCKS)
    assert request.pattern is Pattern.ROUTE
    assert request.line == (LatLon(31.14, 121.12), LatLon(31.15, 121.13))
    assert request.dock_id == "dock-xiayang"
    assert request.ring == ()


@pytest.mark.parametrize(
    ("pattern", "geometry"), [(spec.pattern, kind) for spec in CATALOG.values() for kind in spec.geometry]
)
def test_every_pattern_is_read_from_each_of_its_geometries_and_complete_with_defaults(
    pattern: Pattern, geometry: str
) -> None:
    request = parse_request(feature_of(pattern, geometry), DOCKS)
    drawn = {"LineString": request.line, "Polygon": request.ring}.get(geometry, request.points)
    assert drawn
    replaced = {each.instead_of for each in CATALOG[pattern].parameters}
    for each in CATALOG[pattern].parameters:
        if each.default is not None and not each.needs:
            assert request.parameters[each.name] == each.default
        if each.name in replaced:
            assert each.name in request.parameters


def test_a_survey_has_rows_forty_metres_apart_unless_told() -> None:
    assert parse_request(SURVEY, DOCKS).parameters == {"spacing_m": 40.0, "video": False}
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
        ({"alt_agl_m": 60}, "alt_agl_m"),
        ({"speed_mps": 0.5}, "speed_mps"),
        ({"speed_mps": True}, "speed_mps"),
        ({"speed_mps": None}, "speed_mps"),
        ({"spacing_m": 1}, "spacing_m"),
        ({"spacing_m": 1e9}, "spacing_m"),
        ({"heading_deg": 400}, "heading_deg"),
        ({"video": 1}, "video"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"dock_id": "dock-nowhere"}, "dock_id"),
        ({"dock_id": 3}, "dock_id"),
        ({"pattern": "zigzag"}, "pattern"),
        ({"pattern": None}, "pattern"),
        ({"colour": "red"}, "colour"),
        ({"a/b~c": 1}, "a~1b~0c"),
        ({"departs_at": "2026-11-23T08:00:00"}, "departs_at"),
        ({"departs_at": "tomorrow"}, "departs_at"),
        ({"departs_at": 8}, "departs_at"),
        ({"returns": "sideways"}, "returns"),
        ({"rally": [[121.1]]}, "rally/0"),
        ({"rally": [[31.15, 121.1]]}, "rally/0"),
        ({"rally": [[121.1, 31.1 + n / 1000] for n in range(21)]}, "rally"),
        ({"rally": "home"}, "rally"),
        ({"template": "no-such-task"}, "template"),
        ({"template": ["x"]}, "template"),
        ({"camera": "pinhole"}, "camera"),
        ({"front_overlap": 0.5}, "front_overlap"),
        ({"resolution_cm": 2, "alt_rel_m": None}, "resolution_cm"),
        ({"width_m": 60}, "width_m"),
        ({"laps": 2}, "laps"),
    ],
)
def test_a_wrong_property_is_pointed_at(properties: dict[str, object], pointer: str) -> None:
    assert pointers(changed(SURVEY, **properties)) == {f"/properties/{pointer}"}


@pytest.mark.parametrize(
    ("pattern", "told", "pointer"),
    [
        (Pattern.CORRIDOR, {"banks": "yes"}, "banks"),
        (Pattern.CORRIDOR, {"width_m": 0}, "width_m"),
        (Pattern.PERIMETER, {"laps": 1.5}, "laps"),
        (Pattern.PERIMETER, {"direction": "left"}, "direction"),
        (Pattern.ORBIT, {"laps": 2, "arc_deg": 90}, "arc_deg"),
        (Pattern.ORBIT, {"gimbal_deg": -45}, "gimbal_deg"),
        (Pattern.EXPANDING_SQUARE, {"radius_m": 100, "legs": 9}, "legs"),
        (Pattern.FACADE, {"height_to_m": None}, "height_to_m"),
        (Pattern.WATCH, {"tour": 3}, "tour"),
        (Pattern.WATCH, {"hold_s": -1}, "hold_s"),
    ],
)
def test_a_wrong_parameter_is_pointed_at(pattern: Pattern, told: dict[str, Any], pointer: str) -> None:
    assert pointers(feature_of(pattern, **told)) == {f"/properties/{pointer}"}


def test_what_takes_the_place_of_another_drops_its_default() -> None:
    assert "laps" not in parameters(Pattern.ORBIT, arc_deg=90)
    assert "radius_m" not in parameters(Pattern.EXPANDING_SQUARE, legs=9)
    by_camera = parameters(Pattern.SURVEY, camera=CAMERA)
    assert "spacing_m" not in by_camera
    assert by_camera["front_overlap"] == 0.75


def test_a_parameter_of_another_pattern_is_named_with_its_owner() -> None:
    assert "corridor" in errors_of(changed(ROUTE, width_m=60))["/properties/width_m"]
    assert parse_request(changed(ROUTE, **dict.fromkeys(PARAMETER_NAMES)), DOCKS) == parse_request(ROUTE, DOCKS)


def test_an_unknown_pattern_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match="route, survey"):
        parse_request(changed(ROUTE, pattern="zigzag"), DOCKS)


@pytest.mark.parametrize("spec", CATALOG.values(), ids=lambda spec: str(spec.pattern))
def test_pattern_and_geometry_must_fit(spec: Any) -> None:
    for kind in GEOMETRIES.keys() - set(spec.geometry):
        feature = feature_of(spec.pattern) | {"geometry": {"type": kind, "coordinates": GEOMETRIES[kind]}}
        assert pointers(feature) == {"/geometry/type"}


@pytest.mark.parametrize(
    ("coordinates", "pointer"),
    [([], ""), ([[121.1, 31.1], [121.1, 31.1]], "/1"), ([[121.1, 91]], "/0/1"), ("x", ""), ([[1, 2, 3]], "/0")],
)
def test_wrong_points_are_pointed_at(coordinates: object, pointer: str) -> None:
    feature = feature_of(Pattern.WATCH) | {"geometry": {"type": "MultiPoint", "coordinates": coordinates}}
    assert pointers(feature) == {f"/geometry/coordinates{pointer}"}


def test_an_altitude_counts_from_what_its_name_says() -> None:
    above_ground = parse_request(changed(ROUTE, alt_rel_m=None, alt_agl_m=80), DOCKS)
    assert (above_ground.alt_m, above_ground.alt_datum) == (80.0, Datum.AGL)
    assert parse_request(ROUTE, DOCKS).alt_datum is Datum.REL


def test_a_resolution_sets_the_altitude_above_the_ground() -> None:
    request = parse_request(changed(SURVEY, camera=CAMERA, resolution_cm=2, alt_rel_m=None), DOCKS)
    assert request.alt_datum is Datum.AGL
    assert request.alt_m == pytest.approx(alt_agl_for_m(CAMERAS[CAMERA], 2.0))
    assert pointers(changed(SURVEY, camera=CAMERA, resolution_cm=2)) == {"/properties/resolution_cm"}
    too_fine = changed(SURVEY, camera=CAMERA, resolution_cm=0.1, alt_rel_m=None)
    assert "from 5 to 500 m" in errors_of(too_fine)["/properties/resolution_cm"]


def test_when_how_home_and_where_else_to_land_are_read() -> None:
    told = {"departs_at": "2026-11-23T08:00:00+08:00", "returns": "direct", "rally": [[121.1, 31.1]]}
    request = parse_request(changed(ROUTE, **told), DOCKS)
    assert request.departs_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert request.returns is ReturnMode.DIRECT
    assert request.rally == (LatLon(31.1, 121.1),)
    assert pointers(changed(ROUTE, **told | {"returns": "retrace"})) == {"/properties/rally"}


def test_what_is_wrong_in_several_places_is_told_at_once() -> None:
    feature = changed(SURVEY, alt_rel_m=1, speed_mps=0, dock_id="x", rally=3, laps=2, spacing_m=1) | {"when": "now"}
    feature["geometry"]["coordinates"][0].pop()
    assert pointers(feature) == {
        "/properties/alt_rel_m", "/properties/speed_mps", "/properties/dock_id", "/when", "/geometry/coordinates/0/2",
        "/properties/rally", "/properties/laps", "/properties/spacing_m",
    }  # fmt: skip


@pytest.mark.parametrize("feature", [None, [], 3, "x", {}, {"type": "Feature", "geometry": None, "properties": None}])
def test_what_is_no_feature_is_refused(feature: object) -> None:
    assert pointers(feature)


def values_of(spec: ParameterSpec) -> st.SearchStrategy[Any]:
    match spec.kind:
        case ParameterKind.NUMBER:
            return st.floats(spec.low, spec.high)
        case ParameterKind.INTEGER:
            return st.integers(int(spec.low), int(spec.high))
        case ParameterKind.FLAG:
            return st.booleans()
        case ParameterKind.WORD:
            return st.sampled_from(spec.words)


@st.composite
def features(draw: st.DrawFn) -> dict[str, Any]:
    """Any request that says nothing twice."""
    spec = draw(st.sampled_from(list(CATALOG.values())))
    feature = feature_of(spec.pattern, draw(st.sampled_from(spec.geometry)))
    told = feature["properties"]
    for each in spec.parameters:
        if draw(st.booleans()) and not each.needs and told.get(each.instead_of) is None:
            told[each.name] = draw(values_of(each))
    if draw(st.booleans()):
        told |= {"alt_rel_m": None, "alt_agl_m": draw(st.floats(5.0, 500.0))}
    offset = timedelta(hours=draw(st.integers(-12, 12)))
    told["departs_at"] = draw(st.none() | st.just((datetime(2026, 11, 23, 8, tzinfo=UTC) + offset).isoformat()))
    told["returns"] = draw(st.none() | st.sampled_from(["direct", "retrace"]))
    told["rally"] = (
        draw(st.none() | st.just([[121.1, 31.1], [121.2, 31.2]])) if told["returns"] != "retrace" else None
    )
    told["wind"] = draw(st.none() | st.just({"speed_mps": 5.0, "from_deg": 270.0, "gust_mps": 1.5}))
    told["dock_id"] = draw(st.none() | st.sampled_from([dock.id for dock in DOCKS]))
    return feature


@given(features())
def test_a_request_survives_the_way_through_geojson(feature: dict[str, Any]) -> None:
    request = parse_request(feature, DOCKS)
    assert isinstance(request, MissionRequest)
    assert parse_request(request_feature(request), DOCKS) == request


def test_the_nearest_dock_is_nearest_to_any_vertex() -> None:
    assert nearest_dock(DOCKS, (LatLon(31.3, 121.3), LatLon(31.111, 121.053))).id == "dock-zhujiajiao"
