"""The fence watch at work: every position that comes in is looked at within milliseconds, all vehicles together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.clock import Clock
from core.geo import LatLon
from core.ids import VehicleId
from geofence.frame import Array
from geofence.onboard import OnboardFence
from geofence.rails import Leg, Rails
from geofence.watch import FenceEvent, FenceWatch, Fixes, Phase
from missions.items import NAV_LAND, NAV_RETURN_TO_LAUNCH, NAV_TAKEOFF, NAV_WAYPOINT
from missions.model import MissionItem, Plan
from telemetry.fold import is_position
from telemetry.packets import GlobalPosition, Inbound, Mode
from telemetry.vehicle import Vehicle

# Positions that come within this time of each other are looked at in one go.
_GATHER_S = 0.005
# What was asked for and does not show, by then, is asked for again: it may have been refused, or never have arrived.
AGAIN_AFTER_S = 10.0
AGAIN_AT_MOST = 3
# In these the vehicle flies a way that was proven, and slows down before it turns: as long as it is no further off it
# than the proof allows, 2 m cross-track and 2 m of cut corner; SmartRTL retraces with SRTL_ACCURACY, 2 m, more.
# What is blown off its line has to be stopped like any other.
# Source: planning guide, section 9.3; missions.prove.facts.
_RAILS_M = {Mode.AUTO.name: 4.0, Mode.SMART_RTL.name: 6.0}
_PLACED = frozenset({NAV_TAKEOFF, NAV_WAYPOINT, NAV_LAND})
# In these it is already doing what we would ask for, or more.
_COMING_HOME = frozenset({Mode.RTL.name, Mode.SMART_RTL.name, Mode.LAND.name, "AUTO_RTL"})
# What the platform may take it out of: modes that it flies by itself. A pilot's mode is the pilot's.
_BY_ITSELF = frozenset({Mode.AUTO.name, Mode.GUIDED.name, Mode.BRAKE.name, "CIRCLE"})


class FenceAction(StrEnum):
    """What the platform does about a fence that a vehicle leaves, besides telling people."""

    WARN = "warn"
    BRAKE = "brake"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class FencePolicy:
    """What is done when a vehicle cannot stop before its fence any more, and when it left it."""

    ahead: FenceAction = FenceAction.BRAKE
    breach: FenceAction = FenceAction.RETURN


Told = Callable[[Vehicle, FenceEvent, FenceAction], None]
Again = Callable[[Vehicle, FenceAction], None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a vehicle was asked for because of its fence, the last of so many `times`."""

    about: Phase
    at_mono_s: float
    times: int = 1


class FenceGuard:
    """Watches the vehicles that fly a fence; `told` hears of every event with what is to be done about it.

    `again` hears of what is to be done once more, since the vehicle never did it. When it did once, whoever has it do
    something else knows why. The autopilot's own fence holds whatever happens to this one; nothing here is ever done
    against a pilot.
    """

    def __init__(self, policy: FencePolicy, *, clock: Clock, told: Told, again: Again = lambda *_: None) -> None:
        self._policy = policy
        self._clock = clock
        self._told = told
        self._again = again
        self._watch = FenceWatch()
        self._asked: dict[VehicleId, _Asked] = {}  # and not shown yet
        self._rails: dict[VehicleId, Rails] = {}
        self._fresh: dict[VehicleId, tuple[Vehicle, GlobalPosition]] = {}
        self._is_due = False

    def put(self, vehicle: Vehicle, fence: OnboardFence, rails: Rails) -> None:
        """Watches `vehicle`, sent to fly along `rails`, against `fence` from now on, instead of the ones before."""
        self._watch.put(vehicle.id, fence)
        self._asked.pop(vehicle.id, None)
        self._rails[vehicle.id] = rails

    def drop(self, vehicle: Vehicle) -> None:
        """Watches it no more."""
        self._watch.drop(vehicle.id)
        self._rails.pop(vehicle.id, None)
        self._fresh.pop(vehicle.id, None)
        self._asked.pop(vehicle.id, None)

    def shows(self, vehicle: Vehicle, phase: Phase) -> bool:
        """Whether it stands so to any bound of its fence: it may be outside and too high at once."""
        return self._watch.shows(vehicle.id, phase)

    def hear(self, vehicle: Vehicle, packet: Inbound) -> None:
        """Takes note of a position; a look follows within `_GATHER_S`."""
        if not isinstance(packet, GlobalPosition) or vehicle.id not in self._watch or not is_position(packet):
            return
        self._fresh[vehicle.id] = (vehicle, packet)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_GATHER_S, self._look)

    def _look(self) -> None:
        self._is_due = False
        fresh, self._fresh = self._fresh, {}
        vehicles = [vehicle for vehicle, _ in fresh.values()]
        on_rails = [self._is_on_rails(vehicle, at) for vehicle, at in fresh.values()]
        now_s = self._clock.mono_s()
        events = self._watch.look([*fresh], _fixes([*fresh.values()], on_rails), now_s)
        by_id = {vehicle.id: vehicle for vehicle in vehicles}
        for event in events:
            vehicle = by_id[VehicleId(event.key)]
            action = self._action(vehicle, event.phase)
            if action is not FenceAction.WARN:
                self._asked[vehicle.id] = _Asked(event.phase, now_s)
            self._told(vehicle, event, action)
        for vehicle_id in self._asked.keys() & by_id.keys():
            self._look_again(by_id[vehicle_id], now_s)

    def _look_again(self, vehicle: Vehicle, now_s: float) -> None:
        asked = self._asked[vehicle.id]
        action = self._action(vehicle, asked.about)
        if action is FenceAction.WARN or not self._watch.shows(vehicle.id, asked.about):
            del self._asked[vehicle.id]  # it does it, somebody took it over, or it is over
        elif now_s - asked.at_mono_s >= AGAIN_AFTER_S and asked.times <= AGAIN_AT_MOST:
            self._asked[vehicle.id] = _Asked(asked.about, now_s, asked.times + 1)
            self._again(vehicle, action)

    def _is_on_rails(self, vehicle: Vehicle, at: GlobalPosition) -> bool:
        mode = vehicle.slow.mode or ""
        if mode not in _RAILS_M:
            return False
        # SmartRTL flies back over all that was flown; what it flies there is no item.
        item = vehicle.slow.mission_seq if mode == Mode.AUTO.name else None
        return self._rails[vehicle.id].off_m(LatLon(at.lat_deg, at.lon_deg), item) <= _RAILS_M[mode]

    def _action(self, vehicle: Vehicle, phase: Phase) -> FenceAction:
        wanted = {Phase.PREDICTED: self._policy.ahead, Phase.BREACH: self._policy.breach}.get(phase)
        mode = vehicle.slow.mode
        if wanted is None or not vehicle.slow.armed or mode in _COMING_HOME or mode not in _BY_ITSELF:
            return FenceAction.WARN
        return FenceAction.WARN if wanted is FenceAction.BRAKE and mode == Mode.BRAKE.name else wanted


def rails_of(plan: Plan) -> Rails:
    """The legs of a plan as the autopilot flies its items; none where it has no items.

    A return at the end leads to home, or to the nearest rally point, whichever that is.
    """
    legs: list[Leg] = []
    here: LatLon | None = None
    for item in plan.items[1:]:
        if item.command in _PLACED:
            there = _place(item)
            legs.append(Leg(item.seq, here or there, there))
            here = there
        elif item.command == NAV_RETURN_TO_LAUNCH and here is not None:
            ends = (plan.home, *(point.place for point in plan.rally))
            legs.extend(Leg(item.seq, here, end) for end in ends)
    return Rails(legs)


def _place(item: MissionItem) -> LatLon:
    return LatLon(item.x_e7 / 1e7, item.y_e7 / 1e7)


def _fixes(heard: list[tuple[Vehicle, GlobalPosition]], on_rails: list[bool]) -> Fixes:
    def column(read: Callable[[GlobalPosition], float]) -> Array:
        return np.array([read(at) for _, at in heard], dtype=np.float64)

    return Fixes(
        lat_deg=column(lambda at: at.lat_deg),
        lon_deg=column(lambda at: at.lon_deg),
        alt_rel_m=column(lambda at: at.alt_rel_m),
        north_mps=column(lambda at: at.north_mps),
        east_mps=column(lambda at: at.east_mps),
        climb_mps=column(lambda at: -at.down_mps),
        on_rails=np.array(on_rails),
    )
