"""The on-board fence as values: what the autopilot holds while it flies a plan, and how much of it it can hold."""

from __future__ import annotations

from dataclasses import dataclass

from core.geo import LatLon


@dataclass(frozen=True, slots=True)
class FencePolygon:
    """A polygon of the on-board fence. `ring`: N ≥ 3 vertices, open, none repeated."""

    ring: tuple[LatLon, ...]
    inclusion: bool


@dataclass(frozen=True, slots=True)
class OnboardFence:
    """What the autopilot holds while it flies the plan: polygons and a ceiling above home."""

    polygons: tuple[FencePolygon, ...]
    alt_max_rel_m: float


@dataclass(frozen=True, slots=True)
class FenceLimits:
    """What an autopilot can hold. A vehicle with a fence on its SD card (BRD_SD_FENCE) holds more.

    Source: tried on ArduCopter 4.7.0-dev without a card (planning guide, section 8.1).
    """

    items: int = 70
    bytes: int = 560

    def hold(self, vertices: tuple[int, ...]) -> bool:
        """Whether polygons of so many vertices each fit."""
        return sum(vertices) <= self.items and fence_size(vertices) <= self.bytes


ARDUCOPTER_LIMITS = FenceLimits()


def fence_size(vertices: tuple[int, ...]) -> int:
    """Bytes of the autopilot's storage that polygons of so many vertices each take: 5, and 2 + 8 n for each."""
    return 5 + sum(2 + 8 * count for count in vertices)


def fence_bytes(fence: OnboardFence) -> int:
    """What the fence takes of the autopilot's storage."""
    return fence_size(tuple(len(polygon.ring) for polygon in fence.polygons))
