"""The wind a vehicle meets: a steady part and gusts that fade with a time constant."""

from __future__ import annotations

import math
import random


class Wind:
    """Steady wind plus seeded gusts, each horizontal axis an Ornstein-Uhlenbeck process.

    The gusts are first-order low-pass noise, the simplest form of the Dryden turbulence model (MIL-F-8785C) whose
    along-wind spectrum is first order too.
    """

    __slots__ = ("_gust_east", "_gust_north", "_random", "east_mps", "north_mps")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._gust_north = 0.0
        self._gust_east = 0.0
        self.north_mps = 0.0
        self.east_mps = 0.0

    def step(self, dt: float, speed_mps: float, from_deg: float, gust_mps: float, time_constant_s: float) -> None:
        """Advance by ``dt`` seconds; afterwards ``north_mps`` and ``east_mps`` say where the air moves to."""
        if gust_mps > 0.0:
            keep = math.exp(-dt / max(0.05, time_constant_s))
            kick = gust_mps * math.sqrt(1.0 - keep * keep)
            self._gust_north = self._gust_north * keep + self._random.gauss(0.0, kick)
            self._gust_east = self._gust_east * keep + self._random.gauss(0.0, kick)
        else:
            self._gust_north = self._gust_east = 0.0
        towards = math.radians(from_deg + 180.0)
        self.north_mps = speed_mps * math.cos(towards) + self._gust_north
        self.east_mps = speed_mps * math.sin(towards) + self._gust_east
