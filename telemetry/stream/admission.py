"""Who may come in, and when those sent away come back: token buckets per address and in all."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import dataclass

MAX_VIEWERS = 4_096
# A herd of a thousand is let in at once, also from the one address that a whole hall sits behind; past that it waits.
PER_S, BURST = 400.0, 2_000.0
ADDRESS_PER_S, ADDRESS_BURST = 200.0, 1_000.0
MAX_ADDRESSES = 4_096


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at `per_s`, at most `burst`."""

    per_s: float
    burst: float
    tokens: float
    at_s: float

    def take(self, mono_s: float) -> float:
        """0 when a token was taken, else the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + (mono_s - self.at_s) * self.per_s)
        self.at_s = mono_s
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.per_s


class Admission:
    """Lets viewers in. An address that was not seen for long is forgotten first."""

    def __init__(self) -> None:
        self._all = Bucket(PER_S, BURST, BURST, 0.0)
        self._by_address: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, address: str, mono_s: float) -> float:
        """0: come in; else how long until the next one may."""
        mine = self._by_address.pop(address, None) or Bucket(ADDRESS_PER_S, ADDRESS_BURST, ADDRESS_BURST, mono_s)
        self._by_address[address] = mine
        while len(self._by_address) > MAX_ADDRESSES:
            self._by_address.popitem(last=False)
        return mine.take(mono_s) or self._all.take(mono_s)


def retry_after_s(least_s: float = 0.0, spread_s: float = 3.0) -> float:
    """When to come back: anywhere in the spread, so that those sent away together do not come back together."""
    return round(least_s + random.uniform(0.1, spread_s), 2)
