"""A bad link does to datagrams what it is told, decided by its seed and nothing else."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.frames import Splitter, pieces
from simulator.faults.impairment import PERFECT, Delivery, Faults, Impairment
from simulator.faults.words import duration_s, rate_bytes_s, share, with_words
from simulator.protocol.codec import Codec, dialect

BAD = Faults(
    loss=0.3, delay_s=0.05, jitter_s=0.02, reorder=0.1, duplicate=0.1, truncate=0.1, corrupt=0.1, rate_bytes_s=1e5
)


def frames(count: int) -> list[bytes]:
    codec = Codec(7)
    heartbeat = dialect.MAVLink_heartbeat_message(2, 3, 0, 0, 3, 3)
    timesync = dialect.MAVLink_timesync_message(0, 1)
    return [codec.encode((heartbeat, timesync)[n % 2]) for n in range(count)]


def sent(faults: Faults, count: int, *, seed: int = 1, size: int = 100) -> list[tuple[Delivery, ...]]:
    link = Impairment(seed, faults)
    return [link.decide(n.to_bytes(4, "big") * (size // 4), n * 0.01) for n in range(count)]


def test_a_perfect_link_delivers_everything_at_once() -> None:
    assert sent(PERFECT, 3) == [(Delivery(n * 0.01, n.to_bytes(4, "big") * 25),) for n in range(3)]


def test_the_same_seed_decides_the_same_and_another_does_not() -> None:
    assert sent(BAD, 300, seed=5) == sent(BAD, 300, seed=5) != sent(BAD, 300, seed=6)


def test_what_becomes_of_a_datagram_does_not_depend_on_the_faults_before_it() -> None:
    link, other = Impairment(3, BAD), Impairment(3, PERFECT)
    for n in range(100):
        link.decide(bytes(50), n * 1.0)
        other.decide(bytes(50), n * 1.0)
    other.faults = BAD
    assert [link.decide(bytes(50), 100.0 + n) for n in range(50)] == [
        other.decide(bytes(50), 100.0 + n) for n in range(50)
    ]


@pytest.mark.parametrize("burst", [1.0, 8.0])
def test_as_much_is_lost_as_was_asked_for_and_in_bursts_of_the_asked_length(burst: float) -> None:
    arrived = [bool(each) for each in sent(Faults(loss=0.3, loss_burst=burst), 40_000)]
    assert arrived.count(False) / len(arrived) == pytest.approx(0.3, abs=0.02)
    begins = sum(1 for before, now in itertools.pairwise(arrived) if before and not now)
    mean = arrived.count(False) / begins
    assert mean == pytest.approx(burst if burst > 1 else 1 / 0.7, rel=0.1)


@pytest.mark.parametrize(
    ("faults", "counted"),
    [
        (Faults(duplicate=0.2), "duplicated"),
        (Faults(truncate=0.2), "truncated"),
        (Faults(corrupt=0.2), "corrupted"),
        (Faults(reorder=0.2), "held back"),
    ],
)
def test_each_fault_meets_its_share_of_datagrams_and_is_counted(faults: Faults, counted: str) -> None:
    link = Impairment(2, faults)
    whole = bytes(range(100))
    got = [link.decide(whole, n * 0.01) for n in range(5_000)]
    assert link.counts[counted] / 5_000 == pytest.approx(0.2, abs=0.02)
    touched = sum(1 for n, each in enumerate(got) if each != (Delivery(n * 0.01, whole),))
    assert touched == link.counts[counted]


def test_a_corrupted_datagram_differs_by_one_bit() -> None:
    (delivery,) = Impairment(1, Faults(corrupt=1.0)).decide(bytes(40), 0.0)
    assert sum(byte.bit_count() for byte in delivery.data) == 1


def test_a_limited_rate_spreads_datagrams_and_drops_what_waits_too_long() -> None:
    link = Impairment(1, Faults(rate_bytes_s=1000.0, queue_s=0.5))
    got = [link.decide(bytes(100), 0.0) for _ in range(10)]
    assert [each[0].at_s for each in got if each] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert link.counts["dropped, queue full"] == 4


def test_delays_stay_within_delay_and_jitter() -> None:
    got = sent(Faults(delay_s=0.1, jitter_s=0.05), 1_000)
    late = [each[0].at_s - n * 0.01 for n, each in enumerate(got)]
    assert 0.1 <= min(late) < 0.102
    assert 0.148 < max(late) <= 0.15


def test_a_cut_link_delivers_nothing() -> None:
    assert sent(Faults(cut=True), 10) == [()] * 10


def test_a_faster_simulation_meets_the_same_link() -> None:
    slow, fast = Impairment(1, BAD), Impairment(1, BAD.sped_up(10.0))
    for n in range(200):
        a, b = slow.decide(bytes(200), n * 0.1), fast.decide(bytes(200), n * 0.01)
        assert [each.data for each in a] == [each.data for each in b]
        assert [each.at_s for each in a] == pytest.approx([each.at_s * 10.0 for each in b])


def test_chosen_messages_do_not_pass_and_their_neighbours_do() -> None:
    link = Impairment(1, Faults(drop_messages=frozenset({dialect.MAVLINK_MSG_ID_TIMESYNC})))
    one, other, third = frames(3)
    (delivery,) = link.decide(one + other + third, 0.0)
    assert delivery.data == one + third
    assert link.decide(other, 0.0) == ()


@given(st.lists(st.binary(max_size=12) | st.sampled_from(frames(6)), max_size=12), st.integers(1, 40))
def test_cutting_at_frames_loses_no_byte(parts: list[bytes], step: int) -> None:
    whole = b"".join(parts)
    assert b"".join(piece.data for piece in pieces(whole)) == whole
    splitter, got = Splitter(), b""
    for at in range(0, len(whole), step):
        got += b"".join(piece.data for piece in splitter.feed(whole[at : at + step]))
    assert got + b"".join(piece.data for piece in splitter.flush()) == whole


def test_frames_are_found_in_a_stream_cut_anywhere() -> None:
    sent_frames = frames(5)
    stream = b"xx" + b"".join(sent_frames)
    splitter = Splitter()
    got = [piece for at in range(len(stream)) for piece in splitter.feed(stream[at : at + 1])]
    assert [piece.data for piece in got if piece.message_id is not None] == sent_frames
    assert {piece.system_id for piece in got if piece.message_id is not None} == {7}


def test_words_are_read_in_their_units() -> None:
    assert (duration_s("50ms"), duration_s(1.5), duration_s("2min")) == (0.05, 1.5, 120.0)
    assert (share("30%"), share(0.3), share("1")) == (0.3, 0.3, 1.0)
    assert (rate_bytes_s("57.6kbit/s"), rate_bytes_s("57600bps"), rate_bytes_s("8kB/s")) == (7200.0, 7200.0, 8000.0)
    read = with_words(PERFECT, {"loss": "10%", "delay": "5ms", "cut": True, "drop_messages": [76]})
    assert read == replace(PERFECT, loss=0.1, delay_s=0.005, cut=True, drop_messages=frozenset({76}))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"loss": "130%"}, "loss: '130%' is not a share"),
        ({"delay": "soon"}, "delay: 'soon' is not a time"),
        ({"rate": "9600"}, "rate: '9600' is not a rate"),
        ({"lag": 1}, "lag: is no fault of a link; known are loss,"),
        ({"cut": "yes"}, "cut: 'yes' is neither true nor false"),
        ({"drop_messages": [-1]}, "drop_messages: -1 is not a MAVLink message id"),
    ],
)
def test_a_wrong_word_is_named_with_what_is_wrong(words: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        with_words(PERFECT, words)


@pytest.mark.parametrize("wrong", [{"loss": 1.1}, {"delay_s": -1.0}, {"loss_burst": 0.5}, {"jitter_s": float("nan")}])
def test_faults_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Faults(**wrong)  # type: ignore[arg-type]
