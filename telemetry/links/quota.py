"""How much a sender may say before it is parsed: token buckets, a bounded number of them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

# A vehicle streams some 50 datagrams a second; a parameter list or a log comes at ten times that.
DATAGRAMS_PER_S = 600.0
DATAGRAMS_AT_ONCE = 1_500.0
# A fleet that is switched on, or moves to another network, comes with new addresses all at once.
NEW_SENDERS_PER_S = 50.0
NEW_SENDERS_AT_ONCE = 512.0
MAX_SENDERS = 2_048


@dataclass(slots=True)
class Bucket:
    """Holds at most `size` tokens and gains `per_s` each second; full at the start."""

    per_s: float
    size: float
    tokens: float
    at_s: float

    @classmethod
    def full(cls, per_s: float, size: float, now_s: float) -> Bucket:
        return cls(per_s, size, size, now_s)

    def take(self, now_s: float, tokens: float = 1.0) -> bool:
        """Takes `tokens` if it holds them."""
        self._fill(now_s)
        if self.tokens < tokens:
            return False
        self.tokens -= tokens
        return True

    def owe(self, now_s: float, tokens: float) -> float:
        """Takes `tokens`, more than it holds if need be; after how many seconds the debt is paid."""
        self._fill(now_s)
        self.tokens -= tokens
        return max(0.0, -self.tokens / self.per_s)

    def _fill(self, now_s: float) -> None:
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s


class SenderQuota:
    """Which datagrams are looked at at all.

    Each sender has its own bucket, so that a flood from one drowns only itself. New senders come at a limited rate
    out of one bucket for all, so that a flood from ever other addresses fills neither the table nor the processor;
    the sender that was silent longest makes room, which a vehicle that speaks every second never is.
    """

    def __init__(self, now_s: float) -> None:
        self._new = Bucket.full(NEW_SENDERS_PER_S, NEW_SENDERS_AT_ONCE, now_s)
        self._buckets: dict[Hashable, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, sender: Hashable, now_s: float) -> bool:
        """Whether one more datagram of `sender` is looked at."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            if not self._new.take(now_s):
                return False
            if len(self._buckets) >= MAX_SENDERS:
                # As rare as new senders are.
                del self._buckets[min(self._buckets, key=lambda each: self._buckets[each].at_s)]
            bucket = self._buckets[sender] = Bucket.full(DATAGRAMS_PER_S, DATAGRAMS_AT_ONCE, now_s)
        # `Bucket.take`, written out: it is asked for every datagram.
        tokens = bucket.tokens + (now_s - bucket.at_s) * DATAGRAMS_PER_S
        bucket.at_s = now_s
        tokens = min(tokens, DATAGRAMS_AT_ONCE)
        admitted = tokens >= 1.0
        bucket.tokens = tokens - 1.0 if admitted else tokens
        return admitted
