"""Diversions as values: their steps, and what of the sortie's own plan lies behind while one is flown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalTransition
from core.ids import DiversionId, OperatorId, SortieId
from missions.manoeuvre import STEPS, Diversion, DiversionState, behind, counted_anew, flown_of, step
from missions.model import CommandKind
from tests.samples import AT, a_plan, a_sortie

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


@given(st.integers(0, len(PLAN.waypoints)), st.integers(4, 30))
def test_the_sortie_s_count_tells_how_far_a_diversion_was_flown_and_never_too_far(reached: int, total: int) -> None:
    flying = replace(MADE, state=S.FLYING)
    done = behind(flying, reached, total)
    assert done is not None
    sortie = replace(a_sortie(), waypoints_reached=done, waypoints_total=total)
    assert flown_of(flying, sortie) == (reached if done > 4 else 0)
    assert flown_of(MADE, sortie) == flown_of(replace(flying, resumes_at=None), sortie) == 0
    assert flown_of(replace(flying, kind=CommandKind.REPLACE, resumes_at=None), sortie) == done


def test_what_is_passed_over_is_counted_once_and_a_new_mission_begins_at_nothing() -> None:
    sortie = replace(a_sortie(), waypoints_reached=1, waypoints_total=9, waypoints_skipped=1)
    changes: dict[str, Any] = {**counted_anew(MADE, sortie)}
    assert changes == {"waypoints_reached": 4, "waypoints_skipped": 4}
    assert counted_anew(MADE, replace(sortie, **changes)) == {}
    new = counted_anew(replace(MADE, kind=CommandKind.REPLACE, resumes_at=None), sortie)
    assert new == {"waypoints_total": len(PLAN.waypoints), "waypoints_reached": 0}
