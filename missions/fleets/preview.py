"""From a fleet request to missions ready to be planned one by one: who looks at what, in which order, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.geo import LatLon
from core.ids import VehicleId
from geofence.frame import LocalFrame
from geofence.scene import margin_budget_m
from geofence.space import Ground, Space
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.fleets.costs import craft_of
from missions.fleets.model import Craft, Effort, Point, Round, Ways
from missions.fleets.patrol import Patrol, patrol
from missions.fleets.request import FleetRequest
from missions.model import MissionRequest, Pattern


@dataclass(frozen=True, slots=True)
class Tour:
    """One flight: `request` is the mission that flies it, `begins_s` when, after the first take-off of all."""

    vehicle_id: VehicleId
    number: int
    begins_s: float
    flight_s: float
    length_m: float
    points: tuple[int, ...]
    request: MissionRequest


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A point that no tour has, and why."""

    point: int
    place: LatLon
    reason: str


@dataclass(frozen=True, slots=True)
class FleetPreview:
    """What a fleet request becomes in one version of the airspace. `exact`: every length is that of a free way."""

    tours: tuple[Tour, ...]
    unvisited: tuple[Unvisited, ...]
    total_m: float
    period_s: float
    exact: bool
    airspace_version: int


@dataclass(frozen=True, slots=True)
class FleetTask:
    """A request with the airspace in force at `departs_at`."""

    request: FleetRequest
    airspace: Airspace
    departs_at: datetime


def preview(task: FleetTask, left_s: Callable[[], float] | None = None) -> FleetPreview:
    """Tours for `task`, none of it stored; each is still to be planned and proved as a mission.

    Lengths are those of ways at the height asked for, around zones and not over them. `left_s`: seconds that are left
    for searching, asked now and then.
    """
    asked = task.request
    frame = LocalFrame(_middle(asked))
    points = [
        Point((x, y), asked.hold_s, weight)
        for (x, y), weight in zip(frame.to_xy(asked.points).tolist(), asked.weights, strict=True)
    ]
    effort = Effort(seconds=asked.seconds, left_s=left_s)
    made = patrol(points, _crafts(asked, frame), _ways(task, frame), objective=asked.objective, effort=effort)
    return _preview(task, made)


def _middle(asked: FleetRequest) -> LatLon:
    places = [*asked.points, *(each.dock.place for each in asked.vehicles)]
    return LatLon(sum(at.lat_deg for at in places) / len(places), sum(at.lon_deg for at in places) / len(places))


def _crafts(asked: FleetRequest, frame: LocalFrame) -> list[Craft]:
    homes = frame.to_xy(each.dock.place for each in asked.vehicles).tolist()
    return [
        craft_of(
            each.id,
            (x, y),
            each.airframe,
            speed_mps=asked.speed_mps,
            alt_rel_m=asked.alt_rel_m,
            longest_s=asked.longest_s,
            rounds=asked.rounds,
            swap_s=asked.swap_s,
        )
        for each, (x, y) in zip(asked.vehicles, homes, strict=True)
    ]


def _ways(task: FleetTask, frame: LocalFrame) -> Ways:
    """The free space at the height asked for above any of the docks, for as long as the rounds may take."""
    asked, docks = task.request, [each.dock for each in task.request.vehicles]
    lowest = min(docks, key=lambda dock: dock.alt_amsl_m)
    above_m = max(dock.alt_amsl_m for dock in docks) - lowest.alt_amsl_m
    hours = max(
        each.airframe.battery_wh / min(each.airframe.hover_w, each.airframe.cruise_w) for each in asked.vehicles
    )
    window = TimeWindow(
        task.departs_at, task.departs_at + asked.rounds * timedelta(hours=hours, seconds=asked.swap_s)
    )
    ground = Ground(lowest.alt_amsl_m, lowest.height_agl_m)
    space = Space.of(task.airspace, frame, window, ground, margin_m=margin_budget_m(asked.speed_mps))
    return space.layer(asked.alt_rel_m, asked.alt_rel_m + above_m)


def _preview(task: FleetTask, made: Patrol) -> FleetPreview:
    asked, tours, flown = task.request, [], dict.fromkeys(range(len(task.request.vehicles)), 0)
    for each in made.plan.rounds:
        flown[each.craft] += 1
        tours.append(_tour(asked, each, flown[each.craft]))
    return FleetPreview(
        tours=tuple(tours),
        unvisited=tuple(Unvisited(each.point, asked.points[each.point], each.reason) for each in made.plan.dropped),
        total_m=made.plan.total_m,
        period_s=made.plan.period_s,
        exact=made.plan.exact,
        airspace_version=task.airspace.version,
    )


def _tour(asked: FleetRequest, flown: Round, number: int) -> Tour:
    vehicle = asked.vehicles[flown.craft]
    suffix = f" · {vehicle.id}" if asked.rounds == 1 else f" · {vehicle.id} · {number}"
    request = MissionRequest(
        name=asked.name[: 100 - len(suffix)] + suffix,
        dock_id=vehicle.dock.id,
        pattern=Pattern.WATCH,
        alt_m=asked.alt_rel_m,
        speed_mps=asked.speed_mps,
        points=tuple(asked.points[point] for point in flown.points),
        parameters={"hold_s": asked.hold_s, "photo": True, "rounds": 1.0, "tour": "as-drawn"},
    )
    return Tour(vehicle.id, number, flown.begins_s, flown.flight_s, flown.length_m, flown.points, request)
