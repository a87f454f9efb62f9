"""The air of missions that tell when they depart: asked for at a preview, reserved when a mission is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from api.deconflict import Verdict, judged
from api.intents import latest_gone, mission_intent
from api.proposing import Asked, proposals_for
from api.services import Services
from core.errors import MissionConflict
from missions.deconflict import Schedule
from missions.model import Plan, Revision


async def refusal_of(services: Services, draft: Revision) -> MissionConflict | None:
    """Why a mission would be refused for other flights; None when it would not, or reserves nothing."""
    found = await _blocked(services, draft)
    return await _told(services, draft, *found) if found else None


async def reserve(services: Services, revision: Revision, store: Callable[[], Awaitable[object]]) -> None:
    """Stores a revision by `store` if nobody has the air that it takes. Raises MissionConflict, nothing stored."""
    if not _reserves(services, revision):
        await store()
        return
    async with services.deconfliction.deciding():
        found = await _blocked(services, revision)
        if not found:
            await store()
            return
    raise await _told(services, revision, *found)


def withheld(plan: Plan, refusal: MissionConflict) -> Plan:
    """The plan with what speaks against it, and without all that could be uploaded."""
    return replace(
        plan,
        conflicts=refusal.conflicts,
        proposals=(*plan.proposals, *refusal.proposals),
        fence=None,
        items=(),
        fence_items=(),
        rally_items=(),
        hash="",
        fence_hash="",
        rally_hash="",
    )


def _reserves(services: Services, revision: Revision) -> bool:
    """Only who tells when it departs reserves air, and only until it should be gone."""
    departs_at = revision.request.departs_at
    return departs_at is not None and departs_at > latest_gone(services.clock.now()) and bool(revision.plan.waypoints)


async def _blocked(services: Services, revision: Revision) -> tuple[Verdict, Schedule] | None:
    departs_at = revision.request.departs_at
    if departs_at is None or not _reserves(services, revision):
        return None
    traffic = await services.deconfliction.traffic(services.hub.vehicles())
    schedule = traffic.without(revision.mission_id)
    intent = await asyncio.to_thread(mission_intent, revision, departs_at)
    # Whatever is stored was first, even when this one was planned a moment earlier.
    verdict = await asyncio.to_thread(judged, schedule, intent, schedule.intents)
    return (verdict, schedule) if verdict.blocking else None


async def _told(services: Services, revision: Revision, verdict: Verdict, schedule: Schedule) -> MissionConflict:
    others = services.hub.vehicles()
    proposed = await proposals_for(services, Asked(revision.request, verdict.intent, schedule, others))
    return MissionConflict(verdict.conflicts, proposed)
