"""The fence compiler: a polygon small enough for the autopilot that holds one flight and all its returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.scene import FlightPath, Scene, lay_out
from geofence.zones import Airspace

# Tried on ArduCopter (planning guide, section 8.1): 70 items, 560 bytes = 5 + (2 + 8 n) for a polygon of n vertices.
MOST_VERTICES = 69
MOST_BYTES = 560
# Room between the flight and the fence (ArduPilot's wiki asks for waypoints at least 10 m inside).
SLACK_M = 10.0
# Widths tried, generous first: a vehicle that is pushed aside should not breach before it must.
_WIDTHS_M = (60.0, 45.0, 30.0, 20.0, 14.0, SLACK_M)
_TOLERANCES_M = (0.1, 0.5, 2.0, 5.0, 10.0, 20.0)

# How near the chords of a buffer with three segments to the quarter come, as a share of its distance: cos(90° / 4),
# as one chord may span one segment and a half (planning guide, section 3.3).
_CHORD = 0.92


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


def fence_bytes(fence: OnboardFence) -> int:
    """What the fence takes of the autopilot's storage."""
    return 5 + sum(2 + 8 * len(polygon.ring) for polygon in fence.polygons)


def compile_fence(flight: FlightPath, airspace: Airspace, frame: LocalFrame) -> OnboardFence | Conflict:
    """One inclusion polygon around the flight and its straight returns, `SLACK_M` wider than them at least.

    It lies inside the inclusions and off the exclusions that the flight's altitudes meet. Its ceiling is
    `flight.top_rel_m`. A conflict `fence-not-feasible` when no polygon of at most `MOST_VERTICES` does all that.
    """
    return compile_scene(lay_out(flight, airspace, frame))


def compile_scene(scene: Scene) -> OnboardFence | Conflict:
    """As `compile_fence`, of a flight that is laid out already."""
    allowed = scene.allowed()
    forbidden = shapely.union_all([one.shape for one in scene.exclusions])
    for candidate in _candidates(scene, allowed, forbidden):
        ring = _stored_ring(candidate, scene.frame)
        if ring and _holds(scene.frame.polygon(ring), scene, allowed, forbidden):
            return OnboardFence((FencePolygon(ring, inclusion=True),), scene.flight.top_rel_m)
    return _not_feasible(scene, allowed, forbidden)


def _candidates(scene: Scene, allowed: BaseGeometry, forbidden: BaseGeometry) -> Iterator[BaseGeometry]:
    """Polygons to try: the hull; the hull cut to what is free; the star region, simplified towards the outside."""
    hull = shapely.MultiPoint(scene.corners.reshape(-1, 2)).convex_hull
    for width in _WIDTHS_M:
        yield hull.buffer(width, quad_segs=3)
    free = allowed.buffer(-2.0) - forbidden.buffer(2.0, quad_segs=4)
    for width in _WIDTHS_M:
        yield (hull.buffer(width, quad_segs=3) & free).simplify(1.5)
    star = scene.star()
    for width in _WIDTHS_M:
        for tolerance in _TOLERANCES_M:
            grown = star.buffer(max(width, SLACK_M / _CHORD + tolerance), quad_segs=3)
            yield grown.simplify(tolerance)
            yield (grown & free).simplify(min(tolerance, 1.5))


def _stored_ring(candidate: BaseGeometry, frame: LocalFrame) -> tuple[LatLon, ...]:
    """The open outer ring as the vehicle will hold it, 1e-7 degree; () when there are several or too many vertices.

    Holes are left out: buffers make tiny ones by accident, and one with a zone in it does not pass the proof.
    """
    if not isinstance(candidate, Polygon) or candidate.is_empty:
        return ()
    places = frame.to_places(shapely.get_coordinates(candidate.exterior)[:-1])
    ring = tuple(at for index, at in enumerate(places) if at != places[index - 1])
    return ring if 3 <= len(ring) <= MOST_VERTICES else ()


def _holds(fence: Polygon, scene: Scene, allowed: BaseGeometry, forbidden: BaseGeometry) -> bool:
    """The proof, on the ring as stored and each sweep by itself: exact distances, no widened shape (finding 1)."""
    return bool(
        fence.is_valid
        and shapely.covers(fence, scene.sweeps).all()
        and scene.gap_m(fence.exterior) >= SLACK_M
        and allowed.covers(fence)
        and not fence.intersects(forbidden)
    )


def _not_feasible(scene: Scene, allowed: BaseGeometry, forbidden: BaseGeometry) -> Conflict:
    room_m = min(
        scene.gap_m(forbidden) if not forbidden.is_empty else float("inf"),
        scene.gap_m(allowed.boundary)
        if isinstance(allowed, Polygon | MultiPolygon) and not allowed.is_empty
        else 0.0,
    )
    detail = (
        f"No on-board fence of at most {MOST_VERTICES} vertices holds this flight and its straight returns with "
        f"{SLACK_M:g} m of room; the narrowest place leaves {room_m:.1f} m."
    )
    return Conflict(code="fence-not-feasible", detail=detail, pointer="/geometry")
