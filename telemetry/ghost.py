"""Where a vehicle that is not heard may be by now: honest guesses with growing uncertainty, never shown as positions.

Two things may be true of a silent vehicle in the air. It hears us, and goes on with what it was doing; or it does not
hear us either, and its ground-station failsafe has brought it on its way home.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from missions.items import NAV_LAND, NAV_TAKEOFF, NAV_WAYPOINT
from missions.model import MissionItem, Plan, ReturnMode
from telemetry.messages import Ghost, VehicleState
from telemetry.packets import Mode

Height = tuple[LatLon, float]  # a place and metres above home

# FS_GCS_TIMEOUT as the safety profile has it.
GCS_FAILSAFE_S = 5.0
# What a guess is off by: a position's own error, then a share of the way flown since, and drift in the wind.
_AT_ONCE_M, _OF_WAY, _DRIFT_MPS = 3.0, 0.15, 0.5
# Nothing that we fly is faster; a guess without any knowledge grows so.
_FASTEST_MPS = 20.0
_CLIMB_MPS, _DESCENT_MPS = 2.5, 1.5  # WPNAV_SPEED_UP and WPNAV_SPEED_DN as ArduCopter has them
_STANDING = frozenset({Mode.BRAKE.name, Mode.LOITER.name, Mode.POSHOLD.name, Mode.GUIDED.name, Mode.CIRCLE.name})
_HOMEWARD = frozenset({Mode.RTL.name, Mode.SMART_RTL.name, Mode.AUTO_RTL.name})
_WAY_HOME = {ReturnMode.DIRECT: "RTL", ReturnMode.RETRACE: "SmartRTL"}


@dataclass(frozen=True, slots=True)
class Course:
    """What the vehicle was sent to fly: `path`, each place with the item that leads there, and how it comes home."""

    path: tuple[tuple[int, LatLon, float], ...]
    home: LatLon
    speed_mps: float
    returns: ReturnMode
    return_alt_rel_m: float

    @classmethod
    def of(cls, plan: Plan) -> Course:
        """The course of a plan as it is on board."""
        placed = (NAV_TAKEOFF, NAV_WAYPOINT, NAV_LAND)
        path = tuple((item.seq, _place(item), item.z_m) for item in plan.items[1:] if item.command in placed)
        return cls(path, plan.home, plan.speed_mps, plan.returns, plan.return_alt_rel_m)

    def onward(self, here: Height, seq: int) -> list[Height]:
        """From `here` along the mission, whose item `seq` is current."""
        return [here, *((place, alt_m) for number, place, alt_m in self.path if number >= seq)]

    def homeward(self, here: Height, seq: int) -> list[Height]:
        """From `here` home: up and straight, or back along the path."""
        place, alt_m = here
        if self.returns is ReturnMode.RETRACE:
            behind = [(at, high_m) for number, at, high_m in self.path if number < seq]
            return [here, *reversed(behind), (self.home, 0.0)]
        high_m = max(alt_m, self.return_alt_rel_m)
        return [here, (place, high_m), (self.home, high_m), (self.home, 0.0)]


def ghosts_of(state: VehicleState, course: Course | None, now: datetime) -> tuple[Ghost, ...]:
    """Where the vehicle may be, () when it was never seen. `state` with its ages as of `now`."""
    if state.lat_deg is None or state.lon_deg is None or state.alt_rel_m is None or state.position_age_s is None:
        return ()
    here, age_s = (LatLon(state.lat_deg, state.lon_deg), state.alt_rel_m), state.position_age_s
    if course is not None and state.mode in _HOMEWARD:
        way = _Timed(course.homeward(here, state.mission_seq or 0), course.speed_mps)
        text = f"It was on its way home ({state.mode}) when it was last heard."
        return (_ghost("failsafe", way.at(age_s), way.flown_m(age_s), age_s, text),)
    if course is not None and state.mode == Mode.AUTO.name:
        way = _Timed(course.onward(here, state.mission_seq or 0), course.speed_mps)
        text = "If it hears us, it flies on with its mission."
        onward = _ghost("mission", way.at(age_s), way.flown_m(age_s), age_s, text)
        return onward, _failsafe(state, course, way, now)
    if state.mode in _STANDING:
        held = _ghost("mission", here, 0.0, age_s, f"If it hears us, it still holds in mode {state.mode}.")
        return (held,) if course is None else (held, _failsafe(state, course, _Timed([here], 1.0), now))
    text = f"It was in mode {state.mode or 'unknown'}; nothing is known of where it went."
    return (_ghost("unknown", here, math.inf, age_s, text),)


def _failsafe(state: VehicleState, course: Course, before: _Timed, now: datetime) -> Ghost:
    """It goes on with what was `before` until its failsafe acts, and then home."""
    age_s = state.position_age_s or 0.0
    since_s = age_s - GCS_FAILSAFE_S
    way = _Timed(course.homeward(before.at(min(age_s, GCS_FAILSAFE_S)), state.mission_seq or 0), course.speed_mps)
    began = now - timedelta(seconds=since_s)
    lands = began + timedelta(seconds=way.duration_s)
    verb = "has been flying" if since_s > 0.0 else "will fly"
    text = (
        f"If it does not hear us either, it {verb} home by {_WAY_HOME[course.returns]} from {began:%H:%M:%S} UTC on "
        f"and lands about {lands:%H:%M:%S} UTC."
    )
    flown_m = before.flown_m(min(age_s, GCS_FAILSAFE_S)) + way.flown_m(max(0.0, since_s))
    return _ghost("failsafe", way.at(max(0.0, since_s)), flown_m, age_s, text)


class _Timed:
    """A way of places and heights above home, with the time at which each is reached."""

    def __init__(self, way: Sequence[Height], speed_mps: float) -> None:
        self._frame = LocalFrame(way[0][0])
        self._points = np.column_stack((self._frame.to_xy([at for at, _ in way]), [alt_m for _, alt_m in way]))
        self._speed_mps = max(speed_mps, 0.1)
        self._reached_s = np.concatenate(([0.0], np.cumsum(self._legs_s())))

    @property
    def duration_s(self) -> float:
        return float(self._reached_s[-1])

    def at(self, after_s: float) -> Height:
        """Where it is so much later; it stays at the way's end."""
        x, y, alt_m = (float(np.interp(after_s, self._reached_s, self._points[:, axis])) for axis in range(3))
        (place,) = self._frame.to_places(np.array([[x, y]]))
        return place, alt_m

    def flown_m(self, after_s: float) -> float:
        """How far it may have come by then."""
        return self._speed_mps * min(after_s, self.duration_s)

    def _legs_s(self) -> Array:
        """As long as the level part of a leg takes, or its height, whichever is longer."""
        steps = np.diff(self._points, axis=0)
        level_s = np.hypot(steps[:, 0], steps[:, 1]) / self._speed_mps
        height_s = np.where(steps[:, 2] > 0.0, steps[:, 2] / _CLIMB_MPS, -steps[:, 2] / _DESCENT_MPS)
        return np.asarray(np.maximum(level_s, height_s))


def _ghost(belief: str, at: Height, flown_m: float, age_s: float, text: str) -> Ghost:
    place, alt_m = at
    radius_m = _AT_ONCE_M + min(_OF_WAY * flown_m + _DRIFT_MPS * age_s, _FASTEST_MPS * age_s)
    return Ghost(belief, place.lat_deg, place.lon_deg, round(alt_m, 1), round(radius_m, 1), text)


def _place(item: MissionItem) -> LatLon:
    return LatLon(item.x_e7 / 1e7, item.y_e7 / 1e7)
