"""Another plan in the air: planned from where a vehicle holds, previewed, executed by its gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from api.deconflict import judged
from api.proofs import objections
from api.services import Principal, Services
from core.errors import (
    DiversionFailed,
    GatewayUnavailable,
    IdempotencyKeyReused,
    IllegalTransition,
    LinkTimeout,
    MissionConflict,
    NotFound,
    VehicleOffline,
)
from core.geo import LatLon
from core.ids import DiversionId, MissionId, SortieId, VehicleId, new_id
from geofence.frame import LocalFrame
from geofence.zones import Airspace
from missions.diversion import Aloft, begins_here, changed, goto, orbit, replaced, skip_to
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.manoeuvre import Diversion, DiversionState
from missions.model import (
    CommandKind,
    MissionRequest,
    Plan,
    Revision,
    Sortie,
    SortieState,
    TrackPoint,
    Waypoint,
)
from missions.planner import Conditions
from missions.remainder import corners_within
from missions.volumes import Rank, intent_of
from telemetry.commands import ALLOWED_FROM
from telemetry.messages import CommandDone, LinkState, VehicleCommand, VehicleState, command_subject

# Longer than a gateway needs to hold, load 650 items over a bad link and put the former ones back.
EXECUTE_DEADLINE_S = 300.0
COMMAND_DEADLINE_S = 60.0
# What is being loaded for another call under the same key is looked at so often.
_ASK_AGAIN_S = 0.2
_UNDECIDED = (DiversionState.PLANNED, DiversionState.LOADING)
# A vehicle that was told to hold stands still within this time.
_STILL_MPS = 0.7
_STILL_WITHIN_S = 20.0
# SmartRTL notes a point every 2 m (SRTL_ACCURACY): a track is told to the planner as exactly.
_TRACK_WITHIN_M = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A diversion as somebody asks for it; `parameters` are checked by the schema of its kind."""

    kind: CommandKind
    parameters: dict[str, Any]

    def place(self, prefix: str = "") -> LatLon:
        return LatLon(float(self.parameters[f"{prefix}lat_deg"]), float(self.parameters[f"{prefix}lon_deg"]))

    def number(self, name: str) -> float | None:
        value = self.parameters.get(name)
        return None if value is None else float(value)


# --- planning ---


async def planned(
    services: Services, asker: Principal, sortie_id: SortieId, asked: Asked, key: str | None = None
) -> Diversion:
    """A stored preview from where the vehicle is, conflicts included; nothing is sent to it.

    Raises NotFound, IllegalTransition, VehicleOffline, InvalidRequest, Overloaded.
    """
    sortie = await services.store.sortie(sortie_id)
    made = await _made(services, sortie, asked)
    diversion = Diversion(
        DiversionId(new_id("diversion")),
        sortie.id,
        asked.kind,
        made.plan,
        services.clock.now(),
        asker.operator_id,
        parameters=asked.parameters,
        resumes_at=made.resumes_at,
        key=key,
    )
    await services.store.add_diversion(diversion)
    return diversion


async def at_once(
    services: Services, asker: Principal, sortie_id: SortieId, asked: Asked, key: str | None
) -> Diversion:
    """Holds, plans from there and flies it; asked again under its key, tells how that went.

    Raises what planning and executing raise; the vehicle then holds.
    """
    before = await _under(services, sortie_id, key)
    if before is not None and key is not None:
        if (before.kind, before.parameters) != (asked.kind, asked.parameters):
            raise IdempotencyKeyReused(key)
        return await execute(services, asker, sortie_id, before.id, key)
    await hold(services, asker, sortie_id)
    return await _sent(services, asker, await planned(services, asker, sortie_id, asked, key))


@dataclass(frozen=True, slots=True)
class _Made:
    plan: Plan
    resumes_at: int | None = None


async def _made(services: Services, sortie: Sortie, asked: Asked) -> _Made:
    if sortie.state not in ALLOWED_FROM[asked.kind] and sortie.state not in ALLOWED_FROM[CommandKind.GOTO]:
        raise IllegalTransition("sortie", sortie.id, sortie.state, str(SortieState.DIVERTED))
    vehicle = services.hub.vehicle(sortie.vehicle_id)
    own = await services.store.revision(sortie.mission_id, sortie.revision)
    now = services.clock.now()
    airspace, conditions = await services.store.airspace_at(now), services.conditions()
    aloft = await _aloft(services, sortie, own, vehicle)
    request = await _request(services, asked)
    resumes_at = _resumes_at(asked, sortie, aloft.plan is own.plan)
    job = _Job(aloft, own.plan, asked, request, resumes_at)
    plan = await services.planner.run(_plan, job, airspace, conditions)
    if not plan.conflicts:
        plan = await _apart(services, sortie, plan)
    return _Made(plan, resumes_at)


async def _aloft(services: Services, sortie: Sortie, own: Revision, vehicle: VehicleState) -> Aloft:
    """Where the vehicle is and what it flies. Raises VehicleOffline when that is not known."""
    if vehicle.link is not LinkState.LIVE or vehicle.lat_deg is None or vehicle.lon_deg is None:
        raise VehicleOffline(vehicle.vehicle_id, vehicle.last_heard_at)
    dock = services.dock(own.request.dock_id)
    plan = own.plan
    if sortie.diversion_id is not None:
        plan = (await services.store.diversion(sortie.diversion_id)).plan
    done = vehicle.progress.waypoints_reached if vehicle.progress else sortie.waypoints_reached
    track = await services.store.track(sortie.id) if _strayed(sortie) else None
    return Aloft(
        LatLon(vehicle.lat_deg, vehicle.lon_deg),
        vehicle.alt_rel_m or 0.0,
        vehicle.battery_pct or 0.0,
        plan,
        done,
        dock,
        AIRFRAMES.get(vehicle.airframe, default_airframe()),
        None if track is None else corners(track, dock.place),
    )


def _strayed(sortie: Sortie) -> bool:
    """Whether it flew other ways than its plan's: then SmartRTL remembers those."""
    others = (SortieState.HELD, SortieState.DIVERTED, SortieState.RETURNING, SortieState.LANDING)
    return any(step.to_state in others for step in sortie.transitions)


def corners(track: Sequence[TrackPoint], home: LatLon) -> tuple[Waypoint, ...]:
    """The corners of a recorded flight in the air, to the exactness of SmartRTL's memory; both ends left out."""
    flown = [point for point in track if point.alt_rel_m > 1.0]
    if len(flown) < 3:
        return ()
    frame = LocalFrame(home)
    xy = frame.to_xy([LatLon(point.lat_deg, point.lon_deg) for point in flown])
    path = np.column_stack((xy, [point.alt_rel_m for point in flown]))
    kept = path[corners_within(path, _TRACK_WITHIN_M)[1:-1]]
    places = frame.to_places(kept[:, :2])
    return tuple(Waypoint(place, float(alt_m)) for place, alt_m in zip(places, kept[:, 2], strict=True))


async def _request(services: Services, asked: Asked) -> MissionRequest | None:
    """The stored, approved request that replaces the mission; None for another kind. Raises NotFound."""
    if asked.kind is not CommandKind.REPLACE:
        return None
    mission_id = MissionId(str(asked.parameters["mission_id"]))
    number = asked.parameters.get("revision")
    newest = (await services.store.mission(mission_id)).revision
    return (await services.store.revision(mission_id, newest if number is None else int(number))).request


def _resumes_at(asked: Asked, sortie: Sortie, on_own: bool) -> int | None:
    """The waypoint of its own plan with which the sortie goes on; None: it does something else."""
    if asked.kind is CommandKind.SKIP:
        wanted = asked.parameters.get("waypoint")
        before = sortie.break_point.waypoint if sortie.break_point else sortie.waypoints_reached
        return before if wanted is None else int(wanted)
    changes = asked.kind in (CommandKind.CHANGE_ALTITUDE, CommandKind.CHANGE_SPEED)
    return sortie.waypoints_reached if changes and on_own else None


@dataclass(frozen=True, slots=True)
class _Job:
    """All that one plan in the air is made from; it goes to the planner's worker."""

    aloft: Aloft
    own: Plan
    asked: Asked
    request: MissionRequest | None
    resumes_at: int | None


def _plan(job: _Job, airspace: Airspace, conditions: Conditions) -> Plan:
    """Runs in the planner's worker."""
    aloft, asked = job.aloft, job.asked
    alt_m, speed_mps = asked.number("alt_rel_m"), asked.number("speed_mps")
    match asked.kind:
        case CommandKind.GOTO:
            looks = asked.parameters.get("look_lat_deg") is not None
            return goto(
                aloft,
                asked.place(),
                airspace,
                conditions,
                alt_rel_m=alt_m,
                look_at=asked.place("look_") if looks else None,
                look_alt_rel_m=asked.number("look_alt_rel_m") or 0.0,
                speed_mps=speed_mps,
                **_given(asked.parameters, "hold_s"),
            )
        case CommandKind.ORBIT:
            return orbit(
                aloft,
                asked.place(),
                airspace,
                conditions,
                alt_rel_m=alt_m,
                speed_mps=speed_mps,
                **_given(asked.parameters, "radius_m", "turns", "clockwise", "look_alt_rel_m"),
            )
        case CommandKind.SKIP:
            assert job.resumes_at is not None
            return skip_to(replace(aloft, plan=job.own), job.resumes_at, airspace, conditions)
        case CommandKind.CHANGE_ALTITUDE | CommandKind.CHANGE_SPEED:
            return changed(aloft, airspace, conditions, alt_rel_m=alt_m, speed_mps=speed_mps)
        case _:
            assert job.request is not None
            return replaced(aloft, job.request, airspace, conditions)


def _given(parameters: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: parameters[name] for name in names if parameters.get(name) is not None}


async def _apart(services: Services, sortie: Sortie, plan: Plan) -> Plan:
    """The plan, with a conflict for each flight of others that goes first and that it would meet."""
    traffic = await services.deconfliction.traffic(services.hub.vehicles())
    schedule = traffic.without(sortie.mission_id, sortie.vehicle_id)
    rank = Rank(airborne=True, emergency=False, accepted_at=traffic.at)
    intent = intent_of(plan, traffic.at, id=str(sortie.id), name=sortie.mission_name, rank=rank)
    verdict = await asyncio.to_thread(judged, schedule, intent, ())
    return replace(plan, conflicts=verdict.conflicts) if verdict.blocking else plan


# --- executing ---


async def hold(services: Services, asker: Principal, sortie_id: SortieId) -> None:
    """Makes the sortie's vehicle hold, until it stands still. Raises what the gateway raises, and LinkTimeout."""
    sortie = await services.store.sortie(sortie_id)
    if sortie.state not in ALLOWED_FROM[CommandKind.GOTO]:
        raise IllegalTransition("sortie", sortie.id, sortie.state, str(SortieState.DIVERTED))
    if sortie.state is not SortieState.PAUSED:
        await commanded(services, asker, sortie.vehicle_id, CommandKind.HOLD, {})
    try:
        async with asyncio.timeout(_STILL_WITHIN_S):
            while not _is_still(services.hub.vehicle(sortie.vehicle_id)):  # noqa: ASYNC110 - the hub has no event
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise LinkTimeout(sortie.vehicle_id, "standing still after a hold", 1) from error


def _is_still(vehicle: VehicleState) -> bool:
    moving = max(vehicle.ground_speed_mps or 0.0, abs(vehicle.climb_mps or 0.0))
    return vehicle.mode == "BRAKE" and moving < _STILL_MPS


async def execute(
    services: Services, asker: Principal, sortie_id: SortieId, diversion_id: DiversionId, key: str | None = None
) -> Diversion:
    """The vehicle flying a previewed diversion, planned anew when it does not hold where the preview begins.

    Asked again under the same key, it tells how that went and sends nothing. Raises MissionConflict when it is not
    possible any more: the vehicle then holds and nothing was loaded. Raises IdempotencyKeyReused.
    """
    diversion = await one(services, sortie_id, diversion_id)
    if diversion.state is not DiversionState.PLANNED:
        if key is None or diversion.key != key:
            raise IllegalTransition("diversion", diversion.id, diversion.state, str(DiversionState.FLYING))
        return await _outcome(services, diversion.id)
    if key is not None and diversion.key != key:
        if await _under(services, sortie_id, key) is not None:
            raise IdempotencyKeyReused(key)
        diversion = replace(diversion, key=key, row_revision=diversion.row_revision + 1)
        await services.store.save_diversion(diversion)
    await hold(services, asker, sortie_id)
    sortie = await services.store.sortie(sortie_id)
    if not _begins_here(diversion.plan, services.hub.vehicle(sortie.vehicle_id)):
        made = await _made(services, sortie, Asked(diversion.kind, diversion.parameters))
        again = diversion.row_revision + 1
        diversion = replace(diversion, plan=made.plan, resumes_at=made.resumes_at, row_revision=again)
        await services.store.save_diversion(diversion)
    return await _sent(services, asker, diversion)


async def _under(services: Services, sortie_id: SortieId, key: str | None) -> Diversion | None:
    """The sortie's diversion that was asked for under `key`."""
    if key is None:
        return None
    found = (each for each in await services.store.diversions(sortie_id) if each.key == key)
    return next(found, None)


def _begins_here(plan: Plan, vehicle: VehicleState) -> bool:
    if vehicle.lat_deg is None or vehicle.lon_deg is None or vehicle.alt_rel_m is None:
        return False
    return begins_here(plan, LatLon(vehicle.lat_deg, vehicle.lon_deg), vehicle.alt_rel_m)


async def _sent(services: Services, asker: Principal, diversion: Diversion) -> Diversion:
    """Has the gateway fly it. Raises MissionConflict for one that may not, and what the gateway raises."""
    if conflicts := objections(diversion.plan):
        raise MissionConflict(conflicts, diversion.plan.proposals)
    sortie = await services.store.sortie(diversion.sortie_id)
    parameters = {"diversion_id": str(diversion.id)}
    done = await commanded(
        services,
        asker,
        sortie.vehicle_id,
        diversion.kind,
        parameters,
        key=diversion.key,
        deadline_s=EXECUTE_DEADLINE_S,
    )
    match done.record.state:
        case "issued":  # asked for under the same key a moment before, and still being loaded
            return await _outcome(services, diversion.id)
        case "failed":  # a former attempt under this key, which the journal answers for
            raise DiversionFailed(sortie.vehicle_id, diversion.kind, done.record.result)
    return await services.store.diversion(diversion.id)


async def _outcome(services: Services, diversion_id: DiversionId) -> Diversion:
    """The diversion once it flies, or did. Raises DiversionFailed for one that failed, LinkTimeout."""
    diversion = await services.store.diversion(diversion_id)
    vehicle_id = (await services.store.sortie(diversion.sortie_id)).vehicle_id
    try:
        async with asyncio.timeout(EXECUTE_DEADLINE_S):
            while diversion.state in _UNDECIDED:  # another process may be the one that has it flown
                await asyncio.sleep(_ASK_AGAIN_S)
                diversion = await services.store.diversion(diversion_id)
    except TimeoutError as error:
        raise LinkTimeout(vehicle_id, f"the {diversion.kind} that is being loaded", 1) from error
    if diversion.state is DiversionState.FAILED:
        raise DiversionFailed(vehicle_id, diversion.kind, diversion.result)
    return diversion


async def one(services: Services, sortie_id: SortieId, diversion_id: DiversionId) -> Diversion:
    """A diversion of this sortie. Raises NotFound."""
    diversion = await services.store.diversion(diversion_id)
    if diversion.sortie_id != sortie_id:
        raise NotFound("diversion", diversion_id)
    return diversion


async def commanded(
    services: Services,
    asker: Principal,
    vehicle_id: VehicleId,
    kind: CommandKind,
    parameters: dict[str, Any],
    *,
    key: str | None = None,
    deadline_s: float = COMMAND_DEADLINE_S,
) -> CommandDone:
    """Has the vehicle's gateway carry a command out. Raises GatewayUnavailable, and what the gateway raises."""
    subject = command_subject(vehicle_id)
    command = VehicleCommand(vehicle_id, kind, asker.operator_id, key, parameters)
    try:
        async with asyncio.timeout(deadline_s):
            return await services.bus.request(subject, command, CommandDone)
    except TimeoutError as error:
        raise GatewayUnavailable(subject) from error
