"""The in-flight watch: is each vehicle within its on-board fence, and can it still stop before it leaves it?

All vehicles that were heard since the last look are looked at together, in arrays. What is measured is the plane that
ArduPilot itself flies in: the same metres to every degree, longitudes shrunk by the cosine of one latitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.onboard import OnboardFence
from geofence.rails import M_PER_DEG

Mask = NDArray[np.bool_]
Shapes = NDArray[np.object_]

# A vehicle that hovers on the line would breach and return with every fix: back means back by this much.
BACK_INSIDE_M = 2.0
BACK_BELOW_M = 1.0
# So many fixes in a row must say that it will leave, or that it no longer will: one alone may be noise.
_TO_BELIEVE, _TO_FORGET = 2, 5
_SLOW_MPS = 0.3  # below this a velocity is noise


class Bound(StrEnum):
    """Which bound of the fence."""

    OUTSIDE = "outside"  # the polygons
    TOO_HIGH = "too-high"  # the ceiling above home


class Phase(StrEnum):
    """What became of it."""

    PREDICTED = "predicted"  # within, and going so fast that it cannot stop before the bound
    BREACH = "breach"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Braking:
    """How a vehicle comes to a stop: it flies on for `latency_s` (fix, link, decision, command), then brakes.

    ArduCopter's BRAKE lets the velocity fade with `settle_s` instead of using all of its deceleration: 7.5 m/s²
    (BRAKE_MODE_DECEL_RATE) over a jerk of 5 m/s³ (PSC_JERK_NE); `build_up_mps2` is what the rise of the deceleration
    adds at 1 to 15 m/s. From 8 m/s that makes 15.6 m; ArduCopter SITL 4.7-dev took 14.9 m.
    Source: ArduCopter/mode_brake.cpp, AP_Math/control.cpp shape_vel_accel.

    On the line of its mission or its way home (`on_rails`) it slows down by itself before it turns: there only what
    it flies in `rails_s` counts. Upwards it is PILOT_ACCEL_Z, 2.5 m/s², and more than `rise_decel_mps2`.
    """

    latency_s: float = 0.8
    settle_s: float = 1.5
    build_up_mps2: float = 9.0
    rise_decel_mps2: float = 1.5
    rails_s: float = 0.6

    def stop_m(self, speed_mps: Array, on_rails: Mask) -> Array:
        """How far vehicles (N,) get before they stand."""
        free_m = speed_mps * (self.latency_s + self.settle_s) + speed_mps**2 / (2.0 * self.build_up_mps2)
        return np.where(on_rails, speed_mps * self.rails_s, free_m)

    def rise_m(self, climb_mps: Array, on_rails: Mask) -> Array:
        """How much higher vehicles (N,) get before they level out."""
        up_mps = np.maximum(climb_mps, 0.0)
        free_m = up_mps * self.latency_s + up_mps**2 / (2.0 * self.rise_decel_mps2)
        return np.where(on_rails, up_mps * self.rails_s, free_m)


@dataclass(frozen=True, slots=True, eq=False)
class Fixes:
    """Positions and velocities of vehicles: `lat_deg`, `lon_deg`, `alt_rel_m` above home, `north_mps`, `east_mps`,
    `climb_mps`, (N,) each; `on_rails`: which are on a way that was proven."""

    lat_deg: Array
    lon_deg: Array
    alt_rel_m: Array
    north_mps: Array
    east_mps: Array
    climb_mps: Array
    on_rails: Mask

    def __len__(self) -> int:
        return len(self.lat_deg)


@dataclass(frozen=True, slots=True)
class FenceEvent:
    """Something that began or ended for the vehicle `key`.

    `by_m`: how far past the bound it is (≥ 0), or gets if nothing is done; `in_s`: how soon it crosses; `lasted_s`:
    how long what is over lasted, `was` what it was.
    """

    key: str
    bound: Bound
    phase: Phase
    at_mono_s: float
    by_m: float = 0.0
    in_s: float = 0.0
    lasted_s: float = 0.0
    was: Phase | None = None

    @property
    def detail(self) -> str:
        """One sentence for the duty officer."""
        bound = "its fence" if self.bound is Bound.OUTSIDE else "its ceiling"
        match self.phase:
            case Phase.PREDICTED:
                return f"The vehicle flies towards {bound} too fast to stop: it crosses it in {self.in_s:.1f} s."
            case Phase.BREACH:
                return f"The vehicle left {bound} by {self.by_m:.1f} m."
            case _ if self.was is Phase.PREDICTED:
                return f"The vehicle stays within {bound}."
        return f"The vehicle is back within {bound} after {self.lasted_s:.0f} s."


@dataclass(slots=True)
class _Standing:
    """Where one vehicle stands with one bound."""

    phase: Phase = Phase.OVER
    since_mono_s: float = 0.0
    alike: int = 0  # fixes in a row that speak against `phase`


@dataclass(slots=True)
class _Watched:
    """One vehicle's fence in its plane."""

    area: BaseGeometry
    edge: BaseGeometry
    origin: tuple[float, float]  # latitude, longitude
    lon_m_per_deg: float
    ceiling_m: float
    standing: dict[Bound, _Standing] = field(default_factory=lambda: {bound: _Standing() for bound in Bound})


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """One bound as vehicles (N,) stand to it: how far past it, how far on they cross it (infinite: they do not)."""

    bound: Bound
    back_m: float
    past_m: Array
    crossing_m: Array
    speed_mps: Array

    def turns(self, keys: Sequence[str], watched: Sequence[_Watched], now_mono_s: float) -> Iterator[FenceEvent]:
        """The events; only vehicles with something open, or something to open, are looked at one by one."""
        standing = [each.standing[self.bound] for each in watched]
        is_open = np.array([each.phase is not Phase.OVER or each.alike > 0 for each in standing])
        for number in np.flatnonzero(is_open | (self.past_m > 0.0) | np.isfinite(self.crossing_m)).tolist():
            past_m, crossing_m = float(self.past_m[number]), float(self.crossing_m[number])
            seen = _seen(standing[number].phase, past_m, self.back_m, crossing_m)
            before = _turn(standing[number], seen, now_mono_s)
            if before is not None:
                was, since_s = before
                in_s = crossing_m / max(float(self.speed_mps[number]), _SLOW_MPS) if crossing_m < math.inf else 0.0
                lasted_s = now_mono_s - since_s if was is not Phase.OVER else 0.0
                yield FenceEvent(keys[number], self.bound, seen, now_mono_s, max(past_m, 0.0), in_s, lasted_s, was)


class FenceWatch:
    """The fences of all vehicles that fly one."""

    def __init__(self, braking: Braking | None = None) -> None:
        self._braking = braking or Braking()
        self._watched: dict[str, _Watched] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._watched

    def put(self, key: str, fence: OnboardFence) -> None:
        """Watches `key` against `fence` from now on; what was open goes on where the bound is the same one."""
        before = self._watched.get(key)
        self._watched[key] = _watched(fence)
        if before is not None:
            self._watched[key].standing = before.standing

    def shows(self, key: str, phase: Phase) -> bool:
        """Whether any bound of what `key` flies stands so."""
        watched = self._watched.get(key)
        return watched is not None and any(each.phase is phase for each in watched.standing.values())

    def drop(self, key: str) -> None:
        """Watches `key` no more."""
        self._watched.pop(key, None)

    def look(self, keys: Sequence[str], fixes: Fixes, now_mono_s: float) -> tuple[FenceEvent, ...]:
        """What begins or ends with these fixes of vehicles that are watched, one of each."""
        if not keys:
            return ()
        watched = [self._watched[key] for key in keys]
        outside_m, crossing_m = self._outside(watched, fixes)
        above_m = fixes.alt_rel_m - np.array([each.ceiling_m for each in watched])
        rise_m = self._braking.rise_m(fixes.climb_mps, fixes.on_rails)
        speed_mps = np.hypot(fixes.north_mps, fixes.east_mps)
        rising_m = np.where((above_m <= 0.0) & (above_m + rise_m > 0.0), -above_m, math.inf)
        outside = _Sight(Bound.OUTSIDE, BACK_INSIDE_M, outside_m, crossing_m, speed_mps)
        above = _Sight(Bound.TOO_HIGH, BACK_BELOW_M, above_m, rising_m, fixes.climb_mps)
        return tuple(event for sight in (outside, above) for event in sight.turns(keys, watched, now_mono_s))

    def _outside(self, watched: Sequence[_Watched], fixes: Fixes) -> tuple[Array, Array]:
        """How far vehicles are outside, negative inside; and how far on they cross the edge, or infinite."""
        origins = np.array([each.origin for each in watched])
        x = (fixes.lon_deg - origins[:, 1]) * np.array([each.lon_m_per_deg for each in watched])
        y = (fixes.lat_deg - origins[:, 0]) * M_PER_DEG
        at = np.asarray(shapely.points(x, y))
        areas, edges = _objects([each.area for each in watched]), _objects([each.edge for each in watched])
        gap_m = shapely.distance(edges, at)
        gap_m = np.where(np.isnan(gap_m), math.inf, gap_m)  # a fence without polygons
        outside_m = np.where(shapely.covers(areas, at) | np.isinf(gap_m), -gap_m, gap_m)
        return outside_m, self._crossing_m(np.column_stack((x, y)), areas, edges, outside_m, fixes)

    def _crossing_m(self, xy: Array, areas: Shapes, edges: Shapes, outside_m: Array, fixes: Fixes) -> Array:
        speed_mps = np.hypot(fixes.north_mps, fixes.east_mps)
        stop_m = self._braking.stop_m(speed_mps, fixes.on_rails)
        found = np.full(len(xy), math.inf)
        near = np.flatnonzero((outside_m <= 0.0) & (-outside_m < stop_m) & (speed_mps > _SLOW_MPS))
        if not len(near):
            return found
        towards = np.column_stack((fixes.east_mps, fixes.north_mps))[near] / speed_mps[near, None]
        drawn = np.asarray(shapely.linestrings(np.stack((xy[near], xy[near] + towards * stop_m[near, None]), axis=1)))
        leaves = ~shapely.covers(areas[near], drawn)
        for number, line in zip(near[leaves].tolist(), drawn[leaves].tolist(), strict=True):
            found[number] = _first_m(line, edges[number])
        return found


def _first_m(line: LineString, edge: BaseGeometry) -> float:
    """How far along `line` it first meets `edge`."""
    return float(shapely.Point(line.coords[0]).distance(shapely.intersection(line, edge)))


def _seen(phase: Phase, past_m: float, back_m: float, crossing_m: float) -> Phase:
    """What this fix alone says."""
    if past_m > (-back_m if phase is Phase.BREACH else 0.0):
        return Phase.BREACH
    return Phase.PREDICTED if math.isfinite(crossing_m) else Phase.OVER


def _turn(standing: _Standing, seen: Phase, now_mono_s: float) -> tuple[Phase, float] | None:
    """What it was before and since when, if it is something else from now on."""
    if seen is standing.phase:
        standing.alike = 0
        return None
    standing.alike += 1
    needed = 1
    if seen is Phase.PREDICTED:
        needed = _TO_BELIEVE
    elif standing.phase is Phase.PREDICTED and seen is Phase.OVER:
        needed = _TO_FORGET
    if standing.alike < needed:
        return None
    before = (standing.phase, standing.since_mono_s)
    standing.phase, standing.since_mono_s, standing.alike = seen, now_mono_s, 0
    return before


def _watched(fence: OnboardFence) -> _Watched:
    """Where the fence lets the vehicle be: the intersection of its inclusions less its exclusions."""
    ring = fence.polygons[0].ring if fence.polygons else ()
    origin = (ring[0].lat_deg, ring[0].lon_deg) if ring else (0.0, 0.0)
    lon_m = M_PER_DEG * math.cos(math.radians(origin[0]))

    def drawn(places: Sequence[tuple[float, float]]) -> Polygon:
        return Polygon([((lon - origin[1]) * lon_m, (lat - origin[0]) * M_PER_DEG) for lat, lon in places])

    shapes = [(each.inclusion, drawn([(at.lat_deg, at.lon_deg) for at in each.ring])) for each in fence.polygons]
    inside = [shape for inclusion, shape in shapes if inclusion]
    area: BaseGeometry = MultiPolygon()
    if inside:
        area = shapely.intersection_all(inside) - shapely.union_all([shape for kept, shape in shapes if not kept])
    shapely.prepare(area)
    edge = area.boundary
    shapely.prepare(edge)
    return _Watched(area, edge, origin, lon_m, fence.alt_max_rel_m)


def _objects(values: Sequence[BaseGeometry]) -> Shapes:
    found = np.empty(len(values), dtype=np.object_)
    found[:] = values
    return found
