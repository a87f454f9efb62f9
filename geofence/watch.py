"""The in-flight watch: is the vehicle where its on-board fence says it may be?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.onboard import OnboardFence

# A vehicle that hovers on the line would breach and return with every fix: back means back by this much.
BACK_INSIDE_M = 2.0
BACK_BELOW_M = 1.0


class BreachKind(StrEnum):
    """Which bound was crossed."""

    OUTSIDE = "outside"  # the polygons
    TOO_HIGH = "too-high"  # the ceiling above home


@dataclass(frozen=True, slots=True)
class WatchPoint:
    """A position fix; `alt_rel_m` above home."""

    lat_deg: float
    lon_deg: float
    alt_rel_m: float


@dataclass(frozen=True, slots=True)
class WatchState:
    """Since when the vehicle is outside or too high; None: it is not."""

    outside_since_mono_s: float | None = None
    too_high_since_mono_s: float | None = None


@dataclass(frozen=True, slots=True)
class BreachEvent:
    """A breach that began, or that `ended` after `lasted_s`. `by_m`: how far past the bound the vehicle is (≥ 0)."""

    kind: BreachKind
    ended: bool
    at_mono_s: float
    point: WatchPoint
    by_m: float
    lasted_s: float = 0.0

    @property
    def detail(self) -> str:
        """One sentence for the duty officer."""
        bound = "its fence" if self.kind is BreachKind.OUTSIDE else "its ceiling"
        if self.ended:
            return f"The vehicle is back within {bound} after {self.lasted_s:.0f} s."
        return f"The vehicle left {bound} by {self.by_m:.1f} m."


class Watch:
    """Checks fixes of one flight against the fence compiled for it; a step takes some tens of microseconds."""

    def __init__(self, fence: OnboardFence) -> None:
        first = fence.polygons[0].ring[0] if fence.polygons else LatLon(0.0, 0.0)
        self._frame = LocalFrame(first)
        self._ceiling_m = fence.alt_max_rel_m
        self._area = _area(fence, self._frame)
        self._edge = self._area.boundary if self._area is not None else None
        if self._area is not None:
            shapely.prepare(self._area)
            shapely.prepare(self._edge)

    def step(
        self, state: WatchState, point: WatchPoint, now_mono_s: float
    ) -> tuple[WatchState, tuple[BreachEvent, ...]]:
        """The next state and what a person must hear: one event when a breach begins, one when it ends."""
        outside_m = self._outside_m(point)
        above_m = point.alt_rel_m - self._ceiling_m
        outside, events = _turn(
            state.outside_since_mono_s,
            outside_m > (0.0 if state.outside_since_mono_s is None else -BACK_INSIDE_M),
            BreachEvent(BreachKind.OUTSIDE, False, now_mono_s, point, max(outside_m, 0.0)),
        )
        too_high, more = _turn(
            state.too_high_since_mono_s,
            above_m > (0.0 if state.too_high_since_mono_s is None else -BACK_BELOW_M),
            BreachEvent(BreachKind.TOO_HIGH, False, now_mono_s, point, max(above_m, 0.0)),
        )
        return WatchState(outside, too_high), events + more

    def _outside_m(self, point: WatchPoint) -> float:
        """Metres outside the fence; negative inside."""
        if self._area is None or self._edge is None:
            return -float("inf")
        x, y = self._frame.to_xy((LatLon(point.lat_deg, point.lon_deg),))[0]
        at = Point(x, y)
        away_m = float(self._edge.distance(at))
        return -away_m if self._area.covers(at) else away_m


def _turn(since_mono_s: float | None, bad: bool, event: BreachEvent) -> tuple[float | None, tuple[BreachEvent, ...]]:
    """When the breach began, or None, and the event of a change."""
    if bad and since_mono_s is None:
        return event.at_mono_s, (event,)
    if not bad and since_mono_s is not None:
        return None, (replace(event, ended=True, lasted_s=event.at_mono_s - since_mono_s),)
    return since_mono_s, ()


def _area(fence: OnboardFence, frame: LocalFrame) -> BaseGeometry | None:
    """Where the fence lets the vehicle be: the intersection of its inclusions less its exclusions."""
    shapes = [(polygon.inclusion, frame.polygon(polygon.ring)) for polygon in fence.polygons]
    inside: list[Polygon] = [shape for inclusion, shape in shapes if inclusion]
    if not inside:
        return None
    return shapely.intersection_all(inside) - shapely.union_all([shape for kept, shape in shapes if not kept])
