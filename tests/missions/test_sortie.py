from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from core.errors import IllegalTransition
from core.ids import MissionId, OperatorId, SortieId, VehicleId
from missions.model import Outcome, Sortie, SortieState
from missions.sortie import TRANSITIONS, advance, is_finished, is_flying, update

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = SortieState
WHOLE_FLIGHT = (S.PREFLIGHT, S.UPLOADING, S.READY, S.TAKING_OFF, S.ON_MISSION, S.RETURNING, S.LANDING, S.CLOSED)


def requested(**fields: object) -> Sortie:
    sortie = Sortie(
        id=SortieId("s"), mission_id=MissionId("m"), revision=1, mission_name="m", vehicle_id=VehicleId("v"),
        state=S.REQUESTED, created_at=NOW, created_by=OperatorId("local"), waypoints_total=3,
    )  # fmt: skip
    return update(sortie, **fields) if fields else sortie


def flown(*states: SortieState, **changes: object) -> Sortie:
    sortie = requested()
    for state in states:
        sortie = advance(sortie, state, at=NOW, by="gateway", why="test")
    return update(sortie, **changes) if changes else sortie


def test_a_whole_flight_is_written_down_step_by_step() -> None:
    sortie = flown(*WHOLE_FLIGHT[:-1], waypoints_reached=3)
    closed = advance(sortie, S.CLOSED, at=NOW, by="gateway", why="disarmed", battery_end_pct=41.0)
    assert closed.outcome is Outcome.COMPLETED
    assert closed.battery_end_pct == 41.0
    assert tuple(step.to_state for step in closed.transitions) == WHOLE_FLIGHT
    assert closed.transitions[0].from_state is S.REQUESTED
    assert closed.row_revision == 1 + len(WHOLE_FLIGHT) + 1  # and the update in between


def test_a_flight_that_missed_a_waypoint_was_aborted() -> None:
    assert flown(*WHOLE_FLIGHT).outcome is Outcome.ABORTED


def test_a_known_outcome_is_kept() -> None:
    sortie = flown(*WHOLE_FLIGHT[:-1], waypoints_reached=3)
    closed = advance(sortie, S.CLOSED, at=NOW, by="op", why="returned early", outcome=Outcome.ABORTED)
    assert closed.outcome is Outcome.ABORTED


@pytest.mark.parametrize("steps", range(4))
def test_everything_before_take_off_may_be_refused_and_nothing_lost(steps: int) -> None:
    sortie = flown(*WHOLE_FLIGHT[:steps])
    assert advance(sortie, S.REFUSED, at=NOW, by="g", why="no").outcome is Outcome.REFUSED
    with pytest.raises(IllegalTransition):
        advance(sortie, S.LOST, at=NOW, by="g", why="no")


@pytest.mark.parametrize("steps", range(4, 8))
def test_everything_in_the_air_may_be_lost_and_nothing_refused(steps: int) -> None:
    sortie = flown(*WHOLE_FLIGHT[:steps])
    assert advance(sortie, S.LOST, at=NOW, by="g", why="no").outcome is Outcome.LOST
    with pytest.raises(IllegalTransition) as caught:
        advance(sortie, S.REFUSED, at=NOW, by="g", why="no")
    assert (caught.value.from_state, caught.value.to_state) == (sortie.state, "refused")


def test_a_pause_leads_back_to_the_mission_or_home() -> None:
    on_mission = WHOLE_FLIGHT[:5]
    sortie = flown(*on_mission, S.PAUSED, S.ON_MISSION, S.PAUSED, S.RETURNING, S.PAUSED, S.LANDING, S.RETURNING)
    assert sortie.state is S.RETURNING


@pytest.mark.parametrize("state", [S.RETURNING, S.LANDING])
def test_a_pilot_may_take_a_return_or_a_landing_back(state: SortieState) -> None:
    """Promise 7: what the vehicle shows is written down."""
    assert {S.ON_MISSION, S.PAUSED} < TRANSITIONS[state]


def test_nothing_in_the_air_goes_back_to_taking_off() -> None:
    assert [before for before in S if S.TAKING_OFF in TRANSITIONS[before]] == [S.READY]


def test_nothing_follows_an_end_and_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(S)
    for state in S:
        assert is_finished(state) is (TRANSITIONS[state] == frozenset())
        assert state not in TRANSITIONS[state]


def test_flying_is_between_arming_and_disarming() -> None:
    assert [state for state in S if is_flying(state)] == [
        S.TAKING_OFF,
        S.ON_MISSION,
        S.PAUSED,
        S.RETURNING,
        S.LANDING,
    ]


def test_take_off_is_only_reached_with_preflight_and_upload_behind() -> None:
    """Promise 1: no way from requested into the air leaves them out."""
    before = {S.REQUESTED, S.PREFLIGHT, S.UPLOADING, S.READY}
    entries = [(a, b) for a, b in itertools.product(S, S) if b in TRANSITIONS[a] and a in before and is_flying(b)]
    assert entries == [(S.READY, S.TAKING_OFF)]
    assert [a for a in S if S.READY in TRANSITIONS[a]] == [S.UPLOADING]


def test_the_state_changes_by_a_transition_only() -> None:
    for own in ("state", "row_revision", "transitions", "id"):
        with pytest.raises(ValueError, match=own):
            update(requested(), **{own: None})
