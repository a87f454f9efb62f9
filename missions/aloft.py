"""A flight that begins in the air: its first step, its scene, and the path that lies behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geofence.frame import LocalFrame
from geofence.scene import Flight, Parts, Scene, lay_out
from missions.assemble import Step
from missions.model import Action, ActionKind, Beginning, Waypoint
from missions.task import Task

# It stops at its first waypoint, which is where it holds, so that it leaves it straight along the first leg.
SETTLES_S = 1.0
# What the mission before may have left running.
_CAMERAS_OFF = (Action(ActionKind.PHOTO_EVERY, 0.0), Action(ActionKind.VIDEO, 0.0))


def first_step(task: Task) -> Step | None:
    """The place where it holds, with the cameras off; None when it takes off."""
    xyz = task.begins_xyz
    return None if xyz is None else Step(xyz, SETTLES_S, _CAMERAS_OFF)


def behind(begins_at: Beginning | None) -> tuple[Waypoint, ...]:
    """What it flew before: corners that SmartRTL remembers."""
    return begins_at.flown if begins_at else ()


def aloft(flight: Flight, frame: LocalFrame, begins_at: Beginning) -> Scene:
    """The scene of a flight whose first place after home is where it begins.

    Its leg 0 is not flown. What retraces its path flies back over all that it flew before, as leg 0.
    """
    if flight.direct:
        return _from_leg(lay_out(flight, frame), 1)
    flown = begins_at.flown
    places = (flight.home, *(step.place for step in flown), *flight.places[1:])
    alts = (begins_at.alt_rel_m, *(step.alt_rel_m for step in flown), *flight.alts_rel_m[1:])
    if flown:
        alts = (flown[0].alt_rel_m, *alts[1:])
    whole = lay_out(replace(flight, places=places, alts_rel_m=alts), frame)
    return replace(_renumbered(whole, len(flown)), flight=flight)


def _from_leg(scene: Scene, first: int) -> Scene:
    """The scene without the legs before `first`; a turn belongs to the leg that leads to it."""
    return replace(
        scene,
        legs=_kept(scene.legs, first),
        turns=_kept(scene.turns, first),
        returns=_kept(scene.returns, first),
        climbs=_kept(scene.climbs, first),
    )


def _kept(parts: Parts, first: int) -> Parts:
    kept = parts.leg_of >= first
    return Parts(parts.shapes[kept], parts.low_m[kept], parts.high_m[kept], parts.leg_of[kept])


def _renumbered(scene: Scene, flown: int) -> Scene:
    """All legs flown before count as leg 0."""

    def numbered(parts: Parts) -> Parts:
        return replace(parts, leg_of=np.maximum(0, parts.leg_of - flown))

    return replace(
        scene,
        legs=numbered(scene.legs),
        turns=numbered(scene.turns),
        returns=numbered(scene.returns),
        climbs=numbered(scene.climbs),
    )
