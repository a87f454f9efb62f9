"""Counting that a hot path can afford, and numbers on their way to whoever draws them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

# Upper bounds in seconds. What lasts a tick or a write; what a vehicle or a person takes.
SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
LONG_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """One number of a metric as it was read; `labels` are values, in the order of the metric's label names.

    `value`: no boolean, which is no number to who reads it on the other side of a socket.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram as it was read. `counts`: one per bound, not cumulated, and one for what was above all bounds."""

    name: str
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    labels: tuple[str, ...] = ()


class Histogram:
    """Counts values in fixed buckets: a search among a few bounds and two additions per value."""

    __slots__ = ("_counts", "_total", "bounds")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds`: rising; a value equal to one counts below it (Prometheus's `le`)."""
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self.bounds, value)] += 1
        self._total += value

    def read(self, name: str, labels: tuple[str, ...] = ()) -> Spread:
        """What was counted by now."""
        return Spread(name, self.bounds, tuple(self._counts), self._total, labels)


class Measured(Protocol):
    """A part that counts, and tells what it counted."""

    def readings(self) -> Iterable[Reading]: ...

    def spreads(self) -> Iterable[Spread]: ...
