"""Zones through every format and back: places within a centimetre, and a note for all that a format cannot hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import ZoneId
from geofence.formats.crs import Crs
from geofence.formats.intake import Options
from geofence.formats.read import opened, read_zones
from geofence.formats.report import Change, Format
from geofence.frame import lonlat_array
from geofence.window import Period, Validity
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone
from missions.formats.files import write_zones
from tests.geofence.formats.samples import BOW_TIE, INNER, SQUARE, ZONES, kml_of, kml_polygon, lines, samples
from tests.geofence.places import FRAME, at, box, star_rings_m

CM_DEG = 1e-7  # 1.1 cm
bands = st.sampled_from(
    [AltitudeBand(), AltitudeBand(Altitude(10.0, Datum.AGL), Altitude(90.5, Datum.AMSL)), AltitudeBand(None, None)]
)
times = st.sampled_from([Validity(), Validity(periods=(Period(days=(6, 7)),), time_zone="UTC")])


@st.composite
def zone_sets(draw: st.DrawFn, *, flat: bool) -> tuple[Zone, ...]:
    """1 to 4 zones of any shape; `flat`: such as every format holds."""
    roles = [Role.INCLUSION, Role.EXCLUSION] if flat else list(Role)
    found = []
    for number in range(draw(st.integers(1, 4))):
        middle_m = draw(st.integers(-5000, 5000))
        corners = np.array(draw(star_rings_m())) + middle_m
        hole = () if flat else (box(middle_m - 30, middle_m - 20, middle_m + 10, middle_m + 30),)
        circle = draw(st.booleans())
        outer = FRAME.to_places(corners)
        shape: Shape = PolygonShape(outer)
        if circle:
            shape = CircleShape(at(*corners[0]), draw(st.floats(1.5, 5000.0)))
        elif draw(st.booleans()):
            shape = PolygonShape(outer, hole)
        name = draw(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=9))
        band, validity = (AltitudeBand(), Validity()) if flat else (draw(bands), draw(times))
        role = draw(st.sampled_from(roles))
        found.append(Zone(ZoneId(f"z{number}"), name, role, shape, band=band, validity=validity))
    return tuple(found)


def nearly(a: Shape, b: Shape) -> bool:
    match a, b:
        case CircleShape(center, radius_m), CircleShape(other, other_m):
            return bool(np.abs(lonlat_array([center]) - lonlat_array([other])).max() < CM_DEG) and (
                abs(radius_m - other_m) < 0.011
            )
        case PolygonShape(outer, holes), PolygonShape(ring, pits):
            pairs = list(zip((outer, *holes), (ring, *pits), strict=True))
            return all(
                len(x) == len(y) and np.abs(lonlat_array(x) - lonlat_array(y)).max() < CM_DEG for x, y in pairs
            )
        case _:
            return False


@settings(max_examples=40)
@given(zone_sets(flat=False), st.sampled_from([Format.GEOJSON, Format.KML, Format.KMZ]))
def test_zones_come_back_whole_from_the_formats_that_hold_them(zones: tuple[Zone, ...], form: Format) -> None:
    data, report = write_zones(zones, form, name="空域 <1>")
    assert report.notes == ()
    back, told = read_zones(data, Options())
    assert told.format is form
    assert [replace(one, shape=other.shape) for one, other in zip(back, zones, strict=True)] == list(zones)
    assert all(nearly(one.shape, other.shape) for one, other in zip(back, zones, strict=True))


@settings(max_examples=40)
@given(zone_sets(flat=True), st.sampled_from([Format.PLAN, Format.WPL]))
def test_flat_fences_come_back_from_plans_and_wpl(zones: tuple[Zone, ...], form: Format) -> None:
    data, report = write_zones(zones, form)
    assert report.notes == ()
    back, _ = read_zones(data, Options())
    wanted = sorted((zone.role, str(zone.shape)[:6], index) for index, zone in enumerate(zones))
    left = list(back)
    for _, _, index in wanted:
        match = next(
            zone for zone in left if zone.role is zones[index].role and nearly(zone.shape, zones[index].shape)
        )
        left.remove(match)
    assert left == []


def test_what_a_flat_fence_cannot_hold_is_told_and_made_stricter() -> None:
    data, report = write_zones(ZONES, Format.WPL)
    back, _ = read_zones(data, Options())
    told = {(note.path, note.change) for note in report.notes}
    assert told == {("/school", Change.WIDENED), ("/homes", Change.LEFT_OUT)}
    assert any("hole" in note.detail for note in report.notes)
    assert {zone.role for zone in back} == {Role.INCLUSION, Role.EXCLUSION}
    holed = Zone(ZoneId("h"), "h", Role.INCLUSION, ZONES[0].shape)
    back, _ = read_zones(write_zones((holed,), Format.PLAN)[0], Options())
    assert [zone.role for zone in back] == [Role.INCLUSION, Role.EXCLUSION], "a hole to stay out of"


@pytest.mark.parametrize("name", samples())
def test_every_format_is_told_by_its_content(name: str) -> None:
    file = opened(samples()[name], name="upload.bin")
    assert file.form == name.partition("-")[0]


def test_what_the_caller_says_of_the_format_must_fit_the_content() -> None:
    with pytest.raises(InvalidRequest, match="the content is kml, not wpl"):
        opened(samples()["kml"], form=Format.WPL)
    assert opened(samples()["fen"], form=Format.POLY).form is Format.POLY
    assert opened(samples()["fen"], name="field.POLY").form is Format.POLY


def test_a_role_is_never_guessed() -> None:
    bare = json.dumps({"type": "Polygon", "coordinates": [SQUARE]}).encode()
    for data in (kml_of(kml_polygon(SQUARE)), bare, lines(SQUARE[:-1]).encode()):
        with pytest.raises(InvalidRequest, match=r"role.*inclusion, exclusion"):
            read_zones(data, Options(crs=Crs.WGS84))
        assert read_zones(data, Options(crs=Crs.WGS84, role=Role.NO_FILM))[0][0].role is Role.NO_FILM


def test_a_fence_file_is_an_inclusion_without_its_return_point() -> None:
    (zone,), report = read_zones(samples()["fen"], Options(crs=Crs.WGS84, role=Role.EXCLUSION))
    assert (zone.role, len(getattr(zone.shape, "outer", ()))) == (Role.INCLUSION, 4)
    assert report.notes[0].path == "/line/1"


def test_the_first_version_of_a_plan_has_one_inclusion() -> None:
    (zone,), _ = read_zones(samples()["plan-1"], Options())
    assert zone.role is Role.INCLUSION
    assert isinstance(zone.shape, PolygonShape)
    assert zone.shape.outer[0] == LatLon(SQUARE[0][1], SQUARE[0][0])


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d["geoFence"].update(version=3), "/geoFence/version"),
        (lambda d: d["geoFence"]["polygons"][0].pop("inclusion"), "/geoFence/polygons/0/inclusion"),
        (lambda d: d["geoFence"]["polygons"][0]["polygon"].insert(0, [None, 1]), "/geoFence/polygons/0/polygon/0/0"),
        (lambda d: d["geoFence"]["polygons"][0].update(polygon=SQUARE), "/geoFence/polygons/0/polygon/0/0"),
        (lambda d: d["geoFence"]["circles"][0]["circle"].update(radius=-1), "/geoFence/circles/0/circle/radius"),
        (lambda d: d["geoFence"]["circles"][0]["circle"].pop("center"), "/geoFence/circles/0/circle/center"),
        (lambda d: d["geoFence"].update(circles={}), "/geoFence/circles"),
    ],
)
def test_a_wrong_member_of_a_plan_is_pointed_at(change: Any, path: str) -> None:
    document = json.loads(samples()["plan"])
    change(document)
    with pytest.raises(InvalidRequest) as caught:
        read_zones(json.dumps(document).encode(), Options())
    assert [error.pointer for error in caught.value.errors] == [path]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0 0 0 5001 4 0 0 0 31.1 121.1 0 1\n", "4 vertices"),
        ("0 0 0 5001 2.5 0 0 0 31.1 121.1 0 1\n", "2.5 vertices"),
        ("0 0 0 5003 0 0 0 0 31.1 121.1 0 1\n", "radius is 0 m"),
        ("0 0 0 5003 5 0 0 0 121.1 31.1 0 1\n", "swapped: latitude comes first"),
        ("0 0 0 5003 5 0 0 0 31.1 121.1 0\n", "11 columns"),
        ("0 0 0 x 5 0 0 0 31.1 121.1 0 1\n", "whole numbers"),
        ("0 0 0 5003 1e999 0 0 0 31.1 121.1 0 1\n", "numbers"),
    ],
)
def test_a_wrong_line_of_wpl_is_pointed_at(row: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as caught:
        read_zones(b"QGC WPL 110\n" + row.encode(), Options())
    assert caught.value.errors[0].pointer == "/line/2"


def test_a_foreign_kml_says_its_heights_only_when_it_is_extruded_from_the_ground() -> None:
    high = [[*each, 80] for each in SQUARE]
    extruded = "<extrude>1</extrude><altitudeMode>{}</altitudeMode>"
    for mode, datum in (("relativeToGround", Datum.AGL), ("absolute", Datum.AMSL)):
        data = kml_of(kml_polygon(high, extra=extruded.format(mode)))
        (zone,), report = read_zones(data, Options(role=Role.EXCLUSION))
        assert (zone.band, report.notes) == (AltitudeBand(None, Altitude(80.0, datum)), ())
    for extra in ("", "<altitudeMode>absolute</altitudeMode>", extruded.format("clampToGround")):
        (zone,), report = read_zones(kml_of(kml_polygon(high, extra=extra)), Options(role=Role.EXCLUSION))
        assert zone.band == AltitudeBand()
        assert "every height" in report.notes[0].detail


def test_placemarks_are_found_under_any_namespace_in_folders_and_collections() -> None:
    polygon = kml_polygon(SQUARE).removeprefix("<Placemark><name>p</name>").removesuffix("</Placemark>")
    many = (
        f"<Folder><Folder><Placemark><MultiGeometry>{polygon}{polygon}</MultiGeometry></Placemark></Folder></Folder>"
    )
    for namespace in ('xmlns="http://earth.google.com/kml/2.0"', "", 'xmlns="urn:x" xmlns:gx="urn:gx"'):
        zones, _ = read_zones(kml_of(many, namespace=namespace), Options(role=Role.EXCLUSION))
        assert [zone.id for zone in zones] == ["zone-1", "zone-2"]


def test_spaces_round_commas_are_read_and_missing_numbers_are_not() -> None:
    spaced = kml_polygon(SQUARE).replace(",", " , ")
    (zone,), _ = read_zones(kml_of(spaced), Options(role=Role.EXCLUSION))
    assert len(getattr(zone.shape, "outer", ())) == 4
    for bad in ("121.1", "121.1,,31.1", "a,b", "121.1,31.1,5,6", "1_2,3", "١٢,31"):
        with pytest.raises(InvalidRequest, match="longitude,latitude"):
            read_zones(kml_of(kml_polygon(SQUARE).replace("121.11,31.1 ", f"{bad} ")), Options(role=Role.EXCLUSION))


def test_a_circle_that_somebody_moved_is_the_polygon_that_it_is_now() -> None:
    data, _ = write_zones((ZONES[1],), Format.KML)
    moved = data.replace(b"121.13", b"121.14")
    assert moved != data
    (zone,), report = read_zones(moved, Options())
    assert isinstance(zone.shape, PolygonShape)
    assert "changed since" in report.notes[0].detail


def test_a_clockwise_ring_is_its_inside_and_told() -> None:
    (zone,), (report) = read_zones(kml_of(kml_polygon(SQUARE[::-1])), Options(role=Role.EXCLUSION))
    assert len(getattr(zone.shape, "outer", ())) == 4
    assert "clockwise" in report.notes[0].detail


def collection(*features: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_a_foreign_geojson_is_filled_in_and_every_part_of_a_multipolygon_is_a_zone() -> None:
    many = {"type": "MultiPolygon", "coordinates": [[BOW_TIE], [SQUARE, INNER]]}
    line = {"type": "LineString", "coordinates": SQUARE}
    data = collection(feature(many, name="Field", colour="red"), feature(line), feature(many, role="inclusion"))
    zones, report = read_zones(data, Options(role=Role.EXCLUSION, source="map.geojson"))
    assert [zone.role for zone in zones] == [Role.EXCLUSION] * 3 + [Role.INCLUSION] * 2
    assert zones[0].name == "Field"
    assert {zone.source for zone in zones} == {"map.geojson"}
    assert len({zone.id for zone in zones}) == 5
    told = "\n".join(note.detail for note in report.notes)
    for words in ("colour", "LineString", "2 separate parts of one inclusion", "self-intersection"):
        assert words in told


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"role": "forbidden"}, "/features/0/properties/role"),
        ({"margin_m": -1}, "/features/0/properties/margin_m"),
        ({"band": {"floor_m": 9, "ceiling_m": 3}}, "/features/0/properties/band/floor_m"),
    ],
)
def test_a_wrong_property_of_ours_is_pointed_at(properties: dict[str, Any], path: str) -> None:
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    with pytest.raises(InvalidRequest) as caught:
        read_zones(collection(feature(polygon, **properties)), Options(role=Role.EXCLUSION))
    assert [error.pointer for error in caught.value.errors] == [path]


def test_a_collection_that_declares_a_shifted_system_needs_the_callers_word() -> None:
    features = [feature({"type": "Polygon", "coordinates": [SQUARE]})]
    data = msgspec.json.encode({"type": "FeatureCollection", "crs": "GCJ-02", "features": features})
    with pytest.raises(InvalidRequest, match="GCJ-02"):
        read_zones(data, Options(role=Role.EXCLUSION))
    assert read_zones(data, Options(crs=Crs.GCJ02, role=Role.EXCLUSION))[1].crs is Crs.GCJ02
