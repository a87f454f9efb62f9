"""Signing: what is forged, replayed or late never comes in, and never keeps out what is genuine."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect

from core.clock import ManualClock
from missions.enrollment import SigningPolicy
from telemetry.framing import Framer, RawFrame
from telemetry.packets import Heartbeat
from telemetry.signing import RESTART_MARGIN, TICKS_PER_S, Seal, Signer, SigningClock, Verdict, Verifier, ticks_at
from telemetry.wire import CRC_EXTRA, Decoder, Encoder, MavAddress, unsigned

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
BEAT = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
OURS, ALL = MavAddress(255, 190), MavAddress(0, 0)


class WallClock(ManualClock):
    """A clock whose wall time an operator, or a bad GPS, sets."""

    def __init__(self) -> None:
        super().__init__()
        self.step = timedelta()

    def now(self) -> datetime:
        return super().now() + self.step


def a_frame(stamp: int, *, key: bytes = KEY, link_id: int = 3, source: MavAddress = OURS) -> RawFrame:
    (frame,) = Framer(CRC_EXTRA).feed(Encoder(source).frame(BEAT, ALL, Signer(key, link_id, lambda: stamp)))
    return frame


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def ours(clock: WallClock) -> SigningClock:
    return SigningClock(clock)


def test_our_signature_is_the_one_that_the_reference_makes() -> None:
    codec = dialect.MAVLink(None, srcSystem=255, srcComponent=190)
    codec.signing.secret_key, codec.signing.sign_outgoing = KEY, True
    codec.signing.link_id, codec.signing.timestamp = 3, 12_345_678_901
    reference = dialect.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(codec)
    assert a_frame(12_345_678_901).data == bytes(reference)


def test_time_stamps_count_ten_microseconds_since_2015() -> None:
    assert ticks_at(datetime(2015, 1, 1, 0, 0, 1, tzinfo=UTC)) == TICKS_PER_S
    assert ticks_at(datetime(1999, 1, 1, tzinfo=UTC)) == 0


def test_a_frame_is_taken_once(ours: SigningClock) -> None:
    verifier, stamp = Verifier(KEY, ours), ours.next()
    assert verifier.check(a_frame(stamp)) is Verdict.SIGNED
    assert verifier.check(a_frame(stamp)) is Verdict.REPLAYED
    assert verifier.check(a_frame(stamp - 1)) is Verdict.REPLAYED
    assert verifier.check(a_frame(stamp + 1)) is Verdict.SIGNED


def test_streams_do_not_disturb_each_other(ours: SigningClock) -> None:
    verifier, stamp = Verifier(KEY, ours), ours.next()
    assert verifier.check(a_frame(stamp + 9, link_id=1)) is Verdict.SIGNED
    assert verifier.check(a_frame(stamp, link_id=2)) is Verdict.SIGNED
    assert verifier.check(a_frame(stamp, link_id=1, source=MavAddress(11, 1))) is Verdict.SIGNED


def test_a_forged_frame_from_the_future_does_not_lock_the_vehicle_out(ours: SigningClock) -> None:
    verifier = Verifier(KEY, ours)
    assert verifier.check(a_frame(ours.next())) is Verdict.SIGNED
    for _ in range(100):
        assert verifier.check(a_frame(2**47, key=OTHER)) is Verdict.FORGED
    assert verifier.check(a_frame(ours.next())) is Verdict.SIGNED


def test_any_flipped_bit_of_a_signature_block_is_found(ours: SigningClock) -> None:
    verifier, good = Verifier(KEY, ours), a_frame(ours.next())
    for bit in range(13 * 8):
        data = bytearray(good.data)
        data[-13 + bit // 8] ^= 1 << bit % 8
        (frame,) = Framer(CRC_EXTRA).feed(bytes(data))
        assert verifier.check(frame) is Verdict.FORGED
    assert verifier.check(good) is Verdict.SIGNED


def test_a_new_stream_may_be_a_minute_behind_and_no_more(ours: SigningClock) -> None:
    verifier = Verifier(KEY, ours)
    assert verifier.check(a_frame(ours.now() - 59 * TICKS_PER_S, link_id=1)) is Verdict.SIGNED
    assert verifier.check(a_frame(ours.now() - 61 * TICKS_PER_S, link_id=2)) is Verdict.LATE


def test_forged_frames_make_no_streams_and_too_many_genuine_ones_let_nothing_be_replayed(ours: SigningClock) -> None:
    verifier, begin = Verifier(KEY, ours), ours.now()
    for link in range(200):
        verifier.check(a_frame(begin, key=OTHER, link_id=link))
    assert verifier._streams == {}
    for link in range(200):
        assert verifier.check(a_frame(begin + link, link_id=link)) is Verdict.SIGNED
    assert len(verifier._streams) == 32
    for link in range(200):
        assert verifier.check(a_frame(begin + link, link_id=link)) is Verdict.REPLAYED


def test_what_was_taken_before_a_restart_is_not_taken_after_it(ours: SigningClock, clock: WallClock) -> None:
    before = Verifier(KEY, ours)
    frame = a_frame(ours.next())
    before.check(frame)
    assert Verifier(KEY, SigningClock(clock, ours.now()), newest=before.newest).check(frame) is Verdict.REPLAYED


@pytest.mark.parametrize("step", [timedelta(days=-1), timedelta(hours=-1), timedelta(days=1), timedelta(days=-4000)])
def test_our_time_never_goes_back_whatever_the_wall_clock_does(clock: WallClock, step: timedelta) -> None:
    ours = SigningClock(clock)
    before = ours.next()
    clock.step = step
    clock.advance(10)
    after = ours.next()
    assert after >= before + 10 * TICKS_PER_S - 1
    restarted = SigningClock(clock, saved=ours.now() - 20 * TICKS_PER_S)
    assert restarted.next() > ours.next() + RESTART_MARGIN - 21 * TICKS_PER_S


def test_a_thousand_restarts_and_clock_steps_never_repeat_a_stamp(clock: WallClock) -> None:
    rng, last, saved = random.Random(3), 0, 0
    for _ in range(1_000):
        ours = SigningClock(clock, saved)
        clock.step = timedelta(seconds=rng.uniform(-86_400, 86_400))
        saved = ours.now()
        for _ in range(rng.randint(1, 5)):
            clock.advance(rng.uniform(0, 5))
            stamp = ours.next()
            assert stamp > last
            last = stamp


def test_a_vehicle_that_is_ahead_of_us_is_answered_in_its_time(ours: SigningClock) -> None:
    seal, ahead = Seal(SigningPolicy.REQUIRE, KEY, ours), ours.now() + 3600 * TICKS_PER_S
    assert seal.look(a_frame(ahead)) is Verdict.SIGNED
    signer = seal.signer(5)
    assert signer is not None
    assert (signer.stamp(), signer.stamp()) == (ahead + 1, ahead + 2)
    assert 3599 < seal.far_ahead_s <= 3600


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        (SigningPolicy.OFF, {Verdict.SIGNED, Verdict.UNSIGNED, Verdict.MAVLINK_1}),
        (SigningPolicy.PREFER, {Verdict.SIGNED, Verdict.UNSIGNED, Verdict.MAVLINK_1}),
        (SigningPolicy.REQUIRE, {Verdict.SIGNED}),
    ],
)
def test_each_policy_admits_what_it_says(policy: SigningPolicy, admitted: set[Verdict], ours: SigningClock) -> None:
    seal = Seal(policy, KEY, ours)
    assert {verdict for verdict in Verdict if seal.admits(verdict, 0)} == admitted


def test_radios_are_heard_without_a_key(ours: SigningClock) -> None:
    assert Seal(SigningPolicy.REQUIRE, KEY, ours).admits(Verdict.UNSIGNED, dialect.MAVLINK_MSG_ID_RADIO_STATUS)


def test_a_vehicle_that_must_sign_but_has_no_key_is_not_heard(ours: SigningClock) -> None:
    seal = Seal(SigningPolicy.REQUIRE, None, ours)
    assert not seal.admits(seal.look(a_frame(ours.next())), 0)


def test_a_log_keeps_frames_without_their_signatures(ours: SigningClock) -> None:
    (frame,) = Decoder().feed(a_frame(ours.next()).data)
    (kept,) = Decoder().feed(unsigned(frame))
    assert kept.frame.signature is None
    assert (kept.packet, kept.source, kept.sequence) == (frame.packet, frame.source, frame.sequence)
