"""An autopilot's own time tells a reboot from frames that overtake each other, and from a second autopilot."""

from __future__ import annotations

import random

from telemetry.reboot import BootNews, BootWatch


def news(*times_ms: int) -> list[BootNews]:
    watch = BootWatch()
    return [told for each in times_ms if (told := watch.take(each)) is not None]


def test_a_time_that_begins_again_is_a_reboot_told_once() -> None:
    before = range(100_000, 110_000, 200)
    assert news(*before, *range(300, 8_000, 200)) == [BootNews.REBOOTED]


def test_frames_that_overtake_each_other_are_none() -> None:
    rng = random.Random(2)
    times = [200 * n + rng.randint(-900, 900) for n in range(20, 400)]
    assert news(*times) == []


def test_two_that_speak_in_turn_are_two_and_no_reboot() -> None:
    mixed = [t for pair in zip(range(100_000, 104_000, 200), range(3_000, 7_000, 200), strict=True) for t in pair]
    told = news(*mixed)
    assert told
    assert set(told) == {BootNews.TWO}


def test_a_second_reboot_is_told_too() -> None:
    assert news(*range(50_000, 52_000, 200), *range(0, 9_000, 200), *range(0, 2_000, 200)) == [BootNews.REBOOTED] * 2
