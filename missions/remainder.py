"""What is left of a plan that was left on its way: the path behind, the piece ahead, the cameras as they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from missions.items import NAV_DELAY, NAV_WAYPOINT
from missions.model import Action, ActionKind, Plan, Waypoint
from missions.patterns.draft import Piece

# What lasts until it is changed, and what belongs to it: a later one of the same group takes its place.
_LASTING = {
    ActionKind.PHOTO_EVERY: "photos",
    ActionKind.VIDEO: "video",
    ActionKind.LOOK_AT: "look",
    ActionKind.LOOK_AHEAD: "look",
    ActionKind.GIMBAL: "gimbal",
    ActionKind.SPEED: "speed",
}
# Nearer to the end of its leg than this there is no leg left to go on with.
_ENDED_M = 1.0
# A vehicle on its leg is off its line by less: it goes on from where it is.
_ON_LEG_M = 2.0


def flown_before(plan: Plan, reached: int) -> tuple[Waypoint, ...]:
    """The corners of the path flown since take-off by a vehicle that reached so many waypoints of `plan`."""
    before = plan.begins_at.flown if plan.begins_at else ()
    return (*before, *(Waypoint(step.place, step.alt_rel_m) for step in plan.waypoints[:reached]))


def stops_of(plan: Plan) -> tuple[Waypoint, ...]:
    """The waypoints without those that only lead home."""
    steps = plan.waypoints[: len(plan.waypoints) - plan.homeward]
    # Plans of old do not tell which these are, but for the last one.
    return steps[:-1] if len(steps) > 1 and steps[-1].place == plan.home else steps


def next_stop(plan: Plan, reached: int, mission_seq: int | None) -> int:
    """The number, 0…, of the waypoint to go on with: one whose stay was broken off once more."""
    if mission_seq is not None and 0 < mission_seq < len(plan.items) and plan.items[mission_seq].command == NAV_DELAY:
        held_at = sum(1 for item in plan.items[1:mission_seq] if item.command == NAV_WAYPOINT) - 1
        return min(reached, held_at)
    return reached


def left_of(
    steps: Sequence[Waypoint], first: int, frame: LocalFrame, *, up_m: float = 0.0, here: LatLon | None = None
) -> Piece:
    """The path from waypoint `first` on, in metres of `frame`, all of it `up_m` higher.

    `here`: where the leg to that waypoint was left; it is gone on with from there, as if it had never been left: what
    filmed films again, with pictures counted anew. Needs 0 ≤ first < N.
    """
    xy = frame.to_xy([step.place for step in steps])
    xyz = np.column_stack((xy, [step.alt_rel_m + up_m for step in steps]))
    path = [xyz[first:]]
    told = {at: step.actions for at, step in enumerate(steps[first:]) if step.actions}
    holds = [(at, step.hold_s) for at, step in enumerate(steps[first:]) if step.hold_s]
    state = lasting(steps[:first])
    resumed = None if here is None or first == 0 else _on_leg(xyz[first - 1], xyz[first], frame.to_xy((here,))[0])
    if resumed is not None:
        path.insert(0, resumed[None])
        told = {0: (*state, *_heading(steps[first - 1])), **{at + 1: acts for at, acts in told.items()}}
        holds = [(at + 1, hold_s) for at, hold_s in holds]
    elif state:
        told[0] = (*(each for each in state if not _replaced(each, told.get(0, ()))), *told.get(0, ()))
    actions = tuple((at, acts) for at, acts in sorted(told.items()) if acts)
    return Piece(np.concatenate(path), actions=actions, holds=tuple(holds))


def lasting(steps: Iterable[Waypoint]) -> tuple[Action, ...]:
    """What still holds of all that these waypoints did: cameras that run, where nose and gimbal look, the speed."""
    found: dict[str, Action] = {}
    for step in steps:
        found |= {_LASTING[action.kind]: action for action in step.actions if action.kind in _LASTING}
    return tuple(action for action in found.values() if not _is_off(action))


def raised(action: Action, up_m: float) -> Action:
    """An action for a home that lies `up_m` lower: what is looked at stays where it is."""
    return replace(action, alt_rel_m=action.alt_rel_m + up_m) if action.place is not None else action


def _is_off(action: Action) -> bool:
    return action.kind is ActionKind.LOOK_AHEAD or (
        action.kind in (ActionKind.PHOTO_EVERY, ActionKind.VIDEO) and not action.value
    )


def _replaced(action: Action, by: Sequence[Action]) -> bool:
    return any(_LASTING.get(each.kind) == _LASTING[action.kind] for each in by)


def _heading(step: Waypoint) -> tuple[Action, ...]:
    """A heading lasts up to the next waypoint."""
    return tuple(action for action in step.actions if action.kind is ActionKind.HEADING)


def _on_leg(start: Array, end: Array, here: Array) -> Array | None:
    """The place on a leg, (3,), that is nearest to `here` (2,), or `here` itself beside it; None at its end."""
    along = end - start
    length_m = float(np.hypot(*along[:2]))
    if length_m < _ENDED_M:
        return None
    share = float(np.clip((here - start[:2]) @ along[:2] / length_m**2, 0.0, 1.0))
    found = start + share * along
    if float(np.hypot(*(here - found[:2]))) <= _ON_LEG_M:
        found[:2] = here
    return None if (1.0 - share) * length_m < _ENDED_M else np.asarray(found)


def corners_within(xyz: Array, within_m: float) -> list[int]:
    """The numbers of the vertices of a path, (N ≥ 2, 3), that keep it within that distance of itself, heights too.

    Both ends are kept. Source: Ramer 1972, Douglas and Peucker 1973, with distances in space.
    """
    kept, waiting = {0, len(xyz) - 1}, [(0, len(xyz) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        off_m = _off_line_m(xyz[first + 1 : last], xyz[first], xyz[last])
        if float(off_m.max()) > within_m:
            middle = first + 1 + int(off_m.argmax())
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return sorted(kept)


def _off_line_m(points: Array, start: Array, end: Array) -> Array:
    """How far points (N, 3) are from the straight line between two places (3,)."""
    along = end - start
    squared = float(along @ along)
    share = np.clip((points - start) @ along / squared, 0.0, 1.0) if squared > 0.0 else np.zeros(len(points))
    return np.asarray(np.sqrt(((points - start - share[:, None] * along) ** 2).sum(axis=1)))
