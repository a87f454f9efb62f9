"""Plans for several vehicles at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fastapi import APIRouter

from api.intents import place_of
from api.schemas.fleets import FleetPlanIn, FleetPlanOut, ReassignIn, ReassignOut
from api.services import Services, Wired
from core.errors import NotFound
from core.ids import VehicleId
from missions.energy import AIRFRAMES
from missions.fleets.preview import FleetTask
from missions.fleets.request import FleetVehicle, parse_fleet_request
from missions.fleets.takeover import FlightRef, FlightState, TakeoverTask, parse_takeover, takeover
from missions.model import Outcome
from missions.sortie import is_flying

router = APIRouter(tags=["missions"])


@router.post("/fleet-plans")
async def preview_fleet_plan(asked: FleetPlanIn, services: Wired) -> FleetPlanOut:
    """Who flies what, in which order and when: missions ready to be posted one by one; nothing is stored."""
    request = parse_fleet_request(asked.told(), tuple(_fleet(services)))
    departs_at = request.departs_at or services.clock.now()
    task = FleetTask(request, await services.store.airspace_at(departs_at), departs_at, services.terrain)
    return FleetPlanOut.of(await services.planner.fleet(task), request)


@router.post("/fleet-plans/reassign")
async def reassign_fleet_plan(asked: ReassignIn, services: Wired) -> ReassignOut:
    """A vehicle dropped out: who takes over what it has left, by what sorties have reached; nothing is stored."""
    request = parse_takeover(asked.told())
    now = services.clock.now()
    known = {each.id: each for each in _fleet(services)}
    task = TakeoverTask(
        dropped=request.dropped,
        flights=tuple([await _state(services, flight, known) for flight in request.flights]),
        spares=tuple(_now(services, _known(known, vehicle_id)) for vehicle_id in request.spares),
        airspace=await services.store.airspace_at(now),
        at=now,
        terrain=services.terrain,
    )
    return ReassignOut.of(await services.planner.run(takeover, task))


async def _state(services: Services, flight: FlightRef, known: Mapping[VehicleId, FleetVehicle]) -> FlightState:
    """A flight as its sortie and the latest tick have it. Raises NotFound."""
    if flight.sortie_id is not None:
        sortie = await services.store.sortie(flight.sortie_id)
        revision = await services.store.revision(sortie.mission_id, sortie.revision)
        vehicle = _now(services, _known(known, sortie.vehicle_id))
        done = len(revision.plan.waypoints) if sortie.outcome is Outcome.COMPLETED else sortie.waypoints_reached
        place = place_of(services.hub.vehicle(vehicle.id)) if is_flying(sortie.state) else None
        return FlightState(vehicle, revision.request, revision.plan, done, place)
    assert flight.mission_id is not None
    assert flight.vehicle_id is not None
    mission = await services.store.mission(flight.mission_id)
    revision = await services.store.revision(flight.mission_id, flight.revision or mission.revision)
    return FlightState(_now(services, _known(known, flight.vehicle_id)), revision.request, revision.plan, 0)


def _known(known: Mapping[VehicleId, FleetVehicle], vehicle_id: VehicleId) -> FleetVehicle:
    if vehicle_id not in known:
        raise NotFound("vehicle", vehicle_id)
    return known[vehicle_id]


def _now(services: Services, vehicle: FleetVehicle) -> FleetVehicle:
    """The vehicle with what its battery holds; one of which nobody knows that can take nothing over."""
    told_pct = services.hub.vehicle(vehicle.id).battery_pct
    return replace(vehicle, charge=0.0 if told_pct is None else min(1.0, told_pct / 100.0))


def _fleet(services: Services) -> Iterator[FleetVehicle]:
    """The enrolled vehicles with the docks that they stand at."""
    for each in services.hub.vehicles():
        dock = None if each.dock_id is None else services.docks.get(each.dock_id)
        if dock is not None and each.airframe in AIRFRAMES:
            yield FleetVehicle(each.vehicle_id, dock, AIRFRAMES[each.airframe])
