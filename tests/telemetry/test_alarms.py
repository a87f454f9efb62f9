"""Alarms: what begins one, what makes it worse, what ends it, and that a flicker wears nobody out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.clock import ManualClock
from core.ids import AlarmId, OperatorId, VehicleId
from missions.model import SortieState
from operations.alarms import Alarm, AlarmKind, Severity, Sighting
from telemetry.alarms.book import AlarmBook
from telemetry.alarms.rules import Limits, Watched, sightings
from telemetry.messages import LinkState, Quiet, VehicleState

AT = datetime(2026, 1, 1, tzinfo=UTC)
WELL = VehicleState(
    VehicleId("bl-01"),
    "one",
    None,
    11,
    "fleet",
    "quad",
    link=LinkState.LIVE,
    heard_age_s=0.1,
    position_age_s=0.1,
    battery_pct=90.0,
    gps_fix=3,
    satellites=14,
    hdop=0.7,
    position_ok=True,
    vibration_mps2=4.0,
    armed=True,
    fence_enabled=True,
    fence_breached=False,
)


def flying(**changes: Any) -> Watched:
    return Watched(replace(WELL, **changes), SortieState.ON_MISSION)


def kinds(watched: Watched) -> dict[AlarmKind, Severity]:
    return {each.kind: each.severity for each in sightings(watched, Limits())}


def test_a_vehicle_that_is_well_raises_nothing() -> None:
    assert kinds(flying()) == {}


@pytest.mark.parametrize(
    ("changes", "kind", "severity"),
    [
        ({"link": LinkState.LOST}, AlarmKind.LINK_LOST, Severity.CRITICAL),
        ({"link": LinkState.STALE}, AlarmKind.STALE_TELEMETRY, Severity.WARNING),
        ({"position_age_s": 3.5}, AlarmKind.STALE_TELEMETRY, Severity.CRITICAL),
        ({"quiet": (Quiet("battery", AT),)}, AlarmKind.STALE_TELEMETRY, Severity.WARNING),
        ({"battery_pct": 30.0}, AlarmKind.LOW_BATTERY, Severity.WARNING),
        ({"battery_pct": 19.0}, AlarmKind.LOW_BATTERY, Severity.CRITICAL),
        ({"gps_fix": 1}, AlarmKind.GPS, Severity.CRITICAL),
        ({"satellites": 5}, AlarmKind.GPS, Severity.WARNING),
        ({"hdop": 2.4}, AlarmKind.GPS, Severity.WARNING),
        ({"position_ok": False}, AlarmKind.ESTIMATE, Severity.CRITICAL),
        ({"vibration_mps2": 35.0}, AlarmKind.VIBRATION, Severity.WARNING),
        ({"vibration_mps2": 61.0}, AlarmKind.VIBRATION, Severity.CRITICAL),
        ({"fence_enabled": False}, AlarmKind.FENCE_OFF, Severity.CRITICAL),
        ({"fence_breached": True}, AlarmKind.FENCE_BREACH, Severity.CRITICAL),
    ],
)
def test_each_condition_is_one_alarm(changes: dict[str, Any], kind: AlarmKind, severity: Severity) -> None:
    assert kinds(flying(**changes)) == {kind: severity}


def test_on_the_ground_only_silence_is_an_alarm() -> None:
    state = replace(WELL, armed=False, battery_pct=10.0, gps_fix=0, fence_enabled=False, position_ok=False)
    assert kinds(Watched(state)) == {}
    assert kinds(Watched(replace(state, link=LinkState.LOST))) == {AlarmKind.LINK_LOST: Severity.WARNING}


def test_of_a_silent_vehicle_only_its_silence_is_told() -> None:
    assert kinds(flying(link=LinkState.LOST, battery_pct=5.0, gps_fix=0)) == {AlarmKind.LINK_LOST: Severity.CRITICAL}


class Hours:
    """A book and its clock; `look` looks every 0.1 s."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.book = AlarmBook(self.clock)

    def look(self, watched: Watched, for_s: float = 0.1) -> list[Alarm]:
        told: list[Alarm] = []
        for _ in range(round(for_s / 0.1)):
            told += self.book.look([watched])
            self.clock.advance(0.1)
        return told


def states(told: Iterable[Alarm]) -> list[tuple[AlarmKind, Severity, bool]]:
    return [(alarm.kind, alarm.severity, alarm.is_open) for alarm in told]


def test_an_alarm_begins_once_grows_and_ends() -> None:
    hours = Hours()
    told = hours.look(flying(battery_pct=29.0), 4) + hours.look(flying(battery_pct=15.0), 4)
    told += hours.look(flying(battery_pct=25.0), 4) + hours.look(flying(), 11)
    low = AlarmKind.LOW_BATTERY
    assert states(told) == [
        (low, Severity.WARNING, True),
        (low, Severity.CRITICAL, True),
        (low, Severity.CRITICAL, False),
    ]
    assert len({alarm.id for alarm in told}) == 1
    assert hours.book.open() == ()


def test_what_flickers_is_not_told() -> None:
    hours = Hours()
    told = []
    for _ in range(20):
        told += hours.look(flying(satellites=5), 0.5) + hours.look(flying(), 0.2)
    assert told == []


def test_an_alarm_that_flickers_stays_one() -> None:
    hours = Hours()
    told = hours.look(flying(satellites=5), 2)
    for _ in range(10):
        told += hours.look(flying(), 1.0) + hours.look(flying(satellites=5), 1.0)
    assert len(told) == 1


def test_an_alarm_outlives_the_silence_of_its_vehicle() -> None:
    hours = Hours()
    hours.look(flying(battery_pct=29.0), 4)
    told = hours.look(flying(link=LinkState.LOST), 60)
    assert states(told) == [(AlarmKind.LINK_LOST, Severity.CRITICAL, True)]
    assert {alarm.kind for alarm in hours.book.open()} == {AlarmKind.LOW_BATTERY, AlarmKind.LINK_LOST}
    told = hours.look(flying(), 20)
    assert [alarm.kind for alarm in told] == [AlarmKind.LINK_LOST, AlarmKind.LOW_BATTERY]


def test_after_a_restart_an_open_alarm_goes_on_or_ends() -> None:
    before, after = Hours(), Hours()
    told = before.look(flying(battery_pct=29.0, satellites=5), 4)
    after.book.resume(told)
    ended = after.look(flying(battery_pct=29.0), 4)
    assert states(ended) == [(AlarmKind.GPS, Severity.WARNING, False)]
    assert [(alarm.id, alarm.kind) for alarm in after.book.open()] == [
        (alarm.id, alarm.kind) for alarm in told if alarm.kind is AlarmKind.LOW_BATTERY
    ]


def test_whoever_took_note_of_less_has_not_taken_note_of_more() -> None:
    hours = Hours()
    (alarm,) = hours.look(flying(battery_pct=29.0), 4)
    hours.book.resume([replace(alarm, acknowledged_at=hours.clock.now(), acknowledged_by=OperatorId("a"))])
    (worse,) = hours.look(flying(battery_pct=10.0), 1)
    assert (worse.id, worse.acknowledged_by, worse.acknowledged_at) == (alarm.id, None, None)


def test_a_told_condition_holds_until_it_is_said_to_be_over() -> None:
    hours = Hours()
    (alarm,) = hours.book.tell(flying(), Sighting(AlarmKind.FENCE_AHEAD, Severity.WARNING, "too fast"))
    assert hours.look(flying(), 30) == []
    (over,) = hours.book.over(VehicleId("bl-01"), AlarmKind.FENCE_AHEAD)
    assert (over.id, over.is_open) == (alarm.id, False)
    assert hours.book.over(VehicleId("bl-01"), AlarmKind.FENCE_AHEAD) == []


def test_a_flight_that_somebody_else_holds_is_told_with_the_reason_until_it_goes_on() -> None:
    hours = Hours()
    held = Watched(WELL, SortieState.HELD, "mode LOITER by the pilot's switch")
    (alarm,) = hours.look(held, 30)
    assert alarm.kind is AlarmKind.MODE_SURPRISE
    assert "pilot" in alarm.text
    assert states(hours.look(flying(), 5)) == [(AlarmKind.MODE_SURPRISE, Severity.WARNING, False)]


def test_a_breach_that_the_watch_tells_and_the_autopilot_reports_is_one_alarm() -> None:
    hours, breach = Hours(), Sighting(AlarmKind.FENCE_BREACH, Severity.CRITICAL, "out")
    (alarm,) = hours.book.tell(flying(), breach)
    told = hours.look(flying(), 5) + hours.look(flying(fence_breached=True), 5)
    told += hours.book.over(VehicleId("bl-01"), AlarmKind.FENCE_BREACH)
    assert told == []
    (over,) = hours.look(flying(), 5)
    assert (over.id, over.is_open) == (alarm.id, False)


def test_a_told_alarm_outlives_a_restart_and_is_over_when_that_is_said() -> None:
    before, after = Hours(), Hours()
    no_key = Sighting(AlarmKind.SIGNING_KEY, Severity.CRITICAL, "its key cannot be read")
    assert after.book.resume(before.book.tell(flying(), no_key)) == []
    assert after.look(flying(), 5) == []
    assert len(after.book.over(VehicleId("bl-01"), AlarmKind.SIGNING_KEY)) == 1


def test_what_was_foreseen_before_a_restart_is_over_and_begins_anew_if_it_is_still_so() -> None:
    before, after = Hours(), Hours()
    ahead = Sighting(AlarmKind.FENCE_AHEAD, Severity.WARNING, "too fast")
    (alarm,) = before.book.tell(flying(), ahead)
    (over,) = after.book.resume([alarm])
    assert (over.id, over.is_open, after.book.open()) == (alarm.id, False, ())
    (again,) = after.book.tell(flying(), ahead)
    assert again.id != alarm.id


def test_of_two_alike_that_a_stop_left_open_one_goes_on_and_the_other_is_over() -> None:
    hours = Hours()
    (newer,) = hours.look(flying(link=LinkState.LOST))
    older = replace(newer, id=AlarmId("older"))
    (over,) = Hours().book.resume([newer, older])
    assert (over.id, over.is_open) == (older.id, False)


def test_a_vehicle_that_leaves_the_fleet_leaves_no_alarm_and_others_keep_theirs() -> None:
    hours = Hours()
    for name in ("bl-01", "bl-02"):
        hours.look(flying(vehicle_id=VehicleId(name), battery_pct=20.0))  # has begun, and is no alarm yet
        hours.look(flying(vehicle_id=VehicleId(name), link=LinkState.LOST))
    (over,) = hours.book.forget(VehicleId("bl-01"))
    assert (over.vehicle_id, over.kind, over.is_open) == ("bl-01", AlarmKind.LINK_LOST, False)
    assert hours.book.noted() == {"bl-02"}
    assert hours.book.forget(VehicleId("bl-01")) == []
