"""When the heart beats, and to whom: the watchdog and the schedule, with time and messages handed in.

Plain classes and standard library only: `dataclasses` alone would add a fifth to the process's memory.
"""

from __future__ import annotations

from telemetry.heart.frame import heartbeat, signature

# Not fed for so long: the core is dead or frozen, and the vehicles' own failsafe is what has to act. Reliability
# guide, section 2: with FS_GCS_TIMEOUT of 5 s they act 8.5 s after the core stopped, at the latest. A core that is
# only slow, with a stall of two seconds on a machine with too much to do, must come back before it.
FED_WITHIN_S = 3.4
# Signing stamps count 10 µs.
_STAMPS_PER_S = 100_000


class Signing:
    """How the beats to one vehicle are signed: a link id of its own keeps its stamps from meeting others'."""

    __slots__ = ("_last", "key", "link_id", "mono_s", "stamp")

    def __init__(self, key: bytes, link_id: int, mono_s: float, stamp: int) -> None:
        """`stamp` was the time of signing at `mono_s` on the machine's monotonic clock, which both processes read."""
        self.key, self.link_id = key, link_id
        self.mono_s, self.stamp = mono_s, stamp
        self._last = 0

    def advance(self, mono_s: float, stamp: int) -> None:
        """The vehicle's signing time runs ahead: it is `stamp` at `mono_s`."""
        self.mono_s, self.stamp = mono_s, stamp

    def sign(self, frame: bytes, now_s: float) -> bytes:
        """`frame` with its signature; stamps never repeat or go back."""
        self._last = max(self._last + 1, self.stamp + int((now_s - self.mono_s) * _STAMPS_PER_S))
        return frame + signature(frame, self.key, self.link_id, self._last)


class Target:
    """One peer that gets heartbeats: which socket, which address on it, how often."""

    __slots__ = ("_sequence", "address", "due_s", "every_s", "signing", "socket_id", "source")

    def __init__(
        self,
        socket_id: int,
        address: tuple[str, int] | None,
        every_s: float,
        source: tuple[int, int],
        signing: Signing | None,
    ) -> None:
        self.socket_id, self.address, self.every_s = socket_id, address, every_s
        self.source, self.signing = source, signing
        self.due_s = 0.0
        self._sequence = 0

    def frame(self, now_s: float) -> bytes:
        """The next heartbeat to this peer."""
        frame = heartbeat(self._sequence, *self.source, signed=self.signing is not None)
        self._sequence = (self._sequence + 1) % 256
        return frame if self.signing is None else self.signing.sign(frame, now_s)


class Beating:
    """Who is to be beaten to, and whether the core still lives. Pure: the caller has the clock and the sockets."""

    def __init__(self) -> None:
        self.targets: dict[int, Target] = {}
        self.fed_s: float | None = None
        self.ended = False
        self._spared = False

    def feed(self, at_s: float) -> None:
        """The core worked at `at_s`; a message that came late does not make it younger."""
        self.fed_s = at_s if self.fed_s is None else max(self.fed_s, at_s)

    def spare(self, now_s: float) -> None:
        """A successor of the dead core starts: beat on as if fed now. Once, so that a platform that is started again
        and again and never comes up does not keep the vehicles from their failsafe."""
        if not self._spared and self.beats(now_s):
            self._spared = True
            self.feed(now_s)

    def beats(self, now_s: float) -> bool:
        """Whether heartbeats go out: the core was fed lately."""
        return self.fed_s is not None and now_s - self.fed_s <= FED_WITHIN_S

    def due(self, now_s: float) -> list[tuple[Target, bytes]]:
        """The frames to send now. A beat that is late is not made up for."""
        if not self.beats(now_s):
            return []
        sent = []
        for target in self.targets.values():
            if target.due_s <= now_s:
                sent.append((target, target.frame(now_s)))
                on_time_s = target.due_s + target.every_s
                target.due_s = on_time_s if on_time_s > now_s else now_s + target.every_s
        return sent

    def wait_s(self, now_s: float, longest_s: float) -> float:
        """How long nothing is to be done, unless a message comes."""
        if not self.beats(now_s):
            return longest_s
        return min([longest_s, *(max(0.0, target.due_s - now_s) for target in self.targets.values())])
