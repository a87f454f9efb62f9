"""What a flight that gives way can do, each remedy looked at against all other flights."""

from __future__ import annotations

from collections.abc import Iterator

from api.deconflict import Traffic
from api.intents import place_of
from missions.alternatives import LONGEST_DELAY_S
from missions.deconflict import Schedule
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import Plan, Sortie, SortieState
from missions.sortie import is_flying
from missions.volumes import Intent, delayed, done_after, held, homeward
from telemetry.messages import Remedy, VehicleState

# Holds that are tried, shortest first.
HOLDS_S = (30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0)
_CAN_HOLD = (SortieState.ON_MISSION, SortieState.DIVERTED, SortieState.PAUSED, SortieState.HELD)
_CAN_RETURN = (SortieState.TAKING_OFF, *_CAN_HOLD)


def remedies_for(traffic: Traffic, intent: Intent, vehicle: VehicleState | None) -> tuple[Remedy, ...]:
    """For a flight on the ground a delay, for one in the air a hold and the way home; () when none is free."""
    sortie = traffic.sorties.get(intent.id)
    if sortie is None or not is_flying(sortie.state):
        return tuple(_delay(traffic.schedule, intent))
    found = (*_hold(traffic, intent, sortie, vehicle), *_return(traffic, intent, sortie, vehicle))
    return tuple(found)


def _delay(schedule: Schedule, intent: Intent) -> Iterator[Remedy]:
    delay_s = schedule.free_delay_s(intent, LONGEST_DELAY_S)
    if delay_s and not schedule.conflicts(moved := delayed(intent, delay_s)):
        detail = f"Depart {delay_s:.0f} s later, at {moved.departs_at:%H:%M:%S} UTC."
        yield Remedy("delay", detail, delay_s)


def _hold(traffic: Traffic, intent: Intent, sortie: Sortie, vehicle: VehicleState | None) -> Iterator[Remedy]:
    if sortie.state not in _CAN_HOLD or vehicle is None:
        return
    longest_s = hover_s(traffic.revisions[intent.id].plan, sortie.waypoints_reached, vehicle)
    for hold_s in HOLDS_S:
        if hold_s > longest_s:
            return
        if not traffic.schedule.conflicts(held(intent, traffic.at, hold_s)):
            yield Remedy("hold", f"Hold where it is for {hold_s:.0f} s, then go on.", hold_s)
            return


def hover_s(plan: Plan, reached: int, vehicle: VehicleState) -> float:
    """For how long a vehicle may hover with what it has beyond the rest of its flight and its reserve; 0 if unknown.

    The rest of the flight takes the share of its energy that it takes of its time.
    """
    if vehicle.battery_pct is None or plan.duration_s <= 0.0:
        return 0.0
    airframe = AIRFRAMES.get(vehicle.airframe, default_airframe())
    reserve_pct = 100.0 * airframe.reserve
    left = 1.0 - done_after(plan, min(reached, len(plan.waypoints))).low_s / plan.duration_s
    flying_pct = plan.battery_to_start_pct - reserve_pct
    spare_pct = vehicle.battery_pct - reserve_pct - max(0.0, left) * flying_pct
    return max(0.0, spare_pct / 100.0 * airframe.battery_wh * 3_600.0 / airframe.hover_w)


def _return(traffic: Traffic, intent: Intent, sortie: Sortie, vehicle: VehicleState | None) -> Iterator[Remedy]:
    place = place_of(vehicle)
    if vehicle is None or place is None or sortie.state not in _CAN_RETURN:
        return
    home = homeward(traffic.revisions[intent.id].plan, intent, place, max(0.0, vehicle.alt_rel_m or 0.0), traffic.at)
    if not traffic.schedule.conflicts(home):
        yield Remedy("return", "Return now: its way home meets nobody.")
