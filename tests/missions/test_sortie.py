from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import IllegalTransition, MissionConflict
from core.ids import MissionId, OperatorId, SortieId, VehicleId
from missions.model import Outcome, ProofSummary, Sortie, SortieState
from missions.sortie import BEFORE_FLIGHT, HOLDING, TRANSITIONS, advance, approve, is_finished, is_flying, update

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = SortieState
READY = BEFORE_FLIGHT[1:]
WHOLE_FLIGHT = (*READY, S.TAKING_OFF, S.ON_MISSION, S.RETURNING, S.LANDING, S.LANDED, S.CLOSED)
PROOF = ProofSummary(True, 1, "m-hash", "f-hash", NOW, NOW, checks=9)


def planned(**fields: object) -> Sortie:
    sortie = Sortie(
        id=SortieId("s"), mission_id=MissionId("m"), revision=1, mission_name="m", vehicle_id=VehicleId("v"),
        state=S.PLANNED, created_at=NOW, created_by=OperatorId("local"), waypoints_total=3,
        mission_hash="m-hash", fence_hash="f-hash",
    )  # fmt: skip
    return update(sortie, **fields) if fields else sortie


def flown(*states: SortieState, **changes: object) -> Sortie:
    sortie = planned()
    for state in states:
        sortie = advance(sortie, state, at=NOW, by="gateway", why="test")
    return update(sortie, **changes) if changes else sortie


def test_a_whole_flight_is_written_down_step_by_step() -> None:
    sortie = flown(*WHOLE_FLIGHT[:-1], waypoints_reached=3)
    closed = advance(sortie, S.CLOSED, at=NOW, by="gateway", why="disarmed", battery_end_pct=41.0)
    assert closed.outcome is Outcome.COMPLETED
    assert closed.battery_end_pct == 41.0
    assert tuple(step.to_state for step in closed.transitions) == WHOLE_FLIGHT
    assert closed.transitions[0].from_state is S.PLANNED
    assert closed.row_revision == 1 + len(WHOLE_FLIGHT) + 1  # and the update in between


@pytest.mark.parametrize("changes", [{}, {"waypoints_reached": 2}, {"waypoints_reached": 3, "waypoints_skipped": 1}])
def test_a_flight_that_missed_a_waypoint_was_aborted(changes: dict[str, object]) -> None:
    sortie = flown(*WHOLE_FLIGHT[:-1], **changes)
    assert advance(sortie, S.CLOSED, at=NOW, by="g", why="down").outcome is Outcome.ABORTED


def test_a_known_outcome_is_kept() -> None:
    sortie = flown(*WHOLE_FLIGHT[:-1], waypoints_reached=3)
    closed = advance(sortie, S.CLOSED, at=NOW, by="op", why="returned early", outcome=Outcome.ABORTED)
    assert closed.outcome is Outcome.ABORTED


@pytest.mark.parametrize("steps", range(len(READY)))
def test_everything_before_take_off_may_be_refused_or_called_off_and_nothing_lost(steps: int) -> None:
    sortie = flown(*WHOLE_FLIGHT[:steps])
    assert advance(sortie, S.REFUSED, at=NOW, by="g", why="no").outcome is Outcome.REFUSED
    assert advance(sortie, S.ABORTED, at=NOW, by="op", why="no").outcome is Outcome.ABORTED
    with pytest.raises(IllegalTransition):
        advance(sortie, S.LOST, at=NOW, by="g", why="no")


@pytest.mark.parametrize("steps", range(len(READY) + 1, len(WHOLE_FLIGHT)))
def test_everything_in_the_air_may_be_lost_and_nothing_refused_or_called_off(steps: int) -> None:
    sortie = flown(*WHOLE_FLIGHT[:steps])
    assert advance(sortie, S.LOST, at=NOW, by="g", why="no").outcome is Outcome.LOST
    for end in (S.REFUSED, S.ABORTED):
        with pytest.raises(IllegalTransition) as caught:
            advance(sortie, end, at=NOW, by="g", why="no")
        assert (caught.value.from_state, caught.value.to_state) == (sortie.state, end)


def test_approval_names_who_gave_it_and_the_proof_that_it_rests_on() -> None:
    sortie = approve(planned(), PROOF, at=NOW, by=OperatorId("op"))
    assert (sortie.state, sortie.approved_by, sortie.approved_at, sortie.proof) == (S.APPROVED, "op", NOW, PROOF)
    assert (sortie.transitions[-1].by, sortie.transitions[-1].why) == ("op", "proven against airspace version 1")


@pytest.mark.parametrize("proof", [{"valid": False}, {"mission_hash": "other"}, {"fence_hash": "other"}])
def test_nothing_is_approved_without_a_valid_proof_of_this_very_plan(proof: dict[str, object]) -> None:
    with pytest.raises(MissionConflict):
        approve(planned(), replace(PROOF, **proof), at=NOW, by=OperatorId("op"))  # type: ignore[arg-type]


def test_a_pause_leads_back_to_the_mission_or_home() -> None:
    sortie = flown(
        *READY, S.TAKING_OFF, S.ON_MISSION, S.PAUSED, S.ON_MISSION, S.HELD, S.RETURNING, S.PAUSED, S.LANDING,
        S.RETURNING,
    )  # fmt: skip
    assert sortie.state is S.RETURNING


@pytest.mark.parametrize("state", [S.RETURNING, S.LANDING, S.LANDED])
def test_a_pilot_may_take_a_return_or_a_landing_back(state: SortieState) -> None:
    """Promise 7: what the vehicle shows is written down."""
    assert {S.ON_MISSION, S.HELD} < TRANSITIONS[state]


def test_a_plan_is_replaced_only_away_from_the_mission() -> None:
    assert S.DIVERTED not in TRANSITIONS[S.ON_MISSION] | TRANSITIONS[S.TAKING_OFF]
    assert S.ON_MISSION not in TRANSITIONS[S.DIVERTED]
    for state in HOLDING:
        assert {S.ON_MISSION, S.DIVERTED} < TRANSITIONS[state]


def test_nothing_in_the_air_goes_back_to_taking_off() -> None:
    assert [before for before in S if S.TAKING_OFF in TRANSITIONS[before]] == [S.READY]


def test_nothing_follows_an_end_and_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(S)
    for state in S:
        assert is_finished(state) is (TRANSITIONS[state] == frozenset())
        assert state not in TRANSITIONS[state]


def test_every_state_is_before_the_flight_or_in_it_or_an_end() -> None:
    for state in S:
        assert (state in BEFORE_FLIGHT) + is_flying(state) + is_finished(state) == 1


def test_take_off_is_only_reached_with_approval_preflight_and_upload_behind() -> None:
    """Promise 1: no way into the air leaves them out."""
    entries = [(a, b) for a, b in itertools.product(BEFORE_FLIGHT, S) if b in TRANSITIONS[a] and is_flying(b)]
    assert entries == [(S.READY, S.TAKING_OFF)]
    for before, after in itertools.pairwise(BEFORE_FLIGHT):
        assert [a for a in S if after in TRANSITIONS[a]] == [before]


def test_only_what_was_seen_on_the_ground_is_closed() -> None:
    assert [a for a in S if S.CLOSED in TRANSITIONS[a]] == [S.LANDED]


def test_the_state_changes_by_a_transition_only() -> None:
    for own in ("state", "row_revision", "transitions", "id"):
        with pytest.raises(ValueError, match=own):
            update(planned(), **{own: None})


class Life(RuleBasedStateMachine):
    """Any order of steps that anybody may try."""

    def __init__(self) -> None:
        super().__init__()
        self.sortie = planned()

    @rule(to=st.sampled_from(S))
    def anybody_tries(self, to: SortieState) -> None:
        before = self.sortie
        try:
            self.sortie = advance(before, to, at=NOW, by="g", why="tried")
        except IllegalTransition:
            assert to not in TRANSITIONS[before.state]
        else:
            assert self.sortie.transitions[:-1] == before.transitions

    @precondition(lambda self: not is_finished(self.sortie.state))
    @rule(data=st.data())
    def it_goes_on(self, data: st.DataObject) -> None:
        to = data.draw(st.sampled_from(sorted(TRANSITIONS[self.sortie.state])))
        self.sortie = advance(self.sortie, to, at=NOW, by="g", why="goes on")

    @invariant()
    def every_revision_is_a_step(self) -> None:
        assert self.sortie.row_revision == 1 + len(self.sortie.transitions)

    @invariant()
    def the_steps_join(self) -> None:
        states = [S.PLANNED, *(step.to_state for step in self.sortie.transitions)]
        assert [step.from_state for step in self.sortie.transitions] == states[:-1]
        assert self.sortie.state is states[-1]

    @invariant()
    def what_flies_was_approved_and_uploaded(self) -> None:
        gone_through = {step.to_state for step in self.sortie.transitions}
        if any(is_flying(state) for state in gone_through):
            assert set(READY) <= gone_through

    @invariant()
    def an_end_and_only_an_end_has_an_outcome(self) -> None:
        assert (self.sortie.outcome is not None) is is_finished(self.sortie.state)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
