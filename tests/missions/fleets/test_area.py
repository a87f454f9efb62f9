"""An area shared among vehicles: nothing of it is lost between the shares, and what nobody can fly is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from core.errors import InvalidRequest
from core.ids import VehicleId
from geofence.frame import LocalFrame
from geofence.qingpu import default_airspace, default_terrain
from missions.fleet import default_airframe
from missions.fleets.area import MOST_ROWS
from missions.fleets.preview import FleetPreview, FleetTask, preview
from missions.fleets.request import AreaRequest, FleetVehicle, parse_fleet_request
from missions.model import Pattern, ReturnMode
from tests.missions.fleets.test_preview import AT, DOCKS, FLEET

pytestmark = pytest.mark.thorough

RING = [[121.122, 31.134], [121.127, 31.134], [121.127, 31.1375], [121.122, 31.1375], [121.122, 31.134]]
HOLE = [[121.124, 31.135], [121.125, 31.135], [121.125, 31.136], [121.124, 31.136], [121.124, 31.135]]


def an_area(**changes: Any) -> AreaRequest:
    area = {"type": "Polygon", "coordinates": [RING, HOLE]}
    body = {"task": "area", "name": "a", "area": area, "alt_rel_m": 60, "speed_mps": 10, "spacing_m": 50}
    body |= {"seconds": 0.5} | changes
    read = parse_fleet_request({name: value for name, value in body.items() if value is not None}, FLEET)
    assert isinstance(read, AreaRequest)
    return read


def shared(asked: AreaRequest) -> FleetPreview:
    return preview(FleetTask(asked, default_airspace(), AT, default_terrain()))


def seen(made: FleetPreview, asked: AreaRequest, swath_m: float) -> float:
    """The share of the area that is within half a swath of any tour."""
    frame = LocalFrame(DOCKS[0].place)
    area = frame.polygon(asked.ring, asked.holes)
    lines = shapely.union_all([shapely.LineString(frame.to_xy(tour.request.line)) for tour in made.tours])
    return float(area.intersection(lines.buffer(swath_m / 2 + 0.05)).area / area.area)


def test_the_shares_together_see_all_of_the_area_in_balanced_time() -> None:
    asked = an_area()
    made = shared(asked)
    assert {tour.vehicle_id for tour in made.tours} == {"bl-01", "bl-02"}
    assert seen(made, asked, 50.0) >= 0.999
    assert seen(replace(made, tours=made.tours[:1]), asked, 50.0) < 0.8
    assert max(tour.flight_s for tour in made.tours) < 1.3 * min(tour.flight_s for tour in made.tours)
    assert all(tour.plan is not None and tour.plan.proof and tour.plan.proof.valid for tour in made.tours)
    assert all(tour.request.pattern is Pattern.ROUTE for tour in made.tours)


def test_a_camera_sets_rows_and_pictures_at_the_lowest_height_above_ground() -> None:
    read = an_area(spacing_m=None, camera="1-inch 20 MP 8.8 mm", alt_rel_m=60, speed_mps=6)
    low = shared(read)
    triggers = [tour.request.parameters["trigger_m"] for tour in low.tours]
    roof = FleetVehicle(VehicleId("bl-09"), replace(DOCKS[0], height_agl_m=20.0), default_airframe())
    high = shared(replace(read, vehicles=(roof,)))
    both = shared(replace(read, vehicles=(*FLEET, roof)))
    assert triggers == [triggers[0]] * 2
    assert float(high.tours[0].request.parameters["trigger_m"]) > float(triggers[0])
    assert both.tours[0].request.parameters["trigger_m"] == triggers[0]


def test_what_time_does_not_allow_is_named_with_its_metres() -> None:
    asked = an_area(longest_s=300, rounds=1)
    made = shared(asked)
    (left,) = made.uncovered
    assert "1 flights of each vehicle" in left.reason
    assert left.length_m > 500
    assert 0.1 < seen(made, asked, 50.0) < 0.9
    assert all(tour.flight_s <= 300 for tour in made.tours)


def test_legs_that_are_too_long_for_a_flight_are_flown_in_parts_and_too_far_ones_named() -> None:
    asked = an_area(longest_s=200, rounds=10)
    made = shared(asked)
    far = shapely.from_geojson(json.dumps(made.uncovered[0].geometry))
    frame = LocalFrame(DOCKS[0].place)
    gap_m = shapely.transform(far, frame.project).distance(shapely.Point(0, 0))
    flown_m = [np.hypot(*frame.to_xy(tour.request.line).T).min() for tour in made.tours]
    assert "too far" in made.uncovered[0].reason
    assert made.tours
    assert gap_m > min(flown_m)
    assert all(tour.flight_s <= 200 for tour in made.tours)


def test_an_area_where_flying_is_not_allowed_has_no_tours_but_a_reason() -> None:
    away = [[lon + 5, lat] for lon, lat in RING]
    made = shared(an_area(area={"type": "Polygon", "coordinates": [away]}))
    assert made.tours == ()
    assert "nowhere" in made.uncovered[0].reason


def test_an_area_that_is_too_large_is_refused_at_once() -> None:
    wide = [[121.0, 31.0], [121.4, 31.0], [121.4, 31.3], [121.0, 31.3], [121.0, 31.0]]
    asked = an_area(area={"type": "Polygon", "coordinates": [wide]})
    with pytest.raises(InvalidRequest) as refused:
        shared(asked)
    assert [error.pointer for error in refused.value.errors] == ["/area"]
    assert str(MOST_ROWS) in refused.value.detail


def test_heights_above_ground_need_a_ground() -> None:
    asked = an_area(alt_rel_m=None, alt_agl_m=60)
    with pytest.raises(InvalidRequest) as refused:
        preview(FleetTask(asked, default_airspace(), AT))
    assert [error.pointer for error in refused.value.errors] == ["/alt_agl_m"]
    made = shared(asked)
    assert made.tours
    heights = [step.alt_rel_m for tour in made.tours if tour.plan for step in tour.plan.waypoints]
    assert np.ptp(heights) < 10.0


def test_no_tour_is_offered_with_a_conflict_while_another_vehicle_can_fly_it() -> None:
    roof = FleetVehicle(VehicleId("bl-09"), DOCKS[1], default_airframe())
    wide = [[121.118, 31.140], [121.132, 31.140], [121.132, 31.150], [121.118, 31.150], [121.118, 31.140]]
    asked = an_area(area={"type": "Polygon", "coordinates": [wide]}, alt_rel_m=80, spacing_m=80)
    made = shared(replace(asked, vehicles=(*FLEET, roof)))
    assert all(tour.plan is not None and not tour.conflicts for tour in made.tours)
    # Its straight way home is barred: it flies half of its battery, back along its path, or not at all.
    ways_home = [tour.plan.returns for tour in made.tours if tour.vehicle_id == roof.id and tour.plan]
    assert all(each is ReturnMode.RETRACE for each in ways_home)
    assert bool(ways_home) != (roof.id in [each.vehicle_id for each in made.grounded])
    assert made.uncovered == ()
