"""Places from which a path must still look, because it has not seen everything: found, and put into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from missions.patterns.strip import Path, Shapes, covered, polygons

_ARC_SEGMENTS = 6
_MOST_CUTS = 8
# A part whose circle nearly fills the reach can be seen from next to nowhere; cut in two it costs less.
_LARGEST = 0.97
_MOST_LEGS = 16
_CUT_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A part of the target, by its size, and the zone from any place of which all of it is seen."""

    area_m2: float
    zone: BaseGeometry


@dataclass(frozen=True, slots=True, eq=False)
class Detour:
    """What to put into leg `leg` of a path: one or three vertices, `metres` longer."""

    metres: float
    leg: int
    vertices: Array


def looks(parts: Shapes, reach_m: float, room: BaseGeometry, least_m2: float) -> list[Look]:
    """Where to look from to see the parts, each cut until one place in `room` is enough; below `least_m2` dropped."""
    todo = [(part, 0) for part in parts.tolist()]
    found: list[Look] = []
    while todo:
        part, cuts = todo.pop()
        if part.area < least_m2:
            continue
        zone = _zone(part, reach_m, room)
        if zone is not None:
            found.append(Look(part.area, zone))
        elif cuts < _MOST_CUTS:
            todo += [(half, cuts + 1) for half in _halves(part)]
    return found


def _zone(part: Polygon, reach_m: float, room: BaseGeometry) -> BaseGeometry | None:
    """All places of `room` within reach of every corner of the part; None without any."""
    hull = shapely.convex_hull(part)
    if shapely.minimum_bounding_radius(hull) > _LARGEST * reach_m:
        return None
    corners = shapely.points(shapely.get_coordinates(hull)[:-1])
    zone = shapely.intersection_all(shapely.buffer(corners, reach_m, quad_segs=_ARC_SEGMENTS))
    zone = shapely.intersection(zone, room)
    return None if shapely.is_empty(zone) else zone


def _halves(part: Polygon) -> list[Polygon]:
    """The part cut across the middle of its longer side."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(part))
    if len(corners) < 4:
        return []
    sides = np.diff(corners[:3], axis=0)
    lengths = np.hypot(*sides.T)
    longer = int(np.argmax(lengths))
    along = sides[longer] / lengths[longer]
    across = np.array([-along[1], along[0]])
    middle = corners[longer] + sides[longer] / 2
    far_m = 2 * lengths.max()
    half = shapely.polygons(
        [middle - across * far_m, middle + across * far_m, middle + (across - along) * far_m,
         middle - (across + along) * far_m]
    )  # fmt: skip
    cut = np.array([shapely.intersection(part, half), shapely.difference(part, half)])
    return list(polygons(cut).tolist())


def look_in(path: Path, wanted: list[Look], room: BaseGeometry, spare_m2: float) -> Path:
    """The path led past the places from which to look, each by the shortest detour; rows are left, never bent.

    Parts of up to `spare_m2` together are given up, those first that cost most metres for what they show.
    """
    costs = [_detour(path, look, room) for look in wanted]
    worth = [
        look.area_m2 / max(found.metres, _CUT_M) if found else 0.0 for look, found in zip(wanted, costs, strict=True)
    ]
    ranked = [wanted[index] for index in np.argsort(worth).tolist()]
    kept = int(np.searchsorted(np.cumsum([look.area_m2 for look in ranked]), spare_m2, side="right"))
    for look in reversed(ranked[kept:]):
        detour = _detour(path, look, room)
        if detour is not None:
            path = _with(path, detour)
    return path


def _detour(path: Path, look: Look, room: BaseGeometry) -> Detour | None:
    """The shortest detour into the zone: a bend of a move, or out from any leg and back; None without a free one."""
    legs = path.legs
    near = _nearest(legs, look.zone)
    begin, end = legs[near].transpose(1, 0, 2)
    pairs = shapely.get_coordinates(shapely.shortest_line(look.zone, shapely.linestrings(legs[near])))
    place, foot = pairs.reshape(-1, 2, 2).transpose(1, 0, 2)
    back_m = 2 * np.hypot(*(foot - place).T)
    bend_m = np.hypot(*(begin - place).T) + np.hypot(*(place - end).T) - np.hypot(*(begin - end).T)
    bends = ~path.row[near] & (bend_m <= back_m)
    metres = np.where(bends, bend_m, back_m)
    for one in np.argsort(metres).tolist():
        stops = [begin[one], place[one], end[one]] if bends[one] else [foot[one], place[one]]
        if covered(room, np.stack((stops[:-1], stops[1:]), axis=1)).all():
            vertices = place[one, None] if bends[one] else np.stack((foot[one], place[one], foot[one]))
            return Detour(float(metres[one]), int(near[one]), vertices)
    return None


def _nearest(legs: Array, zone: BaseGeometry) -> NDArray[np.intp]:
    """The legs whose bounding boxes are nearest to the zone's."""
    bounds = shapely.bounds(zone)
    beyond = np.maximum(np.maximum(bounds[:2] - legs.max(axis=1), legs.min(axis=1) - bounds[2:]), 0.0)
    nearest: NDArray[np.intp] = np.argsort(np.hypot(*beyond.T), kind="stable")[:_MOST_LEGS]
    return nearest


def _with(path: Path, detour: Detour) -> Path:
    leg, was_row = detour.leg, bool(path.row[detour.leg])
    new = [was_row, False, False, was_row] if len(detour.vertices) == 3 else [False, False]
    return Path(
        np.insert(path.xy, leg + 1, detour.vertices, axis=0),
        np.concatenate((path.row[:leg], new, path.row[leg + 1 :])),
    )
