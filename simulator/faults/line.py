"""One client's line through a proxy: an impairment for each direction, and the bounded wait until bytes arrive."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulator.faults.impairment import PERFECT, Faults, Impairment

MOST_WAITING = 10_000
"""Datagrams of one direction that are on the way at the same time; further ones are dropped and counted."""


class Direction(StrEnum):
    """Seen from whoever connects to the proxy."""

    FORTH = "forth"  # from the client to the target
    BACK = "back"


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """Both directions of a link."""

    forth: Faults = PERFECT
    back: Faults = PERFECT

    def of(self, direction: Direction) -> Faults:
        return self.forth if direction is Direction.FORTH else self.back


class Way:
    """One direction: what `send` takes goes to `deliver` when it has arrived.

    `in_order`: nothing overtakes, as in a byte stream; else the times alone decide, as for datagrams.
    """

    def __init__(self, impairment: Impairment, deliver: Callable[[bytes], None], *, in_order: bool = False) -> None:
        self.impairment = impairment
        self._deliver = deliver
        self._in_order = in_order
        self._queue: deque[bytes] = deque()
        self._last_at_s = 0.0
        self._timers: set[asyncio.TimerHandle] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def counts(self) -> Counter[str]:
        """What was done to how many datagrams."""
        return self.impairment.counts

    @property
    def waiting(self) -> int:
        """Datagrams on the way."""
        return len(self._timers)

    def send(self, data: bytes) -> None:
        """Takes a datagram; what becomes of it is the impairment's choice."""
        now_s = self._loop.time()
        for delivery in self.impairment.decide(data, now_s):
            at_s = max(delivery.at_s, self._last_at_s) if self._in_order else delivery.at_s
            self._last_at_s = max(self._last_at_s, at_s)
            if at_s <= now_s and not (self._in_order and self._timers):
                self._arrive(delivery.data)
            elif len(self._timers) >= MOST_WAITING:
                self.counts["dropped, too many on the way"] += 1
            else:
                self._later(at_s, delivery.data)

    def close(self) -> None:
        """What is on the way never arrives."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._queue.clear()

    def _later(self, at_s: float, data: bytes) -> None:
        if self._in_order:
            self._queue.append(data)

        def arrive() -> None:
            self._timers.discard(timer)
            # Timers of one moment may fire in any order: a stream takes what was sent first.
            self._arrive(self._queue.popleft() if self._in_order else data)

        timer = self._loop.call_at(at_s, arrive)
        self._timers.add(timer)

    def _arrive(self, data: bytes) -> None:
        self.counts["arrived"] += 1
        self._deliver(data)
