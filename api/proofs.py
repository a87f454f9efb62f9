"""The proof under which a vehicle may fly a plan now: the plan's own while it holds, else a new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from api.services import Services
from core.errors import Conflict, MissionConflict
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Plan, Proof, Revision
from missions.prove import conflicts_of, prove
from missions.task import HOLDS_FOR
from telemetry.messages import VehicleState


async def proven_now(services: Services, vehicle: VehicleState, revision: Revision) -> Proof:
    """Raises MissionConflict with what the proof found, and Overloaded when there is no time for a new one."""
    now, plan = services.clock.now(), revision.plan
    airspace = await services.store.airspace_at(now)
    airframe = AIRFRAMES.get(vehicle.airframe, default_airframe())
    lands_at = now + timedelta(seconds=max(plan.duration_s, plan.duration_p95_s))
    proof = plan.proof
    if proof is None or airframe.name != plan.airframe or not holds(proof, plan, airspace, TimeWindow(now, lands_at)):
        window = TimeWindow(now, lands_at + HOLDS_FOR)
        anew = partial(prove, window=window, terrain=services.conditions().terrain)
        proof = await services.planner.run(anew, replace(plan, departs_at=now), airspace, airframe)
    if not proof.valid:
        raise MissionConflict(conflicts_of(proof, airspace.zones))
    return proof


def holds(proof: Proof, plan: Plan, airspace: Airspace, window: TimeWindow) -> bool:
    """Whether it is valid and speaks of this plan, this airspace and all of this time."""
    same_plan = (proof.mission_hash, proof.fence_hash) == (plan.hash, plan.fence_hash)
    same_airspace = proof.airspace_version == airspace.version
    return (
        proof.valid
        and same_plan
        and same_airspace
        and proof.holds_from <= window.start
        and window.end <= proof.holds_until
    )


def objections(plan: Plan) -> tuple[Conflict, ...]:
    """What speaks against approving a plan: its conflicts, or that nothing proves it; () for one that may fly."""
    if plan.conflicts:
        return plan.conflicts
    if plan.proof is None:
        return (Conflict("not-proven", "The plan has no proof that it stays inside.", "/geometry"),)
    return conflicts_of(plan.proof)
