"""What is left of a mission, by ways that keep clear of an airspace as it has become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from geofence.scene import RETRACE_M, RETURN_MPS, margin_budget_m
from geofence.search import SearchTooLarge
from geofence.space import Ground, Space
from geofence.terrain import Terrain
from geofence.zones import Airspace
from missions.model import MissionRequest, Pattern
from missions.planner import Conditions, plan
from missions.review import Rest
from missions.verdicts import ProposalKind, ReplanProposal

SAME_M = 0.5
# What several corners near each other may be cut by, over what a margin allows for.
CORNER_ROOM_M = 5.0


def rerouted(
    rest: Rest, zones: Callable[[Sequence[LatLon]], Airspace], terrain: Terrain | None
) -> ReplanProposal | None:
    """The stops that are left, joined by the shortest clear ways; those that no way leads to are left out.

    The plan begins at the dock, as every plan does: over where the vehicle is now, it goes on from there. None when
    no stop is left or the planner finds something against it.
    """
    flown = rest.flown
    assert flown.air is not None
    assert flown.air.place is not None
    airspace = zones(rest.flight.places)
    line, left_out = _line(rest, flown.air.place, airspace, terrain)
    if len(line) < 2:
        return None
    request = _request(flown.revision.request, line, rest.alt_rel_m)
    found = plan(request, flown.dock, zones(line), flown.airframe, Conditions(flown.window.start, terrain))
    if found.conflicts:
        return None
    dropped = f"; {left_out} waypoints cannot be reached and are left out" if left_out else ""
    why = f"What is left can be flown in {found.length_m:.0f} m by ways that keep clear{dropped}."
    return ReplanProposal(ProposalKind.REPLAN, why, request, found)


def _line(rest: Rest, here: LatLon, airspace: Airspace, terrain: Terrain | None) -> tuple[tuple[LatLon, ...], int]:
    """Where the vehicle is, and the ways from stop to stop; and how many stops are left out."""
    frame = LocalFrame(rest.flight.home)
    ground = Ground(rest.flight.pad_amsl_m, rest.flight.pad_agl_m, terrain)
    margin_m = margin_budget_m(max(rest.flown.revision.request.speed_mps, RETURN_MPS)) + RETRACE_M
    space = Space.of(airspace, frame, rest.flown.window, ground).with_margin(margin_m, more_m=CORNER_ROOM_M)
    free = space.layer(rest.alt_rel_m, rest.alt_rel_m)
    path = [frame.to_xy((here,))[0]]
    left_out = 0
    for stop in frame.to_xy(rest.stops):
        try:
            way = free.way(path[-1], stop)
        except SearchTooLarge:
            way = None
        if way is None:
            left_out += 1
        else:
            path += _apart(path[-1], way[1:])
    return frame.to_places(np.array(path)), left_out


def _apart(at: Array, way: Array) -> list[Array]:
    """The places of a way but for those that are where the one before is."""
    found: list[Array] = []
    for place in way:
        if float(np.hypot(*(place - at))) >= SAME_M:
            found.append(place)
            at = place
    return found


def _request(asked: MissionRequest, line: tuple[LatLon, ...], alt_rel_m: float) -> MissionRequest:
    blank = MissionRequest(asked.name, asked.dock_id, Pattern.ROUTE, alt_rel_m, asked.speed_mps, line=line)
    return replace(blank, rally=asked.rally)
