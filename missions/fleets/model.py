"""Points to look at, craft that can, and who flies what: values of fleet planning, in metres of one local plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.ids import VehicleId
from geofence.frame import Array

XY = tuple[float, float]


class Objective(StrEnum):
    """What a fleet plan makes small."""

    TOTAL = "total"  # metres of all vehicles together
    PERIOD = "period"  # time until every point was looked at once: the vehicle that takes longest


class Ways(Protocol):
    """Where craft may fly, and how they get from one place to another there."""

    def way(self, start: Array, end: Array) -> Array | None:
        """The shortest free way, (N ≥ 2, 2) metres with both ends; None when there is none."""

    def clear(self, starts: Array, ends: Array) -> NDArray[np.bool_]:
        """Which straight lines, from `starts` to `ends` (N, 2) each, are free with all their points."""


@dataclass(frozen=True, slots=True)
class Point:
    """Something to look at for `dwell_s` from `at`. A point of weight 2 is worth two of weight 1."""

    at: XY
    dwell_s: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Craft:
    """A vehicle and what it can do from its dock at `home`.

    One round, from leaving the height over home to coming back there, takes at most `limit_s` of flight and
    `limit_m`; a second of waiting counts `wait_factor` seconds against `limit_s`, as it may drain the battery faster.
    Taking off and landing take `fixed_s` more. After a round the battery is changed in `swap_s`; so many `rounds`.
    """

    id: VehicleId
    home: XY
    speed_mps: float
    limit_s: float
    limit_m: float = math.inf
    wait_factor: float = 1.0
    fixed_s: float = 0.0
    swap_s: float = 300.0
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Round:
    """One flight from home and back: the points in order, by number, how long it takes and when it begins.

    `flight_s` is from take-off to landing; `counted_s` and `length_m` are what the limits hold for.
    """

    craft: int
    points: tuple[int, ...]
    length_m: float
    counted_s: float
    flight_s: float
    begins_s: float

    @property
    def ends_s(self) -> float:
        return self.begins_s + self.flight_s


@dataclass(frozen=True, slots=True)
class Dropped:
    """A point that nobody visits, and why."""

    point: int
    reason: str


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Who flies what. Every point is in one round or dropped. `exact`: every way was found, none is estimated."""

    rounds: tuple[Round, ...]
    dropped: tuple[Dropped, ...]
    exact: bool

    @property
    def total_m(self) -> float:
        return sum(each.length_m for each in self.rounds)

    @property
    def period_s(self) -> float:
        """From the first take-off to the last landing; 0 without a round."""
        return max((each.ends_s for each in self.rounds), default=0.0)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search. `iterations` per search, when given, in place of `seconds` in all: repeatable.

    `left_s`: how much time is left, asked now and then; None: as planned.
    """

    seconds: float = 4.0
    seeds: tuple[int, ...] = (1, 2, 3)
    iterations: int | None = None
    left_s: Callable[[], float] | None = None
