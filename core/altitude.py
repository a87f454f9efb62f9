"""Altitudes carry their datum; a band is a floor and a ceiling of one datum."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Datum(StrEnum):
    """What an altitude is counted from."""

    AMSL = "amsl"  # mean sea level (EGM96 geoid)
    REL = "rel"  # the vehicle's home
    AGL = "agl"  # the ground under the aircraft (真高), the one the regulation counts


@dataclass(frozen=True, slots=True)
class AltitudeBand:
    """From `floor_m` up to `ceiling_m`, both included, both of `datum`; None is unbounded on that side."""

    datum: Datum = Datum.AGL
    floor_m: float | None = None
    ceiling_m: float | None = None

    def __post_init__(self) -> None:
        if self.floor_m is not None and self.ceiling_m is not None and self.floor_m > self.ceiling_m:
            raise ValueError(f"the floor {self.floor_m} m is above the ceiling {self.ceiling_m} m")

    def overlaps(self, low_m: float, high_m: float) -> bool:
        """Whether any altitude from `low_m` to `high_m`, of the same datum, lies in the band."""
        above_floor = self.floor_m is None or high_m >= self.floor_m
        below_ceiling = self.ceiling_m is None or low_m <= self.ceiling_m
        return above_floor and below_ceiling
