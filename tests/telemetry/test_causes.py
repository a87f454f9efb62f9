"""Who changed a mode that we did not ask for."""

from __future__ import annotations

import pytest

from missions.model import HeldBy
from telemetry.causes import cause_of, switch_moved


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Battery 1 is low 10.48V used 3100 mAh", "battery"),
        ("Battery Failsafe", "battery"),
        ("GCS Failsafe", "gcs"),
        ("GCS Failsafe - Continuing Pilot Control", "gcs"),
        ("Radio Failsafe", "radio"),
        ("EKF Failsafe: changed to LAND Mode", "ekf"),
        ("Polygon fence breached", "fence"),
        ("Failsafe: Terrain data missing", "terrain"),
        ("SmartRTL Unavailable, Using Land Mode", "smart-rtl"),
    ],
)
def test_what_the_autopilot_says_of_its_failsafe_is_the_cause(text: str, code: str) -> None:
    cause = cause_of("RTL", ("Mission: 3 WP", text), switch_moved=True)
    assert (cause.by, cause.code) == (HeldBy.FAILSAFE, code)
    assert text in cause.text


@pytest.mark.parametrize(
    "text", ["GCS Failsafe Cleared", "Fence breach cleared", "EKF primary changed:1", "Mission: 3 WP"]
)
def test_the_end_of_a_failsafe_is_none(text: str) -> None:
    assert cause_of("LOITER", (text,), switch_moved=False).by is HeldBy.STATION


def test_a_switch_that_moved_is_a_pilot_and_nothing_at_all_is_somebody_else() -> None:
    assert cause_of("LOITER", (), switch_moved=True).by is HeldBy.PILOT
    assert "mode LOITER" in cause_of("LOITER", (), switch_moved=False).text


def test_a_return_that_began_while_nobody_heard_it_is_taken_for_the_failsafe_for_silence() -> None:
    cause = cause_of("RTL", (), switch_moved=False, unheard_s=6.0)
    assert (cause.by, cause.code) == (HeldBy.FAILSAFE, "gcs")
    assert "not heard for 6 s" in cause.text
    assert cause_of("RTL", ("Battery Failsafe",), switch_moved=False, unheard_s=6.0).code == "battery"
    assert cause_of("LOITER", (), switch_moved=False, unheard_s=6.0).by is HeldBy.STATION
    assert cause_of("RTL", (), switch_moved=False, unheard_s=1.5).by is HeldBy.STATION


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        ((1500, 1500, 1000, 1500, 1800, 1000), (1500, 1500, 1000, 1500, 1500, 1000), True),
        ((1500, 1500, 1000, 1500, 1800, 1000), (1100, 1900, 1900, 1500, 1805, 1000), False),  # sticks only
        ((), (1500,) * 8, False),
        ((1500,) * 4 + (0,), (1500,) * 4 + (1800,), False),  # the radio has just come
    ],
)
def test_switches_are_the_channels_behind_the_sticks(
    before: tuple[int, ...], now: tuple[int, ...], *, moved: bool
) -> None:
    assert switch_moved(before, now) is moved
