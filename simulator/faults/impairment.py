"""What a bad link does to what it carries, decided from a seed: datagrams and times in, deliveries out."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Self

from simulator.faults.frames import pieces

_DRAWS = 9
"""Random numbers per datagram, used or not: the luck of the n-th datagram does not depend on the faults before it."""
DEFAULT_HELD_BACK_S = 0.1


@dataclass(frozen=True, slots=True)
class Faults:
    """What one direction of a link does; the default is a perfect one. Shares are 0..1 of the datagrams.

    ``loss``: share that vanishes, in bursts of ``loss_burst`` on average (1: each by itself). ``delay_s`` for every
    datagram, and up to ``jitter_s`` more, evenly spread, so that later ones may overtake. ``reorder``: share that is
    held back ``reorder_by_s`` longer. ``duplicate``: share that arrives twice. ``truncate``: share that loses its
    end. ``corrupt``: share with one flipped bit. ``rate_bytes_s``: 0 is unlimited; ``queue_s`` is how much may wait
    for its turn before datagrams are dropped. ``cut``: nothing passes. ``drop_messages``: MAVLink message ids that
    do not pass; other frames of the same datagram do.
    """

    loss: float = 0.0
    loss_burst: float = 1.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    reorder_by_s: float = DEFAULT_HELD_BACK_S
    duplicate: float = 0.0
    truncate: float = 0.0
    corrupt: float = 0.0
    rate_bytes_s: float = 0.0
    queue_s: float = 1.0
    cut: bool = False
    drop_messages: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for name in ("loss", "reorder", "duplicate", "truncate", "corrupt"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a share from 0 to 1, not {getattr(self, name)}")
        for name in ("delay_s", "jitter_s", "reorder_by_s", "rate_bytes_s", "queue_s"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must not be negative nor infinite, but is {getattr(self, name)}")
        if not self.loss_burst >= 1.0:
            raise ValueError(f"loss_burst is at least 1 datagram, not {self.loss_burst}")

    def sped_up(self, factor: float) -> Self:
        """The same link to a simulation that runs ``factor`` times as fast as the clock."""
        return replace(
            self,
            delay_s=self.delay_s / factor,
            jitter_s=self.jitter_s / factor,
            reorder_by_s=self.reorder_by_s / factor,
            queue_s=self.queue_s / factor,
            rate_bytes_s=self.rate_bytes_s * factor,
        )


PERFECT = Faults()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes that arrive at a time of the same clock as the one that was handed in."""

    at_s: float
    data: bytes


class Impairment:
    """One direction of a link. The same seed and the same datagrams at the same times give the same deliveries.

    ``faults`` may be exchanged at any time. ``counts`` says what was done to how many datagrams.
    """

    def __init__(self, seed: int | str, faults: Faults = PERFECT) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._losing = False
        self._free_at_s = 0.0
        """When the last bytes in the queue of a limited rate will have left."""

    def decide(self, datagram: bytes, now_s: float) -> tuple[Delivery, ...]:
        """What arrives of a datagram sent at ``now_s``: nothing, it, or it twice, in the order of sending."""
        luck = [self._random.random() for _ in range(_DRAWS)]
        faults = self.faults
        self.counts["sent"] += 1
        lost = self._lost(luck[0], faults)
        data = _without(datagram, faults.drop_messages) if faults.drop_messages else datagram
        if faults.cut or lost or not data:
            self.counts["cut" if faults.cut else "lost" if lost else "dropped by message"] += 1
            return ()
        leaves_s = self._leaves_s(len(data), now_s, faults)
        if leaves_s is None:
            self.counts["dropped, queue full"] += 1
            return ()
        first = Delivery(self._arrives_s(leaves_s, luck[1], luck[2], faults), self._damaged(data, luck, faults))
        if luck[3] >= faults.duplicate:
            return (first,)
        self.counts["duplicated"] += 1
        return (first, replace(first, at_s=self._arrives_s(leaves_s, luck[4], 1.0, faults)))

    def _lost(self, luck: float, faults: Faults) -> bool:
        """Two-state loss (Gilbert, 1960): in a burst everything is lost; bursts last ``loss_burst`` on average."""
        if faults.loss >= 1.0:
            return True
        if self._losing:
            self._losing = luck < 1.0 - 1.0 / faults.loss_burst if faults.loss_burst > 1.0 else luck < faults.loss
        elif faults.loss_burst > 1.0:
            self._losing = luck < faults.loss / (faults.loss_burst * (1.0 - faults.loss))
        else:
            self._losing = luck < faults.loss
        return self._losing

    def _leaves_s(self, size: int, now_s: float, faults: Faults) -> float | None:
        """When the last byte is on the way; None when too much waits before it."""
        if not faults.rate_bytes_s:
            return now_s
        begins_s = max(now_s, self._free_at_s)
        if begins_s - now_s > faults.queue_s:
            return None
        self._free_at_s = begins_s + size / faults.rate_bytes_s
        return self._free_at_s

    def _arrives_s(self, leaves_s: float, jitter: float, reorder: float, faults: Faults) -> float:
        at_s = leaves_s + faults.delay_s + jitter * faults.jitter_s
        if reorder >= faults.reorder:
            return at_s
        self.counts["held back"] += 1
        return at_s + faults.reorder_by_s

    def _damaged(self, data: bytes, luck: list[float], faults: Faults) -> bytes:
        if luck[5] < faults.truncate and len(data) > 1:
            self.counts["truncated"] += 1
            data = data[: 1 + int(luck[6] * (len(data) - 1))]
        if luck[7] < faults.corrupt:
            self.counts["corrupted"] += 1
            bit = int(luck[8] * len(data) * 8)
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            data = bytes(flipped)
        return data


def _without(datagram: bytes, message_ids: frozenset[int]) -> bytes:
    return b"".join(piece.data for piece in pieces(datagram) if piece.message_id not in message_ids)
