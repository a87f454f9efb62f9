from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.altitude import AltitudeBand, Datum
from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import ZoneId
from geofence.geojson import parse_line, parse_polygon, parse_ring, parse_zones, zone_collection, zone_feature
from geofence.kinds import zone_kinds
from geofence.qingpu import default_airspace, district_feature_collection
from geofence.zones import CircleShape, PolygonShape, Role, Zone
from tests.geofence.places import FRAME, band_of, star_rings_m

SQUARE = [[121.10, 31.10], [121.11, 31.10], [121.11, 31.11], [121.10, 31.11], [121.10, 31.10]]
INNER = [[121.103, 31.103], [121.106, 31.103], [121.106, 31.106], [121.103, 31.106], [121.103, 31.103]]


def polygon(*rings: object, **members: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings), **members}


def refused(geometry: object) -> dict[str, str]:
    """Pointer → detail of everything found wrong with a polygon."""
    with pytest.raises(InvalidRequest) as caught:
        parse_polygon(geometry, "/geometry")
    return {error.pointer: error.detail for error in caught.value.errors}


def square_with(index: int, position: object) -> list[object]:
    return [*SQUARE[:index], position, *SQUARE[index + 1 :]]


def test_a_ring_is_read_open_and_longitude_first() -> None:
    shape = parse_polygon(polygon(SQUARE, INNER))
    assert shape.outer == tuple(LatLon(lat, lon) for lon, lat in SQUARE[:-1])
    assert shape.holes == (tuple(LatLon(lat, lon) for lon, lat in INNER[:-1]),)
    assert parse_ring(SQUARE) == shape.outer


def test_a_crossing_ring_is_told_where_it_crosses() -> None:
    bow = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
    found = refused(polygon(bow))
    assert "longitude 121.105000, latitude 31.105000" in found["/geometry/coordinates/0"]


@pytest.mark.parametrize(
    ("position", "pointer", "words"),
    [
        ([121.11, math.nan], "/3/1", "finite"),
        ([math.inf, 31.1], "/3/0", "finite"),
        (["121.1", 31.1], "/3/0", "must be a number, not a string"),
        ([True, 31.1], "/3/0", "must be a number, not a boolean"),
        ([121.1, None], "/3/1", "must be a number, not null"),
        ([181.0, 31.1], "/3/0", "from -180 to 180"),
        ([121.1, 10**400], "/3/1", "finite"),
        ([121.1], "/3", "1 values"),
        ([121.1, 31.1, 50.0], "/3", "altitude"),
        ("121.1,31.1", "/3", "must be [longitude, latitude]"),
        (SQUARE[2], "/3", "repeats"),
    ],
)
def test_a_wrong_position_is_pointed_at(position: object, pointer: str, words: str) -> None:
    found = refused(polygon(square_with(3, position)))
    assert words in found["/geometry/coordinates/0" + pointer]


def test_latitude_first_is_recognised_and_told_once() -> None:
    found = refused(polygon([[lat, lon] for lon, lat in SQUARE]))
    assert list(found) == ["/geometry/coordinates/0/0"]
    assert "longitude first" in found["/geometry/coordinates/0/0"]


def test_everything_wrong_is_told_at_once() -> None:
    first = [*square_with(1, ["a", 31.1])]
    second = [*INNER[:-1], [121.2, "b"]]
    found = refused(polygon(first, second, crs="GCJ-02"))
    assert set(found) == {
        "/geometry/crs",
        "/geometry/coordinates/0/1/0",
        "/geometry/coordinates/1/4/1",
    }


def test_an_unclosed_ring_points_at_its_last_position() -> None:
    assert "not closed" in refused(polygon(SQUARE[:-1]))["/geometry/coordinates/0/3"]


def test_fewer_than_three_different_vertices_are_no_ring() -> None:
    back_and_forth = [SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[1], SQUARE[0]]
    assert "3 different vertices" in refused(polygon(back_and_forth))["/geometry/coordinates/0"]


def test_a_ring_on_one_line_encloses_nothing() -> None:
    flat = [[121.1, 31.1], [121.11, 31.1], [121.12, 31.1], [121.1, 31.1]]
    assert "no area" in refused(polygon(flat))["/geometry/coordinates/0"]


def test_a_hole_outside_is_pointed_at() -> None:
    outside = [[lon + 0.05, lat] for lon, lat in INNER]
    assert "not inside" in refused(polygon(SQUARE, INNER, outside))["/geometry/coordinates/2"]


def test_holes_that_overlap_are_refused() -> None:
    shifted = [[lon + 0.001, lat + 0.001] for lon, lat in INNER]
    assert "overlaps" in refused(polygon(SQUARE, INNER, shifted))["/geometry/coordinates/2"]


def test_more_vertices_than_the_bound_are_refused_without_looking_at_them() -> None:
    many = [[121.1 + 0.01 * math.cos(a / 400), 31.1 + 0.01 * math.sin(a / 400)] for a in range(2_600)]
    assert set(refused(polygon([*many, many[0]]))) == {"/geometry/coordinates"}


@pytest.mark.parametrize(
    "geometry",
    [None, 3, [], {}, {"type": "Polygon"}, {"type": "Point", "coordinates": [121, 31]}, polygon(), polygon([])],
)
def test_what_is_no_polygon_is_refused(geometry: object) -> None:
    assert refused(geometry)


@pytest.mark.parametrize("crs", ["EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "CGCS2000", "WGS84"])
def test_the_two_equal_reference_systems_are_accepted(crs: str) -> None:
    shape = parse_polygon(polygon(SQUARE, crs={"type": "name", "properties": {"name": crs}}))
    assert shape == parse_polygon(polygon(SQUARE, crs=crs)) == parse_polygon(polygon(SQUARE))


@pytest.mark.parametrize("crs", ["GCJ-02", "EPSG:3857", "EPSG:4549", "BD-09", 4326, {"type": "link"}])
def test_another_reference_system_is_refused(crs: object) -> None:
    assert set(refused(polygon(SQUARE, crs=crs))) == {"/geometry/crs"}


def test_a_line_needs_two_places_none_twice_in_a_row() -> None:
    assert len(parse_line({"type": "LineString", "coordinates": SQUARE})) == 5
    for coordinates in ([], SQUARE[:1], [SQUARE[0], SQUARE[0]]):
        with pytest.raises(InvalidRequest):
            parse_line({"type": "LineString", "coordinates": coordinates})


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_like)
def test_nothing_but_invalid_request_is_raised(anything: Any) -> None:
    for read in (parse_polygon, parse_line, parse_ring, parse_zones):
        with pytest.raises(InvalidRequest):
            read(anything)
    for geometry in (polygon(anything), polygon(square_with(2, anything))):
        try:
            parse_polygon(geometry)
        except InvalidRequest as error:
            assert error.errors  # noqa: PT017  (the rule is that nothing else comes)


bands = st.sampled_from([AltitudeBand(), band_of(Datum.AMSL, 10.0, 50.0), band_of(Datum.REL, None, 30.0)])


@given(star_rings_m(), st.sampled_from(Role), bands, st.floats(0, 100), st.booleans())
def test_a_zone_survives_the_way_through_geojson(
    corners: list[tuple[float, float]], role: Role, band: AltitudeBand, margin_m: float, circle: bool
) -> None:
    outer = FRAME.to_places(np.array(corners))
    shape = CircleShape(outer[0], 123.4) if circle else PolygonShape(outer)
    zone = Zone(ZoneId("z"), "名", role, shape, "airport", band, margin_m, "source", "name")
    assert parse_zones(json.loads(json.dumps(zone_collection((zone,))))) == (zone,)


def test_the_default_airspace_reads_back_and_is_marked_schematic() -> None:
    zones = default_airspace().zones
    assert parse_zones(zone_collection(zones)) == zones
    assert all("示意" in zone.name or "示意" in zone.source for zone in zones)
    assert {zone.role for zone in zones} == set(Role)
    district = district_feature_collection()
    assert [feature["id"] for feature in district["features"]] == ["qingpu"]
    assert "Not for flight" in district["notice"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda f: f.pop("id"), "/features/0/id"),
        (lambda f: f["properties"].pop("role"), "/features/0/properties/role"),
        (lambda f: f["properties"].update(role="forbidden"), "/features/0/properties/role"),
        (lambda f: f["properties"].update(margin_m=-1), "/features/0/properties/margin_m"),
        (lambda f: f["properties"].update(radius_m=5), "/features/0/properties/radius_m"),
        (lambda f: f["properties"].update(colour="red"), "/features/0/properties/colour"),
        (lambda f: f["properties"].update(kind="volcano"), "/features/0/properties/kind"),
        (lambda f: f["properties"].update(kind=7), "/features/0/properties/kind"),
        (lambda f: f["properties"].update(band={"datum": "geoid"}), "/features/0/properties/band/datum"),
        (
            lambda f: f["properties"].update(band={"floor_m": 9, "ceiling_m": 3}),
            "/features/0/properties/band/floor_m",
        ),
        (lambda f: f["geometry"].update(type="Point", coordinates=[121.1, 31.1]), "/features/0/properties/radius_m"),
        (lambda f: f["geometry"]["coordinates"][0].pop(), "/features/0/geometry/coordinates/0/3"),
    ],
)
def test_a_wrong_zone_is_pointed_at(change: Any, pointer: str) -> None:
    zone = Zone(ZoneId("z"), "z", Role.EXCLUSION, parse_polygon(polygon(SQUARE)))
    feature = copy.deepcopy(zone_feature(zone))
    change(feature)
    with pytest.raises(InvalidRequest) as caught:
        parse_zones({"type": "FeatureCollection", "features": [feature]})
    assert pointer in {error.pointer for error in caught.value.errors}


def test_a_margin_that_is_not_told_is_the_usual_one_of_the_kind() -> None:
    feature = zone_feature(Zone(ZoneId("z"), "z", Role.EXCLUSION, parse_polygon(polygon(SQUARE)), "airport"))
    del feature["properties"]["margin_m"]
    (zone,) = parse_zones({"type": "FeatureCollection", "features": [feature]})
    assert zone.margin_m == zone_kinds()["airport"].margin_m != Zone.__dataclass_fields__["margin_m"].default
    feature["properties"]["margin_m"] = 7
    (zone,) = parse_zones({"type": "FeatureCollection", "features": [feature]})
    assert zone.margin_m == 7.0


def test_a_zone_may_have_more_vertices_than_a_mission_but_not_any_number() -> None:
    def zone_of(count: int) -> dict[str, object]:
        ring = [[121.1 + 0.01 * math.cos(a), 31.1 + 0.01 * math.sin(a)] for a in np.linspace(0, 2 * np.pi, count + 1)]
        feature = zone_feature(Zone(ZoneId("z"), "z", Role.EXCLUSION, parse_polygon(polygon(SQUARE))))
        feature["geometry"] = polygon([*ring[:-1], ring[0]])
        return {"type": "FeatureCollection", "features": [feature]}

    (zone,) = parse_zones(zone_of(6_000))
    assert isinstance(zone.shape, PolygonShape)
    assert len(zone.shape.outer) == 6_000
    with pytest.raises(InvalidRequest, match="more than 6000 vertices"):
        parse_zones(zone_of(6_001))


def test_two_zones_with_one_id_are_refused() -> None:
    zone = zone_feature(Zone(ZoneId("z"), "z", Role.EXCLUSION, parse_polygon(polygon(SQUARE))))
    with pytest.raises(InvalidRequest, match="used twice"):
        parse_zones({"type": "FeatureCollection", "features": [zone, zone]}, "/zones")
