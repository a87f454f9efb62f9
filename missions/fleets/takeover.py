"""A vehicle drops out while a fleet flies: what it had still to look at goes to the others, as missions to post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import Conflict, FieldError, InvalidRequest
from core.geo import LatLon, ground_distance_m
from core.ids import MissionId, SortieId, VehicleId
from core.members import Problems, below, read_array, read_object, read_text
from geofence.terrain import Terrain
from geofence.zones import Airspace
from missions.fleets.air import Air, FleetTask, air_of
from missions.fleets.model import Craft, Objective, Point
from missions.fleets.patrol import MOST_CRAFTS, MOST_POINTS
from missions.fleets.reassign import Flying, reassigned
from missions.fleets.request import FleetVehicle, PatrolRequest
from missions.fleets.tours import Known, Tour, planned, watch_request
from missions.model import MissionRequest, Pattern, Plan
from missions.request import LONGEST_ID

# A waypoint of a plan is a point of its request when it is no farther off: places are rounded to a centimetre.
_SAME_M = 0.1


@dataclass(frozen=True, slots=True)
class FlightRef:
    """A flight of a running plan: its sortie, or a mission that a vehicle has yet to fly; `revision` None: newest."""

    sortie_id: SortieId | None = None
    mission_id: MissionId | None = None
    vehicle_id: VehicleId | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class TakeoverRequest:
    """The vehicle that dropped out, the flights of the plan, and vehicles that stand ready beside them."""

    dropped: VehicleId
    flights: tuple[FlightRef, ...]
    spares: tuple[VehicleId, ...]


@dataclass(frozen=True, slots=True)
class FlightState:
    """A flight as it stands. `reached`: so many waypoints of its plan are behind it.

    `place` None: it stands at its dock. `vehicle.charge` is what its battery holds now.
    """

    vehicle: FleetVehicle
    request: MissionRequest
    plan: Plan
    reached: int
    place: LatLon | None = None


@dataclass(frozen=True, slots=True)
class TakeoverTask:
    """All flights, that of the dropped vehicle among them, and the airspace at the time."""

    dropped: VehicleId
    flights: tuple[FlightState, ...]
    spares: tuple[FleetVehicle, ...]
    airspace: Airspace
    at: datetime
    terrain: Terrain | None = None


@dataclass(frozen=True, slots=True)
class NewTour:
    """What a vehicle flies from now on: first what it flew to anyway, in its order, `taken` being new to it."""

    vehicle_id: VehicleId
    points: tuple[LatLon, ...]
    taken: tuple[LatLon, ...]
    request: MissionRequest
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A point that nobody can take over, and why."""

    place: LatLon
    reason: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """New tours of those whose tour changes, `unchanged` of the others, points that are lost, and metres added."""

    tours: tuple[NewTour, ...]
    unchanged: tuple[VehicleId, ...]
    lost: tuple[Lost, ...]
    added_m: float


def parse_takeover(body: object) -> TakeoverRequest:
    """Reads who dropped out and the flights by id. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    sent = read_object(body, "", problems, known=("dropped", "flights", "spares"), required=("dropped", "flights"))
    dropped = read_text(sent.get("dropped", "-"), "/dropped", problems, longest=LONGEST_ID) or ""
    asked = read_array(sent.get("flights", []), "/flights", problems, longest=MOST_CRAFTS)
    flights = tuple(_read_flight(value, below("/flights", index), problems) for index, value in enumerate(asked))
    if not asked:
        problems.add("/flights", "must name the flights of the plan")
    spares = read_array(sent.get("spares") or [], "/spares", problems, longest=MOST_CRAFTS)
    names = [
        read_text(value, below("/spares", index), problems, longest=LONGEST_ID) for index, value in enumerate(spares)
    ]
    problems.raise_any()
    return TakeoverRequest(VehicleId(dropped), flights, tuple(VehicleId(name) for name in names if name))


def _read_flight(value: object, pointer: str, problems: Problems) -> FlightRef:
    told = read_object(value, pointer, problems, known=("sortie_id", "mission_id", "revision", "vehicle_id"))
    texts = {
        name: read_text(told[name], below(pointer, name), problems, longest=LONGEST_ID)
        for name in ("sortie_id", "mission_id", "vehicle_id")
        if told.get(name) is not None
    }
    if "sortie_id" in texts:
        return FlightRef(sortie_id=SortieId(texts["sortie_id"] or ""))
    if not {"mission_id", "vehicle_id"} <= texts.keys():
        problems.add(pointer, "must tell a sortie_id, or a mission_id with its vehicle_id")
    revision = told.get("revision")
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int) or revision < 1):
        problems.add(below(pointer, "revision"), "must be a whole number from 1 on")
        revision = None
    return FlightRef(
        mission_id=MissionId(texts.get("mission_id") or ""),
        vehicle_id=VehicleId(texts.get("vehicle_id") or ""),
        revision=revision if isinstance(revision, int) else None,
    )


def takeover(task: TakeoverTask) -> Takeover:
    """Who looks at what the dropped vehicle has left; nobody's order changes and nobody turns away from its next.

    Raises InvalidRequest where the flights are no plan of one kind: points watched at one height and speed.
    """
    _check(task)
    staying = [flight for flight in task.flights if flight.vehicle.id != task.dropped]
    vehicles = (*(flight.vehicle for flight in staying), *task.spares)
    if not vehicles:
        raise InvalidRequest((FieldError("/spares", "no vehicle is left that could take over"),))
    left = [remaining(flight) for flight in task.flights]
    places = tuple(dict.fromkeys(place for some in left for place in some))
    asked = _as_patrol(task, vehicles, places)
    air = air_of(FleetTask(asked, task.airspace, task.at, task.terrain))
    number = {place: index for index, place in enumerate(places)}
    kept = [tuple(number[place] for place in remaining(flight)) for flight in staying]
    flying = [_flying(flight, air, craft, own) for flight, craft, own in zip(staying, air.crafts, kept, strict=False)]
    flying += [Flying(craft, craft.home, (), craft.limit_s) for craft in air.crafts[len(staying) :]]
    gone = zip(task.flights, left, strict=True)
    orphans = [number[place] for flight, some in gone if flight.vehicle.id == task.dropped for place in some]
    points = [Point((x, y), asked.hold_s) for x, y in air.frame.to_xy(places).tolist()] if places else []
    found = reassigned(orphans, flying, points, air.free)
    changed = [
        (vehicle, before.points, after)
        for vehicle, before, after in zip(vehicles, flying, found.points, strict=True)
        if after != before.points
    ]
    return Takeover(
        tours=tuple(_new_tours(task, asked, changed)),
        unchanged=tuple(vehicle.id for vehicle in vehicles if all(vehicle is not other for other, _, _ in changed)),
        lost=tuple(Lost(places[each.point], each.reason) for each in found.dropped),
        added_m=found.added_m,
    )


def remaining(flight: FlightState) -> tuple[LatLon, ...]:
    """The points that a flight has still to look at, each once, in the order of its plan."""
    found: dict[LatLon, None] = {}
    for step in flight.plan.waypoints[flight.reached :]:
        near = min(flight.request.points, key=lambda place: ground_distance_m(place, step.place))
        if ground_distance_m(near, step.place) < _SAME_M:
            found.setdefault(near)
    return tuple(found)


def _check(task: TakeoverTask) -> None:
    problems = Problems()
    first = task.flights[0].request
    for index, flight in enumerate(task.flights):
        at, request = below("/flights", index), flight.request
        if request.pattern is not Pattern.WATCH:
            problems.add(at, f"is a {request.pattern}; only the points of a watch can be handed over")
        elif (request.alt_m, request.alt_datum, request.speed_mps) != (first.alt_m, first.alt_datum, first.speed_mps):
            problems.add(at, "flies at another height or speed than the first: it is of another plan")
    staying = [flight.vehicle.id for flight in task.flights if flight.vehicle.id != task.dropped]
    if len(staying) == len(task.flights):
        problems.add("/dropped", f"{task.dropped} flies none of the flights")
    names = [*staying, *(each.id for each in task.spares)]
    if task.dropped in names or len(set(names)) < len(names):
        problems.add("/spares", "a vehicle can take part once only, and not when it dropped out")
    if sum(len(flight.request.points) for flight in task.flights) > MOST_POINTS:
        problems.add("/flights", f"have more than {MOST_POINTS} points")
    problems.raise_any()


def _as_patrol(task: TakeoverTask, vehicles: tuple[FleetVehicle, ...], places: tuple[LatLon, ...]) -> PatrolRequest:
    dropped = next(flight.request for flight in task.flights if flight.vehicle.id == task.dropped)
    return PatrolRequest(
        name=dropped.name,
        vehicles=vehicles,
        alt_m=dropped.alt_m,
        alt_datum=dropped.alt_datum,
        speed_mps=dropped.speed_mps,
        rounds=1,
        swap_s=0.0,
        longest_s=None,
        seconds=1.0,
        points=places,
        weights=(1.0,) * len(places),
        hold_s=float(dropped.parameters.get("hold_s", 0.0)),
        objective=Objective.TOTAL,
    )


def _flying(flight: FlightState, air: Air, craft: Craft, points: tuple[int, ...]) -> Flying:
    at = craft.home if flight.place is None else air.frame.to_xy([flight.place])[0].tolist()
    return Flying(craft, (at[0], at[1]), points, craft.limit_s)


def _new_tours(
    task: TakeoverTask,
    asked: PatrolRequest,
    changed: Sequence[tuple[FleetVehicle, tuple[int, ...], tuple[int, ...]]],
) -> list[NewTour]:
    """The tours that changed, each planned as a mission, so that what speaks against it is known."""
    tours = [
        Tour(vehicle.id, 1, 0.0, 0.0, 0.0, after, watch_request(asked, vehicle, after, str(vehicle.id)))
        for vehicle, _, after in changed
    ]
    fleet = FleetTask(asked, task.airspace, task.at, task.terrain)
    return [
        NewTour(
            vehicle_id=tour.vehicle_id,
            points=tuple(asked.points[point] for point in after),
            taken=tuple(asked.points[point] for point in after if point not in before),
            request=tour.request,
            conflicts=tour.conflicts,
        )
        for tour, (_, before, after) in zip(planned(tours, fleet, None, Known()), changed, strict=True)
    ]
