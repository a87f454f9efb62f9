"""Plans among zones, flown with their compiled fences: the track of the record against the zones themselves.

Both autopilots fly them: the embedded simulator always, ArduCopter SITL where its binary is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from pymavlink import mavutil
from shapely.geometry import Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.geojson import zone_collection
from missions.fleet import default_docks
from tests.fields import FRAME, Field, FieldZone
from tests.platform import Json, Platform
from tests.sitl.cases import field_around
from tests.sitl.flown import Flown, cross_track_m, least_gaps_m, read_flown

pytestmark = pytest.mark.system
# One flight in make test, the others in make soak; `bench.planner.sitl` flies many more.
LONG = pytest.mark.soak

VEHICLE = "bl-03"
DOCK = next(dock for dock in default_docks() if dock.id == "dock-zhujiajiao")
PLANE = LocalFrame(DOCK.place)  # in which everything here is drawn: metres round the dock
PAD = FRAME.to_xy([DOCK.place])[0]
# What a plan keeps from every zone at 10 m/s, and what a vehicle may be off its line: 2 m cross-track, 2 m cut
# corner, 1 m datum; SmartRTL 2 m more.
MARGIN_M = 10.0
OFF_LINE_M, OFF_RETRACED_M = 5.0, 7.0
MODES = {name: number for number, name in mavutil.mode_mapping_acm.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """A sortie that ended, its mission, and its record."""

    sortie: Json
    mission: Json
    flown: Flown


def field(*zones: Polygon) -> Field:
    """A square of 700 m round the dock with zones from the ground to the sky."""
    return field_around(DOCK, Field(box(-350, -350, 350, 350), 5.0, tuple(FieldZone(zone, 5.0) for zone in zones)))


def feature(pattern: str, drawn: BaseGeometry, **told: object) -> Json:
    properties = {"name": pattern, "pattern": pattern, "alt_rel_m": 40, "speed_mps": 10, "dock_id": str(DOCK.id)}
    lonlat = shapely.transform(drawn, PLANE.unproject)
    return {"type": "Feature", "geometry": mapping(lonlat), "properties": properties | told}


def fly(platform: Platform, area: Field, asked: Json, *, back_from: int | None = None) -> Told:
    """Publishes the field, plans, flies; with `back_from` waypoints behind the operator asks to return."""
    platform.until_ready(VEHICLE)
    platform.post_patiently("/airspace/versions", {"note": "test", "zones": zone_collection(area.airspace().zones)})
    mission = platform.post_patiently("/missions", asked)
    response = platform.launch(mission, VEHICLE)
    assert response.status_code == 202, response.text
    sortie_id = str(response.json()["sortie_id"])
    if back_from is not None:
        platform.until_reached(sortie_id, back_from)
        assert platform.post(f"/vehicles/{VEHICLE}/commands", {"kind": "return"})["state"] == "done"
    sortie = platform.until_state(sortie_id, "closed", within_s=240)
    return Told(sortie, mission, read_flown(platform.data_dir / "tlogs" / f"{sortie_id}.tlog"))


def path_of(mission: Json) -> tuple[LatLon, ...]:
    """The plan's path from home and back to it."""
    coordinates = mission["latest"]["plan"]["path"]["coordinates"]
    return tuple(LatLon(lat, lon) for lon, lat, *_ in coordinates)


def down_from_m(flown: Flown, east_m: float, north_m: float) -> float:
    """How far from a place in `PLANE` it came down."""
    return float(np.hypot(*(flown.end - PAD - np.array([east_m, north_m]))))


@LONG
def test_a_survey_covers_the_area_round_a_zone_in_it_and_keeps_its_margin(platform: Platform) -> None:
    area = field(box(90, 20, 130, 60))
    told = fly(platform, area, feature("survey", box(40, -30, 180, 110), spacing_m=35, trigger_m=20))
    assert told.sortie["outcome"] == "completed", told.sortie
    assert (told.sortie["breaches"], told.flown.breached) == (0, 0)
    zone_m, edge_m = least_gaps_m(told.flown, area)
    # No nearer than a plan may be with the errors it allows for; and so near that it did go round the zone.
    assert MARGIN_M - OFF_LINE_M <= zone_m <= MARGIN_M + 15.0
    assert edge_m > 0.0
    assert down_from_m(told.flown, 0, 0) < 1.0


def test_a_plan_that_may_not_return_straight_flies_back_along_its_path(platform: Platform) -> None:
    # A wall stands between the pad and the far end of the route, which leads round it.
    area = field(box(40, -150, 80, 120))
    around = shapely.LineString([(0, 120), (60, 170), (150, 150), (150, 20), (200, 0), (160, -60)])
    told = fly(platform, area, feature("route", around), back_from=5)
    assert told.mission["latest"]["plan"]["returns"] == "retrace"
    assert told.sortie["outcome"] == "aborted", told.sortie
    assert {MODES["AUTO"], MODES["SMART_RTL"]} <= set(told.flown.modes.tolist())
    assert MODES["RTL"] not in told.flown.modes
    back = told.flown.part(MODES["SMART_RTL"])
    assert float(np.hypot(*(back[0, :2] - PAD))) > 100.0
    assert float(cross_track_m(back, path_of(told.mission)).max()) <= OFF_RETRACED_M
    assert least_gaps_m(told.flown, area)[0] > 0.0
    assert (told.sortie["breaches"], told.flown.breached) == (0, 0)
    assert down_from_m(told.flown, 0, 0) < 2.0


@LONG
def test_a_return_goes_to_the_rally_point_that_is_nearer_than_home(platform: Platform) -> None:
    area = field(box(100, -120, 140, -60))
    rally = np.array([(-120.0, 150.0), (150.0, 60.0)])
    out = shapely.LineString([(-100, 120), (60, 40), (180, 60), (220, 0), (200, -30)])
    told = fly(platform, area, feature("route", out, rally=PLANE.unproject(rally).tolist()), back_from=4)
    assert told.sortie["outcome"] == "aborted", told.sortie
    assert MODES["RTL"] in told.flown.modes
    assert down_from_m(told.flown, *rally[1].tolist()) < 2.0
    assert (told.sortie["breaches"], told.flown.breached) == (0, 0)
    assert least_gaps_m(told.flown, area)[0] > 0.0
