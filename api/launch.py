"""Launching: what is known at once is refused at once; what the gateway refuses ends the sortie with the reason."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, replace

import msgspec

from api.deconflict import judged
from api.intents import launch_intent
from api.proofs import proven_now
from api.proposing import Asked, proposals_for
from api.services import Principal, Services
from api.tracing import traced
from core.errors import (
    BailuError,
    GatewayUnavailable,
    MissionConflict,
    NotFound,
    PreflightCheck,
    PreflightFailed,
    StaleRevision,
    VehicleBusy,
    VehicleOffline,
)
from core.geo import LatLon, ground_distance_m
from core.ids import MissionId, SortieId, VehicleId, new_id
from missions.model import Outcome, Revision, Sortie, SortieState
from missions.prove import summary_of
from missions.sortie import advance, approve
from telemetry.commands import problem_of
from telemetry.messages import (
    SORTIE_CHANGED,
    LaunchAccepted,
    LaunchRequest,
    LinkState,
    SortieChanged,
    VehicleState,
    launch_subject,
)
from telemetry.preflight import HOME_TOLERANCE_M

log = logging.getLogger(__name__)

# How long a gateway may take to take a sortie over; the flight itself goes on after it.
ACCEPT_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Launch:
    """What was asked: fly this revision with this vehicle."""

    mission_id: MissionId
    revision: int
    vehicle_id: VehicleId

    @property
    def digest(self) -> str:
        """SHA-256 of the request, to tell a retry from another request under the same key."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


@traced("launch")
async def launch(
    services: Services, asker: Principal, asked: Launch, idempotency_key: str, *, continues: SortieId | None = None
) -> Sortie:
    """Stores a sortie and has the vehicle's gateway take it over; a retry gets the sortie of the first call.

    Raises NotFound, VehicleOffline, VehicleBusy, PreflightFailed, MissionConflict, Overloaded and
    IdempotencyKeyReused with nothing stored, and GatewayUnavailable or what the gateway raised with the sortie closed
    as refused; also MissionConflict, when another process stored a flight through the same air a moment before.
    """
    revision = await services.store.revision(asked.mission_id, asked.revision)
    vehicle = services.hub.vehicle(asked.vehicle_id)
    before = await services.store.sortie_for_key(idempotency_key, asked.digest)
    if before:
        return before
    refuse_unfit(vehicle, revision)
    proof = await proven_now(services, vehicle, revision)
    planned = replace(await _new_sortie(services, asker, revision, vehicle.vehicle_id), continues=continues)
    sortie = approve(planned, summary_of(proof), at=services.clock.now(), by=asker.operator_id)
    stored = await _stored(services, asked, revision, sortie, idempotency_key)
    return stored if stored.id != sortie.id else await _hand_over(services, stored)


async def _stored(services: Services, asked: Launch, revision: Revision, sortie: Sortie, key: str) -> Sortie:
    """The sortie in the store if the air is free, or the one that the same key made. Raises MissionConflict.

    Two launches at once: in one process the lock lets the second one see the first. Of two processes the one that
    stored first goes on, and the other one, which looks again, sees it.
    """
    async with services.deconfliction.deciding():
        traffic = await services.deconfliction.traffic(services.hub.vehicles())
        schedule = traffic.without(asked.mission_id, asked.vehicle_id)
        intent = launch_intent(revision, traffic.at)
        verdict = await asyncio.to_thread(judged, schedule, intent, traffic.sorties)
        if not verdict.blocking:
            stored = await services.store.add_sortie(sortie, idempotency_key=key, request_digest=asked.digest)
            if stored.id != sortie.id:
                return stored
            again = await services.deconfliction.stored_before(stored, verdict, traffic)
            if not again.blocking:
                return stored
            return await _refused(services, stored, MissionConflict(again.conflicts))
    others = tuple(each for each in services.hub.vehicles() if each.ready and each.battery_pct is not None)
    proposed = await proposals_for(services, Asked(revision.request, intent, schedule, others))
    raise MissionConflict(verdict.conflicts, proposed)


def refuse_unfit(vehicle: VehicleState, revision: Revision) -> None:
    """Raises what the latest tick already says against flying `revision` with `vehicle`."""
    if vehicle.link is not LinkState.LIVE:
        raise VehicleOffline(vehicle.vehicle_id, vehicle.last_heard_at)
    if vehicle.sortie_id is not None:
        raise VehicleBusy(vehicle.vehicle_id, f"flying sortie {vehicle.sortie_id}")
    if vehicle.armed:
        raise VehicleBusy(vehicle.vehicle_id, f"armed in mode {vehicle.mode}")
    checks = (_battery_check(vehicle, revision), _dock_check(vehicle, revision))
    if not all(check.ok for check in checks):
        raise PreflightFailed(vehicle.vehicle_id, checks)


def _battery_check(vehicle: VehicleState, revision: Revision) -> PreflightCheck:
    needed = revision.plan.battery_to_start_pct
    if vehicle.battery_pct is None:
        return PreflightCheck("battery", False, "the battery level is not known")
    said = f"the battery is at {vehicle.battery_pct:.0f} %, the plan with its reserve needs {needed:.0f} %"
    return PreflightCheck("battery", vehicle.battery_pct >= needed, said)


def _dock_check(vehicle: VehicleState, revision: Revision) -> PreflightCheck:
    """The plan's proof starts at its home; flown from anywhere else it proves nothing."""
    if vehicle.dock_id != revision.request.dock_id:
        said = f"the mission starts at {revision.request.dock_id}, the vehicle stands at {vehicle.dock_id}"
        return PreflightCheck("dock", False, said)
    if vehicle.lat_deg is None or vehicle.lon_deg is None:
        return PreflightCheck("dock", False, "the vehicle's position is not known")
    away_m = ground_distance_m(revision.plan.home, LatLon(vehicle.lat_deg, vehicle.lon_deg))
    return PreflightCheck("dock", away_m <= HOME_TOLERANCE_M, f"the vehicle is {away_m:.0f} m from the plan's home")


async def _new_sortie(services: Services, asker: Principal, revision: Revision, vehicle_id: VehicleId) -> Sortie:
    mission = await services.store.mission(revision.mission_id)
    return Sortie(
        id=SortieId(new_id("sortie")),
        mission_id=mission.id,
        revision=revision.revision,
        mission_name=revision.request.name,
        vehicle_id=vehicle_id,
        state=SortieState.PLANNED,
        created_at=services.clock.now(),
        created_by=asker.operator_id,
        waypoints_total=len(revision.plan.waypoints),
        mission_hash=revision.plan.hash,
        fence_hash=revision.plan.fence_hash,
        rally_hash=revision.plan.rally_hash,
    )


def _tell(services: Services, sortie: Sortie) -> None:
    """To our own viewers at once, to those of other processes over the bus."""
    services.hub.sortie_changed(sortie)
    services.bus.publish(SORTIE_CHANGED, SortieChanged(sortie))


async def _hand_over(services: Services, sortie: Sortie) -> Sortie:
    """Asks the gateway to take the sortie; closes it with the reason when it will not."""
    _tell(services, sortie)
    subject = launch_subject(sortie.vehicle_id)
    request = LaunchRequest(sortie.id, sortie.mission_id, sortie.revision)
    try:
        async with asyncio.timeout(ACCEPT_DEADLINE_S):
            accepted = await services.bus.request(subject, request, LaunchAccepted)
    except TimeoutError:
        return await _refused(services, sortie, GatewayUnavailable(subject))
    except BailuError as error:
        return await _refused(services, sortie, error)
    return accepted.sortie


async def _refused(services: Services, sortie: Sortie, error: BailuError) -> Sortie:
    """Closes `sortie` with `error` and raises it, unless the gateway took the sortie after all.

    The row's revision decides: whoever saves first goes on, the other one finds it stale.
    """
    closed = advance(
        sortie,
        SortieState.REFUSED,
        at=services.clock.now(),
        by="api",
        why=error.detail,
        outcome=Outcome.REFUSED,
        problem=problem_of(error),
    )
    try:
        await services.store.save_sortie(closed)
    except StaleRevision:
        log.info("sortie %s went on without its launch being acknowledged in time", sortie.id)
        return await services.store.sortie(sortie.id)
    _tell(services, closed)
    raise error


async def close_orphans(services: Services) -> int:
    """Refuses the sorties that a former process stored but never handed over; gives their number."""
    closed = 0
    for sortie in await services.store.sorties(limit=1_000, unfinished_only=True):
        age_s = (services.clock.now() - sortie.created_at).total_seconds()
        if sortie.state in (SortieState.PLANNED, SortieState.APPROVED) and age_s > 2 * ACCEPT_DEADLINE_S:
            try:
                await _refused(services, sortie, GatewayUnavailable(launch_subject(sortie.vehicle_id)))
            except (GatewayUnavailable, NotFound):
                closed += 1
    return closed
