"""The ways to fly a task, each judged: path, ways home, cost, conflicts, and the on-board fence that holds it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from core.errors import Conflict
from core.geo import LatLon
from geofence.compiler import FenceTask, compile_fence, narrowest_m
from geofence.evaluate import Offence, Surroundings, offences, passed_by, told
from geofence.onboard import OnboardFence
from geofence.scene import (
    RETRACE_M,
    RETURN_ALT_M,
    RETURN_MPS,
    VERTICAL_MARGIN_M,
    Flight,
    Geometries,
    Scene,
    lay_out,
)
from geofence.space import Space
from missions.aloft import aloft, behind, first_step
from missions.assemble import Path, assemble, waypoints
from missions.drafting import pieces_in
from missions.energy import Estimate, estimate
from missions.filming import film_conflicts, without_filming
from missions.homing import surely_barred
from missions.model import Airframe, Pattern, ReturnMode, Waypoint
from missions.task import Task
from missions.timeline import ARDUCOPTER, TooMuchWind
from missions.transits import Transits
from missions.wind import CALM

FENCE_NOT_FEASIBLE = "fence-not-feasible"
# SmartRTL remembers SRTL_POINTS places, 300 by default, and gives up when they are full; a corner takes up to three.
MOST_RETRACED = 100
# A corner of a way may be cut by this much more than a margin allows for (geofence.scene, turns), or by more where
# several corners are near to each other.
TURN_ROOMS_M = (2.0, 5.0)


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """The path flown with one way to return, judged. `estimate` None: the airframe cannot fly it at all.

    `homeward`: so many of the last `steps` only lead home.
    """

    scene: Scene = field(repr=False)
    steps: tuple[Waypoint, ...]
    length_m: float
    estimate: Estimate | None
    conflicts: tuple[Conflict | Offence, ...]
    fence: OnboardFence | None
    homeward: int

    @property
    def flight(self) -> Flight:
        return self.scene.flight

    @property
    def returns(self) -> ReturnMode:
        return ReturnMode.DIRECT if self.flight.direct else ReturnMode.RETRACE

    @property
    def curable(self) -> bool:
        """Whether another way home may fly it."""
        return all(conflict.code.startswith(("return-", "fence-")) for conflict in self.conflicts)

    def told(self) -> tuple[Conflict, ...]:
        """The conflicts in words, with what offends: asked only of the option that a person is shown."""
        return told(self.scene, self.conflicts)


def options(task: Task) -> Iterator[Option]:
    """The ways to fly it, best first: straight returns, retracing the path, retracing one that flies over nothing.

    What retraces lands on the spot when it cannot, so that the ways of the third keep off all that lies below them.
    None where flying is allowed nowhere in an area to cover. Raises InvalidRequest for what the pattern cannot do.
    """
    ways = _ways_to_fly(task)
    if _may_choose(task) and _surely_not_straight(task):
        yield from _straight_last(task, ways)
        return
    for way in ways:
        yield from _option(task, *way)


def _may_choose(task: Task) -> bool:
    """Whether it is left to the planner how the vehicle returns.

    Who names rally points wants it to go there, which only a straight return does.
    """
    return task.request.returns is None and not task.request.rally


def _surely_not_straight(task: Task) -> bool:
    """Whether returning straight must fail, as far as that is quickly told: laying out rows is not quick."""
    if task.request.pattern is Pattern.SURVEY or task.request.rally:
        return False
    pieces = pieces_in(task, task.space)
    return surely_barred(task.space, pieces, Transits(task, pieces, task.space).highest_m)


def _straight_last(task: Task, ways: Iterator[tuple[ReturnMode, Space, float]]) -> Iterator[Option]:
    """The first of `ways` cannot do: looked at only when no other does, and told in its order then."""
    straight = next(ways)
    tried: list[Option] = []
    for option in chain.from_iterable(_option(task, *way) for way in ways):
        if not option.conflicts:
            yield option
            return
        tried.append(option)
        if not option.curable:
            break
    yield from _option(task, *straight)
    yield from tried


def _option(task: Task, returns: ReturnMode, space: Space, room_m: float) -> Iterator[Option]:
    path = _assembled(task, space, room_m)
    if path.steps:
        yield _judged(task, path, returns)


def _ways_to_fly(task: Task) -> Iterator[tuple[ReturnMode, Space, float]]:
    """How to return, the space to plan in, and the room for corners."""
    retraces = task.request.returns is ReturnMode.RETRACE
    if not retraces:
        yield ReturnMode.DIRECT, task.space, TURN_ROOMS_M[0]
    if retraces or _may_choose(task):
        wider = task.space.with_margin(task.space.margin_m + RETRACE_M)
        yield ReturnMode.RETRACE, wider, TURN_ROOMS_M[0]
        below = wider.open_below()
        yield from ((ReturnMode.RETRACE, below, room_m) for room_m in TURN_ROOMS_M)


def _assembled(task: Task, space: Space, room_m: float) -> Path:
    """The whole path; ways keep `room_m` for their own corners to be cut, where there is that much."""
    roomy = space.with_margin(space.margin_m, more_m=room_m)
    pieces = pieces_in(task, roomy)
    if not pieces:
        return Path()
    begin = first_step(task)
    path = assemble(pieces, np.zeros(2), Transits(task, pieces, roomy), begin)
    return path if not path.missing else assemble(pieces, np.zeros(2), Transits(task, pieces, space), begin)


def _judged(task: Task, path: Path, returns: ReturnMode) -> Option:
    direct = returns is ReturnMode.DIRECT
    flown = without_filming((*path.steps, *path.way_home), task.space.no_film)
    steps = waypoints(flown, task.frame)
    working = len(steps) - len(path.way_home)
    if task.begins_at is not None:  # to the last digit
        steps = (replace(steps[0], place=task.begins_at.place, alt_rel_m=task.begins_at.alt_rel_m), *steps[1:])
    if path.way_home or not direct:
        steps = (*steps, Waypoint(task.dock.place, steps[-1].alt_rel_m))
    flight = _flight(task, steps, direct=direct)
    scene = lay_out(flight, task.frame) if task.begins_at is None else aloft(flight, task.frame, task.begins_at)
    about = Surroundings(scene, task.space)
    flown_xy = task.frame.to_xy(flight.places)[task.begins_at is not None :]
    length_m = float(np.hypot(*np.diff(flown_xy, axis=0).T).sum())
    conflicts: list[Conflict | Offence] = [
        *offences(about, task.conditions.terrain),
        *_memory(len(steps) + len(behind(task.begins_at)), returns),
        *film_conflicts(flown, task.space.no_film, task.frame),
    ]
    needs = _estimate(task, steps, flight, conflicts)
    fence: OnboardFence | Conflict | None = None if conflicts else _fence(task, about)
    if isinstance(fence, Conflict):
        conflicts, fence = [fence], None
    return Option(about.scene, steps, length_m, needs, tuple(conflicts), fence, len(steps) - working)


def _estimate(
    task: Task, steps: Sequence[Waypoint], flight: Flight, conflicts: list[Conflict | Offence]
) -> Estimate | None:
    """Times and energy; what the airframe cannot do is added to `conflicts`."""
    request, airframe = task.request, task.airframe
    if request.speed_mps > airframe.max_speed_mps:
        detail = f"{request.speed_mps:g} m/s is faster than {airframe.name} flies: {airframe.max_speed_mps:g} m/s."
        conflicts.append(Conflict("speed-above-limit", detail, "/properties/speed_mps"))
        return None
    before = () if flight.direct else behind(task.begins_at)
    whole = (*before, *steps)
    points = np.column_stack((task.frame.to_xy([step.place for step in whole]), [step.alt_rel_m for step in whole]))
    try:
        found = estimate(
            points,
            request.speed_mps,
            airframe,
            request.wind or CALM,
            holds_s=np.array([step.hold_s for step in whole]),
            returns=ReturnMode.DIRECT if flight.direct else ReturnMode.RETRACE,
            return_alt_m=flight.return_alt_rel_m,
            begins_at=None if task.begins_at is None else len(before),
            motion=replace(ARDUCOPTER, wp_speed_mps=max(request.speed_mps, RETURN_MPS)),
        )
    except TooMuchWind as reason:
        detail = f"In the wind that is forecast, {reason}."
        conflicts.append(Conflict("too-much-wind", detail, "/properties/speed_mps"))
        return None
    conflicts += _battery(found, task.airframe, task.begins_at.battery_pct if task.begins_at else 100.0)
    return found


def _battery(found: Estimate, airframe: Airframe, charge_pct: float) -> Iterator[Conflict]:
    """A plan that 5 of 100 flights would end below the reserve, finished or broken off, may not fly."""
    energy = found.energy
    if not energy.needed_p95_pct <= charge_pct:
        held = f" and it holds {charge_pct:.0f} %" if charge_pct < 100.0 else ""
        lands_with_pct = energy.lands_with_pct_p95 - 100.0 + charge_pct
        detail = (
            f"The flight takes {energy.p50_wh:.0f} Wh, {energy.p95_wh:.0f} Wh in 5 of 100 cases; with a reserve of "
            f"{airframe.reserve:.0%} that is {energy.needed_p95_pct:.0f} % of the {airframe.battery_wh:g} Wh of "
            f"{airframe.name}{held}: it would land with {lands_with_pct:.0f} %."
        )
        yield Conflict("battery-not-enough", detail, "/geometry")


def _flight(task: Task, steps: Sequence[Waypoint], *, direct: bool) -> Flight:
    """The waypoints as a flight from over home and back to it."""
    inner = steps[:-1] if steps[-1].place == task.dock.place and len(steps) > 1 else steps
    alts = tuple(step.alt_rel_m for step in inner)
    # What retraces its path goes home by it: to a rally point only RTL would go.
    rally = task.request.rally if direct else ()
    least_m = task.begins_at.return_alt_rel_m if task.begins_at else 0.0
    return Flight(
        places=(task.dock.place, *(step.place for step in inner), task.dock.place),
        alts_rel_m=(alts[0], *alts, steps[-1].alt_rel_m),
        direct=direct,
        return_alt_rel_m=_return_alt_m(max(*alts, RETURN_ALT_M, least_m), rally),
        pad_agl_m=task.dock.height_agl_m,
        pad_amsl_m=task.dock.alt_amsl_m,
        margin_m=task.space.margin_m + (0.0 if direct else RETRACE_M),
        rally=rally,
    )


def _return_alt_m(least_m: float, rally: Sequence[LatLon]) -> float:
    """A return to a rally point is flown no lower than one to home; a vehicle stores whole metres of its height."""
    return float(math.ceil(least_m)) if rally else least_m


def _fence(task: Task, about: Surroundings) -> OnboardFence | Conflict:
    swept, top_rel_m = about.scene.swept(), about.scene.flight.top_rel_m
    fence_task = FenceTask(swept, task.space.allowed(), _fenced_off(about), top_rel_m)
    fence = compile_fence(fence_task, task.frame, task.conditions.limits)
    if fence is not None:
        return fence
    limits = task.conditions.limits
    detail = (
        f"No on-board fence of at most {limits.items} points and {limits.bytes} bytes holds this flight and its ways "
        f"home; the narrowest place leaves {narrowest_m(fence_task):.1f} m."
    )
    return Conflict(code=FENCE_NOT_FEASIBLE, detail=detail, pointer="/geometry")


def _fenced_off(about: Surroundings) -> Geometries:
    """What the on-board fence, which is flat, must leave out.

    The zones that count at any height of the flight, but for those that it passes over or under on its way.
    """
    space, flight = about.space, about.scene.flight
    lowest_m = min(flight.alts_rel_m) - VERTICAL_MARGIN_M if flight.direct else -np.inf  # it may land anywhere
    met = space.met(lowest_m, flight.top_rel_m)
    kept: Geometries = space.shapes[np.setdiff1d(met, passed_by(about))]
    return kept


def _memory(corners: int, returns: ReturnMode) -> Iterator[Conflict]:
    if returns is ReturnMode.RETRACE and corners > MOST_RETRACED:
        detail = (
            f"The way home can only be the path flown, and the autopilot remembers about {MOST_RETRACED} corners; "
            f"this path has {corners}."
        )
        yield Conflict("path-too-long-to-retrace", detail, "/geometry")
