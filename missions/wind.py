"""The wind that a flight meets, as it is forecast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geofence.frame import Array


@dataclass(frozen=True, slots=True)
class Wind:
    """Steady wind from a direction, with gusts of a standard deviation about it."""

    speed_mps: float = 0.0
    from_deg: float = 0.0
    gust_mps: float = 0.0

    @property
    def vector(self) -> Array:
        """Where the air moves to, metres per second east and north."""
        to_rad = math.radians(self.from_deg + 180.0)
        return self.speed_mps * np.array([math.sin(to_rad), math.cos(to_rad)])


CALM = Wind()
