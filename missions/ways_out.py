"""What can be flown instead of a diversion that cannot: at most three changes of what was asked, each one planned."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import shapely

from core.errors import Proposal
from core.geo import LatLon
from geofence.scene import VERTICAL_MARGIN_M
from missions.model import Plan
from missions.task import Task

MOST_PROPOSALS = 3
# Each one tried is a whole plan.
_MOST_TRIES = 4
# So far from a place another one is looked for, with room to turn there and to fly back along the path.
_NEARBY_M = 300.0
_ROOM_M = 8.0
# So much shorter than it just fits.
_SPARE_S = 5.0
_SHORTEST_HOLD_S = 5.0
# Heights worth trying where no zone tells any.
_LAYERS_M = (10.0, -10.0, 20.0, -20.0)
_ROUND_M = 0.5
_LEAST_RADIUS_M = 5.0


@dataclass(frozen=True, slots=True)
class WayOut:
    """One change: `change` is a JSON merge patch (RFC 7396) of the parameters of the diversion."""

    kind: str
    detail: str
    change: dict[str, Any]


def with_proposals(made: Plan, tries: Iterable[WayOut], replan: Callable[[dict[str, Any]], Plan]) -> Plan:
    """The plan with those changes that `replan` finds nothing against."""
    clear = (each for each in islice(tries, _MOST_TRIES) if not replan(each.change).conflicts)
    found = tuple(Proposal(each.kind, each.detail, each.change) for each in islice(clear, MOST_PROPOSALS))
    return replace(made, proposals=found)


def nearby(task: Task, target: LatLon, alt_rel_m: float) -> Iterator[WayOut]:
    """The nearest place to `target` that is free at that height."""
    at = shapely.Point(task.frame.to_xy((target,))[0])
    free = task.space.with_margin(task.space.margin_m, more_m=_ROOM_M).layer(alt_rel_m, alt_rel_m)
    area = free.part_of(at.buffer(_NEARBY_M))
    if area.is_empty or area.covers(at):
        return
    nearest = shapely.shortest_line(area, at).coords[0]
    place = task.frame.to_places(np.array([nearest]))[0]
    away_m = at.distance(shapely.Point(nearest))
    detail = f"Look from {away_m:.0f} m beside it, the nearest place that is free at {alt_rel_m:g} m."
    yield WayOut("nearby", detail, {"target": [place.lon_deg, place.lat_deg]})


def other_heights(task: Task, made: Plan, alt_rel_m: float) -> Iterator[WayOut]:
    """Over and under the zones that are in the way, and some layers up and down; the nearest first."""
    named, beyond_m = {conflict.zone_id for conflict in made.conflicts}, VERTICAL_MARGIN_M + _ROUND_M
    met = [one for one in task.space.exclusions if one.zone.id in named]
    ends = [end for one in met for end in (one.high_rel_m + beyond_m, one.low_rel_m - beyond_m) if math.isfinite(end)]
    wanted = {round(end, 1) for end in ends} | {round(alt_rel_m + each, 1) for each in _LAYERS_M}
    top_m = task.airspace.ceiling_agl_m - task.dock.height_agl_m - VERTICAL_MARGIN_M
    fitting = (each for each in wanted if 5.0 <= each <= top_m and each != alt_rel_m)
    for each in sorted(fitting, key=lambda height_m: abs(height_m - alt_rel_m)):
        yield WayOut("altitude", f"Fly at {each:g} m above home.", {"alt_rel_m": each})


def shorter_hold(task: Task, made: Plan, hold_s: float) -> Iterator[WayOut]:
    """The longest stay that the battery has for 95 of 100 flights."""
    if task.begins_at is None or not made.battery_p95_pct > task.begins_at.battery_pct:
        return
    airframe = task.airframe
    hover_pct_s = 100.0 * airframe.hover_w / (3_600.0 * airframe.battery_wh) * (1.0 + 2.0 * airframe.spread)
    fits_s = hold_s - (made.battery_p95_pct - task.begins_at.battery_pct) / hover_pct_s - _SPARE_S
    if fits_s >= _SHORTEST_HOLD_S:
        yield WayOut("shorter-hold", f"Stay for {fits_s:.0f} s.", {"hold_s": float(int(fits_s))})


def fewer_turns(task: Task, made: Plan, turns: float) -> Iterator[WayOut]:
    """One turn, where the battery has no more."""
    short = task.begins_at is not None and made.battery_p95_pct > task.begins_at.battery_pct
    if short and turns > 1.0:
        yield WayOut("fewer-turns", "Fly one turn.", {"turns": 1.0})


def smaller(radius_m: float) -> Iterator[WayOut]:
    """A smaller circle."""
    for share in (0.7, 0.4):
        if (less_m := round(share * radius_m, 1)) >= _LEAST_RADIUS_M:
            yield WayOut("radius", f"Fly a circle of {less_m:g} m.", {"radius_m": less_m})


def later(waypoint: int, waypoints: int) -> Iterator[WayOut]:
    """The waypoints after this one."""
    for number in range(waypoint + 1, waypoints):
        yield WayOut("skip", f"Go on with waypoint {number}.", {"waypoint": number})
