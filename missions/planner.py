"""From a request to a plan: the first way to fly it that nothing speaks against, its wire form, and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import shapely

from core.errors import Conflict
from geofence.scene import RETURN_ALT_M
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.items import fence_items, items_hash, mission_items, rally_items
from missions.model import Airframe, Beginning, Dock, MissionItem, MissionRequest, Plan, ReturnMode, Waypoint
from missions.options import FENCE_NOT_FEASIBLE, Option, options
from missions.prove import conflicts_of, prove
from missions.shorten import shortened
from missions.task import HOLDS_FOR, Conditions, Task, task_of

__all__ = ["Conditions", "plan"]


def plan(
    request: MissionRequest,
    dock: Dock,
    airspace: Airspace,
    airframe: Airframe,
    conditions: Conditions,
    *,
    begins_at: Beginning | None = None,
) -> Plan:
    """The plan of `request` from `dock`, with every conflict found; one with conflicts has no fence and no hash.

    `begins_at`: the vehicle is in the air there, `dock` is where it took off. Raises InvalidRequest for what the
    pattern cannot do with its parameters.
    """
    task = task_of(request, dock, airspace, airframe, conditions, begins_at=begins_at)
    made, best = _best(task)
    if best is None or conditions.quick or {conflict.code for conflict in made.conflicts} != {FENCE_NOT_FEASIBLE}:
        return made
    # The beginning of a path has its dock, time and speed, and so its space.
    quickly = replace(task, conditions=replace(conditions, quick=True))
    proposal = shortened(request, best.steps, lambda one: _flies(replace(quickly, request=one)))
    return replace(made, proposals=(proposal,) if proposal else ())


def plan_of(task: Task) -> Plan:
    """The plan of a task that is laid out already, as `plan`, but without proposals."""
    return _best(task)[0]


def _best(task: Task) -> tuple[Plan, Option | None]:
    """The plan of the first way to fly that nothing speaks against; else of the best one tried."""
    best = min(_tried(task), key=lambda option: len(option.conflicts), default=None)
    if best is not None and not best.conflicts:
        return _proven(task, _plan_of(task, best, ())), best
    return _plan_of(task, best, (*_outside(task), *(best.told() if best else ()))), best


def _tried(task: Task) -> list[Option]:
    """The ways to fly it up to the first that nothing speaks against, or to one that shows that no other can."""
    tried = []
    for option in options(task):
        tried.append(option)
        if not option.conflicts or not option.curable:
            break
    return tried


def _flies(task: Task) -> bool:
    """Whether nothing speaks against the plan of a task; what does is not told."""
    free = (option for option in _tried(task) if not option.conflicts)
    return any(not _proven(task, _plan_of(task, option, ())).conflicts for option in free)


def _proven(task: Task, made: Plan) -> Plan:
    """The plan with its proof; what that does not find in order becomes conflicts, and nothing may be uploaded."""
    window = TimeWindow(task.departs_at, task.departs_at + timedelta(seconds=made.duration_p95_s) + HOLDS_FOR)
    proof = prove(made, task.airspace, task.airframe, window=window, terrain=task.conditions.terrain)
    if proof.valid:
        return replace(made, proof=proof)
    return replace(
        made,
        proof=proof,
        conflicts=conflicts_of(proof, task.airspace.zones),
        fence=None,
        items=(),
        fence_items=(),
        rally_items=(),
        hash="",
        fence_hash="",
        rally_hash="",
    )


def _plan_of(task: Task, option: Option | None, conflicts: tuple[Conflict, ...]) -> Plan:
    request, dock = task.request, task.dock
    steps = option.steps if option else ()
    needs = option.estimate if option else None
    fence = option.fence if option and not conflicts else None
    items: tuple[MissionItem, ...] = ()
    walls: tuple[MissionItem, ...] = ()
    rally: tuple[Waypoint, ...] = ()
    if option is not None and fence is not None:
        items = mission_items(
            dock.place,
            dock.alt_amsl_m,
            steps,
            request.speed_mps,
            returns=option.returns,
            in_air=task.begins_at is not None,
        )
        walls = fence_items(fence)
        rally = tuple(Waypoint(place, option.flight.return_alt_rel_m) for place in option.flight.rally)
    return Plan(
        home=dock.place,
        home_amsl_m=dock.alt_amsl_m,
        home_agl_m=dock.height_agl_m,
        waypoints=steps,
        speed_mps=request.speed_mps,
        length_m=option.length_m if option else 0.0,
        duration_s=needs.timeline.duration_s if needs else 0.0,
        duration_p95_s=needs.duration_p95_s if needs else 0.0,
        energy_wh=needs.energy.p50_wh if needs else 0.0,
        battery_needed_pct=needs.energy.needed_pct if needs else 0.0,
        battery_p95_pct=needs.energy.needed_p95_pct if needs else 0.0,
        offsets_s=tuple(needs.reached_s.round(2).tolist()) if needs else (),
        airspace_version=task.airspace.version,
        conflicts=conflicts,
        fence=fence,
        items=items,
        fence_items=walls,
        rally=rally,
        rally_items=rally_items(rally),
        hash=items_hash(items, kind="mission") if items else "",
        fence_hash=items_hash(walls, kind="fence") if walls else "",
        rally_hash=items_hash(rally_items(rally), kind="rally") if rally else "",
        returns=option.returns if option else request.returns or ReturnMode.DIRECT,
        return_alt_rel_m=option.flight.return_alt_rel_m if option else RETURN_ALT_M,
        departs_at=task.departs_at,
        airframe=task.airframe.name,
        begins_at=task.begins_at,
        homeward=option.homeward if option else 0,
    )


def _outside(task: Task) -> Iterator[Conflict]:
    """Nothing of what was drawn lies where flying is allowed, so that no change of a leg would help."""
    request = task.request
    drawn = shapely.MultiPoint(task.frame.to_xy(request.line or request.ring or request.points)).convex_hull
    if not task.space.allowed().intersects(drawn):
        names = ", ".join(one.zone.label for one in task.space.inclusions) or "none is published"
        detail = f"The drawn geometry lies outside of all that may be flown in (inclusion zones: {names})."
        yield Conflict("area-outside-airspace", detail, "/geometry", geometry=task.frame.geojson(drawn))
