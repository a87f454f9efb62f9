"""The fence compiler: few polygons that hold one flight with its returns, and nothing that is forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.onboard import ARDUCOPTER_LIMITS, FenceLimits, FencePolygon, OnboardFence
from geofence.shortring import short_ring

Geometries = NDArray[np.object_]

# Room between what is flown and the fence: 2 m cross-track, 2 m of cut corner (planning guide, section 9.3), and 1.
# Both the flight and the fence go by the vehicle's own position, so that its error does not count here.
SLACK_M = 5.0
# Widths tried, generous first: a vehicle that is pushed aside should not breach before it must.
_WIDTHS_M = (60.0, 40.0, 25.0, 15.0, 10.0, 7.0)
_TOLERANCES_M = (0.3, 2.0, 6.0, 15.0)
# How near the chords of a buffer with three segments to the quarter come, as a share of its distance: cos(90° / 4),
# as one chord may span one segment and a half (planning guide, section 3.3).
_CHORD = 0.92
# The fence stays this far off what is forbidden, so that rounding to 1e-7 degree does not bring it back.
_OFF_M = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class FenceTask:
    """`swept` (N,): all that the flight and its returns sweep, each geometry convex; `allowed`: where flying is
    allowed; `forbidden` (M,): what the fence must leave out; `ceiling_rel_m`: its height above home."""

    swept: Geometries
    allowed: BaseGeometry
    forbidden: Geometries
    ceiling_rel_m: float


@dataclass(frozen=True, slots=True, eq=False)
class _Bounds:
    """The fence lies between `inner` and `outer`; `kept_out`: what around it must be left out."""

    task: FenceTask
    frame: LocalFrame
    limits: FenceLimits
    inner: BaseGeometry
    outer: BaseGeometry
    kept_out: Geometries


def compile_fence(task: FenceTask, frame: LocalFrame, limits: FenceLimits = ARDUCOPTER_LIMITS) -> OnboardFence | None:
    """One inclusion polygon, and exclusion polygons where zones lie within it; None when none fits.

    `SLACK_M` wider than what is swept at least, inside `allowed`, off everything forbidden.
    """
    bounds = _bounds_of(task, frame, limits)
    for candidate in _candidates(bounds):
        if (fence := _stored(candidate, bounds)) is not None and _holds(fence, bounds):
            return fence
    return None


def _bounds_of(task: FenceTask, frame: LocalFrame, limits: FenceLimits) -> _Bounds:
    inner = shapely.union_all(shapely.buffer(task.swept, SLACK_M / _CHORD, quad_segs=3))
    around = shapely.box(*shapely.bounds(inner.buffer(_WIDTHS_M[0] + 10.0)))
    near = task.forbidden[shapely.intersects(task.forbidden, around)]
    outside = around - task.allowed
    kept_out = np.array([*near, *(part for part in shapely.get_parts(outside) if part.area > 0.0)], dtype=np.object_)
    grown = shapely.buffer(kept_out, _OFF_M, quad_segs=2)
    return _Bounds(task, frame, limits, inner, around - shapely.union_all(grown), kept_out)


def _candidates(bounds: _Bounds) -> Iterator[Polygon]:
    """Regions to try, generous first: the hull; the hull cut to what is free; the flight's own shape; short rings."""
    hull = shapely.MultiPoint(shapely.get_coordinates(bounds.task.swept)).convex_hull
    for width in _WIDTHS_M:
        yield from _parts_round(hull.buffer(width, quad_segs=3), bounds)
    for width in _WIDTHS_M:
        yield from _parts_round((hull.buffer(width, quad_segs=3) & bounds.outer).simplify(_OFF_M), bounds)
    shape = shapely.union_all(shapely.buffer(bounds.task.swept, 0.05, quad_segs=1))
    for width in _WIDTHS_M:
        for tolerance in _TOLERANCES_M:
            grown = shape.buffer(max(width, SLACK_M / _CHORD + tolerance), quad_segs=2)
            yield from _parts_round(grown.simplify(tolerance), bounds)
            yield from _parts_round((grown & bounds.outer).simplify(_OFF_M), bounds)
    for width in (30.0, 12.0, 6.0, 3.0):
        region = (bounds.inner.buffer(width, quad_segs=2) & bounds.outer) | bounds.inner
        for part in _parts_round(region, bounds):
            if (ring := short_ring(part, bounds.inner, bounds.outer)) is not None:
                yield Polygon(ring, [hole.coords for hole in part.interiors])


def _parts_round(region: BaseGeometry, bounds: _Bounds) -> Iterator[Polygon]:
    """The part of `region` that holds the whole flight, if one does."""
    for part in shapely.get_parts(region):
        if isinstance(part, Polygon) and part.area >= bounds.inner.area * 0.5 and part.covers(bounds.task.swept[0]):
            yield part


def _stored(region: Polygon, bounds: _Bounds) -> OnboardFence | None:
    """The region as the vehicle will hold it, 1e-7 degree: its outer ring, and walls around what lies within."""
    outer = _open_ring(region.exterior.coords, bounds.frame)
    if not bounds.limits.hold((len(outer),)) or len(outer) < 3:
        return None
    within = Polygon(region.exterior)
    islands = [each for each in bounds.kept_out if each.intersects(within)]
    walls = _walls(islands, within, bounds)
    if walls is None or not bounds.limits.hold((len(outer), *map(len, walls))):
        return None
    polygons = (FencePolygon(outer, inclusion=True), *(FencePolygon(wall, inclusion=False) for wall in walls))
    return OnboardFence(polygons, bounds.task.ceiling_rel_m)


def _walls(islands: Iterable[BaseGeometry], within: Polygon, bounds: _Bounds) -> list[tuple[LatLon, ...]] | None:
    """Exclusion polygons around `islands`, joined where they touch; None when one reaches across the fence's edge."""
    walls: list[tuple[LatLon, ...]] = []
    joined = shapely.union_all([each.buffer(2 * _OFF_M, quad_segs=1) for each in islands])
    for island in shapely.get_parts(joined):
        if not within.contains_properly(island):
            return None
        wall = _wall(island, bounds)
        if wall is None:
            return None
        walls.append(wall)
    return walls


def _wall(island: Polygon, bounds: _Bounds) -> tuple[LatLon, ...] | None:
    """The simplest polygon around `island` that keeps off the flight."""
    choices = [
        shapely.oriented_envelope(island).buffer(_OFF_M, join_style="mitre"),
        *(
            island.convex_hull.simplify(each).buffer(each + _OFF_M, join_style="mitre")
            for each in _TOLERANCES_M[::-1]
        ),
        *(
            Polygon(island.exterior).simplify(each).buffer(each + _OFF_M, join_style="mitre")
            for each in _TOLERANCES_M[::-1]
        ),
    ]
    fitting = [
        choice
        for choice in choices
        if choice.geom_type == "Polygon"
        and not shapely.get_num_interior_rings(choice)
        and choice.covers(island)
        and not choice.intersects(bounds.inner)
    ]
    if not fitting:
        return None
    return _open_ring(min(fitting, key=shapely.get_num_coordinates).exterior.coords, bounds.frame)


def _open_ring(coordinates: Iterable[tuple[float, ...]], frame: LocalFrame) -> tuple[LatLon, ...]:
    places = frame.to_places(np.array([each[:2] for each in coordinates])[:-1])
    return tuple(at for index, at in enumerate(places) if at != places[index - 1])


def _holds(fence: OnboardFence, bounds: _Bounds) -> bool:
    """The check, on the rings as stored: exact distances, no widened shape (planning guide, finding 1)."""
    task, frame = bounds.task, bounds.frame
    outer, *walls = (frame.polygon(polygon.ring) for polygon in fence.polygons)
    if not all(each.is_valid for each in (outer, *walls)):
        return False
    edges = shapely.union_all([outer.exterior, *walls])
    region = outer - shapely.union_all(walls) if walls else outer
    return bool(
        shapely.covers(outer, task.swept).all()
        and shapely.distance(edges, task.swept).min() >= SLACK_M
        and task.allowed.covers(region)
        and not shapely.intersects(region, task.forbidden).any()
    )


def narrowest_m(task: FenceTask) -> float:
    """The least distance between what is swept and what is forbidden or not allowed: why no fence fits."""
    gaps = [float(shapely.distance(part, task.swept).min()) for part in task.forbidden]
    if isinstance(task.allowed, Polygon | MultiPolygon) and not task.allowed.is_empty:
        gaps.append(float(shapely.distance(task.allowed.boundary, task.swept).min()))
    return min(gaps, default=0.0)
