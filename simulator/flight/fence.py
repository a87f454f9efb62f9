"""The geofence on board: what may be stored, and whether the vehicle has left it.

Sources: ArduPilot's AC_Fence and AC_PolyFence behaviour; limits and storage sizes measured on an ArduCopter 4.7.0-dev
SITL: 70 items, 560 bytes = 5 + (2 + 8n) per polygon of n vertices + 13 per circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.flight.kinds import Cmd, ItemResult, Severity
from simulator.flight.parameters import Parameters
from simulator.flight.places import LocalFrame, valid_lat_lon

MAX_ITEMS = 70
STORAGE_BYTES = 560
BACKUP_M = 20.0
"""After a breach the limit moves this far out, so that flying on makes a second breach."""
MANUAL_RECOVERY_S = 10.0
"""After a mode change during a breach the fence leaves the aircraft alone for this long."""
GIVE_UP_M = 100.0
"""Farther outside than this the aircraft lands where it is."""

ALT_MAX, CIRCLE, POLYGON, ALT_MIN = 1, 2, 4, 8
_NAMES = {ALT_MAX: "Max Alt", CIRCLE: "Circle", POLYGON: "Polygon", ALT_MIN: "Min Alt"}

_VERTEX = frozenset({Cmd.NAV_FENCE_POLYGON_VERTEX_INCLUSION, Cmd.NAV_FENCE_POLYGON_VERTEX_EXCLUSION})
_ROUND = frozenset({Cmd.NAV_FENCE_CIRCLE_INCLUSION, Cmd.NAV_FENCE_CIRCLE_EXCLUSION})
_INCLUSION = frozenset({Cmd.NAV_FENCE_POLYGON_VERTEX_INCLUSION, Cmd.NAV_FENCE_CIRCLE_INCLUSION})
_TYPES: dict[int, int] = {
    Cmd.NAV_FENCE_POLYGON_VERTEX_INCLUSION: 98,
    Cmd.NAV_FENCE_POLYGON_VERTEX_EXCLUSION: 97,
    Cmd.NAV_FENCE_CIRCLE_EXCLUSION: 93,
    Cmd.NAV_FENCE_CIRCLE_INCLUSION: 92,
    Cmd.NAV_FENCE_RETURN_POINT: 95,
}
"""The storage types its refusals name."""
TOO_LARGE = "Fence exceeds storage size"
_FRAMES = frozenset({0, 3, 5, 6, 10, 11})

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FenceItem:
    """One stored fence item; ``extent`` is the vertex count of a polygon or the radius of a circle in metres."""

    command: int
    extent: float
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a whole fence was refused: the status text the vehicle sends."""

    text: str
    severity: Severity = Severity.WARNING


def fence_item(command: int, frame: int, extent: float, lat_e7: int, lon_e7: int) -> FenceItem | ItemResult:
    """One uploaded item, or the reason it is refused at once. The altitude is dropped: fences are flat."""
    if frame not in _FRAMES:
        return ItemResult.UNSUPPORTED_FRAME
    if command in _VERTEX:
        if not extent <= 255:
            return ItemResult.INVALID_PARAM1
        return FenceItem(command, float(int(extent)), lat_e7, lon_e7)
    if command in _ROUND:
        return FenceItem(command, extent, lat_e7, lon_e7)
    if command == Cmd.NAV_FENCE_RETURN_POINT:
        return FenceItem(command, 0.0, lat_e7, lon_e7)
    return ItemResult.UNSUPPORTED


def storage_bytes(items: list[FenceItem]) -> int:
    """Bytes a list of valid items takes in the vehicle."""
    size, index = 5, 0
    while index < len(items):
        item = items[index]
        if item.command in _VERTEX:
            size += 2 + 8 * int(item.extent)
            index += int(item.extent)
        else:
            size += 13 if item.command in _ROUND else 9
            index += 1
    return size


def refusal_of(items: list[FenceItem]) -> Refusal | None:
    """Why the vehicle refuses this list as a whole; None when it stores it."""
    polygon: FenceItem | None = None
    missing = 0
    for item in items:
        problem = _misplaced(item, polygon if missing else None)
        if problem is None and not valid_lat_lon(item.lat_e7, item.lon_e7):
            problem = "Bad lat or lon"
        if problem is not None:
            return Refusal(problem)
        if item.command in _VERTEX:
            polygon, missing = (item, int(item.extent) - 1) if missing == 0 else (polygon, missing - 1)
    if missing:
        return Refusal("Incorrect item count", Severity.INFO)
    if sum(item.command == Cmd.NAV_FENCE_RETURN_POINT for item in items) > 1:
        return Refusal("Multiple return points")
    return Refusal(TOO_LARGE) if storage_bytes(items) > STORAGE_BYTES else None


def _misplaced(item: FenceItem, polygon: FenceItem | None) -> str | None:
    """What is wrong with an item, given the polygon still lacking vertices before it."""
    if item.command in _VERTEX:
        if item.extent < 3:
            return f"Invalid vertex count ({int(item.extent)})"
        if polygon is not None and item.command != polygon.command:
            return f"Received incorrect vertex type (want={_TYPES[polygon.command]} got={_TYPES[item.command]})"
        if polygon is not None and item.extent != polygon.extent:
            return f"Unexpected vertex count want={int(polygon.extent)} got={int(item.extent)}"
        return None
    if polygon is not None:
        return f"Received incorrect type (want={_TYPES[polygon.command]} got={_TYPES[item.command]})"
    return "Non-positive circle radius" if item.command in _ROUND and not item.extent > 0 else None


@dataclass(frozen=True, slots=True)
class Zone:
    """A stored polygon or circle in metres from the origin; ``radius_m`` is 0 for a polygon."""

    inclusion: bool
    ring: tuple[Point, ...]
    radius_m: float = 0.0

    def outside_m(self, at: Point) -> float:
        """Metres beyond what the zone allows at a point; negative inside the allowed side."""
        if self.radius_m > 0.0:
            beyond = math.dist(at, self.ring[0]) - self.radius_m
            return beyond if self.inclusion else -beyond
        inside = _contains(self.ring, at)
        edge = _distance_to_ring(self.ring, at)
        return edge if inside != self.inclusion else -edge

    def allows(self, at: Point) -> bool:
        """Whether a point is on the allowed side."""
        if self.radius_m > 0.0:
            return (math.dist(at, self.ring[0]) <= self.radius_m) == self.inclusion
        return _contains(self.ring, at) == self.inclusion


class Fence:
    """The stored fence and the watch over it."""

    def __init__(self) -> None:
        self.items: list[FenceItem] = []
        self.zones: tuple[Zone, ...] = ()
        self.enabled_types = 0
        self.breaches = 0
        self.breach_count = 0
        self.breach_time_s = 0.0
        self.recovery_since_s: float | None = None
        self._backup: dict[int, float] = {}
        self._switch = 0
        self._floor_armed = False

    def store(self, items: list[FenceItem], frame: LocalFrame) -> None:
        """Replace the polygons and circles in one go."""
        self.items = list(items)
        self.zones = tuple(_zones(items, frame))

    def present_types(self, params: Parameters) -> int:
        """Kinds of fence that are configured and exist."""
        mask = ALT_MAX | CIRCLE | ALT_MIN | (POLYGON if self.zones else 0)
        return params.whole("FENCE_TYPE") & mask

    def enable(self, on: bool, types: int, params: Parameters) -> None:
        """Switch kinds of fence on or off without touching FENCE_ENABLE."""
        types &= params.whole("FENCE_TYPE")
        self.enabled_types = self.enabled_types | types if on else self.enabled_types & ~types
        if not on:
            self.breaches &= ~types

    def follow_switch(self, params: Parameters) -> None:
        """Follow FENCE_ENABLE when it changes."""
        switch = params.whole("FENCE_ENABLE")
        if switch != self._switch:
            self._switch = switch
            self.enable(bool(switch), ALT_MAX | CIRCLE | POLYGON | ALT_MIN, params)
            self._floor_armed = False

    def check(self, at: Point, home: Point, alt_rel_m: float, params: Parameters, now_s: float) -> int:
        """Kinds of fence newly breached; ``alt_rel_m`` is above home. 25 Hz."""
        watched = self.enabled_types & params.whole("FENCE_TYPE")
        new = 0
        for kind, outside_m in self._excesses(watched, at, home, alt_rel_m, params):
            new |= self._note(kind, outside_m, now_s)
        self.breaches &= watched
        if self.recovery_since_s is not None:
            if now_s - self.recovery_since_s < MANUAL_RECOVERY_S:
                return 0
            self.recovery_since_s = None
        return new

    def _excesses(
        self, watched: int, at: Point, home: Point, alt_rel_m: float, params: Parameters
    ) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        if watched & ALT_MAX:
            found.append((ALT_MAX, alt_rel_m - params["FENCE_ALT_MAX"]))
        if watched & ALT_MIN:
            floor = params["FENCE_ALT_MIN"]
            self._floor_armed = self._floor_armed or alt_rel_m > floor + params["FENCE_MARGIN"]
            if self._floor_armed:
                found.append((ALT_MIN, floor - alt_rel_m))
        if watched & CIRCLE:
            found.append((CIRCLE, math.dist(at, home) - params["FENCE_RADIUS"]))
        if watched & POLYGON and self.zones:
            found.append((POLYGON, 1.0 if self.polygon_breached(at, params) else -1.0))
        return found

    def _note(self, kind: int, outside_m: float, now_s: float) -> int:
        if outside_m < 0.0:
            self.breaches &= ~kind
            self._backup.pop(kind, None)
            return 0
        known = self.breaches & kind
        if known and (kind == POLYGON or outside_m < self._backup.get(kind, math.inf)):
            return 0
        self.breaches |= kind
        self.breach_count = min(65535, self.breach_count + 1)
        self.breach_time_s = now_s
        self._backup[kind] = outside_m + BACKUP_M
        return kind

    def polygon_breached(self, at: Point, params: Parameters) -> bool:
        """Outside any inclusion (with FENCE_OPTIONS bit 1: outside all of them), or inside any exclusion."""
        inclusions = [zone.allows(at) for zone in self.zones if zone.inclusion]
        if not all(zone.allows(at) for zone in self.zones if not zone.inclusion):
            return True
        if not inclusions:
            return False
        return not (any(inclusions) if params.whole("FENCE_OPTIONS") & 2 else all(inclusions))

    def outside_m(self, at: Point, home: Point, alt_rel_m: float, params: Parameters) -> float:
        """How far outside the vehicle is, the worst of all watched fences."""
        watched = self.enabled_types & params.whole("FENCE_TYPE")
        excesses = [
            metres for kind, metres in self._excesses(watched, at, home, alt_rel_m, params) if kind != POLYGON
        ]
        if watched & POLYGON:
            excesses += [zone.outside_m(at) for zone in self.zones]
        return max(excesses, default=-math.inf)

    def allows_destination(self, at: Point, home: Point, alt_rel_m: float, params: Parameters) -> bool:
        """Whether a guided destination lies inside every watched fence."""
        watched = self.enabled_types & params.whole("FENCE_TYPE")
        if watched & ALT_MAX and alt_rel_m > params["FENCE_ALT_MAX"]:
            return False
        if watched & ALT_MIN and alt_rel_m < params["FENCE_ALT_MIN"]:
            return False
        if watched & CIRCLE and math.dist(at, home) > params["FENCE_RADIUS"]:
            return False
        return not (watched & POLYGON and self.polygon_breached(at, params))


def fence_names(kinds: int) -> str:
    """Kinds in the words of the status text: "Circle fence", "Max Alt and Polygon fences"."""
    names = [name for kind, name in _NAMES.items() if kinds & kind]
    if len(names) == 1:
        return f"{names[0]} fence"
    return f"{', '.join(names[:-1])} and {names[-1]} fences"


def _zones(items: list[FenceItem], frame: LocalFrame) -> list[Zone]:
    zones: list[Zone] = []
    index = 0
    while index < len(items):
        item = items[index]
        count = int(item.extent) if item.command in _VERTEX else 1
        ring = tuple(frame.ground(part.lat_e7, part.lon_e7) for part in items[index : index + count])
        if item.command in _VERTEX:
            zones.append(Zone(item.command in _INCLUSION, ring))
        elif item.command in _ROUND:
            zones.append(Zone(item.command in _INCLUSION, ring, item.extent))
        index += count
    return zones


def _contains(ring: tuple[Point, ...], at: Point) -> bool:
    """Even-odd rule: an edge counts when it crosses the point's east-going ray."""
    inside = False
    y, x = at
    y1, x1 = ring[-1]
    for y2, x2 in ring:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        y1, x1 = y2, x2
    return inside


def _distance_to_ring(ring: tuple[Point, ...], at: Point) -> float:
    return min(_distance_to_edge(ring[i - 1], ring[i], at) for i in range(len(ring)))


def _distance_to_edge(a: Point, b: Point, at: Point) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    length2 = along[0] ** 2 + along[1] ** 2
    share = 0.0 if length2 == 0 else ((at[0] - a[0]) * along[0] + (at[1] - a[1]) * along[1]) / length2
    share = max(0.0, min(1.0, share))
    return math.dist(at, (a[0] + share * along[0], a[1] + share * along[1]))
