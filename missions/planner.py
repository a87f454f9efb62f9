"""From a request to a plan: path, ways home, cost, on-board fence, wire form and hashes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import shapely

from core.altitude import Altitude, Datum
from core.errors import Conflict, FieldError, InvalidRequest
from geofence.compiler import FenceTask, compile_fence, narrowest_m
from geofence.evaluate import evaluate, passed_by
from geofence.frame import Array, LocalFrame
from geofence.onboard import ARDUCOPTER_LIMITS, FenceLimits, OnboardFence
from geofence.route import route as find_route
from geofence.scene import (
    RETRACE_M,
    RETURN_ALT_M,
    RETURN_MPS,
    VERTICAL_MARGIN_M,
    Flight,
    Geometries,
    Scene,
    lay_out,
    margin_budget_m,
)
from geofence.search import SearchTooLarge
from geofence.space import Ground, Space
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.assemble import Path, assemble, waypoints
from missions.energy import Estimate, estimate
from missions.filming import film_conflicts, without_filming
from missions.items import fence_items, items_hash, mission_items, rally_items
from missions.model import Airframe, Dock, MissionItem, MissionRequest, Pattern, Plan, ReturnMode, Waypoint
from missions.patterns.draft import Piece
from missions.patterns.drawn import drawn_pieces
from missions.patterns.survey import MOST_WAYPOINTS, TooManyWaypoints, survey
from missions.prove import prove
from missions.timeline import ARDUCOPTER, CALM, TooMuchWind, Wind

# SmartRTL remembers SRTL_POINTS places, 300 by default, and gives up when they are full; a corner takes up to three.
MOST_RETRACED = 100
# A corner of a way may be cut by this much more than a margin allows for (geofence.scene, turns), or by more where
# several corners are near to each other.
TURN_ROOMS_M = (2.0, 5.0)
# A plan may wait so long for its take-off before it is proven anew.
HOLDS_FOR = timedelta(minutes=10)
# Ways to and from the work are not flown lower than this above ground, but where the work itself is lower.
LOWEST_TRANSIT_M = 20.0
# So far around what was drawn the ground counts for the heights of the ways.
_ABOUT_M = 1_000.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a plan is made for: the time of departure when the request names none, the ground, the wind,
    and what the autopilot's fence can hold.

    `terrain` None: flat ground, as far below home as the dock says; an altitude above ground is then refused.
    """

    now: datetime
    terrain: Terrain | None = None
    wind: Wind = CALM
    limits: FenceLimits = ARDUCOPTER_LIMITS


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One request with all that bears on it."""

    request: MissionRequest
    dock: Dock
    airspace: Airspace
    airframe: Airframe
    conditions: Conditions
    departs_at: datetime
    frame: LocalFrame
    ground: Ground
    space: Space


@dataclass(frozen=True, slots=True, eq=False)
class _Option:
    """The path flown with one way to return, judged."""

    flight: Flight
    steps: tuple[Waypoint, ...]
    length_m: float
    estimate: Estimate | None
    conflicts: tuple[Conflict, ...]
    fence: OnboardFence | None

    @property
    def returns(self) -> ReturnMode:
        return ReturnMode.DIRECT if self.flight.direct else ReturnMode.RETRACE


def plan(request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions) -> Plan:
    """The plan of `request` from `dock`, with every conflict found; one with conflicts has no fence and no hash."""
    task = _task(request, dock, airspace, airframe, conditions)
    try:
        pieces = _pieces(task)
    except TooManyWaypoints as reason:
        return _plan_of(task, None, (_too_many(reason),))
    options = []
    for option in _options(task, pieces):
        if not option.conflicts:
            return _proven(task, _plan_of(task, option, ()))
        options.append(option)
    best = min(options, key=lambda each: len(each.conflicts))
    return _plan_of(task, best, (*_outside(task, pieces), *best.conflicts))


def _proven(task: _Task, made: Plan) -> Plan:
    """The plan with its proof; what that does not find in order becomes conflicts, and nothing may be uploaded."""
    window = TimeWindow(task.departs_at, task.departs_at + timedelta(seconds=made.duration_p95_s) + HOLDS_FOR)
    proof = prove(made, task.airspace, task.airframe, window=window, terrain=task.conditions.terrain)
    if proof.valid:
        return replace(made, proof=proof)
    refuted = tuple(
        Conflict(
            f"not-proven-{check.rule}", check.detail, "/geometry", check.zone_id, None, check.leg, check.geometry
        )
        for check in proof.checks
        if not check.ok
    )
    return replace(
        made,
        proof=proof,
        conflicts=refuted,
        fence=None,
        items=(),
        fence_items=(),
        rally_items=(),
        hash="",
        fence_hash="",
        rally_hash="",
    )


def _options(task: _Task, pieces: Sequence[Piece]) -> Iterator[_Option]:
    """The ways to fly it, best first: straight returns, retracing the path, retracing one that flies over nothing.

    What retraces lands on the spot when it cannot, so that the ways of the third keep off all that lies below them.
    """
    wanted = task.request.returns
    if wanted in (None, ReturnMode.DIRECT):
        yield _option(task, _assembled(task, pieces, task.space), ReturnMode.DIRECT)
    if wanted in (None, ReturnMode.RETRACE):
        wider = task.space.with_margin(task.space.margin_m + RETRACE_M)
        yield _option(task, _assembled(task, pieces, wider), ReturnMode.RETRACE)
        for room_m in TURN_ROOMS_M:
            yield _option(task, _assembled(task, pieces, wider.open_below(), room_m), ReturnMode.RETRACE)


def _assembled(task: _Task, pieces: Sequence[Piece], space: Space, room_m: float = TURN_ROOMS_M[0]) -> Path:
    """The whole path; ways keep `room_m` for their own corners to be cut, where there is that much."""
    roomy = assemble(pieces, np.zeros(2), _ways(task, pieces, space.with_margin(space.margin_m, more_m=room_m)))
    return roomy if not roomy.missing else assemble(pieces, np.zeros(2), _ways(task, pieces, space))


def _task(
    request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
) -> _Task:
    departs_at = request.departs_at or conditions.now
    # No battery lasts longer than it hovers: zones that begin later do not matter.
    longest = timedelta(hours=airframe.battery_wh / min(airframe.hover_w, airframe.cruise_w)) + HOLDS_FOR
    frame = LocalFrame(dock.place)
    ground = Ground(dock.alt_amsl_m, dock.height_agl_m, conditions.terrain)
    window = TimeWindow(departs_at, departs_at + longest)
    margin_m = margin_budget_m(max(request.speed_mps, RETURN_MPS))
    space = Space.of(airspace, frame, window, ground, margin_m=margin_m)
    return _Task(request, dock, airspace, airframe, conditions, departs_at, frame, ground, space)


class _Ways:
    """Ways over, under or around zones, within the heights that the airspace leaves."""

    def __init__(self, space: Space, lowest_rel_m: float, highest_rel_m: float) -> None:
        self._space = space
        self._lowest_m = lowest_rel_m
        self._highest_m = highest_rel_m

    def way(self, start: Array, end: Array) -> Array | None:
        ends_m = (float(start[2]), float(end[2]))
        low_m, high_m = min(self._lowest_m, *ends_m), max(self._highest_m, *ends_m)
        try:
            found = find_route(self._space, start, end, low_m, high_m)
        except SearchTooLarge:
            return None
        return None if found is None else found.places


def _ways(task: _Task, pieces: Sequence[Piece], space: Space) -> _Ways:
    """Transits stay between `LOWEST_TRANSIT_M` and the ceilings, both for the lowest and the highest ground about."""
    xy = np.concatenate([piece.xyz[:, :2] for piece in pieces])
    around = shapely.MultiPoint(np.vstack((xy, np.zeros((1, 2))))).buffer(_ABOUT_M)
    left, low, right, high = around.bounds
    corners = task.frame.unproject(np.array([(left, low), (left, high), (right, low), (right, high)]))
    box = np.concatenate((corners.min(axis=0), corners.max(axis=0)))
    ceiling_m, _ = task.ground.above_home_m(Altitude(task.airspace.ceiling_agl_m, Datum.AGL), box)
    floors = [one.low_rel_m for one in task.space.inclusions]
    ceilings = [one.high_rel_m for one in task.space.inclusions]
    _, ground_m = task.ground.above_home_m(Altitude(LOWEST_TRANSIT_M, Datum.AGL), box)
    return _Ways(space, max(ground_m, *floors, 0.0), min((ceiling_m, *ceilings)) - VERTICAL_MARGIN_M)


def _pieces(task: _Task) -> Sequence[Piece]:
    request = task.request
    if request.alt_datum is not Datum.REL:
        raise InvalidRequest((FieldError("/properties/alt_agl_m", "cannot be planned with yet; tell alt_rel_m"),))
    if request.pattern is not Pattern.SURVEY:
        return drawn_pieces(request, task.frame)
    asked = request.parameters
    if "spacing_m" not in asked:
        raise InvalidRequest((FieldError("/properties/camera", "cannot be planned with yet; tell spacing_m"),))
    heading_deg = float(asked["heading_deg"]) if "heading_deg" in asked else None
    places = survey(request.ring, request.holes, float(asked["spacing_m"]), heading_deg, task.dock.place)
    xy = task.frame.to_xy(places)
    return (Piece(np.column_stack((xy, np.full(len(xy), request.alt_m)))),)


def _option(task: _Task, path: Path, returns: ReturnMode) -> _Option:
    direct = returns is ReturnMode.DIRECT
    flown = without_filming((*path.steps, *path.way_home), task.space.no_film)
    steps = waypoints(flown, task.frame)
    if path.way_home or not direct:
        steps = (*steps, Waypoint(task.dock.place, steps[-1].alt_rel_m))
    flight = _flight(task, steps, direct=direct)
    xyz = np.column_stack((task.frame.to_xy(flight.places), flight.alts_rel_m))
    length_m = float(np.hypot(*np.diff(xyz[:, :2], axis=0).T).sum())
    scene = lay_out(flight, task.frame)
    conflicts = [
        *evaluate(scene, task.space, task.conditions.terrain),
        *_memory(steps, returns),
        *film_conflicts(flown, task.space.no_film, task.frame),
    ]
    needs = _estimate(task, steps, flight, conflicts)
    fence: OnboardFence | Conflict | None = None if conflicts else _fence(task, scene)
    if isinstance(fence, Conflict):
        conflicts, fence = [fence], None
    return _Option(flight, steps, length_m, needs, tuple(conflicts), fence)


def _estimate(task: _Task, steps: Sequence[Waypoint], flight: Flight, conflicts: list[Conflict]) -> Estimate | None:
    """Times and energy; what the airframe cannot do is added to `conflicts`."""
    request, airframe = task.request, task.airframe
    if request.speed_mps > airframe.max_speed_mps:
        detail = f"{request.speed_mps:g} m/s is faster than {airframe.name} flies: {airframe.max_speed_mps:g} m/s."
        conflicts.append(Conflict("speed-above-limit", detail, "/properties/speed_mps"))
        return None
    points = np.column_stack((task.frame.to_xy([step.place for step in steps]), [step.alt_rel_m for step in steps]))
    try:
        found = estimate(
            points,
            request.speed_mps,
            airframe,
            task.conditions.wind,
            holds_s=np.array([step.hold_s for step in steps]),
            returns=ReturnMode.DIRECT if flight.direct else ReturnMode.RETRACE,
            return_alt_m=flight.return_alt_rel_m,
            motion=replace(ARDUCOPTER, wp_speed_mps=max(request.speed_mps, RETURN_MPS)),
        )
    except TooMuchWind as reason:
        detail = f"In the wind that is forecast, {reason}."
        conflicts.append(Conflict("too-much-wind", detail, "/properties/speed_mps"))
        return None
    conflicts += _battery(found, task.airframe)
    return found


def _battery(found: Estimate, airframe: Airframe) -> Iterator[Conflict]:
    """A plan that 5 of 100 flights would end below the reserve, finished or broken off, may not fly."""
    energy = found.energy
    if energy.needed_p95_pct > 100.0:
        detail = (
            f"The flight takes {energy.p50_wh:.0f} Wh, {energy.p95_wh:.0f} Wh in 5 of 100 cases; with a reserve of "
            f"{airframe.reserve:.0%} that is {energy.needed_p95_pct:.0f} % of the {airframe.battery_wh:g} Wh of "
            f"{airframe.name}: it would land with {energy.lands_with_pct_p95:.0f} %."
        )
        yield Conflict("battery-not-enough", detail, "/geometry")


def _flight(task: _Task, steps: Sequence[Waypoint], *, direct: bool) -> Flight:
    """The waypoints as a flight from over home and back to it."""
    inner = steps[:-1] if steps[-1].place == task.dock.place and len(steps) > 1 else steps
    alts = tuple(step.alt_rel_m for step in inner)
    return Flight(
        places=(task.dock.place, *(step.place for step in inner), task.dock.place),
        alts_rel_m=(alts[0], *alts, steps[-1].alt_rel_m),
        direct=direct,
        return_alt_rel_m=max(*alts, RETURN_ALT_M),
        pad_agl_m=task.dock.height_agl_m,
        pad_amsl_m=task.dock.alt_amsl_m,
        margin_m=task.space.margin_m + (0.0 if direct else RETRACE_M),
        rally=task.request.rally,
    )


def _fence(task: _Task, scene: Scene) -> OnboardFence | Conflict:
    fence_task = FenceTask(scene.swept(), task.space.allowed(), _fenced_off(task, scene), scene.flight.top_rel_m)
    fence = compile_fence(fence_task, task.frame, task.conditions.limits)
    if fence is not None:
        return fence
    limits = task.conditions.limits
    detail = (
        f"No on-board fence of at most {limits.items} points and {limits.bytes} bytes holds this flight and its ways "
        f"home; the narrowest place leaves {narrowest_m(fence_task):.1f} m."
    )
    return Conflict(code="fence-not-feasible", detail=detail, pointer="/geometry")


def _fenced_off(task: _Task, scene: Scene) -> Geometries:
    """What the on-board fence, which is flat, must leave out.

    The zones that count at any height of the flight, but for those that it passes over or under on its way.
    """
    space, flight = task.space, scene.flight
    lowest_m = min(flight.alts_rel_m) - VERTICAL_MARGIN_M if flight.direct else -np.inf  # it may land anywhere
    met = space.met(lowest_m, flight.top_rel_m)
    kept: Geometries = space.shapes[np.setdiff1d(met, passed_by(scene, space))]
    return kept


def _plan_of(task: _Task, option: _Option | None, conflicts: tuple[Conflict, ...]) -> Plan:
    request, dock = task.request, task.dock
    steps = option.steps if option else ()
    needs = option.estimate if option else None
    fence = option.fence if option and not conflicts else None
    items: tuple[MissionItem, ...] = ()
    walls: tuple[MissionItem, ...] = ()
    rally: tuple[Waypoint, ...] = ()
    if option is not None and fence is not None:
        items = mission_items(dock.place, dock.alt_amsl_m, steps, request.speed_mps, returns=option.returns)
        walls = fence_items(fence)
        rally = tuple(Waypoint(place, _rally_alt_m(option.flight)) for place in request.rally)
    return Plan(
        home=dock.place,
        home_amsl_m=dock.alt_amsl_m,
        home_agl_m=dock.height_agl_m,
        waypoints=steps,
        speed_mps=request.speed_mps,
        length_m=option.length_m if option else 0.0,
        duration_s=needs.timeline.duration_s if needs else 0.0,
        energy_wh=needs.energy.p50_wh if needs else 0.0,
        battery_needed_pct=needs.energy.needed_pct if needs else 0.0,
        duration_p95_s=needs.duration_p95_s if needs else 0.0,
        battery_p95_pct=needs.energy.needed_p95_pct if needs else 0.0,
        offsets_s=tuple(needs.timeline.at_s[2 : 2 + len(steps)].round(2).tolist()) if needs else (),
        airspace_version=task.airspace.version,
        conflicts=conflicts,
        fence=fence,
        items=items,
        fence_items=walls,
        rally=rally,
        rally_items=rally_items(rally),
        rally_hash=items_hash(rally_items(rally), kind="rally") if rally else "",
        hash=items_hash(items, kind="mission") if items else "",
        fence_hash=items_hash(walls, kind="fence") if walls else "",
        returns=option.returns if option else ReturnMode.DIRECT,
        return_alt_rel_m=option.flight.return_alt_rel_m if option else RETURN_ALT_M,
        departs_at=task.departs_at,
        airframe=task.airframe.name,
    )


def _rally_alt_m(flight: Flight) -> float:
    """A return to a rally point is flown no lower than one to home; whole metres are what a vehicle stores."""
    return float(math.ceil(flight.return_alt_rel_m))


def _memory(steps: Sequence[Waypoint], returns: ReturnMode) -> Iterator[Conflict]:
    if returns is ReturnMode.RETRACE and len(steps) > MOST_RETRACED:
        detail = (
            f"The way home can only be the path flown, and the autopilot remembers about {MOST_RETRACED} corners; "
            f"this path has {len(steps)}."
        )
        yield Conflict("path-too-long-to-retrace", detail, "/geometry")


def _outside(task: _Task, pieces: Sequence[Piece]) -> Iterator[Conflict]:
    """Nothing of what was drawn lies where flying is allowed, so that no change of a leg would help."""
    drawn = shapely.MultiPoint(np.concatenate([piece.xyz[:, :2] for piece in pieces])).convex_hull
    if not task.space.allowed().intersects(drawn):
        names = ", ".join(one.zone.label for one in task.space.inclusions) or "none is published"
        detail = f"The drawn geometry lies outside of all that may be flown in (inclusion zones: {names})."
        yield Conflict("area-outside-airspace", detail, "/geometry", geometry=task.frame.geojson(drawn))


def _too_many(reason: TooManyWaypoints) -> Conflict:
    detail = (
        f"The pattern needs at least {reason.at_least} waypoints; a plan has at most {MOST_WAYPOINTS}. "
        "Take a smaller area or a wider spacing."
    )
    return Conflict("too-many-waypoints", detail, "/geometry")
