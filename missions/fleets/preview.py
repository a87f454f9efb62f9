"""From a fleet request to missions planned one by one: who looks at what, in which order, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from core.errors import Conflict
from core.ids import VehicleId
from missions.fleets.air import Air, FleetTask, air_of
from missions.fleets.area import Layout, covered, laid_out
from missions.fleets.model import Effort, Point, Round
from missions.fleets.patrol import Patrol, patrol
from missions.fleets.request import AreaRequest, PatrolRequest, RecurrentRequest
from missions.fleets.tours import FleetPreview, Grounded, Known, Tour, Unvisited, departing, planned, watch_request
from missions.fleets.watching import watched

__all__ = ["FleetPreview", "FleetTask", "preview"]


def preview(task: FleetTask, left_s: Callable[[], float] | None = None) -> FleetPreview:
    """Tours for `task`, none of it stored, each planned and proved as a mission so far as time is left.

    A vehicle whose missions have conflicts is given half of its battery, as a way back along the path needs, and then
    left on the ground. Where that leaves nobody, the tours are given with their conflicts.
    Lengths are those of ways at the height asked for, around zones and not over them; a tour's plan may be shorter.
    `left_s`: seconds that are left, asked now and then. Raises InvalidRequest for what nobody can do.
    """
    air, known = air_of(task), Known()
    layout = laid_out(task.request, air) if isinstance(task.request, AreaRequest) else None
    trusted = dict.fromkeys((vehicle.id for vehicle in task.request.vehicles), 1.0)
    grounded: dict[VehicleId, Grounded] = {}
    wrong: dict[VehicleId, Conflict] = {}
    first: FleetPreview | None = None
    while True:
        made = _made(task, _trusting(air, trusted), layout, left_s)
        made = replace(made, tours=planned(made.tours, task, left_s, known), grounded=tuple(grounded.values()))
        first = first or made
        flown = {tour.vehicle_id for tour in made.tours}
        wrong |= {tour.vehicle_id: tour.conflicts[0] for tour in made.tours if tour.conflicts}
        # Half of its battery may be too little for any tour.
        idle = [each for each in wrong if trusted[each] and each not in flown]
        doubted = [*idle, *dict.fromkeys(tour.vehicle_id for tour in made.tours if tour.conflicts)]
        if not doubted or (left_s is not None and left_s() < task.request.seconds):
            return made
        for vehicle_id in doubted:
            trusted[vehicle_id] = 0.0 if vehicle_id in idle else _LESS[trusted[vehicle_id]]
            if not trusted[vehicle_id]:
                grounded[vehicle_id] = Grounded(vehicle_id, wrong[vehicle_id])
        if not any(trusted.values()):
            return first


# Shares of its battery that a vehicle is given, one after the other, while its missions have conflicts.
_LESS = {1.0: 0.5, 0.5: 0.0}


def _trusting(air: Air, trusted: Mapping[VehicleId, float]) -> Air:
    return replace(
        air, crafts=tuple(replace(craft, limit_s=craft.limit_s * trusted[craft.id]) for craft in air.crafts)
    )


def _made(task: FleetTask, air: Air, layout: Layout | None, left_s: Callable[[], float] | None) -> FleetPreview:
    match task.request:
        case PatrolRequest() as asked:
            return _patrolled(task, asked, air, left_s)
        case RecurrentRequest() as asked:
            return watched(task, asked, air, left_s)
        case AreaRequest() as asked:
            assert layout is not None
            return covered(task, asked, air, layout)


def _patrolled(task: FleetTask, asked: PatrolRequest, air: Air, left_s: Callable[[], float] | None) -> FleetPreview:
    points = [
        Point((x, y), asked.hold_s, weight)
        for (x, y), weight in zip(air.frame.to_xy(asked.points).tolist(), asked.weights, strict=True)
    ]
    effort = Effort(seconds=asked.seconds, left_s=left_s)
    made = patrol(points, air.crafts, air.free, objective=asked.objective, effort=effort)
    return _preview(task, asked, made)


def _preview(task: FleetTask, asked: PatrolRequest, made: Patrol) -> FleetPreview:
    tours, flown = [], dict.fromkeys(range(len(asked.vehicles)), 0)
    for each in made.plan.rounds:
        flown[each.craft] += 1
        tours.append(departing(_tour(asked, each, flown[each.craft]), task))
    return FleetPreview(
        tours=tuple(tours),
        unvisited=tuple(Unvisited(each.point, asked.points[each.point], each.reason) for each in made.plan.dropped),
        total_m=made.plan.total_m,
        period_s=made.plan.period_s,
        exact=made.plan.exact,
        airspace_version=task.airspace.version,
    )


def _tour(asked: PatrolRequest, flown: Round, number: int) -> Tour:
    vehicle = asked.vehicles[flown.craft]
    mark = str(vehicle.id) if asked.rounds == 1 else f"{vehicle.id} · {number}"
    request = watch_request(asked, vehicle, flown.points, mark)
    return Tour(vehicle.id, number, flown.begins_s, flown.flight_s, flown.length_m, flown.points, request)
