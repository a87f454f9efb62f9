"""Plans for several vehicles at once."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter

from api.schemas.fleets import FleetPlanIn, FleetPlanOut
from api.services import Services, Wired
from core.ids import VehicleId
from missions.energy import AIRFRAMES
from missions.fleets.preview import FleetTask
from missions.fleets.request import FleetVehicle, parse_fleet_request

router = APIRouter(tags=["missions"])


@router.post("/fleet-plans")
async def preview_fleet_plan(asked: FleetPlanIn, services: Wired) -> FleetPlanOut:
    """Who flies what, in which order and when: missions ready to be posted one by one; nothing is stored."""
    request = parse_fleet_request(asked.told(), tuple(_fleet(services)))
    departs_at = request.departs_at or services.clock.now()
    task = FleetTask(request, await services.store.airspace_at(departs_at), departs_at, services.terrain)
    return FleetPlanOut.of(await services.planner.fleet(task), request)


def _fleet(services: Services) -> Iterator[FleetVehicle]:
    """The enrolled vehicles with the docks that they stand at."""
    for each in services.settings.vehicles:
        dock = next((dock for dock in services.docks.values() if dock.id == each.dock), None)
        if dock is not None:
            yield FleetVehicle(VehicleId(each.id), dock, AIRFRAMES[each.airframe])
