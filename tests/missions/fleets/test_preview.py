"""From what a person asks of a fleet to missions that fly it; everything wrong is told with its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import DockId, VehicleId
from geofence.qingpu import default_airspace
from missions.fleet import default_airframe, default_docks
from missions.fleets.model import Objective
from missions.fleets.preview import FleetTask, preview
from missions.fleets.request import FleetVehicle, PatrolRequest, parse_fleet_request
from missions.request import parse_request, request_feature

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
DOCKS = default_docks()
FLEET = tuple(FleetVehicle(VehicleId(f"bl-0{index}"), DOCKS[0], default_airframe()) for index in (1, 2))


def a_body(count: int = 9, **changes: Any) -> dict[str, Any]:
    at = DOCKS[0].place
    places = [[at.lon_deg + 0.001 * (index % 3 + 1), at.lat_deg + 0.001 * (index // 3 + 1)] for index in range(count)]
    points = {"type": "MultiPoint", "coordinates": places}
    return {"name": "重点点位", "points": points, "alt_rel_m": 60, "speed_mps": 8} | changes


def a_patrol(**changes: Any) -> PatrolRequest:
    read = parse_fleet_request(a_body(**changes), FLEET)
    assert isinstance(read, PatrolRequest)
    return read


def asked(**changes: Any) -> PatrolRequest:
    return replace(a_patrol(), seconds=0.3, **changes)


def test_a_request_is_read_with_what_stands_for_absent_members() -> None:
    read = a_patrol(weights=None, objective="period", vehicle_ids=["bl-02"], rounds=3)
    assert (read.objective, read.hold_s, read.rounds, read.longest_s) == (Objective.PERIOD, 10.0, 3, None)
    assert [each.id for each in read.vehicles] == ["bl-02"]
    assert read.weights == (1.0,) * 9
    assert len(parse_fleet_request(a_body(), FLEET).vehicles) == 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"name": " "}, "/name"),
        ({"points": {"type": "LineString", "coordinates": []}}, "/points/type"),
        ({"points": {"type": "MultiPoint", "coordinates": []}}, "/points/coordinates"),
        ({"points": {"type": "MultiPoint", "coordinates": [[121.1, "x"]]}}, "/points/coordinates/0/1"),
        ({"weights": [1, 2]}, "/weights"),
        ({"weights": [*[1] * 8, 0]}, "/weights/8"),
        ({"vehicle_ids": ["bl-09"]}, "/vehicle_ids/0"),
        ({"vehicle_ids": ["bl-01", "bl-01"]}, "/vehicle_ids/1"),
        ({"vehicle_ids": []}, "/vehicle_ids"),
        ({"alt_rel_m": 1_000}, "/alt_rel_m"),
        ({"speed_mps": "fast"}, "/speed_mps"),
        ({"rounds": 1.5}, "/rounds"),
        ({"seconds": 60}, "/seconds"),
        ({"objective": "fun"}, "/objective"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_what_is_wrong_with_a_request_is_pointed_at(change: dict[str, Any], pointer: str) -> None:
    body = a_body() | change
    if change == {"name": None}:
        del body["name"]
    with pytest.raises(InvalidRequest) as raised:
        parse_fleet_request(body, FLEET)
    assert [error.pointer for error in raised.value.errors] == [pointer]


def test_each_tour_is_a_mission_that_can_be_posted_as_it_is() -> None:
    made = preview(FleetTask(asked(), default_airspace(), AT))
    assert sorted(point for tour in made.tours for point in tour.points) == list(range(9))
    assert (made.unvisited, made.exact, made.airspace_version) == ((), True, default_airspace().version)
    for tour in made.tours:
        read = parse_request(request_feature(tour.request), DOCKS)
        assert read == tour.request
        assert read.points == tuple(asked().points[point] for point in tour.points)
        assert tour.vehicle_id in read.name


def test_a_point_outside_of_what_may_be_flown_in_is_told() -> None:
    request = asked()
    away = LatLon(request.points[0].lat_deg + 5.0, request.points[0].lon_deg)
    made = preview(FleetTask(replace(request, points=(away, *request.points[1:])), default_airspace(), AT))
    assert [each.point for each in made.unvisited] == [0]
    assert made.unvisited[0].place == away
    assert sorted(point for tour in made.tours for point in tour.points) == list(range(1, 9))


def test_vehicles_start_from_their_own_docks_and_rounds_are_numbered() -> None:
    other = FleetVehicle(VehicleId("bl-03"), DOCKS[1], default_airframe())
    made = preview(FleetTask(asked(vehicles=(FLEET[0], other), longest_s=190.0, rounds=8), default_airspace(), AT))
    docks = {"bl-01": DOCKS[0].id, "bl-03": DOCKS[1].id}
    assert all(tour.request.dock_id == docks[tour.vehicle_id] for tour in made.tours)
    assert all(tour.flight_s <= 190.0 for tour in made.tours)
    own = [tour for tour in made.tours if tour.vehicle_id == "bl-01"]
    assert [tour.number for tour in own] == list(range(1, len(own) + 1))
    assert len(own) > 1
    assert DockId(docks["bl-01"]) == own[0].request.dock_id
