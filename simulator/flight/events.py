"""What an aircraft tells the world when it happens."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.flight.kinds import Severity


@dataclass(frozen=True, slots=True)
class Said:
    """A status text; the radio sends it to every active channel."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A mission item was completed."""

    index: int


@dataclass(frozen=True, slots=True)
class HomeSet:
    """Home moved."""


@dataclass(frozen=True, slots=True)
class ModeSet:
    """The flight mode or the arming state changed."""


Event = Said | Reached | HomeSet | ModeSet
