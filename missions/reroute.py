"""What is left of a mission in the air, by ways that keep clear of an airspace as it has become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.scene import RETRACE_M
from geofence.terrain import Terrain
from geofence.zones import Airspace
from missions.diversion import Aloft, task_from
from missions.model import MissionRequest, Pattern, Plan
from missions.patterns.draft import Piece
from missions.planner import plan_of
from missions.remainder import left_of, stops_of
from missions.review import Rest
from missions.task import Conditions, Task
from missions.transits import Transits
from missions.verdicts import ProposalKind, ReplanProposal

# What several corners near each other may be cut by, over what a margin allows for.
CORNER_ROOM_M = 5.0


def rerouted(
    rest: Rest, zones: Callable[[Sequence[LatLon]], Airspace], terrain: Terrain | None
) -> ReplanProposal | None:
    """The stops that are left, joined by the cheapest clear ways; those that no way leads to are left out.

    The plan begins where the vehicle is, so that it can be flown at once. None when no stop is left or the planner
    finds something against it.
    """
    flown = rest.flown
    air, plan = flown.air, flown.revision.plan
    assert air is not None
    assert air.place is not None
    aloft = Aloft(
        place=air.place,
        alt_rel_m=rest.alt_rel_m if air.alt_rel_m is None else air.alt_rel_m,
        battery_pct=100.0 if air.battery_pct is None else air.battery_pct,
        plan=plan,
        reached=air.reached,
        dock=flown.dock,
        airframe=flown.airframe,
    )
    stops = tuple(_stops(plan, air.reached, aloft))
    task = task_from(aloft, "rest", stops, zones(rest.flight.places), Conditions(flown.window.start, terrain))
    reachable = tuple(_reachable(task, stops))
    if not reachable:
        return None
    found = plan_of(replace(task, pieces=reachable))
    if found.conflicts:
        return None
    left_out = len(stops) - len(reachable)
    dropped = f"; {left_out} waypoints cannot be reached and are left out" if left_out else ""
    why = f"What is left can be flown in {found.length_m:.0f} m by ways that keep clear{dropped}."
    return ReplanProposal(ProposalKind.REPLAN, why, _request(flown.revision.request, found), found)


def _stops(plan: Plan, reached: int, aloft: Aloft) -> Iterator[Piece]:
    """Each waypoint that is left as a piece of its own, the first with the cameras as they were."""
    steps, frame = stops_of(plan), LocalFrame(aloft.dock.place)
    if reached >= len(steps):
        return
    rest = left_of(steps, reached, frame)
    told, holds = dict(rest.actions), dict(rest.holds)
    for at, xyz in enumerate(rest.xyz):
        actions = ((0, told[at]),) if at in told else ()
        stay = ((0, holds[at]),) if at in holds else ()
        yield Piece(xyz[None], working=False, actions=actions, holds=stay)


def _reachable(task: Task, stops: Sequence[Piece]) -> Iterator[Piece]:
    """Those that a way leads to, from where it is and from one to the next."""
    if not stops:
        return
    space = task.space.with_margin(task.space.margin_m + RETRACE_M, more_m=CORNER_ROOM_M)
    transits, at = Transits(task, stops, space), task.begins_xyz
    assert at is not None
    for stop in stops:
        near = float(np.abs(stop.xyz[0] - at).max()) < 0.05
        if near or transits.way(at, stop.xyz[0]) is not None:
            at = stop.xyz[-1]
            yield stop


def _request(asked: MissionRequest, found: Plan) -> MissionRequest:
    """The same path as a person would have drawn it."""
    line = tuple(step.place for step in stops_of(found))
    alt_m = max(step.alt_rel_m for step in found.waypoints)
    return MissionRequest(
        asked.name, asked.dock_id, Pattern.ROUTE, alt_m, asked.speed_mps, line=line, rally=asked.rally
    )
