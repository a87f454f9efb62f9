"""A new sortie that goes on with what another one broke off: previewed, launched."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

from api.deconflict import judged
from api.intents import launch_intent
from api.launch import Launch, launch
from api.proofs import objections
from api.services import Principal, Services
from core.errors import FieldError, IllegalTransition, InvalidRequest, MissionConflict, NotFound
from core.ids import MissionId, VehicleId
from missions.diversion import Broken, rest_of
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Airframe, Mission, MissionRequest, Plan, Revision, Sortie
from missions.sortie import is_finished
from telemetry.messages import VehicleState


async def rest(services: Services, sortie: Sortie, vehicle: VehicleState) -> tuple[MissionRequest, Plan]:
    """What a broken-off sortie left to fly, planned from the vehicle's dock.

    Raises IllegalTransition while it still flies, and InvalidRequest when nothing was broken off.
    """
    if not is_finished(sortie.state):
        raise IllegalTransition("sortie", sortie.id, sortie.state, "continued")
    at = sortie.break_point
    if at is None or vehicle.dock_id is None:
        said = "broke nothing off: nothing is left of its mission" if at is None else "has no dock to start from"
        raise InvalidRequest((FieldError("/vehicle_id" if at else "", said),))
    own = await services.store.revision(sortie.mission_id, sortie.revision)
    airspace = await services.store.airspace_at(services.clock.now())
    dock = services.dock(vehicle.dock_id)
    airframe: Airframe = AIRFRAMES.get(vehicle.airframe, default_airframe())
    broken = Broken(own.plan, at.waypoint, at.place, at.mission_seq)
    plan = await services.planner.run(rest_of, broken, dock, airspace, airframe, services.conditions())
    name = f"{own.request.name} · {at.waypoint + 1}…"
    return replace(own.request, name=name, dock_id=dock.id, departs_at=None), plan


async def previewed(services: Services, sortie: Sortie, vehicle_id: VehicleId) -> Revision:
    """What `go_on` would launch now, conflicts with zones and with other flights included; nothing is stored.

    Raises as `rest` does.
    """
    request, plan = await rest(services, sortie, services.hub.vehicle(vehicle_id))
    made = Revision(sortie.mission_id, sortie.revision, request, plan, services.clock.now(), sortie.created_by)
    if plan.conflicts:
        return made
    traffic = await services.deconfliction.traffic(services.hub.vehicles())
    schedule = traffic.without(sortie.mission_id, vehicle_id)
    verdict = await asyncio.to_thread(judged, schedule, launch_intent(made, traffic.at), traffic.sorties)
    return replace(made, plan=replace(plan, conflicts=verdict.conflicts)) if verdict.blocking else made


async def go_on(services: Services, asker: Principal, sortie: Sortie, vehicle_id: VehicleId, key: str) -> Sortie:
    """A new sortie that flies what `sortie` left, from the exact point where it was broken off.

    Raises MissionConflict when it cannot be flown, and all that a launch raises.
    """
    vehicle = services.hub.vehicle(vehicle_id)
    request, plan = await rest(services, sortie, vehicle)
    if conflicts := objections(plan):
        raise MissionConflict(conflicts, plan.proposals)
    # Named after the key: a retry launches what the first call stored.
    mission_id = MissionId(f"mission-{hashlib.sha256(f'{sortie.id} {key}'.encode()).hexdigest()[:16]}")
    try:
        await services.store.mission(mission_id)
    except NotFound:
        now = services.clock.now()
        revision = Revision(mission_id, 1, request, plan, now, asker.operator_id)
        await services.store.add_mission(Mission(mission_id, request.name, 1, now, asker.operator_id), revision)
    return await launch(services, asker, Launch(mission_id, 1, vehicle_id), key, continues=sortie.id)
