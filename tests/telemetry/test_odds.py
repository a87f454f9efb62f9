"""The figures of `make bench NAME=vehicles` about transactions, over fewer seeds: none of them may miss its goal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.figure import Figure
from bench.vehicles import commands, returns, uploads

pytestmark = pytest.mark.thorough


def missed(figures: Iterator[Figure]) -> list[str]:
    return [figure.line() for figure in figures if figure.met is False]


def test_an_upload_over_bad_air_ends_in_time_and_reads_back_equal() -> None:
    assert missed(uploads.uploads(seeds=4, items=200, interruptions=0)) == []


def test_no_interruption_lets_a_mission_fly_that_is_not_the_approved_one() -> None:
    verdicts = [uploads.may_fly(seed, items=6) for seed in range(80)]
    assert {verdict.let_fly for verdict in verdicts} == {True, False}
    assert all(verdict.holds_approved for verdict in verdicts if verdict.let_fly)


def test_a_return_is_seen_within_five_seconds_whatever_the_air_loses() -> None:
    assert missed(returns.returns(seeds=150)) == []


def test_what_may_not_be_repeated_never_runs_twice() -> None:
    assert missed(commands.commands(count=500)) == []


@pytest.mark.thorough
def test_the_odds_hold_over_many_seeds() -> None:
    assert missed(uploads.uploads(seeds=20, items=200, interruptions=1_000)) == []
    assert missed(returns.returns(seeds=2_000)) == []
    assert missed(commands.commands(count=10_000)) == []
