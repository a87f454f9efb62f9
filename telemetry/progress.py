"""What a vehicle's record says of its sortie: pure observation, no commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missions.model import MissionItem, SortieState
from missions.sortie import TRANSITIONS, is_flying
from telemetry.messages import Landed, VehicleState
from telemetry.packets import Cmd

_RETURN_MODES = frozenset({"RTL", "SMART_RTL", "AUTO_RTL"})


def waypoint_seqs(items: Sequence[MissionItem]) -> tuple[int, ...]:
    """The sequence numbers of the plan's waypoints; item 0 is home and counts as none."""
    return tuple(item.seq for item in items if item.seq > 0 and item.command == Cmd.NAV_WAYPOINT)


def reached(seqs: Sequence[int], reached_seq: int, current_seq: int) -> int:
    """How many waypoints lie behind: reported as reached, or passed because a later item is current.

    Either message alone can be lost, so both are read.
    """
    done = max(reached_seq, current_seq - 1)
    return sum(1 for seq in seqs if seq <= done)


@dataclass(frozen=True, slots=True)
class Flown:
    """What has to be known beside the record to read it: `seqs`, the waypoints of what is on board; whether that
    `is_diversion`; whether a hold in BRAKE `is_ours`.
    """

    seqs: Sequence[int]
    is_diversion: bool = False
    is_ours: bool = False


def observe(state: SortieState, vehicle: VehicleState, flown: Flown) -> tuple[SortieState, str] | None:
    """The state that the vehicle's record shows when it differs from `state`, with the reason; None otherwise."""
    if not is_flying(state):
        return None
    # On the ground the modes say nothing of a flight; before it lifts off it stands there too.
    if vehicle.landed is Landed.ON_GROUND:
        seen = None if state is SortieState.TAKING_OFF else (SortieState.LANDED, "it stands on the ground")
    elif state is SortieState.LANDED and vehicle.landed is not Landed.IN_AIR:
        seen = None
    else:
        seen = _seen(vehicle, flown)
    return seen if seen is not None and seen[0] in TRANSITIONS[state] else None


def _seen(vehicle: VehicleState, flown: Flown) -> tuple[SortieState, str] | None:
    mode = vehicle.mode
    if mode is None:
        return None
    if mode == "LAND":
        return SortieState.LANDING, "the vehicle is landing (mode LAND)"
    if mode in _RETURN_MODES:
        if vehicle.landed is Landed.LANDING:
            return SortieState.LANDING, "the vehicle descends at home"
        return SortieState.RETURNING, f"the vehicle returns (mode {mode})"
    if mode == "AUTO":
        return _seen_in_auto(vehicle, flown)
    if mode == "BRAKE" and flown.is_ours:
        return SortieState.PAUSED, "the vehicle holds (mode BRAKE)"
    return SortieState.HELD, f"the vehicle left its mission (mode {mode})"


def _seen_in_auto(vehicle: VehicleState, flown: Flown) -> tuple[SortieState, str] | None:
    current, seqs = vehicle.mission_seq, flown.seqs
    if current is None or not seqs:
        return None
    if current > seqs[-1]:
        if vehicle.landed is Landed.LANDING:
            return SortieState.LANDING, "the vehicle descends at home"
        return SortieState.RETURNING, "all waypoints are flown"
    if flown.is_diversion:
        return SortieState.DIVERTED, "the vehicle flies what replaced its mission"
    if current >= seqs[0]:
        return SortieState.ON_MISSION, "the vehicle flies its mission"
    return SortieState.TAKING_OFF, "the vehicle takes off"
