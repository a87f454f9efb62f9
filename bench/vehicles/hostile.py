"""Frames that are damaged, invented, forged or replayed, among genuine ones: what gets in, and what it costs."""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable, Iterator

from bench.figure import Figure
from bench.process import rss_mib
from core.clock import ManualClock
from telemetry.framing import Framer, Header, build, checksum
from telemetry.packets import Heartbeat, MissionCount, MissionType, Timesync
from telemetry.signing import Signer, SigningClock, Verdict, Verifier
from telemetry.wire import CRC_EXTRA, Decoder, Encoder, MavAddress

_KEY = bytes(range(32))
_US, _ALL = MavAddress(255, 190), MavAddress(0, 0)
# Every so many hostile frames a genuine one comes, which has to get through.
_GENUINE_EVERY = 100
_UNKNOWN = (9_999, 50_000, 0xABCDEF, 0xFFFFFF)

Hostile = Callable[[random.Random, bytes], bytes]


def hostile(malformed: int = 10_000_000, forged: int = 1_000_000) -> Iterator[Figure]:
    """Malformed frames into a decoder, then forged and replayed signatures into a verifier."""
    yield from _malformed(malformed)
    yield from _forged(forged)


# --- damaged and invented frames ---


def _malformed(count: int) -> Iterator[Figure]:
    rng, decoder, made = random.Random(1), Decoder(), _genuine_frames()
    for _ in range(1_000):  # what the process needs anyway is not growth
        list(decoder.feed(_spoil(rng, rng.choice(made))))
    gc.collect()
    before_mib, began_s = rss_mib(os.getpid()), time.perf_counter()
    verifier = Verifier(_KEY, SigningClock(ManualClock()))
    passed = accepted = lost = 0
    for number in range(count):
        for frame in decoder.feed(_spoil(rng, rng.choice(made))):
            if frame.raw not in made:
                passed += 1
                accepted += verifier.check(frame.frame) is Verdict.SIGNED
        if number % _GENUINE_EVERY == 0:
            genuine = rng.choice(made)
            lost += genuine not in [frame.raw for frame in decoder.feed(genuine)]
    took_s = time.perf_counter() - began_s
    gc.collect()
    yield Figure("hostile.malformed.frames", count, "frames")
    # A checksum of 16 bits lets one of 65 536 frames through whose length is a lie; a signature lets none.
    yield Figure("hostile.malformed.passed_checksum", passed, "frames")
    yield Figure("hostile.malformed.accepted", accepted, "frames", 0)
    yield Figure("hostile.malformed.genuine_lost", lost, "frames", 0)
    yield Figure("hostile.malformed.growth", rss_mib(os.getpid()) - before_mib, "MiB", 32)
    yield Figure("hostile.malformed.rate", count / took_s, "frames/s", better="higher")


def _genuine_frames() -> list[bytes]:
    encoder, clock = Encoder(_US), SigningClock(ManualClock())
    packets = (
        Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4),
        MissionCount(12, MissionType.FENCE),
        Timesync(123_456_789_012, 987_654_321),
    )
    signer = Signer(_KEY, 1, clock.next)
    return [encoder.frame(packet, _ALL, seal) for packet in packets for seal in (None, signer)]


def _spoil(rng: random.Random, frame: bytes) -> bytes:
    return rng.choice(_WAYS)(rng, frame)


def _flipped(rng: random.Random, frame: bytes) -> bytes:
    """One to three bits of what the checksum covers; it finds any three in a frame (Hamming distance 4)."""
    data, end = bytearray(frame), _covered(frame)
    for bit in rng.sample(range(8, 8 * end), rng.randint(1, 3)):
        data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def _burst(rng: random.Random, frame: bytes) -> bytes:
    """Up to 16 neighbouring bits; a CRC of 16 bits finds any such burst."""
    end = _covered(frame)
    length = rng.randint(1, 16)
    at = rng.randrange(8, 8 * end - length)
    pattern = (rng.getrandbits(length) | 1) << at
    return (int.from_bytes(frame, "little") ^ pattern).to_bytes(len(frame), "little")


def _covered(frame: bytes) -> int:
    """Where the checksum ends."""
    return 12 + frame[1]


def _cut(rng: random.Random, frame: bytes) -> bytes:
    return frame[: rng.randrange(1, _covered(frame))]


def _noise(rng: random.Random, frame: bytes) -> bytes:  # noqa: ARG001 - noise comes of nothing
    return rng.randbytes(rng.randint(1, 64))


def _unknown(rng: random.Random, frame: bytes) -> bytes:
    """A whole frame with a checksum, of a message that nobody knows."""
    header = Header(rng.randrange(256), rng.randrange(256), 1, rng.choice(_UNKNOWN))
    return build(header, frame[10 : 10 + frame[1]], rng.randrange(256))


def _incompatible(rng: random.Random, frame: bytes) -> bytes:
    """A right checksum, but a flag that a receiver must not ignore."""
    data, end = bytearray(frame), _covered(frame)
    data[2] = rng.choice((2, 4, 8, 16, 32, 64, 128))
    extra = CRC_EXTRA[int.from_bytes(data[7:10], "little")]
    data[end - 2 : end] = checksum(bytes(data[1 : end - 2]), extra).to_bytes(2, "little")
    return bytes(data)


def _lying_length(rng: random.Random, frame: bytes) -> bytes:
    data = bytearray(frame)
    data[1] = rng.choice([length for length in (0, 1, 100, 200, 255) if length != frame[1]])
    return bytes(data)


_WAYS: tuple[Hostile, ...] = (_flipped, _burst, _cut, _noise, _unknown, _incompatible, _lying_length)


# --- forged signatures ---


def _forged(count: int) -> Iterator[Figure]:
    rng, clock = random.Random(2), SigningClock(ManualClock())
    verifier, framer, encoder = Verifier(_KEY, clock), Framer(CRC_EXTRA), Encoder(MavAddress(11, 1))
    taken = blocked = 0
    genuine, began_s = _signed(encoder, _KEY, 1, clock.next()), time.perf_counter()
    blocked += _verdict(verifier, framer, genuine) is not Verdict.SIGNED
    for number in range(count):
        taken += _verdict(verifier, framer, _forgery(rng, encoder, clock, genuine)) is Verdict.SIGNED
        if number % _GENUINE_EVERY == 0:
            genuine = _signed(encoder, _KEY, 1, clock.next())
            blocked += _verdict(verifier, framer, genuine) is not Verdict.SIGNED
    yield Figure("hostile.forged.frames", count, "frames")
    yield Figure("hostile.forged.accepted", taken, "frames", 0)
    yield Figure("hostile.forged.genuine_blocked", blocked, "frames", 0)
    yield Figure("hostile.forged.rate", count / (time.perf_counter() - began_s), "frames/s", better="higher")


def _forgery(rng: random.Random, encoder: Encoder, clock: SigningClock, genuine: bytes) -> bytes:
    """Another key, a far future, another stream, a changed signature, or the genuine frame once more."""
    kind = rng.randrange(5)
    if kind == 0:
        return genuine
    if kind == 1:
        data = bytearray(genuine)
        data[-1 - rng.randrange(13)] ^= 1 << rng.randrange(8)
        return bytes(data)
    stamp = (clock.now() + 1, 2**48 - 1, rng.getrandbits(48))[kind - 2]
    return _signed(encoder, rng.randbytes(32), rng.randrange(256), stamp)


def _signed(encoder: Encoder, key: bytes, link_id: int, stamp: int) -> bytes:
    return encoder.frame(Timesync(1, stamp), _ALL, Signer(key, link_id, lambda: stamp))


def _verdict(verifier: Verifier, framer: Framer, data: bytes) -> Verdict:
    (frame,) = framer.feed(data)
    return verifier.check(frame)
