"""How much a sender may say before it is parsed: token buckets, a bounded number of them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

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


class Buckets(NamedTuple):
    """Those of all senders of a link. `owners`: to which address each is lent; 0: to none."""

    owners: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.float64]
    at_s: npt.NDArray[np.float64]


class SenderQuota:
    """Which datagrams are looked at at all.

    Each sender has its own bucket, so that a flood from one drowns only itself. New senders come at a limited rate
    out of one bucket for all, so that a flood from ever other addresses fills neither the table nor the processor;
    the sender that was silent longest makes room, which a vehicle that speaks every second never is.
    """

    def __init__(self, now_s: float) -> None:
        self._new = Bucket.full(NEW_SENDERS_PER_S, NEW_SENDERS_AT_ONCE, now_s)
        self._numbers: dict[Hashable, int] = {}
        self.buckets = Buckets(np.zeros(MAX_SENDERS, np.int64), np.zeros(MAX_SENDERS), np.zeros(MAX_SENDERS))
        # The same memory for who looks at one of them.
        self._tokens: memoryview[float] = cast("memoryview[float]", self.buckets.tokens.data)
        self._at_s: memoryview[float] = cast("memoryview[float]", self.buckets.at_s.data)

    def __len__(self) -> int:
        return len(self._numbers)

    def lend(self, sender: Hashable, address: int) -> int | None:
        """The bucket of a sender that was admitted, for who takes from it himself as long as it is owned by
        `address`; None: it has none any more."""
        number = self._numbers.get(sender)
        if number is not None:
            self.buckets.owners[number] = address
        return number

    def admits(self, sender: Hashable, now_s: float) -> bool:
        """Whether one more datagram of `sender` is looked at."""
        number = self._numbers.get(sender)
        if number is None:
            if not self._new.take(now_s):
                return False
            number = self._numbers[sender] = self._room()
            self._tokens[number], self._at_s[number] = DATAGRAMS_AT_ONCE, now_s
        # `Bucket.take`, written out: it is asked for every datagram.
        tokens = self._tokens[number] + (now_s - self._at_s[number]) * DATAGRAMS_PER_S
        self._at_s[number] = now_s
        tokens = min(tokens, DATAGRAMS_AT_ONCE)
        admitted = tokens >= 1.0
        self._tokens[number] = tokens - 1.0 if admitted else tokens
        return admitted

    def _room(self) -> int:
        """A bucket for one more: of those who have one, who was silent longest has none any more."""
        if len(self._numbers) < MAX_SENDERS:
            return len(self._numbers)
        number = int(np.argmin(self.buckets.at_s))  # as rare as new senders are
        self.buckets.owners[number] = 0
        del self._numbers[next(sender for sender, each in self._numbers.items() if each == number)]
        return number
