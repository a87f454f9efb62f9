"""Altitudes carry their datum; a band has a floor and a ceiling, each with a datum of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Datum(StrEnum):
    """What an altitude is counted from."""

    AMSL = "amsl"  # mean sea level (EGM96 geoid)
    REL = "rel"  # the vehicle's home
    AGL = "agl"  # the ground under the aircraft (真高), the one the regulation counts


@dataclass(frozen=True, slots=True)
class Altitude:
    """`alt_m` above what `datum` says. Written "50 m AGL"."""

    alt_m: float
    datum: Datum

    def __str__(self) -> str:
        return f"{self.alt_m:g} m {self.datum.upper()}"


@dataclass(frozen=True, slots=True)
class AltitudeBand:
    """From `floor` up to `ceiling`, both included; None is unbounded on that side.

    Raises ValueError when both ends count from the same datum and the floor is the higher one.
    """

    floor: Altitude | None = None
    ceiling: Altitude | None = None

    def __post_init__(self) -> None:
        if self.floor is None or self.ceiling is None or self.floor.datum is not self.ceiling.datum:
            return
        if self.floor.alt_m > self.ceiling.alt_m:
            raise ValueError(f"the floor {self.floor} is above the ceiling {self.ceiling}")
