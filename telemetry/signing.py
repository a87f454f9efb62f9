"""MAVLink 2 signing, ours throughout: a clock that never goes back, what signs, what verifies, what a policy admits.

Source: MAVLink developer guide, "Message Signing"; for what vehicles do, ArduPilot, GCS_Signing.cpp.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

from core.clock import Clock
from core.ids import VehicleId
from missions.enrollment import SigningMemory, SigningPolicy
from telemetry.framing import RawFrame, hash48

KEY_BYTES = 32
TICKS_PER_S = 100_000  # a time stamp counts 10 µs
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_LAST_TICK = 2**48 - 1
# What may have been signed between the last saving and a crash; at least twice the time between two savings.
RESTART_MARGIN = 60 * TICKS_PER_S
SAVE_EVERY_S = 20.0
# A stream that was never heard may be this far behind our time.
_NEW_STREAM_BEHIND = 60 * TICKS_PER_S
_MAX_STREAMS = 32
# RADIO_STATUS and RADIO: telemetry radios make them up themselves and have no key.
_NEVER_SIGNED = frozenset({109, 166})


def ticks_at(at: datetime) -> int:
    """A time stamp for the wall clock's time; 0 before 2015."""
    return max(0, int((at - _EPOCH).total_seconds() * TICKS_PER_S))


class SigningClock:
    """Time stamps that never repeat and never go back, across restarts and whatever the wall clock does.

    `saved`: what `now` said when it was last saved. Between its readings the clock runs with the monotonic clock and
    is only ever pulled ahead by the wall clock.
    """

    def __init__(self, clock: Clock, saved: int = 0) -> None:
        self._clock = clock
        self._at_s = clock.mono_s()
        self._ticks = max(saved + RESTART_MARGIN if saved else 0, ticks_at(clock.now()))
        self._given = self._ticks

    def now(self) -> int:
        """The time; nothing given so far is later."""
        mono_s = self._clock.mono_s()
        run = self._ticks + int((mono_s - self._at_s) * TICKS_PER_S)
        wall = ticks_at(self._clock.now())
        if wall > run:
            self._ticks, self._at_s, run = wall, mono_s, wall
        return min(max(run, self._given), _LAST_TICK)

    def next(self) -> int:
        """A time stamp for one frame."""
        self._given = max(self.now(), self._given + 1)
        return min(self._given, _LAST_TICK)


class Verdict(StrEnum):
    """What a look at a frame's signature found."""

    SIGNED = "signed"  # by the key's owner, just now
    UNSIGNED = "unsigned"
    MAVLINK_1 = "mavlink1"  # cannot be signed
    FORGED = "forged"  # the hash is wrong: another key, or no key at all
    REPLAYED = "replayed"  # not newer than the newest of its stream
    LATE = "late"  # a new stream, more than a minute behind


class Verifier:
    """Whether frames are signed with one vehicle's key, and fresh.

    The hash comes first: a frame with a wrong one changes nothing here. Streams (link id, system, component) come
    into being with a verified frame only. Of more than 32 the one with the oldest time makes room, and from then on a
    new stream has to be newer than it was, so that nothing of it can be replayed.
    """

    def __init__(self, key: bytes, clock: SigningClock, *, newest: int = 0) -> None:
        """`newest`: the newest time stamp of the vehicle before a restart; nothing up to it is taken again."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a signing key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self._clock = clock
        self._streams: dict[tuple[int, int, int], int] = {}
        self._floor = newest
        self.newest = newest

    def check(self, frame: RawFrame) -> Verdict:
        """Looks at one frame, and remembers it if it is good."""
        signature = frame.signature
        if signature is None:
            return Verdict.MAVLINK_1 if frame.is_mavlink1 else Verdict.UNSIGNED
        if not hmac.compare_digest(hash48(self._key, frame.data[:-6]), signature.hash48):
            return Verdict.FORGED
        stream = (signature.link_id, frame.system_id, frame.component_id)
        refused = self._refused(stream, signature.timestamp)
        if refused is None:
            self._remember(stream, signature.timestamp)
        return refused or Verdict.SIGNED

    def _refused(self, stream: tuple[int, int, int], timestamp: int) -> Verdict | None:
        last = self._streams.get(stream)
        if last is not None:
            return Verdict.REPLAYED if timestamp <= last else None
        if timestamp <= self._floor:
            return Verdict.REPLAYED
        return Verdict.LATE if timestamp + _NEW_STREAM_BEHIND < self._clock.now() else None

    def _remember(self, stream: tuple[int, int, int], timestamp: int) -> None:
        if stream not in self._streams and len(self._streams) >= _MAX_STREAMS:
            oldest = min(self._streams, key=self._streams.__getitem__)
            self._floor = max(self._floor, self._streams.pop(oldest))
        self._streams[stream] = timestamp
        self.newest = max(self.newest, timestamp)


class Seal:
    """One vehicle's signing: its policy on what comes in, its key on what goes out.

    `counts` tells the verdicts of what was looked at; `far_ahead_s` by how much the vehicle's time is ahead of ours,
    as spoofed GPS or a wrong clock make it.
    """

    def __init__(self, policy: SigningPolicy, key: bytes | None, clock: SigningClock, *, newest: int = 0) -> None:
        self.policy = policy if key else SigningPolicy.OFF if policy is SigningPolicy.PREFER else policy
        self.counts: Counter[Verdict] = Counter()
        self._key = key if policy is not SigningPolicy.OFF else None
        self._clock = clock
        self._verifier = Verifier(self._key, clock, newest=newest) if self._key else None
        self._stamped = 0

    def look(self, frame: RawFrame) -> Verdict:
        """What the frame's signature says. Only SIGNED proves anything; signing that is off looks at nothing."""
        if self._verifier is None:
            verdict = Verdict.MAVLINK_1 if frame.is_mavlink1 else Verdict.UNSIGNED
        else:
            verdict = self._verifier.check(frame)
        self.counts[verdict] += 1
        return verdict

    def admits(self, verdict: Verdict, message_id: int) -> bool:
        """Whether the policy lets a frame with this verdict in."""
        if verdict is Verdict.SIGNED or message_id in _NEVER_SIGNED:
            return True
        return verdict in (Verdict.UNSIGNED, Verdict.MAVLINK_1) and self.policy is not SigningPolicy.REQUIRE

    @property
    def has_key(self) -> bool:
        return self._key is not None

    @property
    def newest(self) -> int:
        """The newest verified time stamp of the vehicle, for saving."""
        return self._verifier.newest if self._verifier else 0

    @property
    def far_ahead_s(self) -> float:
        return max(0.0, (self.newest - self._clock.now()) / TICKS_PER_S)

    def signer(self, link_id: int) -> Signer | None:
        """What signs our frames to the vehicle on the path that `link_id` stands for; None when nothing is signed."""
        return Signer(self._key, link_id, self._stamp) if self._key else None

    def _stamp(self) -> int:
        # A vehicle that is ahead of us (its GPS sets its time) takes no new stream that is a minute behind it.
        self._stamped = max(self._clock.next(), self.newest + 1, self._stamped + 1)
        return self._stamped


class Signer:
    """Signs frames for one vehicle on one path. `stamp` gives a new time stamp for each."""

    def __init__(self, key: bytes, link_id: int, stamp: Callable[[], int]) -> None:
        self.key = key
        self.link_id = link_id
        self.stamp = stamp


class SigningBook:
    """All signing of one gateway: its clock, the link ids of its paths, its vehicles' seals, and what to save."""

    def __init__(self, clock: Clock, memory: SigningMemory | None = None) -> None:
        memory = memory or SigningMemory()
        self.clock = SigningClock(clock, memory.clock)
        self._link_ids = dict(memory.link_ids)
        self._newest = dict(memory.newest)
        self._seals: dict[VehicleId, Seal] = {}

    def link_id(self, path: str) -> int:
        """The id that stands for a physical path, the same for good: vehicles keep 16 streams and never free one.

        Raises ValueError when 255 paths were named.
        """
        if path not in self._link_ids:
            used = set(self._link_ids.values())
            free = [number for number in range(1, 256) if number not in used]
            if not free:
                raise ValueError("signing tells no more than 255 paths apart")
            self._link_ids[path] = free[0]
        return self._link_ids[path]

    def seal(self, vehicle_id: VehicleId, policy: SigningPolicy, key: bytes | None) -> Seal:
        """A vehicle's seal. A key that was changed starts anew; the same key goes on where it was."""
        if (before := self._seals.get(vehicle_id)) is not None:
            self._newest[vehicle_id] = before.newest
        seal = Seal(policy, key, self.clock, newest=self._newest.get(vehicle_id, 0))
        self._seals[vehicle_id] = seal
        return seal

    def memory(self) -> SigningMemory:
        """What has to be saved every `SAVE_EVERY_S`."""
        newest = {
            vehicle_id: max(seal.newest, self._newest.get(vehicle_id, 0)) for vehicle_id, seal in self._seals.items()
        }
        return SigningMemory(self.clock.now(), dict(self._link_ids), {**self._newest, **newest})
