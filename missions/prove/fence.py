"""The on-board fence, read from its items: sound, small enough, around the flight and off every exclusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from missions.model import MissionItem, Plan, ProofCheck
from missions.prove.facts import Autopilot
from missions.prove.findings import told
from missions.prove.flight import NotFlyable
from missions.prove.planes import Array, Plane, densified
from missions.prove.rules import Rule

_POLYGON_IN, _POLYGON_OUT, _CIRCLE_IN, _CIRCLE_OUT = 5001, 5002, 5003, 5004


@dataclass(frozen=True, slots=True)
class Ring:
    """A polygon of the fence: `lonlat` (N, 2), open."""

    lonlat: Array
    inclusion: bool

    @property
    def numbers(self) -> list[tuple[int, int]]:
        """Latitude and longitude in 1e-7 degree, as on the wire."""
        return [(round(lat * 1e7), round(lon * 1e7)) for lon, lat in self.lonlat.tolist()]

    def shape(self, plane: Plane | None = None) -> BaseGeometry:
        """The polygon in a plane, its edges straight in degrees as ArduPilot has them; None: in degrees."""
        closed, _ = densified(np.concatenate((self.lonlat, self.lonlat[:1])))
        return shapely.Polygon(plane.to_xy(closed) if plane else closed)


def read_fence(items: Sequence[MissionItem]) -> tuple[Ring, ...]:
    """The polygons of fence items. Raises NotFlyable for circles, broken counts and anything else.

    The compiler makes no circles, and ArduPilot measures them in its own metric (planning guide, section 9.1).
    """
    if not items:
        raise NotFlyable("The plan has no fence items.")
    rings: list[Ring] = []
    at = 0
    while at < len(items):
        item = items[at]
        if item.command not in (_POLYGON_IN, _POLYGON_OUT):
            raise NotFlyable(f"Fence item {at} is command {item.command}; only polygons are proven.")
        count = item.params[0]
        vertices = items[at : at + int(count)] if 3 <= count <= 255 else ()
        if not vertices or len(vertices) != count or any(not _same(item, one) for one in vertices):
            raise NotFlyable(f"Fence item {at} begins a polygon of {count:g} vertices that is not complete.")
        rings.append(
            Ring(np.array([(one.y_e7 / 1e7, one.x_e7 / 1e7) for one in vertices]), item.command == _POLYGON_IN)
        )
        at += len(vertices)
    return tuple(rings)


def _same(first: MissionItem, other: MissionItem) -> bool:
    return other.command == first.command and other.params[0] == first.params[0]


@dataclass(frozen=True, slots=True)
class Fence:
    """Where the autopilot lets the vehicle be, in both planes and in degrees."""

    true: BaseGeometry
    flat: BaseGeometry
    lonlat: BaseGeometry


def enclosed(rings: Sequence[Ring], true: Plane, flat: Plane) -> Fence:
    """All inclusions together without the exclusions: what ArduPilot allows while FENCE_OPTIONS bit 1 is off."""
    return Fence(_combined(rings, true), _combined(rings, flat), _combined(rings, None))


def _combined(rings: Sequence[Ring], plane: Plane | None) -> BaseGeometry:
    inside = [_sound(ring.shape(plane)) for ring in rings if ring.inclusion]
    outside = [_sound(ring.shape(plane)) for ring in rings if not ring.inclusion]
    area = shapely.intersection_all(inside) if inside else shapely.Polygon()
    return area - shapely.union_all(outside) if outside else area


def _sound(shape: BaseGeometry) -> BaseGeometry:
    return shape if shape.is_valid else shapely.make_valid(shape)


def sound_fence(plan: Plan, rings: Sequence[Ring], autopilot: Autopilot) -> Iterator[ProofCheck]:
    """Limits of storage, simple rings without repeated vertices, and the plan's own fence being this one."""
    items = plan.fence_items
    used = 5 + sum(2 + 8 * len(ring.lonlat) for ring in rings)
    limits = []
    if len(items) > autopilot.most_fence_items:
        limits.append(f"The fence has {len(items)} items; the autopilot holds {autopilot.most_fence_items}.")
    if used > autopilot.most_fence_bytes:
        limits.append(f"The fence takes {used} bytes; the autopilot has {autopilot.most_fence_bytes}.")
    yield told(Rule.FENCE_LIMITS, limits, f"{len(items)} items, {used} bytes.")
    yield told(Rule.FENCE_SHAPE, list(_flaws(items, rings)), "Every ring is simple.")
    yield told(Rule.FENCE_AGREES, list(_differences(plan, rings)), "The items are the plan's fence.")


def _flaws(items: Sequence[MissionItem], rings: Sequence[Ring]) -> Iterator[str]:
    if not any(ring.inclusion for ring in rings):
        yield "The fence has no inclusion polygon."
    for place, item in enumerate(items):
        if item.seq != place:
            yield f"Fence item {place} has the number {item.seq}."
            return
    for number, ring in enumerate(rings):
        if len(set(ring.numbers)) < len(ring.numbers):
            yield f"Fence polygon {number} repeats a vertex."
        elif not shapely.Polygon(ring.lonlat).is_valid:
            yield f"Fence polygon {number} crosses itself."


def _differences(plan: Plan, rings: Sequence[Ring]) -> Iterator[str]:
    if plan.fence is None:
        yield "The plan has no fence."
        return
    told_rings = [
        (one.inclusion, [(round(at.lat_deg * 1e7), round(at.lon_deg * 1e7)) for at in one.ring])
        for one in plan.fence.polygons
    ]
    if told_rings != [(ring.inclusion, ring.numbers) for ring in rings]:
        yield "The fence items are not the polygons of the plan's fence."
