"""What the journal says of a time that is over: each thing as it stood at each moment, and never as it became."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.ids import AlarmId, CommandId, OperatorId, VehicleId
from missions.model import CommandRecord, Sortie
from missions.sortie import TRANSITIONS, advance, is_finished, update
from operations.alarms import Alarm, AlarmKind, Severity
from operations.recording.history import History, alarm_as_of, command_as_of, moments, sortie_as_of
from tests.samples import AT, a_sortie

seconds = st.integers(0, 1_000)


def at(second: float) -> datetime:
    return AT + timedelta(seconds=second)


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int, Sortie]]:
    """A sortie after each of its steps, and when that was; more became known of it meanwhile."""
    sortie, second, life = a_sortie(), 0, []
    for _ in range(draw(st.integers(0, 12))):
        following = sorted(TRANSITIONS[sortie.state])
        if not following:
            break
        second += draw(st.integers(1, 50))
        sortie = advance(sortie, draw(st.sampled_from(following)), at=at(second), by="x", why="y")
        life.append((second, sortie))
        sortie = update(sortie, distance_m=sortie.distance_m + 5.0)
    return life


@given(lives(), seconds)
def test_a_sortie_stands_as_its_steps_up_to_then_say(life: list[tuple[int, Sortie]], second: int) -> None:
    newest = life[-1][1] if life else a_sortie()
    known = [sortie for when, sortie in life if when <= second]
    then = sortie_as_of(newest, at(second))
    assert then is not None
    expected = known[-1] if known else a_sortie()
    assert (then.state, then.transitions) == (expected.state, expected.transitions)
    assert (then.outcome is not None) == is_finished(then.state)
    if len(known) < len(life):
        assert (then.distance_m, then.problem, then.battery_end_pct) == (0.0, None, None)


@given(lives())
def test_each_step_is_told_once_and_each_is_news(life: list[tuple[int, Sortie]]) -> None:
    newest = life[-1][1] if life else a_sortie()
    told = moments(History(sorties=(newest,)))
    assert [each.at for each in told] == [AT, *(at(second) for second, _ in life)]
    revisions = [each.what.row_revision for each in told if isinstance(each.what, Sortie)]
    assert revisions == sorted(set(revisions))
    assert isinstance(told[-1].what, Sortie)
    assert told[-1].what.state is newest.state


def test_what_was_not_yet_is_not_told() -> None:
    alarm = Alarm(
        AlarmId("a"),
        AlarmKind.GPS,
        Severity.WARNING,
        "",
        VehicleId("v"),
        None,
        at(10),
        at(30),
        at(20),
        OperatorId("x"),
    )
    command = CommandRecord(
        CommandId("c"), VehicleId("v"), None, "hold", at(10), OperatorId("x"), "failed", "no", at(12)
    )
    assert sortie_as_of(a_sortie(), at(-1)) is None
    assert alarm_as_of(alarm, at(9)) is None
    assert command_as_of(command, at(9)) is None
    open_then = alarm_as_of(alarm, at(19))
    noted_then = alarm_as_of(alarm, at(20))
    assert open_then == replace(alarm, ended_at=None, acknowledged_at=None, acknowledged_by=None)
    assert noted_then == replace(alarm, ended_at=None)
    assert alarm_as_of(alarm, at(30)) == alarm
    assert command_as_of(command, at(11)) == replace(command, state="issued", result="", finished_at=None)
    assert command_as_of(command, at(12)) == command


def test_a_command_that_nobody_saw_end_was_issued_and_stays_so() -> None:
    command = CommandRecord(CommandId("c"), VehicleId("v"), None, "hold", at(10), OperatorId("x"))
    assert moments(History(commands=(command,)))[0].what == command
    assert len(moments(History(commands=(command,)))) == 1
