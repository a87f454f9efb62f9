"""A time that is over, as the journal knows it: sorties, alarms and commands as they were at each moment of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from missions.model import CommandRecord, Sortie, SortieState
from operations.alarms import Alarm

# Steps of a sortie that say of what went before that it was done.
_CHECKED, _UPLOADED = SortieState.UPLOADING, SortieState.READY


@dataclass(frozen=True, slots=True)
class History:
    """What the journal holds of a span of time, as it is today."""

    sorties: tuple[Sortie, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    commands: tuple[CommandRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happened. `became`: the sortie, alarm or command as it is today."""

    at: datetime
    became: Sortie | Alarm | CommandRecord

    @property
    def what(self) -> Sortie | Alarm | CommandRecord:
        """As it was from this moment on; made when it is asked for, for a day of a city has tens of thousands."""
        match self.became:
            case Sortie():
                then: Sortie | Alarm | CommandRecord | None = sortie_as_of(self.became, self.at)
            case Alarm():
                then = alarm_as_of(self.became, self.at)
            case CommandRecord():
                then = command_as_of(self.became, self.at)
        assert then is not None
        return then


def moments(history: History) -> list[Moment]:
    """All that happened, in the order of time; what happened together stays in the order of the history."""
    found = [*_of_sorties(history), *_of_alarms(history), *_of_commands(history)]
    return sorted(found, key=lambda moment: moment.at)


def _of_sorties(history: History) -> Iterator[Moment]:
    for sortie in history.sorties:
        for at in {sortie.created_at, *(step.at for step in sortie.transitions)}:
            if at >= sortie.created_at:  # a clock that was set back may say otherwise
                yield Moment(at, sortie)


def _of_alarms(history: History) -> Iterator[Moment]:
    for alarm in history.alarms:
        for at in {alarm.began_at, alarm.acknowledged_at, alarm.ended_at}:
            if at is not None and at >= alarm.began_at:
                yield Moment(at, alarm)


def _of_commands(history: History) -> Iterator[Moment]:
    for command in history.commands:
        for at in {command.issued_at, command.finished_at}:
            if at is not None and at >= command.issued_at:
                yield Moment(at, command)


def sortie_as_of(sortie: Sortie, at: datetime) -> Sortie | None:
    """The sortie as it was told at `at`; None before it was made.

    Its revision counts its steps. What is kept as it became in the end, and not as it grew (waypoints reached, the
    distance flown), is told when it has ended.
    """
    if at < sortie.created_at:
        return None
    steps = tuple(step for step in sortie.transitions if step.at <= at)
    revision = 1 + len(steps)
    if len(steps) == len(sortie.transitions):
        return replace(sortie, row_revision=revision)
    seen = {step.to_state for step in steps}
    return replace(
        sortie,
        state=sortie.transitions[len(steps)].from_state,
        transitions=steps,
        row_revision=revision,
        outcome=None,
        problem=None,
        checks=sortie.checks if _CHECKED in seen else (),
        upload_verified=sortie.upload_verified and _UPLOADED in seen,
        waypoints_reached=0,
        waypoints_skipped=0,
        breaches=0,
        distance_m=0.0,
        armed_at=_by(sortie.armed_at, at),
        landed_at=_by(sortie.landed_at, at),
        approved_at=_by(sortie.approved_at, at),
        approved_by=sortie.approved_by if _by(sortie.approved_at, at) else None,
        battery_start_pct=sortie.battery_start_pct if _by(sortie.armed_at, at) else None,
        battery_end_pct=None,
        held=None,
        break_point=None,
        diversion_id=None,
    )


def alarm_as_of(alarm: Alarm, at: datetime) -> Alarm | None:
    """The alarm as it was at `at`, with the greatest severity that it came to; None before it began."""
    if at < alarm.began_at:
        return None
    noted_at = _by(alarm.acknowledged_at, at)
    return replace(
        alarm,
        ended_at=_by(alarm.ended_at, at),
        acknowledged_at=noted_at,
        acknowledged_by=alarm.acknowledged_by if noted_at else None,
    )


def command_as_of(command: CommandRecord, at: datetime) -> CommandRecord | None:
    """The command as the journal had it at `at`; None before it was issued."""
    if at < command.issued_at:
        return None
    if command.finished_at is None or command.finished_at <= at:
        return command
    return replace(command, state="issued", result="", finished_at=None, texts=())


def _by(then: datetime | None, at: datetime) -> datetime | None:
    return then if then is not None and then <= at else None
