"""What a fleet request becomes: tours with their missions, what nobody flies, and what it takes of each vehicle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from core.errors import Conflict, InvalidRequest
from core.geo import LatLon
from core.ids import VehicleId
from missions.fleets.air import FleetTask
from missions.fleets.request import FleetVehicle, PatrolRequest, RecurrentRequest
from missions.model import MissionRequest, Pattern, Plan
from missions.planner import Conditions
from missions.planner import plan as make_plan
from missions.request import LONGEST_NAME

# Planning a mission takes about so long at worst; with less left it is not begun.
_PLANNING_S = 1.0


@dataclass(frozen=True, slots=True)
class Tour:
    """One flight: `request` is the mission that flies it, `begins_s` when, after the first take-off of all.

    `flight_s` and `length_m` are those of level ways around zones. `plan`: the mission planned and proved, which may
    be shorter; None where there was no time for it, or where it cannot be planned, as `conflicts` then say.
    """

    vehicle_id: VehicleId
    number: int
    begins_s: float
    flight_s: float
    length_m: float
    points: tuple[int, ...]
    request: MissionRequest
    plan: Plan | None = None
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Unvisited:
    """A point that no tour has, and why."""

    point: int
    place: LatLon
    reason: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Stretches of an area's path that no tour has, as GeoJSON, and why."""

    length_m: float
    reason: str
    geometry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grounded:
    """A vehicle that gets no tour, because of what spoke against those that it had."""

    vehicle_id: VehicleId
    conflict: Conflict


@dataclass(frozen=True, slots=True)
class PointWatch:
    """How often a point is seen, and the longest and mean time that it is not; `period_s`: what was wanted."""

    point: int
    visits: int
    worst_s: float
    mean_s: float
    period_s: float | None

    @property
    def kept(self) -> bool:
        """Whether it is seen as often as was wanted."""
        return self.period_s is None or self.worst_s <= self.period_s


@dataclass(frozen=True, slots=True)
class FleetPreview:
    """What a fleet request becomes in one version of the airspace. `exact`: every length is that of a free way.

    `watched` and `horizon_s`: of a recurrent task only.
    """

    tours: tuple[Tour, ...]
    unvisited: tuple[Unvisited, ...]
    total_m: float
    period_s: float
    exact: bool
    airspace_version: int
    uncovered: tuple[Uncovered, ...] = ()
    watched: tuple[PointWatch, ...] = ()
    grounded: tuple[Grounded, ...] = ()
    horizon_s: float | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """What a fleet plan asks of one vehicle: flights, seconds in the air, when it has landed for the last time.

    `energy_wh` and `battery_p95_pct`, of its dearest flight with the reserve, are None unless all of its tours are
    planned.
    """

    vehicle_id: VehicleId
    flights: int
    flight_s: float
    ends_s: float
    length_m: float
    energy_wh: float | None
    battery_p95_pct: float | None


def workloads(tours: Sequence[Tour], vehicles: Sequence[FleetVehicle]) -> Iterator[Workload]:
    """One for each vehicle, also for those that do not fly."""
    for vehicle in vehicles:
        own = [tour for tour in tours if tour.vehicle_id == vehicle.id]
        plans = [tour.plan for tour in own if tour.plan is not None]
        known = len(plans) == len(own)
        yield Workload(
            vehicle_id=vehicle.id,
            flights=len(own),
            flight_s=sum(tour.plan.duration_s if tour.plan else tour.flight_s for tour in own),
            ends_s=max((tour.begins_s + tour.flight_s for tour in own), default=0.0),
            length_m=sum(tour.plan.length_m if tour.plan else tour.length_m for tour in own),
            energy_wh=sum(plan.energy_wh for plan in plans) if known else None,
            battery_p95_pct=max((plan.battery_p95_pct for plan in plans), default=0.0) if known else None,
        )


def watch_request(
    asked: PatrolRequest | RecurrentRequest, vehicle: FleetVehicle, points: tuple[int, ...], mark: str
) -> MissionRequest:
    """The mission that looks at points, by number, in their order; as many times over as they are repeated."""
    laps = max(1, len(points) // max(1, len(dict.fromkeys(points))))
    once = points[: len(points) // laps]
    return MissionRequest(
        name=marked(asked.name, mark),
        dock_id=vehicle.dock.id,
        pattern=Pattern.WATCH,
        alt_m=asked.alt_m,
        alt_datum=asked.alt_datum,
        speed_mps=asked.speed_mps,
        points=tuple(asked.points[point] for point in once),
        parameters={"hold_s": asked.hold_s, "photo": True, "rounds": float(laps), "tour": "as-drawn"},
    )


def marked(name: str, mark: str) -> str:
    """The name of a fleet's task with what tells its tours apart."""
    suffix = f" · {mark}"
    return name[: LONGEST_NAME - len(suffix)] + suffix


class Known:
    """The missions planned so far: a schedule flies the same one again and again."""

    def __init__(self) -> None:
        self._found: dict[tuple[VehicleId, tuple[LatLon, ...], int], Tour] = {}

    def same(self, tour: Tour) -> Tour | None:
        return self._found.get(self._key(tour))

    def keep(self, tour: Tour) -> Tour:
        self._found[self._key(tour)] = tour
        return tour

    @staticmethod
    def _key(tour: Tour) -> tuple[VehicleId, tuple[LatLon, ...], int]:
        return tour.vehicle_id, (*tour.request.line, *tour.request.points), len(tour.points)


def planned(
    tours: Sequence[Tour], task: FleetTask, left_s: Callable[[], float] | None, known: Known
) -> tuple[Tour, ...]:
    """The tours planned and proved as missions, the first first, so far as time is left; equal ones once."""
    vehicles = {vehicle.id: vehicle for vehicle in task.request.vehicles}
    found = []
    for tour in tours:
        same = known.same(tour)
        if same is None and (left_s is None or left_s() > _PLANNING_S):
            same = known.keep(_planned(tour, vehicles[tour.vehicle_id], task))
        found.append(replace(tour, plan=same.plan, conflicts=same.conflicts) if same else tour)
    return tuple(found)


def _planned(tour: Tour, vehicle: FleetVehicle, task: FleetTask) -> Tour:
    departs_at = task.departs_at + timedelta(seconds=tour.begins_s)
    conditions = Conditions(departs_at, terrain=task.terrain, quick=True)
    try:
        plan = make_plan(tour.request, vehicle.dock, task.airspace, vehicle.airframe, conditions)
    except InvalidRequest as wrong:
        conflicts = tuple(Conflict("cannot-be-planned", each.detail, each.pointer) for each in wrong.errors)
        return replace(tour, conflicts=conflicts)
    return replace(tour, plan=plan, conflicts=plan.conflicts)


def departing(tour: Tour, task: FleetTask) -> Tour:
    """The tour with the time of its departure in its mission, when the task tells that of the first."""
    if task.request.departs_at is None:
        return tour
    departs_at = task.departs_at + timedelta(seconds=tour.begins_s)
    return replace(tour, request=replace(tour.request, departs_at=departs_at))
