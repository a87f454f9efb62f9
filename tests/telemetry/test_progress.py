"""What a vehicle's record says of its sortie."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.ids import VehicleId
from missions.model import MissionItem, SortieState
from telemetry.messages import Landed, VehicleState
from telemetry.progress import Flown, observe, reached, waypoint_seqs

IN_AIR = VehicleState(VehicleId("bl-01"), "one", None, 11, "fleet", "quad", mode="AUTO", landed=Landed.IN_AIR)
SEQS = (3, 4, 5)
S = SortieState


def test_home_take_off_and_return_are_no_waypoints() -> None:
    commands = (16, 22, 178, 16, 16, 16, 20)
    items = [MissionItem(seq, 3, command, (0, 0, 0, 0), 0, 0, 0) for seq, command in enumerate(commands)]
    assert waypoint_seqs(items) == SEQS


@pytest.mark.parametrize(
    ("reached_seq", "current_seq", "count"),
    [(0, 0, 0), (0, 3, 0), (3, 4, 1), (0, 5, 2), (5, 5, 3), (0, 6, 3), (4, 4, 2)],
)
def test_a_lost_report_does_not_lose_a_waypoint(reached_seq: int, current_seq: int, count: int) -> None:
    assert reached(SEQS, reached_seq, current_seq) == count


@pytest.mark.parametrize(
    ("state", "mode", "seq", "landed", "expected"),
    [
        (S.TAKING_OFF, "AUTO", 1, Landed.TAKING_OFF, None),
        (S.TAKING_OFF, "AUTO", 3, Landed.IN_AIR, S.ON_MISSION),
        (S.ON_MISSION, "AUTO", 4, Landed.IN_AIR, None),
        (S.ON_MISSION, "BRAKE", 4, Landed.IN_AIR, S.HELD),
        (S.ON_MISSION, "STABILIZE", 4, Landed.IN_AIR, S.HELD),
        (S.PAUSED, "LOITER", 4, Landed.IN_AIR, S.HELD),
        (S.HELD, "STABILIZE", 4, Landed.IN_AIR, None),
        (S.PAUSED, "AUTO", 4, Landed.IN_AIR, S.ON_MISSION),
        (S.ON_MISSION, "AUTO", 6, Landed.IN_AIR, S.RETURNING),
        (S.ON_MISSION, "RTL", 4, Landed.IN_AIR, S.RETURNING),
        (S.RETURNING, "RTL", 4, Landed.LANDING, S.LANDING),
        (S.RETURNING, "AUTO", 6, Landed.LANDING, S.LANDING),
        (S.ON_MISSION, "LAND", 4, Landed.IN_AIR, S.LANDING),
        (S.LANDING, "RTL", 4, Landed.IN_AIR, S.RETURNING),
        (S.LANDING, "RTL", 4, Landed.LANDING, None),
        (S.LANDING, "RTL", 4, Landed.ON_GROUND, S.LANDED),
        (S.LANDED, "RTL", 4, Landed.ON_GROUND, None),
        (S.LANDED, "STABILIZE", 4, Landed.TAKING_OFF, None),
        (S.LANDED, "STABILIZE", 4, Landed.IN_AIR, S.HELD),
        (S.LANDING, "BRAKE", 4, Landed.IN_AIR, S.HELD),
        (S.RETURNING, "AUTO", 4, Landed.IN_AIR, S.ON_MISSION),
        (S.TAKING_OFF, "GUIDED", 1, Landed.ON_GROUND, None),
        (S.READY, "AUTO", 3, Landed.IN_AIR, None),
        (S.CLOSED, "RTL", 3, Landed.IN_AIR, None),
    ],
)
def test_the_state_is_what_the_vehicle_shows(
    state: SortieState, mode: str, seq: int, landed: Landed, expected: SortieState | None
) -> None:
    seen = observe(state, replace(IN_AIR, mode=mode, mission_seq=seq, landed=landed), Flown(SEQS))
    assert (seen and seen[0]) == expected


@pytest.mark.parametrize(("mode", "expected"), [("BRAKE", S.PAUSED), ("LOITER", S.HELD), ("RTL", S.RETURNING)])
def test_a_hold_is_a_pause_only_when_it_is_the_one_that_was_asked_for(mode: str, expected: SortieState) -> None:
    seen = observe(S.ON_MISSION, replace(IN_AIR, mode=mode, mission_seq=4), Flown(SEQS, is_ours=True))
    assert seen is not None
    assert seen[0] is expected


@pytest.mark.parametrize(("state", "expected"), [(S.PAUSED, S.DIVERTED), (S.HELD, S.DIVERTED), (S.DIVERTED, None)])
def test_what_replaced_the_mission_is_no_mission(state: SortieState, expected: SortieState | None) -> None:
    seen = observe(state, replace(IN_AIR, mode="AUTO", mission_seq=3), Flown(SEQS, is_diversion=True))
    assert (seen and seen[0]) == expected
