"""What a link counts: loss by sequence, duplicates, state told once; and how much a sender may say."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock
from telemetry.links import LinkChange, LinkCondition, LinkConfig
from telemetry.links.meter import MAX_SOURCES, REORDER_WINDOW, Meter, SequenceWatch
from telemetry.links.quota import (
    DATAGRAMS_AT_ONCE,
    DATAGRAMS_PER_S,
    MAX_SENDERS,
    NEW_SENDERS_AT_ONCE,
    NEW_SENDERS_PER_S,
    Bucket,
    SenderQuota,
)
from telemetry.links.supervise import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, pause_s

SENDER = (("127.0.0.1", 1), 11, 1)


def counted(sequences: list[int], newest: int | None = None) -> tuple[int, int]:
    """Lost and duplicate frames, the last window flushed by frames in order."""
    watch = SequenceWatch()
    found = [watch.take(number % 256) for number in sequences]
    newest = sequences[-1] if newest is None else newest
    found += [watch.take((newest + n) % 256) for n in range(1, REORDER_WINDOW + 1)]
    return sum(each.lost for each in found), sum(each.duplicate for each in found)


@given(st.sets(st.integers(20, 600), max_size=60), st.integers(0, 255))
def test_every_frame_that_never_comes_is_lost_and_no_other(missing: set[int], first: int) -> None:
    """Gaps stay below half the sequence's range, beyond which nobody can tell."""
    sent = [first + n for n in range(700) if n not in missing]
    assert counted(sent) == (len(missing), 0)


@given(st.integers(0, 2**31))
def test_frames_that_overtake_each_other_within_the_window_are_not_lost(seed: int) -> None:
    rng = random.Random(seed)
    order = sorted(range(300), key=lambda n: n + rng.uniform(0, REORDER_WINDOW - 1))
    order.remove(0)
    assert counted([0, *order], newest=299) == (0, 0)


@given(st.integers(0, 2**31), st.integers(1, 40))
def test_a_frame_that_comes_twice_is_counted_once_more(seed: int, repeated: int) -> None:
    rng = random.Random(seed)
    twice = set(rng.sample(range(1, 300), repeated))
    sent = [n for number in range(300) for n in ([number] * (1 + (number in twice)))]
    assert counted(sent) == (0, repeated)


def test_a_sender_that_began_anew_has_lost_nothing() -> None:
    assert counted([*range(100), *range(30)]) == (0, 0)


def a_meter() -> tuple[Meter, ManualClock, list[LinkChange]]:
    clock = ManualClock()
    changes: list[LinkChange] = []
    return Meter(LinkConfig("radio", "serial:x:57600"), clock, changes.append), clock, changes


def test_loss_is_that_of_the_last_minute() -> None:
    meter, clock, _ = a_meter()
    assert meter.health().lost_share is None
    for number in range(0, 200, 2):
        meter.frame(SENDER, number % 256)
    share = meter.health().lost_share
    assert share is not None
    assert 0.4 < share < 0.5
    for number in range(200, 500):
        clock.advance(0.5)
        meter.frame(SENDER, number % 256)
        meter.health()
    assert meter.health().lost_share == 0.0
    clock.advance(200)
    meter.health()
    assert meter.health().lost_share is None


def test_strangers_cannot_fill_the_memory_of_sequences() -> None:
    meter, _, _ = a_meter()
    for port in range(2 * MAX_SOURCES):
        meter.frame((("10.0.0.1", port), 1, 1), 0)
    assert len(meter._sequences.watches) == MAX_SOURCES
    assert meter.health().frames == 2 * MAX_SOURCES


def test_a_loss_is_told_once_and_so_is_the_return() -> None:
    meter, clock, changes = a_meter()
    meter.up()
    assert not changes, "coming up at the start is no news"
    clock.advance(5)
    for why in ("unplugged", "no such device", "no such device"):
        meter.down(why)
    assert meter.health().since == clock.now()
    assert (meter.health().state, meter.health().why) == (LinkCondition.DOWN, "no such device")
    meter.up()
    meter.up()
    assert [(change.up, change.name) for change in changes] == [(False, "radio"), (True, "radio")]
    assert "unplugged" in changes[0].text
    assert (meter.health().connects, meter.health().why) == (3, None)


def test_round_trips_are_smoothed() -> None:
    meter, _, _ = a_meter()
    for seconds in (0.1, 0.5, 0.1):
        meter.round_trip(seconds)
    rtt_s = meter.health().rtt_s
    assert rtt_s is not None
    assert 0.1 < rtt_s < 0.3


@given(st.lists(st.floats(0.0, 1.0), max_size=200))
def test_a_sender_is_never_admitted_more_than_its_bucket_holds(gaps_s: list[float]) -> None:
    quota, now_s, admitted = SenderQuota(0.0), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s / 100
        for _ in range(40):
            admitted += quota.admits("one", now_s)
    assert admitted <= DATAGRAMS_AT_ONCE + DATAGRAMS_PER_S * now_s + 1


def test_a_flood_of_new_senders_neither_fills_the_table_nor_drives_a_vehicle_out() -> None:
    quota, refused = SenderQuota(0.0), 0
    for n in range(60_000):
        now_s = n / 1000
        if n % 1000 == 0:
            refused += not quota.admits("vehicle", now_s)
        quota.admits(("rogue", n), now_s)
    assert len(quota) <= MAX_SENDERS
    assert refused == 0
    assert NEW_SENDERS_AT_ONCE + 60 * NEW_SENDERS_PER_S > MAX_SENDERS, "the table was full indeed"


def test_a_debt_is_paid_in_its_time() -> None:
    bucket = Bucket.full(100.0, 50.0, 0.0)
    assert bucket.owe(0.0, 50) == 0.0
    assert bucket.owe(0.0, 25) == 0.25
    assert bucket.owe(0.25, 0) == 0.0


def test_pauses_grow_and_stay_bounded_and_differ() -> None:
    rng = random.Random(1)
    pauses = [[pause_s(failures, rng) for _ in range(200)] for failures in (1, 3, 50)]
    assert all(SHORTEST_PAUSE_S <= pause <= LONGEST_PAUSE_S for each in pauses for pause in each)
    assert max(pauses[0]) < 0.51 < max(pauses[1]) < 2.01 < max(pauses[2])
    assert len(set(pauses[2])) == 200
