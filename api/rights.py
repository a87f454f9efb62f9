"""Whose vehicles a request may know of. Who may know of some units only is refused whatever is not named here."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from api.replays import Session
from api.services import Principal, Services, principal_in, services_on
from core.errors import NotAllowed, NotFound
from core.ids import SortieId, VehicleId

# What tells of no vehicle.
OPEN = frozenset({
    "me", "health", "ready", "description", "district", "list_patterns", "list_templates",
    "list_zones", "one_zone", "list_zone_kinds", "airspace_in_force", "list_airspace_versions",
    "one_airspace_version", "airspace_changes",
})  # fmt: skip
# These leave out themselves what the asker may not know.
NARROWED = frozenset({
    "stream", "list_vehicles", "list_sorties", "list_alarms", "acknowledge_alarm", "list_links", "list_enrollments",
    "traffic_conflicts", "list_docks", "start_replay", "one_replay", "change_replay", "end_replay",
})  # fmt: skip
# These are about the vehicle or the sortie in their path, and about no other one.
BY_PATH = frozenset({
    "one_vehicle", "list_commands", "send_command", "safety_profile", "apply_safety_profile", "vehicle_logs",
    "vehicle_track", "one_enrollment", "one_sortie", "sortie_track", "sortie_tlog", "hold_record", "release_record",
})  # fmt: skip


async def within_rights(connection: HTTPConnection) -> None:
    """Raises NotFound for another unit's vehicle or sortie, as for none, and NotAllowed for what is for all units.

    Plans, launches and manoeuvres are: what they are refused for names other flights.
    """
    app = connection.app
    assert isinstance(app, FastAPI)
    services = services_on(app)
    asker, name = principal_in(services), connection.scope["route"].name
    if asker.units is None or name in OPEN or name in NARROWED:
        return
    if name not in BY_PATH:
        raise NotAllowed(asker.operator_id, "do what concerns vehicles of other units as well")
    path = connection.path_params
    if "sortie_id" in path:
        await own_sortie(services, asker, SortieId(path["sortie_id"]))
    else:
        _own_vehicle(services, asker, VehicleId(path["vehicle_id"]), "vehicle", path["vehicle_id"])


async def own_sortie(services: Services, asker: Principal, sortie_id: SortieId) -> None:
    """Raises NotFound when there is none, or it is not for the asker to know."""
    sortie = await services.store.sortie(sortie_id)
    _own_vehicle(services, asker, sortie.vehicle_id, "sortie", sortie_id)


async def own_replay(services: Services, asker: Principal, session: Session) -> None:
    """Raises NotFound, as for none, when it plays a sortie that is not for the asker to know.

    One of the whole fleet is everybody's: its stream leaves out what a viewer may not know.
    """
    sortie_id = session.replay.reel.sortie_id
    if sortie_id is None or asker.units is None:
        return
    try:
        await own_sortie(services, asker, sortie_id)
    except NotFound:
        raise NotFound("replay", session.id) from None  # the sortie's name is not theirs to know


def _own_vehicle(services: Services, asker: Principal, vehicle_id: VehicleId, kind: str, name: str) -> None:
    if not asker.may_know(services.hub.unit(vehicle_id)):
        raise NotFound(kind, name)
