"""Diversions as values: their steps, and what of the sortie's own plan lies behind while one is flown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalTransition
from core.ids import DiversionId, OperatorId, SortieId
from missions.manoeuvre import STEPS, Diversion, DiversionState, behind, step
from missions.model import CommandKind
from tests.samples import AT, a_plan

S = DiversionState
PLAN = a_plan()
MADE = Diversion(DiversionId("d"), SortieId("s"), CommandKind.SKIP, PLAN, AT, OperatorId("op"), resumes_at=4)


def test_a_diversion_flies_only_after_it_was_loaded() -> None:
    assert [state for state in S if S.FLYING in STEPS[state]] == [S.LOADING]
    flying = step(step(MADE, S.LOADING), S.FLYING, result="started")
    assert (flying.state, flying.result, flying.row_revision) == (S.FLYING, "started", 3)


@pytest.mark.parametrize(("state", "to"), [(S.PLANNED, S.FLYING), (S.FAILED, S.LOADING), (S.ENDED, S.FLYING)])
def test_no_step_is_left_out_and_none_follows_an_end(state: DiversionState, to: DiversionState) -> None:
    with pytest.raises(IllegalTransition):
        step(replace(MADE, state=state), to)


@given(st.integers(0, len(PLAN.waypoints)), st.integers(4, 30))
def test_the_last_waypoints_of_both_plans_are_the_same_ones(reached: int, total: int) -> None:
    done = behind(MADE, reached, total)
    assert done is not None
    assert 4 <= done <= total
    assert (done == total) if reached == len(PLAN.waypoints) else True


def test_what_does_something_else_leaves_nothing_behind() -> None:
    assert behind(replace(MADE, resumes_at=None), 2, 9) is None
