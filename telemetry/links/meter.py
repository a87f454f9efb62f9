"""A link's health as it is counted: state, bytes, frames, sequence loss, duplicates, round trips."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from core.clock import Clock
from telemetry.links.port import LinkChange, LinkCondition, LinkConfig, LinkHealth, OnChange, Peer

Source = tuple[Peer, int, int]

# A frame that comes this much later than a newer one of its sender was reordered, not lost (reliability guide, 2).
REORDER_WINDOW = 16
# Senders whose sequence numbers are followed; those that were silent longest go first.
MAX_SOURCES = 2_048
# Loss is told over this time at least, twice as much at most.
_PERIOD_S = 30.0
# Share by which a new round trip moves the smoothed one.
_RTT_GAIN = 0.25
ALL_SEEN = (1 << REORDER_WINDOW) - 1


@dataclass(frozen=True, slots=True)
class Found:
    """What one sequence number says: frames that are known to be lost by now, and whether this one came before."""

    lost: int = 0
    duplicate: bool = False


class SequenceWatch:
    """Sequence numbers (8 bit) of one sender, for metrics only: they cannot tell a repeat from a restart."""

    __slots__ = ("expected", "seen", "used")

    def __init__(self) -> None:
        self.expected = -1  # what follows the newest one; -1: none came yet
        self.seen = 0  # bit n: the frame n before the newest one came
        self.used = 0  # the link's count of frames when this one was taken last

    def take(self, sequence: int) -> Found:
        """Counts one frame."""
        if self.expected < 0:
            return self._start(sequence)
        ahead = (sequence - self.expected + 1) % 256
        if 0 < ahead < 128:
            return self._advance(sequence, ahead)
        behind = (256 - ahead) % 256
        if behind >= REORDER_WINDOW:
            return self._start(sequence)
        duplicate = bool(self.seen >> behind & 1)
        self.seen |= 1 << behind
        return Found(duplicate=duplicate)

    def _start(self, sequence: int) -> Found:
        """The first frame, or a sender that began anew: nothing before it is missed."""
        self.seen, self.expected = ALL_SEEN, (sequence + 1) % 256
        return Found()

    def _advance(self, sequence: int, ahead: int) -> Found:
        """What leaves the window without having come is lost."""
        leaving = min(ahead, REORDER_WINDOW)
        gone = self.seen >> (REORDER_WINDOW - leaving)
        lost = leaving - gone.bit_count() + max(0, ahead - REORDER_WINDOW)
        self.seen, self.expected = (self.seen << ahead | 1) & ALL_SEEN, (sequence + 1) % 256
        return Found(lost=lost)


@dataclass(slots=True)
class _Tally:
    came: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Sequences:
    """All senders of a link, and the loss of this period and the one before."""

    began_s: float
    watches: dict[Source, SequenceWatch] = field(default_factory=dict)
    now: _Tally = field(default_factory=_Tally)
    before: _Tally = field(default_factory=_Tally)

    def watch(self, source: Source) -> SequenceWatch:
        """The watch over one sender."""
        watch = self.watches.get(source)
        if watch is None:
            if len(self.watches) >= MAX_SOURCES:
                self._make_room()
            watch = self.watches[source] = SequenceWatch()
        return watch

    def _make_room(self) -> None:
        """Half of them at once, so that a flood of new senders does not make this a habit."""
        silent = sorted(self.watches, key=lambda source: self.watches[source].used)
        for source in silent[: MAX_SOURCES // 2]:
            del self.watches[source]

    def take(self, watch: SequenceWatch, sequence: int) -> bool:
        """Counts one frame; whether it came before."""
        found = watch.take(sequence)
        self.now.came += not found.duplicate
        self.now.lost += found.lost
        return found.duplicate

    def share(self, now_s: float) -> float | None:
        """Lost of all that were sent in the last two periods."""
        if now_s - self.began_s >= _PERIOD_S:
            self.before = self.now if now_s - self.began_s < 2 * _PERIOD_S else _Tally()
            self.now, self.began_s = _Tally(), now_s
        lost = self.now.lost + self.before.lost
        sent = self.now.came + self.before.came + lost
        return lost / sent if sent else None


class Meter:
    """Counts for one link. The link tells bytes and state, whoever decodes tells frames (`FrameCounts`)."""

    def __init__(self, config: LinkConfig, clock: Clock, on_change: OnChange) -> None:
        self._health = LinkHealth(config.name, config.url, LinkCondition.DOWN, since=clock.now())
        self._clock = clock
        self._on_change = on_change
        self._told_down = False
        self._sequences = _Sequences(clock.mono_s())
        self._rtt_s: float | None = None
        self.rx_bytes = self.tx_bytes = self.frames = self.bad_crc = self.duplicates = 0
        self.oversized = self.refused = self.unsent = 0

    # --- state, told once ---

    def up(self, state: LinkCondition = LinkCondition.UP) -> None:
        """It carries frames from now on."""
        connects = self._health.connects + 1
        self._health = replace(self._health, state=state, since=self._clock.now(), why=None, connects=connects)
        if self._told_down:
            self._told_down = False
            self._on_change(LinkChange(self._health.name, True, f"Link {self._health.name} is up again."))

    def down(self, why: str) -> None:
        """It carries nothing any more, or never did; said once until it is up again."""
        if self._health.state is not LinkCondition.DOWN:
            self._health = replace(self._health, state=LinkCondition.DOWN, since=self._clock.now())
        self._health = replace(self._health, why=why)
        if not self._told_down:
            self._told_down = True
            text = f"Link {self._health.name} ({self._health.url}) is down: {why}; trying again."
            self._on_change(LinkChange(self._health.name, False, text))

    def ended(self, why: str) -> None:
        """It carries nothing any more, as it should be."""
        self._health = replace(self._health, state=LinkCondition.DOWN, since=self._clock.now(), why=why)

    # --- what was found in its bytes ---

    def frame(self, source: Source, sequence: int) -> None:
        self.frame_of(self._sequences.watch(source), sequence)

    def watch(self, source: Source) -> SequenceWatch:
        return self._sequences.watch(source)

    def frame_of(self, watch: SequenceWatch, sequence: int) -> None:
        self.frames += 1
        watch.used = self.frames
        if sequence == watch.expected and watch.seen == ALL_SEEN:  # nothing is missing: as nearly always
            watch.expected = (sequence + 1) % 256
            self._sequences.now.came += 1
        else:
            self.duplicates += self._sequences.take(watch, sequence)

    def frames_of_many(self, count: int, size: int, lost: int) -> None:
        """So many frames, none of which came before, of so many bytes; others of their senders are lost."""
        self.frames += count
        self._sequences.now.came += count
        self._sequences.now.lost += lost
        self.rx_bytes += size

    def damaged(self, count: int) -> None:
        self.bad_crc += count

    def round_trip(self, seconds: float) -> None:
        old_s = self._rtt_s
        self._rtt_s = seconds if old_s is None else old_s + _RTT_GAIN * (seconds - old_s)

    def health(self, dropped: int = 0) -> LinkHealth:
        """Everything as of now. `dropped`: what only the transport knows."""
        share = self._sequences.share(self._clock.mono_s())
        return replace(
            self._health,
            rx_bytes=self.rx_bytes,
            tx_bytes=self.tx_bytes,
            frames=self.frames,
            bad_crc=self.bad_crc,
            lost_share=None if share is None else round(share, 4),
            duplicates=self.duplicates,
            rtt_s=None if self._rtt_s is None else round(self._rtt_s, 4),
            oversized=self.oversized,
            refused=self.refused,
            unsent=self.unsent,
            dropped=dropped,
        )
