"""Cameras off where nothing may be filmed: the switching points along a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from geofence.frame import Array, LocalFrame
from geofence.space import Placed
from missions.assemble import Step
from missions.model import Action, ActionKind

# The camera goes off this long before the zone: it is switched on arriving within WPNAV_RADIUS, and takes a moment.
LEAD_M = 15.0
_RUNNING = (ActionKind.PHOTO_EVERY, ActionKind.VIDEO)


@dataclass(slots=True)
class _Camera:
    """What runs: the value with which each of `_RUNNING` was last switched; 0 is off."""

    video: float = 0.0
    photo_every: float = 0.0

    def take(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if action.kind is ActionKind.VIDEO:
                self.video = action.value
            elif action.kind is ActionKind.PHOTO_EVERY:
                self.photo_every = action.value

    @property
    def runs(self) -> bool:
        return bool(self.video or self.photo_every)

    def off(self) -> tuple[Action, ...]:
        return tuple(Action(kind, 0.0) for kind, value in self._states() if value)

    def on(self) -> tuple[Action, ...]:
        return tuple(Action(kind, value) for kind, value in self._states() if value)

    def _states(self) -> Iterator[tuple[ActionKind, float]]:
        yield from ((ActionKind.VIDEO, self.video), (ActionKind.PHOTO_EVERY, self.photo_every))


def without_filming(steps: Sequence[Step], no_film: Sequence[Placed]) -> list[Step]:
    """The same path with the camera switched off before each no-film zone and on again after it.

    A zone counts with its margin, and `LEAD_M` before it; single pictures within one are left to `film_conflicts`.
    """
    if not no_film:
        return list(steps)
    shut = shapely.union_all([one.shape.buffer(one.zone.margin_m + LEAD_M) for one in no_film])
    shapely.prepare(shut)
    camera, found = _Camera(), list[Step]()
    for step in steps:
        if found and camera.runs:
            found += _switches(found[-1].xyz, step.xyz, shut, camera)
        camera.take(step.actions)
        found.append(_kept_off(step, shut, camera) if camera.runs else step)
    return found


def _kept_off(step: Step, shut: BaseGeometry, camera: _Camera) -> Step:
    """A vertex within a no-film zone does not switch the camera on; leaving the zone will."""
    if not shapely.intersects_xy(shut, *step.xyz[:2]):
        return step
    others = tuple(action for action in step.actions if action.kind not in _RUNNING)
    return replace(step, actions=(*others, *camera.off()))


def _switches(start: Array, end: Array, shut: BaseGeometry, camera: _Camera) -> Iterator[Step]:
    """Vertices where the leg enters `shut` (off) and leaves it (on)."""
    line = shapely.LineString([start[:2], end[:2]])
    for part in shapely.get_parts(line.intersection(shut)):
        if part.length == 0.0:
            continue
        first, last = sorted(line.project(shapely.Point(corner)) for corner in (part.coords[0], part.coords[-1]))
        if first > 0.0:
            yield Step(_along(start, end, first / line.length), actions=camera.off(), working=True)
        if last < line.length:
            yield Step(_along(start, end, last / line.length), actions=camera.on(), working=True)


def _along(start: Array, end: Array, share: float) -> Array:
    return np.asarray(start + share * (end - start))


def film_conflicts(steps: Sequence[Step], no_film: Sequence[Placed], frame: LocalFrame) -> Iterator[Conflict]:
    """Single pictures that a pattern asks for within a no-film zone."""
    for one in no_film:
        kept_off = one.shape.buffer(one.zone.margin_m)
        taken = [
            step.xyz[:2]
            for step in steps
            if any(action.kind is ActionKind.PHOTO for action in step.actions)
            and shapely.intersects_xy(kept_off, *step.xyz[:2])
        ]
        if taken:
            yield Conflict(
                code="photo-in-no-film-zone",
                detail=f"{len(taken)} pictures would be taken within {one.zone.label}, where nothing may be filmed.",
                pointer="/geometry",
                zone_id=one.zone.id,
                zone_name=one.zone.name,
                geometry=frame.geojson(shapely.MultiPoint(np.array(taken))),
            )
