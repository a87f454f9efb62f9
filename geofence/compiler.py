"""The fence compiler: few polygons that hold one flight with its returns, and nothing that is forbidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.geo import LatLon
from geofence.frame import Array, LocalFrame
from geofence.onboard import ARDUCOPTER_LIMITS, FenceLimits, FencePolygon, OnboardFence
from geofence.sleeves import Sleeve, sleeves

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
_POLYGON = shapely.GeometryType.POLYGON
# A hull around more than so many forbidden areas takes more points than there are.
_MOST_ISLANDS = 12


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
    """`inner`: what the fence must hold; `kept_out`: what around it must be left out, `beside`: within 60 m of it."""

    task: FenceTask
    frame: LocalFrame
    limits: FenceLimits
    inner: BaseGeometry
    kept_out: Geometries
    beside: Geometries


def compile_fence(task: FenceTask, frame: LocalFrame, limits: FenceLimits = ARDUCOPTER_LIMITS) -> OnboardFence | None:
    """One inclusion polygon, and exclusion polygons where zones lie within it; None when none fits.

    `SLACK_M` wider than what is swept at least, inside `allowed`, off everything forbidden.
    """
    bounds = _bounds_of(task, frame, limits)
    if bounds is None:
        return None
    for rings in _candidates(bounds):
        if (fence := _stored(rings, bounds)) is not None and _holds(fence, bounds):
            return fence
    return None


def _bounds_of(task: FenceTask, frame: LocalFrame, limits: FenceLimits) -> _Bounds | None:
    """None when the flight comes so near to something that no fence runs in between."""
    union = shapely.union_all(shapely.buffer(task.swept, (SLACK_M + 2 * _OFF_M) / _CHORD, quad_segs=3))
    parts = shapely.get_parts(union)  # GEOS may give one polygon as a collection of one
    if len(parts) != 1 or not isinstance(inner := parts[0], Polygon):
        return None
    around = shapely.box(*shapely.bounds(inner.buffer(_WIDTHS_M[0] + 10.0)))
    near = task.forbidden[shapely.intersects(task.forbidden, around)]
    outside = around - task.allowed
    kept_out = np.array([*near, *(part for part in shapely.get_parts(outside) if part.area > 0.0)], dtype=np.object_)
    shapely.prepare(inner)
    beside = kept_out[shapely.dwithin(inner, kept_out, _WIDTHS_M[0])]
    if shapely.dwithin(inner, beside, _OFF_M).any():
        return None
    return _Bounds(task, frame, limits, inner, kept_out, beside)


def _grown(shapes: Geometries) -> Geometries:
    return np.asarray(shapely.buffer(shapes, _OFF_M, quad_segs=2))


def _candidates(bounds: _Bounds) -> Iterator[list[Array]]:
    """Outer rings, each with the walls within it, generous first: hulls, hulls cut to what is free, short rings."""
    hull = shapely.MultiPoint(shapely.get_coordinates(bounds.task.swept)).convex_hull
    yield from _hulls(hull, bounds)
    yield from _short_rings(bounds)


def _hulls(hull: BaseGeometry, bounds: _Bounds) -> Iterator[list[Array]]:
    _, always = _hull(hull, _WIDTHS_M[-1], bounds.kept_out)
    if len(always) > _MOST_ISLANDS:
        return
    regions = [_hull(hull, width, bounds.kept_out) for width in _WIDTHS_M]
    for cut in (False, True):
        for region, met in regions:
            if len(met) > _MOST_ISLANDS:
                continue
            area = (region - shapely.union_all(_grown(met))).simplify(_OFF_M) if cut else region
            for part in _parts_round(area, bounds):
                outer = _open(part)
                walls = _walls(met, Polygon(part.exterior), bounds) if bounds.limits.hold((len(outer),)) else None
                if walls is not None:
                    yield [outer, *walls]


def _hull(hull: BaseGeometry, width_m: float, kept_out: Geometries) -> tuple[BaseGeometry, Geometries]:
    """The area up to `width_m` around a hull, and those of `kept_out` that it meets."""
    region: BaseGeometry = hull.buffer(width_m, quad_segs=3)
    shapely.prepare(region)
    return region, kept_out[shapely.dwithin(region, kept_out, _OFF_M)]


def _sleeves(filled: Polygon, width_m: float, bounds: _Bounds) -> Iterator[Sleeve]:
    """The room up to `width_m` around the flight: round it, and round what it encloses."""
    met = bounds.beside[shapely.dwithin(bounds.inner, bounds.beside, width_m)]
    room = filled.buffer(width_m, quad_segs=2) - shapely.union_all([filled, *_grown(met)])
    return sleeves(filled, room)


def _short_rings(bounds: _Bounds) -> Iterator[list[Array]]:
    """The rings with the fewest vertices, looked for ever harder."""
    from geofence.shortring import FINE, ROUGH, short_ring  # noqa: PLC0415  (slow to import, and not always needed)

    filled = _without_empty_holes(bounds)
    wide = tuple(_sleeves(filled, _WIDTHS_M[0], bounds))
    yield from _one_in_each(wide, partial(short_ring, effort=ROUGH), bounds)
    yield from _one_in_each(tuple(_sleeves(filled, _WIDTHS_M[2], bounds)), partial(short_ring, effort=ROUGH), bounds)
    yield from _one_in_each(wide, partial(short_ring, effort=FINE), bounds)


def _one_in_each(
    rooms: Sequence[Sleeve], ring_in: Callable[[Sleeve], Array | None], bounds: _Bounds
) -> Iterator[list[Array]]:
    """A ring in each room, the largest first; nothing when one has none or they have too many vertices."""
    found: list[Array] = []
    for room in rooms:
        ring = ring_in(room)
        if ring is None:
            return
        found.append(ring)
        if not bounds.limits.hold(tuple(map(len, found))):
            return
    yield sorted(found, key=lambda ring: -Polygon(ring).area)


def _without_empty_holes(bounds: _Bounds) -> Polygon:
    """What the fence must hold, with what it may hold as well: places that it goes round and nothing lies in."""
    rings = shapely.get_rings(bounds.inner)
    within = shapely.polygons(rings[1:])
    full = np.unique(shapely.STRtree(bounds.kept_out).query(within, predicate="intersects")[0])
    return Polygon(rings[0], rings[1:][full].tolist())


def _parts_round(region: BaseGeometry, bounds: _Bounds) -> Iterator[Polygon]:
    """The part of `region` that holds the whole flight, if one does."""
    for part in shapely.get_parts(region):
        if isinstance(part, Polygon) and part.area >= bounds.inner.area * 0.5 and part.covers(bounds.task.swept[0]):
            yield part


def _stored(rings: list[Array], bounds: _Bounds) -> OnboardFence | None:
    """Outer ring and walls as the vehicle will hold them, 1e-7 degree; None when they are too many or too long."""
    outer, *walls = (_places(ring, bounds.frame) for ring in rings)
    counts = (len(outer), *map(len, walls))
    if not bounds.limits.hold(counts) or min(counts) < 3:
        return None
    polygons = (FencePolygon(outer, inclusion=True), *(FencePolygon(wall, inclusion=False) for wall in walls))
    return OnboardFence(polygons, bounds.task.ceiling_rel_m)


def _walls(islands: Geometries, within: Polygon, bounds: _Bounds) -> list[Array] | None:
    """Rings around those of `islands` that meet the area, joined where they touch.

    None when one reaches across its edge.
    """
    walls: list[Array] = []
    met = islands[shapely.intersects(within, islands)]
    if not shapely.contains_properly(within, met).all():
        return None
    joined = shapely.get_parts(shapely.union_all(shapely.buffer(met, 2 * _OFF_M, quad_segs=1)))
    if not shapely.contains_properly(within, joined).all():
        return None
    for island in joined:
        wall = _wall(island, bounds)
        if wall is None:
            return None
        walls.append(wall)
    return walls


def _wall(island: Polygon, bounds: _Bounds) -> Array | None:
    """The simplest polygon around `island` that keeps off the flight."""
    tolerances_m = np.array([0.0, *2 * _TOLERANCES_M[::-1]])
    hull, outline = island.convex_hull, Polygon(island.exterior)
    drawn = np.array([shapely.oriented_envelope(island), *4 * [hull], *4 * [outline]], dtype=np.object_)
    drawn[1:] = shapely.simplify(drawn[1:], tolerances_m[1:])
    choices = shapely.buffer(drawn, tolerances_m + _OFF_M, quad_segs=16, join_style="mitre")
    fits = (shapely.get_type_id(choices) == _POLYGON) & (shapely.get_num_interior_rings(choices) == 0)
    fits &= shapely.covers(choices, island) & ~shapely.intersects(bounds.inner, choices)
    fitting = choices[fits]
    return _open(fitting[np.argmin(shapely.get_num_coordinates(fitting))]) if len(fitting) else None


def _open(area: BaseGeometry) -> Array:
    """The outer ring of a polygon, (N, 2)."""
    return np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(area))[:-1])


def _places(ring: Array, frame: LocalFrame) -> tuple[LatLon, ...]:
    places = frame.to_places(ring)
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
    _, away_m = shapely.STRtree(task.swept).query_nearest(task.forbidden, return_distance=True, all_matches=False)
    gaps = [float(away_m.min())] if len(away_m) else []
    if isinstance(task.allowed, Polygon | MultiPolygon) and not task.allowed.is_empty:
        gaps.append(float(shapely.distance(task.allowed.boundary, task.swept).min()))
    return min(gaps, default=0.0)
