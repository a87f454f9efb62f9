"""Missions through QGC plans and WPL and back, and as routes; what a route cannot hold is told."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Conflict, InvalidRequest
from core.geo import LatLon
from geofence.formats.crs import Crs, from_wgs84
from geofence.formats.intake import Options
from geofence.formats.report import Change, Format
from geofence.frame import lonlat_array
from geofence.zones import PolygonShape, Role
from missions.formats.document import LOCATED
from missions.formats.files import MISSION_FORMATS, Imported, read_file, write_mission, write_zones
from missions.formats.plan import read_plan, write_plan
from missions.formats.wpl import read_wpl, write_wpl
from missions.model import MissionItem, Plan, Waypoint
from tests.geofence.formats.samples import SQUARE, ZONES, kml_of, samples
from tests.geofence.places import HOME
from tests.missions.formats.plans import FENCE, STEPS, a_plan

whole = st.integers(-180, 180).map(float)
commands = st.sampled_from([16, 17, 19, 21, 22, 82, 93, 115, 178, 195, 206, 2000, 2500])
altitudes = st.integers(-1000, 50_000).map(lambda cm: cm / 100)


@st.composite
def mission_lists(draw: st.DrawFn) -> tuple[MissionItem, ...]:
    """Home and 1 to 9 items; places to 1e-7 degree, parameters that a float32 holds."""
    items = [MissionItem(0, 0, 16, (0.0, 0.0, 0.0, 0.0), 311500000, 1211200000, 4.0)]
    for seq in range(1, draw(st.integers(1, 9)) + 1):
        command = draw(commands)
        place = (draw(st.integers(-899999999, 899999999)), draw(st.integers(-1799999999, 1799999999)))
        x, y = place if command in LOCATED else (draw(st.integers(-9, 9)), draw(st.integers(-9, 9)))
        params = (draw(whole), draw(whole), draw(whole), draw(whole))
        items.append(MissionItem(seq, draw(st.sampled_from([0, 3])), command, params, x, y, draw(altitudes)))
    return tuple(items)


@settings(max_examples=80)
@given(mission_lists())
def test_mission_items_come_back_as_they_would_go_over_the_wire(items: tuple[MissionItem, ...]) -> None:
    plan, _ = write_plan(items, (Waypoint(HOME, 30.0),), ())
    read, _ = read_plan(json.loads(plan), Options())
    assert read.items == items
    assert read.rally == (Waypoint(HOME, 30.0),)
    again, _ = read_wpl(write_wpl(items).decode(), Options())
    assert again.items == items


@pytest.mark.parametrize("form", [Format.PLAN, Format.WPL])
def test_a_plan_exports_exactly_the_items_that_are_uploaded(form: Format) -> None:
    data, _ = write_mission(a_plan(), form, name="河道")
    reader = read_plan(json.loads(data), Options()) if form is Format.PLAN else read_wpl(data.decode(), Options())
    assert reader[0].items == a_plan().items


def test_an_exported_plan_carries_its_fence_and_rally_points_too() -> None:
    data, _ = write_mission(a_plan(), Format.PLAN)
    found = read_file(data, Options(), name="river.plan")
    assert [(zone.role, zone.shape) for zone in found.zones] == [
        (Role.INCLUSION, PolygonShape(FENCE.polygons[0].ring))
    ]
    assert found.rally == a_plan().rally
    assert found.mission is not None


def test_a_file_becomes_a_route_at_its_highest_altitude_and_the_rest_is_told() -> None:
    for form in (Format.PLAN, Format.WPL):
        found = read_file(write_mission(a_plan(), form)[0], Options(), name="/tmp/river.x")
        assert found.mission is not None
        properties = found.mission["properties"]
        assert properties == {"name": "river", "pattern": "route", "alt_rel_m": 60.0, "speed_mps": 8.0}
        line = [[step.place.lon_deg, step.place.lat_deg] for step in STEPS]
        assert found.mission["geometry"] == {"type": "LineString", "coordinates": line}
        told = "\n".join(note.detail for note in found.report.notes)
        assert "from 50 to 60 m" in told
        assert "206 (2×)" in told


def test_altitudes_above_sea_level_count_from_the_files_home() -> None:
    high = [replace(item, frame=0, z_m=item.z_m + 4.0) if item.frame == 3 else item for item in a_plan().items]
    found = read_file(write_wpl(high), Options())
    assert found.mission is not None
    assert found.mission["properties"]["alt_rel_m"] == 60.0
    ground = [replace(item, frame=10) if item.frame == 3 else item for item in a_plan().items]
    found = read_file(write_wpl(ground), Options())
    assert found.mission is not None
    assert found.mission["properties"]["alt_agl_m"] == 60.0
    mixed = [replace(item, frame=10) if item.z_m == 50.0 else item for item in a_plan().items]
    found = read_file(write_wpl(mixed), Options())
    assert found.mission is not None
    assert not {"alt_rel_m", "alt_agl_m"} & found.mission["properties"].keys(), "nobody may guess it"
    assert any("alt_rel_m" in note.detail for note in found.report.notes)


def test_a_complex_item_is_read_as_the_items_that_it_makes() -> None:
    document = json.loads(write_mission(a_plan(), Format.PLAN)[0])
    simple = document["mission"]["items"]
    survey = {"type": "ComplexItem", "complexItemType": "survey", "TransectStyleComplexItem": {"Items": simple[2:]}}
    document["mission"]["items"] = [*simple[:2], survey]
    assert read_plan(document, Options())[0].items == a_plan().items
    del survey["TransectStyleComplexItem"]
    with pytest.raises(InvalidRequest, match="/mission/items/2: a 'survey' without the flat items"):
        read_plan(document, Options())


def test_a_jump_points_at_the_same_item_wherever_that_is() -> None:
    document = json.loads(write_mission(a_plan(), Format.PLAN)[0])
    jump = {"type": "SimpleItem", "command": 177, "frame": 2, "params": [700, 2, 0, 0, 0, 0, 0], "doJumpId": 900}
    document["mission"]["items"][3]["doJumpId"] = 700
    document["mission"]["items"].append(jump)
    assert read_plan(document, Options())[0].items[-1].params[:2] == (4.0, 2.0)
    jump["params"] = [701, 2, 0, 0, 0, 0, 0]
    with pytest.raises(InvalidRequest, match="jumps to 701"):
        read_plan(document, Options())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda m: m.update(version=1), "/mission/version"),
        (lambda m: m.update(items={}), "/mission/items"),
        (lambda m: m["items"][0].update(command=True), "/mission/items/0/command"),
        (lambda m: m["items"][0].update(command=70_000), "/mission/items/0/command"),
        (lambda m: m["items"][0].update(frame=7), "/mission/items/0/frame"),
        (lambda m: m["items"][0].update(params=[0] * 6), "/mission/items/0/params"),
        (lambda m: m["items"][0]["params"].__setitem__(4, 121.1), "/mission/items/0/params"),
        (lambda m: m["items"][0]["params"].__setitem__(4, "x"), "/mission/items/0/params"),
        (lambda m: m["items"][1]["params"].__setitem__(5, 1e12), "/mission/items/1/params"),
        (lambda m: m.update(plannedHomePosition=5), "/mission/plannedHomePosition"),
    ],
)
def test_a_wrong_member_of_a_mission_is_pointed_at(change: Any, path: str) -> None:
    document = json.loads(write_mission(a_plan(), Format.PLAN)[0])
    change(document["mission"])
    with pytest.raises(InvalidRequest) as caught:
        read_plan(document, Options())
    assert caught.value.errors[0].pointer == path


def test_rally_points_are_read_and_no_other_altitude_is_taken_for_theirs() -> None:
    alone = f"QGC WPL 110\n0 0 3 5100 0 0 0 0 {HOME.lat_deg} {HOME.lon_deg} 30 1\n"
    found = read_file(alone.encode(), Options())
    assert (found.rally, found.mission, found.zones) == ((Waypoint(HOME, 30.0),), None, ())
    home = "QGC WPL 110\n0 1 0 16 0 0 0 0 31.15 121.12 4 1\n"
    rally = "1 0 {} 5100 0 0 0 0 31.15 121.12 34 1\n"
    assert read_file((home + rally.format(0)).encode(), Options()).rally == (Waypoint(HOME, 30.0),)
    with pytest.raises(InvalidRequest, match="frame 10"):
        read_file((home + rally.format(10)).encode(), Options())


def test_a_shifted_mission_is_moved_home() -> None:
    data, _ = write_mission(a_plan(), Format.PLAN)
    found = read_file(data, Options(crs=Crs.GCJ02))
    assert found.mission is not None
    lon, lat = found.mission["geometry"]["coordinates"][0]
    back = from_wgs84(lonlat_array([LatLon(lat, lon)]), Crs.GCJ02)[0]
    assert abs(back[0] - STEPS[0].place.lon_deg) < 2e-7
    assert abs(lon - STEPS[0].place.lon_deg) > 0.004


def test_a_line_of_a_map_becomes_a_route_whose_height_somebody_must_say() -> None:
    line = "<Placemark><name>河</name><LineString><coordinates>121.1,31.1,50 121.1,31.1,50 121.2,31.2,60"
    data = kml_of(line + "</coordinates></LineString></Placemark>")
    found = read_file(data, Options())
    assert found.mission is not None
    assert found.mission["properties"] == {"name": "河", "pattern": "route"}
    assert found.mission["geometry"]["coordinates"] == [[121.1, 31.1], [121.2, 31.2]]
    assert "from 50 to 60 m" in found.report.notes[0].detail


def test_an_exported_line_is_the_path_at_altitudes_above_sea_level() -> None:
    data, _ = write_mission(a_plan(), Format.KML, name="a <b>")
    root = fromstring(data)
    space = "{http://www.opengis.net/kml/2.2}"
    (line,) = root.iter(f"{space}LineString")
    places = [
        [float(each) for each in one.split(",")] for one in (line.findtext(f"{space}coordinates") or "").split()
    ]
    assert len(places) == len(STEPS) + 2
    assert places[0] == [HOME.lon_deg, HOME.lat_deg, 4.0]
    assert places[1] == pytest.approx([STEPS[0].place.lon_deg, STEPS[0].place.lat_deg, 54.0], abs=1e-8)
    assert line.findtext(f"{space}altitudeMode") == "absolute"


def test_only_a_plan_that_may_fly_is_exported() -> None:
    for form in MISSION_FORMATS:
        with pytest.raises(InvalidRequest, match="conflicts"):
            write_mission(a_plan(conflicts=(Conflict("x", "y", "/"),)), form)
    with pytest.raises(InvalidRequest, match="not as fen"):
        write_mission(a_plan(), Format.FEN)
    with pytest.raises(InvalidRequest, match="not as wpml"):
        write_zones(ZONES, Format.WPML)


@pytest.mark.parametrize("name", samples())
def test_zones_are_read_here_as_well(name: str) -> None:
    found = read_file(samples()[name], Options(crs=Crs.WGS84, role=Role.EXCLUSION))
    assert isinstance(found, Imported)
    assert found.zones
    assert found.mission is None


def test_a_mission_feature_goes_through_as_it_is() -> None:
    feature = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": SQUARE[:2]}, "properties": {}}
    feature["properties"] = {"pattern": "route", "name": "n"}
    assert read_file(json.dumps(feature).encode(), Options()).mission == feature


WPML = "{http://www.dji.com/wpmz/1.0.2}"


def wpml_files(plan: Plan) -> dict[str, Element]:
    data, _ = write_mission(plan, Format.WPML)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: fromstring(archive.read(name)) for name in archive.namelist()}


def test_a_dji_file_has_both_documents_with_heights_above_the_take_off_point() -> None:
    files = wpml_files(a_plan())
    assert list(files) == ["wpmz/template.kml", "wpmz/waylines.wpml"]
    template, waylines = files.values()
    assert template.findtext(f".//{WPML}heightMode") == "relativeToStartPoint"
    assert template.findtext(f".//{WPML}coordinateMode") == "WGS84"
    assert waylines.findtext(f".//{WPML}executeHeightMode") == "relativeToStartPoint"
    assert [each.text for each in waylines.iter(f"{WPML}executeHeight")] == ["50", "50", "60", "60", "60"]
    assert [each.text for each in template.iter(f"{WPML}height")] == ["50", "50", "60", "60", "60"]
    assert {each.text for each in waylines.iter(f"{WPML}waypointTurnMode")} == {
        "toPointAndStopWithDiscontinuityCurvature"
    }
    # 4 m above sea level, 50 m above that, and the geoid some 10 m above the ellipsoid.
    shown = float(template.findtext(f".//{WPML}ellipsoidHeight") or 0)
    assert shown == pytest.approx(63.8, abs=1.0)


def test_a_dji_vehicle_comes_back_when_its_link_is_lost() -> None:
    for root in wpml_files(a_plan()).values():
        assert root.findtext(f".//{WPML}exitOnRCLost") == "executeLostAction"
        assert root.findtext(f".//{WPML}executeRCLostAction") == "goBack"


def test_actions_become_dji_actions_at_their_waypoints() -> None:
    waylines = wpml_files(a_plan())["wpmz/waylines.wpml"]
    marks = list(waylines.iter("{http://www.opengis.net/kml/2.2}Placemark"))
    done = [[each.text for each in mark.iter(f"{WPML}actionActuatorFunc")] for mark in marks]
    assert done == [
        ["gimbalRotate", "takePhoto"],
        ["hover", "takePhoto"],
        ["rotateYaw"],
        ["startRecord"],
        ["stopRecord"],
    ]
    (distance,) = [each for each in marks[0].iter(f"{WPML}actionGroup") if "multipleDistance" in texts(each)]
    ends = [distance.findtext(f"{WPML}{name}") for name in ("actionGroupStartIndex", "actionGroupEndIndex")]
    assert ends == ["0", "2"]
    assert distance.findtext(f".//{WPML}actionTriggerParam") == "20"
    assert [each.text for each in waylines.iter(f"{WPML}waypointSpeed")] == ["8", "4", "4", "4", "4"]
    assert [each.text for each in waylines.iter(f"{WPML}aircraftHeading")] == ["-90"]
    modes = [mark.findtext(f".//{WPML}waypointHeadingMode") for mark in marks]
    assert modes == ["followWayline"] * 3 + ["towardPOI", "followWayline"]
    assert len({each.text for each in waylines.iter(f"{WPML}actionGroupId")}) == 6


def texts(element: Element) -> set[str | None]:
    return {each.text for each in element.iter()}


def test_a_flat_file_is_told_apart_from_a_mission_by_what_it_holds() -> None:
    _, report = write_mission(a_plan(), Format.WPL)
    assert [note.change for note in report.notes] == [Change.LEFT_OUT]
