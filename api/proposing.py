"""What a flight that must give way could do instead, found off the event loop and planned by the planner's worker."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from api.services import Services
from core.altitude import Datum
from core.errors import BailuError, Proposal
from core.ids import DockId
from missions.alternatives import Candidate, Options, alternatives, layers, proposal_of
from missions.deconflict import Schedule
from missions.model import MissionRequest, Plan
from missions.request import ALT_BOUNDS_M, RESOLUTION
from missions.volumes import Intent, intent_of
from telemetry.messages import VehicleState

log = logging.getLogger(__name__)

# After so long no further plan is asked for: a refusal without proposals beats one that does not come.
WITHIN_S = 8.0
MOST_REPLANS = 4
# Lower than this a patrol sees little and meets trees and roofs; the airspace's ceiling is the other end.
LOWEST_LAYER_M = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A flight that must give way to others in `schedule`. `others`: vehicles that could fly it in its place."""

    request: MissionRequest
    intent: Intent
    schedule: Schedule
    others: Sequence[VehicleState] = ()


async def proposals_for(services: Services, asked: Asked) -> tuple[Proposal, ...]:
    """Up to three, a delay, a layer and another vehicle, each checked against the schedule; () when there is none."""
    end_s = services.clock.mono_s() + WITHIN_S
    replans = _Replans(services, asyncio.get_running_loop(), end_s)
    request, intent = asked.request, asked.intent

    def timed(plan: Plan) -> Intent:
        return intent_of(plan, intent.departs_at, id=intent.id, rank=intent.rank, name=intent.name)

    options = Options(
        request.alt_m,
        await _layers(services, request),
        lambda alt_m: replans.plan(replace(request, alt_m=alt_m)),
        tuple(_candidates(asked, replans)),
    )
    async with services.deconfliction.proposing:
        found = await asyncio.to_thread(alternatives, asked.schedule, intent, options, timed)
    return tuple(proposal_of(each, request) for each in found)


async def _layers(services: Services, request: MissionRequest) -> tuple[float, ...]:
    """Other altitudes in the request's datum; none where the camera's resolution sets it."""
    if RESOLUTION in request.parameters:
        return ()
    airspace = await services.store.airspace_at(request.departs_at or services.clock.now())
    pad_agl_m = services.dock(request.dock_id).height_agl_m if request.alt_datum is Datum.REL else 0.0
    highest_m = min(ALT_BOUNDS_M[1], airspace.ceiling_agl_m - pad_agl_m)
    return layers(request.alt_m, LOWEST_LAYER_M, highest_m)


def _candidates(asked: Asked, replans: _Replans) -> list[Candidate]:
    """One vehicle of each other dock: from the same dock another one would meet the same flights."""
    found: dict[DockId, Candidate] = {}
    for each in asked.others:
        if each.dock_id is not None and each.dock_id != asked.request.dock_id and each.dock_id not in found:
            request = replace(asked.request, dock_id=each.dock_id)
            found[each.dock_id] = Candidate(each.vehicle_id, each.dock_id, partial(replans.plan, request))
    return list(found.values())


@dataclass(slots=True)
class _Replans:
    """Asks the planner from another thread, `MOST_REPLANS` times and until `end_s` at most."""

    services: Services
    loop: asyncio.AbstractEventLoop
    end_s: float
    asked: int = 0

    def plan(self, request: MissionRequest) -> Plan | None:
        """None when there is no such plan, or no time to look for it."""
        left_s = self.end_s - self.services.clock.mono_s()
        if self.asked >= MOST_REPLANS or left_s <= 0.0:
            return None
        self.asked += 1
        waiting = asyncio.run_coroutine_threadsafe(self._planned(request), self.loop)
        try:
            return waiting.result(left_s)
        except (BailuError, TimeoutError, concurrent.futures.CancelledError) as error:
            waiting.cancel()
            log.info("no other plan was found in time for %r: %s", request.name, error)
            return None

    async def _planned(self, request: MissionRequest) -> Plan:
        services, dock = self.services, self.services.dock(request.dock_id)
        airspace = await services.store.airspace_at(request.departs_at or services.clock.now())
        airframe = services.airframe_at(dock.id)
        return await services.planner.plan(request, dock, airspace, airframe, services.conditions())
